"""The registry: the catalogue, the six stage models, and how a workspace changes them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etappe import arrays
from etappe.errors import BadDocument, UnknownName
from etappe.journeys.columns import journeys_of
from etappe.journeys.stages import (
    UNASSIGNED,
    atoms_of,
    default_registry,
    extend,
    read_defaults,
    stage_sequence,
    undiscovered,
)
from etappe.vocabulary import ATOMS, say
from journeys_text import journeys

NINE = (
    "0 poster, 1 page_view, 2 comparison_portal, 3 add_to_cart, 4 online_purchase, 5 delivery, "
    "6 page_view, 7 customer_review, 8 referral"
)
"""The fixture journey of REQUIREMENTS 7: every atom once, in order."""

COLUMNS = {
    "m1": "Aufmerksamkeit Abwägung Abwägung Abwägung Kauf Kundenbindung Kundenbindung Befürwortung Befürwortung",
    "m2": "Bekanntheit Überlegung Überlegung Überlegung Kauf Erfahrung Loyalität Kauf Loyalität",
    "m3": "Bewusstsein Interesse Entscheidung Entscheidung Aktion - - - -",
    "m4": "Bewusstsein Interesse Interesse Entscheidung Kauf - Bindung - -",
    "m5": "Wahrnehmung Überlegung Überlegung Entscheidung Entscheidung Zeit_nach_dem_Kauf Zeit_nach_dem_Kauf "
    "Zeit_nach_dem_Kauf Zeit_nach_dem_Kauf",
    "m6": "Vorkaufphase Vorkaufphase Vorkaufphase Vorkaufphase Kaufphase Nachkaufphase Nachkaufphase Nachkaufphase "
    "Nachkaufphase",
}
ENGLISH = {
    "m1": "Awareness Consideration Purchase Retention Advocacy",
    "m2": "Awareness Consideration Purchase Experience Loyalty",
    "m3": "Awareness Interest Decision Action",
    "m4": "Awareness Interest Decision Purchase Retention",
    "m5": "Awareness Consideration Decision Post-purchase",
}


@pytest.mark.requirement("000-05")
@pytest.mark.requirement("001-07")
@pytest.mark.requirement("002-02")
@pytest.mark.requirement("003-07")
@pytest.mark.requirement("004-13")
@pytest.mark.parametrize("id", COLUMNS)
def test_one_journey_with_all_atoms_gives_the_column_of_each_model(id):
    registry = default_registry()
    atoms = [ATOMS[atom] for atom in atoms_of(journeys(NINE), registry)]
    assert tuple(atoms) == ATOMS
    model = registry.model(id)
    titles = {stage.id: say(stage.title, "de") for stage in model.stages}
    column = [titles[stage] if stage else "-" for stage in stage_sequence(atoms, model)]
    assert column == [title.replace("_", " ") for title in COLUMNS[id].split()]


@pytest.mark.requirement("000-05")
@pytest.mark.parametrize("id", ENGLISH)
def test_every_stage_has_its_english_name(id):
    assert [say(stage.title, "en") for stage in default_registry().model(id).stages] == ENGLISH[id].split()


def test_what_is_inferred_and_where_the_sources_disagree_stands_with_each_model():
    models = default_registry().models
    assert {model.id: model.inferred for model in models} == {
        "m1": ("research", "compare", "decide", "receive", "rate"),
        "m2": ("compare", "decide", "recommend"),
        "m3": (),
        "m4": (),
        "m5": ("compare", "stay", "recommend"),
        "m6": ("rate",),
    }
    disputed = {model.id: set(model.disputed) for model in models if model.disputed}
    assert disputed == {
        "m2": {"rate"},
        "m3": {"compare", "decide"},
        "m4": {"compare", "decide"},
        "m5": {"decide", "buy"},
    }


@pytest.mark.requirement("002-19")
def test_the_template_stages_of_source_002_carry_its_texts():
    texts = [say(stage.text, "de") for stage in default_registry().model("m4").stages]
    words = [
        "erfährt zum ersten Mal von Ihrer Marke",
        "vergleicht es mit anderen",
        "entscheidet sich zum Kauf",
        "kauft",
        "bleibt loyal und kauft wieder",
    ]
    assert [word in text for word, text in zip(words, texts, strict=True)] == [True] * 5


@pytest.mark.requirement("002-03")
def test_the_typical_stages_of_source_002_carry_its_definitions():
    stages = default_registry().model("m3").stages
    assert [say(stage.text, "de") for stage in stages] == [
        "Jemand wird auf Ihr Produkt aufmerksam.",
        "Jemand sucht nach weiteren Informationen.",
        "Jemand vergleicht Ihr Produkt mit anderen und trifft eine Kaufentscheidung.",
        "Jemand kauft Ihr Produkt.",
    ]


@pytest.mark.requirement("003-07")
def test_the_phases_of_source_003_carry_its_words_in_brackets():
    assert [say(stage.text, "de") for stage in default_registry().model("m5").stages] == [
        "Entdeckung der Marke",
        "Recherche nach Lösungen",
        "Kaufvorgang",
        "Nutzung des Produkts und Erteilen von Feedback",
    ]


def test_the_phases_of_source_004_keep_its_words_in_brackets():
    labels = default_registry().model("m6").labels
    assert {atom: say(label, "de") for atom, label in labels.items()} == {
        "aware": "Bewusstsein",
        "research": "Erwägung",
        "compare": "Erwägung",
        "decide": "Erwägung",
        "receive": "Support",
        "stay": "Kundenbindung",
        "recommend": "Weiterempfehlung",
    }


EVENTS = {
    "online_purchase": "Bestellung, Kauf, bestellung, KAUF, Order Completed, order_completed, Order placed",
    "add_to_cart": "Warenkorb, warenkorb, add to cart, Add-to-Cart, Product Added, Checkout Started",
    "page_view": "Website-Besuch, Besuch, besuch, Seitenaufruf, Visit, Page View, page viewed",
    "sign_up": "Registrierung, Anmeldung, sign up, Sign Up, LOGIN",
    "customer_service_call": "Anruf, anruf, Phone Call",
    "complaint": "Reklamation, Beschwerde",
    "online_return": "Rücksendung, Retoure, RETOURE",
    "delivery": "Lieferung",
    "shipping": "Versand, versand",
    "email_marketing": "Newsletter, Newsletter geöffnet, newsletter",
    "customer_review": "Bewertung",
    "survey": "Umfrage, Survey",
    "chatbot": "Chat, chat",
    "sales_consultation": "Beratung",
    "store_purchase": "Filialkauf",
    "invoice_payment": "Rechnung, Zahlung",
    "product_information": "Product Viewed, product viewed",
}


@pytest.mark.parametrize("id", EVENTS)
def test_names_of_shops_are_known_however_they_are_written(id):
    names = EVENTS[id].split(", ")
    assert {name: getattr(default_registry().find(name), "id", None) for name in names} == dict.fromkeys(names, id)


def test_no_default_name_means_two_touchpoints_when_capitals_make_no_difference():
    registry = default_registry()
    for touchpoint in registry.touchpoints:
        for name in (touchpoint.id, *touchpoint.match):
            assert registry.find(name.upper().replace("_", " ")) is touchpoint


def test_a_name_written_just_so_comes_before_one_that_only_sounds_alike():
    own = (
        "touchpoints: [{id: kiosk, title: {de: K, en: K}, medium: digital, contact: direct, channel: shop, atom: buy,"
        " owner: {de: F, en: S}, goal: {de: G, en: G}, match: [%s]}]"
    )
    assert extend(default_registry(), own % "Survey").find("Survey").id == "kiosk"
    assert extend(default_registry(), own % "Survey").find("survey").id == "survey"
    assert [extend(default_registry(), own % "kauf").find(name).id for name in ("kauf", "Kauf")] == ["kiosk"] * 2


def titles_of(medium: str, contact: str) -> set[str]:
    return {say(t.title, "de") for t in default_registry().touchpoints if (t.medium, t.contact) == (medium, contact)}


@pytest.mark.requirement("004-05")
def test_analogue_direct_defaults():
    assert {"Plakatwerbung", "Zeitungsanzeige"} <= titles_of("analog", "direct")


@pytest.mark.requirement("004-06")
def test_digital_direct_defaults():
    assert {"Webseite", "E-Mail-Marketing", "Videotelefonat"} <= titles_of("digital", "direct")


@pytest.mark.requirement("004-07")
def test_analogue_indirect_defaults():
    assert {"Empfehlung von Bekannten", "Medienbericht"} <= titles_of("analog", "indirect")


@pytest.mark.requirement("004-08")
def test_digital_indirect_defaults():
    assert {"Nutzerforum", "Bewertungsportal"} <= titles_of("digital", "indirect")


@pytest.mark.requirement("000-04")
@pytest.mark.requirement("001-04")
def test_the_catalogue_holds_all_52_touchpoints_of_the_sources_online_and_offline():
    assert {(m, c): len(titles_of(m, c)) for m in ("analog", "digital") for c in ("direct", "indirect")} == {
        ("analog", "direct"): 9,
        ("analog", "indirect"): 3,
        ("digital", "direct"): 28,
        ("digital", "indirect"): 12,
    }


@pytest.mark.requirement("003-11")
@pytest.mark.parametrize(
    ("id", "model", "stage"),
    [
        ("own_social_media", "m2", "awareness"),
        ("family_report", "m2", "awareness"),
        ("influencer", "m2", "awareness"),
        ("search_suggestion", "m2", "awareness"),
        ("email_marketing", "m2", "awareness"),
        ("company_blog", "m2", "awareness"),
        ("affiliate", "m2", "awareness"),
        ("page_view", "m2", "consideration"),
        ("free_trial", "m2", "consideration"),
        ("chatbot", "m2", "consideration"),
        ("advice_portal", "m2", "consideration"),
        ("online_purchase", "m2", "purchase"),
        ("marketplace_purchase", "m2", "purchase"),
        ("customer_review", "m2", "purchase"),
        ("shipping", "m2", "experience"),
        ("delivery", "m2", "experience"),
        ("tracking", "m2", "experience"),
        ("online_return", "m2", "experience"),
        ("ad_impression", "m6", "pre_purchase"),
        ("sales_consultation", "m6", "pre_purchase"),
        ("store_purchase", "m6", "purchase"),
        ("digital_support", "m6", "post_purchase"),
    ],
)
def test_a_touchpoint_stands_in_the_stage_its_source_gives_it(id, model, stage):
    touchpoint = default_registry().find(id)
    assert touchpoint is not None
    assert default_registry().model(model).atoms[touchpoint.atom] == stage


def test_every_default_is_complete_in_both_languages():
    registry = default_registry()
    for text in (text for t in registry.touchpoints for text in (t.title, t.owner, t.goal)):
        assert isinstance(text, dict)
        assert set(text) == {"de", "en"}
        assert all(text.values())


@pytest.mark.parametrize(
    ("name", "id"),
    [
        ("visit", "page_view"),
        ("cart", "add_to_cart"),
        ("purchase", "online_purchase"),
        ("order", "online_purchase"),
        ("payment_done", "invoice_payment"),
        ("mailing_a", "letter"),
        ("Order Completed", "online_purchase"),
    ],
)
def test_common_names_in_data_mean_a_touchpoint(name, id):
    found = default_registry().find(name)
    assert found is not None
    assert found.id == id


def test_a_name_that_nobody_knows_is_found_nowhere():
    assert default_registry().find("zzz") is None


def test_an_unknown_model_proposes_the_nearest():
    with pytest.raises(UnknownName, match="stages: no stage model named 'm7'"):
        default_registry().model("m7", "stages")


def test_a_visit_after_a_purchase_is_no_research():
    j = journeys("0 visit, 1 order, 2 visit, 3 order", "0 visit", "", "1 visit, 1 order, 1 kiosk")
    atoms = ["-" if atom == UNASSIGNED else ATOMS[atom] for atom in atoms_of(j, default_registry())]
    assert atoms == ["research", "buy", "stay", "stay", "research", "research", "buy", "-"]


EXTRA_RULES = """
rules:
  - {touchpoint: visit, after: order, atom: rate}
  - {touchpoint: aware, after: [visit, mailing], atom: decide}
  - {touchpoint: visit, after: visit, atom: compare}
  - {touchpoint: order, after: rate, atom: recommend}
extends: nothing
touchpoints:
  - {id: visit, title: v, medium: digital, contact: direct, channel: web, atom: research, owner: o, goal: g}
  - {id: order, title: v, medium: digital, contact: direct, channel: web, atom: buy, owner: o, goal: g}
  - {id: review, title: v, medium: digital, contact: direct, channel: web, atom: rate, owner: o, goal: g}
  - {id: mailing, title: v, medium: digital, contact: direct, channel: web, atom: aware, owner: o, goal: g}
"""
NAMES = ["visit", "order", "review", "mailing", "kiosk"]


@given(st.lists(st.lists(st.integers(0, len(NAMES) - 1), max_size=8), max_size=6))
def test_the_first_rule_that_fits_gives_the_atom(lists):
    registry = extend(default_registry(), EXTRA_RULES)
    offsets = np.cumsum([0, *map(len, lists)])
    codes = [code for one in lists for code in one]
    j = journeys_of(offsets, range(len(codes)), codes, NAMES)
    expected = []
    for one in lists:
        before: set[str] = set()
        for code in one:
            touchpoint = registry.find(NAMES[code])
            if touchpoint is None:
                expected.append(UNASSIGNED)
                continue
            means = {touchpoint.id, touchpoint.atom}
            fits = [rule.atom for rule in registry.rules if rule.touchpoint in means and rule.after in before]
            expected.append(ATOMS.index(fits[0] if fits else touchpoint.atom))
            before |= means
    assert atoms_of(j, registry).tolist() == expected


def test_atoms_are_the_same_in_threads(monkeypatch):
    shop = journeys(*["0 visit, 1 order, 2 visit, 3 order", "0 visit", "", "1 visit, 1 order, 1 kiosk"] * 40)
    alone = atoms_of(shop, default_registry()).tolist()
    monkeypatch.setattr(arrays, "SMALL", 0)
    assert atoms_of(shop, default_registry()).tolist() == alone


@pytest.mark.requirement("000-14")
def test_touchpoints_in_the_data_but_not_in_the_catalogue_are_listed_with_counts():
    j = journeys("0 kiosk, 1 visit, 2 kiosk", "0 drone", "0 kiosk", "0 visit")
    assert undiscovered(j, default_registry()) == [("kiosk", 3, 2), ("drone", 1, 1)]


def test_nothing_is_undiscovered_in_empty_data():
    assert undiscovered(journeys_of([0], [], [], []), default_registry()) == []
    assert atoms_of(journeys_of([0], [], [], []), default_registry()).tolist() == []


KIOSK = (
    "  - {id: kiosk, title: Kiosk, medium: digital, contact: direct, channel: store, atom: buy, "
    "owner: Sales, goal: Buy, match: [purchase]}\n"
)


def test_a_workspace_adds_a_touchpoint_and_takes_a_name_from_a_default():
    registry = extend(default_registry(), "touchpoints:\n" + KIOSK)
    assert len(registry.touchpoints) == 53
    assert registry.find("purchase").id == "kiosk"
    assert registry.find("order").id == "online_purchase"
    assert default_registry().find("purchase").id == "online_purchase"


def test_a_workspace_replaces_an_entry_by_its_id():
    registry = extend(default_registry(), "touchpoints:\n" + KIOSK.replace("kiosk", "poster"))
    assert len(registry.touchpoints) == 52
    assert registry.find("poster").title == "Kiosk"
    assert registry.find("billboard") is None


def test_extends_nothing_leaves_only_the_workspace_s_own_touchpoints_and_rules():
    registry = extend(default_registry(), "extends: nothing\ntouchpoints:\n" + KIOSK)
    assert [touchpoint.id for touchpoint in registry.touchpoints] == ["kiosk"]
    assert registry.rules == ()
    assert len(registry.models) == 6


def test_a_workspace_s_rules_come_first():
    registry = extend(default_registry(), "rules: [{touchpoint: page_view, after: buy, atom: recommend}]")
    assert ATOMS[atoms_of(journeys("0 order, 1 visit"), registry)[1]] == "recommend"


MODEL = """models:
  - id: own
    title: Own
    source: us
    stages: [{id: before, title: Before}, {id: after, title: After}]
    atoms: {aware: before, research: before, compare: before, decide: before, buy: before, receive: after, stay: after,
            rate: after, recommend: null}
"""


def test_a_workspace_adds_a_stage_model():
    model = extend(default_registry(), MODEL).model("own")
    assert stage_sequence(ATOMS, model) == ["before"] * 5 + ["after"] * 3 + [None]


@pytest.mark.requirement("004-03")
@pytest.mark.parametrize("axis", ["medium: digital, ", "contact: direct, "])
def test_a_touchpoint_without_its_category_is_refused(axis):
    with pytest.raises(BadDocument) as refused:
        extend(default_registry(), "touchpoints:\n" + KIOSK.replace(axis, ""), "shop.yaml")
    name = axis.split(":")[0]
    assert str(refused.value).startswith(f"shop.yaml:2: touchpoints[0]: '{name}' is missing. One of ")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("touchpoints:\n" + KIOSK + KIOSK, "r:3: touchpoints[1].id: 'kiosk' is the id of touchpoints[0] already."),
        ("touchpoints:\n" + KIOSK.replace("buy", "bye"), "r:2: touchpoints[0].atom: 'bye' is not allowed here. One of"),
        ("touchpoints:\n" + KIOSK.replace("store", "stor"), "'stor'. Did you mean 'store'?"),
        ("touchpoints:\n" + KIOSK.replace("kiosk", "buy"), "touchpoints[0].id: 'buy' is the name of an atom."),
        (
            "touchpoints:\n" + KIOSK.replace("[purchase]", "[poster]"),
            "match[0]: 'poster' is the id of touchpoint 'poster'",
        ),
        (
            "touchpoints:\n" + KIOSK + KIOSK.replace("kiosk", "kiosk2"),
            "r:3: touchpoints[1].match[0]: 'purchase' is matched by touchpoint 'kiosk' already.",
        ),
        ("rules: [{touchpoint: page_vew, after: buy, atom: stay}]", "rules[0].touchpoint: no touchpoint or atom named"),
        ("rules: [{touchpoint: page_view, after: by, atom: stay}]", "rules[0].after: no touchpoint or atom named 'by'"),
        (MODEL.replace("aware: before, ", ""), "models[0].atoms: the atom 'aware' is missing. Give its stage, or null"),
        (
            MODEL.replace("buy: before", "buy: befor"),
            "models[0].atoms.buy: no stage named 'befor'. Did you mean 'before'?",
        ),
        (
            MODEL.replace("{id: after", "{id: before"),
            "models[0].stages[1].id: 'before' is the id of stages[0] already.",
        ),
        ("touchpoint: []", "r:1: unknown key 'touchpoint'. Did you mean 'touchpoints'?"),
        ("extends: everything", "r:1: extends: 'everything' is not allowed here. One of default, nothing."),
    ],
)
def test_a_fault_is_refused_with_its_place_and_a_remedy(text, sentence):
    with pytest.raises(BadDocument) as refused:
        extend(default_registry(), text, "r")
    assert sentence in str(refused.value)


def test_the_default_registry_is_what_its_yaml_files_say():
    assert default_registry() == read_defaults(), "run `make docs`"
