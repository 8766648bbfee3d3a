"""The screens in Debian's Chromium, on a real server and a small workspace: what people see and do."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from etappe.maps.document import dump_map
from etappe.maps.draft import draft
from servers import Client, served
from workspaces import SHOP, made, shop, written

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="needs Debian's chromium"),
]
QUIET = (
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync",
)  # fmt: skip
BAD = "user;at;what;where;amount;shop_order\n1;2026-13-01;visit;web;;\n;2026-03-01;visit;web;;\n"
CALLS = "".join(f"{7 + i % 2},2026-03-06T{9 + i:02}:00:00+01:00,call\n" for i in range(9))
MORE = f"user,time,event\n{CALLS}8,never,call\n"
MAP = """schema: journey-map/1
id: shop
title: {de: Vom Besuch zum Kauf, en: From visit to order}
scenario: {de: Lena braucht einen Mantel., en: Lena needs a coat.}
language: de
touchpoints:
  - id: besuch
    title: {de: Besuch, en: Visit}
    channel: web
    medium: digital
    contact: direct
    match: "touchpoint = 'visit'"
  - id: kauf
    title: {de: Kasse, en: Checkout}
    channel: web
    medium: digital
    contact: direct
    match: "touchpoint = 'order'"
stages:
  - {id: a, title: {de: Vorher, en: Before}, steps: [{id: s1, title: {de: besucht, en: visits}, touchpoint: besuch}]}
  - id: b
    title: {de: Kauf, en: Order}
    steps: [{id: s2, title: {de: kauft, en: orders}, touchpoint: kauf, truth: fmot}]
lanes:
  - {id: t, type: thoughts, title: {de: Gedanken, en: Thoughts}}
  - {id: g, type: emotion, title: {de: Gefühl, en: Feeling}}
  - {id: k, type: metric, title: {de: Kennzahl, en: Figure}}
  - {id: p, type: pain, title: {de: Hürden, en: Obstacles}}
  - {id: h, type: backstage, title: {de: Dahinter, en: Backstage}}
cells:
  - {lane: t, step: s1, text: {de: Passt er?, en: Does it fit?}}
  - {lane: g, step: s1, score: 0.5}
  - {lane: g, step: s2, score: -1.2}
  - {lane: k, step: s2, evidence: e}
  - {lane: p, step: s2, text: {de: Versand kostet, en: Shipping costs}, severity: 2, evidence: e}
  - {lane: h, stage: b, text: {de: Lager, en: Warehouse}}
evidence:
  - id: e
    title: {de: kaufen, en: order}
    metric: step.conversion
    parameters: {from: s1, to: s2}
    min_n: 1
    filter: channel is not null
"""
SCREENS = {
    "overview": "/",
    "filtered": "/?where=channel+%3D+%27web%27&as=table",
    "sources": "/sources",
    "import": "/sources/i3",
    "new": "/sources/new",
    "maps": "/maps",
    "map": "/maps/shop",
    "evidence": "/maps/shop?evidence=e",
    "curve": "/maps/shop?view=curve&fit=1",
    "missing": "/nowhere",
}
WATCH = """
window.refused = []
document.addEventListener('securitypolicyviolation', (event) =>
  refused.push(`${event.violatedDirective} ${event.blockedURI}`))
"""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    folder = tmp_path_factory.mktemp("screens")
    workspace = shop(folder)
    workspace.put(MAP, "map.yaml")
    workspace.import_files([written(folder, "bad.csv", BAD)], mapping=folder / "shop.toml")
    workspace.close()
    with served(workspace.folder) as found:
        yield found


class Opened:
    """A window on the application that keeps what the browser complains of."""

    def __init__(self, browser: Browser, address: str, width: int = 1440, lang: str = "de", theme: str = "light"):
        scheme = "dark" if theme == "dark" else "light"
        self.context: BrowserContext = browser.new_context(
            base_url=address, viewport={"width": width, "height": 900}, locale=lang, color_scheme=scheme
        )
        self.context.add_init_script(WATCH)
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def go(self, path: str) -> Page:
        self.page.goto(path)
        expect(self.page.locator("h1")).to_be_attached()
        return self.page


@pytest.fixture
def window(browser: Browser, client: Client) -> Iterator[Opened]:
    opened = Opened(browser, client.address)
    yield opened
    opened.context.close()


@pytest.fixture
def page(window: Opened) -> Page:
    return window.page


LOOKS = [(1440, "de", "light"), (1440, "en", "dark"), (390, "de", "dark"), (390, "en", "light")]


@pytest.mark.parametrize(("width", "lang", "theme"), LOOKS)
def test_every_screen_is_accessible_quiet_and_within_the_window(
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
        look = page.evaluate("[document.documentElement.lang, document.documentElement.dataset.theme]")
        found[name] = [
            *violations,
            *page.evaluate("window.refused"),
            *opened.complaints,
            *(["too wide"] if wide else []),
        ]
        assert look == [lang, theme]
        opened.complaints.clear()
    opened.context.close()
    assert {name: faults for name, faults in found.items() if faults} == {}


def test_the_page_is_served_under_the_strict_policy(client: Client):
    _, headers, _ = client.send("GET", "/maps/shop")
    assert headers["content-security-policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )


def test_a_number_swaps_the_line(window: Opened):
    page = window.go("/")
    button = page.get_by_role("button", name=re.compile("^Käufe"))
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(page).to_have_url(re.compile("number=purchases"))
    page.get_by_role("button", name="Als Tabelle").click()
    expect(page.get_by_role("columnheader", name="Käufe")).to_be_visible()
    cells = page.get_by_role("row").nth(-2).get_by_role("cell")
    assert cells.all_inner_texts()[:2] == ["5. März 2026", "1"]


def test_an_overview_s_number_says_how_it_was_computed(window: Opened):
    page = window.go("/")
    page.get_by_role("button", name="Wie gerechnet?").first.click()
    drawer = page.get_by_role("dialog")
    expect(drawer.get_by_text("question: reach")).to_be_visible()
    drawer.get_by_role("button", name="JSON").click()
    expect(drawer.get_by_text('"question": "reach"')).to_be_visible()
    page.keyboard.press("Escape")
    expect(drawer).to_have_count(0)


def test_clicking_a_row_filters_everything_and_the_address_keeps_it(window: Opened):
    page = window.go("/")
    events = page.get_by_role("button", name=re.compile("^Kontakte"))
    expect(events).to_contain_text("6")
    page.get_by_role("button", name="app").click()
    expect(events).to_contain_text("2")
    assert page.url.endswith("where=channel+%3D+%27app%27")
    page.reload()
    expect(events).to_contain_text("2")
    page.get_by_role("button", name="Filter channel = 'app' entfernen").click()
    expect(events).to_contain_text("6")
    page.go_back()
    expect(events).to_contain_text("2")


def test_a_condition_is_added_by_attribute_and_kept_on_the_way_to_another_screen(window: Opened):
    page = window.go("/")
    page.get_by_role("button", name="Bedingung").click()
    page.get_by_label("Merkmal").select_option("age")
    page.get_by_role("combobox", name="ist", exact=True).select_option("30-39")
    page.get_by_role("button", name="Anwenden").first.click()
    expect(page.get_by_role("button", name=re.compile("^Kund:innen"))).to_contain_text("1")
    page.get_by_role("link", name="Karten").click()
    page.get_by_role("link", name=re.compile("Vom Besuch zum Kauf")).click()
    expect(page.get_by_role("button", name="Filter age = '30-39' entfernen")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("kaufen.*n = 1")).first).to_be_visible()


def test_the_period_is_chosen_and_counted_from_the_last_day_of_the_data(window: Opened):
    page = window.go("/")
    page.get_by_role("button", name=re.compile("Letzte 28 Tage")).click()
    page.get_by_role("button", name="Letzte 7 Tage", exact=True).click()
    expect(page.get_by_role("button", name=re.compile("Letzte 7 Tage.*28. Feb"))).to_be_visible()
    page.get_by_role("button", name=re.compile("Letzte 7 Tage")).click()
    page.get_by_label("von").fill("2026-03-05")
    expect(page.get_by_role("button", name=re.compile("^Kontakte"))).to_contain_text("3")
    assert "from=2026-03-05&to=2026-03-06" in page.url


def test_all_days_are_all_days(window: Opened):
    page = window.go("/?period=all")
    expect(page.get_by_role("button", name=re.compile("Gesamter Zeitraum.*1.–6. März 2026"))).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^Kontakte"))).to_contain_text("6")


def test_no_result_names_the_filter_to_remove(window: Opened):
    page = window.go("/?where=channel+%3D+%27fax%27")
    expect(page.get_by_text("0 Treffer")).to_be_visible()
    page.get_by_role("main").get_by_role("button", name="Filter channel = 'fax' entfernen").click()
    expect(page.get_by_role("button", name=re.compile("^Kontakte"))).to_contain_text("6")


def test_a_condition_that_cannot_be_read_says_what_and_what_to_do(window: Opened):
    page = window.go("/?where=colour+%3D+%27red%27")
    alert = page.get_by_role("alert")
    expect(alert.locator("p").first).to_have_text("Diesen Namen gibt es hier nicht.")
    expect(alert.locator("[lang=en]")).to_contain_text("No column or customer attribute named 'colour'")
    expect(alert).to_contain_text("Did you mean 'hour'?")
    alert.get_by_role("button", name="Filter colour = 'red' entfernen").click()
    expect(alert).to_have_count(0)


def test_an_old_answer_stays_in_sight_when_the_server_is_gone(window: Opened):
    page = window.go("/")
    expect(page.get_by_role("button", name=re.compile("^Kontakte"))).to_contain_text("6")
    window.context.set_offline(True)
    page.get_by_role("button", name="app").click()
    expect(page.get_by_role("alert")).to_contain_text("Der Server antwortet nicht.")
    expect(page.get_by_role("button", name=re.compile("^Kontakte"))).to_contain_text("6")
    window.context.set_offline(False)
    page.get_by_role("button", name="Noch einmal versuchen").click()
    expect(page.get_by_role("button", name=re.compile("^Kontakte"))).to_contain_text("2")


def test_an_empty_workspace_shows_an_example_and_the_one_next_step(browser: Browser, tmp_path: Path):
    workspace = made(tmp_path)
    workspace.close()
    with served(workspace.folder) as client:
        opened = Opened(browser, client.address)
        page = opened.go("/maps")
        expect(page.locator("main").get_by_role("link", name="Neue Karte")).to_be_visible()
        page.goto("/")
        expect(page.get_by_text("Noch keine Ereignisse")).to_be_visible()
        expect(page.get_by_text("Beispieldaten")).to_be_visible()
        assert [fault["id"] for fault in Axe().run(page).response["violations"]] == []
        page.get_by_role("link", name="Quelle anbinden").click()
        page.locator("input[type=file]").set_input_files(written(tmp_path, "shop.csv", SHOP))
        page.get_by_role("button", name="6 Zeilen importieren").click()
        page.get_by_role("link", name="Zur Übersicht").click()
        expect(page.get_by_role("button", name=re.compile("^Kontakte"))).to_contain_text("6")
        assert opened.complaints == []
        opened.context.close()


def test_a_file_is_checked_first_then_imported_then_taken_back(window: Opened, tmp_path: Path, client: Client):
    def numbers() -> list[str]:
        return [number["text"] for number in client.get("/api/overview?lang=de")["numbers"]]

    before = numbers()
    page = window.go("/sources")
    page.get_by_role("link", name="Datei importieren").click()
    page.locator("input[type=file]").set_input_files(written(tmp_path, "calls.csv", MORE))
    expect(page.get_by_text("10 Zeilen gelesen, 9 Ereignisse erkannt, 1 Zeile abgelehnt.")).to_be_visible()
    expect(page.locator("ol li").first).to_contain_text("call")
    expect(page.get_by_role("row").nth(1)).to_contain_text("never")
    mapping = page.get_by_label("Zuordnung")
    mapping.fill(mapping.input_value() + 'channel = { value = "phone" }\n')
    expect(page.get_by_role("button", name=re.compile("importieren$"))).to_be_disabled()
    page.get_by_role("button", name="Neu prüfen").click()
    page.get_by_label("Name der Quelle").fill("hotline")
    page.get_by_role("button", name="9 Zeilen importieren").click()
    expect(page.get_by_role("heading", name="9 Ereignisse sind da, 1 Zeile abgelehnt.")).to_be_focused()
    assert numbers()[0] == "15"

    page.get_by_role("link", name="Import ansehen").click()
    expect(page.get_by_text("hotline")).to_be_visible()
    page.get_by_role("button", name="Rückgängig machen").click()
    asked = page.get_by_role("dialog")
    expect(asked.get_by_role("button", name="Abbrechen")).to_be_focused()
    expect(asked).to_contain_text("9 Ereignisse aus calls.csv")
    asked.get_by_role("button", name="Rückgängig machen").click()
    expect(page.get_by_text("rückgängig gemacht")).to_be_visible()
    assert numbers() == before
    assert window.complaints == []


def test_a_mapping_that_cannot_be_guessed_is_written_by_hand(window: Opened, tmp_path: Path):
    page = window.go("/sources/new")
    page.locator("input[type=file]").set_input_files(written(tmp_path, "odd.csv", "a,b,c\n1,2026-03-06,call\n"))
    expect(page.get_by_role("alert")).to_contain_text("bad-mapping")
    expect(page.get_by_label("Zuordnung")).to_have_value(re.compile("^# Spalten der Datei: a, b, c\n"))
    expect(page.get_by_role("button", name="Neu prüfen")).to_be_disabled()
    page.get_by_label("Zuordnung").fill('customer = "a"\ntime = "b"\ntouchpoint = "c"\n')
    page.get_by_role("button", name="Neu prüfen").click()
    expect(page.get_by_role("button", name="1 Zeile importieren")).to_be_enabled()


def test_a_file_that_is_here_already_is_said_to_be(window: Opened, tmp_path: Path):
    page = window.go("/sources/new")
    page.locator("input[type=file]").set_input_files(written(tmp_path, "again.csv", SHOP))
    page.get_by_role("button", name="6 Zeilen importieren").click()
    expect(page.get_by_role("heading", name=re.compile("schon da"))).to_be_visible()


def test_refused_rows_say_where_what_and_what_to_do(window: Opened):
    page = window.go("/sources/i3")
    row = page.get_by_role("region", name="Abgelehnte Zeilen").get_by_role("row").nth(1)
    expect(row).to_be_visible()
    place, column, value, what, hint = row.get_by_role("cell").all_inner_texts()
    assert (place, column, value) == ("2", "at", "2026-13-01")
    assert what
    assert hint
    with page.expect_download() as download:
        page.get_by_role("link", name="Abgelehnte Zeilen als CSV").click()
    assert "2026-13-01" in download.value.path().read_text(encoding="utf-8")


def test_each_number_of_a_map_says_who_and_how(window: Opened, client: Client):
    page = window.go("/maps/shop")
    number = page.get_by_role("row", name="Kennzahl").get_by_role("button")
    number.click()
    drawer = page.get_by_role("dialog")
    bound = client.get("/api/maps/shop?lang=de")["evidence"]["e"]
    expect(drawer.get_by_role("heading", name="kaufen")).to_be_focused()
    for shown in (
        bound["text"],
        bound["interval_text"],
        bound["how"]["sentence"],
        "6. März 2026",
        bound["how"]["snapshot"][:16],
    ):
        expect(drawer).to_contain_text(shown)
    drawer.get_by_role("button", name="Menschen dahinter zeigen").click()
    people = client.get("/api/maps/shop/evidence/e/people")
    expect(drawer.get_by_role("row")).to_have_count(people["total"] + 1)
    expect(drawer.get_by_role("row").nth(1)).to_contain_text(people["people"][0]["customer"])
    page.keyboard.press("Escape")
    expect(number).to_be_focused()


def test_a_card_draws_as_assumed_what_is_assumed(window: Opened):
    page = window.go("/maps")
    expect(page.get_by_text("1 Karte. Darunter steht, wie viel davon gemessen ist.")).to_be_visible()
    card = page.get_by_role("link", name=re.compile("Vom Besuch zum Kauf"))
    expect(card.locator("path.dashed")).to_have_count(1)
    expect(card.locator(".dot.assumed")).to_have_count(2)
    hollow = "dot => getComputedStyle(dot).backgroundColor !== getComputedStyle(dot).borderTopColor"
    assert card.locator(".dot").first.evaluate(hollow)


def test_a_question_stands_in_the_data_s_names_with_its_conditions(window: Opened):
    drawer = window.go("/maps/shop?evidence=e").get_by_role("dialog")
    expect(drawer.locator("pre")).to_contain_text("steps: [visit, order]")
    expect(drawer.locator("dl").last).to_contain_text("channel is not null")


def test_shares_of_stages_stand_with_their_model(window: Opened):
    page = window.go("/")
    expect(page.get_by_role("heading", name=re.compile("Phasen M[1-6] "))).to_be_visible()


def test_people_s_attributes_are_counted_as_what_they_are(window: Opened, tmp_path: Path):
    page = window.go("/sources/new")
    file = written(tmp_path, "ages.csv", "user_id,age\n0007,30-39\n8,40-49\n9,\n")
    page.locator("input[type=file]").set_input_files(file)
    expect(page.get_by_text("3 Zeilen gelesen, 2 Merkmale erkannt, 0 Zeilen abgelehnt.")).to_be_visible()


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Contacts without a channel; two names for one purchase, one that the registry does not know; a drafted map."""
    folder = tmp_path_factory.mktemp("plain")
    workspace = made(folder)
    days = ["newsletter", "visit", "order", "online_purchase", "wink", "nod"]
    rows = "".join(f"{c},2026-03-0{i + 1},{name}\n" for c in range(40) for i, name in enumerate(days))
    workspace.import_files([written(folder, "events.csv", "user,time,event\n" + rows)])
    workspace.put(dump_map(draft(workspace.journeys(), workspace.registry()).map), "draft.yaml")
    workspace.close()
    with served(workspace.folder) as found:
        yield found


def test_a_list_without_channels_says_that_there_are_none(browser: Browser, plain: Client):
    opened = Opened(browser, plain.address)
    page = opened.go("/")
    expect(page.get_by_text("Die Kontakte haben keinen Kanal.")).to_be_visible()
    expect(page.get_by_text("2 Kontaktpunkte stehen noch in keinem Verzeichnis")).to_be_visible()
    opened.context.close()


def test_a_question_in_the_map_s_names_says_what_stands_behind_them(browser: Browser, plain: Client):
    opened = Opened(browser, plain.address)
    evidence = next(iter(plain.get("/api/maps/draft-five-stages")["cells"][-1]["evidence"]))
    page = opened.go(f"/maps/draft-five-stages?evidence={evidence}")
    drawer = page.get_by_role("dialog")
    expect(drawer.get_by_text("„etappe ask“ kennt sie nicht")).to_be_visible()
    expect(drawer).to_contain_text("online_purchase: touchpoint in (")
    opened.context.close()


def test_a_lane_s_title_is_not_broken_on_a_telephone(browser: Browser, plain: Client):
    opened = Opened(browser, plain.address, 390, "en")
    page = opened.go("/maps/draft-five-stages")
    title = page.get_by_role("rowheader", name="Opportunities")
    lines = """cell => {
      const range = document.createRange()
      range.selectNodeContents(cell)
      return new Set([...range.getClientRects()].map((rect) => rect.top)).size
    }"""
    assert title.evaluate(lines) == 1
    opened.context.close()


def test_a_map_is_a_table_in_its_own_language(window: Opened):
    page = window.go("/maps/shop")
    table = page.get_by_role("table", name="Vom Besuch zum Kauf")
    expect(table).to_have_attribute("lang", "de")
    assert table.locator("th[scope=colgroup]").all_inner_texts() == ["Vorher", "Kauf"]
    expect(table.get_by_role("rowheader", name="Gefühl")).to_be_visible()
    expect(table.get_by_role("row", name="Gefühl")).to_contain_text("−1,2")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("table", name="From visit to order")).to_have_attribute("lang", "en")
    expect(page.get_by_role("row", name="Feeling")).to_contain_text("−1.2")


@pytest.mark.parametrize("kind", ["SVG", "PNG", "HTML"])
def test_a_map_is_downloaded(window: Opened, kind: str):
    page = window.go("/maps/shop")
    page.get_by_role("button", name="Herunterladen").click()
    with page.expect_download() as download:
        page.get_by_role("link", name=kind, exact=True).click()
    assert download.value.suggested_filename == f"shop.{kind.lower()}"
    assert download.value.path().stat().st_size > 1000


def test_everything_is_reached_by_keyboard(window: Opened):
    page = window.go("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Zum Inhalt springen")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()
    page.keyboard.press("Control+k")
    palette = page.get_by_role("combobox", name="Seite, Karte")
    expect(palette).to_be_focused()
    page.keyboard.type("besuch")
    expect(page.get_by_role("option", selected=True)).to_contain_text("Vom Besuch zum Kauf")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Vom Besuch zum Kauf")).to_be_visible()
    page.keyboard.press("Control+k")
    expect(palette).to_be_focused()
    page.keyboard.press("Escape")
    expect(palette).to_have_count(0)


@pytest.mark.requirement("000-02")
def test_a_screen_is_found_by_other_words_for_it(window: Opened):
    page = window.go("/")
    page.keyboard.press("Control+k")
    for said, found in (
        ("kundenreise", ["Erkunden", "Karten"]), ("customer journey map", ["Karten"]), ("wiederkehr", ["Wiederkehr"]),
        ("roi", ["Wirkung"]), ("aufgaben", ["Aufgaben"]),
    ):  # fmt: skip
        page.get_by_role("combobox", name="Seite, Karte").fill(said)
        options = page.get_by_role("option").all_inner_texts()
        assert [name for name in found if not any(name in option for option in options)] == []
    assert "## journey (Customer Journey, Kundenreise)" in (Path(__file__).parents[1] / "docs/vocabulary.md").read_text(
        "utf-8"
    )


def test_the_days_of_the_line_are_walked_with_the_arrow_keys(window: Opened):
    page = window.go("/")
    days = page.get_by_role("slider")
    days.focus()
    page.keyboard.press("ArrowLeft")
    expect(days).to_have_attribute("aria-valuetext", "Do., 5. März 2026: 2")


def test_language_and_look_are_remembered(window: Opened):
    page = window.go("/")
    page.get_by_role("button", name="English").click()
    page.get_by_role("button", name="Dark").click()
    page.reload()
    expect(page.get_by_role("link", name="Sources")).to_be_visible()
    look = page.evaluate("[document.documentElement.lang, document.documentElement.dataset.theme]")
    assert look == ["en", "dark"]


def test_a_printed_page_has_no_frame(window: Opened):
    page = window.go("/maps/shop")
    page.emulate_media(media="print")
    expect(page.get_by_role("navigation")).to_be_hidden()
    expect(page.get_by_role("table")).to_be_visible()
