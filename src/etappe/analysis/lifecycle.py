"""Lifecycle: in each period who is new, returning, resurrecting or dormant.

Unit of count: the journey; all of a subject's touchpoints are one journey, unless journeys were split. Periods lie on
the calendar of the data's time zone, from the first one with activity to the one in which the data end.

new: active for the first time. returning: active in the period before, too. resurrecting: active before, but not in the
period before. dormant: active in the period before, not in this one; a journey is dormant once for each pause, however
long. new + returning + resurrecting = active; returning + dormant = active in the period before.

The last period ends after the data and is marked: in it counts may rise, and who is dormant may still come.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from etappe.analysis.answer import Answer, Finding, Question, answer, caution
from etappe.analysis.funnel_rules import codes_of
from etappe.analysis.groups import within_group
from etappe.analysis.kernel import arrays_of, kernel, plain
from etappe.analysis.partials import Base, Partial, base_of, merged
from etappe.analysis.periods import Calendar, Unit, calendar_between, calendar_of
from etappe.arrays import Int, over_parts
from etappe.errors import unknown
from etappe.journeys.columns import Journeys

STATES: Final = ("new", "returning", "resurrecting", "dormant")
NEW, RETURNING, RESURRECTING, DORMANT = range(4)
ACTIVE: Final = (NEW, RETURNING, RESURRECTING)


class Lifecycle(Question, frozen=True, kw_only=True):
    """In each period who is new, returning, resurrecting or dormant."""

    label: ClassVar[str] = "period"
    bar: ClassVar[str] = "active"
    period: Unit = "week"
    """The length of periods on the calendar; weeks begin on Monday."""
    touchpoint: str | None = None
    """The touchpoint that counts as activity, or several: "order | subscribe"; by default any."""


@kernel
def _count(
    offsets: Int, time_us: Int, touchpoint: NDArray[Any], meant: NDArray[np.bool_], edges: Int,
    place: NDArray[np.int32], shift: int, period: int, states: NDArray[np.bool_], out: NDArray[np.bool_],
    first: int, last: int,
) -> Int:  # fmt: skip
    """(periods, 4) journeys in each state; `out` marks those that are in one of `states` in `period`. O(t)."""
    periods = len(edges) - 1
    counts = np.zeros((periods, 4), np.int64)
    marking = len(out) > 0
    for c in range(first, last):
        before = -1
        over = edges[0]
        for i in range(np.uint64(offsets[c]), np.uint64(offsets[c + 1])):
            time = time_us[i]
            if time < over or not meant[touchpoint[i]]:
                continue
            # A table leads to the period, or to the one before.
            p = np.int64(place[np.uint64((time - edges[0]) >> shift)])
            p += time >= edges[np.uint64(p + 1)]
            over = edges[np.uint64(p + 1)]
            state = NEW if before < 0 else RETURNING if p == before + 1 else RESURRECTING
            counts[np.uint64(p), state] += 1
            if state == RESURRECTING:
                counts[before + 1, DORMANT] += 1
            if marking:
                out[c] |= (p == period and states[state]) or (
                    state == RESURRECTING and before + 1 == period and states[DORMANT]
                )
            before = p
        if 0 <= before < periods - 1:
            counts[before + 1, DORMANT] += 1
            if marking:
                out[c] |= before + 1 == period and states[DORMANT]
    return counts


def _counted(
    journeys: Journeys, question: Lifecycle, period: str | None = None, states: tuple[int, ...] = ()
) -> tuple[Calendar, Int, NDArray[np.bool_]]:
    """The periods, the counts, and which journeys are in the states of a period."""
    name = question.touchpoint
    meant = np.zeros(max(1, len(journeys.touchpoints)), bool)
    meant[slice(None) if name is None else codes_of(journeys, name, "lifecycle: touchpoint")] = True
    periods = calendar_of(journeys, question.period)
    if period is not None and period not in periods.names:
        raise unknown("lifecycle: row", "period", period, periods.names)
    at = NEW if period is None else periods.names.index(period)
    out = np.zeros(0 if period is None else len(journeys), bool)
    wanted = np.array([state in states for state in range(len(STATES))], bool)
    offsets, time_us, touchpoint = arrays_of(journeys)
    edges, place = plain(periods.edges), plain(periods.place)
    parts = over_parts(
        offsets,
        lambda a, b: _count(
            offsets, time_us, touchpoint, meant, edges, place, periods.shift, at, wanted, out, a, b
        ),
    )  # fmt: skip
    return periods, sum(parts, np.zeros((len(periods), len(STATES)), np.int64)), out


def partial(journeys: Journeys, question: Lifecycle) -> Partial:
    """What some journeys contribute: the ends of their time, and who is new, returning or resurrecting in a period."""
    periods, counts, _ = _counted(journeys, question)
    rows = np.column_stack((periods.edges[:-1], counts[:, list(ACTIVE)]))
    return {"ends": periods.ends, "states": rows[rows[:, 1:].any(axis=1)]}


def total(partials: Sequence[Partial], question: Lifecycle, base: Base) -> Finding:
    """The finding that partials of disjoint customers come to."""
    whole = merged(partials, ("ends", "states"))
    periods = calendar_between(whole["ends"], base.origin, question.period)
    counts = np.zeros((len(periods), len(STATES)), np.int64)
    rows = whole["states"]
    np.add.at(counts[:, : len(ACTIVE)], np.searchsorted(periods.edges, rows[:, 0]), rows[:, 1:])
    # Who was active in the period before returns, or is dormant.
    counts[1:, DORMANT] = counts[:-1, list(ACTIVE)].sum(axis=1) - counts[1:, RETURNING]
    begun = int(np.argmax(counts[:, NEW] > 0)) if counts[:, NEW].any() else len(periods)
    counts, active = counts[begun:], counts[begun:, list(ACTIVE)].sum(axis=1)
    columns: dict[str, Any] = {"period": list(periods.names[begun:]), "active": active}
    columns |= {name: counts[:, state].copy() for state, name in enumerate(STATES)}
    columns["unfinished"] = periods.unfinished[begun:]
    started = int(counts[:, NEW].sum())
    open_ones = int(columns["unfinished"].sum())
    cautions = (caution("unfinished-period", period=columns["period"][-1]),) if open_ones else ()
    return Finding(columns, {"journeys": base.journeys, "started": started}, (started,), cautions)


def find(journeys: Journeys, question: Lifecycle) -> Finding:
    """Count in one group of journeys."""
    return total([partial(journeys, question)], question, base_of(journeys))


def who(journeys: Journeys, question: Lifecycle, row: Mapping[str, Any]) -> Int:
    """Positions of the journeys active in the row's period; with part="dormant" or another in the row, those."""
    part = row.get("part", "active")
    if part != "active" and part not in STATES:
        raise unknown("lifecycle: row", "part", str(part), ("active", *STATES))
    states = ACTIVE if part == "active" else (STATES.index(part),)

    def held(some: Journeys) -> Int:
        _, _, out = _counted(some, question, str(row.get("period")), states)
        return np.flatnonzero(out).astype(np.int64)

    return within_group(journeys, question.by, row, "lifecycle", held)


def lifecycle(
    journeys: Journeys, *, period: Unit = "week", touchpoint: str | None = None, by: str | None = None
) -> Answer:
    """In each period who is new, returning, resurrecting or dormant.

    Parameters
    ----------
    period : day, week (from Monday), month, quarter or year, in the data's time zone
    touchpoint : what counts as activity, or several ("order | subscribe"); by default any
    by : a customer attribute, or a column read at the journey's first touchpoint

    Returns
    -------
    Answer
        period, its first day; active, journeys in it; new, returning and resurrecting, which add up to active; dormant,
        active in the period before and not in this one; unfinished, 1 where the period ends after the data.

    Raises
    ------
    UnknownName
        A touchpoint, a period or `by` that is not there.

    References
    ----------
    PostHog, lifecycle; docs/analyses.md.

    Examples
    --------
    >>> from etappe.journeys.columns import journeys_of
    >>> day = 86_400_000_000
    >>> found = lifecycle(journeys_of([0, 2, 3], [0, 2 * day, 0], [0, 0, 0], ["visit"]), period="day")
    >>> [(row["new"], row["returning"], row["resurrecting"], row["dormant"]) for row in found.rows()]
    [(2, 0, 0, 0), (0, 0, 0, 2), (0, 0, 1, 0)]
    """
    return answer(journeys, Lifecycle(period=period, touchpoint=touchpoint, by=by), find)
