"""In which looks pages are examined: language, width of the window, light or dark."""

from __future__ import annotations

from itertools import product

import pytest

LANGUAGES = ("kk", "ru", "en")
#: The narrowest that WCAG asks for, a common phone, a desk.
WIDTHS = (320, 360, 1280)
SCHEMES = ("light", "dark")

#: Each language, width and scheme at least once; what is Kazakh or Russian has the longest words, so these are narrow.
FEW = (("kk", 320, "dark"), ("ru", 360, "light"), ("en", 1280, "dark"))

#: Parametrizes a test of looks. At depth long that is each of them, else a few.
every_look = pytest.mark.parametrize(
    ("language", "width", "scheme"),
    [
        pytest.param(*look, marks=() if look in FEW else pytest.mark.long)
        for look in product(LANGUAGES, WIDTHS, SCHEMES)
    ],
)
