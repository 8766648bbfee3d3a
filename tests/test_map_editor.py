"""The map editor in Chromium: writing, moving, binding, two people at once, undo, history, and the five-step wizard."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from etappe.apps.workspace import open as open_workspace
from servers import Client, served
from test_screens import LOOKS, MAP, Opened
from workspaces import shop, written

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="needs Debian's chromium"),
]
SCREENS = {
    "edit": "/maps/shop?edit=1",
    "cell": "/maps/shop?edit=1&part=cell+p+@+s2",
    "empty cell": "/maps/shop?edit=1&part=cell+p+@+s1",
    "step": "/maps/shop?edit=1&part=step+s1",
    "stage": "/maps/shop?edit=1&part=stage+a",
    "lane": "/maps/shop?edit=1&part=lane+g",
    "about": "/maps/shop?edit=1&part=map",
    "history": "/maps/shop?part=history",
    "grid": "/maps/shop?view=grid",
    "ways": "/maps/shop?view=flow",
    "blueprint": "/maps/shop?view=blueprint",
    "plan": "/maps/shop?view=plan&split=age",
    "opportunities": "/maps/shop?view=portfolio",
    "new": "/maps/new",
    **{f"wizard {i}": f"/maps/shop?wizard={i}" for i in range(1, 6)},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace = shop(tmp_path_factory.mktemp("editor"))
    workspace.put(MAP, "map.yaml")
    workspace.close()
    return workspace.folder


@pytest.fixture(scope="module")
def client(folder: Path) -> Iterator[Client]:
    with served(folder) as found:
        yield found


def cell(page: Page, lane: str, column: str):
    """A cell in the editor, by its lane's and its step's title."""
    return page.locator("td .cell", has=page.get_by_role("button", name=f"{lane}, {column}: schreiben"))


def write(page: Page, lane: str, column: str, text: str) -> None:
    page.get_by_role("button", name=f"{lane}, {column}: schreiben").click()
    page.get_by_role("textbox", name=f"{lane}, {column}").fill(text)
    page.keyboard.press("Enter")


def saved(page: Page) -> None:
    expect(page.get_by_text("Alles gespeichert")).to_be_visible()


def fresh(client: Client, title: str) -> str:
    """A map of its own for a test."""
    import json

    status, _, body = client.send("POST", "/api/maps", {"from": "copy", "id": "shop", "title": title})
    assert status == 200
    return str(json.loads(body)["id"])


@pytest.mark.parametrize(("width", "lang", "theme"), LOOKS)
def test_every_part_of_the_editor_is_accessible_and_within_the_window(
    browser: Browser, client: Client, width: int, lang: str, theme: str
):
    opened = Opened(browser, client.address, width, lang, theme)
    found = {}
    for name, path in SCREENS.items():
        page = opened.go(path)
        page.wait_for_load_state("networkidle")
        violations = [
            f"{rule['id']}: {rule['nodes'][0]['html'][:200]}" for rule in Axe().run(page).response["violations"]
        ]
        wide = page.evaluate("document.documentElement.scrollWidth") > width
        found[name] = [
            *violations,
            *page.evaluate("window.refused"),
            *opened.complaints,
            *(["too wide"] if wide else []),
        ]
        opened.complaints.clear()
    opened.context.close()
    assert {name: faults for name, faults in found.items() if faults} == {}


def test_a_cell_is_written_kept_and_taken_back(window: Opened, client: Client):
    name = fresh(client, "Schreiben")
    page = window.go(f"/maps/{name}")
    page.get_by_role("button", name="Bearbeiten", exact=True).click()
    write(page, "Hürden", "besucht", "findet die Seite nicht")
    saved(page)
    page.reload()
    expect(cell(page, "Hürden", "besucht")).to_contain_text("findet die Seite nicht")
    write(page, "Hürden", "besucht", "findet nichts")
    saved(page)
    page.get_by_role("button", name="Rückgängig").click()
    expect(cell(page, "Hürden", "besucht")).to_contain_text("findet die Seite nicht")
    page.get_by_role("button", name="Wiederholen").click()
    expect(cell(page, "Hürden", "besucht")).to_contain_text("findet nichts")
    page.get_by_role("button", name="Verlauf").click()
    expect(page.get_by_role("dialog")).to_contain_text("Hürden · besucht")
    page.get_by_role("dialog").get_by_role("button", name="Wiederherstellen").last.click()
    expect(cell(page, "Hürden", "besucht")).not_to_contain_text("findet")


def test_escape_leaves_a_cell_as_it_was(window: Opened, client: Client):
    page = window.go(f"/maps/{fresh(client, 'Escape')}?edit=1")
    page.get_by_role("button", name="Gedanken, besucht: schreiben").click()
    page.keyboard.type(" oder doch nicht")
    page.keyboard.press("Escape")
    expect(cell(page, "Gedanken", "besucht")).to_contain_text("Passt er?")
    expect(cell(page, "Gedanken", "besucht")).not_to_contain_text("doch nicht")


def test_a_step_moves_by_keyboard_by_button_and_by_mouse(window: Opened, client: Client):
    page = window.go(f"/maps/{fresh(client, 'Bewegen')}?edit=1")
    steps = page.locator("thead .steps th[scope=col] .title")
    expect(steps).to_have_text(["besucht", "kauft"])
    page.get_by_role("button", name="Schritt in „Vorher“ hinzufügen").click()
    expect(steps).to_have_text(["besucht", "Neuer Schritt", "kauft"])
    new = page.locator("thead .part", has_text="Neuer Schritt")
    new.focus()
    page.keyboard.press("Alt+ArrowLeft")
    expect(steps).to_have_text(["Neuer Schritt", "besucht", "kauft"])
    new.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Nach rechts").click()
    dialog.get_by_role("button", name="Nach rechts").click()
    expect(dialog.get_by_label("Phase")).to_have_value("b")
    dialog.get_by_label("Titel").fill("fragt nach")
    page.keyboard.press("Tab")
    expect(steps).to_have_text(["besucht", "fragt nach", "kauft"])
    page.keyboard.press("Escape")
    page.locator("thead .part", has_text="kauft").drag_to(
        page.locator("thead th", has_text="besucht"), target_position={"x": 8, "y": 30}
    )
    expect(steps).to_have_text(["kauft", "besucht", "fragt nach"])
    page.locator("thead .part", has_text="fragt nach").click()
    page.get_by_role("dialog").get_by_role("button", name="Schritt entfernen").click()
    expect(steps).to_have_text(["kauft", "besucht"])
    saved(page)


def test_a_lane_moves_and_a_curve_is_drawn_by_choosing(window: Opened, client: Client):
    page = window.go(f"/maps/{fresh(client, 'Spuren')}?edit=1")
    lanes = page.locator("tbody th .part")
    expect(lanes).to_have_text(["Gedanken", "Gefühl", "Kennzahl", "Hürden", "Dahinter"])
    page.get_by_role("button", name="Hürden", exact=True).focus()
    page.keyboard.press("Alt+ArrowUp")
    expect(lanes).to_have_text(["Gedanken", "Gefühl", "Hürden", "Kennzahl", "Dahinter"])
    page.get_by_label("Gefühl, besucht", exact=True).select_option("2")
    expect(page.locator("td.emotion")).to_contain_text("+2,0")
    saved(page)


def test_a_metric_is_bound_with_its_live_value_and_let_go(window: Opened, client: Client):
    page = window.go(f"/maps/{fresh(client, 'Belege')}?edit=1")
    page.get_by_role("button", name="Hürden, besucht: alles bearbeiten").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Beleg anbinden").click()
    expect(dialog).to_contain_text("brechen ab")
    dialog.get_by_role("button", name="„brechen ab“ anbinden").click()
    expect(cell(page, "Hürden", "besucht")).to_contain_text("brechen ab")
    dialog.get_by_role("button", name="Beleg „brechen ab“ lösen").click()
    expect(cell(page, "Hürden", "besucht")).not_to_contain_text("brechen ab")


def test_the_number_of_any_question_is_bound(window: Opened, client: Client):
    page = window.go(f"/maps/{fresh(client, 'Fragen')}?edit=1")
    page.get_by_role("button", name="Hürden, besucht: alles bearbeiten").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Beleg anbinden").click()
    dialog.get_by_role("combobox", name="Aus").select_option(label="Übergänge")
    dialog.get_by_role("button", name="„Webseite · Online-Shop: Journeys“ anbinden").click()
    expect(cell(page, "Hürden", "besucht")).to_contain_text("Webseite · Online-Shop: Journeys")


def test_a_comment_has_a_name_given_once(window: Opened, client: Client):
    page = window.go(f"/maps/{fresh(client, 'Kommentare')}?edit=1&part=cell+p+@+s2")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Kommentar", exact=True).fill("Stimmt das noch?")
    dialog.get_by_label("Ihr Name").fill("Lena")
    dialog.get_by_role("button", name="Kommentieren").click()
    expect(dialog).to_contain_text("Stimmt das noch?")
    expect(cell(page, "Hürden", "kauft").get_by_title("1 offener Kommentar")).to_be_visible()
    page.reload()
    expect(page.get_by_role("dialog").get_by_label("Ihr Name")).to_have_value("Lena")
    page.get_by_role("dialog").get_by_role("button", name="Erledigt").click()
    expect(page.get_by_title("1 offener Kommentar")).to_have_count(0)


def test_two_people_at_one_map_see_each_other_and_lose_nothing(browser: Browser, client: Client):
    name = fresh(client, "Zu zweit")
    windows = [Opened(browser, client.address) for _ in range(2)]
    one, two = (opened.go(f"/maps/{name}?edit=1") for opened in windows)
    write(one, "Hürden", "besucht", "von der ersten")
    write(two, "Gedanken", "kauft", "vom zweiten")
    for page in (one, two):
        expect(cell(page, "Hürden", "besucht")).to_contain_text("von der ersten", timeout=4000)
        expect(cell(page, "Gedanken", "kauft")).to_contain_text("vom zweiten", timeout=4000)
    # Both write in the same cell before either has seen the other: both texts are shown, and one is chosen.
    two.route("**/version", lambda route: route.abort())
    two.wait_for_timeout(300)
    write(one, "Gedanken", "besucht", "A")
    saved(one)
    write(two, "Gedanken", "besucht", "B")
    conflict = two.get_by_role("alert").filter(has_text="Inzwischen hat jemand anders gespeichert")
    expect(conflict).to_contain_text("A")
    conflict.get_by_role("button", name="Meinen nehmen").click()
    two.unroute("**/version")
    expect(cell(one, "Gedanken", "besucht")).to_contain_text("B", timeout=5000)
    for opened in windows:
        opened.context.close()


def test_what_was_typed_without_a_server_is_saved_when_it_is_back(browser: Browser, folder: Path, client: Client):
    name = fresh(client, "Ohne Netz")
    opened = Opened(browser, client.address)
    page = opened.go(f"/maps/{name}?edit=1")
    expect(cell(page, "Hürden", "besucht")).to_be_visible(timeout=20_000)
    page.wait_for_load_state("networkidle")
    opened.context.set_offline(True)
    write(page, "Hürden", "besucht", "ohne Netz geschrieben")
    expect(page.get_by_text("Keine Verbindung: 1 Änderung wartet")).to_be_visible()
    expect(cell(page, "Hürden", "besucht")).to_contain_text("ohne Netz geschrieben")
    opened.context.set_offline(False)
    saved(page)
    opened.context.close()
    assert "ohne Netz geschrieben" in open_workspace(folder).pull("map", name)


def test_new_events_show_on_the_map_within_two_seconds(browser: Browser, folder: Path, client: Client, tmp_path: Path):
    opened = Opened(browser, client.address)
    page = opened.go("/maps/shop?period=all")
    value = page.locator("td .metric .value").first
    expect(value).to_contain_text("66,7")
    more = "user;at;what;where;amount;shop_order\n9;2026-03-07T10:00:00+01:00;order;web;5,00;A9\n"
    ws = open_workspace(folder)
    ws.import_files([written(tmp_path, "more.csv", more)], mapping=folder.parent / "shop.toml")
    ws.close()
    expect(value).to_contain_text("100", timeout=2500)
    opened.context.close()


@pytest.mark.requirement("002-14", "002-16", "002-17", "002-18")
def test_a_map_is_made_in_the_five_steps_of_the_wizard(window: Opened):
    page = window.go("/maps")
    page.get_by_role("link", name="Neue Karte").click()
    page.get_by_label("Wovon handelt die Karte?").fill("Der erste Kauf")
    page.get_by_label("Mit den Kontaktpunkten aus den Daten").check()
    page.get_by_role("button", name="Karte anlegen").click()
    page.get_by_label("Kontaktpunkt", exact=True).select_option("delivery")
    page.get_by_role("button", name="Hinzufügen").click()
    page.get_by_role("link", name="Weiter: Personas").click()
    page.get_by_label("Persona").fill("Lena")
    page.get_by_role("button", name="Hinzufügen").click()
    expect(page.locator("main")).to_contain_text("Lena")
    page.get_by_role("link", name="Weiter: Ziele").click()
    page.get_by_label(re.compile("Lieferung")).fill("Das Paket kommt an")
    page.get_by_role("link", name="Weiter: Studien").click()
    page.get_by_label("Was wurde untersucht?").fill("Befragung an der Kasse")
    page.get_by_role("button", name="Studie hinzufügen").click()
    expect(page.locator("main")).to_contain_text("Befragung an der Kasse")
    page.get_by_role("link", name="Weiter: Prüfung").click()
    page.get_by_label("Prüfen alle").select_option("90d")
    expect(page.get_by_text("Alles gespeichert")).to_be_visible()
    page.get_by_role("link", name="Zur Karte").click()
    expect(page.locator("h1")).to_have_text("Der erste Kauf")
    expect(page.get_by_role("button", name="Fertig")).to_be_visible()


def test_each_view_tells_the_same_map(window: Opened, client: Client):
    name = fresh(client, "Ansichten")
    page = window.go(f"/maps/{name}?view=grid")
    expect(page.get_by_role("listitem").filter(has_text="Besuch")).to_contain_text("100,0 %")
    page.get_by_role("button", name="Wege").click()
    expect(page.get_by_role("img", name=re.compile("der .* Wege zwischen Kontaktpunkten"))).to_be_visible()
    page.get_by_text("Als Tabelle").click()
    expect(page.get_by_role("row", name=re.compile("Besuch Kasse"))).to_contain_text("geplant")
    page.get_by_role("button", name="Plan", exact=True).click()
    expect(page.get_by_text("gehen den Weg ganz wie geplant")).to_be_visible()
    page.get_by_role("row", name=re.compile("kauft")).get_by_role("button").first.click()
    expect(page.get_by_role("dialog")).to_contain_text("Personen")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Blueprint").click()
    expect(page.locator("tbody th")).to_have_count(1)
    page.get_by_role("button", name="Chancen", exact=True).click()
    page.get_by_role("button", name="Bearbeiten", exact=True).click()
    page.get_by_label("Neue Chance").fill("Versand ab 20 Euro frei")
    page.get_by_role("button", name="Chance anlegen").click()
    page.get_by_label("Wirkung", exact=True).select_option("5")
    page.get_by_label("Aufwand", exact=True).select_option("2")
    saved(page)
    expect(page.locator(".plot .dot")).to_have_text("1")
