"""Funnel count: what a funnel under its rules finds, one entry for each unit that it counts."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from etappe.analysis.chains import Rules, chains
from etappe.analysis.funnel_rules import rules_of, units_of
from etappe.analysis.periods import first_day
from etappe.arrays import Column, Int
from etappe.errors import BadQuestion
from etappe.journeys.clock import EPOCH, local_us
from etappe.journeys.columns import Journeys
from etappe.units import DAY_US

if TYPE_CHECKING:
    from etappe.analysis.funnel import Funnel

NEVER: Final = -(2**63)
"""The time of a step that a chain does not hold."""


@dataclass(frozen=True)
class Counted:
    """What was found: one entry a unit."""

    units: int
    """All that were looked at."""
    owner: Int
    """(n,) the journey that a unit comes from; only units that enter are told of."""
    reached: NDArray[np.bool_]
    """(n, k)"""
    running: NDArray[np.bool_]
    """(n,) not at the last step, and its window is not over."""
    times: Int
    """(n, k) of the best chain, NEVER where it has none; no rows where no times are wanted."""
    entered: NDArray[np.bool_]
    """(n, k) reached without the step before: in a closed funnel step 1 alone."""
    groups: Column | None = None
    out: int = 0
    """Units that an exclusion removes."""


def ruled(journeys: Journeys, question: "Funnel") -> Counted:
    """The funnel under its rules."""
    rules = rules_of(journeys, question)
    units, owner, held = units_of(journeys, question, rules)
    k, n = len(question.steps), len(units)
    if question.entry == "open":
        return _opened(units, owner, rules, k)
    found = chains(units, rules, any_order=question.order == "any")
    bits = found.reached
    out = 0
    if question.exclude:
        without = chains(units, rules._replace(excluded=np.zeros_like(rules.excluded)))
        removed = _top(without.reached) > _top(found.reached)
        out = int(np.count_nonzero(removed))
        bits = np.where(removed, 0, bits)
    at = np.flatnonzero(bits)  # who never enters is counted, and looked at no more
    places = found.places[at]
    reached = (bits[at, None] >> np.arange(1, k + 1)) & 1 == 1
    entered = np.zeros_like(reached)
    entered[:, 0] = reached[:, 0]
    times = np.where(places >= 0, units.time_us[np.maximum(places, 0)] if units.events else 0, NEVER)
    groups = None if held is None else held.take(at)
    counted = Counted(n, owner[at], reached, found.running[at], times, entered, groups, out)
    if question.trend is not None:
        return replace(counted, groups=_periods(times[:, 0], question.trend, journeys.origin.timezone))
    if question.by is not None and question.by_at not in ("journey", "all"):
        return _told(counted, units, places, question)
    return counted


def _periods(start_us: Int, period: str, timezone: str) -> Column:
    """The first day of the local period in which each chain starts; none where there is no chain."""
    held = start_us > NEVER
    days = local_us(start_us[held], timezone) // DAY_US
    low = int(days.min()) if len(days) else 0
    used = np.flatnonzero(np.bincount(days - low))
    first = [first_day(EPOCH + timedelta(days=low + int(number)), period).isoformat() for number in used]
    names = sorted(set(first))
    code_of = np.zeros(int(used[-1]) + 1 if len(used) else 1, np.int64)
    code_of[used] = [names.index(name) + 1 for name in first]
    codes = np.zeros(len(start_us), np.int64)
    codes[held] = code_of[days - low]
    return Column(codes, (None, *names))


def _top(bits: Int) -> Int:
    """The highest step reached, as a number that grows with it."""
    top = bits.copy()
    for shift in (1, 2, 4, 8, 16, 32):
        top |= top >> shift
    return top


def _opened(units: Journeys, owner: Int, rules: Rules, k: int) -> Counted:
    """Entry at every step: a unit reaches each step that it touches; it goes on where the step before lies behind."""
    n = len(units)
    reached, entered = np.zeros((n, k), bool), np.zeros((n, k), bool)
    running, times = np.zeros(n, bool), np.full((n, k), NEVER, np.int64)
    for s in range(1, k + 1):
        touched = chains(units, _only(rules, [s])).reached > 0
        went_on = (chains(units, _only(rules, [s - 1, s])).reached & 4) > 0 if s > 1 else np.zeros(n, bool)
        reached[:, s - 1] = touched | went_on
        entered[:, s - 1] = reached[:, s - 1] & ~went_on
    return Counted(n, owner, reached, running, times[:0], entered)


def _only(rules: Rules, steps: list[int]) -> Rules:
    """The rules with some of the steps."""
    serves = rules.serves[[0, *steps]]
    return rules._replace(serves=serves, excluded=np.zeros_like(serves), optional=np.zeros(len(serves), bool))


def _told(counted: Counted, units: Journeys, places: Int, question: "Funnel") -> Counted:
    """The group of each unit: what `by` says at a step of its best chain."""
    k, at = len(question.steps), question.by_at
    column = units.column(str(question.by), "funnel: by")
    codes = np.concatenate((column.codes, [0]))  # the last stands for "no touchpoint"
    said = np.where(places >= 0, codes[places], 0)
    empty = np.array([name is None for name in column.names])
    if at in ("first", "last"):
        order = range(k - 1, -1, -1) if at == "first" else range(k)
        chosen = np.zeros(len(places), np.int64)
        for s in order:
            chosen = np.where(empty[said[:, s]], chosen, said[:, s])
        return replace(counted, groups=Column(chosen, column.names))
    word, _, number = at.partition(" ")
    if word != "step" or not number.isdigit() or not 1 <= int(number) <= k:
        hint = f'Choose "journey", "first", "last", "all", or "step 1" to "step {k}".'
        raise BadQuestion("funnel: by_at", f"{at!r} is no place to read {question.by!r} at.", hint)
    chosen = said[:, int(number) - 1].astype(np.int64)
    kept = ~empty[chosen]  # those without a value at this step are left out
    return Counted(
        counted.units, counted.owner[kept], counted.reached[kept], counted.running[kept], counted.times[kept],
        counted.entered[kept], Column(chosen[kept], column.names), counted.out,
    )  # fmt: skip


def last_step(reached: NDArray[np.bool_]) -> Int:
    """(n,) the last step that is reached, from 0; -1 where there is none."""
    k = reached.shape[1]
    return np.where(reached.any(axis=1), k - 1 - np.argmax(reached[:, ::-1], axis=1), -1)


def groups(counted: Counted) -> list[tuple[str | None, Int]]:
    """Groups of units by name, those without a value last."""
    assert counted.groups is not None
    entered = np.flatnonzero(counted.reached.any(axis=1))
    used = counted.groups.codes[entered]
    names = {counted.groups.names[code] for code in np.unique(used).tolist()}
    same = {name: np.isin(used, [i for i, n in enumerate(counted.groups.names) if n == name]) for name in names}
    return [(name, entered[same[name]]) for name in sorted(names, key=lambda name: (name is None, name or ""))]
