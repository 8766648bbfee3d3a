"""Tree: each way apart, the children of a node add up to it, and every node's people are its count."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etappe.analysis.tree import Tree, tree, who
from etappe.errors import BadQuestion, UnknownName
from journeys_text import NAMES, PROPERTY, Plain, built, journeys, many
from naive_tree import tree as slow

ENDS = {"other": "(other)", "exit": "(end)", "start": "(end)"}
SHOP = ("0 visit, 1 cart, 2 order", "0 visit, 1 visit, 2 cart", "0 visit, 1 help", "0 visit", "0 cart, 1 visit", "")


def told(answer):
    return {row["path"]: row["journeys"] for row in answer.rows()}


def test_ways_that_meet_again_are_kept_apart():
    some = journeys("0 a, 1 b, 2 c", "0 d, 1 b, 2 c")
    assert told(tree(some, depth=3)) == {"": 2, "a": 1, "d": 1, "a > b": 1, "d > b": 1, "a > b > c": 1, "d > b > c": 1}


def test_a_tree_begins_at_the_first_touchpoint_of_a_name():
    assert told(tree(journeys(*SHOP), start="visit", depth=2)) == {
        "visit": 5, "visit > cart": 2, "visit > help": 1, "visit > exit": 2, "visit > cart > order": 1,
        "visit > cart > exit": 1, "visit > help > exit": 1,
    }  # fmt: skip


def test_a_tree_runs_backward_and_its_ways_are_written_as_time_goes():
    assert told(tree(journeys(*SHOP), end="cart", depth=2)) == {
        "cart": 3, "visit > cart": 2, "start > cart": 1, "start > visit > cart": 2,
    }  # fmt: skip


def test_repeats_count_where_they_are_not_taken_together():
    paths = told(tree(journeys("0 a, 1 a, 2 b"), collapse=False, depth=3))
    assert list(paths) == ["", "a", "a > a", "a > a > b"]


def test_what_is_rare_is_one_node_that_goes_no_further():
    some = journeys("0 a, 1 x", "0 a, 1 x", "0 a, 1 y", "0 a, 1 z")
    assert told(tree(some, start="a", depth=2, top=1)) == {
        "a": 4, "a > x": 2, "a > other": 2, "a > x > exit": 2,
    }  # fmt: skip


def test_shares_are_of_the_root():
    rows = tree(journeys("0 a, 1 b", "0 a", "0 c"), start="a", depth=1).rows()
    assert [(row["path"], row["share"], row["parent"]) for row in rows] == [
        ("a", 1.0, -1), ("a > b", 0.5, 0), ("a > exit", 0.5, 0),
    ]  # fmt: skip


def test_without_journeys_there_is_a_root_alone():
    assert [(row["journeys"], row["share"]) for row in tree(journeys("")).rows()] == [(0, None)]


def test_groups_add_up_to_the_whole():
    some = built([[(0, "a"), (1, "b")], [(0, "a")], [(0, "c")]], attributes={"age": ["x", "y", "x"]})
    answer = tree(some, by="age", depth=1)
    assert sum(row["journeys"] for row in answer.rows() if row["step"] == 0) == 3
    for row in answer.rows():
        assert len(who(some, Tree(by="age", depth=1), row)) == row["journeys"]


@pytest.mark.parametrize(
    ("options", "where"),
    [
        ({"start": "visit", "end": "cart"}, "tree: start, end"), ({"depth": 0}, "tree: depth"),
        ({"depth": 7}, "tree: depth"), ({"top": 0}, "tree: top"), ({"top": 11}, "tree: top"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused(options, where):
    with pytest.raises(BadQuestion) as fault:
        tree(journeys(*SHOP), **options)
    assert fault.value.where == where


def test_a_name_that_is_not_there_is_refused():
    with pytest.raises(UnknownName, match="tree: end: no touchpoint named 'crat'"):
        tree(journeys(*SHOP), end="crat")
    with pytest.raises(BadQuestion, match="there is no node 99"):
        who(journeys(*SHOP), Tree(), {"node": 99})


@PROPERTY
@given(
    many(), st.sampled_from([None, *NAMES]), st.booleans(), st.integers(1, 4), st.integers(1, 3), st.booleans()
)  # fmt: skip
def test_the_tree_is_its_definition(lists: Plain, root, backward, depth, top, collapse):
    some = built(lists)
    back = backward and root is not None
    if root is not None and root not in some.touchpoints:
        return
    question = Tree(
        start=None if back else root, end=root if back else None, depth=depth, top=top, collapse=collapse
    )  # fmt: skip
    answer = tree(some, start=question.start, end=question.end, depth=depth, top=top, collapse=collapse)
    wanted = slow(lists, root, depth, top, list(some.touchpoints), back=back, collapse=collapse)
    rows = {row["node"]: row for row in answer.rows()}
    ways: dict[int, tuple[str, ...]] = {}
    for node, row in rows.items():
        names = row["path"].split(" > ") if row["path"] else []
        own = names[0] if back else names[-1] if names else ""
        up = ways.get(row["parent"])
        ways[node] = () if up is None else (*up, ENDS.get(row["kind"], own) if row["step"] else own)
        assert set(who(some, question, row).tolist()) == wanted[ways[node]]
        assert row["journeys"] == len(wanted[ways[node]])
    assert set(ways.values()) == set(wanted)
