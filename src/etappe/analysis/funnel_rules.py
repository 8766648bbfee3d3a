"""Funnel rules: what a funnel's fields mean: steps, exclusions and optional steps as tables, journeys as units.

A step is a touchpoint, or several of which any serves: "order | subscribe". An exclusion is a touchpoint that must not
come between any two steps, or between two neighbouring ones: "support", "support: 2-3".
"""

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from etappe.analysis.chains import FOREVER, MOST, Rules, attempts
from etappe.arrays import Column, Int
from etappe.errors import BadQuestion, unknown
from etappe.journeys.columns import Journeys
from etappe.units import duration_us

if TYPE_CHECKING:
    from etappe.analysis.funnel import Funnel

MOST_STEPS: Final = 100
EITHER: Final = "|"


def codes_of(journeys: Journeys, step: str, where: str) -> list[int]:
    """The codes of the touchpoints that serve a step; a touchpoint's own name may hold a bar.

    Raises
    ------
    UnknownName
        One of them is not in the data.
    """
    if step in journeys.touchpoints or EITHER not in step:
        return [journeys.code(step, where)]
    return list(dict.fromkeys(journeys.code(name.strip(), where) for name in step.split(EITHER)))


def steps_of(journeys: Journeys, question: "Funnel") -> list[list[int]]:
    """The codes of each step.

    Raises
    ------
    BadQuestion, UnknownName
        No step, too many, or one that is not in the data.
    """
    k = len(question.steps)
    if k == 0:
        raise BadQuestion("funnel: steps", "a funnel needs a step.", 'Write steps such as ["visit", "order"].')
    most = MOST_STEPS if question.is_plain() else MOST
    if k > most:
        raise BadQuestion("funnel: steps", f"{k} steps are more than {most}.", "Ask for fewer.")
    return [codes_of(journeys, step, f"funnel: steps[{i}]") for i, step in enumerate(question.steps)]


def numbered(journeys: Journeys, served: list[list[int]]) -> tuple[Any, list[list[int]]]:
    """Each code's number, alike for codes that serve the same steps (0: none), and the steps of each number, from 1."""
    by_code: dict[int, list[int]] = {}
    for step, codes in enumerate(served, start=1):
        for code in codes:
            by_code.setdefault(code, []).append(step)
    numbers: dict[tuple[int, ...], int] = {}
    name_of = np.zeros(max(256, len(journeys.touchpoints)), np.uint8)
    for code, steps in by_code.items():
        name_of[code] = numbers.setdefault(tuple(steps), len(numbers) + 1)
    return name_of, [list(steps) for steps in numbers]


def _optional(question: "Funnel") -> Any:
    """(k+1,) which steps may be left out."""
    optional = np.zeros(len(question.steps) + 1, bool)
    for i, step in enumerate(question.optional):
        if step not in question.steps:
            raise unknown(f"funnel: optional[{i}]", "step", step, question.steps)
        optional[1:] |= np.array([name == step for name in question.steps])
    if optional[1]:
        raise BadQuestion("funnel: optional", "step 1 cannot be left out.", "Leave it out of the steps.")
    return optional


def _exclusions(journeys: Journeys, question: "Funnel") -> list[tuple[int, int, int]]:
    """(code, first, last): a touchpoint that must not come before steps first to last, since the step before."""
    found, k = [], len(question.steps)
    for i, text in enumerate(question.exclude):
        where = f"funnel: exclude[{i}]"
        name, _, between = (text, "", "") if text in journeys.touchpoints else text.rpartition(":")
        first, last = 2, k
        if name and between:
            a, dash, b = (part.strip() for part in between.partition("-"))
            if not (dash and a.isdigit() and b.isdigit() and 1 <= int(a) < int(b) <= k):
                hint = f'Write "{name}: 1-2" for what must not come between steps 1 and 2.'
                raise BadQuestion(where, f"{between.strip()!r} is no stretch between two of {k} steps.", hint)
            first, last = int(a) + 1, int(b)
        code = journeys.code((name or text).strip(), where)
        if any(code in codes for codes in steps_of(journeys, question)):
            raise BadQuestion(where, f"{name or text!r} is a step itself.", "Exclude what is no step.")
        found.append((code, first, last))
    return found


def _conflicts(question: "Funnel") -> None:
    """Refuse what has no meaning together."""
    any_order, opened = question.order == "any", question.entry == "open"
    rules = {
        "limit": question.limit is not None,
        "optional": bool(question.optional),
        "exclude": bool(question.exclude),
        "rising": question.rising,
        "ties": question.ties != "receipt",
        "occurrence": question.occurrence != "any",
        "entry": opened,
        "entered_from": question.entered_from is not None,
        "entered_to": question.entered_to is not None,
    }
    if any_order and (given := [name for name, held in rules.items() if held]):
        raise BadQuestion("funnel: order", f"in any order there is no {given[0]!r}.", f"Leave out {given[0]!r}.")
    for name in ("optional", "exclude", "occurrence"):
        if opened and rules[name]:
            hint = f"Leave out {name!r}, or ask for a closed funnel."
            raise BadQuestion("funnel: entry", f"a funnel that is open at every step has no {name!r}.", hint)
    if question.order == "strict" and (question.ties != "receipt" or question.optional):
        name = "optional" if question.optional else "ties"
        raise BadQuestion("funnel: order", f"strictly in order there is no {name!r}.", f"Leave out {name!r}.")
    if question.unit == "attempt" and (opened or any_order or question.limit or question.exclude or question.optional):
        hint = "Ask for journeys or sessions."
        raise BadQuestion("funnel: unit", "attempts are counted in closed funnels without further rules.", hint)
    if question.by_at != "journey" and question.by is None:
        raise BadQuestion("funnel: by_at", "there is no 'by' to be read there.", 'Give by, such as "channel".')
    if question.trend is not None and (opened or question.by_at != "journey"):
        name = "entry='open'" if opened else "by_at"
        raise BadQuestion("funnel: trend", f"a trend goes by step 1 alone, not with {name}.", f"Leave out {name}.")
    if question.unit == "entity" and question.hold is None:
        raise BadQuestion("funnel: unit", "an entity is what a column holds.", 'Give hold, such as hold="order".')


def rules_of(journeys: Journeys, question: "Funnel") -> Rules:
    """The question's rules as tables.

    Raises
    ------
    BadQuestion, UnknownName, BadDuration
        With the field that is at fault.
    """
    _conflicts(question)
    served = steps_of(journeys, question)
    optional = _optional(question)
    name_of, steps = numbered(journeys, served)
    k, names = len(served), len(steps) + 1
    excluding = _exclusions(journeys, question)
    serves = np.zeros((k + 1, names + len(excluding)), bool)
    excluded = np.zeros_like(serves)
    for name, own in enumerate(steps, start=1):
        serves[own, name] = True
    for i, (code, first, last) in enumerate(excluding):
        name_of[code] = name_of[code] or names + i  # the same touchpoint may be excluded twice
        excluded[first : last + 1, name_of[code]] = True
    window = FOREVER if question.within is None else duration_us(question.within, "funnel: within")
    limit = FOREVER if question.limit is None else duration_us(question.limit, "funnel: limit")
    origin = journeys.origin
    start, end = question.days_us(origin.timezone)
    return Rules(
        name_of, serves, excluded, optional,
        window=min(window, FOREVER),
        limit=min(limit, FOREVER),
        strict=question.order == "strict",
        rising=question.rising,
        by_step=question.ties == "in_order",
        first_only=question.occurrence == "first",
        start_us=start,
        end_us=end,
        now_us=2**62 if question.within is None or origin.seen_until_us is None else origin.seen_until_us,
    )  # fmt: skip


def units_of(journeys: Journeys, question: "Funnel", rules: Rules) -> tuple[Journeys, Int, Column | None]:
    """What is counted, the journey that each unit comes from, and what it holds in common."""
    units, owner, held = journeys, np.arange(len(journeys), dtype=np.int64), None
    if question.unit == "session":
        units = journeys.split(gap=question.gap)
        owner = np.searchsorted(journeys.offsets, units.offsets[:-1], side="right").astype(np.int64) - 1
    column = question.hold or (question.by if question.by_at == "all" else None)
    if column is not None:
        units, inner, held = _held(units, column)
        owner = owner[inner]
    if question.unit == "attempt":
        units, inner = attempts(units, rules)
        owner = owner[inner]
        held = None if held is None else held.take(inner)
    return units, owner, held


def _held(units: Journeys, name: str) -> tuple[Journeys, Int, Column]:
    """Each unit divided by what a column says at its touchpoints; where it says nothing, they are left out."""
    column = units.column(name, "funnel: hold")
    # Two codes may carry one name: they are one value. None is no value, and meets nothing.
    index = {text: i for i, text in enumerate(dict.fromkeys(text for text in column.names if text is not None))}
    texts = tuple(index)
    same = np.array([-1 if text is None else index[text] for text in column.names], np.int64)
    code = same[column.codes]
    owner = np.repeat(np.arange(len(units)), np.diff(units.offsets))
    rows = np.flatnonzero(code >= 0)
    key = owner[rows] * max(1, len(texts)) + code[rows]
    order = np.argsort(key, kind="stable")
    rows, key = rows[order], key[order]
    starts = np.flatnonzero(np.concatenate(([True], key[1:] != key[:-1]))) if len(key) else np.empty(0, np.int64)
    offsets = np.concatenate((starts, [len(rows)])).astype(np.int64)
    first = rows[starts]
    held = Column(code[first] + 1, (None, *texts))
    return units.cut(owner[first].astype(np.int64), offsets, rows), owner[first].astype(np.int64), held
