"""Journeys in columns: selected, kept, cut and split as plain lists would be."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import etappe
from etappe.arrays import Column, column_of
from etappe.errors import BadDuration, UnknownName
from etappe.journeys.columns import Journeys, journeys_of
from etappe.units import NO_VALUE
from journeys_text import built, journeys, many

Event = tuple[int, str, str | None, int | None]


def lists_of(j: Journeys) -> list[tuple[int, str | None, list[Event]]]:
    """Journeys as plain data: subject, an attribute, and the events with a column and the value."""
    channel, value, country = j.column("channel").texts(), j.value.tolist(), j.attribute("country").texts()
    flat = [
        (time, j.touchpoints[code], channel[i], None if value[i] == NO_VALUE else value[i])
        for i, (time, code) in enumerate(zip(j.time_us.tolist(), j.touchpoint.tolist(), strict=True))
    ]
    return [
        (subject, country[i], flat[j.offsets[i] : j.offsets[i + 1]]) for i, subject in enumerate(j.subject.tolist())
    ]


@st.composite
def shops(draw: st.DrawFn) -> Journeys:
    """Small journeys with a channel, a value and a country."""
    lists = draw(many())
    t, n = sum(map(len, lists)), len(lists)
    channels = draw(st.lists(st.sampled_from(["web", "store", None]), min_size=t, max_size=t))
    values = draw(st.lists(st.sampled_from([5_000, -10_000, 125_000, None]), min_size=t, max_size=t))
    countries = draw(st.lists(st.sampled_from(["DE", "AT", None]), min_size=n, max_size=n))
    return built(
        lists,
        names=("a", "b", "c", "d"),
        columns={"channel": channels},
        attributes={"country": countries},
        values=values,
    )


@given(shops(), st.data())
def test_select_gives_whole_journeys(j, data):
    chosen = sorted(data.draw(st.sets(st.integers(0, len(j) - 1)) if len(j) else st.just(set())))
    expected = [lists_of(j)[i] for i in chosen]
    assert lists_of(j.select(chosen)) == expected
    mask = np.isin(np.arange(len(j)), chosen)
    assert lists_of(j.select(mask)) == expected


@given(shops(), st.data())
def test_keep_gives_the_touchpoints_of_a_mask_and_drops_empty_journeys(j, data):
    mask = np.asarray(data.draw(st.lists(st.booleans(), min_size=j.events, max_size=j.events)), bool)
    expected, at = [], 0
    for subject, country, events in lists_of(j):
        kept = [event for k, event in enumerate(events) if mask[at + k]]
        at += len(events)
        if kept:
            expected.append((subject, country, kept))
    assert lists_of(j.keep(mask)) == expected


@given(shops(), st.none() | st.integers(0, 12), st.none() | st.integers(0, 12))
def test_between_holds_its_start_and_not_its_end(j, start, end):
    expected = [
        (subject, country, kept)
        for subject, country, events in lists_of(j)
        if (kept := [e for e in events if (start is None or e[0] >= start) and (end is None or e[0] < end)])
    ]
    assert lists_of(j.between(start, end)) == expected


@given(shops())
def test_a_condition_on_a_column_keeps_touchpoints(j):
    expected = [
        (subject, country, kept)
        for subject, country, events in lists_of(j)
        if (kept := [e for e in events if country == "DE" and (e[2] == "web" or (e[3] is not None and e[3] > 10_000))])
    ]
    assert lists_of(j.where("country = 'DE' and (channel = 'web' or value > 1)")) == expected


@given(shops())
def test_a_condition_on_attributes_alone_keeps_whole_journeys(j):
    expected = [row for row in lists_of(j) if row[1] == "DE" or row[1] is None]
    assert lists_of(j.where("country = 'DE' or country is null")) == expected


@given(shops(), st.sampled_from([None, "a", "b"]), st.none() | st.integers(1, 6))
def test_split_starts_anew_after_an_end_and_after_a_pause(j, end, gap):
    expected: list[tuple[int, str | None, list[Event]]] = []
    for subject, country, events in lists_of(j):
        before: Event | None = None
        for event in events:
            new = before is None or before[1] == end or (gap is not None and event[0] - before[0] > gap)
            if new:
                expected.append((subject, country, []))
            expected[-1][2].append(event)
            before = event
    split = j.split(end=end, gap=None if gap is None else f"{gap}us")
    assert lists_of(split) == expected
    assert split.subjects == len({subject for subject, _, _ in expected})


@given(shops())
def test_views_of_views_read_the_right_rows(j):
    view = j.where("channel = 'web'").split(end="a").between(1, 9)
    assert lists_of(view.select(np.ones(len(view), bool))) == lists_of(view)


def test_every_filter_is_noted_for_the_reader_of_the_number():
    j = journeys("0 a, 5 b").between(0, 4).split(gap="1us")
    assert j.origin.filters == ("time in [0, 4)", "split end=None gap=1us")
    assert j.origin.events == 2


def test_an_unknown_name_proposes_the_nearest():
    j = built([[(0, "order")]], attributes={"country": ["DE"]}, columns={"channel": ["web"]})
    with pytest.raises(UnknownName, match=r"no touchpoint named 'ordr'\. Did you mean 'order'"):
        j.code("ordr", "funnel: steps[1]")
    with pytest.raises(UnknownName, match="Did you mean 'country'"):
        j.where("countri = 'DE'")
    with pytest.raises(UnknownName, match="Did you mean 'channel'"):
        j.where("chanel = 'web' and country = 'DE'")
    with pytest.raises(BadDuration, match="split: gap"):
        j.split(gap="30")


def test_values_are_compared_in_whole_currency_and_exactly():
    j = built([[(0, "a"), (1, "b"), (2, "c"), (3, "d")]], values=[100_000, 100_001, -1, None])
    assert j.column("value").texts() == ["10", "10.0001", "-0.0001", None]
    assert j.where("value > 10").time_us.tolist() == [1]
    assert j.where("value = 10").time_us.tolist() == [0]
    assert j.where("value is null").time_us.tolist() == [3]


def test_a_column_is_loaded_when_first_asked_for_and_once():
    loads: list[str] = []

    def load() -> Column:
        loads.append("channel")
        return column_of(["web", "store"])

    plain = journeys_of([0, 2], [0, 1], [0, 1], ["a", "b"])
    j = Journeys(**{**vars(plain), "lazy": {"channel": load}})
    assert loads == []
    assert j.select([0]).column("channel").texts() == j.column("channel").texts() == ["web", "store"]
    assert loads == ["channel"]


def test_more_touchpoints_than_a_byte_holds():
    names = [f"t{i}" for i in range(70_000)]
    j = journeys_of([0, 1], [0], [69_999], names)
    assert j.column("touchpoint").texts() == ["t69999"]


def test_names_are_those_of_the_subjects():
    j = journeys("0 a", "0 b", "0 a, 1 b")
    assert j.names(np.asarray([2, 0])) == ["2", "0"]
    assert j.where("touchpoint = 'b'").names(np.asarray([0, 1])) == ["1", "2"]


def test_after_the_end_of_a_chosen_period_nobody_is_seen():
    week = 7 * 86_400_000_000
    # Who begins in the first week returns in the second, and in the fourth, which the filter leaves out.
    held = journeys(*[f"0 a, {week} a, {3 * week} a"] * 40)
    seen = held.between(None, 3 * week).between(None, 2 * week)
    assert (held.origin.seen_until_us, seen.origin.seen_until_us) == (3 * week, 2 * week - 1)
    assert held.between(week, None).origin.seen_until_us == 3 * week
    assert seen.origin.data_until_us == 3 * week
    returned = [row for row in etappe.retention(seen, period="week").rows() if row["cohort"] is None]
    assert max(row["period"] for row in returned if row["size"]) <= 1
    waiting = journeys("0 a", f"0 a, {3 * week} b").between(None, 2 * week)
    assert etappe.funnel(waiting, ["a", "b"], within="30d").rows()[0]["open"] == 2
