"""Baskets: an item is in a basket once; a pair's lift says how far it is from chance."""

from math import exp, log, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import naive_baskets as naive
from etappe import arrays
from etappe.analysis import baskets as module
from etappe.analysis.baskets import baskets, who
from etappe.errors import BadQuestion, UnknownName
from etappe.journeys.columns import journeys_of
from journeys_text import NAMES, PROPERTY, built, journeys, many


def test_support_confidence_and_lift_are_those_of_the_textbook():
    # 10 baskets: 4 with both, 5 with tea, 6 with milk.
    held = journeys(*["0 tea, 1 milk, 2 tea"] * 4, "0 tea", *["0 milk"] * 2, *["0 bread"] * 3)
    (row,) = baskets(held).rows()
    assert (row["item"], row["other"], row["baskets"]) == ("tea", "milk", 4)
    assert (row["support"], row["confidence"], row["reverse_confidence"]) == (0.4, 0.8, pytest.approx(4 / 6))
    assert row["lift"] == pytest.approx(0.4 / (0.5 * 0.6))
    # Cells 4, 1, 2, 3 of a multinomial: variance of log(4 * 10 / (5 * 6)) by the delta method, cell by cell.
    slopes = {4: 1 / 4 - 1 / 5 - 1 / 6, 1: -1 / 5, 2: -1 / 6}
    half = 1.959963984540054 * sqrt(sum(n * slope**2 for n, slope in slopes.items()) - 1 / 10)
    assert [row["lift_low"], row["lift_high"]] == pytest.approx([exp(log(4 / 3) - half), exp(log(4 / 3) + half)])
    assert baskets(held).denominators == {"baskets": 10, "items": 3, "pairs": 1}


def test_an_interval_of_the_lift_holds_what_repeated_samples_show():
    rng = np.random.default_rng(4)
    inside = 0
    for _ in range(200):
        cells = rng.multinomial(300, [0.2, 0.2, 0.1, 0.5])
        texts = ["0 a, 1 b"] * cells[0] + ["0 a"] * cells[1] + ["0 b"] * cells[2] + ["0 c"] * cells[3]
        (row,) = baskets(journeys(*texts)).rows()
        inside += row["lift_low"] <= 0.2 / (0.4 * 0.3) <= row["lift_high"]
    assert 0.91 <= inside / 200 <= 0.99


def test_an_order_is_a_basket_within_its_journey():
    held = journeys(
        "0 buy, 1 buy, 9 buy", "0 buy, 1 buy", "3 visit",
        columns={
            "order": ["n1", "n1", "n2", "n1", "n1", None],
            "product": ["tea", "milk", "tea", "milk", "tea", "tea"],
        },
    )  # fmt: skip
    answer = baskets(held, "product", basket="order")
    (row,) = answer.rows()
    assert (row["item"], row["other"], row["baskets"], row["journeys"]) == ("milk", "tea", 2, 2)
    assert answer.denominators["baskets"] == 3
    assert who(held, answer.question, row).tolist() == [0, 1]


def test_only_what_happens_at_the_touchpoints_asked_for_counts():
    held = journeys("0 buy, 1 view, 2 buy", "0 buy, 1 buy", columns={"product": ["x", "y", "z", "x", "z"]})
    answer = baskets(held, "product", touch=["buy"], least=1)
    assert [(row["item"], row["other"]) for row in answer.rows()] == [("x", "z")]


def test_the_surest_lift_can_go_first():
    held = journeys(*["0 a, 1 b"] * 30, *["0 a"] * 30, *["0 b"] * 30, *["0 c, 1 d"] * 10)
    assert [row["item"] for row in baskets(held).rows()] == ["a", "c"]
    assert [row["item"] for row in baskets(held, rank="lift").rows()] == ["c", "a"]
    assert len(baskets(held, top=1)) == 1


def test_beyond_so_many_items_the_most_frequent_are_paired_and_it_is_said(monkeypatch):
    monkeypatch.setattr(module, "MOST", 2)
    monkeypatch.setattr(module, "SPREAD", 1)
    held = journeys(*["0 a, 1 b"] * 3, *["0 b, 1 c"] * 2, "0 a")
    answer = baskets(held)
    assert [(row["item"], row["other"]) for row in answer.rows()] == [("a", "b")]
    assert ("cut-items", {"items": 3, "most": 2}) in [(said.code, said.values) for said in answer.warnings]


@pytest.mark.parametrize(
    ("fields", "kind", "text"),
    [
        ({"item": "x"}, UnknownName, "baskets: item"),
        ({"basket": "x"}, UnknownName, "baskets: basket"),
        ({"item": "order", "basket": "order"}, BadQuestion, "the basket as well as what is in it"),
        ({"touch": ["x"]}, UnknownName, "baskets: touch[0]"),
        ({"touch": "a"}, BadQuestion, "one text, not a list"),
        ({"top": 0}, BadQuestion, "baskets: top"),
        ({"least": 0}, BadQuestion, "baskets: least"),
    ],
)
def test_what_cannot_be_asked_is_refused(fields, kind, text):
    with pytest.raises(kind) as refused:
        baskets(journeys("0 a, 1 b", columns={"order": ["n", "m"]}), **fields)
    assert text in str(refused.value)


def test_a_row_that_is_none_is_refused():
    held = journeys("0 a, 1 b")
    with pytest.raises(UnknownName, match="baskets: row"):
        who(held, baskets(held).question, {"item": "a", "other": "x"})


def test_no_baskets_are_an_answer():
    for nothing in (journeys(names=NAMES), journeys("", names=NAMES), journeys("1 c", names=NAMES), journeys()):
        assert baskets(nothing, least=1).rows() == []


@PROPERTY
@given(many(), st.sampled_from(["journey", "order"]), st.integers(1, 3), st.data())
def test_pairs_are_their_definition(lists, basket, least, data):
    orders = [[data.draw(st.sampled_from([None, "n", "m"])) for _ in journey] for journey in lists]
    held = built(
        lists, names=NAMES, columns={"order": [one for journey in orders for one in journey]},
        attributes={"g": ["xyz"[i % 3] for i in range(len(lists))]},
    )  # fmt: skip
    filled = []
    for c, (journey, numbers) in enumerate(zip(lists, orders, strict=True)):
        own: dict[str, set[str]] = {}
        for (_, name), number in zip(journey, numbers, strict=True):
            if basket == "journey" or number is not None:
                own.setdefault("" if basket == "journey" else number, set()).add(name)
        filled += [(c, frozenset(items)) for items in own.values()]
    found = {pair: owners for pair, owners in naive.pairs(filled).items() if len(owners) >= least}
    answer = baskets(held, basket=basket, least=least)
    assert answer.denominators["baskets"] == len(filled)
    rows = {frozenset((row["item"], row["other"])): row for row in answer.rows()}
    assert rows.keys() == found.keys()
    counts = {name: sum(name in items for _, items in filled) for name in NAMES}
    for pair, row in rows.items():
        assert row["baskets"] == len(found[pair])
        assert who(held, answer.question, row).tolist() == sorted(set(found[pair]))
        assert row["journeys"] == len(set(found[pair]))
        assert (row["item_baskets"], row["other_baskets"]) == (counts[row["item"]], counts[row["other"]])
        assert (counts[row["item"]], row["item"]) < (counts[row["other"]], row["other"])
        assert row["lift_low"] <= row["lift"] <= row["lift_high"]
    grouped = baskets(held, basket=basket, least=least, by="g")
    assert grouped.denominators["baskets"] == len(filled)
    for row in grouped.rows():
        assert len(who(held, grouped.question, row)) == row["journeys"]


def test_threads_agree_with_one_thread(monkeypatch):
    rng = np.random.default_rng(3)
    offsets = np.concatenate(([0, 0], np.sort(rng.integers(0, 9000, 500)), [9000, 9000]))
    held = journeys_of(offsets, np.arange(9000), rng.integers(0, 4, 9000), NAMES)
    one = baskets(held).to_arrow()
    monkeypatch.setattr(arrays, "SMALL", 0)
    assert baskets(held).to_arrow().equals(one)
