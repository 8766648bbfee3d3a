"""Condition: the tree of a filter, which is also its JSON form, and the text of a tree.

Each struct carries its tag under `type`: {"type": "compare", "column": "channel", "op": "=", "values": ["web"]}. A tree
and its text are two forms of one thing: `parse(to_text(tree)).tree == tree` for every tree that can be written at all.
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final, Literal

import msgspec

from etappe.errors import BadExpression

Value = str | float
Operator = Literal["=", "<>", "<", "<=", ">", ">=", "in", "like", "null"]


class Compare(msgspec.Struct, frozen=True, tag="compare", forbid_unknown_fields=True):
    """A column against values."""

    column: str
    op: Operator
    values: tuple[Value, ...] = ()


class Not(msgspec.Struct, frozen=True, tag="not", forbid_unknown_fields=True):
    """What does not hold."""

    of: "Node"


class Both(msgspec.Struct, frozen=True, tag="both", forbid_unknown_fields=True):
    """Two conditions joined by `and` or `or`."""

    op: Literal["and", "or"]
    left: "Node"
    right: "Node"


class Did(msgspec.Struct, frozen=True, tag="did", forbid_unknown_fields=True):
    """What a journey did: its touchpoints meet the steps in order, or meet the one step so many times."""

    steps: "tuple[Node, ...]"
    """Each a condition on one touchpoint; a name alone is `touchpoint = 'name'`."""
    within: str | None = None
    """The longest time from the first touchpoint to the last, its edge included; none: the whole journey."""
    count: Literal["at least", "exactly", "at most"] = "at least"
    times: int = 1


Node = Compare | Not | Both | Did

RESERVED: Final = ("and", "or", "in", "like", "is", "null", "not")
"""Words that are no column unless they stand in double quotes."""
STEP_WORDS: Final = (*RESERVED, "did", "never", "then", "within", "at", "exactly")
"""Words that are no touchpoint unless they stand in single quotes."""
DEEPEST: Final = 50
"""Parentheses and `not` within each other; more is an attack or an accident."""

NAME: Final = re.compile(r"[^\W\d][\w.:$@-]*")
DURATION: Final = re.compile(r"\d+(?:\.\d+)?[^\W\d_]+", re.ASCII)


def joined(op: Literal["and", "or"], parts: list[Node]) -> Node:
    """The parts joined pairwise, so that a chain of a thousand `or` is ten levels deep."""
    if len(parts) == 1:
        return parts[0]
    middle = len(parts) // 2
    return Both(op, joined(op, parts[:middle]), joined(op, parts[middle:]))


def read_tree(data: Any, where: str = "where") -> Node:
    """A tree from its plain form, as JSON gives it, or from structs whose fields nobody has checked yet.

    Raises
    ------
    BadExpression
        The message names the place in the data, such as `$.left.op`.

    Examples
    --------
    >>> to_text(read_tree({"type": "not", "of": {"type": "compare", "column": "channel", "op": "null"}}))
    'channel is not null'
    """
    try:
        plain = msgspec.to_builtins(data, enc_hook=_python) if isinstance(data, msgspec.Struct) else data
        return msgspec.convert(plain, Node)  # type: ignore[no-any-return]
    except RecursionError:
        raise _too_deep() from None
    except (msgspec.ValidationError, TypeError) as fault:
        hint = 'Such as {"type": "compare", "column": "channel", "op": "=", "values": ["web"]}.'
        raise BadExpression(where, f"{fault}.", hint) from None


def _python(value: Any) -> Any:
    """A number of NumPy as Python's own."""
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"{value!r} is no text and no number")


def nodes(tree: Node) -> Iterator[Node]:
    """Every node of a tree, those inside steps too."""
    waiting: list[Node] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, Not):
            waiting.append(node.of)
        elif isinstance(node, Both):
            waiting += [node.left, node.right]
        elif isinstance(node, Did):
            waiting += node.steps


def to_text(tree: Node) -> str:
    """The text of a tree; reading it gives the tree again.

    Raises
    ------
    BadExpression
        The tree says what no text can: a number that is not finite, a comparison without a value, a column without a
        name, too many levels.

    Examples
    --------
    >>> to_text(Not(Did((Compare("touchpoint", "=", ("order",)),))))
    "not did 'order'"
    """
    try:
        return _text(tree, 0)
    except RecursionError:  # from comparing what lies deep inside
        raise _too_deep() from None


def _too_deep() -> BadExpression:
    return BadExpression("where", f"more than {DEEPEST} levels of conditions.", "Write it flatter.")


def _text(node: Node, depth: int) -> str:
    if depth > DEEPEST * 2:
        raise _too_deep()
    if isinstance(node, Compare):
        return _compare(node)
    if isinstance(node, Did):
        return _did(node, depth)
    if isinstance(node, Both):
        chain = _chain(node, node.op)
        if joined(node.op, chain) != node:
            chain = [node.left, node.right]
        return f" {node.op} ".join(_inner(part, depth) for part in chain)
    inner = node.of
    if isinstance(inner, Compare) and inner.op in ("in", "like", "null"):
        return _compare(inner, "not ")
    return f"not {_inner(inner, depth)}"


def _inner(node: Node, depth: int) -> str:
    text = _text(node, depth + 1)
    return f"({text})" if isinstance(node, Both) else text


def _chain(node: Node, op: str) -> list[Node]:
    """What a chain of one operator joins, in order."""
    found: list[Node] = []
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Both) and one.op == op:
            waiting += [one.right, one.left]
        else:
            found.append(one)
    return found


def _compare(node: Compare, negated: str = "") -> str:
    column = node.column
    if not NAME.fullmatch(column) or column.lower() in (*RESERVED, "did", "never"):
        column = '"' + column.replace('"', '""') + '"'
    if node.op == "null":
        return f"{column} is {negated}null"
    one = node.op != "in"
    if not node.column or not node.values or (one and len(node.values) > 1):
        what = f"column {node.column!r} cannot be compared by {node.op!r} with {len(node.values)} values."
        raise BadExpression("where", what, "It takes a column's name and one value; 'in' takes several.")
    values = ", ".join(_value(value) for value in node.values)
    return f"{column} {negated}{node.op} {values if one else f'({values})'}"


def _value(value: Value) -> str:
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    number = Decimal(repr(value))
    if not number.is_finite():
        raise BadExpression("where", f"{value!r} is no number that a condition can hold.")
    text = format(number, "f")
    return text.removesuffix(".0")


def _did(node: Did, depth: int) -> str:
    steps = []
    for step in node.steps:
        name = touchpoint_of(step)
        steps.append(f"({_text(step, depth + 1)})" if name is None else _value(name))
    if not steps:
        raise BadExpression("where", "'did' without a step cannot be written.", "Give it one condition or several.")
    text = "did " + " then ".join(steps)
    if (node.count, node.times) != ("at least", 1) or (node.within is not None and len(steps) == 1):
        text += f" {node.count} {node.times} times"
    if node.within is not None:
        text += " within " + (node.within if DURATION.fullmatch(node.within) else _value(node.within))
    return text


def touchpoint_of(step: Node) -> str | None:
    """The touchpoint's name, where a step asks for nothing else."""
    if isinstance(step, Compare) and (step.column, step.op) == ("touchpoint", "=") and len(step.values) == 1:
        return step.values[0] if isinstance(step.values[0], str) else None
    return None
