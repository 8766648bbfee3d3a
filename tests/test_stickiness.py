"""Stickiness: on how many days of a week or a month a journey is active."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import naive_retention
from etappe import arrays
from etappe.analysis.stickiness import stickiness, who
from etappe.errors import UnknownName
from etappe.journeys.columns import journeys_of
from journeys_text import PROPERTY, Plain, built, many
from test_retention import DAY, HOUR, MONDAY, days, lasting


def test_a_day_with_many_touchpoints_is_one_active_day():
    answer = stickiness(days("0 a, 0.1 a, 0.2 a, 1 a", "0 a", "2 a, 6.9 a, 7 a", until=14))
    rows = [row for row in answer.rows() if row["period"] == "2026-03-02"]
    assert [(r["days"], r["count"]) for r in rows if r["count"]] == [(1, 1), (2, 2)]
    assert [r["days"] for r in rows] == [1, 2, 3, 4, 5, 6, 7]
    assert (rows[1]["active"], rows[1]["share"], rows[0]["cumulative"], rows[1]["cumulative"]) == (3, 2 / 3, 1.0, 2 / 3)


def test_all_finished_periods_together_come_first_and_count_a_journey_in_each():
    answer = stickiness(days("0 a, 7 a, 14 a, 15 a", "7 a, 8 a", until=15))
    first, second = answer.rows()[:2]
    assert (first["period"], first["days"], first["count"], first["journeys"], first["active"]) == (None, 1, 2, 1, 3)
    assert (second["count"], second["journeys"], second["cumulative"]) == (1, 1, 1 / 3)
    last = [row for row in answer.rows() if row["period"] == "2026-03-16"]
    assert [row["unfinished"] for row in last] == [1] * 7
    assert ("unfinished-period", {"period": "2026-03-16"}) in [(said.code, said.values) for said in answer.warnings]


def test_a_month_has_as_many_rows_as_days():
    answer = stickiness(days("0 a, 30 a", until=100), period="month")
    lengths = Counter(row["period"] for row in answer.rows())
    assert lengths == {None: 31, "2026-03-01": 31, "2026-04-01": 30}


def test_nothing_is_an_answer_with_no_rows():
    for nothing in (built([], names=["a"]), built([[], []], names=["a"])):
        answer = stickiness(nothing)
        assert (len(answer), answer.n) == (0, len(nothing))
        assert "Aktive Tage" in answer.to_html(lang="de")


def test_a_single_week_that_is_not_over_gives_no_share_over_all():
    first = stickiness(days("0 a", until=1)).rows()[0]
    assert (first["period"], first["count"], first["share"], first["cumulative"]) == (None, 0, None, None)


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"period": "day"}, "stickiness: period: no choice named 'day'"),
        ({"touchpoint": "ordr"}, "stickiness: touchpoint: no touchpoint named 'ordr'"),
    ],
)
def test_what_is_not_there_is_refused(rules, said):
    with pytest.raises(UnknownName, match=said):
        stickiness(days("0 a"), **rules)


def test_a_row_that_is_not_there_is_refused():
    held = days("0 a")
    question = stickiness(held).question
    with pytest.raises(UnknownName, match="stickiness: row: no period named '2020-01-01'"):
        who(held, question, {"period": "2020-01-01", "days": 1})
    with pytest.raises(UnknownName, match="stickiness: row: no number of days named '8'"):
        who(held, question, {"period": "2026-03-02", "days": 8})


@PROPERTY
@given(
    many(names="ab", until=40),
    st.sampled_from(["week", "month"]),
    st.sampled_from([None, "a"]),
    st.sampled_from(["UTC", "Europe/Berlin", "America/Santiago"]),
    st.sampled_from([7, 24, 100]),
)
def test_stickiness_is_its_definition(lists: Plain, period: Any, touchpoint: Any, zone: str, hours: int):
    timed = [[(MONDAY + 21 * DAY + time * hours * HOUR, name) for time, name in journey] for journey in lists]
    until = max((time for journey in timed for time, _ in journey), default=0) + 20 * HOUR
    held = lasting(built(timed, names="ab", timezone=zone), until)
    last = naive_retention.begins(naive_retention.local_day(until, zone), period).isoformat()
    expected = naive_retention.active_days(timed, zone, period, touchpoint)
    answer = stickiness(held, period=period, touchpoint=touchpoint)
    periods = {first for first, _, _ in expected}
    assert {row["period"] for row in answer.rows()} - {None} == periods
    for row in answer.rows():
        here = [key for key in expected if key[0] == row["period"] or (row["period"] is None and key[0] != last)]
        exact = [key for key in here if key[1] == row["days"]]
        people = {number for _, _, number in exact}
        assert (row["count"], row["active"], row["journeys"]) == (len(exact), len(here), len(people))
        assert row["unfinished"] == (row["period"] == last)
        assert set(who(held, answer.question, row).tolist()) == people
        if here:
            assert row["cumulative"] == sum(key[1] >= row["days"] for key in here) / len(here)


def test_groups_add_up_to_the_whole():
    lists = [[(MONDAY, "a"), (MONDAY + DAY, "a")], [(MONDAY, "a")], [(MONDAY + DAY, "a"), (MONDAY + 15 * DAY, "a")]]
    held = built(lists, attributes={"country": ["DE", "FR", None]})
    whole, grouped = stickiness(held), stickiness(held, by="country")
    for row in whole.rows():
        same = [r for r in grouped.rows() if (r["period"], r["days"]) == (row["period"], row["days"])]
        assert sum(r["count"] for r in same) == row["count"]
    for row in grouped.rows():
        assert len(who(held, grouped.question, row)) == row["journeys"]


def test_threads_agree_with_one_thread(monkeypatch: pytest.MonkeyPatch):
    rng = np.random.default_rng(3)
    offsets = np.concatenate(([0, 0], np.sort(rng.integers(0, 9000, 500)), [9000, 9000]))
    times = MONDAY + np.concatenate([np.sort(rng.integers(0, 300 * DAY, n)) for n in np.diff(offsets)])
    held = journeys_of(offsets, times, rng.integers(0, 2, 9000), ["a", "b"], timezone="Europe/Berlin")
    one = stickiness(held, touchpoint="a").to_arrow()
    monkeypatch.setattr(arrays, "SMALL", 0)
    assert stickiness(held, touchpoint="a").to_arrow().equals(one)
