"""Personas of a workspace from end to end: found, kept, asked, edited, drafted into a map; Python, HTTP, commands."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import etappe
from etappe.apps import personas
from etappe.apps.workspace import Workspace, init
from etappe.config import Settings
from etappe.errors import BadDocument, UnknownName, WorkspaceBusy
from etappe.language import word
from etappe.maps.persona import dump_persona, read_persona
from planted_personas import NAMES, planted
from servers import Client, served
from workspaces import shop, written

RULE = """schema: persona/1
id: early
title: {de: Die Frühen, en: The early ones}
kind: rule
rule: age = '18-29'
story: Sie sind jung.
needs:
  - {text: Ein ehrlicher Vergleich, stage: interest}
  - {text: Rat, stage: decision, studies: [Interviews]}
wishes:
  - {text: Weniger Werbung}
demographics:
  - {text: 18 bis 29, measured: {attribute: age, is: 18-29}}
"""


def filled(folder: Path, customers: int = 700) -> Workspace:
    """A workspace of planted personas (synthetic), through the same import as everything else."""
    ws = init(folder / "ws", Settings(name="Planted", timezone="UTC", goals=("online_purchase", "store_purchase")))
    found = planted("unequal", customers).journeys
    channel = found.column("channel").texts()
    value = found.value.tolist()
    lines = ["who,at,what,where,paid"]
    for i in range(len(found)):
        for at in range(int(found.offsets[i]), int(found.offsets[i + 1])):
            paid = "" if value[at] < 0 else f"{value[at] / 10_000:.2f}"
            moment = int(found.time_us[at]) // 1_000_000
            lines.append(f"p{i},{moment},{NAMES[int(found.touchpoint[at])]},{channel[at]},{paid}")
    mapping = (
        'customer = "who"\ntime = { column = "at", format = "epoch_s" }\ntouchpoint = "what"\nchannel = "where"\n'
        'value = { column = "paid", currency = "EUR" }\n'
    )
    ws.import_files(
        [written(folder, "events.csv", "\n".join(lines) + "\n")], mapping=written(folder, "events.toml", mapping)
    )
    ages = found.attribute("age").texts()
    people = "\n".join(["who,age", *(f"p{i},{age}" for i, age in enumerate(ages))]) + "\n"
    ws.import_files(
        [written(folder, "people.csv", people)],
        mapping=written(folder, "people.toml", 'customer = "who"\n[attributes]\ncolumns = ["age"]\n'),
    )
    return ws


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    ws = filled(tmp_path_factory.mktemp("personas"))
    ws.find_personas(k=3, keep=True)
    ws.put(RULE, "early.yaml")
    ws.close()
    return ws.folder


@pytest.fixture(scope="module")
def ws(folder: Path) -> Workspace:
    return etappe.open(folder)


@pytest.fixture(scope="module")
def client(folder: Path) -> Iterator[Client]:
    with served(folder) as found:
        yield found


def asked(client: Client, path: str) -> Any:
    return client.get(path)


def post(client: Client, path: str, body: dict[str, Any], status: int = 200) -> Any:
    code, _, answer = client.send("POST", path, body)
    assert code == status, answer
    return json.loads(answer)


@pytest.mark.requirement("000-24")
def test_what_is_kept_is_a_persona_and_a_column(ws: Workspace) -> None:
    assert [persona.id for persona in ws.personas()] == ["c1", "c2", "c3", "early"]
    journeys = ws.journeys()
    assert {"persona", "persona.c1", "persona.early"} <= set(journeys.attributes)
    groups = {row["group"]: row["group_n"] for row in etappe.reach(journeys, by="persona").rows()}
    assert sum(groups.values()) == len(journeys)
    assert len(ws.journeys(where="persona = 'c1'")) == groups["c1"]
    assert len(ws.journeys(where="persona.early = 'yes'")) == len(ws.journeys(where="age = '18-29'"))


def test_nothing_about_a_customer_is_stored(ws: Workspace) -> None:
    texts = [ws.pull("persona", persona.id) for persona in ws.personas()] + [
        ws.pull("persona-centres", "persona-centres")
    ]
    names = set(ws.journeys().names(range(50)))  # type: ignore[arg-type]
    assert not [name for name in names for text in texts if f'"{name}"' in text or f" {name}\n" in text]


def test_answers_change_their_snapshot_with_the_personas(tmp_path: Path) -> None:
    some = shop(tmp_path)
    before = etappe.reach(some.journeys()).snapshot
    rule = "{schema: persona/1, id: x, title: X, kind: rule, rule: did order}"
    some.put(rule, "x")
    after = etappe.reach(some.journeys()).snapshot
    assert before != after
    assert some.journeys().attribute("persona").texts().count("x") == 2
    some.put(rule.replace("order", "visit"), "x")
    assert some.journeys().attribute("persona").texts().count("x") == 3
    personas.delete(some, "x")
    assert "persona" not in some.journeys().attributes
    assert etappe.reach(some.journeys()).snapshot == before


@pytest.mark.requirement("000-33")
def test_a_new_search_keeps_personas_and_tells_the_drift(ws: Workspace, tmp_path: Path) -> None:
    found = ws.find_personas(k=3, seed=4)
    assert found.drift is not None
    assert {centre.id for centre in found.model.centres} == {"c1", "c2", "c3"}
    assert found.drift.changed is not None
    assert found.drift.changed < 0.2
    assert personas.last_drift(ws, ws.journeys()) is None  # nothing was kept a second time
    later = filled(tmp_path)
    later.find_personas(k=3, keep=True)
    again = later.find_personas(k=4, keep=True)
    assert personas.last_drift(later, later.journeys()) == again.drift
    assert len(later.personas()) >= 4  # a persona whose centre is gone stays, without customers


def test_a_persona_that_somebody_else_saved_since_is_not_overwritten(tmp_path: Path) -> None:
    some = shop(tmp_path)
    hand = read_persona("{schema: persona/1, id: lena, title: Lena}")
    assert personas.save(some, hand, 0) == 1
    with pytest.raises(WorkspaceBusy, match="at revision 1 now"):
        personas.save(some, hand, 0)


def test_a_persona_with_a_fault_is_not_stored(tmp_path: Path) -> None:
    some = shop(tmp_path)
    with pytest.raises(BadDocument, match="has no rule"):
        some.put("{schema: persona/1, id: x, title: X, kind: rule}", "x.yaml")
    with pytest.raises(UnknownName, match="persona"):
        some.persona("x")


def test_push_and_pull_keep_the_text_as_it_was_written(ws: Workspace, tmp_path: Path) -> None:
    assert ws.pull("persona", "early") == RULE
    assert read_persona(dump_persona(ws.persona("early"))) == ws.persona("early")


@pytest.mark.requirement("000-27")
def test_a_map_is_drafted_from_a_persona_and_counts_its_customers(ws: Workspace) -> None:
    made = ws.draft_map_of("early").map
    assert made.personas == ("early",)
    assert [cell.text for cell in made.cells if cell.lane == "need"] == ["Ein ehrlicher Vergleich", "Rat"]
    bound = ws.bind(made)
    expected = etappe.reach(ws.journeys(where="age = '18-29'"))
    reached = {row["touchpoint"]: row for row in expected.rows()}
    first = bound.evidence["s1_reach"]
    point = made.stages[0].steps[0].touchpoint
    assert first.value == pytest.approx(reached[point]["share"] * 100)
    assert first.n == expected.n


def test_a_lane_of_a_persona_counts_its_customers(ws: Workspace) -> None:
    text = """{schema: journey-map/1, id: m, title: M, personas: [early, lena],
      touchpoints: [{id: ad, title: Ad, channel: search, medium: digital, contact: direct,
                     match: "touchpoint = 'search_ad'"}],
      stages: [{id: a, title: A, steps: [{id: s1, title: S, touchpoint: ad}]}],
      lanes: [{id: k, type: metric, title: K, persona: early}, {id: h, type: metric, title: H, persona: lena}],
      cells: [{lane: k, step: s1, evidence: e}, {lane: h, step: s1, evidence: h}],
      evidence: [{id: e, metric: touchpoint.share_of_journeys, parameters: {touchpoint: s1}},
                 {id: h, metric: touchpoint.share_of_journeys, parameters: {touchpoint: s1}}]}"""
    from etappe.maps.document import read_map

    bound = ws.bind(read_map(text, "m"))
    assert bound.evidence["e"].n == len(ws.journeys(where="age = '18-29'"))
    assert bound.evidence["h"].n == len(ws.journeys())  # nobody is known to be lena: the lane is about all


def test_the_gallery_says_how_many_and_how_stable(client: Client, ws: Workspace) -> None:
    shown = asked(client, "/api/personas?lang=de")
    cards = {one["id"]: one for one in shown["personas"]}
    assert set(cards) == {"c1", "c2", "c3", "early"}
    assert cards["c1"]["stability"]["level"] in ("very", "stable", "weak")
    assert cards["early"]["size"]["customers"] == len(ws.journeys(where="age = '18-29'"))
    assert cards["early"]["kind_text"] == word("persona.kind.rule", "de")
    assert cards["early"]["title"] == "Die Frühen"


@pytest.mark.requirement("000-28")
def test_every_measured_field_of_a_page_opens_its_evidence(client: Client) -> None:
    for id in ("c1", "c2", "c3", "early"):
        shown = asked(client, f"/api/personas/{id}?lang=en")
        fields = [field for group in shown["groups"] for field in group["fields"]]
        assert fields
        for field in fields:
            if field["basis"] == "measured":
                evidence = field["evidence"]
                assert evidence["question"]
                assert evidence["n"] >= 30
                assert evidence["interval_text"]
                assert evidence["how"]
    bases = {field["text"]: field["basis"] for field in fields}
    assert bases["Weniger Werbung"] == "assumed"
    assert bases["Rat"] == "researched"
    assert bases["18 bis 29"] == "measured"


@pytest.mark.requirement("000-31")
def test_the_matrix_has_every_persona_in_every_stage(client: Client, ws: Workspace) -> None:
    shown = asked(client, "/api/personas/all/matrix?lang=de")
    assert [row["persona"] for row in shown["rows"]] == ["c1", "c2", "c3", "early", None]
    early = shown["rows"][3]
    assert early["needs"] == {"interest": ["Ein ehrlicher Vergleich"], "decision": ["Rat"]}
    expected = etappe.stages(ws.journeys(where="age = '18-29'"), registry=ws.registry()).rows()
    for cell, row in zip(early["cells"], expected, strict=False):
        assert (cell["stage"], cell["journeys"], cell["time"]["median_us"]) == (
            row["stage"],
            row["journeys"],
            row["median_us"],
        )
    assert [row["persona"] for row in asked(client, "/api/personas/c1/matrix")["rows"]] == ["c1", None]


def test_relevance_and_journeys_are_said_without_names(client: Client, ws: Workspace) -> None:
    ranked = asked(client, "/api/personas/c1/relevance?lang=de")
    assert ranked["n"] + ranked["others_n"] == len(ws.journeys())
    assert {row["level"] for row in ranked["rows"]} <= {"more", "less", "same"}
    shown = asked(client, "/api/personas/c1/journeys?lang=de&count=2")
    assert len(shown["journeys"]) == 2
    assert shown["journeys"][0]["steps"][0]["after_us"] == 0
    assert "p1" not in json.dumps(shown).replace('"', " ").split()


def test_the_people_of_a_persona_are_listed(client: Client, ws: Workspace) -> None:
    found = asked(client, "/api/personas/early/people?limit=3")
    young = ws.journeys(where="age = '18-29'")
    assert found["total"] == len(young)
    assert [one["customer"] for one in found["people"]] == young.names(range(3))  # type: ignore[arg-type]


def test_a_search_tells_how_far_it_is(folder: Path) -> None:
    steps: list[tuple[int, int]] = []
    Workspace(folder).find_personas(tell=lambda done, total: steps.append((done, total)))
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)
    assert all(done <= total for done, total in steps)
    assert steps[0][0] == 0 < steps[-1][0]


def test_a_search_is_a_preview_until_it_is_kept(client: Client) -> None:
    before = asked(client, "/api/personas")
    found = post(client, "/api/personas/find?lang=de", {"k": 3})
    assert (found["state"], found["k"]) == ("found", 3)
    assert sum(one["customers"] for one in found["centres"]) + found["none"] == before["customers"]
    assert found["drift"]["changed"] == 0.0
    assert asked(client, "/api/personas") == before
    told = asked(client, "/api/persona-search")
    assert 0 < told["done"] <= told["total"]


def test_a_persona_is_written_edited_and_deleted_over_http(client: Client) -> None:
    new = {"schema": "persona/1", "id": "lena", "title": "Lena", "type": "ideal"}
    shown = post(client, "/api/personas", {"document": new})
    assert (shown["revision"], shown["size"]["customers"]) == (1, None)
    edited = post(client, "/api/personas/lena/edit", {"revision": 1, "changes": {"wishes": [{"text": "Ruhe"}]}})
    assert (edited["revision"], edited["shares"]["assumed"]) == (2, 1.0)
    late = post(client, "/api/personas/lena/edit", {"revision": 1, "changes": {"quote": "Na"}}, 409)
    assert "revision 2 now" in late["message"]
    assert post(client, "/api/personas/lena/edit", {"changes": {}}, 400)["where"] == "revision"
    assert post(client, "/api/personas", {"document": {"id": 7}}, 400)["code"] == "bad-document"
    assert client.send("GET", "/api/personas/lena/relevance")[0] == 404
    assert post(client, "/api/personas/lena/delete", {})["deleted"]
    assert client.send("GET", "/api/personas/lena")[0] == 404


def test_a_map_is_drafted_over_http(client: Client) -> None:
    made = post(client, "/api/personas/early/draft-map?lang=de", {"template": "five-stages", "author": "Ada"})
    shown = asked(client, f"/api/maps/{made['id']}")
    assert shown["personas"] == ["early"]


def test_what_cannot_be_searched_is_refused(client: Client) -> None:
    assert post(client, "/api/personas/find", {"k": "many"}, 400)["where"] == "k"
    bad = {"from": "found", "k": 3, "names": {"c1": "Lena"}}
    assert post(client, "/api/personas", bad, 400)["code"] == "bad-document"
    assert post(client, "/api/personas/find", {"traits": "age"}, 400)["where"] == "traits"
    assert post(client, "/api/personas/find", {"traits": ["agee"]}, 404)["hint"] == "Did you mean 'age'?"


def run(*words: Any) -> subprocess.CompletedProcess[str]:
    program = "from etappe.apps.cli import main; main()"
    command = [sys.executable, "-W", "error", "-c", program, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_commands_list_find_show_make_check_and_draft(tmp_path: Path) -> None:
    some = shop(tmp_path)
    none = run("personas", "-w", some.folder)
    assert (none.returncode, none.stdout.strip()) == (0, word("persona.none", "de"))
    few = run("personas", "find", "-w", some.folder, "--lang", "en")
    assert "too few people" in few.stdout
    assert run("personas", "find", "--keep", "-w", some.folder).returncode == 1
    made = run("personas", "new", "buyer", "--rule", "did order", "--title", "Buyer", "-w", some.folder, "--json")
    assert json.loads(made.stdout)["revision"] == 1
    listed = json.loads(run("personas", "list", "-w", some.folder, "--json").stdout)
    assert [(one["id"], one["size"]["customers"]) for one in listed["personas"]] == [("buyer", 2)]
    spoken = run("personas", "show", "buyer", "-w", some.folder)
    assert (spoken.returncode, "Buyer" in spoken.stdout) == (0, True)
    assert json.loads(run("personas", "show", "buyer", "-w", some.folder, "--json").stdout)["relevance"]["n"] == 2
    assert run("personas", "draft-map", "buyer", "-w", some.folder, "-o", tmp_path / "m.yaml").returncode == 0
    assert "segment: buyer" in (tmp_path / "m.yaml").read_text(encoding="utf-8")
    bad = written(tmp_path, "x.yaml", "{schema: persona/1, id: x, title: X, kind: rule}")
    checked = run("personas", "check", bad, "-w", some.folder)
    assert (checked.returncode, "has no rule" in checked.stdout) == (1, True)
    pushed = run(
        "push", written(tmp_path, "y.yaml", "{schema: persona/1, id: y, title: Y}"), "-w", some.folder, "--json"
    )
    assert json.loads(pushed.stdout) == {"kind": "persona", "id": "y", "revision": 1}
    assert run("pull", "persona", "y", "-w", some.folder).stdout.startswith("{schema: persona/1")
