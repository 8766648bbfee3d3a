"""Timing: who has not arrived yet counts as watched so far, as Kaplan and Meier do."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import naive_timing as naive
from etappe import arrays
from etappe.analysis.timing import curve, timing, who
from etappe.errors import BadQuestion, UnknownName
from etappe.journeys.columns import journeys_of
from journeys_text import NAMES, PROPERTY, built, journeys, many

# Freireich et al. 1963, weeks in remission under 6-MP; the textbook example of the estimate.
REMISSION = [6, 6, 6, 7, 10, 13, 16, 22, 23]
STILL_IN_REMISSION = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]


def told(answer, *names):
    return [tuple(row[name] for name in names) for row in answer.rows()]


def test_the_leukaemia_trial_has_its_published_curve():
    found = curve(np.array(REMISSION), np.array(STILL_IN_REMISSION))
    assert found.time_us.tolist() == [6, 7, 10, 13, 16, 22, 23]
    assert found.at_risk.tolist() == [21, 17, 15, 12, 11, 7, 6]
    assert found.events.tolist() == [3, 1, 1, 1, 1, 1, 1]
    assert found.remaining.round(3).tolist() == [0.857, 0.807, 0.753, 0.69, 0.627, 0.538, 0.448]
    # As R's survfit(conf.type = "log-log") and SAS' PROC LIFETEST print them.
    assert found.low.round(3).tolist() == [0.620, 0.563, 0.503, 0.432, 0.368, 0.268, 0.188]
    assert found.high.round(3).tolist() == [0.952, 0.923, 0.889, 0.849, 0.805, 0.747, 0.680]
    assert found.median() == (23, 13, None)


def test_without_censoring_the_curve_is_the_share_that_is_left():
    found = curve(np.array(PLACEBO), np.array([], np.int64))
    left = [sum(other > time for other in PLACEBO) / 21 for time in found.time_us.tolist()]
    assert found.remaining == pytest.approx(left)
    assert found.median() == (8, 4, 11)


def test_half_that_remains_for_a_while_has_its_median_in_the_middle():
    assert curve(np.array([1, 3, 6, 9]), np.array([], np.int64)).median()[0] == 4


def test_time_runs_from_the_first_start_to_the_first_end_after_it():
    answer = timing(journeys("0 b, 1 a, 2 a, 7 b, 9 b", "20 c"), "a", "b", points=0)
    assert told(answer, "time_us", "at_risk", "events", "censored", "remaining") == [
        (0, 1, 0, 0, 1.0),
        (6, 1, 1, 0, 0.0),
    ]
    assert answer.denominators == {"journeys": 1, "events": 1, "censored": 0}


def test_at_the_same_instant_the_order_of_receipt_counts():
    assert timing(journeys("4 a, 4 b"), "a", "b").denominators["events"] == 1
    assert timing(journeys("4 b, 4 a"), "a", "b").denominators["events"] == 0


def test_the_same_touchpoint_again_can_be_the_end():
    assert timing(journeys("0 a, 3 a, 9 a"), "a", "a").column("time_us") == [0, 3]


def test_who_has_not_arrived_is_censored_where_the_data_end_and_it_is_said():
    held = journeys("0 a, 6 b", "2 a", "10 c")
    answer = timing(held, "a", "b")
    assert told(answer, "time_us", "at_risk", "events", "censored") == [(0, 2, 0, 0), (6, 2, 1, 0), (8, 1, 0, 1)]
    assert answer.column("remaining") == [1.0, 0.5, 0.5]
    (said,) = [said for said in answer.warnings if said.code == "censored"]
    assert said.values == {"end": "b", "journeys": 1, "n": 2, "share": 50}
    # The end of the data is that of all data, not that of the journeys chosen.
    assert timing(held.select([0, 1]), "a", "b").column("time_us") == [0, 6, 8]


def test_thinning_changes_no_share_and_loses_nobody():
    rng = np.random.default_rng(1)
    waits = rng.integers(1, 10**6, 3000)
    times = np.stack([np.zeros(3000, np.int64), waits], axis=1).ravel()
    ends = np.stack([np.zeros(3000, np.int64), 1 + (rng.random(3000) < 0.4)], axis=1).ravel()
    held = journeys_of(np.arange(0, 6001, 2), times, ends, ["a", "b", "c"])
    full, thin = timing(held, "a", "b", points=0), timing(held, "a", "b", points=20)
    assert len(thin) == 20
    every = {row["time_us"]: row for row in full.rows()}
    same = ("at_risk", "remaining", "low", "high", "median_us", "median_low_us")
    for row in thin.rows():
        assert {name: row[name] for name in same} == {name: every[row["time_us"]][name] for name in same}
    for name in ("events", "censored"):
        assert sum(thin.column(name)) == sum(full.column(name)) == full.denominators[name]


@pytest.mark.parametrize(
    ("fields", "kind", "text"),
    [
        ({"start": "x"}, UnknownName, "timing: start: no touchpoint named 'x'"),
        ({"end": "x"}, UnknownName, "timing: end"),
        ({"points": 1}, BadQuestion, "timing: points: 1 is no number"),
        ({"points": -1}, BadQuestion, "timing: points"),
    ],
)
def test_what_cannot_be_asked_is_refused(fields, kind, text):
    with pytest.raises(kind) as refused:
        timing(journeys("0 a, 1 b"), **{"start": "a", "end": "b", **fields})
    assert text in str(refused.value)


def test_a_row_of_no_answer_and_a_part_that_is_none_are_refused():
    held = journeys("0 a, 5 b")
    question = timing(held, "a", "b").question
    with pytest.raises(BadQuestion, match="4 is no time of the curve"):
        who(held, question, {"time_us": 4})
    with pytest.raises(UnknownName, match="timing: row"):
        who(held, question, {"time_us": 5, "part": "event"})


def test_no_journeys_have_no_curve():
    for nothing in (journeys(names=NAMES), journeys("", "1 c", names=NAMES)):
        answer = timing(nothing, "a", "b")
        assert answer.rows() == []
        assert answer.denominators == {"journeys": 0, "events": 0, "censored": 0}


@PROPERTY
@given(many(), st.sampled_from([0, 2, 3, 5]))
def test_the_curve_is_its_definition(lists, points):
    held = built(lists, names=NAMES, attributes={"g": ["xyz"[i % 3] for i in range(len(lists))]})
    until = max((time for journey in lists for time, _ in journey), default=0)
    seen = naive.watched(lists, "a", "b", until)
    mine = [one for one in seen if one is not None]
    answer = timing(held, "a", "b", points=points)
    rows = answer.rows()
    assert answer.denominators["journeys"] == len(mine)
    for before, row in zip([None, *rows], rows, strict=False):
        time, since = row["time_us"], -1 if before is None else before["time_us"]
        assert row["at_risk"] == sum(when >= time for when, _ in mine)
        assert row["remaining"] == pytest.approx(float(naive.remaining(mine, time)))
        assert row["median_us"] == naive.median(mine)
        for part, arrived in (("events", True), ("censored", False)):
            asked = [i for i, one in enumerate(seen) if one and one[1] == arrived and since < one[0] <= time]
            assert who(held, answer.question, {**row, "part": part}).tolist() == asked
            assert row[part] == len(asked)
        assert len(who(held, answer.question, row)) == row["at_risk"]
        assert row["low"] is None or 0 <= row["low"] <= row["remaining"] <= row["high"] <= 1
    if points == 0:
        assert {when for when, arrived in mine if arrived} <= set(answer.column("time_us"))
    grouped = timing(held, "a", "b", points=points, by="g")
    assert grouped.denominators == answer.denominators
    for row in grouped.rows():
        assert len(who(held, grouped.question, row)) == row["at_risk"]


def test_threads_agree_with_one_thread(monkeypatch):
    rng = np.random.default_rng(3)
    offsets = np.concatenate(([0, 0], np.sort(rng.integers(0, 9000, 500)), [9000, 9000]))
    held = journeys_of(offsets, np.arange(9000), rng.integers(0, 4, 9000), NAMES)
    one = timing(held, "a", "b").to_arrow()
    monkeypatch.setattr(arrays, "SMALL", 0)
    assert timing(held, "a", "b").to_arrow().equals(one)
