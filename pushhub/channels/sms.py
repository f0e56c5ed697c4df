"""SMS, through any gateway that Apprise has a plugin for: one short text to one number.

The gateway is an Apprise URL in which the receiver's number has a place (https://appriseit.com/services/). Apprise
is blocking, so each try runs in a thread of the channel's own; it answers yes or no and nothing else, and says why
only in its log, together with the number and the text. That log is shut off.
"""

from __future__ import annotations

import asyncio
import logging
import re
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import quote

from apprise import Apprise, AppriseAsset, PersistentStoreMode

from pushhub.channels.contract import USUAL, Accepted, Address, Message, Outcome, Rejected, Retry, TargetDead

log = logging.getLogger(__name__)

#: Tries under way at once.
THREADS = 8

#: Where the number goes: as +7701…, percent-encoded, or as digits alone.
NUMBER, DIGITS = "{number}", "{digits}"

#: A number of the right form that is nobody's, to find out at start whether the URL can be used.
_TRIAL = "+77000000000"
_E164 = re.compile(r"\+[0-9]{7,15}")

#: Apprise's plugin for SMPP says yes as soon as the message is on the wire, also where the gateway refuses it, and its
#: `smpps://` is not encrypted (2.2.0).
_UNFIT = ("smpp://", "smpps://")

#: Apprise's log, and the addresses it posts to: numbers and texts stand in both.
_TELL_TALES = "apprise"
_ADDRESSES = "urllib3.connectionpool"

_ASSET = AppriseAsset(async_mode=False, http_redirects=False, storage_mode=PersistentStoreMode.MEMORY)


@dataclass(frozen=True, slots=True)
class Gateway:
    """An Apprise URL with a place for the number."""

    template: str = field(repr=False)
    #: What Apprise calls the service, e.g. "SMS Eagle". Nothing secret.
    service: str

    @classmethod
    def parse(cls, template: str) -> Self:
        """Check a URL as far as that goes without sending. Raises ValueError, which quotes nothing."""
        _be_silent()
        if NUMBER not in template and DIGITS not in template:
            raise ValueError(f"must hold {NUMBER} or {DIGITS} where the receiver's number goes")
        if template.lower().startswith(_UNFIT):
            raise ValueError("can't be SMPP: Apprise takes a refused SMS for sent. Use the gateway's HTTP interface")
        with warnings.catch_warnings():  # all plugins are imported now, and some of them warn
            warnings.simplefilter("ignore")
            plugin = _plugin(_filled(template, _TRIAL))
        if plugin is None:
            raise ValueError(
                "is no URL that Apprise can use; https://appriseit.com/services/ shows how each is written"
            )
        return cls(template, str(plugin.service_name))

    def deliver(self, number: str, text: str, *, time_limit: float) -> bool | None:
        """Blocking: make one try, which its caller gives up on after `time_limit` seconds. True: the gateway took it;
        None: Apprise can't make sense of the number."""
        plugin = _plugin(_filled(self.template, number))
        if plugin is None:
            return None
        # Longer than the whole try. A plugin answers no to a gateway's silence as well, but a gateway that is slow may
        # have taken the message, and then it must not be sent again. (Where it can't be reached, no is the answer.)
        plugin.socket_read_timeout = time_limit + 1
        # The plugin's own notify, not Apprise's: that one would repeat the try if the URL says `retry=`.
        return bool(plugin.notify(body=text, title=""))


class SmsChannel:
    """Sends short messages through a gateway: `threads` at once, each in at most `time_limit` seconds."""

    name = "sms"

    def __init__(self, gateway: Gateway, *, time_limit: float = USUAL.sms, threads: int = THREADS) -> None:
        self._gateway = gateway
        self._time_limit = time_limit
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="sms")
        #: How many messages it takes at once.
        self.room = threads

    async def send(self, message: Message) -> Outcome:
        """Make one try, in at most 10 s. What has not begun by then is not begun any more."""
        target = message.target
        if not isinstance(target, Address):
            return Rejected("wrong_target_kind")
        if not _E164.fullmatch(target.value):
            return TargetDead("malformed_target")
        text = f"{message.title}: {message.body}" if message.title else message.body
        try:
            text.encode()
            under_way = self._threads.submit(self._gateway.deliver, target.value, text, time_limit=self._time_limit)
        except UnicodeEncodeError:  # a lone surrogate
            return Rejected("invalid_message")
        except RuntimeError:  # the threads have been given back
            return Retry("closed")
        try:
            taken = await asyncio.wait_for(asyncio.wrap_future(under_way), self._time_limit)
        except TimeoutError:
            return Retry("gateway_busy" if under_way.cancel() else "timeout")  # what has not begun was not sent
        except Exception as error:  # noqa: BLE001 - a hundred plugins raise what they like
            log.warning("the SMS gateway's plugin broke off", extra={"channel": "sms", "cause": type(error).__name__})
            return Retry("gateway_failed")
        if taken is None:
            return Rejected("number_not_understood")
        return Accepted(str(message.id)) if taken else Retry("gateway_refused")

    async def close(self) -> None:
        """Begin nothing more. A try under way ends by its own time limit."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _filled(template: str, number: str) -> str:
    return template.replace(NUMBER, quote(number, safe="")).replace(DIGITS, number.removeprefix("+"))


def _plugin(url: str) -> Any:
    return Apprise.instantiate(url, asset=_ASSET, suppress_exceptions=True)


def _be_silent() -> None:
    log_of_apprise = logging.getLogger(_TELL_TALES)
    log_of_apprise.propagate = False
    log_of_apprise.setLevel(logging.CRITICAL + 1)
    logging.getLogger(_ADDRESSES).setLevel(logging.WARNING)
