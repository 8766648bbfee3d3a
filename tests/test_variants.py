"""Variants: exact sequences, compared in full where hashes agree."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

import naive
from etappe import arrays
from etappe.analysis import variants as module
from etappe.analysis.variants import variants, who
from etappe.errors import BadQuestion
from etappe.journeys.columns import journeys_of
from journeys_text import NAMES, PROPERTY, built, journeys, many
from test_funnel import of_frame

SHARED = Path(__file__).parents[2] / "shared" / "data"


def test_the_same_touchpoints_in_the_same_order_are_one_variant():
    answer = variants(journeys("0 a, 1 b", "5 a, 5 b", "0 b, 1 a", "", "3 a"))
    assert answer.rows()[0] | {"low": None, "high": None} == {
        "path": "a > b", "length": 2, "count": 2, "share": 0.5, "low": None, "high": None, "cumulative": 0.5,
    }  # fmt: skip
    # Equal counts: the one that occurs first in the data.
    assert answer.column("path") == ["a > b", "b > a", "a"]
    assert answer.column("cumulative") == [0.5, 0.75, 1.0]
    assert answer.denominators == {"journeys": 4, "variants": 3}


def test_top_must_be_above_zero():
    with pytest.raises(BadQuestion, match="variants: top: 0 is not above zero"):
        variants(journeys("0 a"), top=0)


def test_a_name_may_hold_the_arrow():
    held = built([[(0, "a > b"), (1, "c")], [(0, "a"), (1, "b"), (2, "c")], [(0, "a > b"), (1, "c")]])
    answer = variants(held)
    assert answer.column("count") == [2, 1]
    assert [len(who(held, answer.question, row)) for row in answer.rows()] == [2, 1]


@PROPERTY
@given(many(most=14, longest=4))
def test_variants_are_their_definition(lists):
    held = built(lists, names=NAMES)
    answer = variants(held, top=1000)
    expected = naive.variants(lists)
    assert {tuple(r["path"].split(" > ")): r["count"] for r in answer.rows()} == expected
    assert answer.denominators == {"journeys": sum(expected.values()), "variants": len(expected)}
    for row in answer.rows():
        assert len(who(held, answer.question, row)) == row["count"]
    # A shorter list is the head of the longer one.
    assert variants(held, top=3).column("path") == answer.column("path")[:3]


@PROPERTY
@given(many(most=14, longest=4))
def test_groups_add_up_to_the_whole(lists):
    held = built(lists, names=NAMES, attributes={"g": ["xyz"[i % 3] for i in range(len(lists))]})
    grouped = variants(held, top=1000, by="g")
    for row in variants(held, top=1000).rows():
        assert sum(r["count"] for r in grouped.rows() if r["path"] == row["path"]) == row["count"]


def test_equal_hashes_are_told_apart(monkeypatch):
    held = journeys("0 a, 1 b", "0 b, 1 a", "0 a", "0 a, 1 b")
    monkeypatch.setattr(module, "_hash", lambda offsets, touchpoint, a, b, out: out[a:b].fill(7))
    answer = variants(held)
    assert dict(zip(answer.column("path"), answer.column("count"), strict=True)) == {"a > b": 2, "b > a": 1, "a": 1}


@pytest.mark.parametrize("names", [6, 300])
def test_threads_and_two_byte_codes_agree_with_the_definition(monkeypatch, names):
    rng = np.random.default_rng(names)
    offsets = np.concatenate(([0], np.cumsum(rng.integers(0, 5, 4000))))
    codes = np.minimum(rng.geometric(0.5, offsets[-1]) - 1, 5)
    texts = [f"t{i}" for i in range(names)]
    held = journeys_of(offsets, np.arange(offsets[-1]), codes, texts)
    one = variants(held, top=50).to_arrow()
    monkeypatch.setattr(arrays, "SMALL", 0)
    assert variants(held, top=50).to_arrow().equals(one)
    lists = [[(0, texts[c]) for c in codes[a:b]] for a, b in pairwise(offsets)]
    counts = sorted(naive.variants(lists).values(), reverse=True)
    assert one.column("count").to_pylist() == counts[:50]


@pytest.mark.skipif(not SHARED.exists(), reason="the shared data is not here")
def test_the_receipt_log_has_its_published_variants():
    import pandas as pd

    log = pd.read_csv(SHARED / "process_logs" / "receipt.csv")
    answer = variants(of_frame(log, "case:concept:name", "concept:name", "time:timestamp"), top=200)
    assert (len(answer), answer.denominators["variants"]) == (116, 116)
    assert answer.column("count")[0] == 713
    assert answer.column("cumulative")[-1] == 1.0
