"""A product's channel order: by which channels a code goes, and how long each has before the next. Pure.

Written as texts, `["push:20", "sms:60", "email"]`: the push has 20 seconds for the device's receipt, then the
code goes by SMS, and after a further 60 seconds by e-mail. The last one waits for nobody.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

from pushhub.channels.channel_table import CHANNELS, Receiver, receiver_of
from pushhub.kernel.errors import ChannelNotInRoute, ConfigurationError

PUSH = "push"
#: What can stand in a route. `push` is whatever reaches the bound device: FCM, APNs, Huawei, web push, its feed.
PLACES = (PUSH, *(name for name, row in CHANNELS.items() if row.receiver is not Receiver.DEVICE))

_SECONDS = (5, 300)
#: What the last one of a route has where a request puts another behind it.
SECONDS_OF_THE_LAST = 30
_HELP = 'Write it like ["push:20", "sms:60", "email"]: each but the last with its seconds.'


@dataclass(frozen=True, slots=True)
class Step:
    """One place of a route. `seconds` is what it has before the next one; None for the last."""

    channel: str
    seconds: int | None

    @property
    def patience(self) -> timedelta | None:
        return timedelta(seconds=self.seconds) if self.seconds is not None else None


@lru_cache(maxsize=1000)
def read_route(texts: tuple[str, ...]) -> tuple[Step, ...]:
    """The places of a route. Raises `ConfigurationError` that says what is wrong with it."""
    steps = tuple(_read_step(text, last=place == len(texts)) for place, text in enumerate(texts, start=1))
    names = [step.channel for step in steps]
    if not steps or len(set(names)) != len(names):
        raise ConfigurationError(f"Policy route takes each channel once, and at least one. {_HELP}")
    return steps


def _read_step(text: str, *, last: bool) -> Step:
    channel, timed, seconds = text.partition(":")
    if channel not in PLACES:
        raise ConfigurationError(f"Policy route knows {', '.join(PLACES)}; not {channel!r}. {_HELP}")
    if last and not timed:
        return Step(channel, None)
    low, high = _SECONDS
    if last or not seconds.isascii() or not seconds.isdigit() or not low <= int(seconds) <= high:
        raise ConfigurationError(
            f"Policy route: the last channel has no seconds, each other from {low} to {high}; not {text!r}. {_HELP}"
        )
    return Step(channel, int(seconds))


def written(steps: Sequence[Step]) -> list[str]:
    """A route as it is stored."""
    return [step.channel if step.seconds is None else f"{step.channel}:{step.seconds}" for step in steps]


def require_configured(steps: Sequence[Step], channels: Collection[str]) -> None:
    """Raises `ConfigurationError` where a route names a channel that this installation does not have."""
    for step in steps:
        if step.channel != PUSH and step.channel not in channels:
            raise ConfigurationError(
                f"Policy route names {step.channel}, which is not configured. "
                f"Set {' and '.join(CHANNELS[step.channel].variables)} first."
            )


def way_without_app(steps: Sequence[Step]) -> str | None:
    """By what a code goes to a number that no device has, if the route has such a place. E-mail is none: a mailbox has
    to be told."""
    return next((step.channel for step in steps if receiver_of(step.channel) is Receiver.NUMBER), None)


def chosen(steps: Sequence[Step], names: Sequence[str] | None) -> tuple[Step, ...]:
    """The places that one request wants, in its order, each with the patience that the product's route gives it.

    Raises `ChannelNotInRoute` for a name that the route does not have.
    """
    if names is None:
        return tuple(steps)
    known = {step.channel: step for step in steps}
    if unknown := [name for name in names if name not in known]:
        raise ChannelNotInRoute(channel=unknown[0], route=[step.channel for step in steps])
    wanted = [known[name] for name in dict.fromkeys(names)]
    # What was last in the route has no seconds of its own; before another channel it needs some.
    return tuple(
        Step(step.channel, (step.seconds or SECONDS_OF_THE_LAST) if place < len(wanted) else None)
        for place, step in enumerate(wanted, start=1)
    )
