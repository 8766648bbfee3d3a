"""Conditions over journeys: columns, customer attributes and what a journey did, in one meaning.

A condition is judged for each touchpoint. What is said of the customer, and what the journey did, is the same for all
touchpoints of a journey. A condition that names no column over touchpoints selects whole journeys.
"""

from collections.abc import Callable
from datetime import date
from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from etappe.arrays import Codes, Column
from etappe.condition import Both, Compare, Did, Node, Not, nodes, touchpoint_of
from etappe.errors import BadExpression, UnknownName, unknown
from etappe.expression import ALWAYS, Bool, Expression, Judged, compared, holds, judge, refuse_numbers
from etappe.units import duration_us

if TYPE_CHECKING:
    from etappe.journeys.columns import Journeys

SAME: Final = ("=", "<>", "in", "like")
MOST_NAMES: Final = 10_000
"""Among more values none is looked for that is like the one asked for."""


def over_touchpoints(journeys: "Journeys", node: Node) -> bool:
    """Whether a condition, outside of steps, names a column over touchpoints."""
    if isinstance(node, Compare):
        return node.column not in journeys.lazy_attributes
    if isinstance(node, Not):
        return over_touchpoints(journeys, node.of)
    return isinstance(node, Both) and any(over_touchpoints(journeys, part) for part in (node.left, node.right))


def journeys_that(journeys: "Journeys", expression: Expression, *, part: bool = False) -> Bool:
    """(n,) which journeys meet a condition that names no column over touchpoints; a `part` of all refuses nothing."""
    return _Meaning(journeys, expression, part).of_journeys(expression.tree)[0]


def touchpoints_that(journeys: "Journeys", expression: Expression, *, part: bool = False) -> Bool:
    """(t,) which touchpoints meet a condition; a `part` of all refuses nothing: it does not know what all hold."""
    return _Meaning(journeys, expression, part).of_touchpoints(expression.tree)[0]


def strange_values(journeys: "Journeys", expression: Expression) -> list[tuple[str, str, str]]:
    """What a condition compares a column with and the column never holds, with the nearest text that it does."""
    asked = [node for node in nodes(expression.tree) if isinstance(node, Compare) and node.op in SAME]
    columns = _Meaning(journeys, expression).columns if asked else {}
    held = {name: {text for text in column.names if text is not None} for name, column in columns.items()}
    found = []
    for node in asked:
        known = held[node.column]
        for value in node.values:
            if holds(known, value, node.op):
                continue
            text = f"{value:g}" if isinstance(value, float) else value
            near = get_close_matches(text, known, n=1, cutoff=0.6) if len(known) <= MOST_NAMES and text == value else []
            found.append((node.column, text, near[0] if near else ""))
    return found


class _Meaning:
    """A condition over some journeys: refused when it is made, unless they are a part, or judged."""

    def __init__(self, journeys: "Journeys", expression: Expression, part: bool = False) -> None:
        self.journeys, self.expression = journeys, expression
        if not part:
            self.refuse()

    def refuse(self) -> None:
        """Refuse columns and touchpoints that there are not, and values that a column is not compared with."""
        journeys, expression = self.journeys, self.expression
        known = (*journeys.readable, *journeys.attributes)
        for name in sorted(expression.columns):
            if name not in known:
                raise _at(expression, "column", name, unknown("where", "column or customer attribute", name, known))
        for kind, name in expression.places:
            if kind == "touchpoint" and name not in journeys.touchpoints:
                raise _at(expression, kind, name, unknown("where", kind, name, journeys.touchpoints))
        refuse_numbers(expression, self.columns)
        if "day" in expression.columns and "day" not in (*journeys.lazy, *journeys.attributes):
            _refuse_no_days(expression)

    @cached_property
    def columns(self) -> dict[str, Column]:
        """The columns that the condition compares."""
        return {name: self.column(name) for name in self.expression.columns}

    def column(self, name: str) -> Column:
        if name in self.journeys.lazy_attributes:
            return self.journeys.attribute(name)
        if name == "touchpoint":
            return Column(self.journeys.touchpoint, self.journeys.touchpoints)
        return self.journeys.column(name)

    def of_journeys(self, tree: Node) -> Judged:
        def leaf(node: Node) -> Judged | None:
            if isinstance(node, Compare):
                return compared(node, self.columns[node.column])
            if isinstance(node, Did):
                return self.did(node), ALWAYS
            return None

        return judge(tree, leaf)

    def of_touchpoints(self, tree: Node) -> Judged:
        lengths = np.diff(self.journeys.offsets)

        def leaf(node: Node) -> Judged | None:
            if not over_touchpoints(self.journeys, node):
                true, known = self.of_journeys(node)
                return np.repeat(true, lengths), known if known is ALWAYS else np.repeat(known, lengths)
            return compared(node, self.columns[node.column]) if isinstance(node, Compare) else None

        return judge(tree, leaf)

    def did(self, node: Did) -> Bool:
        """Which journeys did it."""
        from etappe.journeys.sequences import NO_WINDOW, followed, fullest

        codes, serves = self.served(node.steps)
        arrays = (self.journeys.offsets, self.journeys.time_us, codes, serves)
        window = NO_WINDOW if node.within is None else duration_us(node.within, "where: within")
        if len(node.steps) > 1 or (node.count, node.times) == ("at least", 1):
            return followed(*arrays, len(node.steps), window)
        held = fullest(*arrays, window)
        compare: dict[str, Callable[[], Bool]] = {
            "at least": lambda: held >= node.times,
            "exactly": lambda: held == node.times,
            "at most": lambda: held <= node.times,
        }
        return compare[node.count]()

    def served(self, steps: tuple[Node, ...]) -> tuple[Codes, NDArray[np.uint16]]:
        """A code for each touchpoint, and which steps a code may serve, a bit each."""
        if all(touchpoint_of(step) is not None for step in steps):
            serves = np.zeros(max(1, len(self.journeys.touchpoints)), np.uint16)
            for s, step in enumerate(steps):
                serves[self.journeys.touchpoints.index(str(touchpoint_of(step)))] |= 1 << s
            return self.journeys.touchpoint, serves
        codes: Codes = np.zeros(self.journeys.events, np.uint8 if len(steps) <= 8 else np.uint16)
        for s, step in enumerate(steps):
            codes |= self.of_touchpoints(step)[0].astype(codes.dtype) << s
        return codes, np.arange(1 << len(steps), dtype=np.uint16)


def _at(expression: Expression, kind: str, name: str, problem: UnknownName) -> UnknownName:
    """The same refusal, with the place in the text."""
    what = f"{problem.what.removesuffix('.')} {expression.at(kind, name)}."
    return UnknownName(problem.where, what, problem.hint)


def _refuse_no_days(expression: Expression) -> None:
    """Texts order as days do only where they are written as days: anything else would compare without a word."""
    for node in nodes(expression.tree):
        if isinstance(node, Compare) and node.column == "day" and node.op not in ("like", "null"):
            for value in node.values:
                if not _is_day(str(value)):
                    what = f"{value!r} is no day, which column 'day' {expression.at('column', 'day')} is compared with."
                    raise BadExpression("where", what, "Write it as '2026-11-23'.")


def _is_day(text: str) -> bool:
    """Whether a text is a day in the one form that orders as days do: 20260131 and 2026-W05-6 do not."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
