"""Conditions: read from text, judged in three-valued logic, refused with a position."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etappe.arrays import Column, column_of
from etappe.condition import Both, Compare, Node, Not
from etappe.errors import BadExpression
from etappe.expression import mask, parse

TEXTS = [None, "web", "store", "it's", "7", "7.0", "-1.5", "nan", "", "wx"]
COLUMNS = {"channel": column_of(TEXTS), "order id": column_of(list(reversed(TEXTS)))}


def rows(condition: str) -> list[str | None]:
    """The texts of `channel` that meet a condition."""
    return [text for text, kept in zip(TEXTS, mask(parse(condition), COLUMNS), strict=True) if kept]


@pytest.mark.parametrize(
    ("condition", "kept"),
    [
        ("channel = 'web'", ["web"]),
        ("channel='web'or channel='store'", ["web", "store"]),
        ("CHANNEL = 'web' OR channel = 'web'", None),
        ("channel = 'it''s'", ["it's"]),
        ("channel is null", [None]),
        ("not channel is null", TEXTS[1:]),
        ("channel is not null", TEXTS[1:]),
        ("channel in ('web', 7)", ["web", "7", "7.0"]),
        ("channel not in ('web', 'store')", ["it's", "7", "7.0", "-1.5", "nan", "", "wx"]),
        ("channel <> 'web'", ["store", "it's", "7", "7.0", "-1.5", "nan", "", "wx"]),
        ("channel != 'web' and channel != 'store'", ["it's", "7", "7.0", "-1.5", "nan", "", "wx"]),
        ("channel < 7", ["-1.5"]),
        ("channel >= -1.5", ["7", "7.0", "-1.5"]),
        ("not channel < 7", ["7", "7.0"]),
        ("channel > 'u'", ["web", "wx"]),
        ("channel like 'w%'", ["web", "wx"]),
        ("channel like '_e_'", ["web"]),
        ("channel like '%t%e'", ["store"]),
        ("channel not like '%e%'", ["it's", "7", "7.0", "-1.5", "nan", "", "wx"]),
        ("channel = 'web' or channel = 'store' and channel = '7'", ["web"]),
        ("(channel = 'web' or channel = 'store') and channel = '7'", []),
        ('"order id" is null', ["wx"]),
    ],
)
def test_a_condition_keeps_what_it_says(condition, kept):
    if kept is None:
        assert parse(condition).columns == {"CHANNEL", "channel"}
    else:
        assert rows(condition) == kept


@pytest.mark.parametrize(
    ("condition", "sentence"),
    [
        ("", "expected a column at position 1"),
        ("channel", "expected =, <>, <, >, in, like or is null at position 8"),
        (
            "channel = web",
            "expected a text in single quotes or a number at position 11 of 'channel = web'. Did you mean 'web'",
        ),
        ("channel = 'web' channel", "did not expect 'channel' at position 17"),
        ("(channel = 'web'", "expected ')' at position 17"),
        ("channel in ('web'", "expected ')'"),
        ("channel like 5", "like needs a text"),
        ("channel = ?", "cannot read '?' at position 11"),
        ("channel is 5", "expected 'null'"),
        ("and = 5", "expected a column at position 1"),
        ("channel =", "expected a text in single quotes or a number at position 10"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_position(condition, sentence):
    with pytest.raises(BadExpression) as refused:
        parse(condition, "map shop.yaml")
    assert sentence in str(refused.value)
    assert refused.value.where == "map shop.yaml"


def test_deep_nesting_is_refused_and_long_chains_are_not():
    for deep in ("(" * 5000, "not " * 5000):
        with pytest.raises(BadExpression, match="more than 50 levels"):
            parse(deep + "channel = 'web'")
    assert rows(" or ".join(["channel = 'web'"] * 5000)) == ["web"]


def test_an_empty_column_gives_an_empty_mask():
    found = mask(parse("not (a = 'x' and a is null)"), {"a": Column(np.zeros(0, np.uint8), ())})
    assert found.dtype == bool
    assert len(found) == 0


@pytest.mark.parametrize("count", [255, 256, 257])
def test_a_column_may_use_every_code_of_its_type(count):
    column = {"a": column_of([None, *(f"{i:03}" for i in range(count - 1))])}
    assert mask(parse("a is not null"), column).tolist() == [False] + [True] * (count - 1)
    assert mask(parse("a >= '100'"), column).sum() == count - 101
    assert mask(parse(f"a = '{count - 2:03}' or a is null"), column).sum() == 2


def test_a_pattern_of_many_wildcards_ends():
    column = {"a": column_of(["a" * 5000 + "b", "a" * 5000])}
    assert mask(parse("a like '" + "%a" * 60 + "%b'"), column).tolist() == [True, False]


VALUES = st.sampled_from(["web", "store", "it's", "7", "", "wx"]) | st.sampled_from([7.0, -1.5, 0.0])
NAMES = st.sampled_from(list(COLUMNS))
COMPARISONS = st.one_of(
    st.builds(lambda c, op, v: Compare(c, op, (v,)), NAMES, st.sampled_from(["=", "<>", "<", "<=", ">", ">="]), VALUES),
    st.builds(lambda c, vs: Compare(c, "in", tuple(vs)), NAMES, st.lists(VALUES, min_size=1, max_size=3)),
    st.builds(lambda c, v: Compare(c, "like", (v,)), NAMES, st.text("w%_est", max_size=4)),
    st.builds(lambda c: Compare(c, "null"), NAMES),
)
TREES = st.recursive(
    COMPARISONS,
    lambda inner: st.builds(Not, inner) | st.builds(Both, st.sampled_from(["and", "or"]), inner, inner),
    max_leaves=6,
)


def written(node: Node) -> str:
    """A tree as its text."""
    if isinstance(node, Not):
        return f"not ({written(node.of)})"
    if isinstance(node, Both):
        return f"({written(node.left)}) {node.op} ({written(node.right)})"
    texts = ["'" + v.replace("'", "''") + "'" if isinstance(v, str) else f"{v:g}" for v in node.values]
    right = (
        "is null" if node.op == "null" else f"in ({', '.join(texts)})" if node.op == "in" else node.op + " " + texts[0]
    )
    return f'"{node.column}" {right}'


def like(text: str, pattern: str) -> bool:
    """SQL's like by trying every choice."""
    if not pattern:
        return not text
    if pattern[0] == "%":
        return like(text, pattern[1:]) or (bool(text) and like(text[1:], pattern))
    return bool(text) and pattern[0] in ("_", text[0]) and like(text[1:], pattern[1:])


def judged(node: Node, row: dict[str, str | None]) -> bool | None:
    """SQL's logic in plain Python: True, False, or None for unknown."""
    if isinstance(node, Not):
        inner = judged(node.of, row)
        return None if inner is None else not inner
    if isinstance(node, Both):
        both = [judged(node.left, row), judged(node.right, row)]
        decisive = node.op == "or"
        return decisive if decisive in both else None if None in both else not decisive
    text = row[node.column]
    if node.op == "null":
        return text is None
    if text is None:
        return None
    if node.op == "like":
        return like(text, str(node.values[0]))
    number = float(text) if text.strip("-.0123456789") == "" and text not in ("", "-", ".") else None
    pairs = [(number if isinstance(value, float) else text, value) for value in node.values]
    if node.op in ("=", "in", "<>"):
        return any(left == right for left, right in pairs) != (node.op == "<>")
    left, right = pairs[0]
    if left is None:
        return None
    order = (left > right) - (left < right)  # type: ignore[operator]
    return order in {"<": (-1,), "<=": (-1, 0), ">": (1,), ">=": (0, 1)}[node.op]


@given(TREES)
def test_a_condition_means_what_sql_means(tree):
    condition = written(tree)
    texts = {name: column.texts() for name, column in COLUMNS.items()}
    expected = [judged(tree, {name: texts[name][i] for name in texts}) is True for i in range(len(TEXTS))]
    assert mask(parse(condition), COLUMNS).tolist() == expected
