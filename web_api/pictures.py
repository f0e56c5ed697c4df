"""QR codes as pictures. Black on white with the quiet zone of four modules that ISO/IEC 18004 asks for, so
that they can be scanned in a dark page too."""

from __future__ import annotations

import io

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


def _drawn(link: str, factory: type[SvgPathFillImage] | type[PilImage]) -> bytes:
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_M, box_size=10, border=4)
    code.add_data(link)
    picture = io.BytesIO()
    code.make_image(image_factory=factory).save(picture)
    return picture.getvalue()
