"""From a finding to a change: opportunities, decisions, tasks and outcomes of a workspace; what is kept, what refused.

The shop is synthetic: each day 24 people get a mail or see the page, some put something into the cart, some order; from
1 July on those with a cart order more often.
"""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from etappe import friction, funnel, opportunities
from etappe.act.tasks import counted, late
from etappe.apps.workspace import Workspace
from etappe.errors import BadDocument, BadQuestion, UnknownName
from etappe.maps.document import read_map
from etappe.maps.outcomes import BENEFITS, Board, Chosen, outcomes, read_board
from etappe.store.tables import metadata
from test_cli import run
from workspaces import made, written

FIRST = date(2026, 4, 1)
CHANGE = date(2026, 7, 1)
LAST = date(2026, 8, 31)
MAPPING = (
    'timezone = "UTC"\ncustomer = "who"\ntime = "at"\ntouchpoint = "what"\n'
    'value = { column = "amount", currency = "EUR" }\nproperties = ["nps"]\n'
)
MAP = """schema: journey-map/1
id: kauf
title: {de: Kauf, en: Purchase}
touchpoints:
  - {id: add_to_cart, title: Warenkorb, channel: shop, medium: digital, contact: direct}
  - {id: order, title: Kauf, channel: shop, medium: digital, contact: direct}
stages:
  - {id: a, title: Kauf, steps: [{id: s1, title: legt hinein, touchpoint: add_to_cart}, {id: s2, title: kauft, touchpoint: order}]}
lanes: [{id: pain, type: pain, title: Hürden}]
cells: [{lane: pain, step: s1, text: Das Formular ist lang}]
"""  # noqa: E501


def rows() -> Iterator[str]:
    random = Random(7)
    yield "who,at,what,amount,nps"
    days = (LAST - FIRST).days + 1
    for k in range(days):
        day = FIRST + timedelta(days=k)
        for i in range(24):
            who = f"c{k}-{i}"
            yield f"{who},{day}T08:00:00Z,{'email_marketing' if i % 3 == 0 else 'page_view'},,"
            if random.random() < 0.6:
                yield f"{who},{day}T09:00:00Z,add_to_cart,,"
                if random.random() < (0.6 if day >= CHANGE else 0.4):
                    yield f"{who},{day}T10:00:00Z,order,{20 + i}.00,{random.choice((3, 9, 10)) if i % 4 == 0 else ''}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    at = tmp_path_factory.mktemp("changes")
    ws = made(at)
    ws.import_files([written(at, "shop.csv", "\n".join(rows()))], mapping=written(at, "shop.toml", MAPPING))
    ws.put(MAP, "map.yaml")
    ws.close()
    return ws.folder


@pytest.fixture
def ws(folder: Path) -> Iterator[Workspace]:
    """The shop with a fresh map, without tasks and decisions."""
    found = Workspace(folder)
    with found.engine.begin() as connection:
        for name in ("tasks", "task_steps", "comments", "decisions", "documents", "signatures"):
            connection.execute(metadata.tables[name].delete())
    found.put(MAP, "map.yaml")
    yield found
    found.close()


ASKED = {"question": "funnel", "steps": ["add_to_cart", "order"], "within": "7d"}


def recorded(ws: Workspace, **options: Any) -> str:
    row = funnel(ws.journeys(), ["add_to_cart", "order"], within="7d").rows()[1]
    return ws.record("kauf", ASKED, row, **options)


@pytest.mark.requirement("000-07", "000-13", "002-23")
def test_a_finding_becomes_an_opportunity_bound_to_its_number(ws: Workspace) -> None:
    row = funnel(ws.journeys(), ["add_to_cart", "order"], within="7d").rows()[1]
    id = recorded(ws, title="Kürzeres Formular", impact=4, effort=2, owner="E-Commerce", author="Lena")
    chance = ws.chance("kauf", id)
    assert chance.opportunity.title == "Kürzeres Formular"
    assert (chance.opportunity.impact, chance.opportunity.owner, chance.opportunity.status) == (4, "E-Commerce", "idea")
    (number,) = chance.numbers
    assert number.value == pytest.approx(100 * row["step_conversion"])
    assert number.label["de"] == "Weiter bis Online-Shop"
    assert f"{row['step_conversion'] * 100:.1f}%" in chance.opportunity.finding["en"]
    assert [(made.author, made.before, made.after) for made in ws.decisions()] == [("Lena", "", "idea")]


def test_friction_and_what_it_costs_are_kept_together(ws: Workspace) -> None:
    j = ws.journeys()
    for row in opportunities(j, "order").rows()[:1]:
        id = ws.record("kauf", {"question": "opportunities", "goal": "order"}, row)
        chance = ws.chance("kauf", id)
        share, loss = chance.numbers
        asked = {(r["touchpoint"], r["signal"]): r for r in friction(j, "order").rows()}
        plain = asked[row["touchpoint"], row["signal"]]
        assert share.value == pytest.approx(100 * plain["share"])
        assert (share.n, loss.n) == (plain["base"], row["compared"])
        assert loss.value == pytest.approx(row["loss"])
        assert (loss.low, loss.high) == pytest.approx((row["loss_low"], row["loss_high"]))
        assert chance.opportunity.result == share.id


def test_a_finding_says_the_numbers_of_the_days_in_which_it_was_found(ws: Workspace) -> None:
    first, last = date(2026, 7, 1), date(2026, 7, 31)
    row = funnel(ws.journeys(start=first, end=last), ["add_to_cart", "order"], within="7d").rows()[1]
    one = ws.chance("kauf", recorded(ws, start=first, end="2026-07-31")).opportunity
    assert f"{row['step_conversion'] * 100:.1f}%" in one.finding["en"]
    assert one.finding["de"].endswith("(01.07.2026 – 31.07.2026)")


def test_the_same_finding_twice_shares_its_evidence(ws: Workspace) -> None:
    assert recorded(ws) != recorded(ws)
    found = ws.map("kauf")
    assert len(found.opportunities) == 2
    assert len(found.evidence) == 1


def test_findings_under_a_filter_and_of_a_group_stay_what_they_were(ws: Workspace) -> None:
    condition = "did email_marketing"
    row = friction(ws.journeys(where=condition), "order").rows()[0]
    id = ws.record("kauf", {"question": "friction", "goal": "order"}, row, where=condition)
    assert ws.chance("kauf", id).numbers[0].value == pytest.approx(100 * row["share"])
    by = {"question": "friction", "goal": "order", "by": "touchpoint"}
    group = next(r for r in friction(ws.journeys(), "order", by="touchpoint").rows() if r["group"] == "page_view")
    id = ws.record("kauf", by, group)
    assert ws.chance("kauf", id).numbers[0].n == group["base"]


@pytest.mark.parametrize(
    ("question", "row", "said"),
    [
        ({"question": "sessions"}, {}, "no opportunity is made from 'sessions'"),
        ({"question": "friction", "goal": "nowhere"}, {"touchpoint": "order", "signal": "exit"}, "has no such number"),
        ({"question": "friction"}, {"touchpoint": "order", "signal": "moon"}, "has no such number"),
        ({**ASKED, "wihtin": "7d"}, {"step": "order"}, "wihtin"),
        ({"question": "friction", "by": "touchpoint"}, {"touchpoint": "order", "signal": "exit"}, "group: is missing"),
    ],
)
def test_what_is_no_finding_is_refused_before_anything_is_kept(
    ws: Workspace, question: dict[str, Any], row: dict[str, Any], said: str
) -> None:
    with pytest.raises((BadQuestion, UnknownName), match=said):
        ws.record("kauf", question, row)
    assert ws.map("kauf").opportunities == ()


@pytest.mark.requirement("002-23", "000-07")
def test_a_change_is_decided_logged_and_measured(ws: Workspace) -> None:
    id = recorded(ws, author="Lena")
    ws.decide("kauf", id, "running", note="Zu viele Felder", author="Jan", started="2026-06-29")
    ws.decide("kauf", id, "done", author="Jan", finished="2026-07-01")
    log = ws.decisions("kauf")
    assert [(made.before, made.after, made.author, made.note) for made in log] == [
        ("running", "done", "Jan", ""), ("idea", "running", "Jan", "Zu viele Felder"), ("", "idea", "Lena", ""),
    ]  # fmt: skip
    (effect,) = ws.chance("kauf", id).effects
    assert effect.verdict == "better"
    assert effect.low < 20 < effect.high
    assert (effect.before.last, effect.after.first) == (
        date(2026, 6, 21),
        date(2026, 7, 1),
    )  # followed for 7 days, before the change
    assert [chance.opportunity.id for chance in ws.portfolio()] == [id]


def test_a_status_that_was_written_in_another_way_is_logged_too(ws: Workspace) -> None:
    from etappe.apps import revisions
    from etappe.maps.edit import edits_of

    id = recorded(ws)
    edits = edits_of([{"edit": "change", "kind": "opportunity", "id": id, "fields": {"status": "planned"}}])
    saved = revisions.change(ws, "kauf", edits, author="Mia")
    revisions.take_back(ws, "kauf", saved.revision, "Mia")
    assert [(made.before, made.after) for made in ws.decisions()] == [
        ("planned", "idea"),
        ("idea", "planned"),
        ("", "idea"),
    ]
    revisions.change(
        ws, "kauf", edits_of([{"edit": "change", "kind": "opportunity", "id": id, "fields": {"status": "done"}}])
    )
    one = ws.chance("kauf", id).opportunity
    assert one.started == one.finished == ws.today().isoformat()


def test_decisions_made_at_once_are_all_kept_in_order(ws: Workspace) -> None:
    id = recorded(ws)
    wanted = ("planned", "running", "dropped", "done")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda status: ws.decide("kauf", id, status, note=status, author=status), wanted))
    log = list(reversed(ws.decisions()))[1:]
    assert sorted(made.note for made in log) == sorted(wanted)
    assert [made.before for made in log] == ["idea", *(made.after for made in log[:-1])]
    assert ws.chance("kauf", id).opportunity.status == log[-1].after


def test_findings_kept_at_once_are_all_kept(ws: Workspace) -> None:
    rows_ = friction(ws.journeys(), "order").rows()[:6]
    with ThreadPoolExecutor(6) as pool:
        ids = list(
            pool.map(
                lambda row: ws.record("kauf", {"question": "friction", "goal": "order"}, row, title="Gleich"), rows_
            )
        )
    kept = {one.id: one.finding for one in ws.map("kauf").opportunities}
    assert sorted(kept) == sorted(ids)
    assert len(set(map(str, kept.values()))) == 6


def test_a_note_without_another_status_is_kept(ws: Workspace) -> None:
    id = recorded(ws)
    ws.decide("kauf", id, "running", note="erster Grund")
    ws.decide("kauf", id, "running", note="zweiter Grund")
    ws.decide("kauf", id, "running", finished="2026-07-01")
    log = ws.decisions()
    assert [(made.before, made.after, made.note) for made in log[:3]] == [
        ("running", "running", ""), ("running", "running", "zweiter Grund"), ("idea", "running", "erster Grund"),
    ]  # fmt: skip
    assert ws.decide("kauf", id, "running", finished="").finished is None


def test_a_task_keeps_what_it_is_about_true(ws: Workspace) -> None:
    id = recorded(ws)
    ws.put(MAP.replace("id: kauf", "id: zweite", 1), "map.yaml")
    task = ws.add_task("Felder streichen", map="kauf", opportunity=id)
    moved = ws.change_task(task.id, map="zweite")
    assert (moved.map, moved.opportunity) == ("zweite", None)
    with pytest.raises(BadDocument, match="map: is missing"):
        ws.change_task(ws.add_task("x", map="kauf", opportunity=id).id, map="", opportunity=id)
    with pytest.raises(UnknownName, match="no touchpoint named 'nonsense'"):
        ws.add_task("x", touchpoint="nonsense")
    assert ws.add_task("x", touchpoint="add_to_cart").touchpoint == "add_to_cart"


def test_the_number_of_a_deleted_task_is_not_given_again(ws: Workspace) -> None:
    first = ws.add_task("geheim")
    ws.remove_task(first.id)
    second = ws.add_task("anders")
    assert second.id > first.id
    assert [step.after for step in ws.task(second.id)[1]] == ["anders"]
    with pytest.raises(UnknownName, match=f"no task {first.id}"):
        ws.change_task(first.id, status="done")


def test_a_status_in_a_file_that_is_pushed_is_logged(ws: Workspace) -> None:
    said = "opportunities: [{id: o1, title: Kürzer, status: %s}]\n"
    for status in ("idea", "idea", "running"):
        ws.put(MAP + said % status, "map.yaml")
    assert [(made.before, made.after) for made in ws.decisions()] == [("idea", "running"), ("", "idea")]


def test_what_cannot_be_decided_says_why(ws: Workspace) -> None:
    id = recorded(ws)
    for call, said in (
        (lambda: ws.decide("kauf", id, "finished"), "no status named 'finished'"),
        (lambda: ws.decide("kauf", "moon", "done"), "no opportunity named 'moon'"),
        (lambda: ws.decide("moon", id, "done"), "no map named 'moon'"),
        (lambda: ws.decide("kauf", id, "done", started="2026-07-02", finished="2026-07-01"), "is before the day"),
        (lambda: ws.decide("kauf", id, "done", finished="morgen"), "is no day"),
    ):
        with pytest.raises((UnknownName, BadDocument, BadQuestion), match=said):
            call()
    assert len(ws.decisions()) == 1


# -- tasks -------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("000-21")
def test_a_task_is_handed_over_and_every_step_is_kept(ws: Workspace) -> None:
    id = recorded(ws)
    task = ws.add_task(
        "Felder streichen", author="Lena", department="E-Commerce", due="2026-12-01", map="kauf", opportunity=id
    )
    ws.change_task(task.id, author="Lena", note="Du kennst das Formular", department="IT", person="Mia")
    ws.change_task(task.id, author="Mia", status="done")
    found, steps = ws.task(task.id)
    assert (found.department, found.person, found.status) == ("IT", "Mia", "done")
    assert found.done_us == steps[-1].at_us
    assert [(step.field, step.before, step.after, step.author, step.note) for step in steps] == [
        ("made", "", "Felder streichen", "Lena", ""),
        ("department", "E-Commerce", "IT", "Lena", "Du kennst das Formular"),
        ("person", "", "Mia", "Lena", ""),
        ("status", "open", "done", "Mia", ""),
    ]
    assert [one.id for one in ws.chance("kauf", id).tasks] == [task.id]
    assert ws.change_task(task.id, status="open").done_us is None


def test_tasks_stand_by_their_day_and_late_ones_are_counted(ws: Workspace) -> None:
    for title, due in (("spät", "2026-05-01"), ("ohne", None), ("früh", "2026-04-01")):
        ws.add_task(title, due=due)
    done = ws.add_task("fertig", due="2026-01-01")
    ws.change_task(done.id, status="done")
    assert [task.title for task in ws.tasks()] == ["früh", "spät", "ohne", "fertig"]
    today = date(2026, 4, 2)
    assert [late(task, today) for task in ws.tasks()] == [True, False, False, False]
    assert counted(ws.tasks(), today) == {"open": 3, "doing": 0, "done": 1, "dropped": 0, "late": 1}


def test_a_task_that_is_none_is_refused(ws: Workspace) -> None:
    for fields, said in (
        ({"title": " "}, "title: is missing"),
        ({"title": "x" * 201}, "has 201 characters"),
        ({"title": "x", "due": "soon"}, "is no day"),
        ({"title": "x", "status": "maybe"}, "no status named"),
        ({"title": "x", "colour": "red"}, "no field named 'colour'"),
        ({"title": "x", "map": "moon"}, "no map named 'moon'"),
        ({"title": "x", "opportunity": "o"}, "map: is missing"),
        ({"title": "x", "map": "kauf", "opportunity": "o"}, "no opportunity named 'o'"),
        ({"title": "x", "person": 3}, "is no text"),
    ):
        with pytest.raises((UnknownName, BadDocument, BadQuestion), match=said):
            ws.add_task(fields.pop("title"), **fields)
    with pytest.raises(UnknownName, match="no task 99"):
        ws.change_task(99, status="done")
    assert ws.tasks() == []


def test_a_deleted_map_leaves_its_tasks_and_takes_its_decisions(ws: Workspace) -> None:
    from etappe.store import documents

    id = recorded(ws)
    task = ws.add_task("Felder streichen", map="kauf", opportunity=id)
    with ws.engine.begin() as connection:
        documents.remove(connection, "map", "kauf")
    assert (ws.task(task.id)[0].map, ws.task(task.id)[0].opportunity) == (None, None)
    assert ws.decisions() == []
    assert ws.remove_task(task.id)
    with ws.engine.connect() as connection:
        assert connection.execute(select(metadata.tables["task_steps"])).all() == []


def test_names_and_words_of_people_are_marked_as_personal() -> None:
    marked = {
        f"{name}.{column.name}"
        for name in ("tasks", "task_steps", "decisions")
        for column in metadata.tables[name].columns
        if column.info.get("personal")
    }
    assert marked == {
        "tasks.author", "tasks.title", "tasks.text", "tasks.person", "task_steps.author", "task_steps.before",
        "task_steps.after", "task_steps.note", "decisions.author", "decisions.note",
    }  # fmt: skip


# -- outcomes ----------------------------------------------------------------------------------------------------


def plain_share(ws: Workspace, starts: set[str], first: date, last: date) -> tuple[int, int]:
    """Who begins so in these days, and how many of them order in these days, from the rows of the file."""
    began, ordered = set(), set()
    for row in list(rows())[1:]:
        who, at, what, *_ = row.split(",")
        if first.isoformat() <= at[:10] <= last.isoformat():
            if what in starts:
                began.add(who)
            if what == "order":
                ordered.add(who)
    return len(began & ordered), len(began)


@pytest.mark.requirement("000-09")
def test_the_five_benefits_have_figures_that_plain_python_counts_too(ws: Workspace) -> None:
    found = {one.benefit: one for one in ws.outcomes()}
    assert tuple(found) == BENEFITS
    for benefit, starts in (("marketing", {"email_marketing", "page_view"}), ("conversion", {"add_to_cart"})):
        one = found[benefit]
        first, last = LAST - timedelta(days=27 + 14), LAST - timedelta(days=14)  # all are followed for 14 days
        assert (one.first, one.last) == (first, last)
        hits, n = plain_share(ws, starts, first, last)
        assert (one.now.n, one.now.value) == (n, pytest.approx(100 * hits / n))
        hits, n = plain_share(ws, starts, first - timedelta(days=28), first - timedelta(days=1))
        assert one.before.value == pytest.approx(100 * hits / n)
        assert one.change == pytest.approx(one.now.value - one.before.value)
        assert one.low < one.change < one.high
    assert found["needs"].now.metric == "survey.nps"
    assert found["retention"].now.value == 0
    first = LAST - timedelta(days=27)
    spent = [float(row.split(",")[3]) for row in rows() if ",order," in row and row.split(",")[1][:10] >= str(first)]
    assert found["roi"].now.value == pytest.approx(sum(spent) / (28 * 24))
    assert {benefit: len(one.periods) for benefit, one in found.items()} == {
        "needs": 5, "marketing": 4, "conversion": 4, "retention": 4, "roi": 5,
    }  # fmt: skip


def test_costs_give_a_return_and_a_target_is_judged(ws: Workspace) -> None:
    ws.put_board(Board(costs=1000.0, conversion=Chosen(target=10.0), marketing=Chosen(target=99.0)))
    found = {one.benefit: one for one in ws.outcomes()}
    assert found["roi"].now.unit == "percent"
    assert found["roi"].now.value > 100
    assert (found["conversion"].reached, found["marketing"].reached, found["roi"].reached) == (True, False, None)
    half = {one.benefit: one for one in ws.outcomes(days=14)}
    assert half["roi"].now.value == pytest.approx(found["roi"].now.value, rel=0.5)  # costs are of as many days


def test_a_board_keeps_the_figure_that_was_chosen(ws: Workspace) -> None:
    text = "schema: outcomes/1\nretention: {evidence: {id: own, metric: journey.count}, target: 5}\n"
    ws.put_board(text)
    one = next(one for one in ws.outcomes() if one.benefit == "retention")
    assert (one.source, one.now.value, one.target) == ("chosen", 28 * 24, 5.0)


def test_a_return_that_was_chosen_is_about_the_costs_of_now(ws: Workspace) -> None:
    ws.put_board(Board(costs=1000.0))
    roi = next(one for one in ws.outcomes() if one.benefit == "roi")
    from etappe.maps.outcomes import proposals

    chosen = proposals(ws.journeys(), ws.registry(), ["order"], 1000.0)["roi"][0]
    ws.put_board(Board(costs=1000.0, roi=Chosen(evidence=chosen)))
    for costs, days in ((1000.0, 28), (1000.0, 84), (2000.0, 28)):
        ws.put_board(Board(costs=costs, roi=Chosen(evidence=chosen)))
        kept = next(one for one in ws.outcomes(days=days) if one.benefit == "roi").now.value
        ws.put_board(Board(costs=costs))
        assert kept == next(one for one in ws.outcomes(days=days) if one.benefit == "roi").now.value
    assert roi.now.value != kept


def test_a_return_without_costs_is_not_that_of_old_ones(ws: Workspace) -> None:
    from etappe.maps.outcomes import proposals

    chosen = proposals(ws.journeys(), ws.registry(), ["order"], 1000.0)["roi"][0]
    ws.put_board(Board(roi=Chosen(evidence=chosen)))
    roi = next(one for one in ws.outcomes() if one.benefit == "roi")
    assert (roi.source, roi.now.metric) == ("proposed", "revenue.per_journey")


def test_data_shorter_than_a_period_give_no_figure(ws: Workspace) -> None:
    some = ws.journeys(end=FIRST + timedelta(days=20))
    found = {one.benefit: one for one in ws.outcomes(some)}
    assert {one.now.state for one in found.values()} == {"none"}
    assert found["roi"].now.why["en"] == "The data do not cover 28 days yet."


def test_a_way_between_touchpoints_is_neither_good_nor_bad(ws: Workspace) -> None:
    row = {"from": "add_to_cart", "to": "order"}
    id = ws.record("kauf", {"question": "transitions"}, row)
    assert ws.map("kauf").evidence[0].better is None
    assert ws.chance("kauf", id).opportunity.finding["en"].startswith("From Shopping cart to Online shop")


def test_days_that_hold_no_finding_are_refused(ws: Workspace) -> None:
    with pytest.raises(BadQuestion, match="no such number in these days"):
        recorded(ws, start="2020-01-01", end="2020-01-31")
    with pytest.raises(BadDocument, match="is after"):
        recorded(ws, start="2026-07-31", end="2026-07-01")


def test_changes_of_the_board_at_once_are_all_kept(ws: Workspace) -> None:
    def aim(benefit: str) -> int:
        return ws.change_board(lambda board: msgspec.structs.replace(board, **{benefit: Chosen(target=5.0)}))

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(aim, BENEFITS))
    board, revision = ws.board()
    assert [board.of(benefit).target for benefit in BENEFITS] == [5.0] * 5
    assert revision == 5


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("schema: outcomes/1\nroi: {target: .inf}\n", "roi.target: inf is no number"),
        ("schema: outcomes/1\ncosts: .inf\n", "costs: inf is not above zero"),
        ("schema: outcomes/1\nluck: {target: 1}\n", "unknown field `luck`"),
        ("schema: outcomes/1\nroi: {target: much}\n", "expected `float"),
        ("schema: outcomes/1\ncosts: 0\n", "costs: 0 is not above zero"),
        ("schema: outcomes/1\nroi: {evidence: {id: x, metric: luck}}\n", "roi.evidence: unknown metric 'luck'"),
        ("schema: outcomes/2\n", "outcomes/2"),
        ("- 1\n", "expected `object`"),
    ],
)
def test_a_board_that_is_none_is_refused(text: str, said: str) -> None:
    with pytest.raises(BadDocument, match=said):
        read_board(text)


def test_a_workspace_without_goals_says_what_is_missing(tmp_path: Path) -> None:
    ws = made(tmp_path)
    found = ws.outcomes()
    assert {one.source for one in found} == {"missing"}
    assert {one.now.state for one in found} == {"none"}
    assert all(one.now.why["de"] for one in found)
    with pytest.raises(BadDocument, match="no whole number of weeks up to 52"):
        ws.outcomes(days=30)


def test_without_surveys_the_maps_tell_how_much_is_known() -> None:
    from etappe.maps.evidence import bind
    from journeys_text import journeys

    bound = bind(read_map(MAP))
    found = outcomes(Board(), journeys("0 visit"), None, [], lambda: [bound])[0]
    assert (found.now.value, found.now.n) == (0.0, 1)


# -- command line ------------------------------------------------------------------------------------------------


@pytest.mark.requirement("000-21", "000-35")
def test_the_command_line_goes_the_whole_way(ws: Workspace) -> None:
    id = recorded(ws, title="Kürzeres Formular")
    here = ("-w", ws.folder)
    assert run("decide", "kauf", id, "done", "--finished", "2026-07-01", "--note", "Zu lang", *here).returncode == 0
    told = run("effect", "kauf", id, *here, "--lang", "en").stdout
    assert "Better, by more than chance explains." in told
    assert "is no experiment" in told
    listed = json.loads(run("portfolio", *here, "--json").stdout)
    assert listed["opportunities"][0]["effects"][0]["verdict"] == "better"
    assert "Kürzeres Formular" in run("portfolio", *here).stdout
    assert "Zu lang" in run("decisions", *here).stdout
    made_ = json.loads(
        run("tasks", "add", "Felder streichen", "--due", "2026-01-01", "--map", "kauf", *here, "--json").stdout
    )
    assert made_["late"]
    assert "1 zu tun, davon 1 überfällig." in run("tasks", *here).stdout
    changed = run("tasks", "change", made_["id"], "--set", "status=done", "--note", "erledigt", *here)
    assert "offen → erledigt" in changed.stdout
    assert run("tasks", "remove", made_["id"], *here).stdout.startswith("Noch keine Aufgaben.")
    board = json.loads(run("outcomes", "--set", "-", *here, "--json", text="{schema: outcomes/1, costs: 500}").stdout)
    assert [one["benefit"] for one in board["outcomes"]] == list(BENEFITS)
    assert run("outcomes", "--set", "-", *here, text="{luck: 1}").returncode == 1
    assert run("tasks", "change", "1", "--set", "status", *here).returncode == 1
