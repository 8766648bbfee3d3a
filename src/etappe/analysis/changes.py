"""Changes: what becomes of a journey where it changes the channel or the device, against where it stays.

Unit of count: the pair of neighbouring touchpoints; the journey for `journeys`. A pair of two values is a change, of
one value twice a stay. A pair goes on if, within `within` of its second touchpoint, the journey reaches `goal` (that
second touchpoint counts), or without a goal has any touchpoint more. Pairs later than `within` before the end of the
data are counted, but have no share: they may still go on. Pairs with a touchpoint without a value are left out and
counted.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from etappe.analysis.answer import Answer, Caution, Finding, Question, answer, caution
from etappe.analysis.groups import distinct, within_group
from etappe.analysis.intervals import median, or_none, shares
from etappe.analysis.kernel import arrays_of, kernel, plain
from etappe.analysis.significance import difference
from etappe.arrays import Column, Int, over_parts
from etappe.errors import unknown
from etappe.journeys.columns import Journeys
from etappe.units import duration_us

COUNT, JOURNEYS, BASE, WENT_ON, LAST_SEEN = range(5)
NO_GOAL: Final = -1


class Changes(Question, frozen=True, kw_only=True):
    """What becomes of a journey where it changes the channel or the device, against where it stays."""

    label: ClassVar[str] = "from"
    column: str = "channel"
    """The column over touchpoints that changes: channel, device, source or any other."""
    goal: str | None = None
    """The touchpoint to reach; by default any touchpoint more goes on."""
    within: str = "7d"
    """The longest time from the second touchpoint to the goal, or to the next."""


@kernel
def _count(
    offsets: Int, time_us: Int, touchpoint: NDArray[Any], codes: NDArray[Any], goal: int, within: int, until: int,
    k: int, first: int, last: int,
) -> Int:  # fmt: skip
    """(k * k, 5): for each pair of values its count, journeys, those with time to go on, and those that do. O(t)."""
    found = np.zeros((k * k, 5), np.int64)
    for c in range(first, last):
        mine = codes[offsets[c] : offsets[c + 1]]
        names = touchpoint[offsets[c] : offsets[c + 1]]
        times = time_us[offsets[c] : offsets[c + 1]]
        following = -1
        for i in range(len(mine) - 2, -1, -1):
            if goal == NO_GOAL:
                following = i + 2 if i + 2 < len(mine) else -1
            elif names[i + 1] == goal:
                following = i + 1
            pair = np.int64(mine[i]) * k + np.int64(mine[i + 1])
            found[pair, COUNT] += 1
            found[pair, JOURNEYS] += found[pair, LAST_SEEN] != c + 1
            found[pair, LAST_SEEN] = c + 1
            if times[i + 1] <= until - within:
                found[pair, BASE] += 1
                found[pair, WENT_ON] += following >= 0 and times[following] - times[i + 1] <= within
    return found


@kernel
def _scatter(
    offsets: Int, time_us: Int, codes: NDArray[Any], k: int, place: Int, out: Int, first: int, last: int
) -> None:
    """Write the pause of each pair to its place, which moves on. O(t)."""
    for c in range(first, last):
        mine = codes[offsets[c] : offsets[c + 1]]
        times = time_us[offsets[c] : offsets[c + 1]]
        for i in range(1, len(mine)):
            pair = np.int64(mine[i - 1]) * k + np.int64(mine[i])
            out[place[pair]] = times[i] - times[i - 1]
            place[pair] += 1


def _values(journeys: Journeys, question: Changes) -> Column:
    name = question.column
    if name not in journeys.readable:
        raise unknown("changes: column", "column over touchpoints", name, journeys.readable)
    return distinct(journeys.column(name), name, "changes: column")


def find(journeys: Journeys, question: Changes) -> Finding:
    """Count in one group of journeys."""
    within = duration_us(question.within, "changes: within")
    goal = NO_GOAL if question.goal is None else journeys.code(question.goal, "changes: goal")
    column = _values(journeys, question)
    offsets, time_us, touchpoint = arrays_of(journeys)
    codes, names, k = plain(column.codes), column.names, len(column.names)
    known = journeys.origin.seen_until_us
    until = known if known is not None else int(time_us.max()) if len(time_us) else 0
    counts = over_parts(
        offsets, lambda a, b: (a, _count(offsets, time_us, touchpoint, codes, goal, within, until, k, a, b))
    )
    found = sum((part for _, part in counts), np.zeros((k * k, 5), np.int64))
    delays = _delays(journeys, codes, k, {first: part[:, COUNT] for first, part in counts})
    before, after = np.divmod(np.arange(k * k), k)
    told = np.flatnonzero((found[:, COUNT] > 0) & (before > 0) & (after > 0))
    order = sorted(told.tolist(), key=lambda p: (-found[p, COUNT], str(names[before[p]]), str(names[after[p]])))
    rows = found[order]
    stays = found[before[order] * (k + 1)]
    share, low, high = shares(rows[:, WENT_ON], rows[:, BASE])
    apart = difference(rows[:, WENT_ON], rows[:, BASE], stays[:, WENT_ON], stays[:, BASE])
    changed = before[order] != after[order]
    seamless, seamless_low, seamless_high = (or_none(np.where(changed, part, np.nan)) for part in apart)
    columns = {
        "from": [names[before[p]] for p in order],
        "to": [names[after[p]] for p in order],
        "count": rows[:, COUNT],
        "journeys": rows[:, JOURNEYS],
        "base": rows[:, BASE],
        "went_on": rows[:, WENT_ON],
        "share": or_none(share),
        "low": or_none(low),
        "high": or_none(high),
        "seamless": seamless,
        "seamless_low": seamless_low,
        "seamless_high": seamless_high,
        "median_us": [delays[p][0] for p in order],
        "median_low_us": [delays[p][1] for p in order],
        "median_high_us": [delays[p][2] for p in order],
    }
    pairs, base = int(rows[:, COUNT].sum()), int(rows[:, BASE].sum())
    said: list[Caution] = []
    if pairs > base:
        said.append(caution("open-pairs", count=pairs - base, within=question.within))
    if lacking := int(found[:, COUNT].sum()) - pairs:
        said.append(caution("pairs-without-value", count=lacking, column=question.column))
    moved = int(rows[changed, COUNT].sum())
    return Finding(columns, {"pairs": pairs, "changes": moved, "journeys": len(journeys)}, (base,), tuple(said))


def _delays(
    journeys: Journeys, codes: NDArray[Any], k: int, counts: Mapping[int, Int]
) -> list[tuple[int | None, int | None, int | None]]:
    """The median pause of each pair, with its interval: pauses are laid out pair by pair, each part its own stretch."""
    offsets, time_us, _ = arrays_of(journeys)
    each = np.array([*counts.values(), np.zeros(k * k, np.int64)])
    start = np.concatenate(([0], np.cumsum(each.sum(axis=0)))).astype(np.int64)
    places = dict(zip(counts, start[:-1] + np.cumsum(each, axis=0) - each, strict=False))
    out = np.empty(start[-1], np.int64)
    over_parts(offsets, lambda a, b: _scatter(offsets, time_us, codes, k, places[a], out, a, b))
    parts = over_parts(start, lambda a, b: [median(out[start[p] : start[p + 1]]) for p in range(a, b)])
    return [one for part in parts for one in part]


def who(journeys: Journeys, question: Changes, row: Mapping[str, Any]) -> Int:
    """Positions of the journeys that have the row's pair at least once."""

    def held(some: Journeys) -> Int:
        column = _values(some, question)
        for end in ("from", "to"):
            if row[end] not in column.names[1:]:
                names = [name for name in column.names if name is not None]
                raise unknown("changes: row", f"value of {question.column!r}", str(row[end]), names)
        before, after = column.names.index(row["from"]), column.names.index(row["to"])
        rows = np.flatnonzero((column.codes[:-1] == before) & (column.codes[1:] == after))
        owner = np.searchsorted(some.offsets, rows, side="right") - 1
        return np.unique(owner[rows + 1 < some.offsets[owner + 1]]).astype(np.int64)

    return within_group(journeys, question.by, row, "changes", held)


def changes(
    journeys: Journeys, column: str = "channel", *, goal: str | None = None, within: str = "7d", by: str | None = None
) -> Answer:
    """What becomes of a journey where it changes the channel or the device, against where it stays.

    Parameters
    ----------
    column : the column over touchpoints that changes: channel, device or any other of up to 200 values
    goal : the touchpoint to reach; by default any touchpoint more goes on
    within : the longest time from the pair's second touchpoint to the goal, or to the next touchpoint
    by : a customer attribute, or a column read at the journey's first touchpoint

    Returns
    -------
    Answer
        from; to (the same: it stays); count of pairs; journeys; base, the pairs with the time to go on; went_on, of
        these; share with low and high (Wilson, 95 %); seamless: the share less that of staying in `from`, with
        seamless_low and seamless_high (Newcombe, 95 %), none for a stay; median_us between the two touchpoints, with
        its interval. The most frequent first. Repeats within one journey are taken as independent: intervals are
        rather too narrow.

    Raises
    ------
    UnknownName
        `column` or `goal` is not in the data.
    BadQuestion
        `column` has more than 200 values.
    BadDuration
        `within` has no unit.

    References
    ----------
    Newcombe 1998, Statistics in Medicine 17, p. 873, method 10.

    Examples
    --------
    >>> from etappe.arrays import column_of
    >>> from etappe.journeys.columns import journeys_of
    >>> channel = column_of(["web", "app", "app"])
    >>> shop = journeys_of([0, 3], [0, 5, 9], [0, 0, 1], ["visit", "order"], columns={"channel": channel})
    >>> changes(shop, within="4us").column("went_on")
    [0, 1]
    """
    return answer(journeys, Changes(column=column, goal=goal, within=within, by=by), find)
