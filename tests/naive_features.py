"""Naive: features of behaviour, in slow plain Python."""

from datetime import UTC, datetime
from itertools import pairwise
from math import exp, log

from naive import Journey

DAY = 86_400_000_000
HALF_HOUR, MINUTE = 1_800_000_000, 60_000_000


def activity(journey: Journey, until: int) -> list[float]:
    """Touchpoints, span, recency, gap, pause, sessions."""
    times = [time for time, _ in journey]
    if not times:
        return [0.0] * 6
    gaps = [b - a for a, b in pairwise(times)]
    typical = exp(sum(log(max(gap, MINUTE) / DAY) for gap in gaps) / len(gaps)) if gaps else 0.0
    mean = sum(gaps) / len(gaps) / DAY if gaps else 0.0
    sessions = 1 + sum(gap > HALF_HOUR for gap in gaps)
    return [len(times), (times[-1] - times[0]) / DAY, (until - times[-1]) / DAY, typical, mean, sessions]


def share(journey: Journey, name: str) -> float:
    """The share of touchpoints with a name."""
    return [touchpoint for _, touchpoint in journey].count(name) / len(journey) if journey else 0.0


def clock(journey: Journey) -> list[float]:
    """The shares of four parts of the day in UTC, and of the weekend."""
    moments = [datetime.fromtimestamp(time / 1_000_000, UTC) for time, _ in journey]
    count = max(1, len(moments))
    parts = [sum(moment.hour // 6 == part for moment in moments) / count for part in range(4)]
    return [*parts, sum(moment.isoweekday() >= 6 for moment in moments) / count]


def money(journey: Journey, goal: str, prices: list[int | None]) -> list[float]:
    """Purchases, value and basket in whole currency."""
    paid = [price for (_, name), price in zip(journey, prices, strict=True) if name == goal]
    known = [price / 10_000 for price in paid if price is not None and price > 0]
    basket = exp(sum(log(price) for price in known) / len(known)) if known else 0.0
    return [len(paid), sum(known), basket]
