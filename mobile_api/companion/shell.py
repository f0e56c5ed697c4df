"""What the app consists of, and the name of its version: the digest of all of it.

The service worker keeps the shell (pages, styles, scripts) under that name. Whatever changes, a text or a byte of
a script, makes another version, so no phone can be left with half of an old one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from pushhub.http.design import design

#: (file, pixels, purpose): `maskable` ones fill their square, so that a phone can cut any shape out of them.
ICONS = (
    ("icon-192.png", 192, "any"),
    ("icon-512.png", 512, "any"),
    ("maskable-192.png", 192, "maskable"),
    ("maskable-512.png", 512, "maskable"),
)
#: Of the files that all pages share, those that the app uses.
_SHARED = ("base.css", "page.js", "mark.svg")
_OWN = Path(__file__).with_name("static")


def files_of_the_shell() -> list[tuple[str, str]]:
    """(blueprint, file name) of everything that the app needs when there is no network. The reader of QR codes is
    not among it: binding needs the network anyway."""
    own = sorted(path.name for path in _OWN.iterdir() if path.suffix in (".js", ".css"))
    icons = ("icons/icon-192.png", "icons/badge-96.png")
    return [("design", name) for name in _SHARED] + [("companion", name) for name in (*own, *icons)]


def version_of(shells: Mapping[str, str], files: Iterable[tuple[str, str]]) -> str:
    """The name of this version: a digest of the pages and of every file."""
    digest = hashlib.sha256()
    for language, page in sorted(shells.items()):
        digest.update(f"{language}\0{page}\0".encode())
    for place, name in files:
        folder = _OWN if place == "companion" else Path(design.static_folder or "")
        digest.update(f"{place}/{name}\0".encode() + (folder / name).read_bytes())
    return digest.hexdigest()[:16]
