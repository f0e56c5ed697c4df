"""What a browser says of itself, as people tell their own sign-ins from others'."""

from __future__ import annotations

from flask import request

#: What in a browser's own description tells it from the others, the more special ones first.
_BROWSERS = {
    "YaBrowser/": "Yandex",
    "SamsungBrowser/": "Samsung Internet",
    "HuaweiBrowser/": "Huawei",
    "Edg/": "Edge",
    "OPR/": "Opera",
    "Firefox/": "Firefox",
    "CriOS/": "Chrome",
    "Chrome/": "Chrome",
    "Safari/": "Safari",
}
_SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Windows": "Windows",
    "Mac OS": "macOS",
    "Linux": "Linux",
}


def this_browser() -> str:
    """`Chrome, Windows`: the browser of this request."""
    agent = request.headers.get("User-Agent", "")
    found = [next((name for mark, name in known.items() if mark in agent), "") for known in (_BROWSERS, _SYSTEMS)]
    return ", ".join(name for name in found if name) or "?"
