"""Effect: the numbers that an opportunity is about, before and after the change, with the interval of the difference.

Both periods are equally long and whole weeks; the first ends on the day before the change started, the second begins on
the day from which it reaches all. In between, some customers had it and some had not: that time counts for neither. A
number that follows journeys for some days follows those of both periods for as long, those of the first to their end
before the change.

Before against after is no experiment. What else could have moved the number is said: the same weeks a year earlier, a
base that has changed, other changes of the map in that time, periods that are short.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final, Literal

import msgspec

from etappe.errors import BadQuestion
from etappe.language import LANGUAGES, day
from etappe.maps.binder import Binder, both
from etappe.maps.bound import SHOWN, Bound
from etappe.maps.evidence import bind_one
from etappe.maps.figures import state_text
from etappe.maps.metrics import METRICS, base_name
from etappe.maps.model import Evidence, JourneyMap, Opportunity
from etappe.maps.opportunity import measured_by
from etappe.maps.periods import (
    WEEK,
    Measured,
    Period,
    Verdict,
    change_text,
    covered,
    difference,
    follow_up,
    follows,
    verdict,
)
from etappe.vocabulary import I18n

DAYS: Final = 28
YEAR: Final = timedelta(days=364)
"""Whole weeks, so that weekends fall on weekends."""
MOVED: Final = 1.5
"""A base so many times as large, or as small, is another base."""


@dataclass(frozen=True, kw_only=True)
class Effect:
    """One number before and after a change, in its unit (per cent from 0 to 100)."""

    evidence: str
    label: I18n
    state: Literal["measured", "waiting", "undated", "none"]
    """measured · waiting: fewer than 7 days of data since · undated: no day on which it started or was finished · none:
    one of the two numbers cannot be said, and `why`."""
    why: I18n = ""
    ready: date | None = None
    """Of a waiting one: the day whose data make the first week whole."""
    before: Period | None = None
    after: Period | None = None
    change: float | None = None
    low: float | None = None
    high: float | None = None
    verdict: Verdict | None = None
    year_before: float | None = None
    """The change in the same weeks a year earlier, where the data reach back so far."""
    cautions: tuple[I18n, ...] = ()
    periods: tuple[Period, ...] = ()
    """Up to three such periods before the change and three after it, in order."""


def effects(
    document: JourneyMap, one: Opportunity, binder: Binder, days: int = DAYS, *, around: bool = True
) -> tuple[Effect, ...]:
    """What has become of each number that an opportunity is measured by.

    Parameters
    ----------
    binder : the map beside its journeys
    days : the length of the periods where the data suffice; else the longest possible one of whole weeks
    around : also further periods before and after

    Raises
    ------
    BadQuestion
        `days` is below 7.
    """
    if days < WEEK:
        raise BadQuestion("days", f"{days} is less than a week.", "Compare 7 days or more, such as 28.")
    return tuple(_effect(document, one, e, binder, days, around) for e in measured_by(document, one, binder))


def _effect(document: JourneyMap, one: Opportunity, e: Evidence, binder: Binder, days: int, around: bool) -> Effect:
    plain = msgspec.structs.replace(e, snapshot=None, target=None)
    label = bind_one(plain, None).label
    frame: dict[str, Any] = {"evidence": e.id, "label": label}
    metric = METRICS.get(base_name(e.metric or ""))
    if metric is not None and metric.needs == "hand":
        return Effect(**frame, state="none", why=both("effect.by_hand"))
    if one.finished is None:
        return Effect(**frame, state="undated", why=both("effect.undated"))
    finished = date.fromisoformat(one.finished)
    # What began before the change is followed to its end before the change, too.
    started = (date.fromisoformat(one.started) if one.started else finished) - follow_up(e)
    first, last = covered(binder, e)
    if first is None or last is None:
        return Effect(**frame, state="none", why=both("map.none.data"))
    there = (last - follow_up(e) - finished).days + 1
    length = min(days, there, (started - first).days) // WEEK * WEEK
    if there < WEEK:
        ready = finished + timedelta(days=WEEK - 1) + follow_up(e)
        return Effect(**frame, state="waiting", why=both("effect.waiting", day=_day(ready)), ready=ready)
    if length < WEEK:
        return Effect(**frame, state="none", why=both("effect.no_before", day=_day(first)))
    found = Measured(plain, binder, length)
    before = found.of(started - timedelta(days=length), "before")
    unit = before.bound.unit  # a duration would else be said in hours before and in days after
    after = found.of(finished, "after", unit)
    a, b = before.bound, after.bound
    for period in (before, after):
        if period.bound.state not in SHOWN:
            why = both(f"effect.none.{period.phase}", why=_why(period.bound))
            return Effect(**frame, state="none", why=why, before=before, after=after)
    if a.currency != b.currency:
        why = both("effect.currency", before=a.currency or "–", after=b.currency or "–")
        return Effect(**frame, state="none", why=why, before=before, after=after)
    change, low, high = difference(a, b)
    year, told = _year_before(found, started, finished, first, unit)
    causes = _other_causes(document, one, before, after)
    return Effect(
        **frame, state="measured", before=before, after=after, change=change, low=low, high=high,
        verdict=verdict(e, low, high), year_before=year,
        cautions=(both("effect.caution.no_experiment"), told, *causes, *_weak(e, before, after, length, days)),
        periods=tuple(found.around(started, finished, first, last, unit)) if around else (),
    )  # fmt: skip


def _year_before(found: Measured, started: date, finished: date, first: date, unit: str) -> tuple[float | None, I18n]:
    """The change in the same weeks of the year before, and what is said of it."""
    back = started - timedelta(days=found.length) - YEAR
    if back < first:
        return None, both("effect.caution.no_year")
    year, _, after = found.change(back, finished - YEAR, unit)
    if year is None:
        return None, both("effect.caution.year_none")
    return year, both("effect.caution.year", change=change_text(year, after))


def _other_causes(document: JourneyMap, one: Opportunity, before: Period, after: Period) -> Iterator[I18n]:
    """Other changes of the map that were under way between the two periods, or in them."""
    titles: list[I18n] = []
    for other in document.opportunities:
        began = other.started or other.finished
        if other.id == one.id or began is None or other.title in titles:
            continue
        ended = date.fromisoformat(other.finished) if other.finished else after.last
        if date.fromisoformat(began) <= after.last and ended >= before.first:
            titles.append(other.title)
    return (both("effect.caution.other", title=title) for title in titles)


def _weak(e: Evidence, before: Period, after: Period, length: int, days: int) -> Iterator[I18n]:
    """What makes the comparison less sure than it looks."""
    if follows(e) and not follow_up(e):
        yield both("effect.caution.clipped")
    if length < days:
        yield both("effect.caution.short", days=length, wanted=days)
    n, m = before.bound.n, after.bound.n
    if n and m and not 1 / MOVED <= m / n <= MOVED:
        yield both("effect.caution.base", before=n, after=m)
    if before.bound.low is None or after.bound.low is None:
        yield both("effect.caution.no_interval")


def _day(when: date) -> I18n:
    return {lang: day(when.isoformat(), lang) for lang in LANGUAGES}


def _why(bound: Bound) -> I18n:
    return {lang: state_text(bound, lang) for lang in LANGUAGES}
