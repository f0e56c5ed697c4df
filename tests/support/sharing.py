"""How tests are shared among workers (`pytest -n`): file by file; what gets in its own way goes to one worker."""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling

#: One browser at a time, and one town of dispatchers whose clocks and connections are broken.
_TOGETHER = ("tests/browser/", "tests/faults/")


class FileByFile(LoadScopeScheduling):
    """The largest first; the tests of a file stay together, and share what it prepares once."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return next((folder for folder in _TOGETHER if file.startswith(folder)), file)
