"""Figures as text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

QUANTILES = ("p50", "p90", "p99", "max")


def quantiles(seconds: Sequence[float]) -> list[str]:
    """p50, p90, p99 and the maximum in milliseconds, each a value that was measured (nearest rank)."""
    ordered = sorted(seconds)
    if not ordered:
        return ["-"] * len(QUANTILES)
    ranks = [math.ceil(len(ordered) * share) - 1 for share in (0.5, 0.9, 0.99, 1.0)]
    return [f"{ordered[rank] * 1000:.1f}" for rank in ranks]


def middle(values: Sequence[float], digits: int = 0) -> str:
    """The median, with the least and the greatest where there are several."""
    if not values or any(math.isnan(value) for value in values):
        return "-"
    text = f"{median(values):,.{digits}f}"
    return text if len(values) == 1 else f"{text} ({min(values):,.{digits}f}-{max(values):,.{digits}f})"


def show(title: str, head: Sequence[str], rows: Sequence[Sequence[str]], words: int = 1) -> None:
    """One table. The first columns, as many as `words`, are no figures."""
    widths = [max(len(line[column]) for line in (head, *rows)) for column in range(len(head))]
    print(f"\n{title}\n")
    for line in (head, ["-" * width for width in widths], *rows):
        cells = [
            text.ljust(width) if column < words else text.rjust(width)
            for column, (text, width) in enumerate(zip(line, widths, strict=True))
        ]
        print("  " + "  ".join(cells).rstrip())


def progress(text: str) -> None:
    print(f"… {text}", flush=True)
