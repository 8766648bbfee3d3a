"""Statements of the sources that no single part of Etappe shows: whole ways, from files to journeys to answers."""

from pathlib import Path

import pytest

import etappe
from etappe.analysis.lifecycle import who as who_lives
from etappe.apps.map_view import bound_view
from etappe.apps.workspace import Workspace, init
from etappe.config import Settings
from etappe.errors import BadDocument
from etappe.journeys.stages import atoms_of, default_registry, extend, stage_sequence
from etappe.maps.document import read_map
from etappe.maps.draft import template
from etappe.maps.evidence import bind
from etappe.maps.page import html
from etappe.vocabulary import ATOMS, say
from journeys_text import journeys
from test_clv import named, simulated
from test_retention import days, lasting
from workspaces import made, written

REGISTRY = default_registry()
NINE = (
    "0 poster, 1 page_view, 2 comparison_portal, 3 add_to_cart, 4 online_purchase, 5 delivery, "
    "6 page_view, 7 customer_review, 8 referral"
)
"""Every atom once, in order."""


def brought(folder: Path, name: str, text: str, mapping: str | None = None) -> Workspace:
    """A workspace with one file; without a mapping, with the one that is guessed."""
    ws = made(folder) if not (folder / "shop").exists() else Workspace(folder / "shop")
    given = None if mapping is None else written(folder, f"{name}.toml", mapping)
    ws.import_files([written(folder, f"{name}.csv", text)], mapping=given)
    return ws


def id_of(name: str) -> str | None:
    """The touchpoint that a name in data means."""
    found = REGISTRY.find(name)
    return found.id if found else None


def labels_of(name: str, model: str) -> tuple[str, str | None]:
    """The German title and label of the stage in which a touchpoint stands."""
    found, held = REGISTRY.find(name), REGISTRY.model(model)
    assert found is not None
    title = next(say(stage.title, "de") for stage in held.stages if stage.id == held.atoms[found.atom])
    return title, say(held.labels[found.atom], "de") if found.atom in held.labels else None


@pytest.mark.requirement("000-01")
def test_invoices_and_payments_are_touchpoints_and_records_of_a_crm_a_source(tmp_path: Path) -> None:
    billing = (
        "Kundennummer;Datum;Ereignis;Betrag;Währung;Rechnungsnummer\n"
        "17;01.03.2026 09:00;Rechnung;119,00;EUR;R1\n"
        "17;15.03.2026 10:00;Zahlung;119,00;EUR;R1\n"
        "18;02.03.2026 09:00;Rechnung;59,50;EUR;R2\n"
    )
    brought(tmp_path, "rechnungen", billing).close()
    talks = "customer_id,date,activity\n17,2026-02-20T10:00:00+01:00,Beratungsgespräch\n"
    brought(tmp_path, "talks", talks, 'customer = "customer_id"\ntime = "date"\ntouchpoint = "activity"\n').close()
    ws = brought(tmp_path, "crm", "customer_id,industry,city_size\n17,Handel,groß\n18,Bau,klein\n")
    j = ws.journeys()
    held = dict(zip(j.names(range(2)), range(2), strict=True))
    mine = slice(*j.offsets[held["17"] : held["17"] + 2])
    assert [id_of(j.touchpoints[c]) for c in j.touchpoint[mine]] == [
        "sales_consultation", "invoice_payment", "invoice_payment",
    ]  # fmt: skip
    assert j.column("stage.m6").texts()[mine] == ["pre_purchase", "purchase", "purchase"]
    assert j.value[mine].tolist()[1:] == [1_190_000, 1_190_000]
    paid = etappe.funnel(j, ["Rechnung", "Zahlung"], within="30d", by="industry")
    assert [(row["group"], row["reached"]) for row in paid.rows()] == [
        ("Bau", 1), ("Bau", 0), ("Handel", 1), ("Handel", 1),
    ]  # fmt: skip


@pytest.mark.requirement("000-03", "003-02", "003-17")
def test_one_timeline_reaches_from_the_first_perception_past_the_purchase_to_a_referral(tmp_path: Path) -> None:
    mapping = 'customer = "who"\ntime = "at"\ntouchpoint = "what"\n'
    files = {  # in no order: a later file may hold what was first
        "after": "who,at,what\na,2026-03-09,delivered\na,2026-04-01,review\na,2026-05-01,recommendation\n",
        "before": "who,at,what\na,2026-01-05,billboard\na,2026-02-01,visit\na,2026-02-03,price_comparison\n",
        "shop": "who,at,what\na,2026-03-01,cart\na,2026-03-02,order\n",
    }
    for name, text in files.items():
        ws = brought(tmp_path, name, text, mapping)
        j = ws.journeys()
        ws.close()
    assert (len(j), j.events) == (1, 8)
    assert [ATOMS[atom] for atom in atoms_of(j, REGISTRY)] == [atom for atom in ATOMS if atom != "stay"]
    for model in ("m1", "m5"):
        first, *_, last = (stage.id for stage in REGISTRY.model(model).stages)
        assert j.column(f"stage.{model}").texts()[:: j.events - 1] == [first, last]
    answer = etappe.timing(j, "billboard", "recommendation")
    assert answer.rows()[-1]["time_us"] == (31 - 5 + 28 + 31 + 30 + 1) * 86_400_000_000 - 3_600_000_000  # summer time


@pytest.mark.requirement("001-01")
def test_winning_customers_and_keeping_them_are_both_counted() -> None:
    held = days("0 ad, 1 order, 8 order", "0 newsletter, 2 order", "1 ad", until=14)
    won = etappe.attribution(held, "order", model="first", per="journey").rows()  # a journey's first order alone
    assert {row["touchpoint"]: row["credit"] for row in won} == {"ad": 1.0, "newsletter": 1.0}
    bought = etappe.lifecycle(held, touchpoint="order").rows()
    assert [(row["new"], row["returning"]) for row in bought[:2]] == [(2, 0), (0, 1)]
    kept = etappe.retention(held, start="order", returns="order", periods=1)
    rows = {row["period"]: (row["active"], row["size"]) for row in kept.rows() if row["cohort"] == "2026-03-02"}
    assert rows == {0: (2, 2), 1: (1, 2)}


@pytest.mark.requirement("001-02")
def test_retention_and_lifetime_value_reach_over_years() -> None:
    year = 365.25
    held = days(f"0 order, {5 * year} order, {8 * year} order", "3 order", until=9 * year)
    answer = etappe.retention(held, period="year", periods=8)
    active = {row["period"]: row["active"] for row in answer.rows() if row["cohort"] == "2026-01-01"}
    assert active == {0: 2, 1: 0, 2: 0, 3: 0, 4: 0, 5: 1, 6: 0, 7: 0, 8: 1}
    bought = simulated(n=1500)
    ahead = [
        named(etappe.clv(bought, horizon=f"{52 * years}w", cut="1970-09-30"), "forecast")["all"] for years in (1, 5)
    ]
    assert ahead[0]["expected"] < ahead[1]["expected"] < 5 * ahead[0]["expected"]  # customers leave on the way
    assert ahead[0]["value_expected"] < ahead[1]["value_expected"]


@pytest.mark.requirement("001-09")
def test_who_considers_visits_tries_asks_and_reads_reviews_and_what_about_is_counted(tmp_path: Path) -> None:
    names = ("website_visit", "free_trial", "chatbot", "review_portal", "advice_portal")
    assert {labels_of(name, "m2")[0] for name in names} == {"Überlegung"}
    assert len({id_of(name) for name in names}) == len(names)
    text = (
        "who,at,what,topic\na,2026-03-01,visit,Herkunft\na,2026-03-02,chat,ökologischer Footprint\n"
        "a,2026-03-04,order,\nb,2026-03-01,visit,Herkunft\nc,2026-03-01,visit,\n"
    )
    mapping = 'customer = "who"\ntime = "at"\ntouchpoint = "what"\nproperties = ["topic"]\n'
    ws = brought(tmp_path, "visits", text, mapping)
    assert len(ws.journeys(where="topic = 'Herkunft'")) == 2
    assert len(ws.journeys(where="topic like '%Footprint%'")) == 1
    ways = etappe.flow(ws.journeys(), level="topic", depth=1)
    assert {row["to"]: row["count"] for row in ways.rows()} == {"Herkunft": 2, "none": 1}
    asked = [say(cell.text, "de") for cell in template("experience-stages").cells]
    assert [words for words in asked if "Woher" in words and "ökologische Fußabdruck" in words] != []


@pytest.mark.requirement("001-10")
def test_signing_in_and_buying_on_the_own_site_and_at_a_marketplace_are_three_touchpoints() -> None:
    own = {name: id_of(name) for name in ("Login", "Bestellung", "Marktplatz")}
    assert own == {"Login": "sign_up", "Bestellung": "online_purchase", "Marktplatz": "marketplace_purchase"}
    held = journeys("0 Login, 1 Bestellung", "0 Marktplatz", "0 Login").labelled()
    assert held.where("contact = 'direct'").events == 3
    assert held.where("stage.m2 = 'purchase'").time_us.tolist() == [1, 0]
    assert etappe.reach(held).column("journeys") == [2, 1, 1]


@pytest.mark.requirement("001-12")
@pytest.mark.parametrize(
    ("names", "id"),
    [
        ("shipped, Versand, Order Shipped", "shipping"),
        ("delivered, Lieferung, parcel_delivered", "delivery"),
        ("tracking_viewed, parcel_tracking", "tracking"),
        ("exchange, Umtausch, return, Rückgabe, Retoure", "online_return"),
        ("Nachricht, push_notification", "message"),
        ("faq, help page", "faq"),
    ],
)
def test_what_follows_a_purchase_is_experience(names: str, id: str) -> None:
    for name in names.split(", "):
        assert id_of(name) == id
        held = journeys(f"0 order, 1 {name.replace(' ', '_')}").labelled(model="m2")
        assert held.column("stage").texts() == ["purchase", "experience"]


@pytest.mark.requirement("001-13", "003-03")
def test_the_bond_is_followed_over_time_apart_from_buying_again(tmp_path: Path) -> None:
    lines = ["who,at,what,nps"]
    for week, (most, few) in enumerate(((10, 7), (9, 7), (7, 9), (3, 7))):
        for who in range(40):
            said = few if who % 10 == 0 else most
            # Everybody buys twice a week, whatever they say.
            lines += [f"c{who},2026-03-{7 * week + day:02}T10:00:00Z,order," for day in (2, 4)]
            lines.append(f"c{who},2026-03-{7 * week + 8:02}T10:00:00Z,survey,{said}")
    mapping = 'customer = "who"\ntime = "at"\ntouchpoint = "what"\nproperties = ["nps"]\n'
    ws = brought(tmp_path, "bond", "\n".join(lines), mapping)
    found = {one.benefit: one for one in ws.outcomes(days=7)}
    bond, again = found["needs"], found["retention"]
    assert bond.now.metric == "survey.nps"
    assert [period.bound.value for period in bond.periods] == pytest.approx([90, 90, 10, -90])
    assert [period.bound.value for period in again.periods] == [100, 100]  # the last two weeks are still followed
    assert (bond.verdict, again.change) == ("worse", 0)
    assert [period.first.isoformat() for period in bond.periods] == [
        "2026-03-02", "2026-03-09", "2026-03-16", "2026-03-23",
    ]  # fmt: skip


@pytest.mark.requirement("001-17")
def test_the_decision_is_an_event_apart_from_the_purchase() -> None:
    held = journeys("0 visit, 3 cart, 10 order", "0 visit, 4 cart", "0 visit")
    rows = {row["stage"]: row for row in etappe.stages(held, model="m4").rows()}
    assert [rows[name]["journeys"] for name in ("interest", "decision", "purchase")] == [3, 2, 1]
    assert etappe.funnel(held, ["cart", "order"]).column("reached") == [2, 1]
    own = (
        "touchpoints: [{id: resolved, title: Kaufentschluss, medium: analog, contact: direct, channel: sales,"
        " atom: decide, owner: Vertrieb, goal: Ja sagen}]"
    )
    told = etappe.stages(journeys("0 resolved, 9 order"), model="m4", registry=extend(REGISTRY, own)).rows()
    assert {row["stage"]: row["journeys"] for row in told if row["journeys"]} == {"decision": 1, "purchase": 1}


@pytest.mark.requirement("001-19")
def test_consideration_begins_with_the_first_exploring_after_a_product_was_seen() -> None:
    # Seen, then explored; seen only; explored again after a purchase, which is no consideration.
    held = journeys("0 ad, 5 ad, 7 product_view, 9 faq", "0 ad, 3 ad", "0 ad, 1 order, 2 product_view")
    of = held.labelled(model="m2").column("stage").texts()
    assert of[:4] == ["awareness", "awareness", "consideration", "consideration"]
    assert of[4:] == ["awareness", "awareness", "awareness", "purchase", "loyalty"]
    rows = {row["stage"]: row for row in etappe.stages(held, model="m2").rows()}
    assert (rows["awareness"]["journeys"], rows["consideration"]["journeys"]) == (3, 1)
    assert etappe.who(held, {"question": "stages", "model": "m2"}, rows["consideration"]).tolist() == [0]


@pytest.mark.requirement("001-20")
def test_new_customers_stand_against_existing_ones_with_the_touchpoints_of_each() -> None:
    held = days("0 letter, 1 order, 8 letter, 9 order", "7 ad, 8 advice_portal, 9 order", "8 ad, 10 order", until=14)
    answer = etappe.lifecycle(held, touchpoint="order")
    row = answer.rows()[1]
    assert (row["new"], row["returning"]) == (2, 1)
    week = held.between(int(held.time_us.min()) + 7 * 86_400_000_000, None)
    mixes = []
    for part in ("new", "returning"):
        members = who_lives(held, answer.question, {**row, "part": part})
        mix = etappe.reach(week.select(members)).rows()
        mixes.append({one["touchpoint"]: one["journeys"] for one in mix if one["journeys"]})
    assert mixes == [{"ad": 2, "order": 2, "advice_portal": 1}, {"letter": 1, "order": 1}]


@pytest.mark.requirement("002-01")
def test_a_product_has_a_journey_from_its_first_view_past_the_purchase(tmp_path: Path) -> None:
    text = (
        "who,at,what,asin\na,2026-03-01,product_view,B01\nb,2026-03-02,product_view,B01\nb,2026-03-03,order,B01\n"
        "b,2026-03-09,review,B01\na,2026-03-02,product_view,B02\na,2026-03-02,visit,\n"
    )
    mapping = 'customer = "who"\ntime = "at"\ntouchpoint = "what"\nproperties = ["asin"]\n'
    j = brought(tmp_path, "items", text, mapping).journeys(subject="asin")
    assert (j.names(range(len(j))), j.events) == (["B01", "B02"], 5)
    ways = etappe.variants(j).column("path")
    assert sorted(ways) == ["product_view", "product_view > product_view > order > review"]
    assert etappe.funnel(j, ["product_view", "order"]).column("reached") == [2, 1]


PHASES = """schema: journey-map/1
id: phasen
title: Phasen
touchpoints:
  - {id: page_view, title: Webseite, channel: web, medium: digital, contact: direct}
  - {id: online_purchase, title: Online-Shop, channel: shop, medium: digital, contact: direct}
stages:
  - {id: interest, title: Interesse, atoms: [research], steps: [{id: s1, title: sieht, touchpoint: page_view}]}
  - {id: purchase, title: Kauf, atoms: [buy], steps: [{id: s2, title: kauft, touchpoint: online_purchase}]}
lanes: [{id: both, type: metric, title: Beides}]
cells:
  - {lane: both, stage: interest, evidence: [said1, on1]}
  - {lane: both, stage: purchase, evidence: [said2, on2]}
evidence:
  - {id: said1, metric: survey.csat, filter: stage = 'interest'}
  - {id: said2, metric: survey.csat, filter: stage = 'purchase'}
  - {id: on1, metric: step.conversion, parameters: {from: s1, to: s2}}
  - {id: on2, metric: journey.repeat_rate, parameters: {touchpoint: s2}}
"""


@pytest.mark.requirement("002-06")
def test_each_phase_of_a_map_has_its_satisfaction_and_its_conversion(tmp_path: Path) -> None:
    lines = ["who,at,what,csat"]
    for i in range(80):
        lines.append(f"{i},2026-03-01,visit,{2 + i % 2}")
        lines += [f"{i},2026-03-02,order,5"] * (i < 60) + [f"{i},2026-03-09,order,1"] * (i < 30)  # again: another phase
    mapping = 'customer = "who"\ntime = "at"\ntouchpoint = "what"\nproperties = ["csat"]\n'
    ws = brought(tmp_path, "phases", "\n".join(lines), mapping)
    bound = ws.bind(read_map(PHASES))
    told = {name: (one.value, one.n) for name, one in bound.evidence.items()}
    assert told == {
        "said1": (2.5, 80), "said2": (5.0, 60), "on1": (75.0, 80), "on2": (50.0, 60),
    }  # fmt: skip
    assert [(cell.cell.stage, cell.cell.refs) for cell in bound.cells] == [
        ("interest", ("said1", "on1")), ("purchase", ("said2", "on2")),
    ]  # fmt: skip


@pytest.mark.requirement("002-12", "003-09")
def test_a_map_shows_experiences_and_interactions_at_each_touchpoint() -> None:
    bound = bind(template("three-phases"))
    page = html(bound, "de")
    heads = page[page.index("<thead>") : page.index("</thead>")]
    for step in bound.map.steps:
        point = next(one for one in bound.map.touchpoints if one.id == step.touchpoint)
        assert f"<strong>{say(step.title, 'de')}</strong>" in heads
        assert f'<span class="facts">{say(point.title, "de")}</span>' in heads
    actions = [cell for cell in bound.cells if cell.lane.type == "actions"]
    feelings = [cell for cell in bound.cells if cell.lane.type == "emotion"]
    columns = set(range(len(bound.map.columns())))
    assert {at for cell in actions for at in range(cell.first, cell.first + cell.span)} == columns
    assert len({cell.first for cell in feelings} & columns) == len(feelings) > len(columns) / 2
    assert all(say(cell.cell.text, "de") in page for cell in actions)


PROBLEM = """schema: journey-map/1
id: kauf
title: Kauf
touchpoints:
  - {id: add_to_cart, title: Warenkorb, channel: shop, medium: digital, contact: direct}
  - {id: online_purchase, title: Online-Shop, channel: shop, medium: digital, contact: direct}
stages:
  - id: a
    title: Kauf
    steps: [{id: s1, title: wählt, touchpoint: add_to_cart}, {id: s2, title: kauft, touchpoint: online_purchase}]
lanes: [{id: pain, type: pain, title: Hürden}, {id: chance, type: opportunity, title: Chancen}]
cells:
  - {lane: pain, step: s2, text: Das Formular ist lang, severity: 3, opportunity: form}
  - {lane: chance, step: s2, opportunity: form}
opportunities: [{id: form, title: Kürzeres Formular, addresses: [pain/s2]}]
"""


@pytest.mark.requirement("002-13", "003-09")
def test_a_problem_is_marked_on_the_map_and_leads_to_what_is_done_about_it(tmp_path: Path) -> None:
    ws = made(tmp_path)
    ws.put(PROBLEM, "kauf.yaml")
    ws.add_task("Felder streichen", map="kauf", opportunity="form", department="IT")
    bound = ws.bind(ws.map("kauf"))
    page = html(bound, "de")
    assert 'class="card pain' in page
    assert "Schwere 3 von 3" in page
    assert "Kürzeres Formular" in page
    problem, _ = bound_view(bound, "de")["cells"]
    assert (problem["severity"], problem["place"], problem["opportunity"]) == (3, "s2", "form")
    assert ws.chance("kauf", problem["opportunity"]).opportunity.addresses == ("pain/s2",)
    ws.decide("kauf", "form", "running", note="Zu viele Felder")
    assert ("kauf", "form", "running") in [(made.map, made.opportunity, made.after) for made in ws.decisions()]
    assert [(task.title, task.opportunity) for task in ws.tasks()] == [("Felder streichen", "form")]
    wrong = PROBLEM.replace("severity: 3, opportunity: form", "severity: 3, opportunity: from")
    with pytest.raises(BadDocument, match="'from'"):
        ws.put(wrong, "kauf.yaml")


@pytest.mark.requirement("002-17")
def test_a_study_stands_behind_a_cell_and_confirms_it() -> None:
    study = "studies: [{id: talks, title: Gespräche, kind: interview, n: 12}]\n"
    at = "text: Das Formular ist lang, "
    bare, backed = (
        bind(read_map(PROBLEM.replace(at, at + more) + study))
        for more in ("", "researched: [talks], validated: true, ")
    )
    assert [bound.cells[0].basis for bound in (bare, backed)] == ["assumed", "researched"]
    shown = bound_view(backed, "de")
    assert [(one["id"], one["n"]) for one in shown["studies"]] == [("talks", 12)]
    assert [(cell["researched"], cell["validated"]) for cell in shown["cells"]] == [(["talks"], True), ([], False)]


@pytest.mark.requirement("003-11")
def test_an_advertisement_that_was_only_seen_has_its_share_of_a_purchase() -> None:
    held = journeys("0 ad_impression, 3 order", "0 ad_impression, 1 visit, 2 support, 3 order", "0 ad_impression")
    assert [id_of(name) for name in held.touchpoints] == [
        "ad_impression", "online_purchase", "page_view", "digital_support",
    ]  # fmt: skip
    credit = {row["touchpoint"]: row["credit"] for row in etappe.attribution(held, "order").rows()}
    assert credit == pytest.approx({"ad_impression": 1 + 1 / 3, "visit": 1 / 3, "support": 1 / 3})


@pytest.mark.requirement("004-02")
def test_a_journey_ends_with_the_purchase_or_takes_in_support_as_one_likes() -> None:
    whole = journeys("0 visit, 5 order, 9 support_case, 12 order", "0 visit, 2 order")
    ended = whole.split(end="order")
    assert [len(whole), len(ended)] == [2, 3]
    assert ended.offsets.tolist() == [0, 2, 4, 6]
    assert [etappe.funnel(some, ["order", "support_case"]).column("reached") for some in (whole, ended)] == [
        [2, 1], [3, 0],
    ]  # fmt: skip
    short = (
        "models: [{id: short, title: Bis zum Kauf, source: wir, stages: [{id: until, title: Bis zum Kauf}], atoms: {"
        + ", ".join(f"{atom}: {'until' if i < 5 else 'null'}" for i, atom in enumerate(ATOMS))
        + "}}]"
    )
    rows = etappe.stages(whole, model="short", registry=extend(REGISTRY, short)).rows()
    assert {row["stage"]: row["events"] for row in rows} == {"until": 4, "not_covered": 2, "unassigned": 0}


@pytest.mark.requirement("004-14")
def test_support_cases_and_complaints_are_touchpoints_and_their_resolution_is_timed() -> None:
    for name, id in (("support_case", "digital_support"), ("Reklamation", "complaint")):
        assert (id_of(name), labels_of(name, "m6")) == (id, ("Nachkaufphase", "Support"))
    hour = 3_600_000_000
    held = lasting(
        journeys(
            f"0 order, {hour} Reklamation, {4 * hour} resolved",
            f"0 order, {hour} Reklamation, {6 * hour} resolved",
            f"0 order, {2 * hour} support_case, {3 * hour} resolved",
            "0 order, 1 support_case",
        ),
        100 * hour,
    )
    rows = {
        row["contact"]: row
        for row in etappe.response(held, ["Reklamation", "support_case"], "resolved", target="4h").rows()
    }
    assert (rows["Reklamation"]["median_us"], rows["Reklamation"]["in_time_share"]) == (4 * hour, 0.5)
    told = rows["support_case"]
    assert (told["contacts"], told["answered"], told["open"], told["median_us"]) == (2, 1, 1, hour)


@pytest.mark.requirement("004-17")
def test_before_during_and_after_the_purchase_are_a_coarse_level_of_every_journey(tmp_path: Path) -> None:
    held = journeys(NINE)
    fine = etappe.flow(held, level="touchpoint", depth=9).column("to")
    coarse = etappe.flow(held, level="stage", model="m6", depth=9).column("to")
    assert fine == [name.split()[1] for name in NINE.split(", ")]
    assert coarse == ["pre_purchase", "purchase", "post_purchase", "exit"]
    assert [say(stage.title, "de") for stage in REGISTRY.model("m6").stages] == [
        "Vorkaufphase", "Kaufphase", "Nachkaufphase",
    ]  # fmt: skip
    assert stage_sequence(ATOMS, REGISTRY.model("m6")) == ["pre_purchase"] * 4 + ["purchase"] + ["post_purchase"] * 4
    assert held.labelled().where("stage.m6 = 'post_purchase'").events == 4
    ws = init(tmp_path / "coarse", Settings(stage_model="m6"))
    ws.import_files([written(tmp_path, "a.csv", "customer,time,touchpoint\n1,2026-01-01,visit\n1,2026-01-02,order\n")])
    assert ws.journeys().column("stage").texts() == ["pre_purchase", "purchase"]
