"""Reach counts journeys, never touchpoints; values are summed exactly."""

import numpy as np
import pytest
from hypothesis import given

import naive
from etappe import arrays
from etappe.analysis.reach import Reach, _count, reach, who
from etappe.errors import UnknownName
from etappe.journeys.columns import journeys_of
from journeys_text import PROPERTY, built, journeys, many


def test_three_contacts_of_one_journey_are_one():
    answer = reach(journeys("0 visit, 1 visit, 2 visit", "0 order"))
    assert answer.rows()[1]["events"] == 3
    assert answer.column("touchpoint") == ["order", "visit"]
    assert answer.column("journeys") == [1, 1]
    assert answer.column("share") == [0.5, 0.5]


def test_a_touchpoint_that_no_one_touches_is_a_zero_with_an_interval():
    answer = reach(journeys("0 visit", names=["visit", "order"]), ["order"])
    (row,) = answer.rows()
    assert (row["journeys"], row["share"], row["low"]) == (0, 0.0, 0.0)
    assert row["high"] > 0.7


def test_an_unknown_touchpoint_is_refused_with_the_nearest_name():
    with pytest.raises(UnknownName, match=r"reach: touchpoints\[1\]: .* Did you mean 'order'\?"):
        reach(journeys("0 order"), ["order", "ordr"])


def test_sums_beyond_32_bits_are_exact():
    big = 2**61 + 3
    lists = journeys("0 order, 1 order, 2 refund", values=[big, big, -big])
    assert reach(lists, ["order", "refund"]).column("value") == [2 * big, -big]


@PROPERTY
@given(many())
def test_reach_is_its_definition(lists):
    held = built(lists)
    answer = reach(held)
    assert {r["touchpoint"]: (r["journeys"], r["events"]) for r in answer.rows()} == naive.reach(lists)
    for row in answer.rows():
        behind = who(held, Reach(), row)
        assert len(behind) == row["journeys"]
        assert all(row["touchpoint"] in [name for _, name in lists[i]] for i in behind)


@PROPERTY
@given(many())
def test_groups_add_up_to_the_whole(lists):
    held = built(lists, attributes={"g": ["xyz"[i % 3] for i in range(len(lists))]})
    for by in ("g", "touchpoint"):
        grouped = reach(held, by=by)
        for row in reach(held).rows():
            mine = [r for r in grouped.rows() if r["touchpoint"] == row["touchpoint"]]
            assert sum(r["journeys"] for r in mine) == row["journeys"]
            assert sum(r["events"] for r in mine) == row["events"]
        for row in grouped.rows():
            assert len(who(held, Reach(by=by), row)) == row["journeys"]


def test_threads_and_two_byte_codes_agree_with_one_thread(monkeypatch):
    rng = np.random.default_rng(1)
    offsets = np.concatenate(([0], np.sort(rng.integers(0, 5000, 700)), [5000]))
    codes = rng.integers(0, 200, 5000)
    value = rng.integers(-(10**9), 10**9, 5000)
    names = [f"t{i}" for i in range(200)]
    wide = [*names, *(f"unused{i}" for i in range(300))]
    one = reach(journeys_of(offsets, np.arange(5000), codes, names, value=value)).to_arrow()
    monkeypatch.setattr(arrays, "SMALL", 0)
    assert reach(journeys_of(offsets, np.arange(5000), codes, names, value=value)).to_arrow().equals(one)
    assert reach(journeys_of(offsets, np.arange(5000), codes, wide, value=value), names[:9]).column("events") == reach(
        journeys_of(offsets, np.arange(5000), codes, names), names[:9]
    ).column("events")


def test_memory_mapped_columns_need_no_second_compilation(tmp_path):
    reach(journeys("0 a"))
    before = len(_count.signatures)
    for name, array in (("o", np.array([0, 2])), ("t", np.array([0, 5])), ("c", np.array([0, 0], np.uint8))):
        np.save(tmp_path / f"{name}.npy", array)
    offsets, times, codes = (np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in "otc")
    assert reach(journeys_of(offsets, times, codes, ["a"])).column("events") == [2]
    assert len(_count.signatures) == before
