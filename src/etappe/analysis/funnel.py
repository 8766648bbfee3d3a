"""Funnel: how many journeys reach each of a series of steps, in order, within a window.

Unit of count: the journey, never the touchpoint. Three purchases in one journey are one conversion. Sessions, attempts
and entities (such as orders) are counted where `unit` says so; `journeys` then counts the journeys behind them.

A chain is one touchpoint for each of the first m steps, each later in the journey than the one before, all of them
within the window measured from step 1 (the edge belongs to it). Other touchpoints may lie between; one touchpoint
serves one step; at the same instant the order of receipt counts. A journey reaches the largest m of its chains.

Times come from the journey's best chain: of the chains with the largest m the one that is complete first; of those the
one that starts last; from there on each step as early as it can be.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from etappe.analysis.answer import Answer, Caution, Finding, Question, answer, caution, listed
from etappe.analysis.chains import FOREVER, chains
from etappe.analysis.funnel_count import NEVER, Counted, groups, last_step, ruled
from etappe.analysis.funnel_rules import numbered, rules_of, steps_of
from etappe.analysis.groups import within_group
from etappe.analysis.intervals import median, or_none, shares
from etappe.analysis.kernel import arrays_of
from etappe.analysis.partials import Base, Partial, base_of, merged, rounding
from etappe.analysis.sieve import levels_of, times_of
from etappe.arrays import Int, distinct
from etappe.errors import BadQuestion, unknown
from etappe.journeys.columns import Journeys
from etappe.units import day_us, duration_us

TIMES: Final = ("since_first", "since_before")
GROUP: Final = " in "
"""Between what a partial names and the group that it belongs to."""


class Funnel(Question, frozen=True, kw_only=True):
    """How many journeys reach each step, in order, within a window."""

    label: ClassVar[str] = "step"
    bar: ClassVar[str] = "conversion"
    steps: tuple[str, ...]
    """Touchpoints in order; "order | subscribe" is a step that either serves."""
    within: str | None = None
    """Measured from step 1, such as "7d"; none: the journey's whole length."""
    limit: str | None = None
    """The longest time from one step to the next, such as "30m"."""
    order: Literal["ordered", "strict", "any"] = "ordered"
    """Strict: nothing between two steps. Any: step 3 is reached where three of the steps are done."""
    entry: Literal["closed", "open"] = "closed"
    """Open: a journey may enter at any step, and no step is skipped from there on."""
    optional: tuple[str, ...] = ()
    """Steps that may be left out."""
    exclude: tuple[str, ...] = ()
    """Touchpoints that must not come between: "support" between any two steps, "support: 1-2" between these."""
    hold: str | None = None
    """A column that all steps of a chain must share, such as "order"; each of its values is counted."""
    unit: Literal["journey", "session", "attempt", "entity"] = "journey"
    """What is counted; an entity is a value of `hold`, and the unit where `hold` is given."""
    gap: str = "30m"
    """A longer pause begins a new session."""
    ties: Literal["receipt", "in_order"] = "receipt"
    """At the same instant: the order of receipt, or the order of the steps."""
    rising: bool = False
    """Each step at a later instant than the one before."""
    occurrence: Literal["any", "first"] = "any"
    """First: only the first touchpoint of step 1 in a journey opens a chain."""
    entered_from: str | None = None
    """First day for step 1; later steps may follow after the last day, within the window."""
    entered_to: str | None = None
    """Last day for step 1, included."""
    by_at: str = "journey"
    """Where `by` is read: at the journey, at the "first" or "last" step that has a value, at "step 2"; "all": apart."""
    trend: Literal["day", "week", "month", "quarter", "year"] | None = None
    """One funnel for each local period in which step 1 lies."""
    medians: bool = True
    """Also times, and who is still on the way; without them the answer is quicker."""

    def is_plain(self) -> bool:
        """No rule beside steps, window and a break-down by journeys: the quick way."""
        default = Funnel(steps=self.steps, within=self.within, by=self.by, medians=self.medians)
        return self == default

    def group_by(self) -> str | None:
        """Journeys are divided first only where `by` is read at the journey."""
        return self.by if self.by_at == "journey" else None

    def divides(self) -> bool:
        """Whether it divides what it counts by itself, after counting."""
        return self.trend is not None or self.group_by() != self.by

    def days_us(self, timezone: str) -> tuple[int, int]:
        """When step 1 may lie, from and before."""
        start = -(2**62) if self.entered_from is None else day_us(self.entered_from, timezone)
        end = 2**62 if self.entered_to is None else day_us(self.entered_to, timezone, after=True)
        if start >= end:
            what = f"{self.entered_from} is after {self.entered_to}."
            raise BadQuestion("funnel: entered_from", what, "Choose a first day that is not after the last.")
        return start, end


def _levels(journeys: Journeys, question: Funnel) -> tuple[NDArray[np.uint8], Int, Int]:
    """Without further rules, by the sieve: how far each journey gets, how many reach each step, and their times.

    Times have a row for each journey that reaches step 2; none where no times are wanted.
    """
    name_of, steps = numbered(journeys, steps_of(journeys, question))
    k, arrays = len(question.steps), arrays_of(journeys)
    window = FOREVER if question.within is None else min(duration_us(question.within, "funnel: within"), FOREVER)
    levels, counts = levels_of(arrays, name_of, steps, k, window)
    wanted = question.medians
    times = times_of(arrays, name_of, steps, k, window, levels) if wanted else np.zeros((0, k), np.int64)
    return levels, counts, times


def _still(journeys: Journeys, question: Funnel, levels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which journeys are on their way: begun, not complete, and the window is not over when the data end."""
    running = np.zeros(len(journeys), bool)
    until = journeys.origin.seen_until_us
    if question.within is None or until is None or not journeys.events:
        return running
    # Only who did something within the last window can be: they are few, and followed one by one.
    lately = journeys.time_us[np.maximum(journeys.offsets[1:] - 1, 0)] >= until - duration_us(question.within)
    at = np.flatnonzero((levels > 0) & (levels < len(question.steps)) & lately)
    running[at] = chains(journeys.select(at), rules_of(journeys, question)).running
    return running


def _plainly(journeys: Journeys, question: Funnel) -> Counted:
    """The funnel without further rules, as the one with rules gives it."""
    levels, _, _ = _levels(journeys, msgspec.structs.replace(question, medians=False))
    reached = levels[:, None] > np.arange(len(question.steps), dtype=np.uint8)
    none = np.empty((0, 0), np.int64)
    n = len(journeys)
    return Counted(n, np.arange(n), reached, _still(journeys, question, levels), none, reached)


def _times(times: Int, reached: NDArray[np.bool_]) -> Partial:
    """The times of those that reach a step, from step 1 and from the step before."""
    found: Partial = {}
    before = times[:, 0].copy()
    for j in range(1, times.shape[1]):
        here = reached[:, j] & (times[:, j] > NEVER) & (times[:, 0] > NEVER)
        found[f"since_first {j}"] = times[here, j] - times[here, 0]
        found[f"since_before {j}"] = times[here, j] - before[here]
        before = np.where(times[:, j] > NEVER, times[:, j], before)
    return found


def _medians(times: Partial, k: int) -> dict[str, list[int | None]]:
    """Medians with low and high of the times from step 1 and from the step before, one row a step."""
    names = ("median_us", "median_low_us", "median_high_us")
    columns: dict[str, list[int | None]] = {name: [None] for name in (*names, *(f"step_{name}" for name in names))}
    for j in range(1, k):
        for prefix, since in (("", "since_first"), ("step_", "since_before")):
            for name, value in zip(names, median(times[f"{since} {j}"]), strict=True):
                columns[prefix + name].append(value)
    return columns


def _rates(question: Funnel, counts: Int, came: Int | None, base: int) -> tuple[dict[str, Any], list[int]]:
    """Shares of the steps, and the counts that they rest on; `came` are those that an open funnel begins with here."""
    k = len(question.steps)
    required = [j for j, step in enumerate(question.steps) if step not in question.optional]
    before = [max((i for i in required if i < j), default=None) for j in range(k)]
    bases = np.array([0 if i is None else counts[i] for i in before], np.int64)
    share, low, high = shares(counts, base)
    step_share, step_low, step_high = shares(counts if came is None else counts - came, bases)
    if came is None:
        low[0] = high[0] = np.nan  # step 1 is its own base: nothing is estimated
    columns: dict[str, Any] = {
        "conversion": or_none(share),
        "low": or_none(low),
        "high": or_none(high),
        "step_conversion": or_none(step_share),
        "step_low": or_none(step_low),
        "step_high": or_none(step_high),
    }
    return columns, [int(n) for n in (base, *bases[1:]) if n > 0] or [base]


def _lost(question: Funnel, last: Int, running: NDArray[np.bool_]) -> Partial:
    """How many come no further than each step (`last`, from 0; -1: none): for good, and so far."""
    k = len(question.steps)
    return {
        name: np.bincount(last[at] + 1, minlength=k + 1)[1:k] for name, at in (("dropped", ~running), ("open", running))
    }


def _lost_columns(question: Funnel, lost: Partial) -> dict[str, list[int | None]]:
    none: list[int | None] = [None]
    on_way = none * len(question.steps) if question.within is None else lost["open"].tolist() + none
    return {"dropped": lost["dropped"].tolist() + none, "open": on_way}


def needs(question: Funnel) -> tuple[str | None, ...]:
    """The columns that it reads beside touchpoints and times."""
    return question.hold, question.by


def partial(journeys: Journeys, question: Funnel) -> Partial:
    """What some journeys contribute to the funnel; under rules that divide it, to each group, named in JSON."""
    if not question.is_plain():
        counted = ruled(journeys, question)
        found: Partial = {"units": np.array([counted.units, counted.out], np.int64)}
        parts: list[tuple[str | None, Any]] = groups(counted) if question.divides() else [(None, slice(None))]
        for name, at in parts:
            found |= {f"{key}{GROUP}{json.dumps(name)}": held for key, held in _share(question, counted, at).items()}
        return found
    levels, counts, times = _levels(journeys, question)
    found = {"reached": counts}
    if question.medians:
        found |= _lost(question, levels.astype(np.int64) - 1, _still(journeys, question, levels))
        found |= _times(times, levels[levels >= 2][:, None] > np.arange(len(question.steps), dtype=np.uint8))
    return found


def total(partials: Sequence[Partial], question: Funnel, base: Base) -> Finding:
    """The finding that partials of disjoint customers come to."""
    whole, k = merged(partials, TIMES), len(question.steps)
    if not question.is_plain():
        return _ruled(whole, question, base)
    counts = whole["reached"]
    columns: dict[str, Any] = {"position": np.arange(1, k + 1), "step": list(question.steps), "reached": counts}
    rates, bases = _rates(question, counts, None, int(counts[0]))
    columns |= rates
    if question.medians:
        columns |= _lost_columns(question, whole) | _medians(whole, k)
    return Finding(columns, {"journeys": base.journeys, "entered": bases[0]}, bases, rounding(whole))


def _share(question: Funnel, counted: Counted, at: Any) -> Partial:
    """What some of the units contribute; a journey's units are all in one part."""
    reached, owner = counted.reached[at], counted.owner[at]
    found: Partial = {
        "n": np.array([len(reached), reached.any(axis=1).sum() if question.entry == "open" else 0], np.int64),
        "reached": np.count_nonzero(reached, axis=0).astype(np.int64),
    }
    if question.unit != "journey" or question.hold or question.by_at == "all":
        each = [len(distinct(owner[reached[:, j]])) for j in range(reached.shape[1])]
        found["journeys"] = np.array(each, np.int64)
    if question.entry == "open":
        found["entered"] = np.count_nonzero(counted.entered[at], axis=0).astype(np.int64)
    elif question.medians:
        found |= _lost(question, last_step(reached), counted.running[at]) | _times(counted.times[at], reached)
    return found


def _rows(question: Funnel, part: Partial) -> tuple[dict[str, Any], list[int]]:
    """The rows of some of the units, and the counts that their shares rest on."""
    k, counts = len(question.steps), part["reached"]
    columns: dict[str, Any] = {"position": np.arange(1, k + 1), "step": list(question.steps), "reached": counts}
    columns |= {name: part[name] for name in ("journeys", "entered") if name in part}
    opened = question.entry == "open"
    rates, bases = _rates(question, counts, part.get("entered"), int(part["n"][1] if opened else counts[0]))
    columns |= rates
    if question.medians and not opened:
        columns |= _lost_columns(question, part) | _medians(part, k)
    return columns, bases


def _ruled(whole: Partial, question: Funnel, base: Base) -> Finding:
    """The funnel under its rules."""
    k, (units, out) = len(question.steps), whole["units"].tolist()
    parts: dict[str | None, Partial] = {}
    for key, held in whole.items():
        kind, mark, group = key.partition(GROUP)
        if mark:
            parts.setdefault(json.loads(group), {})[kind] = held
    denominators = {"journeys": base.journeys, "units": units, **({"excluded": out} if out else {})}
    cautions: tuple[Caution, ...] = (caution("excluded", n=out),) if out else ()
    if not question.divides():
        columns, bases = _rows(question, parts[None])
        denominators["entered"] = bases[0]
        return Finding(columns, denominators, bases, (*cautions, *rounding(whole)))
    if question.by_at == "all":
        cautions = (*cautions, caution("groups-overlap"))
    rows: dict[str, list[Any]] = {}
    every: list[int] = []
    for name in sorted(parts, key=lambda name: (name is None, name or "")):
        columns, bases = _rows(question, parts[name])
        n = int(parts[name]["n"][0])
        told = {"group": [name] * k, "group_n": [n] * k} if question.trend is None else {"period": [name] * k}
        for key, values in {**told, **columns}.items():
            rows.setdefault(key, []).extend(values if isinstance(values, list) else values.tolist())
        every += bases
    if not rows:
        no, nothing = np.zeros((0, k), bool), np.zeros(0, np.int64)
        empty = _share(question, Counted(0, nothing, no, no[:, 0], np.zeros((0, k), np.int64), no), slice(None))
        return Finding(_rows(question, empty)[0], {**denominators, "entered": 0}, (), cautions)
    denominators["entered"] = sum(n for n, p in zip(rows["reached"], rows["position"], strict=True) if p == 1)
    return Finding(rows, denominators, every, (*cautions, *rounding(whole)))


def find(journeys: Journeys, question: Funnel) -> Finding:
    """Count in one group of journeys."""
    return total([partial(journeys, question)], question, base_of(journeys))


def who(journeys: Journeys, question: Funnel, row: Mapping[str, Any]) -> Int:
    """Positions of the journeys that reach the row's step (named by `position`, or by `step` alone).

    With part="dropped" or part="open" in the row: those that come no further, or are still on their way.
    """
    position = row.get("position")
    if position is None:
        try:
            position = question.steps.index(row["step"]) + 1
        except (KeyError, ValueError):
            steps = ", ".join(question.steps)
            raise BadQuestion("funnel: row", "the row names no step of the funnel.", f"Steps are: {steps}.") from None
    part = row.get("part", "reached")
    if part not in ("reached", "dropped", "open"):
        raise unknown("funnel: row", "part", str(part), ("reached", "dropped", "open"))

    def held(some: Journeys) -> Int:
        counted = _plainly(some, question) if question.is_plain() else ruled(some, question)
        mine = np.ones(len(counted.owner), bool)
        if question.divides():
            key = "group" if question.trend is None else "period"
            parts = dict(groups(counted))
            if row.get(key) not in parts:
                raise unknown("funnel: row", key, str(row.get(key)), [name or "null" for name in parts])
            mine[:] = False
            mine[parts[row.get(key)]] = True
        if part == "reached":
            mine &= counted.reached[:, position - 1]
        else:
            mine &= (last_step(counted.reached) == position - 1) & (counted.running == (part == "open"))
        return distinct(counted.owner[mine]).astype(np.int64)

    return within_group(journeys, question.group_by(), row, "funnel", held)


def funnel(
    journeys: Journeys,
    steps: Sequence[str],
    *,
    within: str | None = None,
    medians: bool = True,
    by: str | None = None,
    **rules: Any,
) -> Answer:
    """How many journeys reach each step, in order, within a window.

    Parameters
    ----------
    steps : names of touchpoints; a name that stands twice needs two touchpoints; "order | subscribe": either serves
    within : window such as "7d", from step 1 on, its edge included; by default none
    medians : also the times (see above) and who is still on the way; without them the answer is quicker
    by : a customer attribute, or a column read at the journey's first touchpoint (elsewhere: `by_at`)
    rules : limit, order, entry, optional, exclude, hold, unit, gap, ties, rising, occurrence, entered_from,
        entered_to, by_at, trend: as in `Funnel`

    Returns
    -------
    Answer
        position; step; reached; conversion (reached / entered step 1; in an open funnel / entered anywhere) with low
        and high; step_conversion (reached / reached the step before that is not optional) with step_low and step_high
        (Wilson, 95 %); dropped and open: those that come no further, and those whose window is not over yet (null
        without a window); median_us, the median time from step 1, and step_median_us, from the step before, over
        those that reach the step, each with its interval. Step 1 has no step_conversion and no times. Where units are
        not journeys: journeys, how many stand behind the row. In an open funnel: entered, those that begin here.

    Raises
    ------
    UnknownName
        A step or `by` is not in the data.
    BadDuration
        `within` has no unit.
    BadQuestion
        Rules that have no meaning together.

    References
    ----------
    ClickHouse windowFunnel, with order of receipt at ties; PostHog (strict, any order, exclusions, break-down);
    GA4 (open entry, limit from the step before); Amplitude (hold constant); docs/analyses.md.

    Examples
    --------
    >>> from etappe.journeys.columns import journeys_of
    >>> shop = journeys_of([0, 2, 3], [0, 5, 1], [0, 1, 0], ["visit", "order"])
    >>> funnel(shop, ["visit", "order"]).column("reached")
    [2, 1]
    """
    for name in ("optional", "exclude"):
        if name in rules:
            rules[name] = listed(rules[name], f"funnel: {name}")
    known = [name for name in Funnel.__struct_fields__ if name not in ("steps", "within", "medians", "by")]
    for name in rules:
        if name not in known:
            raise unknown("funnel", "rule", name, known)
    question = Funnel(steps=listed(steps, "funnel: steps"), within=within, medians=medians, by=by, **rules)
    return answer(journeys, question, find)
