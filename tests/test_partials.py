"""Partials over any cut of the customers come to the answer over all of them, exactly; what is shortened says so."""

import importlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etappe.analysis import partials as parts
from etappe.analysis.ask import module_of, question_of
from etappe.analysis.intervals import median
from etappe.analysis.table import arrow_table
from etappe.engines.parts import part_of
from etappe.errors import BadQuestion, MixedCurrencies
from etappe.journeys.columns import Origin
from journeys_text import NAMES, PROPERTY, built, many

QUESTIONS = [
    {"question": "reach"},
    {"question": "reach", "touchpoints": ["b", "a"]},
    {"question": "funnel", "steps": ["a", "b | c", "a"], "within": "0.000005s"},
    {"question": "funnel", "steps": ["a", "b"], "medians": False},
    {"question": "funnel", "steps": ["c", "a", "b", "d"]},
    {"question": "transitions"},
    {"question": "transitions", "medians": False},
    {"question": "variants", "top": 3},
    {"question": "variants"},
    {"question": "sessions", "gap": "0.000002s"},
    {"question": "sessions", "gap": "0.000002s", "medians": False},
    {"question": "funnel", "steps": ["a", "b"], "order": "any"},
    {"question": "funnel", "steps": ["a", "b", "c"], "entry": "open"},
    {"question": "funnel", "steps": ["a", "b", "c"], "exclude": ["d"], "optional": ["b"], "within": "0.000009s"},
    {"question": "funnel", "steps": ["a", "b"], "unit": "attempt"},
    {"question": "funnel", "steps": ["a", "b"], "unit": "session", "gap": "0.000004s", "trend": "day"},
    {"question": "funnel", "steps": ["a", "b"], "hold": "currency"},
    {"question": "funnel", "steps": ["a", "b"], "by": "currency", "by_at": "first", "order": "strict"},
    {"question": "funnel", "steps": ["a", "b"], "by": "currency", "by_at": "all"},
    {"question": "flow", "depth": 3, "top": 2},
    {"question": "flow", "start": "b", "collapse": False, "clean": ["^[cd]$ => cd"]},
    {"question": "flow", "end": "a", "top": 1},
    {"question": "flow", "level": "currency", "top": 1},
    {"question": "tree", "depth": 3, "top": 2},
    {"question": "tree", "end": "a", "depth": 2, "top": 1, "collapse": False},
    {"question": "steps", "depth": 3, "top": 2},
    {"question": "steps", "around": "b", "depth": 2},
    {"question": "conformance", "plan": "a -> b? within 3us via EUR -> c+", "channel": "currency", "others": "extra"},
    {"question": "conformance", "plan": "a -> (b within 2us -> c | d)", "wait": "4us", "places": True},
]
flow = importlib.import_module("etappe.analysis.flow")
DAY_US = 86_400_000_000
PERIODS = [
    {"question": "lifecycle", "period": "day"},
    {"question": "lifecycle", "period": "week", "touchpoint": "a | c"},
    {"question": "stickiness"},
    {"question": "stickiness", "period": "month", "touchpoint": "b"},
    {"question": "retention", "period": "day", "periods": 4},
    {"question": "retention", "period": "day", "mode": "on_or_after", "start": "a", "reference": "previous"},
    {"question": "retention", "period": "week", "mode": "bracket", "brackets": ["0", "1-2"], "mean": "simple"},
    {"question": "retention", "period": "day", "calendar": False, "periods": 3, "returns": "b | c"},
    {"question": "retention", "period": "day", "occurrence": "recurring", "start": "a | b", "periods": 3},
    {"question": "retention", "period": "day", "occurrence": "recurring", "calendar": False, "periods": 2},
    {"question": "retention", "period": "day", "occurrence": "recurring", "mode": "bracket", "brackets": ["0-1", "3"]},
    {"question": "retention", "period": "week", "occurrence": "recurring", "mode": "on_or_after", "returns": "c"},
]
SOME = st.lists(st.sampled_from(QUESTIONS), min_size=1, max_size=3)


def cut(held, edges):
    """Parts of whole journeys between some places."""
    return [held.part(a, b) for a, b in zip([0, *edges], [*edges, len(held)], strict=True)]


def total(question, held, pieces, room=1_000_000):
    module = module_of(question.__struct_config__.tag)
    found = [part_of(piece, question, room).groups[0].partial for piece in pieces]
    found = [parts.unpacked(parts.packed(partial)) for partial in found]
    return module.total(found, question, parts.base_of(held))


def same(one, other):
    assert arrow_table(one.columns).to_pylist() == arrow_table(other.columns).to_pylist()
    assert (one.denominators, list(one.bases), one.cautions) == (other.denominators, list(other.bases), other.cautions)


@PROPERTY
@given(lists=many(), data=st.data())
def test_partials_over_any_cut_come_to_the_whole(lists, data):
    events = sum(map(len, lists))
    money = data.draw(st.lists(st.one_of(st.none(), st.integers(-(2**54), 2**54)), min_size=events, max_size=events))
    codes = data.draw(st.lists(st.sampled_from(["EUR", "CHF", None]), min_size=events, max_size=events))
    held = built(lists, names=NAMES, values=money, columns={"currency": codes})
    edges = sorted(data.draw(st.lists(st.integers(0, len(lists)), max_size=4)))
    pieces = data.draw(st.permutations(cut(held, edges)))  # parts come back in any order
    for asked in data.draw(SOME):
        question = question_of(asked)
        same(total(question, held, pieces), module_of(asked["question"]).find(held, question))


@PROPERTY
@given(lists=many(), data=st.data())
def test_periods_over_any_cut_come_to_the_whole(lists, data):
    lists = [[(int(time) * DAY_US // 3, name) for time, name in journey] for journey in lists]
    latest = max((time for journey in lists for time, _ in journey), default=0)
    until = data.draw(st.sampled_from([None, latest, latest + 20 * DAY_US]))
    held = replace(built(lists, names=NAMES), origin=Origin(data_until_us=until, timezone="Europe/Berlin"))
    edges = sorted(data.draw(st.lists(st.integers(0, len(lists)), max_size=4)))
    pieces = data.draw(st.permutations(cut(held, edges)))
    for asked in data.draw(st.lists(st.sampled_from(PERIODS), min_size=1, max_size=3)):
        question = question_of(asked)
        same(total(question, held, pieces), module_of(asked["question"]).find(held, question))


@PROPERTY
@given(lists=many(), edge=st.integers(0, 8), room=st.integers(0, 6), chosen=SOME)
def test_a_shortened_list_keeps_its_bound_and_says_it(lists, edge, room, chosen):
    held = built(lists, names=NAMES, columns={"currency": ["EUR"] * sum(map(len, lists))})
    pieces = cut(held, [min(edge, len(lists))])
    for asked in chosen:
        question = question_of(asked)
        module = module_of(asked["question"])
        exact, found = module.find(held, question), total(question, held, pieces, room)
        said = {one.code: one.values for one in found.cautions}
        if asked["question"] == "variants":
            counts = dict(zip(exact.columns["path"], exact.columns["count"], strict=True))
            short = said.get("cut-variants", {"n": 0})["n"]
            for path, count in zip(found.columns["path"], found.columns["count"], strict=True):
                assert path not in counts or counts[path] - short <= count <= counts[path]
            assert found.denominators["journeys"] == exact.denominators["journeys"]
            continue
        if asked["question"] == "tree":
            counts = dict(zip(exact.columns["path"], exact.columns["journeys"].tolist(), strict=True))
            short = said.get("cut-variants", {"n": 0})["n"]
            for path, kind, count in zip(*(found.columns[name] for name in ("path", "kind", "journeys")), strict=True):
                assert kind == "other" or path not in counts or counts[path] - short <= count <= counts[path]
            assert found.denominators == exact.denominators
            continue
        share = 1 / said["rounded-times"]["parts"] if "rounded-times" in said else 0
        for name, values in exact.columns.items():
            for value, other in zip(values, found.columns[name], strict=True):
                if value is None or not name.endswith("_us") or name == "mean_us":
                    assert (value is None and other is None) or value == other
                else:
                    assert value - share * value - 1 <= other <= value


CREDITED = [
    {"model": "all", "weights": [1, 2, 3]},
    {"model": "all", "reuse": True, "window": "3us", "bootstrap": 0},
    {"model": "all", "value_function": "rate", "per": "journey"},
    {"model": "linear", "bootstrap": 7, "costs": ["b=3", "b=1.50"]},
    {"model": "shapley", "bootstrap": 3},
    {"model": "shapley", "value_function": "rate", "window": None},
    {"model": "markov", "order": 2, "loops": "keep"},
    {"model": "markov", "order": 3, "costs": ["b=0"]},
    {"model": "markov", "counts": False, "window": None},
    {"model": "markov", "counts": False},
]


@PROPERTY
@given(lists=many(), column=st.booleans(), data=st.data())
def test_credits_over_any_cut_come_to_the_whole_whatever_codes_a_part_has(lists, column, data):
    events = sum(map(len, lists))
    money = data.draw(st.lists(st.one_of(st.none(), st.integers(-500, 2**40)), min_size=events, max_size=events))
    places = data.draw(st.lists(st.sampled_from(["b", "é", "x", None]), min_size=events, max_size=events))
    starts = np.cumsum([0, *map(len, lists)])

    def held_of(first, last):
        """Journeys by themselves: their columns have the codes and names of what is in them alone."""
        rows = slice(starts[first], starts[last])
        some = built(lists[first:last], names=NAMES, values=money[rows], columns={"place": places[rows]})
        return replace(some, subject=np.arange(first, last))

    held = held_of(0, len(lists))
    edges = sorted(data.draw(st.lists(st.integers(0, len(lists)), max_size=4)))
    cuts = list(zip([0, *edges], [*edges, len(lists)], strict=True))
    pieces = data.draw(st.permutations([held_of(*one) for one in cuts]))
    for asked in data.draw(st.lists(st.sampled_from(CREDITED), min_size=1, max_size=2)):
        by = "place" if column and ("b" in places or "costs" not in asked) else "touchpoint"
        question = question_of({"question": "attribution", "goal": "a", "by": by, **asked})
        same(total(question, held, pieces), module_of("attribution").find(held, question))


def test_conversions_of_parts_in_several_currencies_are_refused_as_those_of_all():
    held = built(
        [[(0, "b"), (1, "a")], [(0, "b"), (1, "a")]],
        values=[None, 1, None, 2],
        columns={"currency": [None, "EUR", None, "USD"]},
    )
    question = question_of({"question": "attribution", "goal": "a"})
    with pytest.raises(MixedCurrencies) as whole:
        module_of("attribution").find(held, question)
    with pytest.raises(MixedCurrencies) as found:
        total(question, held, cut(held, [1]))
    assert str(found.value) == str(whole.value)


def test_games_of_parts_that_are_too_large_together_are_refused():
    names = [f"t{i:02}" for i in range(20)]
    held = built([[*((i, name) for i, name in enumerate(some)), (99, "a")] for some in (names[:10], names[10:])])
    question = question_of({"question": "attribution", "goal": "a", "model": "shapley", "value_function": "rate"})
    with pytest.raises(BadQuestion, match="20 different touches"):
        total(question, held, cut(held, [1]))


def test_a_flow_over_more_names_than_a_table_holds_comes_to_the_same(monkeypatch):
    held = built([[(0, "a"), (1, "b"), (2, "c")], [(0, "b"), (1, "b"), (2, "a")], [(4, "d")], [(5, "c"), (6, "a")]])
    for asked in ({"question": "flow", "top": 1}, {"question": "flow", "end": "a"}):
        question = question_of(asked)
        direct = flow.find(held, question)
        with monkeypatch.context() as patched:
            patched.setattr(flow, "DIRECT", 2)
            same(total(question, held, cut(held, [1, 2])), direct)
            same(flow.find(held, question), direct)


def test_times_that_repeat_are_sent_once_with_their_count():
    partial = {"durations": np.array([7, 7, 5, 7])}
    short = parts.fit(partial, ["durations"], room=2)
    assert short["durations"].tolist() == [[5, 1], [7, 3]]
    assert parts.rounding(short) == ()
    assert median(short["durations"]) == median(partial["durations"])


def test_a_list_that_is_too_long_is_rounded_and_says_by_how_much():
    values = np.arange(1000, 2000)
    short = parts.fit({"durations": values}, ["durations"], room=200)
    (said,) = parts.rounding(short)
    assert said.values == {"parts": 128}
    assert "1 part in 128" in said.text
    assert 1499 - 1499 // 128 <= median(short["durations"])[0] <= 1499


@given(st.lists(st.integers(0, 2**62)), st.integers(2, 16))
def test_rounding_stays_within_its_bound(values, bits):
    exact = np.array(values, np.int64)
    for value, short in zip(values, parts.rounded(exact, bits).tolist(), strict=True):
        assert short <= value < short + max(1, value / 2 ** (bits - 1))


@given(st.lists(st.integers(0, 50)))
def test_a_median_of_counted_values_is_the_median_of_the_values(values):
    rows = parts.tallied(parts.each_once(np.array(values, np.int64)))
    assert median(rows) == median(np.array(values, np.int64))


def test_no_part_is_copied():
    held = built([[(0, "a"), (1, "b")], [(2, "a")]])
    part = held.part(1, 2)
    assert (part.offsets.tolist(), part.time_us.tolist(), part.subject.tolist()) == ([0, 1], [2], [1])
    assert np.shares_memory(part.time_us, held.time_us)
