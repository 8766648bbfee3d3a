"""Review: why a map should be looked at again: by the calendar, or since its numbers have moved (002-18, 002-21)."""

from datetime import date, timedelta
from math import ceil

import msgspec

from etappe.language import LANGUAGES, day, percent
from etappe.maps.binder import both
from etappe.maps.bound import SHOWN, BoundMap
from etappe.maps.model import Review
from etappe.units import duration_us
from etappe.vocabulary import I18n

DAY_US = 86_400_000_000


class Due(msgspec.Struct, frozen=True):
    """When the next review is, and why it is due now, if it is."""

    next: str | None
    reasons: tuple[I18n, ...]
    drift: float | None
    """The share of the held numbers that have left their interval; None where none is held."""


def next_day(review: Review | None) -> date | None:
    """The day of the next review by the calendar.

    Examples
    --------
    >>> next_day(Review(every="90d", last="2026-09-01"))
    datetime.date(2026, 11, 30)
    """
    if review is None or review.every is None or review.last is None:
        return None
    return date.fromisoformat(review.last) + timedelta(days=ceil(duration_us(review.every) / DAY_US))


def due(bound: BoundMap, today: date) -> Due:
    """Whether a map should be looked at again."""
    review = bound.map.review
    when = next_day(review)
    reasons: list[I18n] = []
    if when is not None and when <= today:
        reasons.append(both("map.review.calendar", day={lang: day(when.isoformat(), lang) for lang in LANGUAGES}))
    held = {e.id for e in bound.map.evidence if e.snapshot is not None and e.snapshot.ci is not None}
    now = [bound.evidence[id] for id in held if bound.evidence[id].state in SHOWN]
    moved = sum(b.state == "changed" for b in now)
    drift = moved / len(now) if now else None
    if drift is not None and drift >= (review or Review()).drift:
        share = {lang: percent(drift, lang, 0) for lang in LANGUAGES}
        reasons.append(both("map.review.drift", share=share, moved=moved, of=len(now)))
    return Due(when.isoformat() if when else None, tuple(reasons), drift)
