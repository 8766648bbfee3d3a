"""Expression: conditions as people write them, "channel = 'web' and did cart then order within 7d".

Grammar: or, and, not, parentheses; column = <> != < <= > >= value; column [not] in (values); column [not] like 'a%';
column is [not] null. Text stands in single quotes ('' is a quote). Compared with a number, a column's texts are read as
numbers, and one that is no number is neither below nor above it. As in SQL, a comparison with a missing value is
unknown, and what is unknown is not kept.

Over journeys also: did STEP, never STEP, did STEP then STEP [then …] [within 7d], did STEP at least 3 times [within
30d] (or exactly, at most). A STEP is a touchpoint's name, or a condition on one touchpoint in parentheses.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from etappe.arrays import Column
from etappe.condition import (
    DEEPEST,
    RESERVED,
    STEP_WORDS,
    Both,
    Compare,
    Did,
    Node,
    Not,
    Value,
    joined,
    nodes,
    read_tree,
    to_text,
)
from etappe.errors import BadDuration, BadExpression
from etappe.units import duration_us

Bool = NDArray[np.bool_]
Judged = tuple[Bool, Bool]
"""Where a condition is true, and where it is known at all."""

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


_TOKEN: Final = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>-?\d+(?:\.\d+)?(?![\w.]))|(?P<op><>|!=|<=|>=|[=<>(),])"
    r"|(?P<duration>\d+(?:\.\d+)?[^\W\d_]+(?!\w))"
    r'|(?P<quoted>"(?:[^"]|"")+")|(?P<name>[^\W\d][\w.:$@-]*))'
)
_COMPARISONS: Final = ("=", "<>", "!=", "<", "<=", ">", ">=", "in", "like")
_NUMBER: Final = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)

MOST_STEPS: Final = 16
MOST_TIMES: Final = 1_000_000


class _Reader:
    def __init__(self, text: str, where: str, journeys: bool) -> None:
        self.text, self.where, self.depth = text, where, 0
        self.journeys, self.in_step = journeys, False
        self.columns = set[str]()
        self.places: dict[tuple[str, str], int] = {}
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

    def peek(self, ahead: int = 0) -> tuple[str, str, int]:
        at = self.at + ahead
        return self.tokens[at] if at < len(self.tokens) else ("end", "", len(self.text))

    def word(self, *words: str) -> str | None:
        kind, text, _ = self.peek()
        if (kind in ("name", "op")) and text.lower() in words:
            self.at += 1
            return text.lower()
        return None

    def need(self, word: str, hint: str = "") -> None:
        if not self.word(word):
            raise self.fault(self.peek()[2], f"expected {word!r}", hint)

    def either(self) -> Node:
        parts = [self.both()]
        while self.word("or"):
            parts.append(self.both())
        return joined("or", parts)

    def both(self) -> Node:
        parts = [self.one()]
        while self.word("and"):
            parts.append(self.one())
        return joined("and", parts)

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
        if self.is_verb():
            return self.verb()
        return self.comparison()

    def is_verb(self) -> bool:
        """Whether `did` or `never` stands here as a verb; before an operator it is a column of that name."""
        kind, text, _ = self.peek()
        follows, after, _ = self.peek(1)
        if kind != "name" or text.lower() not in ("did", "never"):
            return False
        if follows == "op":
            return after == "("
        return follows != "name" or after.lower() not in RESERVED

    def verb(self) -> Node:
        _, verb, at = self.peek()
        self.at += 1
        if not self.journeys:
            hint = "Write a condition on columns here, and ask for journeys where a question has its filter."
            raise self.fault(at, f"{verb!r} asks about a whole journey, and here is a single row,", hint)
        if self.in_step:
            hint = "Join them outside of the parentheses: did cart and did order."
            raise self.fault(at, f"{verb!r} asks about a whole journey, and a step is a single touchpoint,", hint)
        steps = [self.step()]
        while self.word("then"):
            if len(steps) == MOST_STEPS:
                raise self.fault(self.peek()[2], f"more than {MOST_STEPS} steps", "Ask for fewer.")
            steps.append(self.step())
        count, times = self.count(verb.lower(), len(steps))
        began = self.peek()[2]
        within = self.length() if self.word("within") else None
        if within is not None and len(steps) == 1 and count is None:
            hint = (
                "Give a second step, did cart then order within 7d, or a count, did order at least 2 times within 7d."
            )
            raise self.fault(began, "one touchpoint alone takes no time,", hint)
        did = Did(tuple(steps), within, count or "at least", times)
        return Not(did) if verb.lower() == "never" else did

    def count(self, verb: str, steps: int) -> tuple[Any, int]:
        """How often, such as `at least 3 times`; None where nothing is said of it."""
        began = self.peek()[2]
        count = self.word("at", "exactly")
        if count is None:
            return None, 1
        if steps > 1:
            raise self.fault(began, "a sequence is not counted,", "Count one touchpoint: did order at least 2 times.")
        if verb == "never":
            raise self.fault(began, "'never' is a count already,", "Write: did order at most 2 times.")
        if count == "at":
            which = self.word("least", "most")
            if which is None:
                raise self.fault(self.peek()[2], "expected 'least' or 'most'", "Such as: did order at least 3 times.")
            count = f"at {which}"
        kind, text, at = self.peek()
        if kind != "number" or not text.isdecimal() or int(text) > MOST_TIMES:
            hint = "Such as: did order at least 3 times."
            raise self.fault(at, f"expected a whole number up to {MOST_TIMES:,}", hint)
        self.at += 1
        self.word("times", "time")
        return count, int(text)

    def step(self) -> Node:
        """A touchpoint's name, or a condition on one touchpoint in parentheses."""
        kind, text, at = self.peek()
        if self.word("("):
            self.in_step = True
            inner = self.either()
            self.in_step = False
            self.need(")")
            return inner
        if kind != "text" and (kind != "name" or text.lower() in STEP_WORDS):
            hint = "Name one in single quotes, or write a condition on it in parentheses: did (value > 50)."
            if kind in ("name", "quoted"):
                hint = f"""Did you mean '{text.strip('"')}', in single quotes?"""
            raise self.fault(at, "expected a touchpoint", hint)
        self.at += 1
        name = text[1:-1].replace("''", "'") if kind == "text" else text
        self.columns.add("touchpoint")
        self.places.setdefault(("touchpoint", name), at)
        self.places.setdefault(("column", "touchpoint"), at)
        return Compare("touchpoint", "=", (name,))

    def length(self) -> str:
        kind, text, at = self.peek()
        if kind not in ("duration", "text"):
            raise self.fault(at, "expected a length of time", "Write a number and a unit: 30m, 12h, 7d, 2w.")
        text = text[1:-1] if kind == "text" else text
        try:
            duration_us(text)
        except BadDuration as problem:
            raise self.fault(at, problem.what.removesuffix("."), problem.hint) from None
        self.at += 1
        return text

    def comparison(self) -> Node:
        kind, column, at = self.peek()
        if kind not in ("name", "quoted"):
            raise self.fault(at, "expected a column")
        if kind == "name" and column.lower() in RESERVED:
            raise self.fault(at, "expected a column", f'A column of this name stands in double quotes: "{column}".')
        self.at += 1
        if kind == "quoted":
            column = column[1:-1].replace('""', '"')
        self.columns.add(column)
        self.places.setdefault(("column", column), at)
        if self.word("is"):
            negated = self.word("not")
            self.need("null")
            null = Compare(column, "null")
            return Not(null) if negated else null
        negated = self.word("not")
        op: Any = self.word("in", "like") if negated else self.word(*_COMPARISONS)
        if op is None:
            raise self.fault(self.peek()[2], "expected =, <>, <, >, in, like or is null")
        names = self.in_step and column == "touchpoint" and op in ("=", "<>", "!=", "in")
        if op == "in":
            self.need("(")
            values = [self.value(names)]
            while self.word(","):
                values.append(self.value(names))
            self.need(")")
        else:
            values = [self.value(names)]
        if op == "like" and not isinstance(values[0], str):
            raise self.fault(self.peek()[2], "like needs a text")
        compared = Compare(column, "<>" if op == "!=" else op, tuple(values))
        return Not(compared) if negated else compared

    def value(self, names: bool) -> Value:
        kind, text, at = self.peek()
        self.at += 1
        if kind == "text":
            text = text[1:-1].replace("''", "'")
            if names:
                self.places.setdefault(("touchpoint", text), at)
            return text
        if kind == "number":
            return float(text)
        hint = f"Did you mean '{text}', in single quotes?" if kind in ("name", "quoted", "duration") else ""
        raise self.fault(at, "expected a text in single quotes or a number", hint)


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
    reader = _Reader(text, where, journeys)
    tree = reader.either()
    if reader.peek()[0] != "end":
        raise reader.fault(reader.peek()[2], f"did not expect {reader.peek()[1]!r}")
    return Expression(text, tree, frozenset(reader.columns), reader.places)


def read_condition(condition: Condition, where: str = "where") -> Expression:
    """A condition over journeys in any of its forms; a tree is refused for what its text would be refused for.

    Examples
    --------
    >>> read_condition(Compare("channel", "=", ("web",))).text
    "channel = 'web'"
    """
    if isinstance(condition, str):
        return parse(condition, where, journeys=True)
    tree = condition if isinstance(condition, Node) else read_tree(condition, where)
    return parse(to_text(tree), where, journeys=True)


def mask(expression: Expression, columns: Mapping[str, Column]) -> Bool:
    """Which rows meet the condition. Each distinct text is judged once, then looked up by code: O(rows)."""

    def leaf(node: Node) -> Judged | None:
        return compared(node, columns[node.column]) if isinstance(node, Compare) else None

    return judge(expression.tree, leaf)[0]


def refuse_numbers(expression: Expression, columns: Mapping[str, Column]) -> None:
    """Refuse to compare a column that holds only texts with a number: nothing would ever meet it, without a word.

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


def judge(node: Node, leaf: Callable[[Node], Judged | None]) -> Judged:
    """Where a node is true, and where it is known at all (three-valued logic).

    `leaf` judges what it can, comparisons at least; for any other node it may give None, and its parts are judged.
    """
    found = leaf(node)
    if found is not None:
        return found
    if isinstance(node, Not):
        true, known = judge(node.of, leaf)
        return known & ~true, known
    if not isinstance(node, Both):
        raise TypeError(f"nothing judges {node!r}")
    left, left_known = judge(node.left, leaf)
    right, right_known = judge(node.right, leaf)
    if node.op == "and":
        return left & right, (left_known & right_known) | (left_known & ~left) | (right_known & ~right)
    return left | right, (left_known & right_known) | left | right


def compared(node: Compare, column: Column) -> Judged:
    """Where a comparison is true, and where it is known."""
    verdicts = [_verdict(name, node) for name in column.names]
    true = np.asarray([v is True for v in verdicts], bool)
    known = np.asarray([v is not None for v in verdicts], bool)
    return true[column.codes], known[column.codes]


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
