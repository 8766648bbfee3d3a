"""Comparison: two groups, every touchpoint, the conversion, with intervals and tests over many rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import naive_comparison as naive
from etappe import arrays
from etappe.analysis.comparison import comparison, who
from etappe.errors import BadExpression, BadQuestion, UnknownName
from etappe.journeys.columns import journeys_of
from journeys_text import NAMES, PROPERTY, built, journeys, many


def told(answer):
    return {(r["measure"], r["touchpoint"]): (r["first"], r["second"]) for r in answer.rows()}


def test_all_others_are_the_second_group():
    answer = comparison(journeys("0 a, 1 b", "0 a", "0 c", ""), "did a", goal="b")
    assert told(answer) == {
        ("conversion", "b"): (1, 0), ("reach", "a"): (2, 0), ("reach", "b"): (1, 0), ("reach", "c"): (0, 1),
    }  # fmt: skip
    assert answer.denominators == {"journeys": 4, "first": 2, "second": 2}
    assert answer.rows()[0]["measure"] == "conversion"


def test_a_difference_comes_with_its_interval_and_its_test():
    # Newcombe 1998, table II (a): 56 of 70 against 48 of 80.
    held = journeys(
        *["0 hi, 1 order"] * 56, *["0 hi"] * 14, *["0 low, 1 order"] * 48, *["0 low"] * 32,
    )  # fmt: skip
    row = comparison(held, "did hi", "did low", goal="order").rows()[0]
    assert [round(row[name], 4) for name in ("difference", "low", "high", "p")] == [0.2, 0.0524, 0.3339, 0.008]
    assert (row["first"], row["second"], row["journeys"], row["test"]) == (56, 48, 104, "chi-square")


def test_q_is_over_all_rows():
    held = journeys(*["0 a, 1 b"] * 9, *["0 a"], *["0 c, 1 b"] * 4, *["0 c"] * 6)
    rows = {r["touchpoint"]: r for r in comparison(held, "did a", "did c").rows()}
    assert rows["b"]["q"] == pytest.approx(rows["b"]["p"])  # the largest of three
    assert rows["a"]["q"] == pytest.approx(rows["a"]["p"] * 3 / 2)


def test_the_values_of_a_column_are_groups():
    held = journeys("0 a", "0 b", "0 a, 1 b", attributes={"tier": ["gold", "basic", None]})
    answer = comparison(held, "gold", "basic", column="tier")
    assert told(answer) == {("reach", "a"): (1, 0), ("reach", "b"): (0, 1)}
    assert comparison(held, "gold", column="tier").denominators["second"] == 2


def test_a_condition_over_touchpoints_takes_whole_journeys():
    held = journeys("0 a, 1 b", "0 a", columns={"channel": ["web", "app", "app"]})
    assert told(comparison(held, "channel = 'web'")) == {("reach", "a"): (1, 1), ("reach", "b"): (1, 0)}


def test_journeys_in_both_groups_are_left_out_and_counted():
    answer = comparison(journeys("0 a, 1 b", "0 a", "0 b"), "did a", "did b")
    assert answer.denominators == {"journeys": 2, "first": 1, "second": 1}
    assert ("in-both-groups", {"journeys": 1}) in [(said.code, said.values) for said in answer.warnings]


def test_the_window_starts_at_the_first_touchpoint_and_holds_its_edge():
    held = journeys("0 a, 10 b", "0 a, 11 b", "0 c")
    assert told(comparison(held, "did a", goal="b", within="10us"))["conversion", "b"] == (1, 0)


@pytest.mark.parametrize(
    ("fields", "kind", "text"),
    [
        ({"first": "did a", "within": "1d"}, BadQuestion, "comparison: within: it limits the time to a goal"),
        ({"first": "did a", "second": "did a"}, BadQuestion, "comparison: second: it is the first group again"),
        ({"first": "did (", "second": "did a"}, BadExpression, "comparison: first"),
        ({"first": "did x"}, UnknownName, "no touchpoint named 'x'"),
        ({"first": "did a", "goal": "x"}, UnknownName, "comparison: goal: "),
        ({"first": "gold", "column": "teir"}, UnknownName, "Did you mean 'tier'"),
        ({"first": "gld", "column": "tier"}, UnknownName, "Did you mean 'gold'"),
    ],
)
def test_what_cannot_be_compared_is_refused(fields, kind, text):
    held = journeys("0 a", attributes={"tier": ["gold"]})
    with pytest.raises(kind) as refused:
        comparison(held, **fields)
    assert text in str(refused.value)


def test_no_journeys_are_no_difference():
    for nothing in (journeys(names=["a"]), journeys("", names=["a"])):
        (row,) = comparison(nothing, "did a").rows()
        assert row["first"] == 0
        assert [row[name] for name in ("first_share", "difference", "p", "q", "test")] == [None] * 5


@PROPERTY
@given(many().filter(bool), st.integers(1, 12))
def test_comparisons_are_their_definition(lists, within):
    held = built(lists, names=NAMES, attributes={"g": ["xyz"[i % 3] for i in range(len(lists))]})
    group = [i % 3 for i in range(len(lists))]
    second = "y" if len(lists) > 1 else None
    answer = comparison(held, "x", second, column="g", goal="a", within=f"{within}us")
    found = naive.counts(lists, group)
    done = [sum(naive.converted(j, "a", within) for j, g in zip(lists, group, strict=True) if g == h) for h in (0, 1)]
    expected = {("reach", name): found.get(name, (0, 0)) for name in NAMES} | {("conversion", "a"): tuple(done)}
    assert told(answer) == expected
    for row in answer.rows():
        assert len(who(held, answer.question, row)) == row["journeys"]


@PROPERTY
@given(many().filter(bool))
def test_groups_add_up_to_the_whole(lists):
    held = built(lists, names=NAMES, attributes={"g": ["xyz"[i % 3] for i in range(len(lists))]})
    whole, grouped = comparison(held, "did a", goal="b"), comparison(held, "did a", goal="b", by="g")
    for key, (first, second) in told(whole).items():
        mine = [r for r in grouped.rows() if (r["measure"], r["touchpoint"]) == key]
        assert (sum(r["first"] for r in mine), sum(r["second"] for r in mine)) == (first, second)
    for row in grouped.rows():
        assert len(who(held, grouped.question, row)) == row["journeys"]


def test_threads_agree_with_one_thread(monkeypatch):
    rng = np.random.default_rng(3)
    offsets = np.concatenate(([0, 0], np.sort(rng.integers(0, 9000, 500)), [9000, 9000]))
    held = journeys_of(offsets, np.arange(9000), rng.integers(0, 4, 9000), NAMES)
    one = comparison(held, "did a then b", goal="c", within="9us").to_arrow()
    monkeypatch.setattr(arrays, "SMALL", 0)
    assert comparison(held, "did a then b", goal="c", within="9us").to_arrow().equals(one)
