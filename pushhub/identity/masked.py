"""Values that show themselves only in part, so that they can't slip into a log."""

from __future__ import annotations


class Masked:
    """A value whose text form is its masked form. Dataclasses of this kind leave their own out (`repr=False`)."""

    __slots__ = ()

    @property
    def masked(self) -> str:
        """The form in which people see it."""
        raise NotImplementedError

    def __str__(self) -> str:
        return self.masked

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.masked})"
