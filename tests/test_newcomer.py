"""A newcomer in German: an empty workspace, import, a map, three cells bound, a persona, a page to pass on, PDF."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from servers import Client, served
from test_persona_screens import rows
from test_screens import Opened
from workspaces import made, written

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="needs Debian's chromium"),
]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    workspace = made(tmp_path_factory.mktemp("newcomer"))
    workspace.close()
    with served(workspace.folder) as found:
        yield found


def bind(page: Page, lane: str, column: str, metric: str) -> None:
    page.get_by_role("button", name=f"{lane}, {column}: alles bearbeiten").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Beleg anbinden").click()
    dialog.get_by_role("button", name=f"„{metric}“ anbinden").click()
    expect(dialog.get_by_role("button", name=f"Beleg „{metric}“ lösen")).to_be_visible()
    page.keyboard.press("Escape")


def accessible(page: Page) -> None:
    for theme in ("light", "dark"):
        page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
        page.wait_for_timeout(250)  # colours change over a moment
        assert [rule["id"] for rule in Axe().run(page).response["violations"]] == []


@pytest.mark.requirement("003-18")
def test_from_nothing_to_a_map_that_is_passed_on(browser: Browser, client: Client, tmp_path: Path):
    opened = Opened(browser, client.address)
    page = opened.go("/")
    page.get_by_role("link", name="Quelle anbinden").first.click()
    page.locator("input[type=file]").set_input_files(written(tmp_path, "kontakte.csv", rows()))
    page.get_by_role("button", name="Importieren").click(timeout=30_000)
    expect(page.locator("main")).to_contain_text("Ereignisse", timeout=60_000)

    page.get_by_role("navigation", name="Bereiche").get_by_role("link", name="Karten").click()
    page.get_by_role("link", name="Neue Karte").click()
    page.get_by_label("Wovon handelt die Karte?").fill("Vom Suchen zum Wiederkauf")
    page.get_by_role("button", name="Karte anlegen").click()
    page.get_by_role("link", name="Weiter: Personas").click()
    page.get_by_label("Persona").fill("Lena")
    page.get_by_role("button", name="Hinzufügen").click()
    for step in ("Ziele", "Studien", "Prüfung"):
        page.get_by_role("link", name=f"Weiter: {step}").click()
    page.get_by_role("link", name="Zur Karte").click()
    expect(page.get_by_role("button", name="Fertig")).to_be_visible()
    accessible(page)

    titles = page.locator("thead .steps th[scope=col] .title").all_inner_texts()
    assert len(titles) >= 4
    bind(page, "Hürden", titles[0], "brechen ab")
    bind(page, "Hürden", titles[1], "bis dahin (Median)")
    bind(page, "Chancen", titles[2], "Anteil an allen Journeys")
    expect(page.get_by_text("Alles gespeichert")).to_be_visible()

    page.get_by_role("button", name="Stand festhalten").click()
    expect(page.get_by_text("Alles gespeichert")).to_be_visible()
    page.get_by_role("button", name="Herunterladen").click()
    with page.expect_download() as shared:
        page.get_by_role("link", name="Seite zum Weitergeben (HTML)").click()
    passed_on = tmp_path / "karte.html"
    shared.value.save_as(passed_on)
    text = passed_on.read_text(encoding="utf-8")
    assert "Vom Suchen zum Wiederkauf" in text
    assert "weniger als 10 Personen" in text
    assert "<script" not in text
    page.get_by_role("button", name="Herunterladen").click()
    with page.expect_download() as printed:
        page.get_by_role("link", name="PDF", exact=True).click()
    assert Path(printed.value.path()).read_bytes().startswith(b"%PDF-")

    # The page that was passed on is read where nothing of Etappe runs, and without JavaScript.
    plain = browser.new_context(java_script_enabled=False, locale="de")
    reader = plain.new_page()
    reader.goto(passed_on.as_uri())
    expect(reader.get_by_role("heading", name="Vom Suchen zum Wiederkauf")).to_be_visible()
    expect(reader.get_by_role("table")).to_contain_text(titles[0])
    plain.close()
    assert [one for one in opened.complaints if not re.search("favicon", one)] == []
    opened.context.close()
