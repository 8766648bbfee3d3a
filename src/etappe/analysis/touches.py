"""Touches: what a question of attribution reads from journeys, checked before any work."""

from collections.abc import Sequence
from fractions import Fraction
from math import floor, isfinite
from typing import TYPE_CHECKING, Final

import numpy as np

from etappe.analysis.credit import (
    DECAY,
    DISTINCT,
    EACH,
    FOREVER,
    LINEAR,
    NOT_DIRECT,
    POSITION,
    SAME,
    UNIT,
    Rule,
    Touches,
)  # fmt: skip
from etappe.analysis.kernel import arrays_of, plain, total
from etappe.arrays import distinct
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
CONVERSIONS, VALUES = 2**26, 2**50
"""Beyond, whole numbers of 1/UNIT would not fit 64 bits."""
COLUMNS: Final = (
    "model", "credit", "share", "low", "high", "value", "currency", "touches", "journeys", "cost", "roas", "roi",
    "group", "group_n",
)  # fmt: skip


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
        what = f"{list(weights)} are no weights of the first, the middle and the last touch."
        raise BadQuestion("attribution: weights", what, "Give three numbers, none below 0, not all 0.")
    if not 1 <= question.order <= 3:
        raise BadQuestion("attribution: order", f"{question.order} is no order of a chain.", "Choose 1, 2 or 3.")
    if not 0 <= question.bootstrap <= 10_000:
        what = f"{question.bootstrap} is no number of repetitions."
        raise BadQuestion("attribution: bootstrap", what, "Choose 0 to 10,000; 200 is usual.")
    duration_us(question.half_life, "attribution: half_life")


def touches_of(journeys: Journeys, question: "Attribution") -> tuple[Touches, list[str]]:
    """Journeys as the kernels read them, and the name of each state."""
    checked(question)
    goal = journeys.code(question.goal, "attribution: goal")
    window = FOREVER if question.window is None else duration_us(question.window, "attribution: window")
    offsets, time_us, touchpoint = arrays_of(journeys)
    of_code: tuple[str | None, ...] = journeys.touchpoints
    what = touchpoint
    if question.row_label() != "touchpoint":
        column = journeys.column(question.row_label(), "attribution: by")
        of_code, what = column.names, plain(column.codes)
    names = list(dict.fromkeys(name for name in of_code if name not in (None, NONE)))
    place: dict[str | None, int] = {name: i for i, name in enumerate(names)}
    value = plain(np.empty(0, np.int64) if journeys.lazy_value is None else journeys.value)
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
        value=value,
        subject=plain(journeys.subject),
    )
    return touches, [str(name) for name in names]


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
    return Rule({"participation": EACH, "same_touch": SAME}.get(model, LINEAR))


def worth_of(journeys: Journeys, touches: Touches) -> tuple[int, int, int, str | None]:
    """How many conversions there are and how many have a value, the sum of the values and its currency."""
    rows = np.flatnonzero(touches.touchpoint == touches.goal)
    if touches.once:
        owner = np.searchsorted(touches.offsets, rows, side="right")
        rows = rows[np.diff(owner, prepend=-1) > 0]
    if len(rows) > CONVERSIONS:
        what = f"{len(rows):,} conversions are more than {CONVERSIONS:,}."
        raise BadQuestion("attribution: goal", what, "Ask for a shorter time.")
    conversions = len(rows)
    rows = rows[touches.value[rows] != NO_VALUE] if len(touches.value) else rows[:0]
    if not len(rows):
        return conversions, 0, 0, None
    values = touches.value[rows]
    if float(np.abs(values.astype(np.float64)).sum()) >= VALUES:
        what = "the conversions' values are beyond what can be shared out exactly."
        raise BadQuestion("attribution: value", what, "Ask for a shorter time.")
    named: tuple[str | None, ...] = (None,)
    if "currency" in journeys.columns:
        column = journeys.column("currency")
        named = tuple(dict.fromkeys(column.names[c] for c in distinct(column.codes[rows]).tolist()))
    if len(named) > 1:
        each = ", ".join(sorted(name or "?" for name in named))
        goal = journeys.touchpoints[touches.goal]
        hint = f"""Ask for one: where="touchpoint <> '{goal}' or currency = '{next(filter(None, named))}'"."""
        raise MixedCurrencies("attribution: value", f"conversions have values in {each}.", hint)
    return conversions, len(rows), total(values), named[0]
