"""A map as a plan: its order, options, ways, loops and limits; and how journeys follow it, on every face."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import etappe
from etappe.analysis.conformance import deviations, who
from etappe.analysis.plan import read_plan
from etappe.apps.captions import caption
from etappe.apps.cli import app
from etappe.errors import BadQuestion
from etappe.language import LANGUAGES
from etappe.maps.document import read_map
from etappe.maps.draft import template
from etappe.maps.plan import asked_of, plan_of
from etappe.maps.seen import see
from etappe.units import DAY_US
from etappe.vocabulary import say
from journeys_text import built, journeys
from servers import Client, served
from workspaces import shop, written

HEAD = "schema: journey-map/1\nid: shop\ntitle: {de: Laden, en: Shop}\n"


def made(steps: str, flow: str = "", points: str = "abcd", extra: str = ""):
    """A map of one stage; a step is "id touchpoint", then what else it has."""
    lines = [HEAD, extra, "touchpoints:\n"]
    lines += [
        f"  - {{id: {p}, title: {{de: Punkt {p}, en: Point {p}}}, channel: web, medium: digital, contact: direct}}\n"
        for p in points
    ]
    lines.append("stages:\n  - id: all\n    title: All\n    steps:\n")
    for step in steps.split(", "):
        id, point, *more = step.split(" ")
        told = "".join(f", {one.replace('=', ': ')}" for one in more)
        point = "" if point == "-" else f", touchpoint: {point}"
        lines.append(f"      - {{id: {id}, title: {{de: Schritt {id}, en: Step {id}}}{point}{told}}}\n")
    lines.append("flow:\n" + "".join(f"  - {{{edge}}}\n" for edge in flow.split(" | ")) if flow else "")
    return read_map("".join(lines))


HELD = journeys("0 a, 1 b, 2 c, 3 d")


def plan(document, held=HELD, **options):
    return plan_of(document, see(document, held), **options)


@pytest.mark.parametrize(
    ("steps", "flow", "text"),
    [
        ("s1 a, s2 b, s3 c", "", "a -> b -> c"),
        ("s1 a, s2 b optional=true duration_hint=3d, s3 c duration_hint=12h", "", "a -> b? within 3d -> c within 12h"),
        ("s1 a, s2 b, s3 c", "from: s1, to: s2 | from: s2, to: s3", "a -> b -> c"),
        # A loop alone adds to the order.
        ("s1 a, s2 b, s3 c", "from: s3, to: s2, kind: loop", "a, b, c; 1 -> 2; 2 -> 3; 3 -> 2"),
        (
            "s1 a, s2 b, s3 c, s4 d",
            "from: s1, to: s2 | from: s1, to: s3, kind: branch | from: s2, to: s4 | from: s3, to: s4",
            "a, b, c, d; 1 -> 2; 1 -> 3; 2 -> 4; 3 -> 4",
        ),
        # Two beginnings, two ends.
        ("s1 a, s2 b, s3 c, s4 d", "from: s1, to: s3 | from: s2, to: s4", "a, b, c, d; ^ -> 2; 1 -> 3; 2 -> 4; 3 -> $"),
        # Who leaves has not planned it; a step that cannot be counted is passed over.
        ("s1 a, s2 -, s3 c", "", "a -> c"),
        ("s1 a, s2 b, s3 c", "from: s1, to: s2 | from: s1, to: s3, kind: drop", "a -> b"),
    ],
)
def test_a_map_is_a_plan(steps, flow, text):
    found = plan(made(steps, flow))
    assert found.text == text
    assert len(read_plan(found.text, HELD.touchpoints).steps) == len(found.steps)


def test_what_a_plan_cannot_say_is_said():
    document = made(
        "s1 a, s2 -, s3 x, s4 b, s5 c",
        "from: s1, to: s4, condition: channel = 'web' | from: s1, to: s5, kind: drop | from: s4, to: s4, kind: loop",
        points="abcx",
    )
    for lang, said in (
        (
            "en",
            [
                "“Step s2” has no touchpoint and is not in the plan.",
                "“Step s3” is not in the plan: “Point x” does not occur in the data.",
                "The condition on the way from “Step s1” to “Step s4” is not checked; the way is open to everybody.",
                "The way from “Step s1” to “Step s5” is a drop-out and not planned.",
                "“Step s5” is not in the plan: no way of the map leads there.",
            ],
        ),
    ):
        assert sorted(say(text, lang) for text in plan(document).said) == sorted(said)
    assert plan(document).text == "a, b; 1 -> 2; 2 -> 2"
    with pytest.raises(BadQuestion, match="no step of it can be counted"):
        plan(made("s1 x", points="x"))


def test_repeats_can_be_allowed_everywhere():
    assert plan(made("s1 a, s2 b optional=true"), repeats=True).text == "a+ -> b*"
    document = made("s1 a, s2 b, s3 c", "from: s1, to: s2 | from: s1, to: s3")
    assert plan(document, repeats=True).text == "a, b, c; 1 -> 1; 1 -> 2; 1 -> 3; 2 -> 2; 3 -> 3; 2 -> $"


def test_the_flow_of_a_template_is_a_plan():
    document = template("event-registration")
    ids = [point.id for point in document.touchpoints]
    held = journeys(", ".join(f"{i} {id}" for i, id in enumerate(ids)))
    found = plan_of(document, see(document, held))
    read_plan(found.text, held.touchpoints)
    assert len(found.steps) == len([step for step in document.steps if step.touchpoint])
    # The next invitation leads back to the start.
    assert f"; {len(found.steps)} -> 1" in found.text


def test_a_channel_is_asked_for_where_the_data_know_it():
    held = built([[(0, "a"), (1, "b")]], columns={"channel": ["web", "app"]})
    document = made("s1 a, s2 b")
    assert plan(document, held).text == "a via web -> b via web"
    other = built([[(0, "a"), (1, "b")]], columns={"channel": ["Netz", "app"]})
    found = plan(document, other)
    assert found.text == "a -> b"
    assert "web" in say(found.said[0], "en")


def test_a_window_takes_whole_journeys():
    held = journeys(f"0 a, {30 * DAY_US} b", "0 a, 1 b", f"{29 * DAY_US} a, {30 * DAY_US} b")
    document = made("s1 a, s2 b", extra="window: {rolling: 7d}\n")
    found, question, _ = asked_of(document, held, None)
    assert len(found) == 2
    assert deviations(found, question).num_rows == 0


MAP = (
    HEAD
    + """touchpoints:
  - {id: visit, title: {de: Besuch, en: Visit}, channel: web, medium: digital, contact: direct}
  - {id: order, title: {de: Bestellung, en: Order}, channel: web, medium: digital, contact: direct}
stages:
  - id: all
    title: {de: Alles, en: All}
    steps:
      - {id: s1, title: {de: kommt vorbei, en: comes by}, touchpoint: visit}
      - {id: s2, title: {de: bestellt, en: orders}, touchpoint: order, duration_hint: 1h}
"""
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("conforming")
    ws = shop(place)
    ws.push(written(place, "map.yaml", MAP))
    ws.close()
    return ws.folder


@pytest.fixture(scope="module")
def client(folder: Path) -> Iterator[Client]:
    with served(folder) as found:
        yield found


def numbers(view: Any) -> Iterator[dict[str, Any]]:
    """Every number of people in a view."""
    if isinstance(view, dict):
        if "row" in view:
            yield view
        for value in view.values():
            yield from numbers(value)
    elif isinstance(view, list):
        for value in view:
            yield from numbers(value)


def test_the_view_of_deviations_over_http(client: Client):
    view = client.get("/api/maps/shop/conformance?lang=en")
    assert (view["title"], view["state"]) == ("Shop", "ok")
    assert view["plan"] == {"text": "visit via web -> order within 1h via web", "said": []}
    assert view["counts"] == {
        "journeys": 3, "judged": 3, "finished": 2, "open": 1, "fitting": 1, "as_planned": 1, "outside": 0,
    }  # fmt: skip
    assert view["caption"].startswith("1 of 2 people (50.0%) go all the way as planned")
    assert view["fitness"]["value"] == pytest.approx((1 + 1 - 1 / 5) / 2)
    assert view["fitness"]["low"] < view["fitness"]["value"] < view["fitness"]["high"] == 1
    assert sum(one["journeys"] for one in view["fitness"]["tenths"]) == 2
    one, two = view["steps"]
    assert (one["title"], one["reached"]["journeys"], two["reached"]["journeys"]) == ("comes by", 3, 2)
    assert (two["limit_text"], two["channels"], two["skipped"]["journeys"]) == ("1 hour", ["web"], 0)
    assert two["other_channel"]["journeys"] == 1
    assert [one["sentence"] for one in view["deviations"]] == [
        "Extra “Visit” where the plan has none: 1 of 3 people (33.3%). Value of these journeys: €100.00.",
        "“orders” more than 1 hour after the step before it: 1 of 3 people (33.3%). Value of these journeys: €100.00.",
        "“orders” by app and not web: 1 of 3 people (33.3%). Value of these journeys: €100.00.",
    ]
    # Who was there at the very end of the data may still order.
    assert [one["sentence"] for one in view["open"]] == ["“orders” may still come: 1 of 3 people (33.3%)."]
    (extras,) = [place["extras"] for place in view["between"] if place["extras"]]
    assert [(one["title"], one["events"]) for one in extras] == [("Visit", 1)]


@pytest.mark.parametrize("query", ["", "&by=age", "&others=extra&repeats=true", "&wait=400d"])
def test_behind_every_number_stand_as_many_people(client: Client, query: str):
    view = client.get(f"/api/maps/shop/conformance?lang=de{query}")
    found = list(numbers(view))
    assert len(found) > 15
    for number in found:
        path = f"/api/maps/shop/conformance/people?lang=de{query}"
        status, _, body = client.send("POST", path, {"row": number["row"]})
        assert status == 200, body
        people = json.loads(body)
        assert people["total"] == number["journeys"] == len(people["people"])
    for person in people["people"]:
        assert person["customer"]
        assert all(one["text"] for one in person["deviations"])


def test_each_group_has_a_fitness_of_its_own(client: Client):
    view = client.get("/api/maps/shop/conformance?lang=en&by=age")
    assert [(one["group"], one["counts"]["judged"], one["fitness"]["text"]) for one in view["groups"]] == [
        ("30-39", 1, "100.0%"),
        ("40-49", 2, "80.0%"),
    ]
    assert view["groups"][1]["deviations"][0]["row"]["group"] == "40-49"
    assert {"name": "age", "title": "age", "of": "attribute"} in view["splits"]


def test_faults_over_http(client: Client):
    for path, body, told in (
        ("/api/maps/none/conformance", None, "unknown-name"),
        ("/api/maps/shop/conformance?others=some", None, "unknown-name"),
        ("/api/maps/shop/conformance?by=none", None, "unknown-name"),
        ("/api/maps/shop/conformance?wait=7", None, "bad-duration"),
        ("/api/maps/shop/conformance/people", {}, "bad-question"),
        ("/api/maps/shop/conformance/people", {"row": {"deviation": "none"}}, "unknown-name"),
    ):
        status, _, answer = client.send("GET" if body is None else "POST", path, body)
        assert status in (400, 404)
        assert json.loads(answer)["code"] == told


def test_python_and_the_command_line_say_the_same(folder: Path, client: Client):
    ws = etappe.open(folder)
    answer = ws.conformance("shop")
    assert answer.denominators == client.get("/api/maps/shop/conformance")["counts"]
    for row in answer.rows():
        held, question, _ = asked_of(ws.map("shop"), ws.journeys(), ws.registry())
        assert len(who(held, question, row)) == row["journeys"]
    assert set(ws.conformance(ws.map("shop"), by="age").column("group")) == {"30-39", "40-49"}
    ws.close()
    run = CliRunner()
    done = run.invoke(app, ["map", "conformance", "shop", "-w", str(folder), "--json", "--lang", "en"])
    assert json.loads(done.stdout)["counts"] == answer.denominators
    for lang in LANGUAGES:
        done = run.invoke(app, ["map", "conformance", "shop", "-w", str(folder), "--by", "age", "--lang", lang])
        assert done.exit_code == 0
        assert "visit via web -> order within 1h via web" in done.stdout
        assert "{" not in done.stdout


def test_nobody_on_the_map_is_an_answer(tmp_path: Path):
    from etappe.apps.conformance_view import conformance_view
    from etappe.journeys.stages import default_registry

    held = journeys("0 a", "", names=["a", "b"])
    document = made("s1 a, s2 b")
    found, question, said = asked_of(document, held, None)
    for lang in LANGUAGES:
        view = conformance_view(document, found.select([1]), question, said, default_registry(), lang)
        assert view["state"] == "empty"
        assert json.dumps(view)
        assert view["fitness"]["text"] == "–"


def test_the_finding_in_a_sentence():
    def said(held, lang="en", **options):
        return caption(etappe.conformance(held, "a -> b", **options), lang)

    assert said(journeys("0 a, 1 b", "0 a, 1 b", "0 a", "0 b, 1 a")) == (
        "50.0% of 4 journeys follow the plan entirely; fitness is 79.2% on average. Most often: “b”, skipped, in 25.0%."
    )
    assert said(journeys("0 a, 1 b")) == "100.0% of 1 journey follows the plan entirely; fitness is 100.0%."
    assert said(journeys("0 a", names=["a", "b"]), "de", wait="1d") == "1 Journey ist noch unterwegs."
    assert said(journeys("", names=["a", "b"])) == "No journey holds a touchpoint of the plan."
