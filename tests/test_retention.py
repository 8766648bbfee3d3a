"""Retention: cohorts by calendar or by each journey's own start; what is not over is marked and left out of means."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import naive_retention
from etappe import arrays
from etappe.analysis.periods import calendar_of
from etappe.analysis.retention import retention, who
from etappe.errors import BadQuestion, UnknownName
from etappe.journeys.columns import Journeys, journeys_of
from journeys_text import PROPERTY, Plain, built, many
from workspaces import SHARED

DAY = 86_400_000_000
HOUR = DAY // 24
MONDAY = round(datetime(2026, 3, 2, tzinfo=UTC).timestamp()) * 1_000_000


def at(text: str, zone: str = "UTC") -> int:
    """Microseconds of a local time."""
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1_000_000)


def days(*lists: str, until: float = 100, zone: str = "UTC") -> Journeys:
    """Journeys from texts such as "0 a, 1.5 b"; times are days after Monday, 2 March 2026."""
    plain = [
        [(MONDAY + round(float(e.split()[0]) * DAY), e.split()[1]) for e in text.split(",") if e] for text in lists
    ]
    return lasting(built(plain, timezone=zone), MONDAY + round(until * DAY))


def lasting(journeys: Journeys, until: int) -> Journeys:
    """The same journeys in data that end then."""
    return replace(journeys, origin=replace(journeys.origin, data_until_us=until))


def cells(answer: Any) -> dict[tuple[str | None, int], tuple[int, int]]:
    return {(row["cohort"], row["period"]): (row["active"], row["size"]) for row in answer.rows()}


def test_a_week_begins_on_monday_and_each_period_counts_who_is_active_in_it():
    found = cells(retention(days("0 a, 7 a, 20.9 a", "6.9 a, 7 a", "7 a"), periods=2))
    first, second = "2026-03-02", "2026-03-09"
    assert [found[first, k] for k in range(3)] == [(2, 2), (2, 2), (1, 2)]
    assert [found[second, k] for k in range(3)] == [(1, 1), (0, 1), (0, 1)]
    assert [found[None, k] for k in range(3)] == [(3, 3), (2, 3), (1, 3)]


def test_on_or_after_counts_who_is_still_there_in_any_later_period():
    held = days("0 a, 21 a", "0 a, 7 a", "0 a")
    assert retention(held, periods=3).column("active")[4:] == [3, 1, 0, 1]
    assert retention(held, periods=3, mode="on_or_after").column("active")[4:] == [3, 2, 1, 1]
    # What comes after the last period shown is later, too.
    assert retention(held, periods=1, mode="on_or_after").column("active")[2:] == [3, 2]


def test_a_bracket_counts_a_journey_once_however_many_of_its_periods_it_is_active_in():
    held = days("0 a, 1 a, 2 a, 5 a", "0 a, 3 a", "0 a, 8 a")
    answer = retention(held, period="day", mode="bracket", brackets=["0", "1-3", "5-7"])
    assert answer.table.column_names[:3] == ["cohort", "bracket", "period"]
    rows = [row for row in answer.rows() if row["cohort"]]
    assert [(r["bracket"], r["period"], r["active"]) for r in rows] == [("0", 0, 3), ("1-3", 1, 2), ("5-7", 5, 1)]


def test_a_rolling_period_begins_with_the_start_to_the_microsecond():
    almost = [[(MONDAY + 5, "a"), (MONDAY + 5 + DAY - 1, "a")], [(MONDAY + 5, "a"), (MONDAY + 5 + DAY, "a")]]
    held = lasting(built(almost), MONDAY + 9 * DAY)
    assert retention(held, period="day", calendar=False, periods=1).column("active")[2:] == [2, 1]
    assert retention(held, period="day", periods=1).column("active")[2:] == [2, 2]


def test_a_calendar_day_is_local_and_as_long_as_its_clock_says():
    zone = "Europe/Berlin"
    times = [at("2026-03-29T00:00", zone), at("2026-03-29T23:59:59", zone), at("2026-03-30T00:00", zone)]
    assert times[2] - times[0] == 23 * HOUR
    held = lasting(built([[(time, "a") for time in times]], timezone=zone), times[2] + 5 * DAY)
    assert cells(retention(held, period="day", periods=1)) == {
        (None, 0): (1, 1), (None, 1): (1, 1), ("2026-03-29", 0): (1, 1), ("2026-03-29", 1): (1, 1),
    }  # fmt: skip


def test_a_day_without_a_midnight_begins_when_the_clock_changes():
    zone = "America/Havana"  # on 8 March 2026 the clock goes from 00:00 to 01:00
    calendar = calendar_of(
        built([[(at("2026-03-07T12:00", zone), "a")], [(at("2026-03-09T12:00", zone), "a")]], timezone=zone), "day"
    )
    assert np.diff(calendar.edges).tolist() == [24 * HOUR, 23 * HOUR, 24 * HOUR]
    zone = "Pacific/Apia"  # 30 December 2011 was left out
    calendar = calendar_of(
        built([[(at("2011-12-29T12:00", zone), "a")], [(at("2011-12-31T12:00", zone), "a")]], timezone=zone), "day"
    )
    assert calendar.names == ("2011-12-29", "2011-12-31")


def test_the_calendar_has_no_gap_and_knows_leap_years():
    held = built([[(at("2023-12-31T00:00"), "a")], [(at("2025-01-01T00:00"), "a")]])
    for period, count in (("day", 368), ("week", 54), ("month", 14), ("quarter", 6), ("year", 3)):
        calendar = calendar_of(held, period)
        assert len(calendar) == count == len(set(calendar.names))
        assert calendar.unfinished.tolist() == [0] * (count - 1) + [1]


def test_an_unfinished_period_is_marked_and_left_out_of_means_and_one_that_has_not_begun_is_not_shown():
    held = days("0 a, 7 a", "7 a", until=13.9)
    answer = retention(held, periods=4)
    shown = [(r["cohort"], r["period"], r["unfinished"]) for r in answer.rows() if r["cohort"]]
    assert shown == [("2026-03-02", 0, 0), ("2026-03-02", 1, 1), ("2026-03-09", 0, 1)]
    means = [r for r in answer.rows() if r["cohort"] is None]
    assert [(r["period"], r["active"], r["size"], r["share"], r["cohorts"]) for r in means] == [
        (0, 1, 1, 1.0, 1),
        (1, 0, 0, None, 0),
    ]
    assert ("unfinished", {"n": 2}) in [(said.code, said.values) for said in answer.warnings]
    assert retention(days("0 a, 7 a", "7 a", until=14), periods=1).column("unfinished") == [0, 0, 0, 0, 0, 1]


def test_a_rolling_period_is_unfinished_until_it_is_over_for_the_latest_starter():
    held = days("0 a", "0.5 a", until=1.4)
    rows = [r for r in retention(held, period="day", calendar=False, periods=3).rows() if r["cohort"]]
    assert [(r["period"], r["unfinished"]) for r in rows] == [(0, 1), (1, 1)]
    held = days("0 a", "0.5 a", until=1.5)
    rows = [r for r in retention(held, period="day", calendar=False, periods=3).rows() if r["cohort"]]
    assert [(r["period"], r["unfinished"]) for r in rows] == [(0, 0), (1, 1)]


def test_a_return_counts_from_the_start_on():
    held = days("0 order, 1 visit, 2 order", "0 visit", "0 order")
    answer = retention(held, start="visit", returns="order", periods=0)
    assert (answer.column("active"), answer.column("size")) == ([1, 1], [2, 2])
    assert retention(held, start="visit | order", periods=0).column("size") == [3, 3]
    assert answer.denominators == {"journeys": 3, "started": 2, "cohorts": 1}


def test_first_time_puts_a_journey_into_one_cohort_and_recurring_into_each_in_which_it_starts():
    held = days("0 a, 7 a, 14 a", "7 a")
    assert sum(row["size"] for row in retention(held).rows() if row["period"] == 0 and row["cohort"]) == 2
    answer = retention(held, occurrence="recurring", periods=1)
    found = cells(answer)
    assert [found[day, 0] for day in ("2026-03-02", "2026-03-09", "2026-03-16")] == [(1, 1), (2, 2), (1, 1)]
    assert [found[day, 1] for day in ("2026-03-02", "2026-03-09", "2026-03-16")] == [(1, 1), (1, 2), (0, 1)]
    mean = answer.rows()[1]
    assert (mean["active"], mean["size"], mean["journeys"], mean["cohorts"]) == (2, 4, 1, 3)


def test_the_mean_is_by_size_or_of_each_cohort_alike():
    held = days("0 a, 7 a", "7 a, 14 a", "7 a", "7 a", "7 a")
    assert retention(held, periods=1).rows()[1]["share"] == 2 / 5
    simple = retention(held, periods=1, mean="simple").rows()[1]
    assert (simple["share"], simple["low"], simple["cohorts"]) == ((1 + 1 / 4) / 2, None, 2)


def test_the_reference_may_be_the_period_before():
    held = days("0 a, 7 a, 14 a", "0 a, 14 a", "0 a, 14 a")
    rows = [r for r in retention(held, periods=3, reference="previous").rows() if r["cohort"]]
    assert [r["share"] for r in rows] == [1.0, 1 / 3, 3.0, 0.0]
    assert rows[2]["high"] is None
    rows = [r for r in retention(held, periods=4, reference="previous", mode="on_or_after").rows() if r["cohort"]]
    assert [r["share"] for r in rows] == [1.0, 1.0, 1.0, 0.0, None]
    assert rows[1]["high"] == 1.0


def test_nothing_is_an_answer_with_no_rows():
    for nothing in (built([], names=["a"]), built([[], []], names=["a"])):
        for rules in ({}, {"calendar": False}, {"occurrence": "recurring"}, {"mode": "on_or_after"}):
            answer = retention(nothing, **rules)
            assert (len(answer), answer.n) == (0, len(nothing))
            assert "Kohorte ab" in answer.to_html(lang="de")
    assert len(retention(days("0 a", "0 b").where("touchpoint = 'a'"), start="b")) == 0


def test_a_cohort_table_is_shown_as_a_page_in_both_languages():
    held = days("0 a, 7 a, 14 a", "0 a, 14 a", until=15)
    for rules in ({}, {"reference": "previous"}, {"mode": "bracket", "brackets": ["1-2"]}, {"occurrence": "recurring"}):
        answer = retention(held, **rules)
        assert "Kohorte ab" in answer.to_html(lang="de")
        assert "2026-03-02" in answer.to_html() + repr(answer)


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"period": "fortnight"}, "retention: period: no choice named 'fortnight'"),
        ({"mode": "in"}, "retention: mode: no choice named 'in'"),
        ({"start": "ordr"}, "retention: start: no touchpoint named 'ordr'"),
        ({"returns": "a | x"}, "retention: returns: no touchpoint named 'x'"),
        ({"by": "x"}, "retention: by: "),
    ],
)
def test_what_is_not_there_is_refused(rules, said):
    with pytest.raises(UnknownName, match=said.replace("|", r"\|")):
        retention(days("0 a", "1 order"), **rules)


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"period": "quarter", "calendar": False}, "no fixed length"),
        ({"periods": -1}, "not between 0 and 1000"),
        ({"periods": 5000}, "not between 0 and 1000"),
        ({"mode": "bracket"}, "needs some"),
        ({"brackets": ["1-3"]}, "mode 'on' has none"),
        ({"mode": "bracket", "brackets": "1-3"}, "is one text"),
        ({"mode": "bracket", "brackets": ["3-1"]}, r"brackets\[0\]: '3-1' is no range"),
        ({"mode": "bracket", "brackets": ["a"]}, "'a' is no range"),
        ({"mode": "bracket", "brackets": ["1-3", "3-4"]}, r"brackets\[1\]: '3-4' does not begin after"),
    ],
)
def test_what_has_no_meaning_is_refused(rules, said):
    with pytest.raises(BadQuestion, match=said):
        retention(days("0 a"), **rules)


def test_a_grid_that_no_one_can_read_is_refused():
    with pytest.raises(BadQuestion, match="are too many"):
        retention(days("0 a", "5000 a", until=5000), period="day", periods=1000)


def test_a_row_that_is_not_there_is_refused():
    answer = retention(days("0 a"))
    with pytest.raises(UnknownName, match="retention: row: no period named '99'"):
        who(days("0 a"), answer.question, {"cohort": None, "period": 99})
    with pytest.raises(UnknownName, match="retention: row: no cohort named '2020-01-01'"):
        who(days("0 a"), answer.question, {"cohort": "2020-01-01", "period": 0})


RULES = st.fixed_dictionaries(
    {
        "period": st.sampled_from(["day", "week", "month"]),
        "mode": st.sampled_from(["on", "on_or_after", "bracket"]),
        "start": st.sampled_from([None, "a"]),
        "returns": st.sampled_from([None, "a", "b"]),
        "occurrence": st.sampled_from(["first", "recurring"]),
        "calendar": st.booleans(),
    }
)


@PROPERTY
@given(
    many(names="abc", until=40),
    RULES,
    st.sampled_from(["UTC", "Europe/Berlin", "America/Santiago"]),
    st.sampled_from([7, 24, 100]),
    st.sampled_from([[(0, 0), (1, 2), (4, 6)], [(1, 70)], [(2, 2), (3, 3)]]),
    st.integers(0, 5),
)
def test_retention_is_its_definition(
    lists: Plain, rules: dict[str, Any], zone: str, hours: int, ranges: Any, more: int
):
    # From 23 March on: the clocks of Berlin and Santiago change on 29 March and 5 April, in Santiago at midnight.
    timed = [[(MONDAY + 21 * DAY + time * hours * HOUR, name) for time, name in journey] for journey in lists]
    until = max((time for journey in timed for time, _ in journey), default=0) + more * 20 * HOUR
    held = lasting(built(timed, names="abc", timezone=zone), until)
    asked = dict(rules)
    if rules["mode"] == "bracket":
        asked["brackets"] = [f"{low}-{high}" for low, high in ranges]
    else:
        asked["periods"] = 5
        ranges = [(k, k) for k in range(6)]
    answer = retention(held, **asked)
    expected = naive_retention.retention(timed, until, zone, ranges, **rules)
    rows = [row for row in answer.rows() if row["cohort"]]
    assert {(r["cohort"], r["period"]): (r["active"], r["size"], bool(r["unfinished"])) for r in rows} == {
        key: (len(active), size, unfinished) for key, (active, size, unfinished) in expected.items()
    }
    for row in rows:
        assert set(who(held, answer.question, row).tolist()) == expected[row["cohort"], row["period"]][0]
    for row in answer.rows()[: len(answer) - len(rows)]:
        over = [cell for (_, low), cell in expected.items() if low == row["period"] and not cell[2]]
        assert (row["active"], row["size"]) == (sum(len(a) for a, _, _ in over), sum(size for _, size, _ in over))
        people = who(held, answer.question, row).tolist()
        assert people == sorted(set().union(*(active for active, _, _ in over)))
        assert len(people) == row.get("journeys", row["active"])


@pytest.mark.parametrize("mode", ["on", "on_or_after"])
@pytest.mark.parametrize("occurrence", ["first", "recurring"])
def test_more_periods_than_a_word_has_bits_count_alike(mode: Any, occurrence: Any):
    rng = np.random.default_rng(5)
    until = MONDAY + 200 * DAY
    lists = [[(MONDAY + int(d) * DAY, "a") for d in np.sort(rng.integers(0, 200, 8))] for _ in range(2)]
    held = lasting(built(lists), until)
    answer = retention(held, period="day", mode=mode, periods=70, occurrence=occurrence)
    wide = [(k, k) for k in range(71)]
    want = naive_retention.retention(lists, until, "UTC", wide, period="day", mode=mode, occurrence=occurrence)
    ours = {(r["cohort"], r["period"]): r["active"] for r in answer.rows() if r["cohort"]}
    assert ours == {key: len(active) for key, (active, _, _) in want.items()}
    for row in answer.rows()[:71:10] + answer.rows()[71::17]:
        assert len(who(held, answer.question, row)) == row.get("journeys", row["active"])


def test_counts_do_not_end_at_what_a_byte_holds():
    held = lasting(built([[(MONDAY, "a"), (MONDAY + 70 * DAY, "a")]] * 1000), MONDAY + 200 * DAY)
    for occurrence in ("first", "recurring"):
        rows = retention(held, period="day", periods=70, occurrence=occurrence).rows()
        assert [r["active"] for r in rows if r["cohort"] == "2026-03-02" and r["active"]] == [1000, 1000]


def test_groups_add_up_to_the_whole():
    held = built(
        [[(MONDAY, "a"), (MONDAY + 7 * DAY, "b")], [(MONDAY, "a")], [(MONDAY + DAY, "b"), (MONDAY + 8 * DAY, "b")]],
        attributes={"country": ["DE", "FR", None]},
    )
    whole, grouped = retention(held), retention(held, by="country")
    for key, (active, size) in cells(whole).items():
        rows = [r for r in grouped.rows() if (r["cohort"], r["period"]) == key]
        assert (sum(r["active"] for r in rows), sum(r["size"] for r in rows)) == (active, size)
    for row in grouped.rows():
        assert len(who(held, grouped.question, row)) == row["active"]


def test_threads_agree_with_one_thread(monkeypatch: pytest.MonkeyPatch):
    rng = np.random.default_rng(3)
    offsets = np.concatenate(([0, 0], np.sort(rng.integers(0, 9000, 500)), [9000, 9000]))
    times = MONDAY + np.concatenate([np.sort(rng.integers(0, 300 * DAY, n)) for n in np.diff(offsets)])
    held = journeys_of(offsets, times, rng.integers(0, 2, 9000), ["a", "b"], timezone="Europe/Berlin")
    every = (
        {},
        {"occurrence": "recurring", "start": "a"},
        {"calendar": False},
        {"mode": "on_or_after", "returns": "b"},
    )
    one = [retention(held, **rules).to_arrow() for rules in every]
    monkeypatch.setattr(arrays, "SMALL", 0)
    assert [retention(held, **rules).to_arrow() for rules in every] == one


@pytest.mark.skipif(not SHARED.exists(), reason="the shared data is not here")
def test_the_buyers_of_cdnow_come_back_as_pandas_and_the_published_cohorts_say():
    import pandas as pd

    from test_funnel import of_frame

    texts = {"customer_id": str, "date": str}
    log = pd.read_csv(SHARED / "cdnow" / "CDNOW_master.txt.gz", sep=r"\s+", dtype=texts)
    log["at"] = pd.to_datetime(log["date"], format="%Y%m%d")
    held = of_frame(log.assign(event="purchase"), "customer_id", "event", "at")
    want = json.loads((SHARED / "cdnow" / "expected.json").read_text())["cdnow_cohort_month"]
    answer = retention(held, period="month", periods=17)
    rows = [row for row in answer.rows() if row["cohort"]]
    assert {row["cohort"][:7] for row in rows} == set(want)
    for row in rows:
        assert row["active"] == want[row["cohort"][:7]][row["period"]]
        assert row["size"] == want[row["cohort"][:7]][0]
    for period, letter in (("month", "M"), ("quarter", "Q"), ("week", "W-SUN"), ("year", "Y"), ("day", "D")):
        when = log["at"].dt.to_period(letter)
        first = when.groupby(log["customer_id"]).transform("min")
        frame = pd.DataFrame(
            {"c": log["customer_id"], "first": first, "k": when.astype("int64") - first.astype("int64")}
        )
        table = frame[frame["k"] <= 12].groupby(["first", "k"])["c"].nunique()
        counted = {(str(one.start_time.date()), k): n for (one, k), n in table.items()}
        found = retention(held, period=period)
        ours = {(r["cohort"], r["period"]): r["active"] for r in found.rows() if r["cohort"] and r["active"]}
        assert ours == counted
