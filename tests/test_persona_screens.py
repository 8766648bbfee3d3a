"""The screens of personas in Chromium: found in the data, described by hand, edited, and a map drafted from one."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from planted_personas import planted
from servers import Client, served
from test_screens import LOOKS, Opened
from workspaces import made, written

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="needs Debian's chromium"),
]
SCREENS = {
    "gallery": "/personas",
    "describe": "/personas?add=hand",
    "one": "/personas/immer-wieder",
    "edit": "/personas/immer-wieder?edit=1",
}


def rows() -> str:
    """The touchpoints of planted customers (synthetic) as a file."""
    j = planted("three", 500).journeys
    channel = j.column("channel")
    lines = ["customer,time,touchpoint,channel"]
    for c in range(len(j)):
        for i in range(int(j.offsets[c]), int(j.offsets[c + 1])):
            at = datetime.fromtimestamp(int(j.time_us[i]) / 1e6, UTC).isoformat()
            lines.append(f"k{c},{at},{j.touchpoints[j.touchpoint[i]]},{channel.names[channel.codes[i]]}")
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    folder = tmp_path_factory.mktemp("personas")
    workspace = made(folder)
    mapping = 'customer = "customer"\ntime = "time"\ntouchpoint = "touchpoint"\nchannel = "channel"\n'
    workspace.import_files([written(folder, "planted.csv", rows())], mapping=written(folder, "m.toml", mapping))
    workspace.close()
    with served(workspace.folder) as found:
        document = {
            "schema": "persona/1", "id": "immer-wieder", "title": "Immer wieder", "kind": "rule",
            "rule": "did online_purchase then online_purchase",
            "behaviour": [{"text": "kauft wieder", "measured": {"feature": "touchpoints"}}],
            "wishes": [{"text": "schnell fertig sein"}],
        }  # fmt: skip
        assert found.send("POST", "/api/personas", {"document": document})[0] == 200
        yield found


@pytest.mark.parametrize(("width", "lang", "theme"), LOOKS)
def test_every_screen_of_personas_is_accessible_and_within_the_window(
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


@pytest.mark.requirement("000-24", "000-28", "000-29")
def test_a_persona_is_told_with_what_is_measured_and_what_is_assumed(window: Opened):
    page = window.go("/personas/immer-wieder")
    expect(page.get_by_role("listitem").filter(has_text="kauft wieder")).to_contain_text("gemessen")
    expect(page.get_by_role("listitem").filter(has_text="schnell fertig sein")).to_contain_text("angenommen")
    page.get_by_role("button", name="Bearbeiten").click()
    page.get_by_label("Geschichte").fill("Kauft gern zweimal.")
    page.keyboard.press("Tab")
    page.get_by_label("Werte: hinzufügen").fill("Verlässlichkeit")
    page.keyboard.press("Enter")
    expect(page.get_by_role("listitem").filter(has_text="Verlässlichkeit")).to_contain_text("angenommen")
    page.get_by_role("button", name="Fertig", exact=True).click()
    expect(page.get_by_text("Kauft gern zweimal.")).to_be_visible()


@pytest.mark.requirement("000-27")
def test_a_map_is_drafted_from_a_persona(window: Opened):
    page = window.go("/personas/immer-wieder")
    page.get_by_role("button", name="Karte entwerfen").click()
    expect(page.get_by_role("button", name="Fertig", exact=True)).to_be_visible()
    page.get_by_role("button", name="Angaben zur Karte").click()
    expect(page.get_by_role("dialog")).to_contain_text("Immer wieder")


def test_personas_are_found_named_and_kept(window: Opened):
    page = window.go("/personas")
    page.get_by_role("link", name="In den Daten suchen").click()
    names = page.get_by_role("article").get_by_label("Name")
    expect(names.first).to_be_visible(timeout=120_000)
    names.first.fill("Die Ersten")
    page.get_by_role("button", name="Behalten").click()
    page.get_by_role("link", name="Die Ersten").first.click(timeout=60_000)
    expect(page.get_by_role("heading", name="Worin sie sich unterscheidet")).to_be_visible()
    expect(page.get_by_role("heading", name="Journeys, die für sie stehen")).to_be_visible()


def test_a_persona_that_cannot_be_is_refused_with_words(window: Opened):
    page = window.go("/personas?add=hand")
    page.get_by_label("Name").fill("Kaputt")
    page.get_by_label("Regel (kann fehlen)").fill("did nothing then")
    page.get_by_role("button", name="Persona anlegen").click()
    expect(page.get_by_role("alert")).to_be_visible()
    window.complaints.clear()
