"""Expression: conditions as people write them, "channel = 'web' and did cart then order within 7d".

Grammar: or, and, not, parentheses; column = <> != < <= > >= value; column [not] in (values); column [not] like 'a%';
column is [not] null. Text stands in single quotes ('' is a quote). Compared with a number, a column's texts are read as
numbers, and one that is no number is neither below nor above it. As in SQL, a comparison with a missing value is
unknown, and what is unknown is not kept.

Over journeys also: did STEP, never STEP, did STEP then STEP [then …] [within 7d], did STEP at least 3 times [within
30d] (or exactly, at most). A STEP is a touchpoint's name, or a condition on one touchpoint in parentheses.
"""

import re
from collections.abc import Callable, Mapping, Set
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from etappe.arrays import Codes, Column
from etappe.condition import Both, Compare, Node, Not, Value, nodes, read_tree, to_text
from etappe.errors import BadExpression
from etappe.grammar import read

Bool = NDArray[np.bool_]
Judged = tuple[Bool, Bool]
"""Where a condition is true, and where it is known at all; ALWAYS, which fits any length, where it is everywhere."""
ALWAYS: Final = np.ones((), bool)

Condition = str | Node | Mapping[str, Any]
"""A condition as text, as a tree, or as the plain data of a tree."""


class Expression(msgspec.Struct, frozen=True):
    """A condition that was read: its tree, the columns that it needs, and where in the text each name stands first."""

    text: str
    tree: Node
    columns: frozenset[str]
    places: dict[tuple[str, str], int]
    """("column", its name), or ("touchpoint", one that a step names), to a position in the text, from 0."""

    def at(self, kind: str, name: str) -> str:
        """The place of a name, as a message says it."""
        return f"at position {self.places[kind, name] + 1} of {self.text!r}"


ORDERS: Final = ("<", "<=", ">", ">=")
_NUMBER: Final = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)


def parse(text: str, where: str = "expression", *, journeys: bool = False) -> Expression:
    """Read a condition; one over `journeys` may also say what they did.

    Raises
    ------
    BadExpression
        The message says what is wrong and at which position of the text.

    Examples
    --------
    >>> sorted(parse("channel = 'web' and value > 10").columns)
    ['channel', 'value']
    """
    return Expression(text, *read(text, where, journeys))


def read_condition(condition: Condition, where: str = "where") -> Expression:
    """A condition over journeys in any of its forms; a tree is refused for what its text would be refused for.

    Examples
    --------
    >>> read_condition(Compare("channel", "=", ("web",))).text
    "channel = 'web'"
    """
    if isinstance(condition, str):
        return parse(condition, where, journeys=True)
    return parse(to_text(read_tree(condition, where)), where, journeys=True)


def mask(expression: Expression, columns: Mapping[str, Column]) -> Bool:
    """Which rows meet the condition. Each distinct text is judged once, then looked up by code: O(rows)."""

    def leaf(node: Node) -> Judged | None:
        return compared(node, columns[node.column]) if isinstance(node, Compare) else None

    return judge(expression.tree, leaf)[0]


def refuse_numbers(expression: Expression, columns: Mapping[str, Column]) -> None:
    """Refuse to compare a column of texts with a number, and to order numbers among texts: without a word nothing would
    ever meet the first, and '9' would be above '10'.

    Raises
    ------
    BadExpression
        The message shows one of the column's texts.
    """
    for node in nodes(expression.tree):
        if not isinstance(node, Compare):
            continue
        texts = [name for name in columns[node.column].names if name is not None]
        number = next((value for value in node.values if isinstance(value, float)), None)
        if number is not None and texts and all(_float(text) is None for text in texts):
            place = expression.at("column", node.column)
            what = f"column {node.column!r}, {place}, holds texts such as {texts[0]!r}, and no number."
            raise BadExpression("where", what, f"Compare it with a text: '{number:g}'.")
        if node.op in ORDERS and texts and all(_float(text) is not None for text in texts):
            _refuse_texts(expression, node, texts[0], digits=node.column == "value")
        elif node.column == "value" and node.op in ("=", "<>", "in"):
            _refuse_texts(expression, node, texts[0] if texts else "50", digits=False)


def _refuse_texts(expression: Expression, node: Compare, example: str, *, digits: bool) -> None:
    """Refuse texts beside a column of numbers; texts of digits alone (postal codes) only with `digits`."""
    for text in node.values:
        as_number = isinstance(text, str) and _NUMBER.fullmatch(text)
        if not isinstance(text, str) or (as_number and not digits):
            continue
        what = f"column {node.column!r}, {expression.at('column', node.column)}, holds numbers, and {text!r} is a text."
        remedy = f"Write {text}, without quotes." if as_number else f"Name a number, such as {example}."
        raise BadExpression("where", what, remedy)


def judge(node: Node, leaf: Callable[[Node], Judged | None]) -> Judged:
    """Where a node is true, and where it is known at all (three-valued logic).

    `leaf` judges what it can, comparisons at least; for any other node it may give None, and its parts are judged.
    """
    found = leaf(node)
    if found is not None:
        return found
    if isinstance(node, Not):
        true, known = judge(node.of, leaf)
        return (~true if known is ALWAYS else known & ~true), known
    if not isinstance(node, Both):
        raise TypeError(f"nothing judges {node!r}")
    left, left_known = judge(node.left, leaf)
    right, right_known = judge(node.right, leaf)
    if left_known is ALWAYS and right_known is ALWAYS:
        return (left & right if node.op == "and" else left | right), ALWAYS
    if node.op == "and":
        return left & right, (left_known & right_known) | (left_known & ~left) | (right_known & ~right)
    return left | right, (left_known & right_known) | left | right


def compared(node: Compare, column: Column) -> Judged:
    """Where a comparison is true, and where it is known."""
    verdicts = [_verdict(name, node) for name in column.names]
    true = np.asarray([v is True for v in verdicts], bool)
    known = np.asarray([v is not None for v in verdicts], bool)
    return _rows(true, column.codes), ALWAYS if known.all() else _rows(known, column.codes)


def _rows(names: Bool, codes: Codes) -> Bool:
    """Which rows have one of some names. Comparing codes costs a tenth of looking each up, where the names allow it."""
    hits = np.flatnonzero(names)
    if not len(hits):
        return np.zeros(len(codes), bool)
    low, high = int(hits[0]), int(hits[-1])
    if low == high:
        return np.asarray(codes == low, bool)
    if high - low + 1 == len(hits):  # a range of sorted names, or all but the missing one
        above = np.asarray(codes >= low, bool)
        return above if high + 1 == len(names) else above & (codes <= high)
    return np.asarray(names[codes], bool)


def _verdict(text: str | None, node: Compare) -> bool | None:
    if node.op == "null":
        return text is None
    if text is None:
        return None
    if node.op == "like":
        return _like(str(node.values[0])).fullmatch(text) is not None
    if node.op in ("in", "="):
        return any(_same(text, value) for value in node.values)
    value = node.values[0]
    if node.op == "<>":
        return not _same(text, value)
    left: Any = _float(text) if isinstance(value, float) else text
    if left is None:
        return None
    right: Any = value
    return bool({"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[node.op])


def holds(texts: Set[str], value: Value, op: str) -> bool:
    """Whether any of a column's texts is a value, or fits it as a pattern."""
    if op == "like":
        fits = _like(str(value)).fullmatch
        return any(fits(text) is not None for text in texts)
    return value in texts if isinstance(value, str) else any(_float(text) == value for text in texts)


def _same(text: str, value: Value) -> bool:
    return _float(text) == value if isinstance(value, float) else text == value


def _float(text: str) -> float | None:
    return float(text) if _NUMBER.fullmatch(text) else None  # float() alone would take "nan", "infinity" and "1_000"


def _like(pattern: str) -> re.Pattern[str]:
    """`%` is any text, `_` any character. As in fnmatch, atomic groups keep a pattern of many % linear in the text."""
    pieces = ["".join("." if c == "_" else re.escape(c) for c in piece) for piece in pattern.split("%")]
    if len(pieces) == 1:
        return re.compile(pieces[0], re.DOTALL)
    first, *middle, last = pieces
    return re.compile(first + "".join(f"(?>.*?{piece})" for piece in middle if piece) + ".*" + last, re.DOTALL)
