"""Other programs give the same numbers (`make oracles`): ClickHouse for funnels, PM4Py for variants, transitions and
alignments, Lifetimes for customers' value, ChannelAttribution and networkx for attribution.

They run in an environment of their own; a peer that is missing there is a failure, not a skip.
"""

import json
import subprocess
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from etappe.analysis.attribution import attribution
from etappe.analysis.bgnbd import Customers, alive, expected_orders, expected_value, fit_orders, fit_values
from etappe.analysis.conformance import Conformance
from etappe.analysis.conformance_count import run
from etappe.analysis.funnel import funnel
from etappe.analysis.transitions import transitions
from etappe.analysis.variants import variants
from journeys_text import built

pytestmark = pytest.mark.oracle
ROOT = Path(__file__).parents[1]
NAMES = "ABCDX"


def peer(name, asked):
    """What a peer answers."""
    python = ROOT / ".venv-peers" / "bin" / "python"
    script = ROOT / "tests" / "peers" / f"{name}.py"
    done = subprocess.run([python, script], input=json.dumps(asked), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def logs(seed, journeys=3000, rising=False):
    """Random journeys with many ties, or with none."""
    rng = np.random.default_rng(seed)
    lists = []
    for length in rng.integers(1, 12, journeys).tolist():
        times = np.sort(rng.integers(0, 30, length)) if not rising else np.sort(rng.choice(60, length, replace=False))
        lists.append(list(zip(times.tolist(), rng.choice(list(NAMES), length).tolist(), strict=True)))
    return lists


def events(lists):
    return [(c, i, t, name) for c, journey in enumerate(lists) for i, (t, name) in enumerate(journey)]


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(
    ("rules", "modes", "receipt", "rising"),
    [
        ({}, [], True, False),
        ({"ties": "in_order"}, [], False, False),
        ({}, ["strict_once"], True, False),
        ({}, [], False, True),
    ],
)
def test_clickhouse_counts_the_same_funnels(seed, rules, modes, receipt, rising):
    lists = logs(seed, rising=rising)
    held = built(lists, names=NAMES)
    steps = [["A", "B", "C"], ["A", "B", "C", "D"], ["B"], ["D", "A"]]
    cases = [
        {"name": f"{x} {window}", "steps": chosen, "window": window, "modes": modes, "receipt": receipt}
        for x, chosen in enumerate(steps)
        for window in (3, 10, 60)
    ]
    found = peer("clickhouse", {"events": events(lists), "cases": cases})
    for case in cases:
        ours = funnel(held, case["steps"], within=f"{case['window']}us", medians=False, **rules).column("reached")
        levels = Counter(found[case["name"]])
        theirs = [sum(n for level, n in levels.items() if level >= s) for s in range(1, len(case["steps"]) + 1)]
        assert ours == theirs, case


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_clickhouse_counts_the_same_strict_funnels(seed):
    # It stops for good at the first touchpoint that is not the next step, so it is asked where step one comes once.
    rng = np.random.default_rng(seed)
    lists = []
    for length in rng.integers(1, 12, 2_000).tolist():
        names = rng.choice(list("BCDX"), length).tolist()
        if rng.random() < 0.8:
            names[rng.integers(0, length)] = "A"
        lists.append(list(zip(np.sort(rng.choice(60, length, replace=False)).tolist(), names, strict=True)))
    held = built(lists, names=NAMES)
    modes = ["strict_order", "strict_deduplication"]  # without the second a repeat of a step may stand between two
    cases = [
        {"name": f"{steps} {window}", "steps": list(steps), "window": window, "modes": modes, "receipt": False}
        for steps in ("ABC", "ABCD", "AD")
        for window in (3, 10, 60)
    ]
    found = peer("clickhouse", {"events": events(lists), "cases": cases})
    for case in cases:
        ours = funnel(held, case["steps"], within=f"{case['window']}us", medians=False, order="strict").column(
            "reached"
        )
        levels = Counter(found[case["name"]])
        assert ours == [sum(n for level, n in levels.items() if level >= s) for s in range(1, len(case["steps"]) + 1)]


def test_clickhouse_loses_a_chain_that_strictly_rises():
    # It keeps the latest start alone, and the second A is at the instant of B; the chain from the first A is one.
    lists = [[(0, "A"), (5, "A"), (5, "B")]]
    case = {"name": "x", "steps": ["A", "B"], "window": 10, "modes": ["strict_increase"], "receipt": False}
    assert peer("clickhouse", {"events": events(lists), "cases": [case]}) == {"x": [1]}
    assert funnel(built(lists, names=NAMES), ["A", "B"], within="10us", rising=True).column("reached") == [1, 1]


PLANS = {
    "A -> B -> C": "->('A', 'B', 'C')",
    "A -> B? -> C+ -> D": "->('A', X('B', tau), *('C', tau), 'D')",
    "A -> (B -> C|D) -> A": "->('A', X(->('B', 'C'), 'D'), 'A')",
    "A+ -> [B C] -> D*": "->(*('A', tau), X('B', 'C'), X(*('D', tau), tau))",
    "(A -> B? -> C)+ -> D": "->(*(->('A', X('B', tau), 'C'), tau), 'D')",
    "A -> ((B|C -> D) -> A)? -> B": "->('A', X(->(X('B', ->('C', 'D')), 'A'), tau), 'B')",
    "A, B, C, D; 1 -> 2; 1 -> 3; 2 -> 4; 3 -> 4; 4 -> 1": "*(->('A', X('B', 'C'), 'D'), tau)",
}
"""Plans, and the process trees that say the same."""


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_pm4py_s_alignments_have_the_same_fitness(seed):
    lists = logs(seed, journeys=400)
    held = built(lists, names=NAMES)
    found = peer("pm4py", {"events": events(lists), "trees": list(PLANS.values())})
    for plan, (theirs, _) in zip(PLANS, found, strict=True):
        done = run(held, Conformance(plan=plan, others="extra"))
        judged = np.flatnonzero(done.cost >= 0)
        assert len(judged) > 350
        ours = done.fitness()[judged]
        assert np.abs(ours - [theirs[str(case)] for case in judged.tolist()]).max() < 1e-9, plan


def part(rng, depth):
    """A random part of a plan, and the process tree that says the same."""
    kind = rng.random()
    if depth == 0 or kind < 0.45:
        name = rng.choice(list("ABCD"))
        return name, f"'{name}'"
    if kind < 0.8:
        parts = [part(rng, depth - 1) for _ in range(rng.integers(2, 4))]
        trees = ", ".join(tree for _, tree in parts)
        if kind < 0.6:
            return f"({'|'.join(f'({text})' for text, _ in parts)})", f"X({trees})"
        return f"({'->'.join(text for text, _ in parts)})", f"->({trees})"
    text, tree = part(rng, depth - 1)
    marks = {"?": f"X({tree}, tau)", "+": f"*({tree}, tau)", "*": f"X(*({tree}, tau), tau)"}
    mark = rng.choice(list(marks))
    return f"({text}){mark}", marks[mark]


def test_pm4py_s_alignments_have_the_same_fitness_on_random_plans():
    rng = np.random.default_rng(5)
    plans = []
    for _ in range(100):
        parts = [part(rng, 2) for _ in range(rng.integers(2, 5))]
        plans.append(("->".join(text for text, _ in parts), f"->({', '.join(tree for _, tree in parts)})"))
    lists = logs(9, journeys=60)
    held = built(lists, names=NAMES)
    found = peer("pm4py", {"events": events(lists), "trees": [tree for _, tree in plans]})
    compared = 0
    for (plan, _), (theirs, _) in zip(plans, found, strict=True):
        done = run(held, Conformance(plan=plan, others="extra"))
        judged = np.flatnonzero(done.cost >= 0)
        differences = np.abs(done.fitness()[judged] - [theirs[str(case)] for case in judged.tolist()])
        assert differences.max(initial=0) < 1e-9, plan
        compared += len(judged)
    assert compared > 5000


def test_pm4py_finds_the_same_variants_and_transitions():
    lists = logs(7)
    held = built(lists, names=NAMES)
    found = peer("pm4py", {"events": events(lists)})
    ours = variants(held, top=100_000).rows()
    assert sorted([row["path"], row["count"]] for row in ours) == found["variants"]
    pairs = transitions(held, medians=False).rows()
    assert sorted([row["from"], row["to"], row["count"]] for row in pairs) == found["transitions"]


def test_lifetimes_fits_and_forecasts_the_same_customers():
    rng = np.random.default_rng(3)
    n, r, alpha, a, b = 3_000, 0.6, 6.0, 0.8, 2.5  # labelled synthetic: drawn from the model itself
    age = rng.uniform(20, 80, n).round()
    rate, leaves = rng.gamma(r, 1 / alpha, n), rng.beta(a, b, n)
    x, recency = np.zeros(n, np.int64), np.zeros(n)
    for c in range(n):
        at = 0.0
        while True:
            at += rng.exponential(1 / rate[c])
            if at > age[c]:
                break
            x[c], recency[c] = x[c] + 1, at
            if rng.random() < leaves[c]:
                break
    value = np.where(x > 0, rng.gamma(6.0 * np.maximum(x, 1), 1 / rng.gamma(4.0, 1 / 15.0, n)) / np.maximum(x, 1), 0.0)
    found = peer(
        "lifetimes", {"x": x.tolist(), "recency": recency.tolist(), "age": age.tolist(), "value": value.tolist()}
    )
    customers = Customers(x, recency, age)
    orders = fit_orders(customers)
    assert orders.estimate == pytest.approx(found["orders"], rel=1e-3)
    theirs = np.array(found["orders"])
    assert expected_orders(theirs, customers, 52.0) == pytest.approx(found["expected"], rel=1e-6)
    assert alive(theirs, customers) == pytest.approx(found["alive"], rel=1e-9)
    again = x > 0
    assert fit_values(x[again], value[again]).estimate == pytest.approx(found["values"], rel=1e-3)
    assert expected_value(np.array(found["values"]), x, value)[again] == pytest.approx(np.array(found["worth"])[again])


def _paths(seed, names, *, sorted_names=False):
    """Paths of touches with how many converted and how many did not, and the same as journeys with a goal."""
    rng = np.random.default_rng(seed)
    paths, lists = [], []
    for _ in range(60):
        touches = rng.choice(names, rng.integers(1, 6), replace=not sorted_names).tolist()
        touches = sorted(touches) if sorted_names else touches
        converted, lost = rng.integers(0, 9, 2).tolist()
        paths.append([">".join(touches), converted, lost])
        journey = list(enumerate(touches))
        lists += [[*journey, (len(touches), "goal")]] * converted + [journey] * lost
    return paths, lists


def test_channelattribution_credits_alike():
    paths, lists = _paths(5, list("ABCD"))
    found = peer("channels", {"paths": paths})
    held = built(lists, names=[*"ABCD", "goal"])
    for model, theirs in (("first", "first_touch"), ("last", "last_touch"), ("linear", "linear_touch")):
        ours = attribution(held, "goal", model=model, window=None).rows()
        credit = {row["touchpoint"]: row["credit"] for row in ours if row["touchpoint"] != "(none)"}
        assert credit == pytest.approx({row["channel_name"]: row[theirs] for row in found["rules"]}, abs=1e-6), model
    # Its chain is a simulation of some million walks: equal as far as those go.
    ours = attribution(held, "goal", model="markov", window=None).rows()
    credit = {row["touchpoint"]: row["credit"] for row in ours if row["touchpoint"] != "(none)"}
    theirs = {row["channel_name"]: row["total_conversions"] for row in found["markov"]}
    assert credit == pytest.approx(theirs, rel=0.01)


def test_networkx_finds_the_same_removal_effects_by_walking_every_path():
    paths, lists = _paths(6, list("ABCDE"), sorted_names=True)
    held = built(lists, names=[*"ABCDE", "goal"])
    ours = attribution(held, "goal", model="markov", window=None).rows()
    seen = [row for row in ours if row["touchpoint"] != "(none)"]
    whole = sum(row["credit"] for row in seen)
    assert {row["touchpoint"]: row["credit"] / whole for row in seen} == pytest.approx(
        peer("networkx", {"paths": paths}), abs=1e-9
    )
