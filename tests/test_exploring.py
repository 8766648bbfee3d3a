"""Exploring over HTTP: captions, people behind a row, the way after a drop, files, saved questions."""

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import etappe
from etappe.analysis.ask import ask, question_of
from etappe.analysis.show import UNTOUCHED
from etappe.analysis.touches import NONE
from etappe.apps.captions import caption
from etappe.apps.exploring import csv_of
from etappe.apps.pictures import picture
from etappe.journeys.columns import journeys_of
from journeys_text import journeys
from servers import Client, served
from workspaces import made, shop, written

FUNNEL = {"question": "funnel", "steps": ["visit", "order"], "within": "7d"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    ws = shop(tmp_path_factory.mktemp("exploring"))
    ws.close()
    return ws.folder


@pytest.fixture(scope="module")
def client(folder: Path) -> Iterator[Client]:
    with served(folder) as found:
        yield found


def post(client: Client, path: str, body: dict[str, Any]) -> Any:
    status, _, answer = client.send("POST", path, body)
    assert status == 200, answer
    return json.loads(answer)


def test_the_start_knows_the_touchpoints_and_proposes_a_funnel(client: Client):
    start = client.get("/api/explore")
    assert start["state"] == "ok"
    assert start["touchpoints"] == [
        {"name": "visit", "journeys": 3, "events": 4}, {"name": "order", "journeys": 2, "events": 2},
    ]  # fmt: skip
    assert [one["name"] for one in start["splits"]] == [
        "channel", "touchpoint", "stage", "owner", "weekday", "hour", "age",
    ]  # fmt: skip
    assert client.get("/api/explore?lang=de")["splits"][0] == {"name": "channel", "title": "Kanal", "of": "column"}
    assert (start["goals"], start["suggested"], start["saved"]) == (["order"], ["visit", "order"], [])


@pytest.mark.parametrize(
    ("question", "german", "english"),
    [
        (
            FUNNEL,
            "66,7\u00a0% von 3 Journeys kommen von visit bis order.",
            "66.7% of 3 journeys get from visit to order.",
        ),
        (
            {"question": "flow", "start": "visit"},
            "Nach visit kommt am häufigsten order: 66,7\u00a0% von 3 Journeys; "
            "bei 33,3\u00a0% folgt kein anderer Kontakt.",
            "After visit most often comes order: 66.7% of 3 journeys; in 33.3% no other contact follows.",
        ),
        (
            {"question": "flow", "end": "order"},
            "Vor order kommt am häufigsten visit: 100,0\u00a0% von 2 Journeys.",
            "Before order most often comes visit: 100.0% of 2 journeys.",
        ),
        (
            {"question": "flow"},
            "100,0\u00a0% von 3 Journeys beginnen mit visit; bei 33,3\u00a0% folgt darauf kein anderer Kontakt.",
            "100.0% of 3 journeys begin with visit; in 33.3% no other contact follows.",
        ),
        (
            {"question": "reach"},
            "Am meisten Journeys erreicht visit: 3, das sind 100,0\u00a0%.",
            "Most journeys are reached by visit: 3, which is 100.0%.",
        ),
        (
            {"question": "retention", "period": "day"},
            "0,0\u00a0% von 2 Journeys kommen nach einem Tag wieder. Nach 4 Tagen sind es 0,0\u00a0%.",
            "0.0% of 2 journeys return after one day. After 4 days it is 0.0%.",
        ),
        (
            {"question": "attribution", "goal": "order", "by": "channel"},
            "web bekommt mit 75,0\u00a0% am meisten von 2 Zielen (order) im Modell „linear“.",
            "web gets most of 2 goals (order) in the model “linear”: 75.0%.",
        ),
        (
            {"question": "attribution", "goal": "order", "by": "channel", "model": "all"},
            "web bekommt mit 75,0\u00a0% am meisten von 2 Zielen (order) im Modell „linear“. "
            "Je nach Modell sind es 50,0\u00a0% bis 100,0\u00a0%.",
            "web gets most of 2 goals (order) in the model “linear”: 75.0%. By other models it is 50.0% to 100.0%.",
        ),
        (
            {"question": "friction"},
            "Am meisten Reibung zeigt order: 100,0\u00a0% von 2 Journeys mit dem Zeichen „Ende“.",
            "Most friction shows at order: 100.0% of 2 journeys with the signal “exit”.",
        ),
        (
            {"question": "timing", "start": "visit", "end": "order"},
            "Die Hälfte der 3 Journeys ist 1,5 Tage nach visit bei order.",
            "Half of the 3 journeys are at order 1.5 days after visit.",
        ),
        (
            {"question": "timing", "start": "order", "end": "visit"},
            "4,6 Tage nach order sind geschätzt 0,0\u00a0% von 2 Journeys bei visit, also weniger als die Hälfte.",
            "4.6 days after order, an estimated 0.0% of 2 journeys are at visit, which is less than half.",
        ),
        (
            {"question": "tree"},
            "Der häufigste Weg ist visit > order > Ende: 2 von 3 Journeys (66,7\u00a0%).",
            "The most frequent way is visit > order > Exit: 2 of 3 journeys (66.7%).",
        ),
        (
            {"question": "tree", "end": "order"},
            "Der häufigste Weg ist Beginn > visit > order: 2 von 2 Journeys (100,0\u00a0%).",
            "The most frequent way is Start > visit > order: 2 of 2 journeys (100.0%).",
        ),
        (
            {"question": "transitions"},
            "Übergänge: 2 Zeilen aus 3 Journeys.",
            "Transitions: 2 rows from 3 journeys.",
        ),
    ],
)
def test_an_answer_says_its_main_finding_in_both_languages(client: Client, question, german: str, english: str):
    assert [post(client, f"/api/ask?lang={lang}", question)["caption"] for lang in ("de", "en")] == [german, english]


def test_an_answer_that_is_said_has_a_table_for_people_and_the_same_numbers(client: Client):
    plain, told = post(client, "/api/ask", FUNNEL), post(client, "/api/ask?lang=de", FUNNEL)
    assert {key: told[key] for key in plain} == plain
    assert told["columns"][1] == {"name": "step", "title": "Schritt", "text": True}
    assert told["cells"][1][:4] == ["2", "order", "2", "66,7\u00a0%"]
    assert "Journeys" in told["definition"]
    assert told["said"] == ["Nur 3 Fälle, weniger als 30: Anteile und Mediane sind unsicher."]


def test_empty_is_told_apart_from_filtered_to_nothing(client: Client, tmp_path: Path):
    query = urlencode({"where": "channel = 'fax'", "lang": "en"})
    told = post(client, f"/api/ask?{query}", FUNNEL | {"steps": ["visit"]})
    assert (told["state"], told["caption"]) == ("empty-filter", "No journey begins with visit.")
    empty = made(tmp_path)
    empty.close()
    with served(empty.folder) as other:
        assert other.get("/api/explore")["state"] == "empty-no-data-yet"
        kinds = ("flow", "variants", "sessions", "reach", "retention", "friction")
        captions = [post(other, "/api/ask?lang=en", {"question": kind})["caption"] for kind in kinds]
        assert captions == [
            "No journey goes on here.", "There are no variants.", "There are no sessions.", "There are no touchpoints.",
            "No period is over yet in which somebody could return.", "There are no signs of friction.",
        ]  # fmt: skip


def test_people_behind_a_row_are_as_many_as_it_counts(client: Client):
    for row in post(client, "/api/ask", FUNNEL)["rows"]:
        for part in ("reached", "dropped", "open"):
            found = post(client, "/api/ask/people", {"question": FUNNEL, "row": row | {"part": part}})
            # Who is at the last step has arrived.
            assert row[part] is None or found["total"] == row[part]
    page = post(client, "/api/ask/people?offset=1&limit=1", {"question": FUNNEL, "row": {"step": "visit"}})
    assert (page["total"], [one["customer"] for one in page["people"]]) == (3, ["8"])


def test_the_way_after_a_drop_is_a_flow_of_those_who_dropped(client: Client):
    question = {"question": "funnel", "steps": ["visit", "order"], "within": "10m"}
    row = {"position": 1, "part": "dropped"}
    total = post(client, "/api/ask/people", {"question": question, "row": row})["total"]
    told = post(client, "/api/ask/after?lang=en", {"question": question, "row": row})
    assert (told["question"]["question"], told["question"]["start"]) == ("flow", "visit")
    assert told["n"] == total > 0
    assert sum(row["count"] for row in told["rows"] if row["step"] == 1) == total
    status, _, _ = client.send("POST", "/api/ask/after", {"question": {"question": "reach"}, "row": row})
    assert status == 400


def test_an_answer_is_a_file(client: Client):
    _, headers, text = client.send("POST", "/api/ask/file?kind=csv", FUNNEL)
    assert headers["content-disposition"] == 'attachment; filename="funnel.csv"'
    rows = list(csv.DictReader(io.StringIO(text.decode())))
    assert [(row["step"], row["reached"]) for row in rows] == [("visit", "3"), ("order", "2")]
    _, _, packed = client.send("POST", "/api/ask/file?kind=parquet", FUNNEL)
    assert pq.read_table(io.BytesIO(packed)).to_pylist() == post(client, "/api/ask", FUNNEL)["rows"]
    for question in (FUNNEL, {"question": "flow"}, {"question": "sessions"}):
        status, headers, picture = client.send("POST", "/api/ask/file?kind=png&lang=de&theme=dark", question)
        assert (status, headers["content-type"], picture[:4]) == (200, "image/png", b"\x89PNG")
    status, _, _ = client.send("POST", "/api/ask/file?kind=exe", FUNNEL)
    assert status == 404


def test_a_picture_says_the_finding_and_its_base_and_nothing_in_it_is_markup():
    found = etappe.funnel(journeys_of([0, 2, 3], [0, 1, 2], [0, 1, 0], ["<b>", "order"]), ["<b>", "order"])
    drawn = ElementTree.fromstring(picture(found, caption(found, "en"), "en"))
    texts = [element.text for element in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert texts[:2] == ["Funnel", "50.0% of 2 journeys get from <b> to order."]
    assert texts[2:6] == ["<b>", "100.0%", "order", "50.0%"]
    assert texts[-1] == "n = 2 journeys of 2 subjects, 3 touchpoints. Data until 1 Jan 1970."


def test_no_text_in_a_csv_file_is_a_formula():
    texts = ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "a=1", ""]
    rows = list(csv.reader(io.StringIO(csv_of(pa.table({"text": texts, "number": [-1] * 8})).decode(), newline="")))
    assert [row[0] for row in rows[1:]] == ["'=1+1", "'+1", "'-1", "'@x", "'\tx", "'\rx", "a=1", ""]
    assert {row[1] for row in rows[1:]} == {"-1"}


@pytest.mark.parametrize("question", [FUNNEL, {"question": "flow", "start": "visit", "clean": ["^o => buy"]}])
def test_the_python_code_asks_the_same_question(client: Client, folder: Path, monkeypatch, question):
    where = urlencode({"where": "channel = 'web'", "from": "2026-03-01", "to": "2026-03-05"})
    _, _, text = client.send("POST", f"/api/ask/file?kind=py&{where}", question)
    monkeypatch.chdir(folder.parent)
    names: dict[str, Any] = {}
    exec(compile(text.decode(), "code.py", "exec"), names)
    assert names["answer"].snapshot == post(client, f"/api/ask?{where}", question)["snapshot"]
    assert isinstance(names["answer"], etappe.analysis.answer.Answer)


def test_a_question_is_saved_listed_and_deleted(client: Client):
    body = {"title": " Kauf ", "address": "/explore?step=visit", "question": FUNNEL}
    saved = post(client, "/api/questions", body)
    assert client.get("/api/explore")["saved"] == [saved]
    assert (saved["title"], saved["address"], saved["question"]["steps"]) == (
        "Kauf", "/explore?step=visit", ["visit", "order"],
    )  # fmt: skip
    again = post(client, "/api/questions", body | {"address": "/explore?step=order"})
    assert [one["address"] for one in client.get("/api/explore")["saved"]] == ["/explore?step=order"]
    assert again["id"] == saved["id"]
    assert post(client, f"/api/questions/{saved['id']}/delete", {}) == {"deleted": True}
    assert client.get("/api/explore")["saved"] == []
    status, _, _ = client.send("POST", f"/api/questions/{saved['id']}/delete", {})
    assert status == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"title": ""}, {"title": "x" * 121}, {"title": 1}, {"address": "https://evil.example/explore?"},
        {"address": "/explored"}, {"question": {"question": "nonsense"}}, {"question": "reach"},
    ],
)  # fmt: skip
def test_what_cannot_be_saved_is_refused(client: Client, wrong: dict[str, Any]):
    body = {"title": "a", "address": "/explore", "question": FUNNEL} | wrong
    status, _, answer = client.send("POST", "/api/questions", body)
    assert status in (400, 404)
    assert json.loads(answer)["message"]
    assert client.get("/api/explore")["saved"] == []


def test_without_a_goal_the_two_most_frequent_touchpoints_are_proposed(tmp_path: Path):
    ws = made(tmp_path)
    rows = "a,2026-03-01,x\na,2026-03-02,y\nb,2026-03-01,y\n"
    ws.import_files([written(tmp_path, "events.csv", "user,time,event\n" + rows)])
    ws.close()
    with served(ws.folder) as client:
        assert client.get("/api/explore")["suggested"] == ["y", "x"]


def test_the_last_return_that_is_told_of_rests_on_enough_journeys():
    week = 7 * 86_400_000_000
    many = [f"{4 * week} a, {5 * week} a"] * 40
    few = [f"0 a, {week} a, {6 * week} a"] * 12  # alone in the early cohort: all of them return after six weeks
    held = journeys(*many, *few, f"{7 * week} a")
    answer = etappe.retention(held, period="week")
    alone = [row for row in answer.rows() if row["cohort"] is None and row["period"] == 6]
    assert (alone[0]["share"], alone[0]["size"]) == (1.0, 12)
    assert "6 " not in caption(answer, "de")


DAY = 86_400_000_000
MANY = journeys(
    *[f"0 a, {DAY} b"] * 30, *["0 a"] * 10, *[f"0 c, 1 a, {2 * DAY} b"] * 22, *["0 c, 1 a"] * 17, f"0 c, {9 * DAY} a"
)  # fmt: skip


@pytest.mark.parametrize(
    ("question", "german", "english"),
    [
        (
            {"question": "funnel", "steps": ["a", "b"]},
            "Von a bis b kommen bei „a“ am meisten, 75,0\u00a0% von 40, bei „c“ am wenigsten, 55,0\u00a0% von 40. "
            "Ihre Intervalle (95\u00a0%) überschneiden sich.",
            "From a to b, most get through with “a”, 75.0% of 40, and fewest with “c”, 55.0% of 40. "
            "Their 95% intervals overlap.",
        ),
        (
            {"question": "timing", "start": "a", "end": "b"},
            "Von a bis b geht es bei „a“ am schnellsten: die Hälfte von 40 braucht höchstens 1,0 Tag; "
            "bei „c“ am langsamsten: höchstens 2,0 Tage bei 40.",
            "From a to b it goes fastest with “a”: half of 40 take 1.0 day at most; "
            "and slowest with “c”: 2.0 days at most for 40.",
        ),
        (
            {"question": "variants"},
            "Am einheitlichsten sind die Journeys bei „a“: 75,0\u00a0% von 40 haben die Variante a > b; "
            "am wenigsten bei „c“: 55,0\u00a0% von 40 (c > a > b).",
            "Journeys are most alike with “a”: 75.0% of 40 have the variant a > b; "
            "least alike with “c”: 55.0% of 40 (c > a > b).",
        ),
        (
            {"question": "friction"},
            "Am meisten unterscheiden sich die Gruppen bei a im Zeichen „Ende“: bei „c“ 45,0\u00a0% von 40, "
            "bei „a“ 25,0\u00a0% von 40. Ihre Intervalle (95\u00a0%) überschneiden sich.",
            "Groups differ most at a in the signal “exit”: with “c” 45.0% of 40, with “a” 25.0% of 40. "
            "Their 95% intervals overlap.",
        ),
        (
            {"question": "sessions"},
            "Am meisten Sitzungen je Journey sind es bei „a“, 1,8 bei 40 Journeys, am wenigsten bei „c“, 1,6 bei 40.",
            "Most sessions a journey come with “a”, 1.8 in 40 journeys, and fewest with “c”, 1.6 in 40.",
        ),
    ],
)
def test_a_break_down_says_its_best_and_its_worst_group(question, german: str, english: str):
    found = ask(MANY, question_of(question | {"by": "touchpoint"}))
    assert [caption(found, lang) for lang in ("de", "en")] == [german, english]


def test_of_one_journey_a_caption_speaks_in_the_singular():
    one = journeys("0 a, 1 b")
    asked = [
        {"question": "funnel", "steps": ["a", "b"]}, {"question": "funnel", "steps": ["a"]}, {"question": "flow"},
        {"question": "flow", "start": "a"}, {"question": "flow", "end": "b"}, {"question": "flow", "end": "a"},
        {"question": "flow", "depth": 1}, {"question": "tree"}, {"question": "variants"}, {"question": "transitions"},
        {"question": "timing", "start": "a", "end": "b"}, {"question": "friction"},
        {"question": "attribution", "goal": "b"},
    ]  # fmt: skip
    for question in asked:
        found = ask(one, question_of(question))
        for lang in ("de", "en"):
            said = caption(found, lang)
            assert not re.search(r"\b1 (Journeys|journeys|Ziele|goals|Zeilen|rows)", said), said


def test_groups_of_which_none_or_one_can_be_compared_say_so():
    one = journeys("0 a, 1 b")
    none = one.select(np.array([], np.int64))
    asked = [
        {"question": "funnel", "steps": ["a", "b"]}, {"question": "sessions"}, {"question": "variants"},
        {"question": "timing", "start": "a", "end": "b"}, {"question": "retention"},
    ]  # fmt: skip
    said = {
        (caption(ask(held, question_of(kind | {"by": "touchpoint"})), "en")) for held in (one, none) for kind in asked
    }
    assert said == {"There are no two groups that could be compared.", "No journey begins with a."}


def test_stages_stand_in_words_by_their_titles_and_in_the_data_by_their_ids(client: Client):
    told = post(client, "/api/ask?lang=de", {"question": "flow", "level": "stage", "start": "purchase", "depth": 1})
    assert [row["from"] for row in told["rows"]] == ["purchase"]
    assert (told["cells"][0][1], told["names"]["purchase"]) == ("Kauf", "Kauf")
    assert told["caption"].startswith("Nach Kauf ")
    split = post(client, "/api/ask?lang=en", FUNNEL | {"by": "stage"})
    assert {row["group"] for row in split["rows"]} <= set(split["names"])
    assert split["cells"][0][0] == split["names"][split["rows"][0]["group"]]


def test_a_goal_that_no_touch_precedes_is_said_in_words(client: Client):
    asked = {"question": "attribution", "goal": "visit", "window": "1m"}
    told = post(client, "/api/ask?lang=de", asked)
    at = next(i for i, row in enumerate(told["rows"]) if row["touchpoint"] == "(none)")
    assert "ohne Berührung" in told["cells"][at]
    assert UNTOUCHED == NONE


def test_a_break_down_says_that_small_groups_are_not_compared():
    held = journeys(*["0 a, 1 b"] * 30, *["0 c, 1 b"] * 29, "0 c", *["0 d, 1 b"] * 29)
    found = ask(held, question_of({"question": "funnel", "steps": ["a | c | d", "b"], "by": "touchpoint"}))
    assert caption(found, "en") == (
        "From a | c | d to b, most get through with “a”, 100.0% of 30, and fewest with “c”, 96.7% of 30. "
        "Their 95% intervals overlap. Groups of fewer than 30 are not compared here."
    )
