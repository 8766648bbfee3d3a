"""The screen "Explore" in Chromium: a whole exploration, from the first question to the people behind a number."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from servers import Client, served
from test_screens import LOOKS, Opened
from workspaces import made, written

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="needs Debian's chromium"),
]
SCREENS = {
    "funnel": "/explore",
    "table": "/explore?as=table",
    "who": "/explore?who=1.dropped",
    "after": "/explore?after=1.dropped",
    "how": "/explore?how=1",
    "paths": "/explore?tab=paths",
    "back": "/explore?tab=paths&way=back&at=order",
    "stages": "/explore?tab=paths&level=stage",
    "tree": "/explore?tab=paths&view=tree",
    "sunburst": "/explore?tab=paths&view=sunburst",
    "variants": "/explore?tab=variants",
    "attribution": "/explore?tab=attribution",
    "retention": "/explore?tab=retention&unit=day",
    "friction": "/explore?tab=friction",
}


def rows() -> str:
    """60 people visit, 40 of them fill a cart, 30 of these order; of the others some ask for help; one comes late."""
    lines = ["user,time,event"]
    for c in range(60):
        lines.append(f"c{c:02},2026-03-01T10:{c:02}:00,visit")
        if c < 40:
            lines.append(f"c{c:02},2026-03-02T10:{c:02}:00,cart")
        if c < 30:
            lines.append(f"c{c:02},2026-03-03T10:{c:02}:00,order")
        if c >= 50:
            lines.append(f"c{c:02},2026-03-04T10:{c:02}:00,help")
    lines.append("late,2026-05-01T10:00:00,visit")
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    folder = tmp_path_factory.mktemp("explore")
    workspace = made(folder)
    workspace.import_files([written(folder, "events.csv", rows())])
    workspace.close()
    with served(workspace.folder) as found:
        yield found


@pytest.fixture
def window(browser: Browser, client: Client) -> Iterator[Opened]:
    opened = Opened(browser, client.address)
    yield opened
    opened.context.close()


class Lead:
    """The sentence on top of a screen, compared once it is that of the screen that was asked for."""

    def __init__(self, page: Page) -> None:
        self.line = page.locator("main .lead")

    def __repr__(self) -> str:
        return self.line.inner_text().replace("\u00a0", " ")

    def startswith(self, text: str, end: str = "") -> bool:
        words = [re.escape(word) for word in text.split()]
        expect(self.line).to_have_text(re.compile(r"^\s*" + r"\s+".join(words) + end))
        return True

    def __eq__(self, text: object) -> bool:
        return self.startswith(str(text), r"\s*$")

    # Whatever compares itself by waiting has no hash; mypy knows no class without one.
    __hash__ = None  # type: ignore[assignment]


def lead(page: Page) -> Lead:
    return Lead(page)


@pytest.mark.parametrize(("width", "lang", "theme"), LOOKS)
def test_every_question_is_accessible_quiet_and_within_the_window(
    browser: Browser, client: Client, width: int, lang: str, theme: str
):
    opened = Opened(browser, client.address, width, lang, theme)
    found = {}
    for name, path in SCREENS.items():
        page = opened.go(path)
        expect(page.locator("main .lead")).to_be_attached()
        page.wait_for_load_state("networkidle")
        violations = [
            f"{fault['id']}: {fault['nodes'][0]['html'][:200]}" for fault in Axe().run(page).response["violations"]
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


def test_a_whole_exploration_from_the_first_funnel_to_the_way_after_a_drop(window: Opened):
    page = window.go("/")
    page.get_by_role("link", name="Erkunden").click()
    assert lead(page) == (
        "49,2 % von 61 Journeys kommen von visit bis order. "
        "Die meisten gehen zwischen visit und cart verloren: 20 von 61 (32,8 %)."
    )
    page.get_by_role("button", name=re.compile("^20 kommen nicht weiter")).click()
    drawer = page.get_by_role("dialog")
    expect(drawer.get_by_text("20 Personen")).to_be_visible()
    expect(drawer.get_by_role("cell", name="c59")).to_be_visible()
    drawer.get_by_role("button", name="Wege danach zeigen").click()
    expect(
        page.get_by_text(
            "Nach visit kommt am häufigsten help: 50,0 % von 20 Journeys; bei 50,0 % folgt kein anderer Kontakt."
        )
    ).to_be_visible()
    page.go_back()
    expect(page.get_by_text("Nach visit kommt am häufigsten help")).to_have_count(0)
    page.go_forward()
    expect(page.get_by_text("Nach visit kommt am häufigsten help")).to_be_visible()
    page.get_by_role("button", name="Wie gerechnet?").first.click()
    expect(drawer.get_by_text("question: funnel")).to_be_visible()
    expect(drawer.get_by_text("davon bei Schritt 1")).to_be_visible()
    expect(drawer.get_by_text("37,1 % – 61,4 %".replace(" %", "\u00a0%"))).to_be_visible()
    assert window.complaints == []


def test_who_is_still_on_the_way_is_told_apart_from_who_dropped(window: Opened):
    page = window.go("/explore")
    page.get_by_role("button", name="1 noch unterwegs").click()
    drawer = page.get_by_role("dialog")
    expect(drawer.get_by_role("cell", name="late")).to_be_visible()
    expect(drawer.get_by_text("1 Person")).to_be_visible()


def test_steps_are_chosen_moved_and_removed_by_keyboard_and_the_address_keeps_them(window: Opened):
    page = window.go("/explore")
    page.get_by_role("button", name="cart entfernen").click()
    assert lead(page).startswith("49,2 % von 61 Journeys kommen von visit bis order.")
    expect(page).to_have_url(re.compile(r"step=visit&step=order"))
    page.get_by_role("button", name="Schritt", exact=True).click()
    third = page.get_by_role("combobox", name="Schritt 3")
    third.focus()
    page.keyboard.type("hel")
    expect(page.get_by_role("option", name="help 10")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"step=visit&step=order&step=help"))
    page.get_by_role("button", name="help nach vorn").focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"step=visit&step=help&step=order"))
    page.get_by_label("innerhalb von").select_option("1d")
    expect(page).to_have_url(re.compile("within=1d"))
    page.reload()
    expect(page.get_by_role("combobox", name="Schritt 2")).to_have_value("help")
    page.go_back()
    expect(page.get_by_label("innerhalb von")).to_have_value("30d")


def test_the_combobox_is_left_as_it_was_by_escape(window: Opened):
    page = window.go("/explore")
    first = page.get_by_role("combobox", name="Schritt 1")
    first.click()
    page.keyboard.type("zzz")
    expect(page.get_by_role("listbox").get_by_role("option")).to_have_text("Nichts gefunden.")
    page.keyboard.press("Escape")
    expect(first).to_have_value("visit")
    expect(page.get_by_role("listbox")).to_have_count(0)


def test_a_node_of_the_paths_opens_its_ways_and_becomes_the_start(window: Opened):
    page = window.go("/explore?tab=paths")
    assert lead(page) == "100,0 % von 61 Journeys beginnen mit visit; bei 18,0 % folgt darauf kein anderer Kontakt."
    page.get_by_role("button", name=re.compile("^cart: 40")).focus()
    page.keyboard.press("Enter")
    drawer = page.get_by_role("dialog")
    expect(drawer.get_by_role("heading", name="Wohin")).to_be_visible()
    drawer.get_by_role("button", name="order 30").click()
    expect(drawer.get_by_text("30 Personen")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name=re.compile("^cart: 40")).locator("text").click()
    drawer.get_by_role("button", name="Vorwärts ab hier").click()
    expect(page.locator("main .lead")).to_contain_text("Nach cart kommt am häufigsten order")
    page.get_by_label("Richtung").select_option("back")
    expect(page.locator("main .lead")).to_contain_text("Vor cart kommt am häufigsten visit")


def test_a_band_shows_its_people_and_the_table_has_the_same(window: Opened):
    page = window.go("/explore?tab=paths")
    page.locator("svg path.exit").first.dispatch_event("click")
    expect(page.get_by_role("dialog").get_by_text(re.compile(r"\d+ Person"))).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Als Tabelle").click()
    row = page.get_by_role("row").filter(has_text="cart").filter(has_text="order").first
    expect(row).to_contain_text("30")
    row.get_by_role("button", name="Wer?").click()
    expect(page.get_by_role("dialog").get_by_text("30 Personen")).to_be_visible()


def test_each_way_apart_is_a_tree_that_opens_branch_by_branch(window: Opened):
    page = window.go("/explore?tab=paths")
    page.get_by_role("button", name="Baum").click()
    assert lead(page) == "Der häufigste Weg ist visit > cart > order > Ende: 30 von 61 Journeys (49,2 %)."
    page.get_by_role("button", name="Wege nach visit").click()
    page.get_by_role("button", name="Wege nach cart").click()
    expect(page.get_by_role("button", name="30")).to_be_visible()
    page.get_by_role("button", name="40").click()
    expect(page.get_by_role("dialog").get_by_text("40 Personen")).to_be_visible()
    page.get_by_role("dialog").get_by_role("link", name="Als Trichter öffnen").click()
    expect(page.get_by_role("combobox", name="Schritt 2")).to_have_value("cart")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_the_rings_of_the_sunburst_are_walked_with_arrow_keys(window: Opened):
    page = window.go("/explore?tab=paths&view=sunburst")
    page.get_by_role("button", name=re.compile("^visit: 61")).focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("button", name=re.compile("^visit → cart: 40"))).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("button", name=re.compile("^visit → help: 10"))).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("button", name=re.compile("^visit: 61"))).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog").get_by_text("61 Personen")).to_be_visible()


def test_variants_and_duration_are_told(window: Opened):
    page = window.go("/explore?tab=variants")
    assert lead(page).startswith("Die häufigste Variante, visit > cart > order, haben 49,2 % von 61 Journeys")
    page.get_by_role("button", name=re.compile("^visit cart order")).click()
    expect(page.get_by_role("dialog").get_by_text("30 Personen")).to_be_visible()
    page.get_by_label("Neue Sitzung nach").select_option("1d")
    expect(page).to_have_url(re.compile("gap=1d"))


def test_models_stand_side_by_side_and_one_alone_has_its_interval(window: Opened):
    page = window.go("/explore?tab=attribution")
    assert lead(page) == (
        "cart bekommt mit 50,0 % am meisten von 30 Zielen (order) im Modell „linear“. "
        "Je nach Modell sind es 0,0 % bis 100,0 %."
    )
    head = page.get_by_role("columnheader").all_inner_texts()
    assert {"erster Kontakt", "letzter Kontakt", "linear", "Shapley", "Markov"} <= set(head)
    page.get_by_role("row", name="cart").get_by_role("button", name="100 %".replace(" ", "\u00a0")).first.click()
    expect(page.get_by_role("dialog").get_by_text("30 Personen")).to_be_visible()
    page.get_by_label("Modell").select_option("last")
    page.get_by_label("Intervall").check()
    expect(page).to_have_url(re.compile("model=last&ci=1"))
    expect(page.get_by_role("row", name="cart")).to_contain_text("100\u00a0% (100\u00a0% – 100\u00a0%)")


def test_cohorts_are_a_grid_whose_cells_open_their_people(window: Opened):
    page = window.go("/explore?tab=retention&unit=day")
    assert lead(page).startswith("66,7 % von 60 Journeys kommen nach einem Tag wieder.")
    cell = page.get_by_role("row", name="1. März 2026").get_by_role("button", name="67\u00a0%")
    cell.click()
    expect(page.get_by_role("dialog").get_by_text("40 Personen")).to_be_visible()
    page.get_by_role("combobox", name=re.compile("^Periode")).select_option("month")
    expect(page.get_by_role("rowheader", name="März 2026")).to_be_visible()


def test_friction_counts_to_the_goal_and_its_cells_open_their_people(window: Opened):
    page = window.go("/explore?tab=friction")
    expect(page.get_by_role("combobox", name="Bis zum Ziel")).to_have_value("order")
    assert lead(page).startswith("Am meisten Reibung zeigt ")
    page.get_by_role("row", name="help").get_by_role("button", name="100\u00a0%").first.click()
    expect(page.get_by_role("dialog").get_by_text("10 Personen")).to_be_visible()


def test_paths_are_drawn_by_stage_too_and_the_tree_goes_back_to_touchpoints(window: Opened):
    page = window.go("/explore?tab=paths")
    page.get_by_role("combobox", name="Ebene").select_option("stage")
    expect(page).to_have_url(re.compile("level=stage"))
    expect(page.get_by_role("button", name=re.compile("^Kauf: 30"))).to_be_visible()
    page.get_by_role("button", name=re.compile("^Kauf: 30")).focus()
    page.keyboard.press("Enter")
    page.get_by_role("dialog").get_by_role("button", name=re.compile("Ende|service|retention")).first.click()
    expect(page.get_by_role("dialog").get_by_text(re.compile(r"^\d+ Personen"))).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Baum").click()
    expect(page).not_to_have_url(re.compile("level="))


def test_the_list_of_opportunities_stands_below_friction_and_opens_its_people(browser: Browser, tmp_path: Path):
    lines = ["user,time,event"]
    for c in range(80):  # who searches thrice orders less often
        names = [
            "visit",
            "search",
            *(["search"] * 2 if c < 40 else ["view", "info"]),
            "cart",
            *(["order"] if c < 5 or c >= 50 else []),
        ]
        lines += [f"c{c:02},2026-03-0{d}T10:00:00,{name}" for d, name in enumerate(names, start=1)]
    lines.append("late,2026-06-01T10:00:00,visit")
    workspace = made(tmp_path)
    workspace.import_files([written(tmp_path, "events.csv", "\n".join(lines) + "\n")])
    workspace.close()
    with served(workspace.folder) as client:
        opened = Opened(browser, client.address)
        page = opened.go("/explore?tab=friction&goal=order")
        expect(page.get_by_text("Am meisten geht mit search verloren: Von 40 Journeys")).to_be_visible()
        page.get_by_role("row", name="search: Schleife").get_by_role("button").click()
        expect(page.get_by_role("dialog").get_by_text("40 Personen")).to_be_visible()
        opened.context.close()


def test_the_time_to_the_goal_is_measured_from_where_one_likes(window: Opened):
    page = window.go("/explore?tab=variants")
    expect(page.get_by_text("Die Hälfte der 61 Journeys ist 2,0 Tage nach visit bei order.")).to_be_visible()
    start = page.get_by_role("combobox", name="Anfang")
    start.fill("cart")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Die Hälfte der 40 Journeys ist 1,0 Tag nach cart bei order.")).to_be_visible()


@pytest.mark.parametrize("kind", ["CSV", "Parquet", "PNG", "Python"])
def test_an_answer_is_downloaded(window: Opened, kind: str):
    page = window.go("/explore")
    page.get_by_role("button", name="Herunterladen").click()
    with page.expect_download() as download:
        page.get_by_role("button", name=kind, exact=True).click()
    name = download.value.suggested_filename
    assert name == f"funnel.{'py' if kind == 'Python' else kind.lower()}"
    assert download.value.path().stat().st_size > 50


def test_a_question_is_saved_opened_again_and_deleted(window: Opened):
    page = window.go("/explore?step=visit&step=order&where=touchpoint+%21%3D+%27help%27")
    page.get_by_role("button", name="Gespeicherte Fragen").click()
    page.get_by_label("Titel der Frage").fill("Vom Besuch zur Bestellung")
    page.get_by_role("button", name="Diese Frage speichern").click()
    expect(page.get_by_role("link", name="Vom Besuch zur Bestellung")).to_be_visible()
    page.goto("/explore?tab=paths")
    page.get_by_role("button", name="Gespeicherte Fragen").click()
    page.get_by_role("link", name="Vom Besuch zur Bestellung").click()
    expect(page.get_by_role("combobox", name="Schritt 2")).to_have_value("order")
    expect(page.get_by_role("button", name=re.compile("^Filter touchpoint"))).to_be_visible()
    page.get_by_role("button", name="Gespeicherte Fragen").click()
    page.get_by_role("button", name="Vom Besuch zur Bestellung löschen").click()
    expect(page.get_by_text("Noch ist keine Frage gespeichert.")).to_be_visible()
    assert window.complaints == []


def test_an_empty_workspace_shows_an_example_and_no_result_names_the_filter(
    browser: Browser, window: Opened, tmp_path: Path
):
    page = window.go("/explore?where=touchpoint+%3D+%27fax%27")
    expect(page.get_by_text("0 Treffer")).to_be_visible()
    page.get_by_role("main").get_by_role("button", name=re.compile("entfernen$")).first.click()
    expect(page.locator("main .lead")).to_contain_text("61 Journeys")
    empty = made(tmp_path)
    empty.close()
    with served(empty.folder) as other:
        opened = Opened(browser, other.address)
        blank = opened.go("/explore")
        expect(blank.get_by_text("Beispieldaten")).to_be_visible()
        assert [fault["id"] for fault in Axe().run(blank).response["violations"]] == []
        expect(blank.get_by_role("link", name="Quelle anbinden")).to_be_visible()
        opened.context.close()


def test_a_step_that_is_not_there_says_so(window: Opened):
    page = window.go("/explore?step=visit&step=ordr")
    alert = page.get_by_role("alert")
    expect(alert.locator("[lang=en]")).to_contain_text("No touchpoint named 'ordr'")
    page.get_by_role("combobox", name="Schritt 2").click()
    page.get_by_role("option", name="order 30").click()
    expect(alert).to_have_count(0)
    assert lead(page).startswith("49,2 %")


def test_the_saved_question_can_be_asked_on_the_command_line_too(client: Client):
    question = {"question": "funnel", "steps": ["visit", "order"]}
    body = {"title": "a", "address": "/explore", "question": question}
    status, _, saved = client.send("POST", "/api/questions", body)
    assert status == 200
    status, _, answer = client.send("POST", "/api/ask", json.loads(saved)["question"])
    assert (status, json.loads(answer)["rows"][1]["reached"]) == (200, 30)
    client.send("POST", f"/api/questions/{json.loads(saved)['id']}/delete", {})


@pytest.fixture(scope="module")
def months(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Two months alike but for the orders: of 40 visitors from the web 10 order in May and 20 in June; 10 of 20 in
    the shop in both.
    """
    folder = tmp_path_factory.mktemp("months")
    lines = ["user,time,event,channel"]
    for month, orders in (("05", 10), ("06", 20)):
        for c in range(60):
            where = "web" if c < 40 else "shop"
            customer = f"{where}{c:02}-{month}"
            lines.append(f"{customer},2026-{month}-0{2 + c % 5}T10:00:00,visit,{where}")
            lines += [f"{customer},2026-{month}-10T10:00:00,search,{where}"] * (c % 2)
            if c < orders or 40 <= c < 50:
                lines.append(f"{customer},2026-{month}-20T10:00:00,order,{where}")
    lines += ["last,2026-06-30T10:00:00,visit,web", "first,2026-05-01T09:00:00,visit,shop"]
    workspace = made(folder)
    workspace.import_files([written(folder, "events.csv", "\n".join(lines) + "\n")])
    workspace.close()
    with served(workspace.folder) as found:
        yield found


@pytest.fixture
def june(browser: Browser, months: Client) -> Iterator[Opened]:
    opened = Opened(browser, months.address)
    yield opened
    opened.context.close()


JUNE = "from=2026-06-01&to=2026-06-30&step=visit&step=order"


def test_a_funnel_is_split_by_keyboard_and_a_group_opens_its_people(june: Opened):
    page = june.go(f"/explore?{JUNE}")
    split = page.get_by_role("combobox", name="Aufteilen nach")
    split.focus()
    page.keyboard.press("ArrowDown")
    expect(page).to_have_url(re.compile("split=channel"))
    assert lead(page) == (
        "Von visit bis order kommen bei „shop“ am meisten, 50,0 % von 20, bei „web“ am wenigsten, 48,8 % von 41. "
        "Ihre Intervalle (95 %) überschneiden sich."
    )
    page.get_by_role("button", name="20: web").click()
    drawer = page.get_by_role("dialog")
    expect(drawer.get_by_text("20 Personen")).to_be_visible()
    expect(drawer.get_by_role("heading", name="web: Erreichten order")).to_be_visible()
    expect(drawer.get_by_role("cell", name="web00-06")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Wie gerechnet?").click()
    expect(drawer.get_by_text("by: channel")).to_be_visible()
    # An interval of one group would pass for that of all.
    expect(drawer.locator("dt").filter(has_text="ntervall")).to_have_count(0)
    page.reload()
    expect(split).to_have_value("channel")
    assert june.complaints == []


def test_who_is_on_the_way_in_a_group_goes_on_in_ways_of_their_own(june: Opened):
    page = june.go(f"/explore?{JUNE}&split=channel&who=1.open&group=shop")
    drawer = page.get_by_role("dialog")
    expect(drawer.get_by_role("heading", name="shop: Bei visit noch unterwegs")).to_be_visible()
    total = drawer.get_by_text(re.compile(r"^\d+ Personen$")).inner_text().split()[0]
    drawer.get_by_role("button", name="Wege danach zeigen").click()
    expect(page.get_by_text(f"von {total} Journeys; bei")).to_be_visible()


@pytest.mark.parametrize(
    ("tab", "said"),
    [
        ("retention&unit=week", "Zwischen den Gruppen ist kein Unterschied: 50,0 %."),
        ("friction&signal=exit", "Am meisten unterscheiden sich die Gruppen bei"),
        ("variants", "Am einheitlichsten sind die Journeys bei"),
    ],
)
def test_a_break_down_stays_when_another_question_is_asked(june: Opened, tab: str, said: str):
    page = june.go(f"/explore?{JUNE}&split=channel&tab={tab}")
    assert lead(page).startswith(said)
    if tab == "variants":
        expect(page.get_by_role("heading", name="web 41")).to_be_visible()
        page.get_by_role("button", name=re.compile("^visit search order")).first.click()
        expect(page.get_by_role("dialog").get_by_role("heading", name="web: Variante")).to_be_visible()
        expect(page.get_by_text(re.compile("geht es bei „(web|shop)“ am schnellsten"))).to_be_visible()
        expect(page.get_by_role("columnheader", name="je Journey")).to_be_visible()
    elif "friction" in tab:
        expect(page.get_by_label("Zeichen")).to_have_value("exit")
        page.get_by_role("row", name=re.compile("^visit")).get_by_role("button").first.click()
        expect(page.get_by_role("dialog").get_by_role("heading", name="web: visit: Ende")).to_be_visible()
        expect(page.get_by_role("dialog").get_by_text(re.compile(r"^\d+ Person"))).to_be_visible()
    else:
        page.get_by_role("row", name="shop").get_by_role("button").nth(1).click()
        expect(page.get_by_role("dialog").get_by_role("heading", name="shop: wieder da in Periode 1")).to_be_visible()
        expect(page.get_by_role("dialog").get_by_text(re.compile(r"^\d+ Personen"))).to_be_visible()


def test_a_period_is_compared_with_the_one_before(june: Opened):
    page = june.go("/explore?step=visit&step=order")
    page.get_by_label("mit Vorzeitraum vergleichen").check()
    expect(page.get_by_text("Vor allen Tagen liegt kein Zeitraum zum Vergleichen.")).to_be_visible()
    page.get_by_role("button", name="Letzte 90 Tage ansehen").click()
    expect(page.get_by_text(re.compile("^Im Zeitraum davor, .* gibt es keine Journeys."))).to_be_visible()
    page = june.go(f"/explore?{JUNE}&compare=1")
    expect(
        page.get_by_text(re.compile("1.–30. Juni 2026, verglichen mit 2.–31. Mai 2026 .60 Journeys.."))
    ).to_be_visible()
    expect(page.get_by_text("davor", exact=True)).to_have_count(2)
    expect(page.get_by_text("+15,8 Pkt.")).to_be_visible()
    page.get_by_role("button", name="Als Tabelle").click()
    expect(page.get_by_role("columnheader", name="Anteil davor")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="order")).to_contain_text("+15,8")
    for tab in ("attribution&model=linear&by=channel", "friction", "retention&unit=week"):
        page = june.go(f"/explore?{JUNE}&compare=1&tab={tab}")
        expect(page.get_by_text("Klein darunter: der Unterschied")).to_be_visible()
        expect(page.locator("main td button .was").first).to_be_visible()
    expect(page.locator("path.before")).to_have_count(1)
    page.get_by_role("link", name="Pfade").click()
    expect(page.get_by_label("mit Vorzeitraum vergleichen")).to_have_count(0)
    page.get_by_role("link", name="Trichter").click()
    page.get_by_label("mit Vorzeitraum vergleichen").uncheck()
    expect(page.get_by_text("verglichen mit")).to_have_count(0)
    assert june.complaints == []


def test_what_is_left_out_of_the_paths_stands_as_a_chip_in_both_views(june: Opened):
    page = june.go("/explore?tab=paths")
    page.get_by_role("button", name=re.compile("^search: ")).first.focus()
    page.keyboard.press("Enter")
    page.get_by_role("dialog").get_by_role("button", name="Ausschließen").click()
    expect(page).to_have_url(re.compile("without=touchpoint%3Asearch"))
    expect(page.get_by_text("ohne search")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^search: "))).to_have_count(0)
    page.get_by_role("button", name="Baum").click()
    assert lead(page).startswith("Der häufigste Weg ist visit > Ende:")
    page.get_by_role("button", name="Wege nach visit").click()
    page.get_by_role("button", name="50", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="order ausschließen").click()
    expect(page.get_by_text("ohne order")).to_be_visible()
    page.get_by_role("button", name="order wieder aufnehmen").click()
    page.get_by_role("button", name="search wieder aufnehmen").click()
    expect(page).not_to_have_url(re.compile("without"))
    page.get_by_role("button", name="Sankey").click()
    page.get_by_role("combobox", name="Ebene").select_option("channel")
    page.get_by_role("button", name=re.compile("^shop: ")).first.press("Enter")
    page.get_by_role("dialog").get_by_role("button", name="Ausschließen").click()
    expect(page.get_by_text("ohne shop (Kanal)")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^shop: "))).to_have_count(0)
    assert june.complaints == []


def test_a_node_opens_as_a_funnel_along_its_strongest_way(june: Opened):
    page = june.go("/explore?tab=paths")
    page.get_by_role("button", name=re.compile("^order: ")).first.press("Enter")
    page.get_by_role("dialog").get_by_role("link", name="Als Trichter öffnen").click()
    expect(page.get_by_role("combobox", name=re.compile("^Schritt"))).to_have_count(2)
    expect(page.get_by_role("combobox", name="Schritt 1")).to_have_value("visit")


def test_who_does_not_want_to_wait_cancels_and_asks_again(june: Opened):
    page = june.page
    page.route("**/api/ask?*", lambda route: None)  # a server that never answers
    page.goto(f"/explore?{JUNE}")
    expect(page.get_by_text("Die Antwort ist noch nicht fertig.")).to_be_visible()
    assert [fault["id"] for fault in Axe().run(page).response["violations"]] == []
    with page.expect_event("requestfailed"):
        page.get_by_role("button", name="Abbrechen").click()
    expect(page.get_by_text("Abgebrochen.")).to_be_visible()
    page.unroute("**/api/ask?*")
    page.get_by_role("button", name="Noch einmal versuchen").click()
    assert lead(page).startswith("49,2 % von 61 Journeys")
    expect(page.get_by_text("Abgebrochen.")).to_have_count(0)


@pytest.mark.parametrize(("width", "lang", "theme"), LOOKS)
def test_break_downs_and_comparisons_are_accessible_and_within_the_window(
    browser: Browser, months: Client, width: int, lang: str, theme: str
):
    opened = Opened(browser, months.address, width, lang, theme)
    found = {}
    for path in (
        "split=channel", "split=channel&compare=1", "compare=1", "split=channel&who=2.reached&group=web",
        "tab=retention&unit=week&split=channel&compare=1", "tab=retention&unit=week&compare=1",
        "tab=variants&split=channel", "tab=attribution&compare=1", "tab=friction&compare=1",
        "tab=friction&split=channel", "tab=paths&without=touchpoint:search",
        "tab=paths&view=tree&without=touchpoint:search",
    ):  # fmt: skip
        page = opened.go(f"/explore?{JUNE}&{path}")
        expect(page.locator("main .lead")).to_be_attached()
        page.wait_for_load_state("networkidle")
        faults = [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in Axe().run(page).response["violations"]]
        wide = page.evaluate("document.documentElement.scrollWidth") > width
        found[path] = [*faults, *page.evaluate("window.refused"), *opened.complaints, *(["too wide"] if wide else [])]
        opened.complaints.clear()
    opened.context.close()
    assert {path: faults for path, faults in found.items() if faults} == {}
