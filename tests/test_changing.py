"""Opportunities, tasks and outcomes over HTTP and in Chromium: from a finding in Explore to an effect, in German."""

import json
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from servers import Client, served
from test_portfolio import ASKED, MAP, MAPPING, recorded, rows
from test_screens import LOOKS, Opened
from workspaces import made, written

SCREENS = {
    "opportunities": "/opportunities",
    "one": "/opportunities?open=kauf/kuerzeres-formular",
    "tasks": "/tasks?show=all&open=1",
    "outcomes": "/outcomes?edit=1",
}
needs_browser = [
    pytest.mark.browser,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="needs Debian's chromium"),
]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    at = tmp_path_factory.mktemp("changing")
    ws = made(at)
    ws.import_files([written(at, "shop.csv", "\n".join(rows()))], mapping=written(at, "shop.toml", MAPPING))
    ws.put(MAP, "map.yaml")
    id = recorded(ws, title="Kürzeres Formular", impact=5, effort=2, owner="E-Commerce", author="Lena")
    ws.decide("kauf", id, "running", note="Zu viele Felder", author="Jan", started="2026-06-29")
    ws.decide("kauf", id, "done", author="Jan", finished="2026-07-01")
    ws.add_task("Felder streichen", author="Lena", department="IT", due="2026-01-01", map="kauf", opportunity=id)
    ws.close()
    with served(ws.folder) as found:
        yield found


def sent(client: Client, path: str, body: dict[str, Any], status: int = 200) -> Any:
    got, _, answer = client.send("POST", path, body)
    assert got == status, answer
    return json.loads(answer)


@pytest.mark.requirement("002-23", "000-07")
def test_the_portfolio_tells_findings_effects_and_tasks(client: Client) -> None:
    found = client.get("/api/portfolio?lang=de")
    one = next(row for row in found["opportunities"] if row["id"] == "kuerzeres-formular")
    assert found["sentence"].endswith("messbar besser wurde es bei 1.")
    assert one["effects"][0]["verdict"] == "better"
    assert one["effects"][0]["text"].startswith("Weiter bis Online-Shop: von 3")
    assert (one["tasks"]["open"], one["tasks"]["late"]) == (1, 1)
    whole = client.get("/api/portfolio/kauf/kuerzeres-formular?lang=en&days=7")
    assert [task["title"] for task in whole["task_list"]] == ["Felder streichen"]
    assert [made["note"] for made in whole["decisions"]] == ["", "Zu viele Felder", ""]
    assert len(whole["effects"][0]["periods"]) == 6
    assert client.get("/api/decisions?lang=en")["decisions"][0]["text"] == "“Kürzeres Formular”: running → done"


def test_a_finding_is_kept_over_http_and_bad_ones_are_refused(client: Client) -> None:
    row = {"touchpoint": "add_to_cart", "signal": "exit"}
    asked = {"question": "friction", "goal": "order"}
    kept = sent(client, "/api/portfolio", {"map": "kauf", "question": asked, "row": row, "impact": 3})
    assert client.get(f"/api/portfolio/kauf/{kept['id']}")["numbers"][0]["state"] == "fresh"
    for body, status, where in (
        ({"map": "kauf", "row": row}, 400, "question"),
        ({"map": "moon", "question": asked, "row": row}, 404, "maps"),
        ({"map": "kauf", "question": asked, "row": {"touchpoint": "x", "signal": "exit"}}, 400, "row"),
        ({"map": "kauf", "question": asked, "row": row, "impact": "much"}, 400, "impact"),
        ({"map": "kauf", "question": asked, "row": row, "impact": 9}, 400, "map kauf: opportunities[2].impact"),
        ({"map": "kauf", "question": asked, "row": row, "title": "x" * 5000}, 400, "title"),
    ):
        assert sent(client, "/api/portfolio", body, status)["where"] == where
    assert sent(client, f"/api/portfolio/kauf/{kept['id']}/decide", {"status": "maybe"}, 404)["where"] == "status"
    dropped = sent(client, f"/api/portfolio/kauf/{kept['id']}/decide?lang=en", {"status": "dropped"})
    assert dropped["status_text"] == "dropped"


@pytest.mark.requirement("000-21")
def test_a_task_is_made_handed_over_talked_about_and_deleted(client: Client) -> None:
    one = sent(client, "/api/tasks", {"title": "Anrufen", "department": "Service", "author": "Lena"})
    at = f"/api/tasks/{one['id']}"
    handed = sent(client, f"{at}?lang=de", {"department": "IT", "note": "bitte", "author": "Lena"})
    assert [(step["text"], step["note"]) for step in handed["steps"]] == [
        ("Angelegt: Anrufen", ""), ("Abteilung: Service → IT", "bitte"),
    ]  # fmt: skip
    said = sent(client, f"{at}/comments", {"text": "Bis wann?", "author": "Mia"})
    sent(client, f"{at}/comments", {"id": said["id"], "done": True})
    assert [c["done"] for c in client.get(at)["comments"]] == [True]
    sent(client, f"{at}/comments", {"text": " ", "author": "Mia"}, 400)
    sent(client, f"{at}/comments", {"id": 99}, 404)
    sent(client, at, {"status": "maybe"}, 404)
    for strange in ("colour", "self", "task_id", "note2"):
        sent(client, at, {strange: 1}, 404)
        sent(client, "/api/tasks", {"title": "x", strange: 1}, 404)
    sent(client, "/api/tasks", {"title": ["x"]}, 400)
    for number in (0, 2**31, 2**63, 2**70):
        assert client.send("GET", f"/api/tasks/{number}")[0] == 404
        sent(client, f"/api/tasks/{number}/delete", {}, 404)
        sent(client, f"{at}/comments", {"id": number, "done": True}, 404)
    assert sent(client, f"{at}/delete", {})["deleted"]
    assert client.send("GET", at)[0] == 404


@pytest.mark.requirement("000-09")
def test_the_board_is_read_and_decided_over_http(client: Client) -> None:
    board = client.get("/api/outcomes?lang=de")
    assert [one["benefit"] for one in board["outcomes"]] == ["needs", "marketing", "conversion", "retention", "roi"]
    assert all(one["text"] != "–" for one in board["outcomes"])
    sent(client, "/api/outcomes", {"costs": 1000, "benefit": "roi", "target": 50})
    roi = client.get("/api/outcomes?lang=de")["outcomes"][-1]
    assert (roi["label"], roi["reached"]) == ("Ertrag auf die Kosten des Marketings", True)
    assert "Ziel" in roi["target_text"]
    sent(client, "/api/outcomes", {"benefit": "conversion", "choice": "reach"})
    choices = client.get("/api/outcomes?lang=en")["outcomes"][2]["choices"]
    assert [one["value"] for one in choices] == ["reach", "others"]
    assert client.get("/api/outcomes?lang=en")["outcomes"][2]["source"] == "chosen"
    for body in (
        {"benefit": "luck"},
        {"benefit": "roi", "choice": "9"},
        {"costs": "much"},
        {"costs": -1},
        {"costs": 10**400},
        {"benefit": "roi", "target": 10**400},
        {"benefit": "roi", "choice": "²"},
    ):
        sent(client, "/api/outcomes", body, 400)
    sent(client, "/api/outcomes", {"costs": None, "benefit": "roi", "target": None})
    for days in (30, 0, 7_000_007, 7_000_000_000):
        assert client.send("GET", f"/api/outcomes?days={days}")[0] == 400


# -- screens -----------------------------------------------------------------------------------------------------


class TestScreens:
    pytestmark = needs_browser

    @pytest.mark.parametrize(("width", "lang", "theme"), LOOKS)
    def test_every_screen_is_accessible_and_within_the_window(
        self, browser: Browser, client: Client, width: int, lang: str, theme: str
    ) -> None:
        opened = Opened(browser, client.address, width, lang, theme)
        found = {}
        for name, path in SCREENS.items():
            page = opened.go(path)
            page.wait_for_load_state("networkidle")
            rules = Axe().run(page).response["violations"]
            violations = [f"{rule['id']}: {rule['nodes'][0]['html'][:200]}" for rule in rules]
            wide = page.evaluate("document.documentElement.scrollWidth") > width
            found[name] = [*violations, *opened.complaints, *(["too wide"] if wide else [])]
            opened.complaints.clear()
        opened.context.close()
        assert {name: faults for name, faults in found.items() if faults} == {}

    @pytest.mark.requirement("000-06", "002-23", "000-21", "001-16")
    def test_from_a_finding_to_a_task_and_a_decision(self, window: Opened) -> None:
        page = window.go("/explore?tab=friction&goal=order")
        page.get_by_role("cell").get_by_role("button").first.click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_role("button", name="Als Chance festhalten").click()
        dialog.get_by_label("Chance", exact=True).fill("Warenkorb merken")
        dialog.get_by_label("Wirkung (1–5)").select_option("4")
        dialog.get_by_label("Aufwand (1–5)").select_option("1")
        dialog.get_by_label("Abteilung").fill("E-Commerce")
        dialog.get_by_role("button", name="Festhalten", exact=True).click()
        dialog.get_by_role("link", name="Zur Chance").click()
        chance = page.get_by_role("dialog", name="Warenkorb merken")
        expect(chance).to_contain_text("Befund:")
        chance.get_by_label("Was ist zu tun?").fill("Keks setzen")
        chance.get_by_label("Abteilung").fill("IT")
        chance.get_by_label("Von", exact=True).fill("Lena")
        chance.get_by_role("button", name="Aufgabe anlegen").click()
        expect(chance.get_by_role("link", name="Keks setzen")).to_be_visible()
        chance.get_by_role("button", name="Entscheiden").click()
        chance.get_by_label("Stand").select_option("done")
        chance.get_by_label("Begonnen am").fill("2026-06-29")
        chance.get_by_label("Für alle seit").fill("2026-07-01")
        chance.get_by_label("Warum?").fill("Viele gehen hier")
        chance.get_by_role("button", name="Entscheidung festhalten").click()
        expect(chance).to_contain_text("vorher")
        expect(chance).to_contain_text("Viele gehen hier")
        expect(chance).to_contain_text("kein Versuch")
        chance.get_by_role("link", name="Keks setzen").click()
        task = page.get_by_role("dialog", name="Keks setzen")
        task.get_by_role("button", name="Übergeben").click()
        task.get_by_label("Person").fill("Mia")
        task.get_by_label("Nachricht dazu").fill("Du kennst das")
        task.get_by_role("form", name="Übergeben").get_by_role("button", name="Übergeben").click()
        expect(task).to_contain_text("Person: – → Mia")
        task.get_by_role("button", name="Erledigt").click()
        expect(task).to_contain_text("Stand: offen → erledigt")
        page.get_by_role("button", name="Schließen").click()
        page.get_by_label("Zeigen").select_option("done")
        expect(page.get_by_role("checkbox", name="„Keks setzen“ erledigt")).to_be_checked()
        page.get_by_role("link", name="Wirkung").click()
        expect(page.get_by_text("„Warenkorb merken“: Idee → fertig")).to_be_visible()

    def test_a_figure_and_a_target_are_chosen(self, window: Opened) -> None:
        page = window.go("/outcomes?edit=1")
        tile = page.locator("section").filter(has=page.get_by_role("heading", name="Mehr Abschlüsse"))
        tile.get_by_label("Ziel").fill("viel")
        tile.get_by_label("Ziel").press("Tab")
        expect(page.get_by_role("alert")).to_be_visible()
        window.complaints.clear()  # Chromium writes a refused request to the console
        tile.get_by_label("Ziel").fill("99")
        tile.get_by_label("Ziel").press("Tab")
        expect(tile).to_contain_text("noch nicht erreicht")
        page.get_by_label("Zeitraum").select_option("7")
        expect(tile).to_contain_text("25.08.2026 – 31.08.2026")


def test_what_was_asked_is_what_is_kept(client: Client) -> None:
    row = {"position": 2, "step": "order"}
    kept = sent(
        client,
        "/api/portfolio",
        {"map": "kauf", "question": ASKED, "row": row, "from": "2026-08-01", "to": "2026-08-31"},
    )
    one = client.get(f"/api/portfolio/kauf/{kept['id']}?lang=de")
    assert one["finding"].endswith("(01.08.2026 – 31.08.2026)")
    assert one["numbers"][0]["n"] > 1000
