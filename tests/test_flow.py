"""The flow: every journey once a step, nothing lost: a node's links add up to the journeys at it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import naive_flow as naive
from etappe import arrays
from etappe.analysis import flow as module
from etappe.analysis.flow import Flow, flow, who
from etappe.errors import BadQuestion, UnknownName
from journeys_text import NAMES, PROPERTY, built, journeys, many

SHOP = journeys("0 visit, 1 visit, 2 cart, 3 order", "0 visit, 1 cart", "0 ad, 1 visit", "0 ad", names=None)


def links(answer):
    return {(row["step"], row["from"], row["to"]): row["count"] for row in answer.rows()}


def test_forward_from_a_touchpoint():
    assert links(flow(SHOP, start="visit", depth=2)) == {
        (1, "visit", "cart"): 2,
        (1, "visit", "exit"): 1,
        (2, "cart", "order"): 1,
        (2, "cart", "exit"): 1,
    }
    assert links(flow(SHOP, start="visit", depth=1, collapse=False))[(1, "visit", "visit")] == 1


def test_backward_to_a_touchpoint():
    assert links(flow(SHOP, end="cart", depth=2)) == {(1, "visit", "cart"): 2, (2, "start", "visit"): 2}
    assert links(flow(SHOP, end="order", depth=3, collapse=False)) == {
        (1, "cart", "order"): 1,
        (2, "visit", "cart"): 1,
        (3, "visit", "visit"): 1,
    }


def test_from_the_beginning():
    assert links(flow(SHOP, depth=1)) == {(1, "start", "visit"): 2, (1, "start", "ad"): 2}


def test_what_is_not_among_the_most_frequent_is_other():
    answer = flow(journeys("0 a, 1 b", "0 a, 1 b", "0 a, 1 c", "0 a, 1 d"), start="a", depth=1, top=1)
    assert links(answer) == {(1, "a", "b"): 2, (1, "a", "other"): 2}
    assert [row["to_kind"] for row in answer.rows()] == ["touchpoint", "other"]
    assert answer.column("share") == [0.5, 0.5]


def test_a_touchpoint_may_be_called_as_a_node_that_is_none():
    held = journeys("0 a, 1 exit", "0 a")
    answer = flow(held, start="a", depth=1)
    assert sorted((row["to"], row["to_kind"]) for row in answer.rows()) == [("exit", "exit"), ("exit", "touchpoint")]
    for row in answer.rows():
        assert len(who(held, answer.question, row)) == row["count"] == 1


def test_names_are_cleaned_by_the_first_rule_that_fits():
    held = journeys("0 a, 1 item_1, 2 item_2, 3 b")
    assert links(flow(held, start="a", depth=2, clean=["^item_ => item", "item => other"])) == {
        (1, "a", "item"): 1,
        (2, "item", "b"): 1,
    }


def test_nodes_may_be_what_a_column_says():
    held = built([[(0, "a"), (1, "b"), (2, "b")]], columns={"channel": ["web", None, "mail"]})
    told = [(row["from"], row["to"], row["to_kind"]) for row in flow(held, depth=3, level="channel").rows()]
    assert told == [("start", "web", "touchpoint"), ("web", "none", "none"), ("none", "mail", "touchpoint")]


def test_stages_and_categories_come_from_the_registry():
    bare = journeys("0 visit, 1 order")
    for held in (bare, bare.labelled()):
        answer = flow(held, start="interest", level="stage", depth=1)
        assert links(answer) == {(1, "interest", "purchase"): 1}
        assert who(held, answer.question, answer.rows()[0]).tolist() == [0]
        assert links(flow(held, level="stage", model="m4", depth=1)) == {(1, "start", "interest"): 1}
        assert links(flow(held, level="category", depth=1)) == {(1, "start", "digital, direct"): 1}
    other = flow(bare, level="stage", model="m1", depth=1)
    assert other.column("to") == bare.labelled().column("stage.m1").texts()[:1]
    assert other.snapshot != flow(bare, level="stage", model="m4", depth=1).snapshot


def test_every_step_adds_up_to_its_input():
    answer = flow(SHOP, depth=3, top=1)
    for step in (1, 2, 3):
        rows = [row for row in answer.rows() if row["step"] == step]
        before = [row for row in answer.rows() if row["step"] == step - 1 and row["to_kind"] != "exit"]
        assert sum(row["count"] for row in rows) == (sum(row["count"] for row in before) if before else len(SHOP))


def test_groups_add_up_to_the_whole():
    held = built([[(0, "a"), (1, "b")], [(0, "a")], [(0, "b")]], attributes={"age": ["old", None, "old"]})
    whole, parts = flow(held, depth=2), flow(held, depth=2, by="age")
    total = {}
    for row in parts.rows():
        key = row["step"], row["from"], row["to"]
        total[key] = total.get(key, 0) + row["count"]
        assert len(who(held, parts.question, row)) == row["count"]
    assert total == links(whole)


@pytest.mark.parametrize(
    ("fields", "error", "said"),
    [
        ({"start": "visitt"}, UnknownName, "flow: start: no touchpoint named 'visitt'. Did you mean 'visit'"),
        ({"end": "ordr"}, UnknownName, "flow: end: no touchpoint named 'ordr'. Did you mean 'order'"),
        ({"start": "visit", "end": "order"}, BadQuestion, "Give one of them"),
        ({"depth": 0}, BadQuestion, "0 is not between 1 and 30"),
        ({"top": 0}, BadQuestion, "0 is not between 1 and 1000"),
        ({"level": "chanel"}, UnknownName, "flow: level: no column named 'chanel'"),
        ({"level": "stage", "model": "m9"}, UnknownName, "m9"),
        ({"model": "m4"}, BadQuestion, "Ask for level stage"),
        ({"clean": ["x"]}, BadQuestion, "'x' is no rule"),
        ({"clean": ["( => x"]}, BadQuestion, "cannot be read"),
        ({"clean": "a => b"}, BadQuestion, "one text, not a list"),
    ],
)
def test_faults_are_refused_before_work_begins(fields, error, said):
    with pytest.raises(error, match=said.replace("(", r"\(")):
        flow(SHOP, **fields)


def test_no_journeys_give_an_empty_flow():
    assert len(flow(journeys("", names=["a"]), start="a")) == 0


@PROPERTY
@given(many(), st.sampled_from(["start", "end", "neither"]), st.integers(1, 4), st.integers(1, 3), st.booleans())
def test_the_flow_is_its_definition(lists, way, depth, top, collapse):
    held = built(lists, names=NAMES)
    ends = {"start": "a" if way == "start" else None, "end": "a" if way == "end" else None}
    answer = flow(held, depth=depth, top=top, collapse=collapse, **ends)
    found = {
        (row["step"], (row["from"], row["from_kind"]), (row["to"], row["to_kind"])): row["count"]
        for row in answer.rows()
    }
    assert found == naive.flow(lists, ends["start"], ends["end"], depth, top, collapse, list(NAMES))
    for row in answer.rows():
        assert len(who(held, answer.question, row)) == row["count"]


@PROPERTY
@given(many(), st.integers(1, 4))
def test_every_node_s_links_add_up_to_the_journeys_at_it(lists, depth):
    rows = flow(built(lists, names=NAMES), depth=depth, top=2).rows()
    for step in range(1, depth):
        into = {}
        for row in rows:
            if row["step"] == step and row["to_kind"] != "exit":
                into[row["to"]] = into.get(row["to"], 0) + row["count"]
        out = {}
        for row in rows:
            if row["step"] == step + 1:
                out[row["from"]] = out.get(row["from"], 0) + row["count"]
        assert into == out


@PROPERTY
@given(many(), st.sampled_from(["start", "end", "neither"]), st.booleans())
def test_many_names_are_counted_alike(lists, way, collapse):
    held = built(lists, names=NAMES)
    question = Flow(
        start="b" if way == "start" else None, end="b" if way == "end" else None, depth=3, top=2, collapse=collapse
    )
    one = {name: list(values) for name, values in module.find(held, question).columns.items()}
    direct, module.DIRECT = module.DIRECT, 2
    try:
        assert {name: list(values) for name, values in module.find(held, question).columns.items()} == one
    finally:
        module.DIRECT = direct


def test_threads_agree(monkeypatch):
    held = journeys(*["0 a, 1 b, 2 c, 3 a", "0 c, 1 a", "", "0 b"] * 50, names=["a", "b", "c"])
    one = flow(held, start="a").to_arrow()
    monkeypatch.setattr(arrays, "SMALL", 0)
    assert flow(held, start="a").to_arrow().equals(one)


def test_a_notebook_shows_the_flow_as_a_picture_whose_heights_are_the_counts():
    import re

    page = flow(SHOP, start="visit", depth=2).to_html("de")
    (picture,) = re.findall(r"<svg class=\"flow\".*?</svg>", page)
    assert "visit 3" in picture
    assert "Ende 1" in picture
    widths = [float(width) for width in re.findall(r'stroke-width="([\d.]+)"', picture)]
    assert max(widths) == pytest.approx(2 * min(widths), rel=0.01)
    grouped = flow(built([[(0, "a"), (1, "b")]], attributes={"g": ["x"]}), by="g")
    assert '<svg class="flow"' not in grouped.to_html()


def test_a_group_without_a_flow_stands_beside_one_that_has_one():
    held = built([[(0, "a"), (1, "b")], [(0, "a")]], attributes={"age": ["30", "40"]})
    assert [(row["group"], row["from"]) for row in flow(held, end="b", depth=1, by="age").rows()] == [("30", "a")]
