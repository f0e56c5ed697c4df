"""What a letter says, as text and as HTML: both are made of the same blocks, so that nothing is written twice.

A template is a text of the catalogue. What its lines are follows from the template, before any value is put in, so that
no value can make itself a link:

    Sign in: %(entrance)s     a button, where `entrance` is one of the links
    %(link)s                  the same, with words of its own
    Password: %(password)s    a fact: something to be copied
    anything else             words
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

_PLACE = re.compile(r"(?:(?P<label>[^%]+?):\s+)?%\((?P<name>\w+)\)s")
#: What ends a line somewhere. In a value it would make lines that are not ours.
_LINE_ENDS = re.compile(r"[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+")


@dataclass(frozen=True, slots=True)
class Paper:
    """What a letter is written on: the colours of whoever sends it, as `#rrggbb`, by day and in the dark."""

    accent: str
    accent_deep: str
    dark_accent: str
    dark_accent_deep: str


@dataclass(frozen=True, slots=True)
class LetterLine:
    """A line of a paragraph."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Fact:
    """A line with something to be copied, and what that is."""

    label: str
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Lines that belong together."""

    lines: tuple[LetterLine | Fact, ...]


@dataclass(frozen=True, slots=True)
class Button:
    """A link."""

    label: str
    url: str = field(repr=False)


Block = Paragraph | Button


@dataclass(frozen=True, slots=True)
class Written:
    """A letter that is ready to be posted."""

    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str = field(repr=False)


def written(
    paper: Paper, locale: str, title: str, template: str, values: Mapping[str, str], links: Mapping[str, str | None]
) -> Written:
    """A letter of translated templates.

    Args:
        links: which of the values are addresses, each with the words of its button; None: the words before it are its.
    """
    values = {name: _LINE_ENDS.sub(" ", value) for name, value in values.items()}
    subject = title % values
    blocks = tuple(blocks_of(template, values, links))
    html = _page().render(language=locale, subject=subject, blocks=blocks, paper=paper)
    return Written(subject, template % values, html)


def blocks_of(template: str, values: Mapping[str, str], links: Mapping[str, str | None]) -> Iterator[Block]:
    """What a template says with these values, from top to bottom."""
    for part in template.strip().split("\n\n"):
        lines: list[LetterLine | Fact] = []
        for line in part.splitlines():
            found = _PLACE.fullmatch(line)
            if found is None:
                lines.append(LetterLine(line % values))
            elif found["name"] not in links:
                lines.append(Fact(found["label"] or "", values[found["name"]]))
            else:
                if lines:
                    yield Paragraph(tuple(lines))
                    lines = []
                url = values[found["name"]]
                yield Button(links[found["name"]] or found["label"] or url, url)
        if lines:
            yield Paragraph(tuple(lines))


@lru_cache(maxsize=1)
def _page() -> Template:
    here = FileSystemLoader(Path(__file__).parent)
    return Environment(loader=here, autoescape=True, undefined=StrictUndefined, trim_blocks=True).get_template(
        "letter.html"
    )
