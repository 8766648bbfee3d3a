"""The touchpoint inventory over HTTP, on the command line and in Python: read, edited, taken in, never overwritten."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from etappe.apps.workspace import Workspace
from etappe.apps.workspace import open as open_workspace
from etappe.errors import WorkspaceBusy
from servers import Client, served
from workspaces import shop, written

EXTRA = """customer,time,touchpoint
0007,2026-03-03T10:00:00Z,/pick up
8,2026-03-03T10:00:00Z,/pick up
9,2026-03-04T10:00:00Z,web-site
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    ws = shop(tmp_path_factory.mktemp("inventory"))
    ws.import_files([written(ws.folder.parent, "extra.csv", EXTRA)], mapping=None)
    ws.close()
    return ws.folder


@pytest.fixture(scope="module")
def client(folder: Path) -> Iterator[Client]:
    with served(folder) as found:
        yield found


def sent(client: Client, path: str, body: dict[str, Any], status: int = 200) -> Any:
    got, _, answer = client.send("POST", path, body)
    assert got == status, answer
    return json.loads(answer)


def entry(found: Any, id: str) -> Any:
    return next(one for one in found["entries"] if one["id"] == id)


@pytest.mark.requirement("000-14", "004-03", "004-04", "004-06")
def test_the_inventory_says_everything_in_both_languages(client: Client) -> None:
    german, english = (client.get(f"/api/inventory?lang={lang}") for lang in ("de", "en"))
    assert german["state"] == "ok"
    assert "unbekannt" in entry(german, "/pick up")["state_text"]
    page = entry(english, "page_view")
    assert (page["category"], page["stage_title"], page["reach"]["n"]) == ("digital, direct", "Interest", 3)
    assert page["reach"]["note"].startswith("n = 3: too few")
    assert german["sentence"] != english["sentence"]
    assert [(one["medium"], one["contact"]) for one in german["coverage"]["categories"]] == [
        ("analog", "direct"), ("analog", "indirect"), ("digital", "direct"), ("digital", "indirect"),
    ]  # fmt: skip
    dark = [one for one in german["entries"] if one["state"] == "dark"]
    assert all(one["state_why"] and one["reach"]["text"] == "–" for one in dark)


@pytest.mark.requirement("000-15")
def test_a_score_card_has_each_figure_with_its_base_or_says_why_there_is_none(client: Client) -> None:
    card = client.get("/api/inventory/page_view?lang=en")
    figures = {one["id"]: one for one in card["figures"]}
    assert list(figures) == ["reach", "onward", "time", "conversion", "exit", "satisfaction", "revenue"]
    assert (figures["conversion"]["n"], figures["conversion"]["count"]) == (3, 2)
    assert all(one["base"] or one["note"] for one in figures.values())
    assert figures["satisfaction"]["note"].startswith("Nobody gave a score")
    assert "€" in figures["revenue"]["text"]
    assert client.get("/api/inventory/visit")["id"] == "page_view"
    poster = client.get("/api/inventory/poster?lang=en")
    assert poster["figures"] == []
    assert [aid["requirement"] for aid in poster["aids"]] == ["001-05"] * 3
    status, _, body = client.send("GET", "/api/inventory/postr")
    assert (status, "poster" in json.loads(body)["hint"]) == (404, True)


@pytest.mark.requirement("002-16")
def test_a_name_is_taken_in_edited_and_never_overwrites_what_somebody_saved(client: Client) -> None:
    before = client.get("/api/inventory")
    key = entry(before, "/pick up")["key"]
    assert client.get(f"/api/inventory/{quote(key)}")["title"] == "/pick up"
    fields = {"title": "Abholung", "medium": "analog", "channel": "store", "atom": "receive", "goal": ""}
    made = sent(client, f"/api/inventory/{quote(key)}?lang=de", {"revision": before["revision"], "touchpoint": fields})
    assert (made["id"], made["state"], made["names"], made["revision"]) == ("pick-up", "measured", ["/pick up"], 1)
    assert made["goal_note"]
    assert "set-a-goal" in {one["id"] for one in made["suggestions"]}
    assert "Abholung" in client.get("/api/inventory")["coverage"]["goalless_text"]
    edited = {"goal": "In drei Minuten fertig", "kpi": "time", "target": "2d", "owner": "Filialen"}
    late = sent(client, "/api/inventory/pick-up", {"revision": 0, "touchpoint": edited}, 409)
    assert late["code"] == "workspace-busy"
    done = sent(client, "/api/inventory/pick-up", {"revision": 1, "touchpoint": edited, "author": "Mira"})
    assert (done["goal"], done["revision"], done["goal_note"]) == ("In drei Minuten fertig", 2, "")
    assert done["target_state"]["verdict"] == "open"
    same = sent(client, "/api/inventory/pick-up", {"revision": 2, "touchpoint": edited})
    assert same["revision"] == 2
    bad = sent(client, "/api/inventory/pick-up", {"revision": 2, "touchpoint": {"kpi": "reach", "target": "5"}}, 400)
    assert bad["code"] == "bad-document"
    assert sent(client, "/api/inventory/pick-up", {"touchpoint": {}}, 400)["where"] == "revision"
    assert sent(client, "/api/inventory/pick-up", {"revision": 2}, 400)["where"] == "touchpoint"


def test_a_name_can_count_as_a_known_touchpoint(client: Client) -> None:
    revision = client.get("/api/inventory")["revision"]
    body = {"revision": revision, "touchpoint": {"like": "page_view"}}
    assert set(sent(client, "/api/inventory/web-site", body)["names"]) == {"visit", "web-site"}
    assert sent(client, "/api/inventory/web-site", {"revision": revision + 1, "touchpoint": {"like": "moon"}}, 404)


def test_a_workspace_reads_and_writes_its_touchpoints_in_python(tmp_path: Path) -> None:
    ws: Workspace = shop(tmp_path)
    found = ws.inventory()
    assert found is ws.inventory()
    assert found.goals == ("online_purchase",)
    assert ws.touchpoint("order").conversion is not None
    id, revision = ws.edit_touchpoint("visit", {"goal": "Gefunden"}, lang="de", revision=0)
    assert (id, revision, ws.registry_revision()) == ("page_view", 1, 1)
    with pytest.raises(WorkspaceBusy):
        ws.edit_touchpoint("visit", {"goal": "x"}, revision=0)
    point = ws.registry().find("page_view")
    assert point is not None
    assert point.goal == {"de": "Gefunden", "en": "Visitors find what they look for"}
    assert ws.pull("registry").startswith("extends: default\n")
    ws.close()


def test_the_command_line_shows_a_card_and_changes_a_field(folder: Path) -> None:
    def run(*arguments: str) -> str:
        command = [sys.executable, "-c", "from etappe.apps.cli import main; main()", "touchpoints", *arguments]
        done = subprocess.run([*command, "-w", str(folder)], capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "Kontaktpunkte" in run()
    assert json.loads(run("faq", "--set", "owner=Service", "--json"))["owner"] == "Service"
    assert "Reichweite" in run("visit")
    assert {"touchpoints", "undiscovered", "entries", "coverage"} <= set(json.loads(run("--json")))
    listed = json.loads(run("--all", "--json"))["touchpoints"]
    assert next(one for one in listed if one["touchpoint"] == "faq")["owner"] == "Service"
    assert open_workspace(folder).registry_revision() > 0
