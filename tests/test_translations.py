"""Every text is there in every language, and what is compiled is what is written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

from pushhub.translations.message_texts import CATALOGUES, LOCALES

ROOT = CATALOGUES.parents[1]
PLACEHOLDER = re.compile(r"%\(\w+\)s|\{\w+\}")


def catalogue(locale: str) -> Catalog:
    with file(locale, "po").open("rb") as written:
        return read_po(written, locale=locale)


def file(locale: str, kind: str) -> Path:
    return CATALOGUES / locale / "LC_MESSAGES" / f"messages.{kind}"


@pytest.fixture(scope="module")
def texts() -> set[str]:
    """The texts of the code and the pages."""
    with (CATALOGUES / "babel.cfg").open() as mapping:
        methods, options = parse_mapping_cfg(mapping)  # type: ignore[no-untyped-call]
    found: set[str] = set()
    for package in sorted({pattern.split("/")[0] for pattern, _ in methods}):
        where = [(pattern.partition("/")[2], method) for pattern, method in methods if pattern.startswith(package)]
        for _file, _line, text, _comments, _context in extract_from_dir(ROOT / package, where, options):
            found.add(text if isinstance(text, str) else text[0])
    assert len(found) > 100
    return found


@pytest.mark.parametrize("locale", LOCALES)
def test_every_text_is_translated(locale: str, texts: set[str]) -> None:
    translated = {str(message.id) for message in catalogue(locale) if message.id and message.string}
    assert sorted(texts - translated) == []


@pytest.mark.parametrize("locale", LOCALES)
def test_no_translation_is_a_guess_or_for_a_text_that_is_gone(locale: str, texts: set[str]) -> None:
    messages = [message for message in catalogue(locale) if message.id]
    assert [message.id for message in messages if message.fuzzy] == []
    assert sorted({str(message.id) for message in messages} - texts) == []


@pytest.mark.parametrize("locale", LOCALES)
def test_translations_have_the_same_values_put_in(locale: str) -> None:
    for message in catalogue(locale):
        if message.id:
            values, translated = PLACEHOLDER.findall(str(message.id)), PLACEHOLDER.findall(str(message.string))
            assert sorted(values) == sorted(translated), message.id


@pytest.mark.parametrize("locale", LOCALES)
def test_what_is_compiled_is_what_is_written(locale: str) -> None:
    with file(locale, "mo").open("rb") as stored:
        compiled = {message.id: message.string for message in read_mo(stored) if message.id}
    written = {message.id: message.string for message in catalogue(locale) if message.id}
    assert compiled == written, "run: pybabel compile -d pushhub/translations"
