"""How much a test run looks at: `pytest --depth quick|standard|long` (`make quick`, `make test`, `make test-long`).

A test that needs a database says with a marker on which engines it runs; where it says nothing, what it looks at is
the same on each, and one is enough. `docs/testing.md` tells which kinds of test run where, and why that is enough.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest

ENGINES = ("sqlite", "postgresql")
#: For tests that name no engine: the one that the service brings along.
ONE_ENGINE = "sqlite"
#: Real browsers, real processes that are broken, requests that are made up, commands in processes of their own.
NOT_QUICK = (
    "tests/browser/",
    "tests/faults/",
    "tests/races/",
    "tests/robustness/test_fuzz.py",
    "tests/test_benchmarks.py",
    "tests/test_installation.py",
)

MARKERS = (
    "both_engines: where SQL differs or races: runs on SQLite and on PostgreSQL",
    "postgresql: of PostgreSQL alone",
    "sqlite: of SQLite alone",
    "long: runs before a release (`make test-long`), not before each landing",
)


def engines_of(test: pytest.Item | pytest.Function, depth: str) -> tuple[str, ...]:
    """The engines on which a test runs at this depth. At `quick` there is SQLite alone, so a test that is about
    PostgreSQL keeps its engine and is left out by `is_left_out`."""
    named = next((mark.name for mark in test.iter_markers() if mark.name in (*ENGINES, "both_engines")), None)
    if named in ENGINES:
        return (str(named),)
    if depth == "long" or (depth == "standard" and named == "both_engines"):
        return ENGINES
    return (ONE_ENGINE,)


def is_left_out(test: pytest.Item, depth: str) -> bool:
    """Whether a run of this depth leaves the test out."""
    if depth != "long" and test.get_closest_marker("long"):
        return True
    return depth == "quick" and (test.nodeid.startswith(NOT_QUICK) or _engine(test) == "postgresql")


def _engine(test: pytest.Item) -> str | None:
    call = getattr(test, "callspec", None)
    return call.params.get("engine_name") if call is not None else None


def sort_out(tests: list[pytest.Item], depth: str) -> Iterable[pytest.Item]:
    """Take what this depth leaves out away from `tests`; returns it."""
    left_out = [test for test in tests if is_left_out(test, depth)]
    away = set(left_out)
    tests[:] = [test for test in tests if test not in away]
    return left_out
