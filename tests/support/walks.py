"""The ways through the service that docs/architecture.md draws, and what is really called."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from tests.support.sources import ROOT

Function = tuple[str, str]


def walk(name: str) -> list[Function]:
    """The functions of a walk in docs/architecture.md: (file, name)."""
    page = (ROOT / "docs" / "architecture.md").read_text()
    block = page.partition(f"```\nwalk: {name}\n")[2].partition("```")[0]
    return [(found[1], found[2]) for found in re.finditer(r"^  (\S+\.py) +([\w.]+)", block, re.MULTILINE)]


@contextmanager
def called() -> Iterator[list[Function]]:
    """The functions of the service in the order in which they are first called, in every thread."""
    found: dict[Function, None] = {}

    def note(frame: FrameType, event: str, _argument: Any) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(f"{ROOT}/") and "/tests/" not in code.co_filename:
            found.setdefault((code.co_filename[len(str(ROOT)) + 1 :], code.co_qualname))

    order: list[Function] = []
    threading.setprofile(note)
    sys.setprofile(note)
    try:
        yield order
    finally:
        sys.setprofile(None)
        threading.setprofile(None)  # type: ignore[arg-type]
        order += found


def assert_walked(name: str, order: list[Function], **stands_in: Function) -> None:
    """Every function of the page was called, each behind the one above it."""
    wanted = [stands_in.get(function, (file, function)) for file, function in walk(name)]
    assert len(wanted) > 5
    assert [function for function in wanted if function not in order] == []
    assert sorted(wanted, key=order.index) == wanted
