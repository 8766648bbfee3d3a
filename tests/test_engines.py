"""Engines: over parts of the customers, one after the other or on a cluster, the answers are those over all at once."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etappe.analysis.ask import ask, question_of
from etappe.engines import local
from etappe.engines.parts import adds_up
from etappe.errors import BadExpression, BadQuestion, BadSetting, MissingExtra, UnknownName
from etappe.journeys.columns import journeys_of
from journeys_text import NAMES, PROPERTY, built, journeys, many
from workspaces import shop

QUESTIONS = [
    {"question": "reach"},
    {"question": "funnel", "steps": ["a", "b"], "within": "0.000005s"},
    {"question": "transitions"},
    {"question": "variants"},
    {"question": "sessions", "gap": "0.000002s"},
    {"question": "flow", "end": "b", "top": 1},
    {"question": "flow", "level": "channel", "top": 1},
    {"question": "retention", "period": "day", "occurrence": "recurring"},
    {"question": "steps", "depth": 3},
    {"question": "tree", "depth": 3, "top": 1},
    {"question": "attribution", "goal": "b", "model": "all", "window": "5us"},
    {"question": "attribution", "goal": "b", "by": "channel", "model": "all", "order": 2, "value_function": "rate"},
    {"question": "funnel", "steps": ["a", "b"], "exclude": ["c"], "unit": "session", "gap": "0.000004s"},
]


@PROPERTY
@given(lists=many(), events=st.integers(1, 30), by=st.sampled_from([None, "age", "channel"]), data=st.data())
def test_range_after_range_gives_the_answer_over_all_at_once(lists, events, by, data):
    ages = data.draw(st.lists(st.sampled_from(["30", "40", None]), min_size=len(lists), max_size=len(lists)))
    count = sum(map(len, lists))
    channels = data.draw(st.lists(st.sampled_from(["web", "app", None]), min_size=count, max_size=count))
    held = built(lists, names=NAMES, attributes={"age": ages}, columns={"channel": channels})
    asked = data.draw(st.sampled_from(QUESTIONS))
    asked = {**asked, "groups" if asked["question"] == "attribution" else "by": by}
    assert local.answer(held, asked, events=events).to_dict() == ask(held, asked).to_dict()


def test_a_question_that_cannot_add_is_asked_of_all_at_once():
    held = journeys("0 a, 5 b", "3 b")
    asked = {"question": "flow", "level": "day"}
    assert not adds_up(question_of(asked))
    assert local.answer(held, asked, events=1).to_dict() == ask(held, asked).to_dict()


@pytest.mark.parametrize("level", [{"level": "stage"}, {"level": "stage", "model": "m1"}, {"level": "category"}])
def test_ranges_of_unlabelled_journeys_have_the_labels_of_the_registry(level):
    held = built([[(0, "visit"), (5, "order")], [(1, "order"), (2, "return")], [(3, "kiosk")]])
    asked = {"question": "flow", **level}
    whole = ask(held, asked)
    assert len(whole) > 2
    assert local.answer(held, asked, events=2).to_dict() == whole.to_dict()
    with pytest.raises(UnknownName, match="flow: model"):
        local.answer(held, {"question": "flow", "level": "stage", "model": "m9"}, events=2)


def test_a_bootstrap_adds_up_where_no_game_is_solved_again():
    for model, adds in (("linear", True), ("shapley", True), ("markov", False), ("all", False)):
        question = question_of({"question": "attribution", "goal": "a", "model": model, "bootstrap": 20})
        assert adds_up(question) == adds


LIMITED = """
import resource, sys
from pathlib import Path
import numpy as np
from etappe.engines import local, parts
from etappe.journeys.columns import journeys_of

parts.ROWS = 200_000
asked = {"question": "sessions"}
held = [np.load(Path(sys.argv[1]) / f"{name}.npy", mmap_mode="r") for name in ("offsets", "time_us", "touchpoint")]
journeys = journeys_of(*held, ["a", "b"])
local.answer(journeys.part(0, 100_000), asked, events=400_000)  # code and threads are in memory now
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
limit = int(status["VmData"].split()[0]) * 1024 + 48 * 2**20
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
try:
    local.answer(journeys, asked)
except MemoryError:
    print("too large at once")
print(local.answer(journeys, asked, events=500_000).rows())
"""


def test_a_question_over_more_data_than_memory_is_asked_in_ranges(tmp_path):
    n, length = 800_000, 12  # 9.6 million touchpoints, 87 MB of columns; a process that may allocate 48 MB
    pauses = np.random.default_rng(3).integers(1, 3000, (n, length)) * 1_000_000
    columns = {
        "offsets": np.arange(0, n * length + 1, length),
        "time_us": np.cumsum(pauses, axis=1).ravel(),
        "touchpoint": np.zeros(n * length, np.uint8),
    }
    for name, array in columns.items():
        np.save(tmp_path / f"{name}.npy", array)
    done = subprocess.run([sys.executable, "-c", LIMITED, tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    rows = ask(journeys_of(*columns.values(), ["a", "b"]), {"question": "sessions"}).rows()
    assert done.stdout.splitlines() == ["too large at once", str(rows)]


def test_the_engine_is_a_setting_and_an_unknown_one_is_refused(tmp_path, monkeypatch):
    ws = shop(tmp_path)
    assert ws.settings.engine == "local"
    with pytest.raises(BadSetting, match="no engine named 'sparc'"):
        ws.ask({"question": "reach"}, engine="sparc")
    monkeypatch.setenv("ETAPPE_ENGINE", "sparc")
    with pytest.raises(BadSetting, match="engine"):
        type(ws)(ws.folder)


def test_without_pyspark_the_engine_says_how_to_get_it(tmp_path):
    ws = shop(tmp_path)
    with pytest.raises(MissingExtra) as refused:
        ws.ask({"question": "reach"}, engine="spark")
    assert str(refused.value) == "engine 'spark' needs pyspark. Install it with: pip install 'etappe[spark]'"


def test_spark_refuses_what_does_not_add_and_names_what_does(tmp_path):
    ws = shop(tmp_path)
    with pytest.raises(BadQuestion, match=r"no partial answers that add up.*reach, .*sessions, .*variants"):
        ws.ask({"question": "stages"}, engine="spark")
    with pytest.raises(BadQuestion, match=r"with these rules the question 'attribution'.*each repetition.*engine"):
        ws.ask({"question": "attribution", "goal": "order", "model": "markov", "bootstrap": 9}, engine="spark")
    with pytest.raises(BadQuestion, match=r"with these rules the question 'flow'.*of their own.*engine"):
        ws.ask({"question": "flow", "level": "day"}, engine="spark")


def test_spark_says_which_journeys_it_does_not_ask(tmp_path):
    ws = shop(tmp_path)
    with pytest.raises(BadQuestion, match="ETAPPE_ENGINE=local"):
        ws.ask({"question": "reach"}, engine="spark", subject="order")


def test_a_condition_that_cannot_be_read_is_refused_before_spark_starts(tmp_path):
    ws = shop(tmp_path)  # without pyspark the start would be refused
    with pytest.raises(BadExpression, match="position"):
        ws.ask({"question": "reach"}, engine="spark", where="channel = = 'web'")
