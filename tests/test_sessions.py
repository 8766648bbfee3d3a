"""Sessions end where the pause is strictly longer than the gap."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import naive
from etappe import arrays
from etappe.analysis.sessions import sessions, who
from etappe.errors import BadDuration
from etappe.journeys.columns import journeys_of
from journeys_text import NAMES, PROPERTY, built, journeys, many
from test_funnel import of_frame

SHARED = Path(__file__).parents[2] / "shared" / "data"


def test_a_pause_as_long_as_the_gap_ends_nothing():
    assert sessions(journeys("0 a, 10 a"), gap="10us").column("sessions") == [1]
    assert sessions(journeys("0 a, 11 a"), gap="10us").column("sessions") == [2]


def test_two_journeys_are_never_one_session():
    answer = sessions(journeys("0 a", "1 a", "", "2 a, 3 a"))
    assert answer.column("sessions") == [3]
    assert answer.column("mean_length") == [4 / 3]
    assert answer.column("median_us") == [0]
    assert answer.denominators == {"sessions": 3, "touchpoints": 4, "journeys": 3}


def test_no_touchpoints_are_no_sessions():
    for nothing in (journeys(), journeys("", "")):
        (row,) = sessions(nothing).rows()
        assert (row["sessions"], row["mean_length"], row["median_us"]) == (0, None, None)


def test_a_gap_needs_a_unit():
    with pytest.raises(BadDuration, match="sessions: gap: '30' is no duration"):
        sessions(journeys("0 a"), gap="30")


@PROPERTY
@given(many(), st.integers(1, 12))
def test_sessions_are_their_definition(lists, gap):
    found = naive.sessions(lists, gap)
    held = built(lists, names=NAMES)
    answer = sessions(held, gap=f"{gap}us")
    (row,) = answer.rows()
    assert row["sessions"] == len(found)
    assert row["median_us"] == naive.median([session[-1][0] - session[0][0] for session in found])
    assert sessions(held, gap=f"{gap}us", medians=False).column("sessions") == [len(found)]
    assert len(who(held, answer.question, row)) == row["journeys"]
    grouped = sessions(held, gap=f"{gap}us", by="touchpoint")
    assert sum(grouped.column("sessions")) == len(found)


def test_threads_agree_with_one_thread(monkeypatch):
    rng = np.random.default_rng(3)
    offsets = np.concatenate(([0, 0], np.sort(rng.integers(0, 9000, 500)), [9000, 9000]))
    times = np.cumsum(rng.integers(0, 20, 9000))
    held = journeys_of(offsets, times, np.zeros(9000, int), ["a"])
    one = sessions(held, gap="15us").to_arrow()
    monkeypatch.setattr(arrays, "SMALL", 0)
    assert sessions(held, gap="15us").to_arrow().equals(one)


@pytest.mark.skipif(not SHARED.exists(), reason="the shared data is not here")
def test_the_online_shop_has_its_published_sessions():
    import pandas as pd

    log = pd.read_csv(SHARED / "simple_onlineshop" / "simple-onlineshop.csv")
    assert sessions(of_frame(log, "user_id", "event", "timestamp"), gap="30m").column("sessions") == [6454]
