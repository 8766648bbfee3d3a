"""Transitions: exact counts, journeys, means and medians of what directly follows what."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

import naive
from etappe import arrays
from etappe.analysis import transitions as module
from etappe.analysis.transitions import transitions, who
from etappe.journeys.columns import journeys_of
from journeys_text import NAMES, PROPERTY, built, journeys, many
from test_funnel import of_frame

SHARED = Path(__file__).parents[2] / "shared" / "data"


def told(answer):
    return {(r["from"], r["to"]): (r["count"], r["journeys"], r["mean_us"], r["median_us"]) for r in answer.rows()}


def test_neighbours_of_one_journey_are_counted_never_those_of_two():
    answer = transitions(journeys("0 a, 2 b, 5 b", "7 a", "9 b, 9 a, 20 b"))
    assert told(answer) == {("a", "b"): (2, 2, 6, 6), ("b", "a"): (1, 1, 0, 0), ("b", "b"): (1, 1, 3, 3)}
    assert answer.denominators == {"transitions": 4, "journeys": 3}


def test_a_share_is_of_all_that_leave():
    rows = transitions(journeys("0 a, 1 b, 2 a, 3 c", "0 b, 1 c")).rows()
    assert {(r["from"], r["to"]): r["share"] for r in rows} == {
        ("a", "b"): 0.5, ("a", "c"): 0.5, ("b", "a"): 0.5, ("b", "c"): 0.5,
    }  # fmt: skip


def test_sums_of_times_beyond_64_bits_are_exact():
    far = [-62_135_596_800_000_000, 253_402_300_799_999_999]  # year 1 to year 9999
    n = 60
    held = journeys_of(np.arange(0, 2 * n + 1, 2), far * n, [0, 1] * n, ["a", "b"])
    (row,) = transitions(held).rows()
    assert row["mean_us"] == row["median_us"] == far[1] - far[0]


def test_without_medians_there_is_no_such_column():
    assert "median_us" not in transitions(journeys("0 a, 1 b"), medians=False).table.column_names


def test_nothing_follows_in_empty_and_single_journeys():
    for nothing in (journeys(), journeys("", "0 a", "", "1 a")):
        assert transitions(nothing).rows() == []


@PROPERTY
@given(many())
def test_transitions_are_their_definition(lists):
    held = built(lists, names=NAMES)
    answer = transitions(held)
    assert told(answer) == naive.transitions(lists)
    counts = answer.column("count")
    assert counts == sorted(counts, reverse=True)
    for row in answer.rows():
        assert len(who(held, answer.question, row)) == row["journeys"]


@PROPERTY
@given(many())
def test_groups_add_up_to_the_whole(lists):
    held = built(lists, names=NAMES, attributes={"g": ["xyz"[i % 3] for i in range(len(lists))]})
    grouped = transitions(held, by="g")
    for row in transitions(held).rows():
        mine = [r for r in grouped.rows() if (r["from"], r["to"]) == (row["from"], row["to"])]
        assert sum(r["count"] for r in mine) == row["count"]
        assert sum(r["journeys"] for r in mine) == row["journeys"]


@pytest.mark.parametrize("small", [200_000, 0])
@pytest.mark.parametrize("names", [5, 90, 1200])
@pytest.mark.parametrize("worth", [2**22, 0])
def test_many_names_few_buckets_and_threads_agree_with_the_definition(monkeypatch, small, names, worth):
    rng = np.random.default_rng(names)
    offsets = np.concatenate(([0, 0], np.sort(rng.integers(0, 3000, 200)), [3000]))
    pauses = np.exp(rng.normal(10, 6, 3000)).astype(np.int64) * (rng.random(3000) < 0.9)
    times = np.cumsum(pauses)
    codes = rng.integers(0, names, 3000) * (rng.random(3000) < 0.7)
    monkeypatch.setattr(arrays, "SMALL", small)
    monkeypatch.setattr(
        module, "BUCKETS", tuple((drop, most, min(limit, worth)) for drop, most, limit in module.BUCKETS)
    )
    texts = [f"t{i}" for i in range(names)]
    lists = [[(int(times[i]), texts[codes[i]]) for i in range(a, b)] for a, b in pairwise(offsets)]
    assert told(transitions(journeys_of(offsets, times, codes, texts))) == naive.transitions(lists)


@pytest.mark.skipif(not SHARED.exists(), reason="the shared data is not here")
def test_the_receipt_log_has_its_published_transitions():
    import pandas as pd

    log = pd.read_csv(SHARED / "process_logs" / "receipt.csv")
    expected = json.loads((SHARED / "process_logs" / "expected.json").read_text(encoding="utf-8"))["receipt"]
    held = of_frame(log, "case:concept:name", "concept:name", "time:timestamp")
    answer = transitions(held)
    assert len(answer) == 99
    assert answer.denominators["transitions"] == 7143
    top = [[r["from"], r["to"], r["count"]] for r in answer.rows()]
    assert top[: len(expected["dfg_top"])] == expected["dfg_top"]
    # The same times by pandas alone.
    log["at"] = pd.to_datetime(log["time:timestamp"], utc=True, format="ISO8601")
    log = log.sort_values(["case:concept:name", "at"], kind="stable")
    cases = log.groupby("case:concept:name")
    log["next"], log["pause"] = cases["concept:name"].shift(-1), cases["at"].shift(-1) - log["at"]
    medians = log.dropna(subset="next").groupby(["concept:name", "next"])["pause"].median()
    for row in answer.rows():
        assert row["median_us"] == medians[row["from"], row["to"]] // pd.Timedelta("1us")
