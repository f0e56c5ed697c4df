"""The tables of a TOML file, read key by key. What is wrong is refused with file, line, key, and what the key takes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pushhub.cabinets.profile import LocalizedText
from pushhub.kernel.errors import ConfigurationError
from pushhub.translations.message_texts import LOCALES

_MISSING = object()


class Section:
    """One table of the file; remembers which keys were read, so that a misspelt one is found."""

    def __init__(self, path: Path, place: str, values: Mapping[str, Any], lines: Mapping[str, int]) -> None:
        self._path = path
        self._place = place
        self._values = values
        self._lines = lines
        self._open = set(values)
        self._parts: list[Section] = []

    @property
    def folder(self) -> Path:
        """Where the file is: other files that it names are beside it."""
        return self._path.parent

    def refuse(self, key: str, takes: str) -> ConfigurationError:
        """What to raise about a key: `indigo.toml, line 12: code.digits takes a whole number from 4 to 8.`"""
        line = self._line_of(f"{self._place}{key}")
        return ConfigurationError(f"{self._path}{f', line {line}' if line else ''}: {self._place}{key} {takes}.")

    def done(self) -> None:
        """Raises where a key was not read: the engine knows nothing of it."""
        for key in sorted(self._open):
            raise self.refuse(key, "is not a key that a profile has; correct its name or remove it")
        for part in self._parts:
            part.done()

    def has(self, key: str) -> bool:
        return key in self._values

    def text(self, key: str, form: re.Pattern[str] | None = None, takes: str = "takes a text") -> str:
        value = self._take(key)
        if not isinstance(value, str) or not value.strip() or (form and not form.fullmatch(value)):
            raise self.refuse(key, takes)
        return value

    def text_or_none(self, key: str) -> str | None:
        return self.text(key) if key in self._values else None

    def link(self, key: str) -> str | None:
        value = self._take(key, None)
        if value is not None and (not isinstance(value, str) or not value.startswith("https://")):
            raise self.refuse(key, "takes an https:// address")
        return value

    def whole(self, key: str, low: int, high: int, default: int | None = None) -> int:
        value = self._take(key, _MISSING if default is None else default)
        if type(value) is not int or not low <= value <= high:
            raise self.refuse(key, f"takes a whole number from {low} to {high}")
        return value

    def flag(self, key: str, default: bool | None = None) -> bool:
        value = self._take(key, _MISSING if default is None else default)
        if not isinstance(value, bool):
            raise self.refuse(key, "takes true or false")
        return value

    def one_of(self, key: str, known: tuple[str, ...], default: str | None = None) -> str:
        value = self._take(key, _MISSING if default is None else default)
        if value not in known:
            raise self.refuse(key, f"takes one of: {', '.join(known)}")
        return str(value)

    def some_of(self, key: str, known: tuple[str, ...], *, none: bool = False) -> tuple[str, ...]:
        """A list of known texts, each at most once. `none`: it may be left out or empty."""
        value = self._take(key, [] if none else _MISSING)
        if not isinstance(value, list) or not (value or none) or any(item not in known for item in value):
            raise self.refuse(key, f"takes a list of some of: {', '.join(known)}")
        if len(set(value)) < len(value):
            raise self.refuse(key, "takes each of its values once")
        return tuple(value)

    def texts(self, key: str) -> tuple[str, ...]:
        value = self._take(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.refuse(key, "takes a list of texts")
        return tuple(value)

    def words(self, key: str) -> LocalizedText:
        value = self._take(key)
        if (
            not isinstance(value, dict)
            or set(value) != set(LOCALES)
            or not all(isinstance(text, str) and text.strip() for text in value.values())
        ):
            raise self.refuse(key, f"takes a text in each of: {', '.join(LOCALES)}")
        return LocalizedText(**value)

    def words_or_none(self, key: str) -> LocalizedText | None:
        return self.words(key) if key in self._values else None

    def part(self, key: str) -> Section:
        value = self._take(key)
        if not isinstance(value, dict):
            raise self.refuse(key, "takes a table")
        return self._below(f"{key}.", value)

    def part_or_none(self, key: str) -> Section | None:
        return self.part(key) if key in self._values else None

    def parts(self, key: str) -> Iterator[Section]:
        value = self._take(key, [])
        if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
            raise self.refuse(key, f"takes tables, written [[{key}]]")
        for place, entry in enumerate(value, 1):
            yield self._below(f"{key}[{place}].", entry)

    def _take(self, key: str, default: Any = _MISSING) -> Any:
        self._open.discard(key)
        value = self._values.get(key, default)
        if value is _MISSING:
            raise self.refuse(key, "is missing")
        return value

    def _below(self, place: str, values: Mapping[str, Any]) -> Section:
        below = Section(self._path, f"{self._place}{place}", values, self._lines)
        self._parts.append(below)
        return below

    def _line_of(self, place: str) -> int | None:
        """The line of a key; where it is missing, that of its table."""
        while place and place not in self._lines:
            place = place[: max(place.rfind("."), place.rfind("["), 0)]
        return self._lines.get(place)


_TABLE = re.compile(r"\s*\[([A-Za-z0-9_.-]+)\]\s*(#.*)?")
_ENTRY = re.compile(r"\s*\[\[([A-Za-z0-9_.-]+)\]\]\s*(#.*)?")
_KEY = re.compile(r"\s*([A-Za-z0-9_.-]+)\s*=\s*(.*)")


def lines_of(text: str) -> dict[str, int]:
    """The line of each table and key of a TOML document, by its place: `registration.fields[2].kind`.

    Of inline tables only the table itself has a line.
    """
    found: dict[str, int] = {}
    entries: dict[str, int] = {}
    here, within = "", ""
    for number, line in enumerate(text.splitlines(), 1):
        if within:
            if within in line:
                within = ""
        elif entry := _ENTRY.fullmatch(line):
            name = _counted(entry[1], entries)
            entries[name] = entries.get(name, 0) + 1
            here = f"{name}[{entries[name]}]"
            found[here] = number
            found.setdefault(name, number)
        elif table := _TABLE.fullmatch(line):
            here = _counted(table[1], entries)
            found[here] = number
        elif key := _KEY.match(line):
            found[f"{here}.{key[1]}" if here else key[1]] = number
            opened = next((quotes for quotes in ('"""', "'''") if key[2].startswith(quotes)), "")
            within = opened if opened and opened not in key[2][3:] else ""
    return found


def _counted(name: str, entries: Mapping[str, int]) -> str:
    """`registration.fields.help` below the second `[[registration.fields]]` is `registration.fields[2].help`."""
    place = ""
    for part in name.split("."):
        if place in entries:
            place = f"{place}[{entries[place]}]"
        place = f"{place}.{part}" if place else part
    return place
