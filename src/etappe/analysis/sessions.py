"""Sessions: runs of touchpoints without a long pause.

Unit of count: the session. A new one begins where the pause is strictly longer than `gap`; it never spans two journeys.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

import numpy as np

from etappe.analysis.answer import Answer, Finding, Question, answer
from etappe.analysis.groups import within_group
from etappe.analysis.intervals import median
from etappe.analysis.kernel import arrays_of, kernel
from etappe.analysis.partials import Base, Partial, base_of, merged, rounding
from etappe.arrays import Int, over_parts
from etappe.journeys.columns import Journeys
from etappe.units import duration_us

TIMES: Final = ("durations",)
BLOCK: Final = 512
"""Journeys, about 40 KB of times."""


class Sessions(Question, frozen=True, kw_only=True):
    """Runs of touchpoints without a long pause."""

    bar: ClassVar[str] = ""
    gap: str = "30m"
    """A longer pause than this begins a new session."""
    medians: bool = True
    """Also the median duration; without it the answer is quicker."""


@kernel
def _count(offsets: Int, time_us: Int, gap: int, first: int, last: int) -> int:
    """Sessions: journeys with a touchpoint, and pauses longer than `gap` within them. O(t).

    Blocks of journeys that fit the cache: a scan over all neighbours at once, less those that lie in two journeys.
    """
    count = 0
    for a in range(first, last, BLOCK):
        b = min(a + BLOCK, last)
        start, end = offsets[a], offsets[b]
        if start == end:
            continue
        after = time_us[start + 1 : end]
        before = time_us[start : end - 1]
        for i in range(len(after)):
            count += (after[i] - before[i]) > gap
        count += 1
        for at in offsets[a + 1 : b]:
            # An empty journey begins where the next one does: such a border counts once.
            if start < at < end:
                count += 1 - ((time_us[np.uint64(at)] - time_us[np.uint64(at - 1)]) > gap)
                start = at
    return count


@kernel
def _durations(offsets: Int, time_us: Int, gap: int, count: int, first: int, last: int) -> Int:
    """The duration of each of `count` sessions. O(t)."""
    out = np.empty(count, np.int64)
    at = 0
    for c in range(first, last):
        times = time_us[offsets[c] : offsets[c + 1]]
        if len(times) == 0:
            continue
        start = times[0]
        for i in range(1, len(times)):
            if times[i] - times[i - 1] > gap:
                out[at] = times[i - 1] - start
                at += 1
                start = times[i]
        out[at] = times[len(times) - 1] - start
        at += 1
    return out


def partial(journeys: Journeys, question: Sessions) -> Partial:
    """What some journeys contribute: sessions, journeys that have one, and how long each session lasts."""
    offsets, time_us, _ = arrays_of(journeys)
    gap = duration_us(question.gap, "sessions: gap")

    def counted(first: int, last: int) -> tuple[int, Int]:
        count = _count(offsets, time_us, gap, first, last)
        empty = np.empty(0, np.int64)
        return count, _durations(offsets, time_us, gap, count, first, last) if question.medians else empty

    parts = over_parts(offsets, counted)
    count = sum(part[0] for part in parts)
    held = int(np.count_nonzero(offsets[1:] > offsets[:-1]))
    found = {"sessions": np.array([count], np.int64), "journeys": np.array([held], np.int64)}
    if question.medians:
        found["durations"] = np.concatenate([np.empty(0, np.int64), *(part[1] for part in parts)])
    return found


def total(partials: Sequence[Partial], question: Sessions, base: Base) -> Finding:
    """The finding that partials of disjoint customers come to."""
    whole = merged(partials, TIMES)
    count, held = int(whole["sessions"][0]), int(whole["journeys"][0])
    columns: dict[str, Any] = {
        "sessions": np.array([count], np.int64),
        "mean_length": [base.events / count if count else None],
        "journeys": np.array([held], np.int64),
    }
    if question.medians:
        centre, low, high = median(whole["durations"])
        columns |= {"median_us": [centre], "median_low_us": [low], "median_high_us": [high]}
    bases = {"sessions": count, "touchpoints": base.events, "journeys": held}
    return Finding(columns, bases, (count,), rounding(whole))


def find(journeys: Journeys, question: Sessions) -> Finding:
    """Count in one group of journeys."""
    return total([partial(journeys, question)], question, base_of(journeys))


def who(journeys: Journeys, question: Sessions, row: Mapping[str, Any]) -> Int:
    """Positions of the journeys that have a session: all with a touchpoint."""
    return within_group(
        journeys, question.by, row, "sessions", lambda some: np.flatnonzero(np.diff(some.offsets)).astype(np.int64)
    )


def sessions(journeys: Journeys, *, gap: str = "30m", medians: bool = True, by: str | None = None) -> Answer:
    """How many sessions there are, how many touchpoints they hold, and how long they last.

    Parameters
    ----------
    gap : a pause strictly longer than this begins a new session
    medians : also the median duration; without it the answer is quicker
    by : a customer attribute, or a column read at the journey's first touchpoint

    Returns
    -------
    Answer
        One row: sessions; mean_length in touchpoints; journeys with a session; median_us, the median duration from a
        session's first to its last touchpoint (0 for a single one), with its interval.

    Raises
    ------
    BadDuration
        `gap` has no unit.

    Examples
    --------
    >>> from etappe.journeys.columns import journeys_of
    >>> sessions(journeys_of([0, 2], [0, 1_800_000_001], [0, 0], ["visit"])).column("sessions")
    [2]
    """
    return answer(journeys, Sessions(gap=gap, medians=medians, by=by), find)
