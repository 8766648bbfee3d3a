"""The funnel: in order, within the window from step 1, one touchpoint one step, journeys counted."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import naive
from etappe import arrays
from etappe.analysis.funnel import Funnel, funnel, who
from etappe.analysis.kernel import arrays_of
from etappe.analysis.sieve import levels_of
from etappe.errors import BadDuration, BadQuestion, UnknownName
from etappe.journeys.columns import journeys_of
from journeys_text import NAMES, PROPERTY, built, journeys, many

SHARED = Path(__file__).parents[2] / "shared" / "data"


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("0 A, 5 B, 10 C", 3),
        ("0 A, 5 B, 11 C", 2),
        ("0 A, 5 B, 8 A, 9 B, 12 C", 3),
        ("0 A, 5 B, 8 A, 12 C", 2),
        ("0 B, 1 A", 1),
        ("5 A, 5 B, 5 C", 3),
        ("5 A, 5 C, 5 B", 2),
        ("5 C, 5 B, 5 A", 1),
    ],
)
def test_the_vectors_of_the_definition(text, level):
    found = journeys(text, names=["A", "B", "C"])
    assert sum(funnel(found, ["A", "B", "C"], within="10us").column("reached")) == level


def test_a_step_that_stands_twice_needs_two_touchpoints():
    twice = journeys("0 visit, 1 visit, 2 order", "0 visit, 1 order")
    assert funnel(twice, ["visit", "visit", "order"]).column("reached") == [2, 1, 1]


def test_without_a_window_the_whole_journey_counts():
    long = journeys(f"0 A, {300 * 365 * 86_400_000_000} B")
    assert funnel(long, ["A", "B"]).column("reached") == [1, 1]
    assert funnel(long, ["A", "B"], within="100000d").column("reached") == [1, 0]


def test_before_1970_and_at_the_far_ends_of_the_calendar():
    ends = journeys("-62135596800000000 A, 253402300799999999 B")
    assert funnel(ends, ["A", "B"]).column("median_us") == [None, 253402300799999999 + 62135596800000000]


def test_times_are_those_of_the_best_chain():
    # Complete first at 12; the latest start that allows it is 8; the first B after that is at 9.
    times = journeys("0 A, 5 B, 8 A, 9 B, 10 B, 12 C, 13 A, 14 B, 15 C")
    answer = funnel(times, ["A", "B", "C"], within="10us")
    assert answer.column("median_us") == [None, 1, 4]
    assert answer.column("step_median_us") == [None, 1, 3]
    assert "median_us" not in funnel(times, ["A", "B", "C"], medians=False).table.column_names


def test_a_rate_has_its_denominator():
    answer = funnel(journeys("0 A, 1 B", "0 A", "0 B"), ["A", "B"])
    assert answer.denominators == {"journeys": 3, "entered": 2}
    assert answer.column("conversion") == [1.0, 0.5]
    assert answer.column("step_conversion") == [None, 0.5]
    assert answer.column("low")[0] is None
    assert answer.column("low")[1] == pytest.approx(0.0945, abs=1e-4)


def test_a_funnel_that_no_one_enters_has_no_rate():
    answer = funnel(journeys("0 B", names=["A", "B"]), ["A", "B"])
    assert answer.column("reached") == [0, 0]
    assert answer.column("conversion") == [None, None]


def test_faults_are_refused_before_work_begins():
    held = journeys("0 visit, 1 order")
    with pytest.raises(UnknownName, match=r"funnel: steps\[1\]: no touchpoint named 'ordr'. Did you mean 'order'\?"):
        funnel(held, ["visit", "ordr"])
    with pytest.raises(BadDuration, match="funnel: within: '7' is no duration"):
        funnel(held, ["visit"], within="7")
    with pytest.raises(BadQuestion, match="a funnel needs a step"):
        funnel(held, [])
    with pytest.raises(BadQuestion, match="more than 100"):
        funnel(held, ["visit"] * 101)
    with pytest.raises(BadQuestion, match="Steps are: visit"):
        who(held, Funnel(steps=("visit",)), {"step": "order"})


STEPS = st.lists(st.sampled_from(NAMES), min_size=1, max_size=4)


@PROPERTY
@given(many(), STEPS, st.one_of(st.none(), st.integers(1, 12)))
def test_the_funnel_is_its_definition(lists, steps, window):
    held = built(lists, names=NAMES)
    within = None if window is None else f"{window}us"
    rows = naive.funnel(lists, steps, window)
    answer = funnel(held, steps, within=within)
    assert answer.column("reached") == [row[0] for row in rows]
    assert answer.column("median_us") == [naive.median(row[1]) for row in rows]
    assert answer.column("step_median_us") == [naive.median(row[2]) for row in rows]
    for row in answer.rows():
        assert len(who(held, answer.question, row)) == row["reached"]


@PROPERTY
@given(many(), STEPS, st.integers(0, 12), st.integers(1, 12))
def test_blocks_of_any_size_reach_as_far(lists, steps, window, block):
    names = list(dict.fromkeys(steps))
    name_of = np.zeros(256, np.uint8)
    name_of[[NAMES.index(name) for name in names]] = np.arange(1, len(names) + 1)
    steps_of = [[s for s, step in enumerate(steps, start=1) if step == name] for name in names]
    arrays = arrays_of(built(lists, names=NAMES))
    levels, reached = levels_of(arrays, name_of, steps_of, len(steps), window, block)
    assert levels.tolist() == [len(naive.best_chain(journey, steps, window)) for journey in lists]
    assert reached.tolist() == [np.count_nonzero(levels >= s) for s in range(1, len(steps) + 1)]


@PROPERTY
@given(many(), STEPS)
def test_groups_add_up_to_the_whole(lists, steps):
    held = built(lists, names=NAMES, attributes={"g": ["xyz"[i % 3] for i in range(len(lists))]})
    grouped = funnel(held, steps, by="g")
    for whole in funnel(held, steps).rows():
        mine = [row for row in grouped.rows() if row["position"] == whole["position"]]
        assert sum(row["reached"] for row in mine) == whole["reached"]
    if lists:
        assert sum(len(who(held, grouped.question, row)) for row in grouped.rows()) == sum(grouped.column("reached"))


@pytest.mark.parametrize("names", [12, 300])
def test_blocks_threads_and_two_byte_codes_agree_with_the_definition(monkeypatch, names):
    # Journeys longer than a block, empty ones at the ends, and cuts between threads.
    rng = np.random.default_rng(names)
    offsets = np.sort(rng.integers(0, 40_000, 60))
    offsets = np.concatenate(([0, 0, 9_000, 9_000], 9_000 + offsets, [60_000, 60_000]))
    times = np.concatenate([np.sort(rng.integers(0, 10**6, n)) for n in np.diff(offsets)])
    codes = rng.integers(0, names, 60_000) * (rng.random(60_000) < 0.3)
    held = journeys_of(offsets, times, codes, [f"t{i}" for i in range(names)])
    steps = ["t1", "t2", "t1", "t3"]
    one = funnel(held, steps, within="900us").to_arrow()
    monkeypatch.setattr(arrays, "SMALL", 0)
    assert funnel(held, steps, within="900us").to_arrow().equals(one)
    best = [_greedy(times[a:b], codes[a:b], [1, 2, 1, 3], 900) for a, b in pairwise(offsets)]
    assert one.column("reached").to_pylist() == [sum(level > k for level in best) for k in range(4)]


@pytest.mark.parametrize("names", [40, 300])
def test_steps_of_many_touchpoints_and_blocks_of_many_journeys_agree_with_the_definition(names):
    # More codes a step than are compared one by one; many short journeys and empty ones, so that blocks end by number.
    rng = np.random.default_rng(names)
    offsets = np.concatenate(([0], np.cumsum(rng.integers(0, 9, 3_000) * (rng.random(3_000) < 0.8))))
    times = np.concatenate([np.sort(rng.integers(0, 100, n)) for n in np.diff(offsets)])
    codes = rng.integers(0, names, offsets[-1])
    name_of = (np.arange(names) % 5 % 4).astype(np.uint8)  # 0: no step
    held = journeys_of(offsets, times, codes, [f"t{i}" for i in range(names)])
    levels, _ = levels_of(arrays_of(held), name_of, [[1, 3], [2], [4]], 4, 60)
    named = [1, 2, 1, 3]
    best = [_greedy(times[a:b], name_of[codes[a:b]], named, 60) for a, b in pairwise(offsets)]
    assert np.array_equal(levels, best)


def _greedy(times, codes, steps, window):
    """From every start: each step as early as it can be; the longest chain."""
    best = 0
    for start in np.flatnonzero(codes == steps[0]).tolist():
        at, level = start, 1
        for step in steps[1:]:
            later = np.flatnonzero(codes[at + 1 :] == step)
            if len(later) == 0 or times[at + 1 + later[0]] - times[start] > window:
                break
            at += 1 + int(later[0])
            level += 1
        best = max(best, level)
    return best


@pytest.mark.skipif(not SHARED.exists(), reason="the shared data is not here")
def test_the_online_shop_has_its_published_funnel():
    import pandas as pd

    log = pd.read_csv(SHARED / "simple_onlineshop" / "simple-onlineshop.csv")
    answer = funnel(of_frame(log, "user_id", "event", "timestamp"), STEPS_OF_SHOP)
    assert answer.column("reached") == [3611, 1924, 1356, 958, 653]


STEPS_OF_SHOP = ["catalog", "cart", "delivery_choice", "payment_choice", "payment_done"]


def of_frame(log, subject, name, time):
    """Journeys from a pandas frame, by pandas alone."""
    import pandas as pd

    log = log.assign(at=pd.to_datetime(log[time], utc=True, format="ISO8601"))
    log = log.sort_values([subject, "at"], kind="stable")
    codes, names = pd.factorize(log[name])
    sizes = log.groupby(subject, sort=True).size().to_numpy()
    times = log["at"].dt.as_unit("us").astype("int64").to_numpy()
    return journeys_of(np.concatenate(([0], np.cumsum(sizes))), times, codes, list(names))


def test_a_group_of_empty_journeys_alone_is_a_group_of_none():
    held = journeys("0 a, 5 b", "", attributes={"age": ["30", "40"]})
    assert funnel(held, ["a", "b"], within="7d", by="age").column("reached") == [1, 1, 0, 0]
