"""Lifecycle: who is new, returning, resurrecting or dormant; the states add up."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import naive_retention
from etappe import arrays
from etappe.analysis.lifecycle import STATES, lifecycle, who
from etappe.errors import UnknownName
from etappe.journeys.columns import journeys_of
from journeys_text import PROPERTY, Plain, built, many
from test_retention import DAY, HOUR, MONDAY, days, lasting


def test_each_state_by_hand():
    answer = lifecycle(days("0 a, 7 a, 21 a", "8 a", "0 a", until=21))
    assert answer.column("period") == ["2026-03-02", "2026-03-09", "2026-03-16", "2026-03-23"]
    assert answer.column("new") == [2, 1, 0, 0]
    assert answer.column("returning") == [0, 1, 0, 0]
    assert answer.column("resurrecting") == [0, 0, 0, 1]
    assert answer.column("dormant") == [0, 1, 2, 0]
    assert answer.column("active") == [2, 2, 0, 1]
    assert answer.column("unfinished") == [0, 0, 0, 1]
    assert answer.denominators == {"journeys": 3, "started": 3}
    assert ("unfinished-period", {"period": "2026-03-23"}) in [(said.code, said.values) for said in answer.warnings]


def test_a_journey_is_dormant_once_for_each_pause():
    assert lifecycle(days("0 a, 5 a, 9 a", until=10), period="day").column("dormant") == [
        0,
        1,
        0,
        0,
        0,
        0,
        1,
        0,
        0,
        0,
        1,
    ]


def test_only_the_chosen_touchpoint_is_activity():
    held = days("0 a, 7 b, 14 a")
    assert lifecycle(held, touchpoint="b").column("new")[0] == 1
    assert lifecycle(held, touchpoint="a").column("resurrecting")[2] == 1
    assert lifecycle(held, touchpoint="a | b").column("returning")[1:3] == [1, 1]


def test_nothing_is_an_answer_with_no_rows():
    for nothing in (built([], names=["a"]), built([[], []], names=["a"])):
        answer = lifecycle(nothing)
        assert (len(answer), answer.n) == (0, len(nothing))
        assert "Lebenszyklus" in answer.to_html(lang="de")
    assert len(lifecycle(days("0 a", "0 b").where("touchpoint = 'a'"), touchpoint="b")) == 0


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"period": "fortnight"}, "lifecycle: period: no choice named 'fortnight'"),
        ({"touchpoint": "ordr"}, "lifecycle: touchpoint: no touchpoint named 'ordr'"),
    ],
)
def test_what_is_not_there_is_refused(rules, said):
    with pytest.raises(UnknownName, match=said):
        lifecycle(days("0 a"), **rules)


def test_a_row_or_a_part_that_is_not_there_is_refused():
    held = days("0 a")
    question = lifecycle(held).question
    with pytest.raises(UnknownName, match="lifecycle: row: no period named '2020-01-01'"):
        who(held, question, {"period": "2020-01-01"})
    with pytest.raises(UnknownName, match="lifecycle: row: no part named 'old'"):
        who(held, question, {"period": "2026-03-02", "part": "old"})


@PROPERTY
@given(
    many(names="ab", until=40),
    st.sampled_from(["day", "week", "month"]),
    st.sampled_from([None, "a"]),
    st.sampled_from(["UTC", "Europe/Berlin", "America/Santiago"]),
    st.sampled_from([7, 24, 100]),
    st.integers(0, 5),
)
def test_lifecycle_is_its_definition(lists: Plain, period: Any, touchpoint: Any, zone: str, hours: int, more: int):
    timed = [[(MONDAY + 21 * DAY + time * hours * HOUR, name) for time, name in journey] for journey in lists]
    until = max((time for journey in timed for time, _ in journey), default=0) + more * 20 * HOUR
    held = lasting(built(timed, names="ab", timezone=zone), until)
    answer = lifecycle(held, period=period, touchpoint=touchpoint)
    expected = naive_retention.states(timed, until, zone, period, touchpoint)
    assert answer.column("period") == list(expected)
    for row in answer.rows():
        for part in ("active", *STATES):
            assert row[part] == len(expected[row["period"]][part])
            assert set(who(held, answer.question, {**row, "part": part}).tolist()) == expected[row["period"]][part]
    before = 0
    for row in answer.rows():
        assert row["new"] + row["returning"] + row["resurrecting"] == row["active"]
        assert row["returning"] + row["dormant"] == before
        before = row["active"]
    assert sum(answer.column("new")) == answer.denominators["started"]


def test_groups_add_up_to_the_whole():
    lists = [[(MONDAY, "a"), (MONDAY + 7 * DAY, "a")], [(MONDAY, "a")], [(MONDAY + DAY, "a"), (MONDAY + 15 * DAY, "a")]]
    held = built(lists, attributes={"country": ["DE", "FR", None]})
    whole, grouped = lifecycle(held), lifecycle(held, by="country")
    for row in whole.rows():
        same = [other for other in grouped.rows() if other["period"] == row["period"]]
        for part in ("active", *STATES):
            assert sum(other[part] for other in same) == row[part]
    for row in grouped.rows():
        for part in ("active", *STATES):
            assert len(who(held, grouped.question, {**row, "part": part})) == row[part]


def test_threads_agree_with_one_thread(monkeypatch: pytest.MonkeyPatch):
    rng = np.random.default_rng(3)
    offsets = np.concatenate(([0, 0], np.sort(rng.integers(0, 9000, 500)), [9000, 9000]))
    times = MONDAY + np.concatenate([np.sort(rng.integers(0, 300 * DAY, n)) for n in np.diff(offsets)])
    held = journeys_of(offsets, times, rng.integers(0, 2, 9000), ["a", "b"], timezone="Europe/Berlin")
    one = lifecycle(held, touchpoint="a").to_arrow()
    monkeypatch.setattr(arrays, "SMALL", 0)
    assert lifecycle(held, touchpoint="a").to_arrow().equals(one)
