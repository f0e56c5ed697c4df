"""The control API: what arrived, scripts, declared targets. Plain HTTP/1.1, JSON, for the local machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from simulators.answers import to_json
from simulators.scripts import Script
from simulators.state import PROVIDERS, PUSH_PROVIDERS, Service, SimulatorState, TargetFacts
from simulators.wire import Reply, Request, parse_json

MAX_PAGE = 1000

HELP = {
    "GET /": "addresses, files and this help",
    "GET /arrived?after=&provider=&target=&limit=&newest=": f"what arrived, oldest first, {MAX_PAGE} at most; go on "
    "with after=<next_after>, or ask for the newest so many. status 200 (mail: 250) means the message was taken, "
    "answered that the sender was told so",
    "DELETE /arrived": "forget it, counts included",
    "POST /scripts": 'what to do with the next requests: {"provider", "target", "times" (null: for ever), '
    '"status", "reason", "timestamp" (ms), "retry_after" (s), "detail", "delay" (s), "fault", "reset_code"}; '
    "fault is reset, rst_stream, reset_after_taking, hang, truncate or half",
    "GET /scripts": "the scripts that stand",
    "DELETE /scripts": "forget them, goaway_after included",
    "POST /subscriptions": 'what PushManager.subscribe gives in a browser: {"application_server_key" (or left out: '
    "messages of every sender are taken)}",
    "POST /targets": 'declare a push target: {"target", "environment" (production, sandbox), "topic", '
    '"unregistered_since" (RFC 3339)}; what is left out is forgotten',
    "POST /settings": '{"goaway_after": {"apns": 1000}, "count_only": false}: after how many requests a '
    "connection is told to go away (null: never); keep counts only",
}

Handler = Callable[[dict[str, str], object], tuple[int, object]]


class Control(Service):
    """The service behind the control port. `about` gives addresses and files for `GET /`, `subscribe` a browser's
    push subscription."""

    name = "control"
    body_limit = 60 * 1024

    def __init__(
        self,
        state: SimulatorState,
        about: Callable[[], Mapping[str, Any]],
        subscribe: Callable[[str | None], Mapping[str, Any]],
    ) -> None:
        super().__init__(state)
        self._about = about
        self._subscribe = subscribe
        self._routes: dict[str, dict[str, Handler]] = {
            "/": {"GET": self._help},
            "/arrived": {"GET": self._arrived, "DELETE": self._forget_arrived},
            "/scripts": {
                "GET": self._scripts,
                "POST": self._add_script,
                "DELETE": self._forget_scripts,
            },
            "/targets": {"POST": self._declare},
            "/subscriptions": {"POST": self._new_subscription},
            "/settings": {"POST": self._set},
        }

    def answer(self, request: Request) -> Reply:
        """Answer in JSON; what is wrong with the request is told as `{"error": <sentence>}`."""
        path, _, query = request.path.partition("?")
        methods = self._routes.get(path)
        if methods is None:
            return _reply(404, {"error": f"There is no such path: use {', '.join(self._routes)}."})
        handler = methods.get(request.method)
        if handler is None:
            return _reply(405, {"error": f"Use {' or '.join(methods)} here."}, [("allow", ", ".join(methods))])
        try:
            status, value = handler(dict(parse_qsl(query)), _body(request))
        except ValueError as error:
            return _reply(400, {"error": str(error)})
        return _reply(status, value)

    def _help(self, query: dict[str, str], body: object) -> tuple[int, object]:
        return 200, {**self._about(), "help": HELP}

    def _arrived(self, query: dict[str, str], body: object) -> tuple[int, object]:
        if set(query) - {"after", "provider", "target", "limit", "newest"}:
            raise ValueError("Use only after, provider, target, limit and newest in the query.")
        limit = _number(query, "limit", 100)
        newest = _number(query, "newest", 0)
        if not 1 <= limit <= MAX_PAGE or newest > MAX_PAGE:
            raise ValueError(f"Give limit and newest as 1 to {MAX_PAGE}.")
        after = _number(query, "after", 0)
        provider = query.get("provider")
        if provider not in (None, *PROVIDERS):
            raise ValueError(f"Choose a provider among {', '.join(PROVIDERS)}.")
        inbox = self._state.inbox
        which = {"newest": newest} if newest else {"limit": limit}
        found = inbox.arrived(provider=provider, target=query.get("target"), after=after, **which)
        # A full page may have more behind it; otherwise everything up to now was looked at.
        next_after = found[-1].seq if len(found) == limit else max(after, inbox.last_seq)
        counts = {name: asdict(count) for name, count in inbox.counts.items()}
        return 200, {
            "arrived": [each.as_json() for each in found],
            "next_after": next_after,
            "counts": counts,
        }

    def _forget_arrived(self, query: dict[str, str], body: object) -> tuple[int, object]:
        self._state.inbox.clear()
        return 200, {}

    def _scripts(self, query: dict[str, str], body: object) -> tuple[int, object]:
        standing = self._state.scripts.all()[:MAX_PAGE]
        return 200, {
            "scripts": [each.as_json() for each in standing],
            "goaway_after": self._state.goaway_after,
        }

    def _add_script(self, query: dict[str, str], body: object) -> tuple[int, object]:
        return 201, {"id": self._state.scripts.add(Script.from_json(body))}

    def _forget_scripts(self, query: dict[str, str], body: object) -> tuple[int, object]:
        self._state.forget_scripts()
        return 200, {}

    def _declare(self, query: dict[str, str], body: object) -> tuple[int, object]:
        value = _object(body, {"target", "environment", "topic", "unregistered_since"})
        target, topic, environment = value.get("target"), value.get("topic"), value.get("environment")
        if not isinstance(target, str) or not target:
            raise ValueError("Give target as a string.")
        if topic is not None and not isinstance(topic, str):
            raise ValueError("Give topic as a string.")
        if environment not in (None, "production", "sandbox"):
            raise ValueError("Give environment as production or sandbox.")
        self._state.declare(target, TargetFacts(environment, topic, _time(value.get("unregistered_since"))))
        return 200, {}

    def _new_subscription(self, query: dict[str, str], body: object) -> tuple[int, object]:
        key = _object(body, {"application_server_key"}).get("application_server_key")
        if key is not None and not isinstance(key, str):
            raise ValueError("Give application_server_key as a string.")
        try:
            return 201, self._subscribe(key)
        except ValueError:
            raise ValueError("Give application_server_key in base64url.") from None

    def _set(self, query: dict[str, str], body: object) -> tuple[int, object]:
        value = _object(body, {"goaway_after", "count_only"})
        limits = value.get("goaway_after", {})
        if not isinstance(limits, dict) or set(limits) - set(PUSH_PROVIDERS):
            raise ValueError(f"Give goaway_after as an object with {', '.join(PUSH_PROVIDERS)}.")
        if any(type(each) is not int and each is not None for each in limits.values()):
            raise ValueError("Give goaway_after as whole numbers of requests, or null for never.")
        count_only = value.get("count_only", self._state.inbox.count_only)
        if not isinstance(count_only, bool):
            raise ValueError("Give count_only as true or false.")
        for provider, requests in limits.items():
            self._state.set_goaway_after(provider, requests)
        self._state.inbox.count_only = count_only
        return 200, {"goaway_after": self._state.goaway_after, "count_only": count_only}


def _reply(status: int, value: object, headers: list[tuple[str, str]] | None = None) -> Reply:
    return Reply(status, [("content-type", "application/json"), *(headers or [])], to_json(value))


def _body(request: Request) -> object:
    """The JSON body of a POST. The content type is demanded so that no web page can post here unasked."""
    if request.method != "POST":
        return None
    if request.too_long:
        raise ValueError("Send at most 60 KiB.")
    content_type = request.fields().get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/json":
        raise ValueError("Send JSON, with the header Content-Type: application/json.")
    return parse_json(request.body)


def _object(body: object, known: set[str]) -> dict[str, Any]:
    if not isinstance(body, dict) or set(body) - known:
        raise ValueError(f"Send a JSON object with {', '.join(sorted(known))} only.")
    return body


def _number(query: dict[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise ValueError(f"Give {name} as a whole number.")
    return int(text)


def _time(value: object) -> datetime | None:
    if value is None:
        return None
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise ValueError("Give unregistered_since as RFC 3339 with an offset, for example 2026-01-31T12:00:00Z.")
    return time
