"""QR codes as pictures: black on white with the quiet zone of four modules that ISO/IEC 18004 asks for, so that they
can be scanned in a dark page too. And for a script that draws them itself, without that zone."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Any

import qrcode
from qrcode.constants import ERROR_CORRECT_M
from qrcode.image.pil import PilImage
from qrcode.image.svg import SvgPathFillImage


def qr_svg(link: str) -> bytes:
    """The QR code of `link` as an SVG document."""
    return _drawn(link, SvgPathFillImage)


def qr_png(link: str) -> bytes:
    """The QR code of `link` as a PNG picture, 10 pixels a module."""
    return _drawn(link, PilImage)


@lru_cache(maxsize=500)
def qr_modules(link: str) -> dict[str, Any]:
    """The QR code of `link` in rows of hexadecimal digits. It is the same in every poll, and drawing it costs more than
    all the rest."""
    matrix: list[list[bool]] = _code(link, border=0).get_matrix()
    size = len(matrix)
    width = -(-size // 4)
    rows = [
        f"{int(''.join('1' if dark else '0' for dark in row).ljust(width * 4, '0'), 2):0{width}x}" for row in matrix
    ]
    return {"size": size, "rows": rows}


def _drawn(link: str, factory: type[SvgPathFillImage] | type[PilImage]) -> bytes:
    picture = io.BytesIO()
    _code(link, border=4).make_image(image_factory=factory).save(picture)
    return picture.getvalue()


def _code(link: str, *, border: int) -> qrcode.QRCode:
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_M, box_size=10, border=border)
    code.add_data(link)
    return code
