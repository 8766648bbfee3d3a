"""On Spark: the same answers as on this machine, whole numbers and all; also when an executor dies in mid-run.

Spark and its Java run in an environment of their own (.venv-spark), as a process of their own.
"""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from etappe.apps.workspace import init
from etappe.errors import EtappeError
from workspaces import made, written

ROOT = Path(__file__).parents[1]
PYTHON = ROOT / ".venv-spark" / "bin" / "python"
needs_spark = pytest.mark.skipif(os.environ.get("SPARK") == "0", reason="SPARK=0")
MAPPING = """timezone = "Europe/Berlin"
customer = "user"
time = "at"
touchpoint = "what"
channel = "where"
value = { column = "amount", currency = "EUR" }
properties = ["campaign"]
"""
PEOPLE_MAPPING = 'customer = "user"\n[attributes]\ncolumns = ["age", "nick"]\n'
STEPS = {"question": "funnel", "steps": ["visit", "cart | basket", "order"], "within": "2h"}
AT_MOST = {"type": "did", "steps": [{"type": "compare", "column": "touchpoint", "op": "=", "values": ["visit"]}]}
AT_MOST |= {"within": "1d", "count": "at most", "times": 2}
CREDIT = {"question": "attribution", "goal": "order"}
ON_SPARK = [
    ({"question": "reach", "by": "age"}, {}),
    (STEPS, {}),
    ({**STEPS, "by": "stage"}, {}),
    ({**STEPS, "by": "campaign", "medians": False}, {"start": "2026-01-02", "end": "2026-01-03"}),
    ({"question": "transitions"}, {}),
    ({"question": "variants", "top": 50}, {}),
    ({"question": "sessions", "by": "import"}, {}),
    ({**STEPS, "exclude": ["Überraschung"], "unit": "session", "by": "age"}, {}),
    ({**STEPS, "by": "campaign", "by_at": "first"}, {}),
    ({**STEPS, "hold": "channel", "trend": "day"}, {}),
    ({"question": "flow", "start": "visit", "by": "age"}, {}),
    ({"question": "steps", "around": "order"}, {}),
    ({"question": "tree", "start": "cart", "depth": 6, "by": "age"}, {"where": "channel is not null"}),
    ({"question": "lifecycle", "period": "day"}, {}),
    ({"question": "stickiness", "by": "age"}, {}),
    ({**CREDIT, "model": "all"}, {}),
    ({**CREDIT, "model": "all", "by": "campaign", "window": "2h", "costs": ["a=12.50"]}, {"start": "2026-01-02"}),
    ({**CREDIT, "model": "all", "by": "channel", "value_function": "rate", "order": 2, "groups": "age"}, {}),
    ({**CREDIT, "by": "stage", "bootstrap": 30}, {}),
    ({**CREDIT, "model": "markov", "order": 3, "counts": False}, {"where": "campaign = 'a' or channel = 'web'"}),
    ({"question": "retention", "period": "day", "periods": 3}, {}),
    ({"question": "retention", "period": "day", "calendar": False, "periods": 3, "by": "age"}, {}),
    ({"question": "retention", "period": "day", "occurrence": "recurring", "calendar": False, "periods": 2}, {}),
    ({"question": "flow", "level": "stage", "model": "m1", "by": "age"}, {}),
    ({"question": "flow", "level": "campaign", "start": "b", "top": 1}, {"where": "not campaign in ('a', 'c')"}),
    ({"question": "reach"}, {"where": "channel = 'wbe' or value > 20 and age is not null"}),
    ({**STEPS, "by": "age"}, {"where": "did visit then (channel = 'app' and campaign like 'b%') within 3h"}),
    ({"question": "transitions"}, {"where": AT_MOST, "start": "2026-01-02"}),
    ({"question": "reach"}, {"where": "age = '50-59' or never order and did basket exactly 1 time"}),
    ({"question": "flow", "level": "channel"}, {"where": "day <> '2026-02-30' and weekday <= 5 and stage is null"}),
    ({"question": "sessions", "by": "campaign"}, {"where": "channel = 'nowhere'"}),
]
MISTAKES = ["chanel = 'web'", "campaign > 3", "did visitt then order", "day = 3", "age >= 30"]
PLAN = "visit -> cart? within 1h via [web app] -> (basket -> order within 2h | order)"
ON_SPARK += [
    ({"question": "conformance", "plan": PLAN, "others": "extra"}, {}),
    ({"question": "conformance", "plan": "visit+ -> order via a", "channel": "campaign", "by": "age"}, {}),
]
REFUSED = [({"question": "reach", "touchpoints": ["visitt"]}, {}), ({"question": "sessions", "by": "nick"}, {})]
"""The second by the workers alone: each finds more groups than are told."""


def on_spark(questions, *, master="local[2]", **asked):
    """The answers of Spark to questions (folder, question, days), in the environment that has it."""
    if not PYTHON.exists():
        pytest.fail("Spark has an environment of its own: make .venv-spark/.done (or SPARK=0 leaves this test out)")
    submit = {"spark.ui.enabled": "false", "spark.sql.shuffle.partitions": "2", "spark.driver.host": "127.0.0.1"}
    conf = " ".join(f"--conf {name}={value}" for name, value in submit.items())
    environment = {"PYSPARK_SUBMIT_ARGS": f"--master {master} {conf} pyspark-shell", "SPARK_LOCAL_IP": "127.0.0.1"}
    done = subprocess.run(
        [PYTHON, ROOT / "tests" / "spark" / "answers.py"],
        input=json.dumps({"questions": questions, **asked}, default=str),
        env={**os.environ, **environment, "SPARK_LOCAL_HOSTNAME": "localhost"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[done.stderr.rfind("Traceback") :][:5000]
    return json.loads(done.stdout)


def busy(folder, customers=1000, events=10_000):
    """A shop of two imports, with many ties, several channels and campaigns, and ages that a later import corrects."""
    ws = made(folder)
    rng = np.random.default_rng(11)
    for part in range(2):
        rows = ["user,at,what,where,amount,campaign"]
        for minute in np.sort(rng.integers(0, 4 * 24 * 60, events // 2)).tolist():
            user, what = rng.integers(customers), rng.choice(["visit", "cart", "basket", "order", "Überraschung"])
            where, campaign = rng.choice(["web", "app", ""]), rng.choice(["a", "b", ""])
            amount = f"{rng.integers(1, 9000) / 100:.2f}" if what == "order" else ""
            at = f"2026-01-{1 + minute // 1440:02}T{minute // 60 % 24:02}:{minute % 60 // 10 * 10:02}:00"
            rows.append(f"u{user},{at},{what},{where},{amount},{campaign}")
        ages = [f"u{user},{rng.choice(['30-39', '40-49', ''])},n{user}" for user in range(0, customers, 1 + part)]
        events_file = written(folder, f"events{part}.csv", "\n".join(rows))
        ws.import_files([events_file], mapping=written(folder, "events.toml", MAPPING))
        people_file = written(folder, f"people{part}.csv", "\n".join(["user,age,nick", *ages]))
        ws.import_files([people_file], mapping=written(folder, "people.toml", PEOPLE_MAPPING))
    return ws


def here(ws, asked, days):
    """The answer or the refusal of this machine, as JSON holds it."""
    try:
        return json.loads(json.dumps(ws.ask(asked, **days).to_dict()))
    except EtappeError as refusal:
        return refusal.to_dict()


@needs_spark
def test_spark_answers_as_this_machine_does(tmp_path):
    ws = busy(tmp_path)
    empty = init(tmp_path / "empty")
    lake = ws.folder / "lake" / "events"
    mistakes = [({"question": "reach"}, {"where": where}) for where in MISTAKES]
    further = [(ws.folder, *one) for one in mistakes]
    further += [(empty.folder, {"question": "reach"}, {"where": "channel = 'web'"}), (lake, {"question": "reach"}, {})]
    found = on_spark([*((ws.folder, *one) for one in (*ON_SPARK, *REFUSED)), *further])["answers"]
    for (asked, days), answer in zip(ON_SPARK, found, strict=False):
        assert answer == here(ws, asked, days), asked
    for (asked, days), refusal in zip(REFUSED, found[len(ON_SPARK) :], strict=False):
        expected = here(ws, asked, days)
        assert [refusal[name] for name in ("code", "where", "hint")] == [expected[n] for n in ("code", "where", "hint")]
    for (asked, days), refusal in zip(mistakes, found[len(ON_SPARK) + len(REFUSED) :], strict=False):
        assert refusal == here(ws, asked, days)
        assert "hint" in refusal
    assert found[-2] == here(empty, {"question": "reach"}, {"where": "channel = 'web'"})
    assert found[-1]["rows"] == here(ws, {"question": "reach"}, {})["rows"]


@needs_spark
@pytest.mark.oracle
def test_an_executor_that_is_killed_in_mid_run_changes_nothing(tmp_path):
    ws = busy(tmp_path, customers=5000, events=100_000)
    questions = [({"question": "transitions"}, {}), ({"question": "reach", "by": "age"}, {})]
    found = on_spark([(ws.folder, *one) for one in questions], master="local-cluster[2,1,2048]", kill=True)
    assert len(found["killed"]) == 1
    for (asked, _), answer in zip(questions, found["answers"], strict=True):
        assert answer == here(ws, asked, {})
