"""IINs of people who are made up."""

from __future__ import annotations

from collections.abc import Iterator

from pushhub.identity.iin import check_digit


def iins(beginning: str) -> Iterator[str]:
    """Those that begin with these digits, one after the other."""
    width = 11 - len(beginning)
    for number in range(10**width):
        eleven = f"{beginning}{number:0{width}d}"
        last = check_digit(eleven)
        if last is not None:
            yield f"{eleven}{last}"
