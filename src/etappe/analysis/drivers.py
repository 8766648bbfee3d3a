"""Drivers: what journeys did, or were, before they reached a goal, and how far those that did convert more often.

Unit of count: the journey. It converts if it first reaches `goal` within `within` of its first touchpoint. Only what
came before counts, so that no candidate is a consequence of the goal: of a journey that converts, the touchpoints until
its first goal; of any other, those up to a cut. Without a cut it would have had longer to do anything. The cuts are the
times to the goal of those that convert, spread evenly over the others, so that both had the same time.

Left out and counted: journeys that began less than `within` before the end of the data (they may still convert), and
those that begin with the goal (nothing came before). Journeys without a touchpoint are not counted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from etappe.analysis.answer import Answer, Caution, Finding, Question, answer, caution, listed
from etappe.analysis.groups import distinct, within_group
from etappe.analysis.intervals import or_none, shares
from etappe.analysis.kernel import arrays_of, kernel, plain
from etappe.analysis.significance import adjusted, compare, ratio
from etappe.arrays import Column, Int, over_parts
from etappe.errors import BadQuestion, unknown
from etappe.journeys.columns import Journeys
from etappe.units import duration_us

OTHER: Final = 0
CONVERTED: Final = 1
OPEN: Final = 2
GOAL_FIRST: Final = 3
EMPTY: Final = 4
GOLDEN: Final = 0x9E3779B97F4A7C15
"""2**64 / golden ratio: its multiples, modulo 2**64, lie evenly however many there are (Knuth, TAOCP 3, 6.4)."""


class Drivers(Question, frozen=True, kw_only=True):
    """What journeys did before a goal, and how far those that did it convert more often."""

    label: ClassVar[str] = "driver"
    bar: ClassVar[str] = "conversion"
    goal: str
    """The touchpoint that is to be reached."""
    within: str = "30d"
    """The longest time from a journey's first touchpoint to the goal; later beginnings than this before the end of the
    data are left out."""
    touchpoints: tuple[str, ...] = ()
    """Candidates: only these touchpoints; all but the goal when empty."""
    columns: tuple[str, ...] = ()
    """Further candidates: each value of these columns over touchpoints and customer attributes."""
    times: int = 1
    """A touchpoint or value counts from so many times on: 3 asks for what was seen again and again."""


@kernel
def _windows(
    offsets: Int, time_us: Int, touchpoint: NDArray[Any], goal: int, within: int, until: int, state: NDArray[np.uint8],
    ends: Int, delay: Int, first: int, last: int,
) -> None:  # fmt: skip
    """For each journey: how it ended, where its touchpoints before the goal end, and the time to the goal. O(t)."""
    for c in range(first, last):
        codes = touchpoint[offsets[c] : offsets[c + 1]]
        times = time_us[offsets[c] : offsets[c + 1]]
        ends[c] = offsets[c]
        if len(codes) == 0:
            state[c] = EMPTY
        elif times[0] > until - within:
            state[c] = OPEN
        elif codes[0] == goal:
            state[c] = GOAL_FIRST
        else:
            for i in range(1, len(codes)):
                if times[i] - times[0] > within:
                    break
                if codes[i] == goal:
                    state[c] = CONVERTED
                    ends[c] = offsets[c] + i
                    delay[c] = times[i] - times[0]
                    break


@kernel
def _cut(offsets: Int, time_us: Int, chosen: Int, cuts: Int, ends: Int) -> None:
    """Where the touchpoints of each chosen journey end that lie at most its cut after the first. O(t)."""
    for x in range(len(chosen)):
        c = chosen[x]
        times = time_us[offsets[c] : offsets[c + 1]]
        i = 0
        while i < len(times) and times[i] - times[0] <= cuts[x]:
            i += 1
        ends[c] = offsets[c] + i


@kernel
def _count(
    offsets: Int, ends: Int, codes: NDArray[Any], state: NDArray[np.uint8], k: int, least: int, first: int, last: int
) -> Int:
    """(2, k): journeys that do not convert, and that do, with each code at least so often before their end. O(t)."""
    found = np.zeros((2, k), np.int64)
    seen = np.full(k, -1, np.int64)
    often = np.zeros(k, np.int64)
    for c in range(first, last):
        if state[c] > CONVERTED:
            continue
        for code in codes[offsets[c] : ends[c]]:
            if seen[code] != c:
                seen[code] = c
                often[code] = 0
            often[code] += 1
            if often[code] == least:
                found[state[c], code] += 1
    return found


@dataclass(frozen=True)
class _Base:
    """Journeys as this question sees them: how each ended, and where what counts of it ends."""

    state: NDArray[np.uint8]
    ends: Int


def _base(journeys: Journeys, question: Drivers) -> _Base:
    offsets, time_us, touchpoint = arrays_of(journeys)
    goal = journeys.code(question.goal, "drivers: goal")
    within = duration_us(question.within, "drivers: within")
    n = len(journeys)
    known = journeys.origin.seen_until_us
    until = known if known is not None else int(time_us.max()) if len(time_us) else 0
    state, ends, delay = np.zeros(n, np.uint8), np.zeros(n, np.int64), np.zeros(n, np.int64)
    over_parts(
        offsets,
        lambda a, b: _windows(offsets, time_us, touchpoint, goal, within, until, state, ends, delay, a, b),
    )
    times = np.sort(delay[state == CONVERTED])
    others = np.flatnonzero(state == OTHER)
    cuts = np.full(len(others), within, np.int64)
    if len(times):
        spread = (np.arange(1, len(others) + 1, dtype=np.uint64) * np.uint64(GOLDEN)) >> np.uint64(32)
        cuts = times[((spread * np.uint64(len(times))) >> np.uint64(32)).astype(np.int64)]
    _cut(offsets, time_us, others, cuts, ends)
    return _Base(state, ends)


def _candidate(journeys: Journeys, name: str) -> tuple[Column, bool]:
    """A column with one code a value, and whether it is of customers."""
    of_customers = name in journeys.attributes
    if not of_customers and name not in journeys.readable:
        known = (*journeys.attributes, *journeys.readable)
        raise unknown("drivers: columns", "customer attribute or column", name, known)
    column = journeys.attribute(name) if of_customers else journeys.column(name)
    return distinct(column, name, "drivers: columns"), of_customers


def _counted(journeys: Journeys, base: _Base, column: Column, of_customers: bool, times: int) -> Int:
    """(2, codes): journeys with each value that do not convert, and that do."""
    k = len(column.names)
    if of_customers:
        return np.array([np.bincount(column.codes[base.state == s], minlength=k) for s in (OTHER, CONVERTED)])
    offsets, codes = plain(journeys.offsets), plain(column.codes)
    partials = over_parts(offsets, lambda a, b: _count(offsets, base.ends, codes, base.state, k, times, a, b))
    return sum(partials, np.zeros((2, k), np.int64))


def find(journeys: Journeys, question: Drivers) -> Finding:
    """Count in one group of journeys."""
    if question.times < 1:
        raise BadQuestion("drivers: times", f"{question.times} is not above zero.", "Ask for 1 or more.")
    asked = [journeys.code(name, f"drivers: touchpoints[{i}]") for i, name in enumerate(question.touchpoints)]
    candidates = {name: _candidate(journeys, name) for name in question.columns if name != "touchpoint"}
    base = _base(journeys, question)
    touched = Column(journeys.touchpoint, journeys.touchpoints)
    m, n = (int((base.state == s).sum()) for s in (OTHER, CONVERTED))
    rows: list[tuple[str, str, int, int]] = []
    hits = _counted(journeys, base, touched, False, question.times).tolist()
    for code, name in enumerate(journeys.touchpoints):
        if code in asked or (not asked and hits[0][code] + hits[1][code]):
            rows.append(("touchpoint", name, hits[0][code], hits[1][code]))
    for kind, (column, of_customers) in candidates.items():
        counts = _counted(journeys, base, column, of_customers, question.times).tolist()
        held = zip(column.names, *counts, strict=True)
        rows += [(kind, name, a, b) for name, a, b in held if name is not None and a + b]
    others, done = (np.array([row[at] for row in rows], np.int64) for at in (2, 3))
    having, lacking = others + done, m + n - others - done
    lift, low, high = ratio(done, having, n - done, lacking)
    tests = [compare(b, a + b, n - b, m + n - a - b) for _, _, a, b in rows]
    q = adjusted([p for p, _ in tests])

    def rank(r: int) -> tuple[Any, ...]:
        p, _ = tests[r]
        return 2.0 if p is None else p, -int(having[r]), rows[r][0], rows[r][1]

    order = sorted(range(len(rows)), key=rank)
    columns = {
        "kind": [rows[r][0] for r in order],
        "driver": [rows[r][1] for r in order],
        "journeys": having[order],
        "converted": done[order],
        "conversion": or_none(shares(done, having)[0][order]),
        "without": lacking[order],
        "without_conversion": or_none(shares(n - done, lacking)[0][order]),
        "lift": or_none(lift[order]),
        "lift_low": or_none(low[order]),
        "lift_high": or_none(high[order]),
        "p": [tests[r][0] for r in order],
        "q": [q[r] for r in order],
        "test": [tests[r][1] for r in order],
    }
    said = _said(base, question, [name for name, (_, of_customers) in candidates.items() if of_customers])
    return Finding(columns, {"journeys": m + n, "converted": n}, (m + n,), said)


def _said(base: _Base, question: Drivers, attributes: Sequence[str]) -> tuple[Caution, ...]:
    still_open, at_once = (int((base.state == s).sum()) for s in (OPEN, GOAL_FIRST))
    said = [caution("association")]
    if still_open:
        said.append(caution("left-out-open", journeys=still_open, within=question.within))
    if at_once:
        said.append(caution("left-out-goal-first", journeys=at_once))
    if attributes:
        said.append(caution("attributes-of-today", columns=", ".join(attributes)))
    return tuple(said)


def who(journeys: Journeys, question: Drivers, row: Mapping[str, Any]) -> Int:
    """Positions of the journeys that have the row's driver before their goal, or before their cut."""

    def held(some: Journeys) -> Int:
        base = _base(some, question)
        kind, name = str(row["kind"]), str(row["driver"])
        of_customers = False
        column = Column(some.touchpoint, some.touchpoints)
        if kind != "touchpoint":
            column, of_customers = _candidate(some, kind)
        if name not in column.names:
            raise unknown("drivers: row", "driver", name, [one for one in column.names if one])
        here = column.codes == column.names.index(name)
        inside = base.state <= CONVERTED
        if of_customers:
            return np.flatnonzero(here & inside).astype(np.int64)
        before = np.concatenate(([0], np.cumsum(here)))
        often = before[np.maximum(base.ends, some.offsets[:-1])] - before[some.offsets[:-1]]
        return np.flatnonzero(inside & (often >= question.times)).astype(np.int64)

    return within_group(journeys, question.by, row, "drivers", held)


def drivers(
    journeys: Journeys, goal: str, *, within: str = "30d", touchpoints: Sequence[str] = (),
    columns: Sequence[str] = (), times: int = 1, by: str | None = None,
) -> Answer:  # fmt: skip
    """What journeys did, or were, before they reached a goal, and how far those that did convert more often.

    An association, no cause: who is about to buy anyway also does more. A holdout shows a cause.

    Parameters
    ----------
    goal : the touchpoint to reach
    within : the longest time from a journey's first touchpoint to the goal
    touchpoints : candidates; by default all that occur before the goal
    columns : further candidates, each of their values: columns over touchpoints, and customer attributes
    times : a touchpoint or a value counts from so many times on
    by : a customer attribute, or a column read at the journey's first touchpoint

    Returns
    -------
    Answer
        kind (touchpoint, or the column); driver; journeys with it; converted, of these; conversion; without, the
        journeys without it, and without_conversion; lift (conversion / without_conversion) with lift_low and lift_high
        (95 %, on the logarithm); p, q (Benjamini-Hochberg over all rows) and the test. The surest first.

    Raises
    ------
    UnknownName
        A touchpoint or a column is not in the data.
    BadDuration
        `within` has no unit.

    References
    ----------
    Katz et al. 1978, Biometrics 34, p. 469; cuts of the same length as for cases: incidence density sampling.

    Examples
    --------
    >>> from etappe.journeys.columns import journeys_of
    >>> shop = journeys_of([0, 3, 5, 6], [0, 5, 9, 1, 9, 60], [0, 1, 2, 0, 0, 0], ["visit", "chat", "order"])
    >>> drivers(shop, "order", within="20us", touchpoints=["chat"]).column("conversion")
    [1.0]
    """
    question = Drivers(
        goal=goal,
        within=within,
        touchpoints=listed(touchpoints, "drivers: touchpoints"),
        columns=listed(columns, "drivers: columns"),
        times=times,
        by=by,
    )
    return answer(journeys, question, find)
