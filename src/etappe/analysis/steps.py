"""Steps: which touchpoint journeys are at, position by position: the step matrix.

Unit of count: the journey, once at each position. Position 1 is a journey's first touchpoint; with `around` position 0
is its first touchpoint of that name, -1 the one before, 1 the one after. A journey that is over is "ended", one that
has not begun "not_begun", so every position adds up to the same journeys: all, or all that have `around`. An empty
journey has ended at position 1. The same touchpoint twice in a row takes two positions.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from etappe.analysis.answer import Answer, Finding, Question, answer
from etappe.analysis.groups import within_group
from etappe.analysis.intervals import or_none, shares
from etappe.analysis.kernel import arrays_of, kernel
from etappe.analysis.partials import Base, Partial, base_of, merged
from etappe.arrays import Int, over_parts
from etappe.errors import BadQuestion, unknown
from etappe.journeys.columns import Journeys

DEEPEST: Final = 100
OTHER, ENDED, NOT_BEGUN = "other", "ended", "not_begun"
LARGE: Final = 2**20
"""From so many cells on there is one table, not one for each thread."""


class Steps(Question, frozen=True, kw_only=True):
    """Which touchpoint journeys are at, position by position: the step matrix."""

    label: ClassVar[str] = "touchpoint"
    depth: int = 10
    """So many positions, at most 100; with around so many before and after it."""
    around: str | None = None
    """Positions are counted from a journey's first touchpoint of this name; none: from its beginning."""
    top: int = 50
    """So many of the most frequent touchpoints; the rest is "other"."""


@kernel
def _count(
    offsets: Int, touchpoint: NDArray[Any], around: int, depth: int, k: int, first: int, last: int
) -> tuple[Int, Int]:
    """Journeys for each position and code, and how many begin and end there. O(n * depth, and the search for around).

    With around, row `depth` is position 0; begins[p] and ends[p + 1] are the first row and the one after the last.
    """
    rows = depth if around < 0 else 2 * depth + 1
    counts = np.zeros((rows, k), np.int64)
    borders = np.zeros((2, rows + 1), np.int64)
    for c in range(first, last):
        codes = touchpoint[offsets[c] : offsets[c + 1]]
        begin, row = 0, 0
        if around >= 0:
            while begin < len(codes) and codes[begin] != around:
                begin += 1
            if begin == len(codes):
                continue
            row = max(0, depth - begin)
            begin = max(0, begin - depth)
        codes = codes[begin : begin + rows - row]
        for i in range(len(codes)):
            counts[np.uint64(row + i), codes[i]] += 1
        borders[0, row] += 1
        borders[1, row + len(codes)] += 1
    return counts, borders


def _around(journeys: Journeys, question: Steps) -> int:
    if not 1 <= question.depth <= DEEPEST:
        hint = "Ask for 10 positions."
        raise BadQuestion("steps: depth", f"{question.depth} is not between 1 and {DEEPEST}.", hint)
    if question.top < 1:
        raise BadQuestion("steps: top", f"{question.top} is not above zero.", "Ask for 50 touchpoints.")
    return -1 if question.around is None else journeys.code(question.around, "steps: around")


def partial(journeys: Journeys, question: Steps) -> Partial:
    """What some journeys contribute: journeys at each position and touchpoint, and those that begin and end there."""
    around, depth, k = _around(journeys, question), question.depth, len(journeys.touchpoints)
    offsets, _, touchpoint = arrays_of(journeys)
    rows = depth if around < 0 else 2 * depth + 1

    def work(first: int, last: int) -> tuple[Int, Int]:
        return _count(offsets, touchpoint, around, depth, k, first, last)

    parts = over_parts(offsets, work) if rows * k < LARGE else [work(0, len(journeys))]
    counts = sum((part[0] for part in parts), np.zeros((rows, k), np.int64))
    return {"counts": counts, "borders": sum((part[1] for part in parts), np.zeros((2, rows + 1), np.int64))}


def _counted(whole: Partial, question: Steps) -> tuple[Int, Int, Int, Int]:
    """Journeys at each position and touchpoint, those not begun and ended there, and the codes that are rows.

    The codes are those that occur, the most frequent first, among equals the first in the list of names.
    """
    counts, (begins, ends) = whole["counts"], whole["borders"]
    ended = np.cumsum(ends)[: len(counts)]
    waiting = begins.sum() - np.cumsum(begins)[: len(counts)]
    summed = counts.sum(axis=0)
    shown = np.argsort(-summed, kind="stable")[: question.top]
    return counts, waiting, ended, shown[summed[shown] > 0]


def total(partials: Sequence[Partial], question: Steps, base: Base) -> Finding:
    """The finding that partials of disjoint customers come to."""
    counts, waiting, ended, shown = _counted(merged(partials), question)
    names = [base.touchpoints[code] for code in shown.tolist()]
    kinds = ["touchpoint"] * len(names)
    parts = [counts[:, shown]]
    other = counts.sum(axis=1) - parts[0].sum(axis=1)
    ends = [(OTHER, other)] if other.any() else []
    ends += [(NOT_BEGUN, waiting)] if question.around is not None else []
    for name, column in (*ends, (ENDED, ended)):
        names.append(name)
        kinds.append(name)
        parts.append(column[:, None])
    table = np.concatenate(parts, axis=1)
    rows = len(table)
    n = int(table[0].sum())
    share, low, high = shares(table.ravel(), n)
    first = 1 if question.around is None else -question.depth
    columns = {
        "position": np.repeat(np.arange(first, first + rows), len(names)),
        "touchpoint": names * rows,
        "kind": kinds * rows,
        "journeys": table.ravel(),
        "share": or_none(share),
        "low": or_none(low),
        "high": or_none(high),
    }
    return Finding(columns, {"journeys": base.journeys, "in_matrix": n}, (n,))


def find(journeys: Journeys, question: Steps) -> Finding:
    """Count in one group of journeys."""
    return total([partial(journeys, question)], question, base_of(journeys))


def who(journeys: Journeys, question: Steps, row: Mapping[str, Any]) -> Int:
    """Positions of the journeys that are at the row's touchpoint (or have ended, or not begun) at its position.

    What is "other" depends on the group of journeys that was counted.
    """

    def held(some: Journeys) -> Int:
        around = _around(some, question)
        starts, ends = some.offsets[:-1], some.offsets[1:]
        at, base = starts - 1, np.arange(len(some))
        chosen: NDArray[np.bool_]
        if around >= 0:
            places = np.flatnonzero(some.touchpoint == around)
            owner = np.searchsorted(some.offsets, places, side="right") - 1
            base, first = np.unique(owner, return_index=True)
            at, starts, ends = places[first], starts[base], ends[base]
        at = at + int(row["position"])
        kind = row.get("kind", "touchpoint")
        if kind in (ENDED, NOT_BEGUN):
            chosen = at >= ends if kind == ENDED else at < starts
            return base[chosen].astype(np.int64)
        inside = (at >= starts) & (at < ends)
        base, codes = base[inside], some.touchpoint[at[inside]]
        if kind == OTHER:
            chosen = ~np.isin(codes, _counted(partial(some, question), question)[3])
        else:
            chosen = codes == some.code(row["touchpoint"], "steps: row")
        return base[chosen].astype(np.int64)

    last = question.depth
    first = 1 if question.around is None else -last
    if not first <= int(row["position"]) <= last:
        what = f"there is no position {row['position']}."
        raise BadQuestion("steps: row", what, f"Positions are {first} to {last}.")
    kinds = ("touchpoint", OTHER, ENDED, NOT_BEGUN)
    if row.get("kind", "touchpoint") not in kinds:
        raise unknown("steps: row", "kind", str(row["kind"]), kinds)
    return within_group(journeys, question.by, row, "steps", held)


def steps(
    journeys: Journeys, *, depth: int = 10, around: str | None = None, top: int = 50, by: str | None = None
) -> Answer:
    """Which touchpoint journeys are at, position by position: the step matrix.

    Parameters
    ----------
    depth : so many positions; with `around` so many before and after it
    around : count positions from a journey's first touchpoint of this name instead of from its beginning
    top : so many of the most frequent touchpoints; the rest is "other"
    by : a customer attribute, or a column read at the journey's first touchpoint

    Returns
    -------
    Answer
        position (from 1; with `around` from -depth to depth); touchpoint; kind (touchpoint, other, not_begun, ended);
        journeys that are there; share of all journeys (with `around`: of those that have it), with low and high
        (Wilson, 95 %). Each position has the same rows, also those with 0, and adds up to the same journeys.

    Raises
    ------
    UnknownName
        `around` is no touchpoint of these journeys, or `by` is not in the data.
    BadQuestion
        `depth` or `top` is out of range.

    References
    ----------
    The step matrix of retentioneering, there without intervals.

    Examples
    --------
    >>> from etappe.journeys.columns import journeys_of
    >>> shop = journeys_of([0, 2, 3], [0, 5, 1], [0, 1, 0], ["visit", "order"])
    >>> [(row["position"], row["touchpoint"], row["journeys"]) for row in steps(shop, depth=2).rows()]
    [(1, 'visit', 2), (1, 'order', 0), (1, 'ended', 0), (2, 'visit', 0), (2, 'order', 1), (2, 'ended', 1)]
    """
    return answer(journeys, Steps(depth=depth, around=around, top=top, by=by), find)
