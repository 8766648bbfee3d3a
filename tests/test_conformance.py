"""Conformance: every journey is held against the plan on its cheapest way, and what deviates has its name."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import naive_conformance
import planted_plans
from etappe import arrays
from etappe.analysis.conformance import Conformance, conformance, deviations, fitness, who
from etappe.analysis.conformance_count import run
from etappe.analysis.plan import read_plan
from etappe.engines import local
from etappe.errors import BadDuration, BadQuestion, UnknownName
from journeys_text import NAMES, PROPERTY, built, journeys, many

DAY = 86_400_000_000


def told(held, plan, **options):
    """The labels of each journey."""
    found = [[] for _ in range(len(held))]
    for row in deviations(held, Conformance(plan=plan, **options)).to_pylist():
        found[row["journey"]].append(" ".join(x for x in (row["deviation"], row["step"], row["other"]) if x))
    return found


def rows_of(held, plan, **options):
    answer = conformance(held, plan, **options)
    for row in answer.rows():
        assert len(who(held, answer.question, row)) == row["journeys"]
    return {(row["deviation"], row["step"], row["other"]): row for row in answer.rows()}


@pytest.mark.requirement("004-01")
@pytest.mark.parametrize(
    ("journey", "labels", "cost"),
    [
        ("0 a, 1 b, 2 c", [], 0),
        ("0 a, 2 c", ["skipped b"], 1),
        ("0 a", ["skipped b", "skipped c"], 2),
        ("0 a, 1 b, 2 a, 3 c", ["extra a"], 1),
        ("0 a, 1 c, 2 b", ["out_of_order c b"], 2),
        ("0 b, 1 a, 2 c", ["out_of_order b a"], 2),
        ("0 c, 1 a, 2 b", ["out_of_order c b"], 2),
        ("0 b, 1 c, 2 a", ["out_of_order b a"], 2),
        ("0 d, 1 a, 2 b, 3 c", [], 0),
    ],
)
def test_a_deviation_has_its_name(journey, labels, cost):
    held = journeys(journey, names=list(NAMES))
    assert told(held, "a->b->c") == [labels]
    done = run(held, Conformance(plan="a->b->c"))
    assert done.cost.tolist() == [cost]
    assert done.fitness()[0] == pytest.approx(1 - cost / (int(done.length[0]) + 3), abs=1e-15)


def test_touchpoints_outside_the_plan_are_ignored_or_extras():
    held = journeys("0 a, 1 x, 2 b, 3 x", "0 x")
    assert told(held, "a->b") == [[], []]
    assert told(held, "a->b", others="extra") == [["extra x", "extra x"], []]
    row = rows_of(held, "a->b", others="extra")["extra", "x", None]
    assert (row["journeys"], row["events"], row["base"], row["fitness"]) == (1, 2, 1, pytest.approx(1 - 2 / 6))
    answer = conformance(held, "a->b")
    assert answer.denominators == {
        "journeys": 2, "judged": 1, "finished": 1, "open": 0, "fitting": 1, "as_planned": 1, "outside": 1,
    }  # fmt: skip


def test_options_repeats_and_ways():
    plan = "a -> b? -> c+ -> (d->e|f)"
    assert told(journeys("0 a, 1 c, 2 c, 3 f", "0 a, 1 b, 2 c, 3 d, 4 e", names=list("abcdef")), plan) == [[], []]
    held = journeys("0 a, 1 d, 2 e", "0 a, 1 c, 2 d", "0 a, 1 c", "0 a, 1 c, 2 e, 3 d", names=list("abcdef"))
    assert told(held, plan) == [["skipped c"], ["skipped e"], ["skipped f"], ["out_of_order e d"]]
    # What may be left out, done at another place than its own, is out of order and not only extra.
    assert told(journeys("0 a, 1 c, 2 b, 3 f", names=list("abcdef")), plan) == [["out_of_order c b"]]
    # Ways of one name each are one step.
    assert told(journeys("0 a", "0 c", names=list("abcdef")), "a->(b|c)") == [["skipped b | c"], ["skipped a"]]


def test_a_step_is_late_after_its_limit_and_its_edge_is_in_time():
    held = journeys("0 a, 5 b, 9 c", "0 a, 6 b, 10 c", "0 a, 9 c", "0 a, 10 c")
    plan = "a -> b within 5us -> c within 4us"
    # Where b is left out, its limit is added to that of c.
    assert told(held, plan) == [[], ["late b"], ["skipped b"], ["skipped b", "late c"]]
    assert told(held, "a -> b -> c within 4us")[3] == ["skipped b"]
    # Of two equal touchpoints, time runs from the one that is in time.
    assert told(journeys("0 a, 7 a, 9 b", "0 a, 3 b, 20 b"), "a -> b within 5us") == [["extra a"], ["extra b"]]


def test_a_step_in_another_channel():
    held = built([[(0, "a"), (1, "b")], [(0, "a"), (1, "b")]], columns={"channel": ["web", "app", "web", None]})
    assert told(held, "a via web -> b via [web app]") == [[], ["other_channel b"]]
    assert told(held, "a via app -> b") == [["other_channel a web"]] * 2
    rows = rows_of(held, "a -> b via app")
    assert rows["other_channel", "b", ""]["journeys"] == 1
    assert rows["as_planned", None, None]["journeys"] == 1
    with pytest.raises(UnknownName, match="conformance: channel"):
        conformance(held, "a via web", channel="chanel")
    assert told(journeys("0 a"), "a") == [[]]  # no column is needed where no channel is asked for


def test_what_may_still_come_is_open_and_not_skipped():
    held = journeys("0 a, 90 b", "0 a, 80 b", "0 a, 90 b, 91 c", "92 a, 93 c")
    held = replace(held, origin=replace(held.origin, data_until_us=100))
    plan = "a -> b -> c within 10us"
    assert told(held, plan) == [["open c"], ["skipped c"], [], ["skipped b"]]
    rows = rows_of(held, plan)
    assert rows["open", "c", None]["journeys"] == 1
    assert (rows["as_planned", None, None]["journeys"], rows["as_planned", None, None]["base"]) == (1, 3)
    assert rows["skipped", "c", None]["base"] == 4
    assert told(held, "a -> b -> c") == [["skipped c"], ["skipped c"], [], ["skipped b"]]
    assert told(held, "a -> b -> c", wait="20us") == [["open c"], ["open c"], [], ["skipped b"]]


def test_a_plan_said_step_by_step():
    names = list("abcd")
    plan = "a, b, c, d; 1 -> 2; 1 -> 3; 2 -> 4; 3 -> 4; 4 -> 1"
    assert read_plan(plan, names).after == tuple(map(frozenset, ({1}, {2, 3}, {4}, {4}, {1})))
    held = journeys("0 a, 1 b, 2 d", "0 a, 1 c, 2 d, 3 a, 4 b, 5 d", "0 a, 1 b, 2 c, 3 d", names=names)
    assert told(held, plan)[:2] == [[], []]
    assert len(told(held, plan)[2]) == 1
    assert told(journeys("0 b", "0 a", names=names), "a -> b; ^ -> 2; 1 -> $") == [[], []]


def test_extras_between_steps():
    held = journeys("0 a, 1 x, 2 b, 3 x", "0 x, 1 a, 2 b")
    rows = rows_of(held, "a->b", others="extra", places=True)
    assert {key[2]: row["journeys"] for key, row in rows.items() if key[0] == "extra"} == {None: 1, "a": 1, "b": 1}


def test_values_behind_a_deviation():
    lists = [[(0, "a"), (1, "b")], [(0, "a")], [(0, "a")]]
    held = built(lists, values=[10, 2**60, 2**60, 7], columns={"currency": ["EUR"] * 4})
    rows = rows_of(held, "a->b")
    assert (rows["skipped", "b", None]["value"], rows["skipped", "b", None]["currency"]) == (2**60 + 7, "EUR")
    mixed = built(lists, values=[1, 2, 3, 4], columns={"currency": ["EUR", "EUR", "CHF", "EUR"]})
    answer = conformance(mixed, "a->b")
    assert answer.column("value") == [None] * len(answer)
    assert [said.code for said in answer.warnings][-1] == "values-not-added"
    assert conformance(journeys("0 a"), "a").column("value") == [None, None]


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        ("", "expected a touchpoint"),
        ("a->.", "'.' in a plan"),
        ("a->[^b]", r"'\^' in a plan"),
        ("a|b", "Put alternatives in parentheses"),
        ("(a->b) within 2d", "'within' after several steps"),
        ("a within 1d within 2d", "'within' twice"),
        ("a via", "expected a channel"),
        ("a via []", "expected a channel"),
        ("a, b; 1 -> $", "no way leads to step 2"),
        ("a, b; ^ -> 2", "no way leads to the end from step 1"),
        ("a; 1 -> 2", "expected the place of a step"),
        ("a; 1 2", "expected '->'"),
        ("->".join("a" * 61), "61 steps, more than 60"),
    ],
)
def test_a_plan_that_cannot_be_read_says_where(plan, said):
    with pytest.raises(BadQuestion, match=f"conformance: plan: .*{said}"):
        conformance(journeys("0 a, 1 b"), plan)


def test_bad_names_and_lengths():
    held = journeys("0 visit, 1 order")
    with pytest.raises(UnknownName, match=r"position 8 .*'ordr'. Did you mean 'order'"):
        conformance(held, "visit->ordr")
    with pytest.raises(BadDuration, match="conformance: plan at position 21"):
        conformance(held, "visit->order within 7")
    with pytest.raises(BadDuration, match="conformance: wait"):
        conformance(held, "visit", wait="7")
    question = Conformance(plan="visit")
    with pytest.raises(UnknownName, match="deviation"):
        who(held, question, {"deviation": "lost"})
    with pytest.raises(UnknownName, match="step named 'order'"):
        who(held, question, {"deviation": "skipped", "step": "order"})
    with pytest.raises(UnknownName, match="touchpoint named 'ordr'"):
        who(held, question, {"deviation": "extra", "step": "ordr"})


def test_no_journeys_are_an_answer():
    for held in (journeys(names=["a", "b"]), journeys("", "", names=["a", "b"]), journeys("0 b", names=["a", "b"])):
        answer = conformance(held, "a")
        assert answer.column("journeys") == [0, 0]
        assert answer.column("share") == [None, None]
        assert answer.column("fitness") == [None, None]
    assert fitness(journeys(names=["a"]), Conformance(plan="a")).mean is None


def test_fitness_of_all():
    held = journeys("0 a, 1 b", "0 a", "0 b, 1 a")
    found = fitness(held, Conformance(plan="a->b"))
    assert (found.journeys, found.mean, found.median, found.perfect) == (
        3,
        pytest.approx((1 + 2 / 3 + 0.5) / 3),
        2 / 3,
        1,
    )
    assert found.tenths == (0, 0, 0, 0, 0, 1, 1, 0, 0, 1)
    rows = conformance(held, "a->b").rows()
    assert (rows[0]["fitness"], rows[0]["median_fitness"]) == (found.mean, found.median)


def test_people_who_reached_a_step_and_who_fit():
    held = journeys("0 a, 1 b", "0 a", "0 b, 1 a")
    question = Conformance(plan="a->b")
    assert who(held, question, {"deviation": "reached", "step": "b"}).tolist() in ([0], [0, 2])
    assert who(held, question, {"deviation": "fitting"}).tolist() == [0]


# A plan as its text and as a tree, side by side.
def step(names, mark, limit, channels):
    text = names[0] if len(names) == 1 else f"[{' '.join(names)}]"
    asks = ("" if limit is None else f" within {limit}us") + (f" via [{' '.join(channels)}]" if channels else "")
    tree = ("step", names, limit, channels)
    return text + mark + asks, (mark, tree) if mark else tree


single = st.builds(
    step,
    st.lists(st.sampled_from(NAMES[:3]), min_size=1, max_size=2, unique=True),
    st.sampled_from(["", "", "", "?", "+", "*"]),
    st.sampled_from([None, None, 1, 3]),
    st.sampled_from([(), (), ("web",), ("web", "app")]),
)


def row(parts):
    return "->".join(text for text, _ in parts), ("row", [tree for _, tree in parts])


def larger(inner):
    rows = st.lists(inner, min_size=1, max_size=3).map(row)
    ways = st.lists(rows, min_size=2, max_size=2).map(
        # Marked, lest ways of one name each be read as one step.
        lambda x: (f"({'|'.join(f'({t})' for t, _ in x)})", ("ways", [tree for _, tree in x]))
    )
    marked = st.tuples(rows, st.sampled_from("?+")).map(lambda x: (f"({x[0][0]}){x[1]}", (x[1], x[0][1])))
    return st.one_of(ways, marked)


plans = st.lists(st.recursive(single, larger, max_leaves=3), min_size=1, max_size=3).map(row)


def numbered(tree, start=1):
    """The tree with its steps numbered in the order of the text, and the next number."""
    if tree[0] == "step":
        return ("step", start, *tree[1:]), start + 1
    if tree[0] in ("row", "ways"):
        parts = []
        for part in tree[1]:
            made, start = numbered(part, start)
            parts.append(made)
        return (tree[0], parts), start
    made, start = numbered(tree[1], start)
    return (tree[0], made), start


@PROPERTY
@given(
    lists=many(most=3, longest=4, until=8), plan=plans, others=st.sampled_from(["ignore", "extra"]), data=st.data(),
    until=st.integers(0, 6), wait=st.sampled_from([None, 2]),
)  # fmt: skip
def test_every_journey_is_aligned_as_the_definition_says(lists, plan, others, data, until, wait):
    text, tree = plan
    tree, count = numbered(tree)
    if count > 6:
        return
    events = sum(map(len, lists))
    channels = data.draw(st.lists(st.sampled_from(["web", "app", "post"]), min_size=events, max_size=events))
    held = built(lists, names=NAMES, columns={"channel": channels})
    latest = max((time for journey in lists for time, _ in journey), default=0) + until
    held = replace(held, origin=replace(held.origin, data_until_us=latest))
    question = Conformance(plan=text, others=others, wait=None if wait is None else f"{wait}us")
    names = read_plan(text, NAMES).names
    done = run(held, question)
    labels = [[] for _ in lists]
    for one in deviations(held, question).to_pylist():
        labels[one["journey"]].append((one["deviation"], one["step"], one["other"]))
    at = 0
    for i, journey in enumerate(lists):
        full = [(time, name, channel) for (time, name), channel in zip(journey, channels[at:], strict=False)]
        at += len(journey)
        if not any(name in step[2] for _, name, _ in full for step in naive_conformance.steps_of(tree).values()):
            assert done.cost[i] == -1
            continue
        known = naive_conformance.Aligned(tree, full, latest, wait, everything=others == "extra")
        goes_on = bool(done.cost[i] <= -2)
        assert (-2 - done.cost[i] if goes_on else done.cost[i]) == known.cost
        assert (done.length[i], done.shortest) == (known.length, known.shortest)
        assert [one for one in labels[i] if one[0] == "open"] == [] or goes_on
        mine = {}
        for kind, step_name, other in labels[i]:
            if kind == "open":
                continue
            one = (
                kind,
                step_name if kind == "extra" else names.index(step_name) + 1,
                names.index(other) + 1 if kind == "out_of_order" else other,
            )
            if kind == "other_channel":
                one = (kind, names.index(step_name) + 1, other or "")
            mine[one] = mine.get(one, 0) + 1
        # Where a journey may be open, the last of equal touchpoints counts, even if it is late itself.
        allowed = known.cheap if any(open_ for open_, _ in known.cheap) else known.best
        assert (goes_on, frozenset(mine.items())) in allowed


@PROPERTY
@given(
    lists=many(most=4, longest=7), names=st.lists(st.sampled_from(NAMES), min_size=1, max_size=5),
    edges=st.sets(st.tuples(st.integers(0, 5), st.integers(0, 5))),
)  # fmt: skip
def test_a_plan_of_any_ways_is_aligned_at_the_least_cost(lists, names, edges):
    size = len(names)
    # Each step can be reached and left; what else follows what is free, 0 is the start and, on the right, the end.
    ways = {(x, x + 1) for x in range(1, size)} | {
        (x, y) for x, y in edges if x <= size and y <= size and (x, y) != (0, 0)
    }
    told = [f"{x or '^'} -> {y or '$'}" for x, y in sorted(ways)]
    held = built(lists, names=NAMES)
    done = run(held, Conformance(plan="; ".join([", ".join(names), *told])))
    after = [{y for one, y in ways | {(0, 1)} if one == x and y > 0} for x in range(size + 1)]
    last = {x for x, y in ways | {(size, 0)} if y == 0}
    for journey, cost in zip(lists, done.cost.tolist(), strict=True):
        kept = [name for _, name in journey if name in names]
        known = naive_conformance.cheapest(after, last, [set(), *({name} for name in names)], kept)
        assert cost == (known if kept else -1)


@PROPERTY
@given(many(), plans)
def test_people_stand_behind_every_row_and_groups_add_up(lists, plan):
    events = sum(map(len, lists))
    held = built(lists, names=NAMES, columns={"channel": ["web", "app"] * (events // 2) + ["web"] * (events % 2)})
    whole = conformance(held, plan[0], others="extra")
    for one in whole.rows():
        assert len(who(held, whole.question, one)) == one["journeys"]
    if not lists:
        return
    parts = conformance(held, plan[0], others="extra", by="touchpoint")
    for name, count in whole.denominators.items():
        assert parts.denominators.get(name, 0) == count
    for one in parts.rows():
        assert len(who(held, parts.question, one)) == one["journeys"]


def test_threads_agree_with_one_thread(monkeypatch):
    held = journeys(*["0 a, 1 b, 2 c, 3 a", "0 c, 1 a", "", "0 b, 4 b, 9 a"] * 50, names=["a", "b", "c"])
    one = conformance(held, "a -> b within 1us -> c?").to_arrow()
    monkeypatch.setattr(arrays, "SMALL", 0)
    assert conformance(held, "a -> b within 1us -> c?").to_arrow().equals(one)


@pytest.mark.parametrize("by", [None, "channel"])
def test_ranges_of_customers_come_to_the_same(by):
    lists = [[(0, "a"), (3, "b"), (4, "c")], [(0, "b"), (9, "a")], [], [(2, "a")], [(1, "c"), (2, "a"), (9, "b")]]
    used = ["web", "app", None, "web", "post", "app", "post", "web", "web"]
    held = built(lists, columns={"channel": used, "currency": ["EUR"] * 9}, values=list(range(9)))
    question = Conformance(plan="a -> b? within 5us via [web app] -> c", others="extra", wait="2us", by=by)
    whole = conformance(held, question.plan, others="extra", wait="2us", by=by)
    parts = local.answer(held, question, events=1)
    assert (parts.rows(), parts.snapshot) == (whole.rows(), whole.snapshot)


@pytest.mark.parametrize("name", [name for name in planted_plans.SETTINGS if name != "close"])
def test_planted_deviations_are_found(name):
    """Precision and recall of the labels, on synthetic journeys of a known truth."""
    log = planted_plans.planted(planted_plans.SETTINGS[name])
    found = {
        (row["journey"], row["deviation"], row["step"], row["other"] or "")
        for row in deviations(log.journeys, Conformance(plan=log.plan, others=log.others)).to_pylist()
    }
    truth = {(i, *label) for i, labels in enumerate(log.truth) for label in labels}
    assert len(truth) > 4000
    assert len(found & truth) / len(found) >= 0.99
    assert len(found & truth) / len(truth) >= 0.99
    # A swap is one deviation, of two touchpoints.
    swaps = {label for label in truth if label[1] == "out_of_order"}
    assert len(swaps) > 500
    assert len(swaps & found) / len(swaps) >= 0.99


def test_what_lies_close_together_can_be_told_in_more_than_one_way():
    log = planted_plans.planted(planted_plans.SETTINGS["close"])
    found = deviations(log.journeys, Conformance(plan=log.plan, others=log.others)).to_pylist()
    mine = {(row["journey"], row["deviation"], row["step"], row["other"] or "") for row in found}
    truth = {(i, *label) for i, labels in enumerate(log.truth) for label in labels}
    assert len(mine & truth) / len(truth) >= 0.95
    assert np.isfinite([row["fitness"] for row in found if row["fitness"] is not None]).all()
