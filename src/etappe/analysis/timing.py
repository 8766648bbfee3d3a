"""Timing: how long journeys take from a start to an end, with those that have not arrived yet (Kaplan-Meier).

Unit of count: the journey with a `start`. Its time runs from its first `start` to the first `end` after it in the
journey (at the same instant the order of receipt counts). A journey without that `end` is censored: it was watched
from its `start` until the data end (the latest event before any filter) and counts as at risk so long. Dropping it, or
taking it for one that never arrives, would both be wrong.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from etappe.analysis.answer import Answer, Caution, Finding, Question, answer, caution
from etappe.analysis.groups import within_group
from etappe.analysis.intervals import Float, Z, or_none
from etappe.analysis.kernel import arrays_of, kernel
from etappe.arrays import Int, distinct, over_parts
from etappe.errors import BadQuestion, unknown
from etappe.journeys.columns import Journeys

NOT_BEGUN: Final = 0
ARRIVED: Final = 1
CENSORED: Final = 2
PARTS: Final = ("at_risk", "events", "censored")
HALF: Final = 0.5
CLOSE: Final = 1e-9
"""A product of shares that is 1/2 misses it by rounding; two different ones of real data lie further apart."""


class Timing(Question, frozen=True, kw_only=True):
    """How long journeys take from a start to an end; those that have not arrived yet count as watched so far."""

    label: ClassVar[str] = "time_us"
    bar: ClassVar[str] = "remaining"
    start: str
    """The touchpoint where the time begins: the journey's first."""
    end: str
    """The touchpoint where it ends: the first one after the start."""
    points: int = 100
    """At most so many rows of the curve, at evenly spread ranks of the arrivals; 0 for every step."""


@kernel
def _waits(
    offsets: Int, time_us: Int, touchpoint: NDArray[Any], start: int, end: int, until: int, state: NDArray[np.uint8],
    wait: Int, first: int, last: int,
) -> None:  # fmt: skip
    """For each journey: whether it began, arrived or is censored, and how long it was watched. O(t)."""
    for c in range(first, last):
        codes = touchpoint[offsets[c] : offsets[c + 1]]
        times = time_us[offsets[c] : offsets[c + 1]]
        i = 0
        while i < len(codes) and codes[i] != start:
            i += 1
        if i == len(codes):
            continue
        j = i + 1
        while j < len(codes) and codes[j] != end:
            j += 1
        if j < len(codes):
            state[c] = ARRIVED
            wait[c] = times[j] - times[i]
        else:
            state[c] = CENSORED
            wait[c] = max(until - times[i], 0)


@dataclass(frozen=True)
class Curve:
    """Kaplan and Meier's estimate: a step at each time at which some arrive.

    Attributes
    ----------
    time_us, at_risk, events : (m,) int64; who is still watched just before the time, who arrives at it
    remaining, low, high : (m,) float64; the share not arrived after the time, and its interval (NaN at 0)
    """

    time_us: Int
    at_risk: Int
    events: Int
    remaining: Float
    low: Float
    high: Float

    def crosses(self, share: Float) -> int | None:
        """The first time at which a falling share is 1/2 or less."""
        at = np.flatnonzero(share <= HALF + CLOSE)
        return int(self.time_us[at[0]]) if len(at) else None

    def median(self) -> tuple[int | None, int | None, int | None]:
        """Median, low and high; None where the curve, or its bound, does not come down to 1/2.

        Where the curve runs along 1/2 the median is the middle of that stretch, as it is for an even count.
        """
        found = self.crosses(self.remaining)
        if found is not None:
            at = int(np.searchsorted(self.time_us, found))
            if abs(self.remaining[at] - HALF) <= CLOSE and at + 1 < len(self.time_us):
                found += (int(self.time_us[at + 1]) - found) // 2
        return found, self.crosses(self.low), self.crosses(self.high)


def curve(arrived: Int, censored: Int) -> Curve:
    """The curve from the times of those that arrived and of those that are censored. O(n log n).

    Who is censored at a time at which others arrive is still at risk there. The interval is Greenwood's variance on
    log(-log(share)), which keeps it between 0 and 1.

    References
    ----------
    Kaplan and Meier 1958, JASA 53, p. 457; Greenwood 1926; Kalbfleisch and Prentice, 2nd edition, section 1.4.

    Examples
    --------
    >>> curve(np.array([6, 6, 6, 7]), np.array([6, 9])).at_risk.tolist()
    [6, 2]
    """
    arrived, censored = np.sort(arrived), np.sort(censored)
    new = np.ones(len(arrived), bool)
    np.not_equal(arrived[1:], arrived[:-1], out=new[1:])
    starts = np.flatnonzero(new)
    times = arrived[starts]
    events = np.diff(np.append(starts, len(arrived)))
    at_risk = len(arrived) - starts + len(censored) - np.searchsorted(censored, times, side="left")
    remaining = np.cumprod(1 - events / at_risk)
    inside = remaining > 0  # only the last step can come down to 0
    variance = np.cumsum(events / (at_risk * np.maximum(at_risk - events, 1.0)))
    log = np.log(np.where(inside, remaining, HALF))
    spread = np.exp(Z * np.sqrt(variance) / -log)
    low, high = (np.where(inside, np.exp(log * factor), np.nan) for factor in (spread, 1 / spread))
    return Curve(times, at_risk, events, remaining, low, high)


def _watched(journeys: Journeys, question: Timing) -> tuple[NDArray[np.uint8], Int]:
    start, end = journeys.code(question.start, "timing: start"), journeys.code(question.end, "timing: end")
    if question.points < 0 or question.points == 1:
        what = f"{question.points} is no number of points of a curve."
        raise BadQuestion("timing: points", what, "Ask for 2 or more, or 0 for every step.")
    offsets, time_us, touchpoint = arrays_of(journeys)
    known = journeys.origin.seen_until_us
    until = known if known is not None else int(time_us.max()) if len(time_us) else 0
    state, wait = np.zeros(len(journeys), np.uint8), np.zeros(len(journeys), np.int64)
    over_parts(
        offsets, lambda a, b: _waits(offsets, time_us, touchpoint, start, end, until, state, wait, a, b)
    )  # fmt: skip
    return state, wait


def _shown(arrived: Int, censored: Int, points: int) -> Int:
    """The times of the rows: 0, the steps of the curve or evenly spread ranks of them, and the end of what is seen."""
    ends = np.array([0, max(int(times[-1]) for times in (arrived, censored) if len(times))], np.int64)
    if points:
        steps = distinct(arrived)
        ranks = np.arange(1, points - 1) * len(arrived) // (points - 1)
        arrived = steps if len(steps) <= points - len(ends) else arrived[ranks]
    return distinct(np.concatenate((arrived, ends)))


def find(journeys: Journeys, question: Timing) -> Finding:
    """Estimate in one group of journeys."""
    state, wait = _watched(journeys, question)
    arrived, censored = np.sort(wait[state == ARRIVED]), np.sort(wait[state == CENSORED])
    n = len(arrived) + len(censored)
    found = curve(arrived, censored)
    times = _shown(arrived, censored, question.points) if n else np.empty(0, np.int64)
    at = np.searchsorted(found.time_us, times, side="right")  # 0: before the first step, where all remain
    remaining, low, high = (np.concatenate(([x], y))[at] for x, y in (
        (1.0, found.remaining), (np.nan, found.low), (np.nan, found.high)
    ))  # fmt: skip
    before = [np.searchsorted(one, times, side="left") for one in (arrived, censored)]
    until = [np.searchsorted(one, times, side="right") for one in (arrived, censored)]
    median = dict(zip(("median_us", "median_low_us", "median_high_us"), found.median(), strict=True))
    columns: dict[str, Any] = {
        "time_us": times,
        "at_risk": n - before[0] - before[1],
        "events": np.diff(until[0], prepend=0),
        "censored": np.diff(until[1], prepend=0),
        "remaining": remaining,
        "low": or_none(low),
        "high": or_none(high),
        **{name: [value] * len(times) for name, value in median.items()},
    }
    said: tuple[Caution, ...] = ()
    if len(censored):
        share = round(100 * len(censored) / n)
        said = (caution("censored", end=question.end, journeys=len(censored), n=n, share=share),)
    return Finding(columns, {"journeys": n, "events": len(arrived), "censored": len(censored)}, (n,), said)


def who(journeys: Journeys, question: Timing, row: Mapping[str, Any]) -> Int:
    """Positions of the journeys that are at risk at the row's time.

    With part="events" or part="censored" in the row: those that arrive, or are last seen, since the row before.
    """
    part = row.get("part", "at_risk")
    if part not in PARTS:
        raise unknown("timing: row", "part", str(part), PARTS)

    def held(some: Journeys) -> Int:
        state, wait = _watched(some, question)
        arrived, censored = np.sort(wait[state == ARRIVED]), np.sort(wait[state == CENSORED])
        times = _shown(arrived, censored, question.points) if len(arrived) + len(censored) else wait[:0]
        at = int(np.searchsorted(times, row["time_us"]))
        if at == len(times) or times[at] != row["time_us"]:
            what = f"{row['time_us']} is no time of the curve."
            raise BadQuestion("timing: row", what, "Take time_us from a row of the answer.")
        if part == "at_risk":
            return np.flatnonzero((state != NOT_BEGUN) & (wait >= times[at])).astype(np.int64)
        mine = (state == (ARRIVED if part == "events" else CENSORED)) & (wait <= times[at])
        return np.flatnonzero(mine & ((at == 0) | (wait > times[at - 1]))).astype(np.int64)

    return within_group(journeys, question.by, row, "timing", held)


def timing(journeys: Journeys, start: str, end: str, *, points: int = 100, by: str | None = None) -> Answer:
    """How long journeys take from a start to an end, with those that have not arrived yet (Kaplan-Meier).

    Parameters
    ----------
    start : the touchpoint where the time begins, at its first time in the journey
    end : the touchpoint where it ends, at its first time after that; the same one again is allowed
    points : at most so many rows of the curve, at evenly spread ranks of the arrivals; 0 for every step
    by : a customer attribute, or a column read at the journey's first touchpoint

    Returns
    -------
    Answer
        A row for each time of the curve: time_us since the start, from 0 to the longest time watched; at_risk, the
        journeys still watched and not arrived just before it; events and censored, who arrived or was last seen since
        the row before, up to this time; remaining, the share that has not arrived, with low and high (Greenwood on
        log(-log), 95 %; none where the share is 0 or 1). In each row the whole curve's median_us with its interval
        (Brookmeyer and Crowley), null where the curve or its bound does not come down to 1/2.
        Thinning changes no share: each is that of the full curve. Events and censored add up to the journeys.

    Raises
    ------
    UnknownName
        A touchpoint is not in the data.
    BadQuestion
        `points` is below 0, or 1.

    References
    ----------
    Kaplan and Meier 1958, JASA 53, p. 457. Brookmeyer and Crowley 1982, Biometrics 38, p. 29.

    Examples
    --------
    >>> from etappe.journeys.columns import journeys_of
    >>> shop = journeys_of([0, 2, 3], [0, 5, 1], [0, 1, 0], ["visit", "order"])
    >>> timing(shop, "visit", "order").column("remaining")
    [1.0, 0.0]
    """
    return answer(journeys, Timing(start=start, end=end, points=points, by=by), find)
