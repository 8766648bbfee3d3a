"""Conformance count: runs a plan's alignments over journeys, and reads what they counted."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from etappe.analysis.alignment import (
    ALL,
    ELSEWHERE,
    EVENTS,
    FITTING,
    KINDS,
    LATE,
    OPEN,
    PLANNED,
    REACHED,
    SKIPPED,
    STEPS,
    SUMS,
    TURNED,
    align,
)
from etappe.analysis.kernel import WORD, arrays_of, kernel, plain
from etappe.analysis.partials import Partial, tallied
from etappe.analysis.plan import Plan, read_plan, ways_of
from etappe.arrays import Column, Int, column_of, over_parts
from etappe.errors import BadQuestion
from etappe.journeys.columns import Journeys
from etappe.units import NO_VALUE, duration_us

if TYPE_CHECKING:
    from etappe.analysis.conformance import Conformance

WHERE: Final = "conformance"
MOST_VALUE: Final = 2**62
LARGE: Final = 2**20
"""From so many keys on there is one table, not one for each thread."""
NOTHING: Final = -1
MOST: Final = 60
"""Steps of a plan."""


@dataclass(frozen=True)
class Label:
    """What is said of a step or touchpoint: a kind of deviation, the step, and the other step or channel."""

    deviation: str
    step: str | None = None
    other: str | None = None
    position: int | None = None
    """Of the step in the plan, from 1; none for a touchpoint that is extra."""


WHOLE: Final = {"all": ALL, "as_planned": PLANNED, "fitting": FITTING}
OF_STEP: Final = {
    "reached": REACHED, "skipped": SKIPPED, "late": LATE, "open": OPEN, "turned": TURNED, "elsewhere": ELSEWHERE,
}  # fmt: skip


@dataclass(frozen=True)
class Keys:
    """Where the counts of each label stand."""

    plan: Plan
    touchpoints: tuple[str, ...]
    places: int
    """1, or the start and each step where extras are told apart by the step after which they came."""
    channels: tuple[str | None, ...] = ()

    @property
    def pairs(self) -> int:
        """Where pairs of steps out of order begin."""
        return STEPS + KINDS * len(self.plan.steps)

    @property
    def strange(self) -> int:
        """Where steps in another channel begin."""
        return self.pairs + len(self.plan.steps) ** 2

    @property
    def extras(self) -> int:
        """Where extra touchpoints begin."""
        return self.strange + len(self.plan.steps) * len(self.channels)

    @property
    def size(self) -> int:
        """How many keys there are."""
        return self.extras + len(self.touchpoints) * self.places

    def label(self, key: int) -> Label:
        """What a key says."""
        names = self.plan.names
        if key < STEPS:
            return Label(next(name for name, one in WHOLE.items() if one == key))
        if key < self.pairs:
            step, kind = divmod(key - STEPS, KINDS)
            return Label(next(name for name, one in OF_STEP.items() if one == kind), names[step], None, step + 1)
        if key < self.strange:
            step, other = divmod(key - self.pairs, len(names))
            return Label("out_of_order", names[step], names[other], step + 1)
        if key < self.extras:
            step, other = divmod(key - self.strange, len(self.channels))
            return Label("other_channel", names[step], self.channels[other] or "", step + 1)
        code, place = divmod(key - self.extras, self.places)
        after = names[place - 1] if place else None
        return Label("extra", self.touchpoints[code], after)

    def labels(self) -> list[Label]:
        """What each key says, in their order."""
        return [self.label(key) for key in range(self.size)]

    @cached_property
    def index(self) -> dict[tuple[str, str | None, str | None], int]:
        """The key of a deviation, step and other."""
        return {(one.deviation, one.step, one.other): key for key, one in enumerate(self.labels())}


@kernel
def _values(offsets: Int, value: Int, high: Int, low: Int, none: int, first: int, last: int) -> None:
    """The value of each journey in two words, so that any sum of them is exact. O(t)."""
    for c in range(first, last):
        for t in range(offsets[c], offsets[c + 1]):
            if value[t] != none:
                high[c] += value[t] >> 32
                low[c] += value[t] & 0xFFFFFFFF


assert WORD == 32


@dataclass(frozen=True)
class Run:
    """A plan held against journeys.

    Attributes
    ----------
    sums : (keys, SUMS) int64, as alignment.py counts them
    cost : (n,) int64: steps left out and touchpoints added; -1 without a touchpoint of the plan, -2 - cost where a
        journey goes on
    length : (n,) int64, its touchpoints that count
    shortest : the fewest touchpoints with which the plan can be followed
    """

    keys: Keys
    sums: Int
    cost: Int
    length: Int
    shortest: int
    member: NDArray[np.bool_]
    records: Int

    def fitness(self) -> NDArray[np.float64]:
        """The fitness of each journey; NaN where it is not finished, or has no touchpoint of the plan."""
        base = np.where(self.cost >= 0, self.length + self.shortest, 1)
        return np.where(self.cost >= 0, (base - self.cost) / base, np.nan)


def plan_of(touchpoints: tuple[str, ...], question: "Conformance") -> Plan:
    """The plan that is asked about."""
    plan = read_plan(question.plan, touchpoints, f"{WHERE}: plan")
    if len(plan.steps) > MOST:
        what = f"the plan has {len(plan.steps)} steps, more than {MOST}."
        raise BadQuestion(f"{WHERE}: plan", what, "Ask about a part of it.")
    return plan


def keys_of(touchpoints: tuple[str, ...], question: "Conformance", channels: tuple[str | None, ...] = ()) -> Keys:
    """Where the counts stand."""
    plan = plan_of(touchpoints, question)
    return Keys(plan, touchpoints, len(plan.steps) + 1 if question.places else 1, channels)


def _channel(journeys: Journeys, plan: Plan, name: str) -> Column:
    """What the column of channels says, each channel with one code; empty where the plan asks for none."""
    if not any(step.channels for step in plan.steps):
        return Column(np.empty(0, np.uint8), ())
    column = journeys.column(name, f"{WHERE}: channel")
    names = tuple(dict.fromkeys(column.names))
    if len(names) == len(column.names):
        return column
    index = {one: code for code, one in enumerate(names)}
    return Column(np.array([index[one] for one in column.names], np.uint32)[column.codes], names)


def run(
    journeys: Journeys, question: "Conformance", *, wanted: "Label | None" = None, records: bool = False,
    value: bool = True,
) -> Run:  # fmt: skip
    """Hold the plan against each journey; `wanted` marks the journeys with a label, `records` notes every label."""
    wait = None if question.wait is None else duration_us(question.wait, f"{WHERE}: wait")
    plan = plan_of(journeys.touchpoints, question)
    channel = _channel(journeys, plan, question.channel)
    keys = keys_of(journeys.touchpoints, question, channel.names)
    ways = ways_of(plan, wait)
    at, items, counted = _steps(plan, len(journeys.touchpoints), everything=question.others == "extra")
    limited = np.array([False, *(bool(step.channels) for step in plan.steps)])
    right = np.zeros((len(plan.steps) + 1, len(channel.names)), np.bool_)
    for number, step in enumerate(plan.steps, start=1):
        right[number] = [name in step.channels for name in channel.names]
    until = -(2**62) if journeys.origin.data_until_us is None else journeys.origin.data_until_us
    offsets, time_us, touchpoint = arrays_of(journeys)
    n = len(journeys)
    high = np.zeros(n if value and journeys.lazy_value is not None else 0, np.int64)
    low = np.zeros_like(high)
    if len(high):
        held = plain(journeys.value)
        over_parts(offsets, lambda a, b: _values(offsets, held, high, low, NO_VALUE, a, b))
        if int(np.abs(high).sum()) >= MOST_VALUE >> WORD:
            raise BadQuestion(f"{WHERE}: value", "the values are beyond what 64 bits hold.", "Ask for a shorter time.")
    cost, length, member = np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n, np.bool_)
    key = NOTHING
    if wanted is not None:
        key = keys.index.get((wanted.deviation, wanted.step, wanted.other), NOTHING)
    laid_out = (ways.skips, ways.allowed, ways.through, ways.rest, ways.rest_through, ways.waits)
    tables = (at, items, counted, limited, right, *laid_out)
    held_by = (channel.codes, high, low, *tables)
    given: tuple[Any, ...] = (
        offsets, time_us, touchpoint, *(plain(one) for one in held_by), until, keys.places, key, member, cost, length,
    )  # fmt: skip

    def work(first: int, last: int, noted: Int) -> Int:
        return align(*(*given, noted, first, last))

    none = np.empty((0, 3), np.int64)
    parts = over_parts(offsets, lambda a, b: work(a, b, none)) if keys.size < LARGE else [work(0, n, none)]
    sums = sum(parts, np.zeros((keys.size, SUMS), np.int64))
    noted = none
    if records:
        noted = np.empty((int(sums[:, EVENTS].sum()), 3), np.int64)
        work(0, n, noted)
    return Run(keys, sums, cost, length, int(ways.rest[0]), member, noted)


def _steps(plan: Plan, k: int, *, everything: bool) -> tuple[Int, Int, NDArray[np.bool_]]:
    """The steps that each touchpoint may be, as offsets and list, and which touchpoints count."""
    mine: list[list[int]] = [[] for _ in range(k)]
    for number, step in enumerate(plan.steps, start=1):
        for code in step.codes:
            mine[code].append(number)
    at = np.cumsum([0, *map(len, mine)]).astype(np.int64)
    items = np.array([number for one in mine for number in one], np.int64)
    return at, items, np.array([everything or bool(one) for one in mine], np.bool_)


def currencies(journeys: Journeys) -> dict[str | None, int]:
    """How many touchpoints have a value in each currency."""
    if journeys.lazy_value is None:
        return {}
    valued = journeys.value != NO_VALUE
    column = journeys.column("currency") if "currency" in journeys.columns else column_of([None] * 0)
    if not len(column.codes):
        return {None: int(valued.sum())} if valued.any() else {}
    counts = np.bincount(column.codes[valued], minlength=len(column.names)).tolist()
    found: dict[str | None, int] = {}
    for name, count in zip(column.names, counts, strict=True):
        if count:
            found[name] = found.get(name, 0) + count
    return found


def partial_of(journeys: Journeys, question: "Conformance") -> Partial:
    """What some journeys contribute: sums for each key, channels by their names, and how many have which fitness."""
    done = run(journeys, question)
    keys = done.keys
    kept = np.concatenate((done.sums[: keys.strange], done.sums[keys.extras :]))
    finished = done.cost >= 0
    fits = np.column_stack((done.cost[finished], done.length[finished], np.ones(int(finished.sum()), np.int64)))
    found: Partial = {"keys": kept, "fits": tallied(_few(fits))}
    s, many = len(keys.plan.steps), len(keys.channels)
    strange = done.sums[keys.strange : keys.extras].reshape(s, many, SUMS) if many else np.zeros((s, 0, SUMS), np.int64)
    for x, name in enumerate(keys.channels):
        if strange[:, x].any():
            found[f"channel {name or ''}"] = strange[:, x]
    for currency, count in currencies(journeys).items():
        found[f"currency {currency or ''}"] = np.array([count], np.int64)
    return found


def _few(rows: Int) -> Int:
    """Rows of cost, length and count with equal ones joined: one number each is sorted faster than rows are."""
    if len(rows) == 0:
        return rows
    width = int(rows[:, 1].max()) + 1
    codes, counts = np.unique(rows[:, 0] * width + rows[:, 1], return_counts=True)
    return np.column_stack((codes // width, codes % width, counts)).astype(np.int64)
