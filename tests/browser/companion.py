"""Who takes part in the stories of the companion app: a person whose browser is the phone, and a product."""

from __future__ import annotations

import io
import json
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import qrcode
from PIL import Image, ImageDraw, ImageFilter
from playwright.sync_api import Page, expect

from tests.browser.people import PATIENCE, Visitor
from tests.browser.service import Service


class Owner(Visitor):
    """A person whose browser is the phone: the app fills the window."""

    @property
    def phone(self) -> Page:  # type: ignore[override]
        return self.page

    def turn_to(self, side: str) -> None:
        """There is only the phone."""

    def show_picture(self, content: bytes) -> None:
        """Give the scanner a picture in place of the camera's."""
        picture = {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": content}
        self.page.locator("#photo").set_input_files(picture)  # type: ignore[arg-type]

    def bind_to(self, product: Product, number: str) -> None:
        """Bind the phone by what the product's cabinet shows, and go on to the feed."""
        offer = product.offer(number)
        self.type_number(number)
        self.type_password(offer["password"])
        expect(self.page.locator("#bound-continue")).to_be_visible()
        self.page.locator("#bound-continue").click()
        expect(self.page.locator("#feed-number")).to_be_visible()


TakePhone = Callable[..., Owner]


class Product:
    """An integrated product, with a live key, over the API."""

    def __init__(self, service: Service, name: str) -> None:
        self._url = service.url
        self.key = str(json.loads(service.operate("product", "create", "--name", name, "--json"))["live_key"])

    def call(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        request = urllib.request.Request(
            self._url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            document: dict[str, Any] = json.load(answer)
            return document

    def offer(self, number: str, assurance: str = "signed_in") -> dict[str, Any]:
        return self.call("POST", "/v1/offers", {"number": number, "assurance": assurance})

    def ask(self, number: str) -> dict[str, Any]:
        return self.call("POST", "/v1/verifications", {"number": number, "purpose": "sign_in"})

    def send_again(self, verification: dict[str, Any]) -> dict[str, Any]:
        return self.call("POST", f"/v1/verifications/{verification['id']}/resend")

    def show(self, verification: dict[str, Any]) -> dict[str, Any]:
        return self.call("GET", f"/v1/verifications/{verification['id']}")

    def check(self, verification: dict[str, Any], code: str) -> dict[str, Any]:
        return self.call("POST", f"/v1/verifications/{verification['id']}/check", {"code": code})

    def notify(self, number: str, title: str, body: str) -> dict[str, Any]:
        return self.call("POST", "/v1/notifications", {"to": number, "title": title, "body": body})


def wait_for_worker(page: Page) -> None:
    """Until the service worker has everything and looks after this page."""
    page.wait_for_function("() => navigator.serviceWorker.controller?.state === 'activated'")


def wait_until(page: Page, holds: Callable[[], bool]) -> None:
    """Until something holds that is not to be seen on a page; meanwhile the browser goes on."""
    given_up = time.monotonic() + PATIENCE / 1000
    while not holds():
        assert time.monotonic() < given_up
        page.wait_for_timeout(50)


def photo_of(link: str, *, width: int = 1500, height: int = 1100) -> bytes:
    """A QR code as a phone's camera takes it off a screen: askew, soft, on a dim background, as JPEG."""
    picture = _scene(link, width, height, share=0.45)
    kept = io.BytesIO()
    picture.save(kept, "JPEG", quality=80)
    return kept.getvalue()


def film_of(link: str, path: Path, *, width: int = 640, height: int = 480) -> None:
    """A video for Chromium's simulated camera: first nothing but a wall, then the QR code."""
    wall = Image.new("L", (width, height), 150)
    with path.open("wb") as film:
        film.write(f"YUV4MPEG2 W{width} H{height} F10:1 Ip A1:1 C420jpeg\n".encode())
        for picture in [wall] * 5 + [_scene(link, width, height, share=0.6)] * 10:
            film.write(b"FRAME\n" + picture.tobytes() + bytes([128]) * (width * height // 2))


def _scene(link: str, width: int, height: int, *, share: float) -> Image.Image:
    code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, border=4)
    code.add_data(link)
    buffer = io.BytesIO()
    code.make_image().save(buffer)
    side = int(height * share)
    drawn = Image.open(buffer).convert("L").resize((side, side), Image.Resampling.LANCZOS)
    scene = Image.new("L", (width, height), 90)
    ImageDraw.Draw(scene).rectangle((width // 8, height // 10, width * 7 // 8, height * 9 // 10), fill=235)
    turned = drawn.rotate(7, expand=True, fillcolor=235, resample=Image.Resampling.BICUBIC)
    scene.paste(turned, ((width - turned.width) // 2, (height - turned.height) // 2))
    soft = scene.filter(ImageFilter.GaussianBlur(height / 700))
    return soft.point([round(30 + value * 0.75) for value in range(256)])
