"""Other programs give the same numbers: ClickHouse for funnels, PM4Py for variants and transitions (`make oracles`).

They run in an environment of their own; a peer that is missing there is a failure, not a skip.
"""

import json
import subprocess
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

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


def test_clickhouse_loses_a_chain_that_strictly_rises():
    # It keeps the latest start alone, and the second A is at the instant of B; the chain from the first A is one.
    lists = [[(0, "A"), (5, "A"), (5, "B")]]
    case = {"name": "x", "steps": ["A", "B"], "window": 10, "modes": ["strict_increase"], "receipt": False}
    assert peer("clickhouse", {"events": events(lists), "cases": [case]}) == {"x": [1]}
    assert funnel(built(lists, names=NAMES), ["A", "B"], within="10us", rising=True).column("reached") == [1, 1]


def test_pm4py_finds_the_same_variants_and_transitions():
    lists = logs(7)
    held = built(lists, names=NAMES)
    found = peer("pm4py", {"events": events(lists)})
    ours = variants(held, top=100_000).rows()
    assert sorted([row["path"], row["count"]] for row in ours) == found["variants"]
    pairs = transitions(held, medians=False).rows()
    assert sorted([row["from"], row["to"], row["count"]] for row in pairs) == found["transitions"]
