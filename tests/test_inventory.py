"""The touchpoint inventory: every number against a plain recomputation, what is not known or cannot be seen, advice."""

import itertools
from datetime import date
from statistics import median

import pytest
from hypothesis import given, settings

from etappe.errors import BadDocument, UnknownName
from etappe.journeys.stages import default_registry, extend
from etappe.journeys.targets import target_of, verdict
from etappe.language import LANGUAGES
from etappe.maps.inventory import Entry, Inventory, Period, as_known, inventory
from etappe.maps.playbook import SIGNS, playbook
from etappe.maps.registering import beginning, changed, registered
from etappe.maps.scorecard import Card, card
from etappe.units import DAY_US
from etappe.vocabulary import ATOMS, say
from journeys_text import PROPERTY, Plain, built, journeys, many

REGISTRY = default_registry()
NAMES = ("visit", "page_view", "purchase", "kiosk")
"""Two names of one touchpoint, a goal, and one that the registry does not know."""
MEANT = {"visit": "page_view", "page_view": "page_view", "purchase": "online_purchase", "kiosk": "kiosk"}
GOALS = ("online_purchase",)


def taken(*texts: str, goals: tuple[str, ...] = GOALS, **options: object) -> Inventory:
    return inventory(journeys(*texts, **options), REGISTRY, goals=goals)


def entry(found: Inventory, name: str) -> Entry:
    got = found.find(name)
    assert got is not None, name
    return got


def card_of(name: str, *texts: str, **options: object) -> Card:
    some = journeys(*texts, **options)
    return card(some, REGISTRY, inventory(some, REGISTRY, goals=GOALS), name)


@settings(PROPERTY)
@given(many(NAMES))
def test_each_number_is_what_a_plain_recomputation_gives(lists: Plain):
    some = built(lists, names=NAMES)
    found = inventory(some, REGISTRY, goals=GOALS)
    meant = [[(time, MEANT[name]) for time, name in journey] for journey in lists]
    for id in ("page_view", "online_purchase", "kiosk"):
        one = card(some, REGISTRY, found, id)
        here = [journey for journey in meant if any(name == id for _, name in journey)]
        assert (one.entry.reach.count, one.entry.reach.n) == (len(here), len(lists))
        assert one.entry.events == sum(name == id for journey in meant for _, name in journey)
        waits, reached = [], 0
        for journey in here:
            first = next(i for i, (_, name) in enumerate(journey) if name == id)
            rest = journey[first + 1 :]
            other = next((i for i, (_, name) in enumerate(journey) if i > first and name != id), None)
            if other is not None:
                waits.append(journey[other][0] - journey[other - 1][0])
            reached += any(name in GOALS for _, name in rest)
        assert (one.onward.count, one.onward.n) == (len(waits), len(here))
        assert one.time.value == (int(median(waits)) if waits else None)
        assert one.conversion is not None
        assert (one.conversion.count, one.conversion.n) == (reached, len(here))
        leaving = [after for journey in meant for (_, name), (_, after) in itertools.pairwise(journey) if name == id]
        assert {w.to: w.share.count for w in one.ways} == {name: leaving.count(name) for name in set(leaving)}
        assert all(w.share.n == len(leaving) for w in one.ways)


@pytest.mark.requirement("001-05")
@settings(PROPERTY)
@given(many(NAMES))
def test_coverage_is_the_share_of_events_and_of_whole_journeys_that_are_known(lists: Plain):
    cover = inventory(built(lists, names=NAMES), REGISTRY).coverage
    events = [name for journey in lists for _, name in journey]
    assert (cover.events.count, cover.events.n) == (sum(name != "kiosk" for name in events), len(events))
    wholly = sum(all(name != "kiosk" for _, name in journey) for journey in lists)
    assert (cover.journeys.count, cover.journeys.n) == (wholly, len(lists))
    digital = {(one.medium, one.contact): one for one in cover.categories}["digital", "direct"]
    assert digital.events == sum(name != "kiosk" for name in events)
    assert digital.reach.count == sum(any(name != "kiosk" for _, name in journey) for journey in lists)


@pytest.mark.requirement("000-14")
def test_names_of_one_touchpoint_count_as_one_and_the_widest_stands_first():
    found = taken("0 visit, 1 page_view, 2 purchase", "0 visit")
    assert [(e.id, e.reach.count, e.events) for e in found.entries[:2]] == [
        ("page_view", 2, 3),
        ("online_purchase", 1, 1),
    ]
    assert entry(found, "visit").names == ("visit", "page_view")
    assert as_known(journeys("0 visit, 1 page_view"), REGISTRY).touchpoints == ("page_view",)


@pytest.mark.requirement("000-14")
def test_what_the_registry_does_not_know_is_found_with_a_guess_that_says_its_ground():
    found = taken("0 Web-Site, 1 visit", "0 store_stand, 1 visit", "0 zzz, 1 purchase", "0 qqq")
    guesses = {e.id: e.guess for e in found.entries if e.state == "discovered"}
    assert {name: guess.of for name, guess in guesses.items() if guess} == {
        "Web-Site": "name", "store_stand": "words", "zzz": "position", "qqq": "nothing",
    }  # fmt: skip
    assert guesses["Web-Site"]
    assert guesses["Web-Site"].like == "page_view"
    assert guesses["store_stand"]
    assert guesses["store_stand"].medium == "analog"
    assert guesses["zzz"]
    assert guesses["zzz"].atom == "buy"


@pytest.mark.requirement("001-05", "004-05", "004-07", "004-08")
def test_what_no_log_holds_is_dark_and_has_an_aid_and_what_could_be_logged_is_absent():
    found = taken("0 visit")
    states = {e.id: e.state for e in found.entries}
    assert states["poster"] == states["friend_recommendation"] == states["user_forum"] == "dark"
    assert states["company_blog"] == "absent"
    some = journeys("0 visit")
    for one in found.entries:
        aids = card(some, REGISTRY, found, one.id).aids
        assert bool(aids) == (one.state == "dark"), one.id
    assert [aid.id for aid in card(some, REGISTRY, found, "poster").aids] == ["code", "campaign", "how-heard"]


def test_an_unknown_name_can_stand_in_an_address():
    found = taken("0 /checkout/step?1, 1 visit")
    one = entry(found, "/checkout/step?1")
    assert one.key.startswith("~")
    assert one.key.isascii()
    assert entry(found, one.key) is one
    with pytest.raises(UnknownName, match="page_view"):
        card(journeys("0 visit"), REGISTRY, found, "page_vew")


def stops(n: int, at: str) -> list[str]:
    """Journeys of which most end at one touchpoint, among others that go on."""
    return [*[f"0 visit, 1 {at}"] * n, *["0 visit, 1 faq, 2 company_blog, 3 purchase"] * 60]


@pytest.mark.requirement("002-09", "000-15")
def test_a_sign_brings_the_advice_of_its_stage_and_too_few_bring_none():
    one = card_of("comparison_portal", *stops(40, "comparison_portal"))
    signs = {sign.kind: sign for sign in one.signs}
    assert signs["exit"].share
    assert (signs["exit"].share.count, signs["exit"].share.n) == (40, 40)
    assert signs["exit"].typical == 0
    assert {"stand-out", "next-step"} <= {item.id for item in one.items}
    assert {item.requirement for item in one.items} >= {"002-09"}
    few = card_of("comparison_portal", *stops(20, "comparison_portal"))
    assert "exit" not in {sign.kind for sign in few.signs}
    assert few.onward.few
    assert few.time.few


@pytest.mark.requirement("001-16")
def test_what_leads_to_the_goal_and_reaches_few_is_a_chance():
    many_others = ["0 visit, 1 faq, 2 company_blog"] * 100
    one = card_of("free_trial", *["0 free_trial, 1 purchase"] * 40, *many_others)
    assert "carries" in {sign.kind for sign in one.signs}
    assert "use-the-chance" in {item.id for item in one.items}
    assert "carries" not in {sign.kind for sign in card_of("faq", *many_others).signs}


def advised(one: Card) -> set[str]:
    """The ids of the advice on a card."""
    return {item.id for item in one.items}


@pytest.mark.requirement("002-07")
def test_being_found_is_measured_by_who_sees_an_advertisement_or_a_search_result():
    some = ["0 ad_view, 1 visit, 2 faq"] * 196 + ["0 seo, 1 visit"] * 4
    found = {name: card_of(name, *some) for name in ("ad_impression", "search_suggestion")}
    shares = {name: (one.entry.reach.count, one.entry.reach.n) for name, one in found.items()}
    assert shares == {"ad_impression": (196, 200), "search_suggestion": (4, 200)}
    assert "be-found" in advised(found["search_suggestion"])
    assert "be-found" not in advised(found["ad_impression"])


@pytest.mark.requirement("002-08")
def test_who_leaves_the_product_s_page_brings_advice_and_views_and_questions_are_counted():
    some = ["0 visit, 1 product_view"] * 40 + ["0 visit, 1 product_view, 2 faq, 3 support, 4 purchase"] * 60
    page, faq = (card_of(name, *some) for name in ("product_information", "faq"))
    assert (page.entry.reach.count, page.entry.events, faq.entry.reach.count) == (100, 100, 60)
    assert "tell-all" in advised(page)
    assert "answer-questions" in advised(faq)  # those who read it ask the service all the same


@pytest.mark.requirement("002-10")
def test_friction_at_the_checkout_and_poor_service_each_bring_their_advice():
    stopped = ["0 visit, 1 cart"] * 40 + ["0 visit, 1 faq, 2 company_blog, 3 cart, 4 purchase"] * 60
    cart = card_of("add_to_cart", *stopped)
    assert (cart.entry.friction["exit"].count, cart.entry.friction["exit"].n) == (40, 100)
    assert "smooth-purchase" in advised(cart)
    others = ["0 visit, 1 faq, 2 company_blog"] * 60
    again, once = "1 support, 2 support, 3 support", "1 support, 2 visit, 3 faq"
    for way, rating, advice in ((again, "1", True), (once, "5", False)):
        rated = [None, rating, None, None] * 40 + [None] * 180
        desk = card_of("digital_support", *[f"0 purchase, {way}"] * 40, *others, columns={"rating": rated})
        assert desk.satisfaction
        assert (desk.satisfaction.mean.value, desk.satisfaction.mean.n) == (float(rating), 40)
        assert ("good-service" in advised(desk)) == advice


@pytest.mark.requirement("001-15")
def test_the_use_of_each_touchpoint_and_how_far_contacts_are_digital_are_counted():
    found = taken("0 visit, 1 app_download, 2 app_open", "0 visit, 1 phone_call", "0 store_purchase, 1 kiosk")
    assert {id: entry(found, id).reach.count for id in ("page_view", "app_usage", "customer_service_call")} == {
        "page_view": 2, "app_usage": 1, "customer_service_call": 1,
    }  # fmt: skip
    assert (found.coverage.digital.count, found.coverage.digital.n) == (4, 6)  # the kiosk is not known


@pytest.mark.requirement("002-16", "004-08")
def test_every_piece_of_advice_names_its_source_in_both_languages_and_fits_somewhere():
    items = playbook().items
    assert len({item.id for item in items}) == len(items)
    for item in items:
        assert set(item.signs) <= set(SIGNS)
        assert set(item.atoms) <= set(ATOMS)
        for text in (item.title, item.text, item.measure):
            assert all(isinstance(text, dict) and text[lang] for lang in LANGUAGES)
    sources = {item.requirement for item in items} | {aid.requirement for aid in playbook().aids}
    assert {"002-07", "002-08", "002-09", "002-10", "000-14", "000-15", "001-05", "001-15", "001-16"} <= sources


@pytest.mark.requirement("002-16")
def test_a_touchpoint_without_a_goal_is_said():
    bare = extend(
        REGISTRY,
        "touchpoints: [{id: kiosk, title: K, medium: digital, contact: direct, channel: web, atom: buy, "
        "owner: '', goal: ''}]",
    )
    found = inventory(journeys("0 kiosk, 1 visit"), bare)
    assert found.coverage.goalless == ("kiosk",)
    assert "set-a-goal" in {item.id for item in card(journeys("0 kiosk, 1 visit"), bare, found, "kiosk").items}


@pytest.mark.requirement("000-08")
def test_revenue_is_that_of_the_journeys_that_touch_it_and_currencies_are_not_added():
    texts = ("0 visit, 1 purchase", "0 purchase", "0 faq")
    one = card_of("visit", *texts, values=[None, 100_000, 50_000, None])
    assert one.revenue
    assert (one.revenue.value, one.revenue.n) == (100_000, 1)
    assert card_of("visit", *texts).revenue is None
    mixed = card_of(
        "visit", *texts, values=[70_000, 100_000, 50_000, None], columns={"currency": ["EUR", "USD", "USD", None]}
    )
    assert mixed.revenue is None
    assert mixed.mixed == ("EUR", "USD")


@pytest.mark.requirement("000-08")
def test_satisfaction_is_the_mean_of_the_scores_given_there_or_said_to_be_missing():
    texts = ("0 survey, 1 visit", "0 survey", "0 survey")
    rated = card_of("survey", *texts, columns={"rating": ["1", None, "5", "3"]})
    assert rated.satisfaction
    assert (rated.satisfaction.mean.value, rated.satisfaction.mean.n) == (3.0, 3)
    assert (rated.satisfaction.least, rated.satisfaction.most) == (1.0, 5.0)
    assert rated.satisfaction.mean.few
    assert rated.inventory.low_score == 2.0
    assert card_of("survey", *texts).satisfaction is None
    assert card_of("visit", *texts, columns={"rating": ["1", None, "5", "3"]}).satisfaction is None


def test_the_change_compares_two_periods_and_says_when_it_may_be_chance():
    then = DAY_US + 100
    first, last = ["0 visit, 1 faq"] * 50, [f"{then} visit, {then + 1} faq"] * 10 + [f"{then} visit"] * 50
    some = journeys(*first, *last)
    found = inventory(some, REGISTRY, period=Period(0, DAY_US, 2 * DAY_US, 1))
    faq, visit = entry(found, "faq").change, entry(found, "visit").change
    assert faq is not None
    assert visit is not None
    assert (faq.before.count, faq.before.n, faq.now.count, faq.now.n) == (50, 50, 10, 60)
    assert (faq.direction, visit.direction) == ("down", "even")
    assert faq.difference == pytest.approx(10 / 60 - 1)
    assert "falling" in {sign.kind for sign in entry(found, "faq").signs}
    points = card(some, REGISTRY, found, "faq").trend
    assert [(p.end_us, p.reach.count) for p in points[-2:]] == [(DAY_US, 50), (2 * DAY_US, 10)]
    assert inventory(some, REGISTRY).entries[0].change is None


def test_empty_data_are_an_answer():
    from etappe.journeys.columns import journeys_of

    nothing = journeys_of([0], [], [], [])
    found = inventory(nothing, REGISTRY, goals=GOALS)
    assert {e.state for e in found.entries} == {"dark", "absent"}
    assert found.coverage.events.value is None
    assert card(nothing, REGISTRY, found, "poster").onward.n == 0


# -- editing ---------------------------------------------------------------------------------------------------------

OURS = """# our touchpoints
extends: default # and more
channels:
  - {id: kiosk, title: Kiosk} # by the door
touchpoints:
  - id: kiosk_order
    title: {de: Terminal, en: Kiosk}
    medium: digital
    contact: direct
    channel: kiosk # ours
    atom: buy
    owner: Stores
    goal: {de: Die Bestellung gelingt, en: The order succeeds}
rules:
  - {touchpoint: kiosk_order, after: kiosk_order, atom: stay}
"""


def test_an_edit_keeps_the_rest_of_the_file_and_its_comments():
    known = extend(REGISTRY, OURS)
    point = known.find("kiosk_order")
    assert point is not None
    text = registered(OURS, changed(point, {"goal": "Ohne Hilfe", "kpi": "time", "target": "2d"}, "de"))
    assert [line for line in OURS.splitlines() if line not in text.splitlines()] == [
        "    goal: {de: Die Bestellung gelingt, en: The order succeeds}"
    ]
    again = extend(REGISTRY, text).find("kiosk_order")
    assert again
    assert (say(again.goal, "de"), say(again.goal, "en")) == ("Ohne Hilfe", "The order succeeds")
    assert (again.kpi, again.target) == ("time", "2d")
    assert registered(text, again) == text
    back = registered(text, changed(again, {"kpi": ""}))
    assert "target" not in back
    assert "kpi" not in back


def test_a_default_touchpoint_is_edited_by_a_copy_and_names_move():
    point = REGISTRY.find("page_view")
    assert point is not None
    text = registered(None, changed(point, {"match": ["start"], "owner": "Web"}))
    known = extend(REGISTRY, text)
    assert known.find("start") == known.find("page_view")
    assert known.find("visit") is None
    assert known.find("faq") == REGISTRY.find("faq")


def test_an_unknown_name_begins_as_it_is_guessed():
    found = taken("0 Web Shop 2, 1 purchase".replace("Web Shop 2", "Web-Shop-2"))
    one = entry(found, "Web-Shop-2")
    assert one.guess is not None
    point = beginning(one.id, one.guess, REGISTRY)
    assert (point.id, point.match, point.goal) == ("web-shop-2", ("Web-Shop-2",), "")
    known = extend(REGISTRY, registered(None, changed(point, {"goal": "x"})))
    assert known.find("Web-Shop-2") == known.find("web-shop-2")


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"color": "red"}, "touchpoint: color"),
        ({"medium": "paper"}, "touchpoint"),
        ({"channel": "moon"}, "channel"),
        ({"kpi": "reach", "target": "many"}, "target"),
        ({"target": "5 %"}, "target"),
        ({"kpi": "reach", "target": "5 %", "due": "soon"}, "due"),
        ({"match": ["purchase", "faq"]}, "match"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(fields, where):
    point = REGISTRY.find("page_view")
    assert point is not None
    with pytest.raises(BadDocument) as refused:
        registered(None, changed(point, fields))
    assert where in str(refused.value)


def test_a_target_in_the_file_is_written_as_people_write_it():
    text = OURS.replace(
        "    owner: Stores\n", "    owner: Stores\n    kpi: satisfaction\n    target: 4.2\n    due: 2026-12-31\n"
    )
    known = extend(REGISTRY, text)
    point = known.find("kiosk_order")
    assert point is not None
    assert (point.target, point.due) == (4.2, date(2026, 12, 31))
    some = journeys(*["0 kiosk_order"] * 40, columns={"rating": ["5", "4"] * 20})
    one = card(some, known, inventory(some, known), "kiosk_order")
    assert one.target is not None
    assert (one.target.value, one.target.verdict) == (4.2, "reached")
    moved = registered(text, changed(point, {"due": "2027-01-31"}))
    assert "due: 2027-01-31" in moved
    assert "target: 4.2" in moved
    assert "due" not in registered(text, changed(point, {"due": ""}))


def test_a_target_is_judged_by_the_whole_interval():
    assert target_of("exit", "7.5%") == 0.075
    assert verdict("time", 100.0, 10.0, 50.0) == "reached"
    assert verdict("time", 100.0, 110.0, 150.0) == "missed"
    assert verdict("reach", 0.5, None, None) == "open"
