import json
import random
import re
from pathlib import Path

import msgspec
import pytest

from etappe.errors import BadDocument
from etappe.maps.document import BadMap, check, dump_map, faults_of, json_schema, read_map
from etappe.maps.metrics import METRICS
from maps import GOLDEN, HEAD, SHARED

DESIGN = SHARED / "design" / "online-shop.yaml"
STEPS = "stages:\n  - {id: a, title: A, steps: [" + ", ".join(f"{{id: s{i}, title: S}}" for i in range(1, 9)) + "]}\n"
LANES = "lanes:\n  - {id: t, type: thoughts, title: T}\n"


def faults(text, level="error"):
    return [fault.text for fault in check(read_map(HEAD + text, "map shop.yaml")) if fault.level == level]


def test_an_unknown_step_is_named_with_its_place_and_the_known_ones():
    found = faults(STEPS + LANES + "cells:\n  - {lane: t, step: s9, text: x}\n")
    assert found == ["map shop.yaml: cells[0] (line 10): unknown step 's9'. Steps are s1 to s8."]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (LANES + "cells:\n  - {lane: u, step: s1}\n", "unknown lane 'u'. Lanes are t."),
        (LANES + "cells:\n  - {lane: t, stage: b}\n", "unknown stage 'b'."),
        (LANES + "cells:\n  - {lane: t, step: s1, evidence: e}\n", "unknown evidence 'e'."),
        (LANES + "cells:\n  - {lane: t, step: s1, opportunity: o}\n", "unknown opportunity 'o'."),
        (LANES + "cells:\n  - {lane: t, from: s3, to: s1}\n", "the span runs backwards, from 's3' to 's1'."),
        (LANES + "cells:\n  - {lane: t, from: s3}\n", "a span needs both 'from' and 'to'."),
        (LANES + "cells:\n  - {lane: t, step: s1, stage: a}\n", "a cell stands at one step, one stage"),
        (LANES + "cells:\n  - {lane: t}\n", "a cell stands at one step, one stage"),
        (LANES + "cells:\n  - {lane: t, step: s1, score: 3}\n", "cells[0].score (line 10): 3 is outside -2 to 2."),
        (LANES + "cells:\n  - {lane: t, step: s1, arc: 0}\n", "0 is outside 1 to 5."),
        (LANES + "cells:\n  - {lane: t, step: s1, severity: 4}\n", "4 is outside 1 to 3."),
        ("lanes:\n  - {id: t, type: text, title: A}\n  - {id: t, type: text, title: B}\n", "'t' is taken by lanes[0]."),
        ("lanes:\n  - {id: t, type: emotion, title: A, persona: tom}\n", "unknown persona 'tom'."),
        ("evidence:\n  - {id: e, metric: step.convertion}\n", "Did you mean 'step.conversion'?"),
        ("evidence:\n  - {id: e}\n", "evidence asks either a metric or a question."),
        ("evidence:\n  - {id: e, question: {question: reach}}\n", "a question needs 'value'"),
        ("evidence:\n  - {id: e, metric: manual}\n", "the metric 'manual' needs a number"),
        ("evidence:\n  - {id: e, metric: journey.count, filter: 'a = b'}\n", "Did you mean 'b', in single quotes?"),
        ("window: {rolling: 28}\n", None),
        ("window: {rolling: '28'}\n", "'28' is no duration."),
        ("window: {from: 2026-02-01, to: 2026-01-01}\n", "the window runs backwards"),
        ("window: {from: 2026-02-31}\n", "'2026-02-31' is no day."),
        ("window: {timezone: Europe/Berlyn}\n", "unknown time zone 'Europe/Berlyn'."),
        ("flow:\n  - {from: s1, to: s99}\n", "unknown step 's99'."),
        ("opportunities:\n  - {id: o, title: O, addresses: [e]}\n", "unknown evidence or cell 'e'."),
        ("opportunities:\n  - {id: o, title: O, impact: 6}\n", "6 is outside 1 to 5."),
        ("touchpoints:\n  - {id: a, title: A, channel: w, medium: digital, contact: direct, match: 'x ='}\n", "match"),
    ],
)
def test_each_fault_is_one_sentence_with_its_place(text, said):
    if said is None:
        with pytest.raises(BadMap, match="expected a text, got a whole number"):
            faults(STEPS + text)
        return
    found = faults(STEPS + text)
    assert len(found) == 1
    assert said in found[0]
    assert found[0].startswith("map shop.yaml: ")
    assert "(line " in found[0]


def test_every_fault_is_found_in_one_go():
    text = STEPS + LANES + "cells:\n  - {lane: u, step: s1, score: 9}\n  - {lane: t, step: s0, evidence: e}\n"
    assert len(faults(text)) == 4


def test_what_cannot_be_read_is_refused_all_at_once_with_lines():
    text = HEAD + STEPS + "lanes:\n  - {id: t, type: thougts, title: T}\ncells:\n  - {lane: t, step: s1, score: high}\n"
    with pytest.raises(BadMap) as caught:
        read_map(text, "map shop.yaml")
    assert [(f.place, f.line) for f in caught.value.faults] == [("lanes[0].type", 8), ("cells[0].score", 10)]
    assert caught.value.faults[0].text.endswith("'thougts' is no type. Did you mean 'thoughts'?")
    assert caught.value.faults[1].text.endswith("expected a number, got a text.")
    assert "(1 more in this file.)" in str(caught.value)


def test_every_fault_of_a_file_is_listed_with_its_line_whether_or_not_it_can_be_read():
    text = """touchpoints:
  - {id: a, title: 5, channel: web, medium: digitall, contact: direct}
  - {id: b, title: B, channel: web, contact: direct}
stages:
  - id: x
    title: X
    steps: [{id: s1, title: S, touchpoint: a}, {id: s2, title: T, touchpoint: c}]
lanes:
  - {id: t, type: thoughts, title: T}
cells:
  - {lane: t, step: s9}
evidence:
  - {id: e, metric: step.conversion, parameters: {from: s1, to: s2, within: 90}}
"""
    assert [fault.text for fault in faults_of(HEAD + text, "shop.yaml") if fault.level == "error"] == [
        "shop.yaml: touchpoints[0].title (line 6): expected a text or a mapping, got a whole number. Write '5'.",
        "shop.yaml: touchpoints[0].medium (line 6): 'digitall' is no medium. Did you mean 'digital'?",
        "shop.yaml: touchpoints[1] (line 7): the key 'medium' is missing.",
        "shop.yaml: stages[0].steps[1] (line 11): unknown touchpoint 'c'. Touchpoints are a, b.",
        "shop.yaml: cells[0] (line 15): unknown step 's9'. Steps are s1, s2.",
        "shop.yaml: evidence[0].parameters.within (line 17): expected a text, got a whole number. "
        "Write it with its unit, such as 90d.",
    ]
    with pytest.raises(BadMap) as caught:
        read_map(HEAD + text, "shop.yaml")
    assert len(caught.value.faults) == 6
    assert str(caught.value).startswith("shop.yaml: touchpoints[0].title (line 6): ")


@pytest.mark.parametrize("written", ["lane", "Lanes", "lnaes"])
def test_a_misspelt_key_of_the_map_stands_first_and_hides_what_follows_from_it(written):
    cells = "".join(f"  - {{lane: t, step: s{i}, text: x}}\n" for i in range(1, 9))
    text = HEAD + STEPS + LANES.replace("lanes", written) + "cells:\n" + cells + "  - {lane: t, step: s9}\n"
    errors = [fault.text for fault in faults_of(text, "shop.yaml") if fault.level == "error"]
    assert errors == [
        f"shop.yaml: {written} (line 7): unknown key. Did you mean 'lanes'?",
        "shop.yaml: cells[8] (line 18): unknown step 's9'. Steps are s1 to s8.",
    ]
    assert check(read_map(text, "shop.yaml"))[0].text == errors[0]


def test_a_misspelt_key_that_a_map_must_have_is_told_once():
    text = "schema: journey-map/1\nid: x\ntitel: X\npersonas: [lena]\n" + STEPS
    assert [fault.text for fault in faults_of(text, "shop.yaml")] == [
        "shop.yaml: titel (line 3): unknown key. Did you mean 'title'?"
    ]
    with pytest.raises(BadMap, match="Did you mean 'title'"):
        read_map(text)
    assert [fault.place for fault in faults_of("shema: journey-map/1\nid: x\n")] == ["shema"]


def test_whatever_is_broken_in_a_map_is_told_and_nothing_else_happens():
    rng = random.Random(7)
    whole = json.loads(msgspec.json.encode(read_map(GOLDEN / "small.yaml")))
    values = [None, 5, -1.5, "x", "", [], {}, [5], {"id": 5}, ["x", {}], True]

    def places(node):
        inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        for key, value in inner:
            yield node, key
            yield from places(value)

    for _ in range(100):
        tree = json.loads(json.dumps(whole))
        for _ in range(rng.randint(1, 3)):
            node, key = rng.choice(list(places(tree)))
            if isinstance(node, dict) and rng.random() < 0.3:
                node[f"{key}s"] = node.pop(key)
            else:
                node[key] = rng.choice(values)
        text = json.dumps(tree)
        found = faults_of(text)
        try:
            told = check(read_map(text))
        except BadMap as error:
            told = list(error.faults)
            found = [fault for fault in found if fault.level == "error"]
        assert found == told


def test_a_part_that_is_no_list_or_has_no_id_raises_no_others():
    text = HEAD + STEPS + "lanes: {id: t}\ncells:\n  - {lane: t, step: s1}\n"
    assert [fault.text for fault in faults_of(text) if fault.level == "error"] == [
        "map: lanes (line 7): expected a list, got a mapping."
    ]
    text = HEAD + STEPS + "lanes:\n  - {type: text, title: T}\n  - u\ncells:\n  - {lane: t, step: s1}\n"
    assert [fault.place for fault in faults_of(text) if fault.level == "error"] == ["lanes[0]", "lanes[1]"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("schema: journey-map/2\nid: x\ntitle: X\n", "Etappe reads 'schema: journey-map/1'."),
        ("- a\n- b\n", "is no map."),
        ("schema: journey-map/1\nid: [\n", "cannot be read as YAML"),
        ("schema: journey-map/1\nid: x\nid: y\ntitle: X\n", "cannot be read as YAML"),
        ("schema: journey-map/1\ntitle: X\n", "the key 'id' is missing."),
        ('{"schema": "journey-map/1", "id": 1, "title": "X"}', "expected a text, got a whole number."),
    ],
)
def test_a_broken_file_says_what_is_broken(text, said):
    with pytest.raises(BadDocument, match="map") as caught:
        read_map(text)
    assert said in str(caught.value)


def test_a_file_whose_aliases_unfold_without_end_is_refused():
    lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"{b}: &{b} [{', '.join(['*' + a] * 10)}]" for a, b in ("ab", "bc", "cd", "de", "ef", "fg")]
    with pytest.raises(BadMap, match="too many parts"):
        read_map("schema: journey-map/1\n" + "\n".join(lines) + "\n")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(BadMap, match=r"map none\.yaml: there is no such file"):
        read_map(tmp_path / "none.yaml")


def test_an_unknown_key_is_a_warning_that_names_the_right_place():
    text = "evidence:\n  - {id: e, metric: journey.count, agg: median, tittle: X}\n"
    found = faults(STEPS + text, "warning")
    assert any("evidence[0].agg" in f and "Write it under 'parameters'." in f for f in found)
    assert any("evidence[0].tittle" in f and "Did you mean 'title'?" in f for f in found)


@pytest.mark.parametrize(
    ("evidence", "said"),
    [
        ("metric: touchpoint.reach, parameters: {touchpoint: s1, within: 7d}", "does not use the parameter 'within'"),
        ("metric: touchpoint.reach, parameters: {touchpoint: s1}, unit: percent", "is not said in 'percent'"),
        ("metric: journey.count, target: 5", "a target needs 'better: up'"),
        ("metric: touchpoint.reach, filter: touchpoint = 's1'", "the filter holds parameters"),
        ("metric: step.conversion, parameters: {from: s1, to: s22}", "Did you mean 's2'?"),
    ],
)
def test_what_will_not_do_what_was_meant_is_a_warning(evidence, said):
    found = faults(STEPS + f"evidence:\n  - {{id: e, {evidence}}}\n", "warning")
    assert [f for f in found if said in f]


def test_a_map_s_id_is_a_short_name():
    bad = msgspec.structs.replace(read_map(HEAD + STEPS), id="../etc")
    assert [f.place for f in check(bad) if f.level == "error"] == ["id"]


@pytest.mark.parametrize("number", [".nan", ".inf", "-.inf"])
def test_a_number_must_be_finite(number):
    with pytest.raises(BadMap, match=r"cells\[0\]\.score \(line 10\): is no finite number"):
        read_map(HEAD + STEPS + LANES + f"cells:\n  - {{lane: t, step: s1, score: {number}}}\n")


def test_a_written_basis_is_ignored_with_a_warning():
    assert any("basis" in f and "computed" in f for f in faults(STEPS + "basis: measured\n", "warning"))


@pytest.mark.requirement("001-14")
@pytest.mark.parametrize(
    ("last", "warned"),
    [
        ("{id: kauf, title: Kauf}", True),
        ("{id: x, title: Ende, atoms: [decide, buy]}", True),
        ("{id: x, title: Ende, atoms: [buy, receive]}", False),
        ("{id: nach, title: Nachkauf}", False),
        ("{id: bindung, title: Bindung}", False),
    ],
)
def test_a_map_that_ends_at_the_purchase_gets_a_warning(last, warned):
    found = faults(f"stages:\n  - {{id: a, title: A}}\n  - {last}\n", "warning")
    assert any("ends at the purchase" in f for f in found) is warned


@pytest.mark.requirement("000-27")
def test_a_map_without_persona_is_flagged():
    named = read_map(HEAD + STEPS)
    assert not [f for f in check(named) if "persona" in f.text]
    bare = msgspec.structs.replace(named, personas=())
    assert [f.level for f in check(bare) if "no persona" in f.text] == ["warning"]


def test_what_is_written_is_read_again():
    first = read_map(GOLDEN / "small.yaml")
    text = dump_map(first)
    assert read_map(text) == first
    assert dump_map(read_map(text)) == text
    assert sum(line.strip().startswith("- {lane: ") for line in text.splitlines()) == len(first.cells)


def test_json_and_yaml_hold_the_same_map():
    first = read_map(GOLDEN / "small.yaml")
    assert read_map(msgspec.json.encode(first).decode()) == first
    assert json.loads(json.dumps(json_schema()))["$defs"]["Cell"]["properties"]["from"]


def test_texts_that_yaml_would_misread_survive():
    odd = ["no", "null", "1e3", "2026-01-01", "a: b", "# x", "- y", "‘’", "zwei\nZeilen", " rand "]
    first = read_map(HEAD + STEPS)
    cells = tuple(msgspec.convert({"lane": "t", "step": f"s{i % 8 + 1}", "text": t}, dict) for i, t in enumerate(odd))
    document = read_map(json.dumps({**json.loads(msgspec.json.encode(first)), "cells": list(cells)}))
    assert [cell.text for cell in read_map(dump_map(document)).cells] == odd


@pytest.mark.skipif(not DESIGN.exists(), reason="the design's map is not here")
def test_the_map_of_the_design_can_be_read():
    document = read_map(DESIGN)
    found = check(document)
    assert len(document.steps) == 8
    assert not [f.text for f in found if f.level == "error"]
    assert [f.line for f in found if "agg" in f.place] == [87]


def test_the_page_of_maps_names_every_metric_and_its_example_is_a_map():
    page = (Path(__file__).parents[1] / "docs" / "maps.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `([a-z_.]+)` \|", page, re.MULTILINE) == list(METRICS)
    example = re.search(r"```yaml\n(.*?)```", page, re.DOTALL)[1]
    assert check(read_map(example)) == []
