"""Review: a map asks to be looked at again by the calendar, and once behaviour or what people say has moved."""

from datetime import date
from pathlib import Path

import pytest

from etappe.apps import revisions
from etappe.apps.holding import hold
from etappe.apps.map_view import bound_view
from etappe.apps.workspace import Workspace
from etappe.maps.document import read_map
from etappe.maps.edits import Change
from etappe.maps.evidence import bind
from etappe.maps.review import due
from maps import HEAD, NOW, letters_and_tills
from workspaces import made, written

POINTS = """touchpoints:
  - {id: mailing, title: Brief, channel: post, medium: analog, contact: direct}
  - {id: till, title: Kasse, channel: store, medium: analog, contact: direct}
stages:
  - {id: all, title: Alles, steps: [{id: s1, title: a, touchpoint: mailing}, {id: s2, title: b, touchpoint: till}]}
"""
TODAY = date(2026, 11, 27)


def reasons(review: str, *held: str) -> list[str]:
    """Why a map with numbers that were held so is due today; 80 of 100 letters lead to the till."""
    rows = [
        f"  - {{id: e{i}, metric: step.conversion, parameters: {{from: s1, to: s2}}, snapshot: {one}}}\n"
        for i, one in enumerate(held)
    ]
    evidence = f"evidence:\n{''.join(rows)}" if rows else ""
    bound = bind(read_map(f"{HEAD}{POINTS}{review}{evidence}"), letters_and_tills(), None, NOW)
    return [text["en"] if isinstance(text, dict) else text for text in due(bound, TODAY).reasons]


STILL = "{value: 81, n: 100, ci: [72, 88]}"
MOVED = "{value: 40, n: 100, ci: [31, 50]}"


@pytest.mark.requirement("002-18")
@pytest.mark.parametrize(
    ("review", "said"),
    [
        ("", []),
        ("review: {every: 90d}\n", []),
        ("review: {every: 90d, last: 2026-08-30}\n", []),
        ("review: {every: 90d, last: 2026-08-29}\n", ["Review due since 27 Nov 2026"]),
    ],
)
def test_the_calendar_asks_on_the_day_itself_and_not_before(review: str, said: list[str]) -> None:
    assert reasons(review) == said


@pytest.mark.parametrize(
    ("review", "held", "said"),
    [
        ("", [STILL], []),
        ("", [MOVED], ["1 of 1 held values (100%) have left their interval"]),
        ("", [STILL, STILL, STILL, STILL, MOVED], ["1 of 5 held values (20%) have left their interval"]),
        ("", [STILL, STILL, STILL, STILL, STILL, MOVED], []),
        ("review: {drift: 0.6}\n", [STILL, MOVED], []),
        ("review: {every: 30d, last: 2026-01-01, drift: 0.5}\n", [STILL, MOVED], ["since 31 Jan 2026", "1 of 2"]),
    ],
)
def test_numbers_that_left_their_interval_ask_from_a_share_on(review: str, held: list[str], said: list[str]) -> None:
    found = reasons(review, *held)
    assert len(found) == len(said)
    assert [part for part, whole in zip(said, found, strict=True) if part not in whole] == []


MAPPING = 'customer = "who"\ntime = "at"\ntouchpoint = "what"\nproperties = ["csat"]\n'
MAP = f"""schema: journey-map/1
id: letters
title: Briefe
{POINTS}review: {{drift: 0.2}}
evidence:
  - {{id: bought, metric: step.conversion, parameters: {{from: s1, to: s2}}}}
  - {{id: said, metric: survey.csat}}
"""


def letters(month: int, *, buying: int, csat: int) -> str:
    """100 people who get a letter in a month; so many of them buy, and all say how content they are."""
    rows = ["who,at,what,csat"]
    for i in range(100):
        rows.append(f"{month}-{i},2026-{month:02}-01,mailing,")
        rows += [f"{month}-{i},2026-{month:02}-02,till,"] * (i < buying)
        rows.append(f"{month}-{i},2026-{month:02}-03,survey,{csat - i % 2}")
    return "\n".join(rows)


def later(folder: Path, **moved: int) -> tuple[Workspace, list[str]]:
    """A map whose numbers were held in March, and why it is due after what came in April."""
    ws = made(folder)
    mapping = written(folder, "m.toml", MAPPING)
    ws.import_files([written(folder, "3.csv", letters(3, buying=60, csat=5))], mapping=mapping)
    ws.put(MAP, "letters.yaml")
    hold(ws, "letters", author="Lena")
    assert bound_view(ws.bind(ws.map("letters")), "de")["review"]["due"] == []
    ws.import_files([written(folder, "4.csv", letters(4, **{"buying": 60, "csat": 5, **moved}))], mapping=mapping)
    return ws, bound_view(ws.bind(ws.map("letters")), "de")["review"]["due"]


@pytest.mark.requirement("000-22", "002-21")
def test_a_map_says_by_itself_that_it_is_due_since_people_do_something_else(tmp_path: Path) -> None:
    ws, said = later(tmp_path, buying=5)
    assert said == ["1 von 2 festgehaltenen Werten (50\u00a0%) haben ihren Bereich verlassen"]
    assert ws.bind(ws.map("letters")).evidence["bought"].state == "changed"
    # It was gone through: the numbers of now are held in a version of their own, and the one before is kept.
    hold(ws, "letters", author="Jan")
    assert bound_view(ws.bind(ws.map("letters")), "de")["review"]["due"] == []
    assert [one.revision for one in revisions.history(ws, "letters")] == [3, 2, 1]
    before, after = (revisions.stored(ws, "letters", number)[0].evidence[0].snapshot for number in (2, 3))
    assert before is not None
    assert after is not None
    assert (before.value, after.value) == (60.0, 32.5)
    # A year later the calendar asks, too.
    revisions.change(
        ws, "letters", [Change(kind="map", id="", fields={"review": {"every": "365d", "last": "2020-01-01"}})], 3
    )
    assert bound_view(ws.bind(ws.map("letters")), "de")["review"]["due"] == ["Prüfung fällig seit 31.12.2020"]


@pytest.mark.requirement("002-24")
def test_a_map_is_due_too_since_people_do_the_same_and_say_something_else(tmp_path: Path) -> None:
    ws, said = later(tmp_path, csat=2)
    assert said == ["1 von 2 festgehaltenen Werten (50\u00a0%) haben ihren Bereich verlassen"]
    states = {name: one.state for name, one in ws.bind(ws.map("letters")).evidence.items()}
    assert states == {"bought": "fresh", "said": "changed"}


def test_a_map_is_not_due_while_people_do_and_say_the_same(tmp_path: Path) -> None:
    assert later(tmp_path)[1] == []
