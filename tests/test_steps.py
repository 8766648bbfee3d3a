"""The step matrix: every journey once at every position, so that each position adds up to the same journeys."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import naive_steps as naive
from etappe import arrays
from etappe.analysis import steps as module
from etappe.analysis.steps import steps, who
from etappe.errors import BadQuestion, UnknownName
from journeys_text import NAMES, PROPERTY, built, journeys, many

SHOP = journeys("0 visit, 1 cart, 2 order", "0 ad, 1 visit", "", names=["ad", "visit", "cart", "order"])


def cells(answer):
    return {(r["position"], r["touchpoint"], r["kind"]): r["journeys"] for r in answer.rows() if r["journeys"]}


def test_positions_are_counted_from_the_beginning():
    answer = steps(SHOP, depth=2)
    assert cells(answer) == {
        (1, "visit", "touchpoint"): 1,
        (1, "ad", "touchpoint"): 1,
        (1, "ended", "ended"): 1,
        (2, "visit", "touchpoint"): 1,
        (2, "cart", "touchpoint"): 1,
        (2, "ended", "ended"): 1,
    }
    assert answer.denominators == {"journeys": 3, "in_matrix": 3}
    assert answer.column("share")[0] == pytest.approx(1 / 3)


def test_every_position_has_the_same_rows_the_most_frequent_first():
    names = steps(SHOP, depth=3).column("touchpoint")
    assert names == ["visit", "ad", "cart", "order", "ended"] * 3


def test_positions_around_a_touchpoint_have_signs():
    answer = steps(SHOP, around="visit", depth=1)
    assert cells(answer) == {
        (-1, "ad", "touchpoint"): 1,
        (-1, "not_begun", "not_begun"): 1,
        (0, "visit", "touchpoint"): 2,
        (1, "cart", "touchpoint"): 1,
        (1, "ended", "ended"): 1,
    }
    assert answer.denominators == {"journeys": 3, "in_matrix": 2}


def test_around_the_first_of_several():
    assert cells(steps(journeys("0 a, 1 b, 2 a"), around="a", depth=1)) == {
        (-1, "not_begun", "not_begun"): 1,
        (0, "a", "touchpoint"): 1,
        (1, "b", "touchpoint"): 1,
    }


def test_the_rest_is_other():
    answer = steps(SHOP, depth=2, top=1)
    assert answer.column("touchpoint") == ["visit", "other", "ended"] * 2
    assert answer.column("journeys") == [1, 1, 1, 1, 1, 1]
    assert who(SHOP, answer.question, answer.rows()[4]).tolist() == [0]


def test_a_touchpoint_may_be_called_ended():
    held = journeys("0 ended", "")
    answer = steps(held, depth=1)
    assert cells(answer) == {(1, "ended", "touchpoint"): 1, (1, "ended", "ended"): 1}
    assert [who(held, answer.question, row).tolist() for row in answer.rows()] == [[0], [1]]


@pytest.mark.parametrize(
    ("fields", "error", "said"),
    [
        ({"around": "ordr"}, UnknownName, "steps: around: no touchpoint named 'ordr'. Did you mean 'order'"),
        ({"depth": 0}, BadQuestion, "steps: depth: 0 is not between 1 and 100"),
        ({"depth": 101}, BadQuestion, "101 is not between"),
        ({"top": 0}, BadQuestion, "steps: top: 0 is not above zero"),
        ({"by": "agee"}, UnknownName, "steps: by"),
    ],
)
def test_faults_are_refused_before_work_begins(fields, error, said):
    with pytest.raises(error, match=said):
        steps(SHOP, **fields)


def test_a_row_that_is_none_is_refused():
    asked = steps(SHOP, depth=2).question
    for row, error in (
        ({"position": 3, "touchpoint": "visit"}, BadQuestion),
        ({"position": 0, "touchpoint": "visit"}, BadQuestion),
        ({"position": 1, "touchpoint": "vist"}, UnknownName),
        ({"position": 1, "touchpoint": "visit", "kind": "gone"}, UnknownName),
    ):
        with pytest.raises(error, match="steps: row"):
            who(SHOP, asked, row)


def test_no_journeys_are_an_answer():
    answer = steps(journeys(names=["a"]), depth=2)
    assert (answer.n, answer.column("journeys"), answer.column("share")) == (0, [0, 0], [None, None])
    assert steps(journeys("", names=["a"]), around="a", depth=1).column("journeys") == [0] * 6


@PROPERTY
@given(many(), st.sampled_from([None, "a"]), st.integers(1, 4), st.integers(1, 4))
def test_the_matrix_is_its_definition(lists, around, depth, top):
    held = built(lists, names=NAMES)
    answer = steps(held, around=around, depth=depth, top=top)
    assert cells(answer) == naive.steps(lists, around, depth, top, list(NAMES))
    sums = {}
    for row in answer.rows():
        sums[row["position"]] = sums.get(row["position"], 0) + row["journeys"]
        assert len(who(held, answer.question, row)) == row["journeys"]
    assert set(sums.values()) == {answer.denominators["in_matrix"]}


@PROPERTY
@given(many(), st.integers(1, 3))
def test_groups_add_up_to_the_whole(lists, depth):
    held = built(lists, names=NAMES)
    whole, parts = steps(held, depth=depth), steps(held, depth=depth, by="touchpoint")
    total = {}
    for row in parts.rows():
        key = row["position"], row["touchpoint"], row["kind"]
        if row["journeys"]:
            total[key] = total.get(key, 0) + row["journeys"]
        if lists:
            assert len(who(held, parts.question, row)) == row["journeys"]
    assert total == cells(whole)


def test_threads_agree_with_one_thread(monkeypatch):
    held = journeys(*["0 a, 1 b, 2 c, 3 a", "0 c, 1 a", "", "0 b"] * 50, names=["a", "b", "c"])
    one = steps(held, around="a").to_arrow()
    monkeypatch.setattr(arrays, "SMALL", 0)
    assert steps(held, around="a").to_arrow().equals(one)
    monkeypatch.setattr(module, "LARGE", 0)
    assert steps(held, around="a").to_arrow().equals(one)
