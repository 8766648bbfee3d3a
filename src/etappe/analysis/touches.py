"""Touches: what a question of attribution reads from journeys, checked before any work, and how it has them counted."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import floor, isfinite
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from etappe.analysis.credit import (
    DECAY,
    DISTINCT,
    EACH,
    FOREVER,
    JOURNEYS,
    LINEAR,
    NOT_DIRECT,
    POISSON,
    POSITION,
    SAME,
    TOUCHED,
    TOUCHES,
    UNIT,
    VALUED,
    Bool,
    count_pairs,
    count_steps,
    share_out,
)
from etappe.analysis.kernel import arrays_of, plain, total
from etappe.arrays import Int, distinct, over_parts
from etappe.errors import BadQuestion, MixedCurrencies
from etappe.journeys.columns import Journeys
from etappe.units import NO_VALUE, duration_us

if TYPE_CHECKING:
    from etappe.analysis.attribution import Attribution

NONE: Final = "(none)"
POSITIONS: Final = {
    "first": (1.0, 0.0, 0.0),
    "last": (0.0, 0.0, 1.0),
    "u_shaped": (0.4, 0.2, 0.4),
    "j_shaped": (0.2, 0.2, 0.6),
    "inverse_j": (0.6, 0.2, 0.2),
}
"""Weights of the first touch, of all middle ones together, and of the last."""
MOST_CONVERSIONS, MOST_VALUE = 2**26, 2**50
"""Beyond, whole numbers of 1/UNIT would not fit 64 bits."""
COLUMNS: Final = (
    "model", "credit", "share", "low", "high", "value", "currency", "touches", "journeys", "cost", "roas", "roi",
    "group", "group_n",
)  # fmt: skip


ROOM: Final = 2**22
"""Counters of a bootstrap held at a time, in each part of the journeys."""


@dataclass(frozen=True)
class Touches:
    """Journeys as the kernels of credit.py read them."""

    offsets: Int
    time_us: Int
    touchpoint: NDArray[Any]
    what: NDArray[Any]
    """Codes of the dimension."""
    state_of: Int
    """A code's state, 0 to k - 1, or -1."""
    k: int
    goal: int
    window: int
    reuse: bool
    once: bool
    """Only a journey's first conversion, and nothing after it."""
    values: Callable[[], Int] | None
    """Of each touchpoint, NO_VALUE where it has none."""
    subject: Int

    @cached_property
    def goals(self) -> Int:
        """Rows of the conversions."""
        found = np.flatnonzero(self.touchpoint == self.goal)
        if self.once:
            found = found[np.diff(np.searchsorted(self.offsets, found, side="right"), prepend=-1) > 0]
        refuse_much(len(found), 0)
        return plain(found)

    @cached_property
    def value(self) -> Int:
        """Of each conversion, NO_VALUE where it has none."""
        return plain(self.values()[self.goals] if self.values else np.full(len(self.goals), NO_VALUE))

    def paths(self) -> tuple[Any, ...]:
        """What every kernel begins with."""
        ends = (self.goal, self.window, self.reuse, self.once)
        return self.offsets, self.time_us, self.touchpoint, self.what, self.state_of, *ends


@dataclass(frozen=True)
class Rule:
    """How one conversion is shared."""

    mode: int
    units: tuple[int, int, int, int, int] = (0, 0, 0, 0, 0)
    """Of the first, all middle ones and the last of three or more; of the first and the last of two."""
    half_life: float = 1.0
    direct: Bool | None = None
    """(k,) states that are passed over."""


def repetitions(slots: int, bootstrap: int) -> Iterator[tuple[int, int]]:
    """Blocks of repetitions (first, how many) whose counters fit."""
    block = max(1, min(bootstrap, ROOM // max(slots, 1)))
    for first in range(0, bootstrap, block):
        yield first, min(block, bootstrap - first)


def credit(touches: Touches, rules: Sequence[Rule], *, wanted: int = -1, bootstrap: int = 0) -> tuple[Int, Int, Bool]:
    """By each rule: what each state and none are credited with; the repetitions (k + 2, bootstrap); who has `wanted`.

    All rules share out the same touches, so SAME is asked for alone.
    """
    t, k, n = touches, touches.k, len(rules)
    direct = next((rule.direct for rule in rules if rule.direct is not None), np.zeros(k + 1, bool))
    half_life = next((rule.half_life for rule in rules if rule.mode == DECAY), 1.0)
    modes, units = np.array([rule.mode for rule in rules]), np.array([rule.units for rule in rules])
    marked = np.zeros(len(t.subject), bool)
    shared = (
        *t.paths()[:-1], t.goals, t.value, NO_VALUE, t.subject, POISSON,
        plain(modes), plain(units), float(half_life), plain(direct), k, wanted, marked,
    )  # fmt: skip
    out, blocks = np.zeros((n, k + 1, 8), np.int64), [np.zeros((n, k + 2, 0), np.int64)]
    for repetition, reps in [*repetitions(n * (k + 2), bootstrap)] or [(0, 0)]:

        def work(a: int, b: int, repetition: int = repetition, reps: int = reps) -> tuple[Int, Int]:
            arguments: tuple[Any, ...] = (*shared, repetition, reps, a, b)
            found: tuple[Int, Int] = share_out(*arguments)
            return found

        partials = over_parts(t.offsets, work)
        blocks.append(sum((part[1] for part in partials), np.zeros((n, k + 2, reps), np.int64)))
        if repetition == 0:
            out = sum((part[0] for part in partials), out)
    out[1:, :, [TOUCHES, JOURNEYS, VALUED]] = out[0][:, [TOUCHES, JOURNEYS, VALUED]]
    return out, np.concatenate(blocks, axis=2), marked


@dataclass(frozen=True)
class Steps:
    """The steps of all paths, to be counted: once, or again and again."""

    touches: Touches
    size: int
    """How many places there are."""
    order: int = 1
    collapse: bool = True
    sets: bool = False

    def _counted(self, slot_of: Int, slots: int, repetition: int, reps: int) -> tuple[Int, Int]:
        t = self.touches
        # At order 1 repeats need not be looked for: see markov.py.
        collapse = self.collapse and self.order > 1
        shared = (*t.paths(), t.subject, POISSON, t.k, self.order, collapse, self.sets)

        def work(a: int, b: int) -> tuple[Int, Int]:
            counts, again = np.zeros(0 if reps else self.size, np.int64), np.zeros((slots, reps), np.int64)
            arguments: tuple[Any, ...] = (*shared, counts, slot_of, again, repetition, a, b)
            count_steps(*arguments)
            return counts, again

        partials = over_parts(t.offsets, work)
        counts = sum((part[0] for part in partials), np.zeros(0 if reps else self.size, np.int64))
        return counts, sum((part[1] for part in partials), np.zeros((slots, reps), np.int64))

    def _pairs(self) -> Int:
        """Steps of order 1 over touchpoints without a window, from the pairs of neighbours."""
        t, k = self.touches, self.touches.k
        partials = over_parts(t.offsets, lambda a, b: count_pairs(t.offsets, t.touchpoint, k, a, b))
        pairs = sum(partials, np.zeros((k + 1) ** 2, np.int64)).reshape(k + 1, k + 1)
        code = np.argsort(t.state_of)
        goal, ends = t.state_of[t.goal], pairs[code]
        counts = np.zeros((k + 1, k + 2), np.int64)
        counts[0, :k] = (pairs[k] + pairs[t.goal])[code]
        counts[1:, :k], counts[1:, k], counts[1:, k + 1] = ends[:, code], ends[:, t.goal], ends[:, k]
        counts[:, goal] = counts[1 + goal] = 0
        return counts.ravel()

    def rows(self) -> Int:
        """(m, 2) the places of steps (or of sets with their end) that occur, as the kernel says, and how often."""
        counts = self._count()
        places = np.flatnonzero(counts)
        return np.column_stack((places, counts[places]))

    def _count(self) -> Int:
        t = self.touches
        plainly = self.order == 1 and not (self.sets or t.reuse or t.once) and t.window >= FOREVER
        if plainly and t.what is t.touchpoint and np.array_equal(np.sort(t.state_of), np.arange(t.k)):
            return self._pairs()
        return self._counted(np.zeros(0, np.int64), 1, 0, 0)[0]

    def again(self, places: Int, bootstrap: int) -> Iterator[Int]:
        """For each repetition: how often the steps at these places (all that occur, rising) occur in it."""
        slot_of = np.zeros(self.size, np.int64)
        slot_of[places] = np.arange(len(places))
        for repetition, reps in repetitions(len(places), bootstrap):
            yield from np.ascontiguousarray(self._counted(slot_of, len(places), repetition, reps)[1].T)


def checked(question: "Attribution") -> None:
    """Refuse what has no meaning, before any work."""
    if question.row_label() in COLUMNS:
        what = f"{question.by!r} is the name of a column of the answer."
        raise BadQuestion("attribution: by", what, "Credit touchpoint, channel or another column.")
    if question.model == "custom" and not question.weights:
        hint = "Give three, such as weights: [0.5, 0.2, 0.3]."
        raise BadQuestion("attribution: weights", "the custom model has no weights.", hint)
    weights = question.weights
    if weights and (len(weights) != 3 or not all(isfinite(w) and w >= 0 for w in weights) or sum(weights) <= 0):
        told = ", ".join(f"{weight:g}" for weight in weights)
        what = f"[{told}] are no weights of the first, the middle and the last touch."
        raise BadQuestion("attribution: weights", what, "Give three numbers, none below 0, not all 0.")
    if not 1 <= question.order <= 3:
        raise BadQuestion("attribution: order", f"{question.order} is no order of a chain.", "Choose 1, 2 or 3.")
    if not 0 <= question.bootstrap <= 10_000:
        what = f"{question.bootstrap} is no number of repetitions."
        raise BadQuestion("attribution: bootstrap", what, "Choose 0 to 10,000; 200 is usual.")
    duration_us(question.half_life, "attribution: half_life")


def touches_of(journeys: Journeys, question: "Attribution") -> tuple[Touches, list[str]]:
    """Journeys as the kernels read them, and the name of each state, rising: the order is the same in all parts."""
    checked(question)
    goal = journeys.code(question.goal, "attribution: goal")
    window = FOREVER if question.window in (None, "none") else duration_us(question.window, "attribution: window")
    offsets, time_us, touchpoint = arrays_of(journeys)
    of_code: tuple[str | None, ...] = journeys.touchpoints
    what = touchpoint
    if question.row_label() != "touchpoint":
        column = journeys.column(question.row_label(), "attribution: by")
        of_code, what = column.names, plain(column.codes)
    names = sorted({name for name in of_code if name is not None and name != NONE})
    place: dict[str | None, int] = {name: i for i, name in enumerate(names)}
    touches = Touches(
        offsets=offsets,
        time_us=time_us,
        touchpoint=touchpoint,
        what=what,
        state_of=plain(np.array([place.get(name, -1) for name in of_code], np.int64)),
        k=len(names),
        goal=goal,
        window=window,
        reuse=question.reuse,
        once=question.per == "journey",
        values=None if journeys.lazy_value is None else lambda: journeys.value,
        subject=plain(journeys.subject),
    )
    return touches, names


def rule_of(question: "Attribution", model: str, names: Sequence[str]) -> Rule:
    """The rule of a model; of one that is no rule, the one whose touches are its too."""
    if model == "last_non_direct":
        return Rule(NOT_DIRECT, direct=np.array([*(name in question.direct for name in names), False]))
    if model in POSITIONS or model == "custom":
        first, middle, last = (Fraction(repr(float(w))) for w in POSITIONS.get(model, question.weights))
        whole = first + middle + last
        two = first / (first + last) if first + last else Fraction(1, 2)
        parts = (first / whole, middle / whole, last / whole, two, 1 - two)
        of = [floor(part * UNIT) for part in parts]
        return Rule(POSITION, (of[0], of[1], of[2], of[3], UNIT - of[3]))
    if model == "time_decay":
        return Rule(DECAY, half_life=duration_us(question.half_life))
    if model == "shapley" and question.value_function == "subset":
        return Rule(DISTINCT)
    return Rule({"participation": EACH, "same_touch": SAME, "linear": LINEAR}.get(model, TOUCHED))


@dataclass(frozen=True)
class Worth:
    """What conversions are worth: how many have a value, its sum, that of amounts, and currencies ("": none)."""

    valued: int
    value: int
    amounts: int
    currencies: tuple[str, ...]


def worth_of(journeys: Journeys, touches: Touches) -> Worth:
    """What the conversions of some journeys are worth."""
    has = touches.value != NO_VALUE
    if not has.any():
        return Worth(0, 0, 0, ())
    values = touches.value[has]
    amounts = total(np.abs(values))
    refuse_much(len(touches.goals), amounts)
    named: list[str | None] = [None]
    if "currency" in journeys.columns:
        column = journeys.column("currency")
        named = [column.names[code] for code in distinct(column.codes[touches.goals[has]]).tolist()]
    return Worth(len(values), total(values), amounts, tuple(sorted(name or "" for name in named)))


def refuse_much(conversions: int, amounts: int) -> None:
    """Refuse what cannot be shared out exactly."""
    if conversions > MOST_CONVERSIONS:
        many = f"{conversions:,} conversions are more than {MOST_CONVERSIONS:,}."
        raise BadQuestion("attribution: goal", many, "Ask for a shorter time.")
    if amounts >= MOST_VALUE:
        what = "the conversions' values are beyond what can be shared out exactly."
        raise BadQuestion("attribution: value", what, "Ask for a shorter time.")


def currency_of(currencies: Sequence[str], goal: str) -> str | None:
    """The one currency of all conversions.

    Raises
    ------
    MixedCurrencies
        There are several.
    """
    if len(currencies) > 1:
        each = ", ".join(name or "?" for name in currencies)
        hint = f"""Ask for one: where="touchpoint <> '{goal}' or currency = '{currencies[-1]}'"."""
        raise MixedCurrencies("attribution: value", f"conversions have values in {each}.", hint)
    return (currencies[0] or None) if currencies else None
