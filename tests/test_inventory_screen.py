"""The screen of touchpoints in Chromium: the table, the 2x2 matrix, a score card, editing, and taking a name in."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from servers import Client, served
from test_inventory_api import EXTRA
from test_screens import LOOKS, Opened
from workspaces import shop, written

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="needs Debian's chromium"),
]
SCREENS = {
    "table": "/touchpoints",
    "all": "/touchpoints?show=all",
    "dark": "/touchpoints?show=dark&open=poster",
    "matrix": "/touchpoints?view=matrix&show=all",
    "card": "/touchpoints?open=page_view",
    "form": "/touchpoints?open=page_view&edit=1",
    "unknown": "/touchpoints?show=unknown&open=web-site&edit=1",
}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    ws = shop(tmp_path_factory.mktemp("touchpoints"))
    file: Path = written(ws.folder.parent, "extra.csv", EXTRA)
    ws.import_files([file])
    ws.close()
    with served(ws.folder) as found:
        yield found


@pytest.mark.parametrize(("width", "lang", "theme"), LOOKS)
def test_every_view_is_accessible_and_within_the_window(
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
        found[name] = [*violations, *opened.complaints, *(["too wide"] if wide else [])]
        opened.complaints.clear()
    opened.context.close()
    assert {name: faults for name, faults in found.items() if faults} == {}


@pytest.mark.requirement("000-14", "004-03")
def test_the_main_finding_stands_above_and_the_list_can_be_narrowed(window: Opened):
    page = window.go("/touchpoints")
    expect(page.get_by_role("heading", name="Kontaktpunkte")).to_be_visible()
    expect(page.get_by_text("bekannte Kontaktpunkte erklären")).to_be_visible()
    page.get_by_label("Zeigen").select_option("unknown")
    expect(page.get_by_role("row")).to_have_count(3)
    page.get_by_label("Zeigen").select_option("all")
    page.get_by_label("Kategorie").select_option("analog indirect")
    expect(page.get_by_role("row")).to_have_count(4)
    assert "category=analog" in page.url
    page.get_by_label("Ansicht").select_option("matrix")
    page.get_by_role("button", name="Medienbericht").click()
    expect(page.get_by_role("dialog")).to_contain_text("Andere sprechen über das Angebot")


@pytest.mark.requirement("000-14", "002-16")
def test_a_name_is_taken_in_as_a_touchpoint_and_gets_a_goal(window: Opened):
    page = window.go("/touchpoints?show=unknown")
    page.get_by_role("button", name="/pick up").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Bitte prüfen")
    dialog.get_by_role("button", name="Als Kontaktpunkt übernehmen").click()
    dialog.get_by_label("Name", exact=True).fill("Abholung")
    dialog.get_by_role("button", name="Als Kontaktpunkt übernehmen").click()
    expect(dialog.get_by_role("heading", name="Abholung")).to_be_visible()
    expect(dialog).to_contain_text("Kein Ziel gesetzt")
    expect(dialog).to_contain_text("Ein klares Ziel setzen")
    dialog.get_by_role("button", name="Bearbeiten").click()
    dialog.get_by_label("Ziel", exact=False).first.fill("In drei Minuten fertig")
    dialog.get_by_label("Kennzahl").select_option("reach")
    dialog.get_by_label("Zielwert").fill("viel")
    dialog.get_by_role("button", name="Speichern").click()
    expect(dialog.get_by_role("alert")).to_be_visible()
    dialog.get_by_label("Zielwert").fill("25 %")
    window.complaints.clear()  # Chromium writes a refused request to the console
    dialog.get_by_role("button", name="Speichern").click()
    expect(dialog).to_contain_text("Reichweite mindestens 25 %")
    expect(dialog).not_to_contain_text("Kein Ziel gesetzt")
    page.get_by_label("Zeigen").select_option("data")
    expect(page.get_by_role("row", name="Abholung")).to_be_visible()


def test_somebody_elses_change_is_not_overwritten(browser: Browser, client: Client):
    opened = Opened(browser, client.address)
    page = opened.go("/touchpoints?open=faq&show=all&edit=1")
    page.get_by_role("dialog").get_by_label("Zuständig").fill("Service")
    seen = client.get("/api/inventory")["revision"]
    body = {"revision": seen, "touchpoint": {"owner": "Vertrieb"}}
    assert client.send("POST", "/api/inventory/company_blog", body)[0] == 200
    page.get_by_role("dialog").get_by_role("button", name="Speichern").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_role("dialog").get_by_label("Zuständig")).to_have_value("Service")
    page.get_by_role("alert").get_by_role("button").click()
    expect(page.get_by_role("alert")).to_have_count(0)
    page.wait_for_load_state("networkidle")  # the newest revision has come
    page.get_by_role("dialog").get_by_role("button", name="Speichern").click()
    expect(page.get_by_role("dialog")).to_contain_text("Service", timeout=15_000)
    expect(page.get_by_text("Gespeichert.")).to_be_visible()
    opened.context.close()
