"""How tests are shared among workers (`pytest -n`): file by file, those first that take long and mostly wait."""

from __future__ import annotations

from collections import Counter

import pytest
from xdist.scheduler import LoadScopeScheduling

#: A worker keeps its browser and its service as long as it goes from one of these files to the next.
_FIRST = ("tests/browser/", "tests/faults/")


class FileByFile(LoadScopeScheduling):
    """The tests of a file stay together, and share what it prepares once."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.partition("::")[0]


def longest_first(tests: list[pytest.Item]) -> None:
    """Put the files into the order in which workers take them; what is taken last should be short."""
    sizes = Counter(_file(test) for test in tests)
    tests.sort(key=lambda test: (_rank(_file(test)), -sizes[_file(test)]))


def _rank(file: str) -> int:
    return next((place for place, folder in enumerate(_FIRST) if file.startswith(folder)), len(_FIRST))


def _file(test: pytest.Item) -> str:
    return test.nodeid.partition("::")[0]
