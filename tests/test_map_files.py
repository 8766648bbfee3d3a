"""Maps leave in every format and come back from those that can hold one; what cannot be read says where and why."""

import io

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from etappe.errors import BadDocument, EtappeError
from etappe.maps.cjml import from_cjml, to_cjml
from etappe.maps.draft import TEMPLATES, template
from etappe.maps.edit import edited
from etappe.maps.edits import Write
from etappe.maps.evidence import bind
from etappe.maps.files import WRITERS, read_any
from etappe.maps.sheet import from_csv, from_xlsx, to_csv, to_xlsx
from etappe.maps.words import to_markdown, to_mermaid
from etappe.vocabulary import say
from maps import small
from test_edit import EDITS, after

WHOLE = ("yaml", "json", "csv", "xlsx")
"""Formats that carry the whole document."""


@pytest.mark.parametrize("kind", WHOLE)
@pytest.mark.parametrize("name", TEMPLATES)
def test_a_map_comes_back_as_it_left(name, kind):
    document = template(name)
    content = WRITERS[kind][1](bind(document), "de")
    assert read_any(content, f"map.{kind}") == document


@settings(deadline=None, max_examples=30)
@given(st.lists(EDITS, max_size=4))
def test_any_map_comes_back_from_rows(edits):
    document = after(edits)
    assert from_csv(to_csv(bind(document))) == document


def test_numbers_stand_in_the_rows_with_their_base_and_are_not_read_back():
    bound = small()
    lines = to_csv(bound, "de").decode("utf-8-sig").splitlines()
    (conversion,) = [line for line in lines if line.startswith("evidence,ev_conversion")] or [""]
    told = [line for line in lines if ",60.0,100," in line]
    assert told or conversion
    assert from_csv(to_csv(bound)) == bound.map


def test_a_text_changed_in_the_table_is_the_map_s():
    content = to_csv(bind(template("five-stages")), "de").decode("utf-8-sig")
    changed = content.replace("bemerkt eine Anzeige", "sieht ein Plakat", 1)
    document = from_csv(changed.encode())
    assert document.steps[0].title == {"de": "sieht ein Plakat", "en": "notices an advertisement"}


def test_semicolons_of_a_german_spreadsheet_are_read():
    content = to_csv(bind(template("four-stages")), "de").decode("utf-8-sig")
    import csv

    out = io.StringIO(newline="")
    csv.writer(out, delimiter=";").writerows(csv.reader(io.StringIO(content)))
    assert from_csv(out.getvalue().encode("utf-8-sig")) == template("four-stages")


def test_no_text_is_a_formula_in_a_spreadsheet():
    document = edited(template("five-stages"), [Write(lane="pain", place="s1", fields={"text": "=HYPERLINK(1)"})])
    bound = bind(document)
    assert "'=HYPERLINK(1)" in to_csv(bound, "de").decode()
    book = load_workbook(io.BytesIO(to_xlsx(bound, "de")))
    assert book.sheetnames == ["Karte", "Teile", "Belege"]
    for sheet in book:
        assert not [cell for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
    assert from_csv(to_csv(bound)) == document
    assert from_xlsx(to_xlsx(bound)) == document


def test_the_first_sheet_is_the_map_as_people_see_it():
    sheet = load_workbook(io.BytesIO(to_xlsx(small(), "de")))["Karte"]
    told = [[cell.value or "" for cell in row] for row in sheet.iter_rows()]
    assert told[0][1] == "Vorher"
    assert told[1][1] == "erhält einen Brief"
    assert any("60,0\u00a0%" in str(cell) for row in told for cell in row)


def test_markdown_is_a_table_and_mermaid_a_journey():
    bound = small()
    lines = to_markdown(bound, "de").decode().splitlines()
    table = [line for line in lines if line.startswith("|")]
    assert len({line.count(" | ") for line in table if "---" not in line}) == 1
    assert "60,0 % gehen weiter" in to_markdown(bound, "de").decode()
    journey = to_mermaid(bound, "de").decode().splitlines()
    assert journey[:2] == ["journey", "  title Vom Brief zum Coupon"]
    assert "    bezahlt an der Kasse: 4: Kasse" in journey


def test_cjml_carries_the_planned_journey():
    document = template("event-registration")
    back = from_cjml(to_cjml(bind(document), "en"))
    assert [stage.id for stage in back.stages] == [stage.id for stage in document.stages]
    pairs = [
        [(step.id, say(step.title, "en"), step.kind, step.initiator) for step in m.steps] for m in (document, back)
    ]
    assert pairs[0] == pairs[1]
    channels = {point.id: point.channel for point in document.touchpoints}
    again = {point.id: point.channel for point in back.touchpoints}
    for old, new in zip(document.steps, back.steps, strict=True):
        if old.kind == "communication" and old.touchpoint:
            assert again[new.touchpoint] == channels[old.touchpoint]


PUBLISHED = """<CJML version="2.0">
<actualJourney><journeyID>AJ1</journeyID>
<actors><endUser actorID="Carl"><actorName>Carl</actorName></endUser>
<serviceProvider actorID="Company A"><companyName>Bookis</companyName></serviceProvider></actors>
<touchpoints><actualCommunicationPoint><touchpointID>TP1</touchpointID>
<initiator><refersTo actorIDref="Carl"/><initiatorLabel>Customer creates account</initiatorLabel></initiator>
<receiver><refersTo actorIDref="Bookis"/><receiverLabel>Account registered</receiverLabel></receiver>
<channel><channelName>Web</channelName></channel></actualCommunicationPoint></touchpoints>
</actualJourney></CJML>"""


def test_the_published_example_of_cjml_is_read():
    document = from_cjml(PUBLISHED.encode())
    (step,) = document.steps
    assert (step.id, step.title, step.initiator) == ("TP1", "Customer creates account", "customer")
    assert document.personas == ("Carl",)
    assert [(point.title, point.channel) for point in document.touchpoints] == [("Account registered", "Web")]


@pytest.mark.drill
@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"PK\x03\x04 broken", "m.xlsx", "cannot be read as Excel"),
        (b"", "m.xlsx", "cannot be read as Excel"),
        (b"\xff\xfe\x00k", "m.csv", "UTF-8"),
        (b"kind,id\nmap,shop\ncell,x\n", "m.csv", "line 3"),
        (b"kind,id,title\nmap,shop,Shop\nfoo,x,y\n", "m.csv", "no kind of part"),
        (b"kind,id,title,stage\nmap,shop,Shop,\nstep,s1,x,nowhere\n", "m.csv", "unknown stage"),
        (b"kind,id,title,more\nmap,shop,Shop,{broken\n", "m.csv", "no JSON object"),
        (b"kind,id,title,more\nmap,shop,Shop,[1]\n", "m.csv", "no JSON object"),
        (b"kind,id,title\nlane,a,x\n", "m.csv", "no row of kind 'map'"),
        (b"a,b\n1,2\n", "m.csv", "no kind of part"),
        (b"<CJML/>", "m.cjml", "holds no journey"),
        (b"<CJML", "m.cjml", "cannot be read as XML"),
        (b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><CJML>&b;</CJML>', "m.cjml", "entities"),
        (b'<?xml version="1.0"?><!doctype x SYSTEM "http://127.0.0.1/x"><CJML/>', "m.xml", "document type"),
        ('<?xml version="1.0" encoding="utf-16"?><CJML/>'.encode("utf-16"), "m.cjml", "UTF-8"),
        (b"x" * 5_000_001, "m.cjml", "larger"),
        (b"{}", "m.json", "schema"),
        (b"hello", "m.docx", "no kind of file"),
    ],
)
def test_what_cannot_be_read_says_where_and_why(content, name, said):
    with pytest.raises(EtappeError) as refused:
        read_any(content, name)
    assert said in str(refused.value)


def test_a_workbook_without_the_rows_says_what_is_missing():
    book, out = Workbook(), io.BytesIO()
    book.active.append(["hello"])
    book.save(out)
    with pytest.raises(BadDocument, match="head 'kind'"):
        from_xlsx(out.getvalue())


def test_every_writer_writes_and_json_is_json():
    for kind, (media, write) in WRITERS.items():
        assert "/" in media
        assert len(write(small(), "en")) > 50, kind
    assert msgspec.json.decode(WRITERS["json"][1](small(), "en"))["schema"] == "journey-map/1"
