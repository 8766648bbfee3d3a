"""Maps over HTTP: two people at one map, undo, revisions, comments, and what can be bound; nothing saved is lost."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from etappe.apps.server import free_port
from servers import FIRST_PORT, Client, served
from test_api import MAP
from workspaces import shop


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    ws = shop(tmp_path_factory.mktemp("editing"))
    ws.put(MAP, "map.yaml")
    ws.close()
    with served(ws.folder) as found:
        yield found


def sent(client: Client, path: str, body: dict[str, Any], status: int = 200) -> Any:
    got, _, answer = client.send("POST", path, body)
    assert got == status, answer
    return json.loads(answer)


@pytest.fixture
def map_id(client: Client) -> str:
    return str(sent(client, "/api/maps", {"from": "template", "title": "Erster Kauf"})["id"])


def write(place: str, text: str, lane: str = "pain") -> dict[str, Any]:
    return {"edit": "write", "lane": lane, "place": place, "fields": {"text": text}}


def text_at(map_: Any, place: str, lane: str = "pain") -> str | None:
    return next((cell["text"] for cell in map_["cells"] if (cell["lane"], cell["place"]) == (lane, place)), None)


def test_a_map_begins_from_a_template_from_the_data_and_from_another(client: Client) -> None:
    assert "five-stages" in [one["id"] for one in client.get("/api/map-templates?lang=en")["templates"]]
    drafted = sent(client, "/api/maps?lang=de", {"from": "data", "title": "Aus Daten"})
    assert drafted["id"] == "aus-daten"
    assert sent(client, "/api/maps", {"from": "copy", "id": "aus-daten", "title": "Aus Daten"})["id"] == "aus-daten-2"
    refused = sent(client, "/api/maps", {"from": "template", "title": " "}, 400)
    assert refused["where"] == "title"
    assert sent(client, "/api/maps", {"from": "template", "template": "five", "title": "x"}, 404)["code"]
    assert sent(client, "/api/maps", {"from": "moon", "title": "x"}, 400)["where"] == "from"


def test_an_edit_is_a_revision_and_gives_the_map_with_its_numbers(client: Client) -> None:
    first = client.get("/api/maps/shop")
    bind = {"edit": "bind", "lane": "k", "place": "s1", "evidence": {"metric": "journey.count", "min_n": 1}}
    got = sent(client, "/api/maps/shop/edit", {"revision": first["revision"], "edits": [bind]})
    assert got["revision"] == first["revision"] + 1
    assert got["map"]["evidence"]["journey-count"]["value"] == 3
    same = sent(client, "/api/maps/shop/edit", {"revision": got["revision"], "edits": [bind]})
    assert (same["revision"], same["changed"]) == (got["revision"], False)


def test_two_people_at_one_map_lose_nothing(client: Client, map_id: str) -> None:
    def typing(who: str) -> None:
        seen = client.get(f"/api/maps/{map_id}")["revision"]
        for i in range(1, 9):
            body = {
                "revision": seen,
                "edits": [write(f"s{i}", f"{who} {i}", "goal" if who == "A" else "pain")],
                "author": who,
            }
            got = sent(client, f"/api/maps/{map_id}/edit", body)
            assert got["conflicts"] == []
            # The second person never looks at what the first one saved.
            seen = got["revision"] if who == "A" else seen

    with ThreadPoolExecutor() as pool:
        list(pool.map(typing, ("A", "B")))
    found = client.get(f"/api/maps/{map_id}")
    assert [text_at(found, f"s{i}", "goal") for i in range(1, 9)] == [f"A {i}" for i in range(1, 9)]
    assert [text_at(found, f"s{i}") for i in range(1, 9)] == [f"B {i}" for i in range(1, 9)]
    revisions = client.get(f"/api/maps/{map_id}/history?limit=50")["revisions"]
    assert len(revisions) == 17
    assert {one["author"] for one in revisions} == {"", "A", "B"}


def test_who_wrote_the_same_is_told_and_can_take_either(client: Client, map_id: str) -> None:
    seen = client.get(f"/api/maps/{map_id}")["revision"]
    sent(client, f"/api/maps/{map_id}/edit", {"revision": seen, "edits": [write("s1", "ihr Text")]})
    got = sent(client, f"/api/maps/{map_id}/edit", {"revision": seen, "edits": [write("s1", "mein Text")]})
    (conflict,) = got["conflicts"]
    assert (conflict["saved_text"], conflict["wanted_text"]) == ("ihr Text", "mein Text")
    assert conflict["label"].startswith("Hürden") or "·" in conflict["label"]
    assert text_at(got["map"], "s1") == "ihr Text"
    mine = sent(client, f"/api/maps/{map_id}/edit", {"revision": got["revision"], "edits": [write("s1", "mein Text")]})
    assert text_at(mine["map"], "s1") == "mein Text"


def test_undo_takes_one_change_back_and_keeps_what_came_after(client: Client, map_id: str) -> None:
    one = sent(
        client, f"/api/maps/{map_id}/edit", {"revision": 1, "edits": [{"edit": "remove", "kind": "step", "id": "s3"}]}
    )
    two = sent(client, f"/api/maps/{map_id}/edit", {"revision": 2, "edits": [write("s1", "bleibt")]})
    back = sent(client, f"/api/maps/{map_id}/undo", {"revision": one["revision"]})
    assert "s3" in [step["id"] for step in back["map"]["steps"]]
    assert text_at(back["map"], "s1") == "bleibt"
    again = sent(client, f"/api/maps/{map_id}/undo", {"revision": back["revision"]})
    assert again["map"]["steps"] == two["map"]["steps"]
    old = sent(client, f"/api/maps/{map_id}/restore", {"revision": 1})
    first = client.get(f"/api/maps/{map_id}/document?revision=1")["document"]
    assert client.get(f"/api/maps/{map_id}/document")["document"] == first
    assert old["revision"] == 6
    assert sent(client, f"/api/maps/{map_id}/undo", {"revision": 1}, 400)["hint"]
    assert sent(client, f"/api/maps/{map_id}/undo", {"revision": 99}, 400)["hint"] == "Revisions are 1 to 6."


def test_a_difference_is_told_in_both_languages(client: Client, map_id: str) -> None:
    edits = [write("s1", "teuer"), {"edit": "move", "kind": "step", "id": "s1", "after": "interest"}]
    sent(client, f"/api/maps/{map_id}/edit", {"revision": 1, "edits": edits})
    for lang, moved, pain in (("de", "verschoben", "geändert"), ("en", "moved", "changed")):
        changes = client.get(f"/api/maps/{map_id}/diff?before=1&after=2&lang={lang}")["changes"]
        told = {(one["kind"], one["id"]): one for one in changes}
        assert told["step", "s1"]["text"] == moved
        assert told["cell", "pain @ s1"]["text"] in (pain, "hinzugefügt", "added")
        assert told["cell", "pain @ s1"]["fields"][0]["after"] == "teuer"


def test_any_question_s_numbers_can_be_bound(client: Client) -> None:
    sent(
        client,
        "/api/questions",
        {"title": "Trichter", "question": {"question": "funnel", "steps": ["visit", "order"]}, "address": "/explore"},
    )
    at = "/api/maps/shop/proposals?lang=de"
    listed = sent(client, at, {"lane": "k", "place": "s1"})["questions"]
    assert (listed[0]["title"], listed[0]["saved"]) == ("Trichter", True)
    found = sent(client, at, {"question": listed[0]["question"]})["proposals"]
    titles = {one["bound"]["label"]: one for one in found}
    one = titles["Online-Shop: Konversion"]
    assert one["evidence"]["value"] == {"column": "conversion", "where": {"position": 2, "step": "order"}}
    assert one["bound"]["state"] in ("fresh", "few")
    edits = [{"edit": "bind", "lane": "k", "place": "s1", "evidence": {**one["evidence"], "min_n": 1}}]
    bound = sent(
        client,
        "/api/maps/shop/edit?lang=de",
        {"edits": edits, "revision": client.get("/api/maps/shop/version")["revision"]},
    )
    shown = bound["map"]["evidence"][one["evidence"]["id"]]
    assert (shown["text"], shown["n"]) == ("66,7\u00a0%", 3)
    friction = sent(client, at, {"question": {"question": "friction"}})["proposals"]
    assert "Online-Shop · Ende: Anteil" in [one["bound"]["label"] for one in friction]
    for kind in ("reach", "friction", "transitions", "stages", "variants", "sessions"):
        question = next(q for q in listed if q["question"] == {"question": kind})
        assert sent(client, at, {"question": question["question"]})["proposals"]
    assert sent(client, at, {"question": {"question": "luck"}}, 404)["code"] == "unknown-name"


def test_proposals_have_their_numbers(client: Client) -> None:
    found = sent(client, "/api/maps/shop/proposals?lang=de", {"lane": "k", "place": "s1"})["proposals"]
    by = {one["evidence"]["metric"]: one["bound"] for one in found}
    assert by["touchpoint.share_of_journeys"]["state"] in ("few", "fresh")
    assert by["step.conversion"]["label"] == "gehen weiter"
    assert [one["bound"]["state"] for one in found][-1] == "none"


def test_comments_have_a_name_a_place_and_an_end(client: Client, map_id: str) -> None:
    path = f"/api/maps/{map_id}/comments"
    made = sent(client, path, {"text": "Stimmt das noch?", "author": "Lena", "place": "cell pain @ s1"})
    assert made["author"] == "Lena"
    assert sent(client, path, {"id": made["id"], "done": True}) == {"done": True}
    assert [one["done"] for one in client.get(path)["comments"]] == [True]
    assert sent(client, path, {"text": "x", "author": " "}, 400)["where"] == "author"
    assert sent(client, path, {"text": "", "author": "Lena"}, 400)["where"] == "text"
    assert sent(client, path, {"text": "x", "author": "Lena", "place": "step s77"}, 404)["where"] == "place"
    assert sent(client, path, {"id": 999, "done": True}, 404)["where"] == "id"
    assert sent(client, f"{path}/{made['id']}/delete", {}) == {"deleted": True}
    assert client.get(path)["comments"] == []


@pytest.mark.parametrize(
    ("path", "body", "status", "where"),
    [
        ("shop/edit", {"edits": []}, 400, "revision"),
        ("shop/edit", {"revision": 1}, 400, "edits"),
        ("shop/edit", {"revision": 1, "edits": [{"edit": "move", "kind": "lane", "id": "z"}]}, 404, "edits[0]"),
        ("shop/edit", {"revision": 1, "edits": [{"edit": "remove", "kind": "stage", "id": "a"},
                                                {"edit": "remove", "kind": "stage", "id": "b"}]}, 400, "stages"),
        ("shop/replace", {"revision": 1, "document": {"id": "shop"}}, 400, "document"),
        ("shop/switch", {"template": "six"}, 404, "template"),
        ("shpo/edit", {"revision": 1, "edits": []}, 404, "maps"),
    ],
)  # fmt: skip
def test_what_does_not_fit_changes_nothing(
    client: Client, path: str, body: dict[str, Any], status: int, where: str
) -> None:
    before = client.get("/api/maps/shop")["revision"]
    body = {**body, "revision": before} if "revision" in body else body
    assert where in sent(client, f"/api/maps/{path}", body, status)["where"]
    assert client.get("/api/maps/shop")["revision"] == before


@pytest.mark.drill
def test_a_killed_server_loses_no_saved_cell(tmp_path: Path) -> None:
    ws = shop(tmp_path)
    ws.put(MAP, "map.yaml")
    ws.close()
    port = free_port("127.0.0.1", FIRST_PORT)
    program = "from etappe.apps.cli import main; main()"
    command = [sys.executable, "-c", program, "serve", "-w", str(ws.folder), "--port", str(port)]
    saved = 0
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        client = Client(port)
        try:
            for _ in range(300):
                try:
                    client.get("/health")
                    break
                except OSError:
                    time.sleep(0.1)
            for i in range(20):
                edits = [write("s1", f"Text {i}", "k")]
                saved = sent(client, "/api/maps/shop/edit", {"revision": i + 1, "edits": edits})["revision"]
        finally:
            os.killpg(process.pid, signal.SIGKILL)
    with served(ws.folder) as again:
        found = again.get("/api/maps/shop")
    assert (found["revision"], text_at(found, "s1", "k")) == (saved, "Text 19")
