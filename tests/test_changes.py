"""Changes: how often the channel changes, how many go on, how long it takes, against staying."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import naive
import naive_changes
from etappe import arrays
from etappe.analysis.changes import changes, who
from etappe.arrays import column_of
from etappe.errors import BadDuration, BadQuestion, UnknownName
from etappe.journeys.columns import journeys_of
from journeys_text import NAMES, PROPERTY, built, journeys, many


def shop(*texts, channel):
    """Journeys, and a letter for the channel of each touchpoint; - has none."""
    return journeys(*texts, columns={"channel": [None if c == "-" else c for c in channel.replace(" ", "")]})


def told(answer):
    return {(r["from"], r["to"]): tuple(r[n] for n in ("count", "journeys", "base", "went_on")) for r in answer.rows()}


END = "999 z"


def test_neighbours_with_two_values_are_a_change_with_one_a_stay():
    held = shop("0 a, 1 a, 2 a, 3 b", "0 b", END, channel="wwap w z")
    assert told(changes(held, within="9us")) == {
        ("w", "w"): (1, 1, 1, 1),
        ("w", "a"): (1, 1, 1, 1),
        ("a", "p"): (1, 1, 1, 0),
    }


@pytest.mark.requirement("000-18")
def test_a_change_is_seamless_when_as_many_go_on_as_of_those_who_stay():
    stay, change = ["0 a, 1 a, 2 order"] * 56 + ["0 a, 1 a"] * 14, ["0 a, 60 b, 61 order"] * 48 + ["0 a, 60 b"] * 32
    channel = "www" * 56 + "ww" * 14 + "waa" * 48 + "wa" * 32 + "z"
    rows = {(r["from"], r["to"]): r for r in changes(shop(*stay, *change, END, channel=channel), goal="order").rows()}
    assert rows["w", "a"]["share"] is None  # a week has not gone by
    held = shop(*stay, *change, END, channel=channel)
    rows = {(r["from"], r["to"]): r for r in changes(held, goal="order", within="50us").rows()}
    # The pairs (a, order) and the stays (w, order) go on too: only changes from w are of interest here.
    assert rows["w", "a"]["share"] == 0.6
    assert rows["w", "w"]["share"] == (56 * 2) / (56 * 2 + 14)
    expected = 0.6 - (56 * 2) / (56 * 2 + 14)
    assert rows["w", "a"]["seamless"] == pytest.approx(expected)
    assert rows["w", "a"]["seamless_low"] < expected < rows["w", "a"]["seamless_high"] < 0
    assert rows["w", "a"]["median_us"] == 60
    assert rows["w", "w"]["seamless"] is None


@pytest.mark.requirement("000-18")
def test_what_had_to_be_entered_again_after_a_change_is_found():
    held = shop("0 form, 5 form, 9 order", "0 form, 5 order", "0 form, 5 form", END, channel="waa wa ww z")
    again = "did (touchpoint = 'form' and channel = 'w') then (touchpoint = 'form' and channel = 'a')"
    assert held.where(again).subject.tolist() == [0]
    assert told(changes(held.where("touchpoint = 'form'"), within="9us"))["w", "a"][:2] == (1, 1)


def test_the_goal_counts_at_the_change_itself_and_until_the_edge_of_the_window():
    held = shop("0 a, 1 order", "0 a, 1 b, 11 order", "0 a, 1 b, 12 order", END, channel="wa waa waa z")
    assert told(changes(held, goal="order", within="10us"))["w", "a"] == (3, 3, 3, 2)


def test_a_pair_that_may_still_go_on_has_no_share():
    held = shop("0 a, 1 b", "0 a, 995 b", END, channel="wa wa z")
    answer = changes(held, within="10us")
    assert told(answer)["w", "a"] == (2, 2, 1, 0)
    assert ("open-pairs", {"count": 1, "within": "10us"}) in [(said.code, said.values) for said in answer.warnings]


def test_pairs_without_a_value_are_left_out_and_counted():
    answer = changes(shop("0 a, 1 a, 2 a", END, channel="w-a z"))
    assert answer.rows() == []
    assert ("pairs-without-value", {"count": 2, "column": "channel"}) in [(w.code, w.values) for w in answer.warnings]


@pytest.mark.parametrize(
    ("fields", "kind", "text"),
    [
        ({"column": "chanel"}, UnknownName, "changes: column: no column over touchpoints named 'chanel'. Did you mean"),
        ({"column": "tier"}, UnknownName, "changes: column"),
        ({"column": "many"}, BadQuestion, "more than 200"),
        ({"goal": "ordr"}, UnknownName, "changes: goal"),
        ({"within": "7"}, BadDuration, "changes: within"),
    ],
)
def test_what_cannot_be_asked_is_refused(fields, kind, text):
    columns = {"channel": ["w"] * 202, "many": [str(i) for i in range(202)]}
    held = journeys(*["0 order"] * 202, columns=columns, attributes={"tier": ["x"] * 202})
    with pytest.raises(kind) as refused:
        changes(held, **fields)
    assert text in str(refused.value)


def test_no_touchpoints_are_no_change():
    for nothing in (journeys(columns={"channel": []}), journeys("", "", columns={"channel": []})):
        assert changes(nothing).rows() == []


@PROPERTY
@given(many(), st.sampled_from([None, "a"]), st.integers(1, 9), st.data())
def test_changes_are_their_definition(lists, goal, within, data):
    values = [[data.draw(st.sampled_from([None, "u", "v", "w"])) for _ in journey] for journey in lists]
    held = built(lists, names=NAMES, columns={"device": [value for mine in values for value in mine]})
    until = max((time for journey in lists for time, _ in journey), default=0)
    found = naive_changes.changes(lists, values, goal, within, until)
    answer = changes(held, "device", goal=goal, within=f"{within}us")
    assert told(answer) == {key: row[:4] for key, row in found.items()}
    for row in answer.rows():
        assert row["median_us"] == naive.median(found[row["from"], row["to"]][4])
        stay, change = found.get((row["from"],) * 2, (0, 0, 0, 0)), found[row["from"], row["to"]]
        apart = (
            change[3] / change[2] - stay[3] / stay[2] if change[2] and stay[2] and row["from"] != row["to"] else None
        )
        assert row["seamless"] == (apart if apart is None else pytest.approx(apart))
    grouped = changes(held, "device", goal=goal, within=f"{within}us", by="touchpoint")
    for asked in (answer, grouped):
        for row in asked.rows():
            assert len(who(held, asked.question, row)) == row["journeys"]
    for key, counts in told(answer).items():
        mine = [r for r in grouped.rows() if (r["from"], r["to"]) == key]
        assert tuple(sum(r[n] for r in mine) for n in ("count", "journeys", "base", "went_on")) == counts


def test_threads_agree_with_one_thread(monkeypatch):
    rng = np.random.default_rng(3)
    offsets = np.concatenate(([0, 0], np.sort(rng.integers(0, 9000, 500)), [9000, 9000]))
    channel = column_of(rng.choice(["u", "v", "w"], 9000).tolist())
    times = np.cumsum(rng.integers(0, 20, 9000))
    held = journeys_of(offsets, times, rng.integers(0, 4, 9000), NAMES, columns={"channel": channel})
    one = changes(held, goal="a", within="30us").to_arrow()
    monkeypatch.setattr(arrays, "SMALL", 0)
    assert changes(held, goal="a", within="30us").to_arrow().equals(one)
