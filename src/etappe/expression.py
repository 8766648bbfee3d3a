"""Expression: conditions as people write them, "channel = 'web' and not age in ('65+')", as masks over coded columns.

Grammar: or, and, not, parentheses; column = <> != < <= > >= value; column [not] in (values); column [not] like 'a%';
column is [not] null. Text stands in single quotes ('' is a quote). Compared with a number, a column's texts are read as
numbers, and one that is no number is neither below nor above it. As in SQL, a comparison with a missing value is
unknown, and what is unknown is not kept.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from etappe.arrays import Column
from etappe.errors import BadExpression

Bool = NDArray[np.bool_]
Value = str | float


class Compare(msgspec.Struct, frozen=True, tag="compare"):
    """A column against values; `op` is one of = <> < <= > >= in like null."""

    column: str
    op: str
    values: tuple[Value, ...] = ()


class Not(msgspec.Struct, frozen=True, tag="not"):
    """What does not hold."""

    of: "Node"


class Both(msgspec.Struct, frozen=True, tag="both"):
    """Two conditions joined by `and` or `or`."""

    op: str
    left: "Node"
    right: "Node"


Node = Compare | Not | Both


class Expression(msgspec.Struct, frozen=True):
    """A condition that was read: its tree, and the columns that it needs."""

    text: str
    tree: Node
    columns: frozenset[str]


_TOKEN: Final = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>-?\d+(?:\.\d+)?(?![\w.]))|(?P<op><>|!=|<=|>=|[=<>(),])"
    r'|(?P<quoted>"[^"]+")|(?P<name>[^\W\d][\w.:$@-]*))'
)


_RESERVED: Final = ("and", "or", "in", "like", "is", "null")

DEEPEST: Final = 50
"""Parentheses and `not` within each other; more is an attack or an accident."""

_NUMBER: Final = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)


def _joined(op: str, parts: list[Node]) -> Node:
    """The parts joined pairwise, so that a chain of a thousand `or` is ten levels deep."""
    if len(parts) == 1:
        return parts[0]
    middle = len(parts) // 2
    return Both(op, _joined(op, parts[:middle]), _joined(op, parts[middle:]))


class _Reader:
    def __init__(self, text: str, where: str) -> None:
        self.text, self.where, self.columns, self.depth = text, where, set[str](), 0
        self.tokens: list[tuple[str, str, int]] = []
        at = 0
        end = len(text.rstrip())
        while at < end:
            match = _TOKEN.match(text, at)
            if match is None or match.lastgroup is None:
                at += len(text[at:]) - len(text[at:].lstrip())
                raise self.fault(at, f"cannot read {text[at : at + 12]!r}")
            self.tokens.append((match.lastgroup, match[match.lastgroup], match.start(match.lastgroup)))
            at = match.end()
        self.at = 0

    def fault(self, at: int, what: str, hint: str = "") -> BadExpression:
        pointer = f"{what} at position {at + 1} of {self.text!r}."
        return BadExpression(self.where, pointer, hint or "Write a condition such as channel = 'web' and value > 10.")

    def peek(self) -> tuple[str, str, int]:
        return self.tokens[self.at] if self.at < len(self.tokens) else ("end", "", len(self.text))

    def word(self, *words: str) -> str | None:
        kind, text, _ = self.peek()
        if (kind in ("name", "op")) and text.lower() in words:
            self.at += 1
            return text.lower()
        return None

    def need(self, word: str) -> None:
        if not self.word(word):
            raise self.fault(self.peek()[2], f"expected {word!r}")

    def either(self) -> Node:
        parts = [self.both()]
        while self.word("or"):
            parts.append(self.both())
        return _joined("or", parts)

    def both(self) -> Node:
        parts = [self.one()]
        while self.word("and"):
            parts.append(self.one())
        return _joined("and", parts)

    def one(self) -> Node:
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.fault(
                self.peek()[2], f"more than {DEEPEST} levels of parentheses and 'not'", "Write it flatter."
            )
        node = self.single()
        self.depth -= 1
        return node

    def single(self) -> Node:
        if self.word("not"):
            return Not(self.one())
        if self.word("("):
            inner = self.either()
            self.need(")")
            return inner
        kind, column, at = self.peek()
        if kind not in ("name", "quoted"):
            raise self.fault(at, "expected a column")
        if kind == "name" and column.lower() in _RESERVED:
            raise self.fault(at, "expected a column", f'A column of this name stands in double quotes: "{column}".')
        self.at += 1
        column = column.strip('"')
        self.columns.add(column)
        if self.word("is"):
            negated = self.word("not")
            self.need("null")
            null = Compare(column, "null")
            return Not(null) if negated else null
        negated = self.word("not")
        op = self.word("in", "like") if negated else self.word("=", "<>", "!=", "<", "<=", ">", ">=", "in", "like")
        if op is None:
            raise self.fault(self.peek()[2], "expected =, <>, <, >, in, like or is null")
        if op == "in":
            self.need("(")
            values = [self.value()]
            while self.word(","):
                values.append(self.value())
            self.need(")")
        else:
            values = [self.value()]
        if op == "like" and not isinstance(values[0], str):
            raise self.fault(self.peek()[2], "like needs a text")
        compared = Compare(column, "<>" if op == "!=" else op, tuple(values))
        return Not(compared) if negated else compared

    def value(self) -> Value:
        kind, text, at = self.peek()
        self.at += 1
        if kind == "text":
            return text[1:-1].replace("''", "'")
        if kind == "number":
            return float(text)
        hint = f"Did you mean '{text}', in single quotes?" if kind in ("name", "quoted") else ""
        raise self.fault(at, "expected a text in single quotes or a number", hint)


def parse(text: str, where: str = "expression") -> Expression:
    """Read a condition.

    Raises
    ------
    BadExpression
        The message says what is wrong and at which position of the text.

    Examples
    --------
    >>> sorted(parse("channel = 'web' and value > 10").columns)
    ['channel', 'value']
    """
    reader = _Reader(text, where)
    tree = reader.either()
    if reader.peek()[0] != "end":
        raise reader.fault(reader.peek()[2], f"did not expect {reader.peek()[1]!r}")
    return Expression(text, tree, frozenset(reader.columns))


def mask(expression: Expression, columns: Mapping[str, Column]) -> Bool:
    """Which rows meet the condition. Each distinct text is judged once, then looked up by code: O(rows)."""
    true, _ = _judge(expression.tree, columns)
    return true


def refuse_numbers(expression: Expression, columns: Mapping[str, Column]) -> None:
    """Refuse to compare a column that holds only texts with a number: nothing would ever meet it, without a word.

    Raises
    ------
    BadExpression
        The message shows one of the column's texts.
    """
    for node in _compares(expression.tree):
        texts = [name for name in columns[node.column].names if name is not None]
        number = next((value for value in node.values if isinstance(value, float)), None)
        if number is not None and texts and all(_float(text) is None for text in texts):
            what = f"column {node.column!r} holds texts such as {texts[0]!r}, and no number."
            raise BadExpression(f"where: {expression.text}", what, f"Compare it with a text: '{number:g}'.")


def _compares(node: Node) -> Iterator[Compare]:
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Compare):
            yield one
        else:
            waiting += [one.of] if isinstance(one, Not) else [one.left, one.right]


def _judge(node: Node, columns: Mapping[str, Column]) -> tuple[Bool, Bool]:
    """Where a node is true, and where it is known at all (three-valued logic)."""
    if isinstance(node, Compare):
        column = columns[node.column]
        verdicts = [_verdict(name, node) for name in column.names]
        true = np.asarray([v is True for v in verdicts], bool)
        known = np.asarray([v is not None for v in verdicts], bool)
        return true[column.codes], known[column.codes]
    if isinstance(node, Not):
        true, known = _judge(node.of, columns)
        return known & ~true, known
    left, left_known = _judge(node.left, columns)
    right, right_known = _judge(node.right, columns)
    if node.op == "and":
        return left & right, (left_known & right_known) | (left_known & ~left) | (right_known & ~right)
    return left | right, (left_known & right_known) | left | right


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
