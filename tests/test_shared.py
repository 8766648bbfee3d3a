"""A file of a map that is passed on holds no condition and no person's name, in whatever format."""

import io
import zlib
from zipfile import ZipFile

import pytest

from etappe.apps.filing import KINDS, filed
from etappe.maps.bound import BoundMap
from etappe.maps.check import check
from etappe.maps.document import read_map
from etappe.maps.evidence import bind
from etappe.maps.files import read_any
from etappe.maps.model import Parameters
from etappe.maps.shared import for_sharing
from maps import NOW, letters_and_tills

SECRETS = ("secretive", "young", "Lena Ludwig", "Frau Huber", "example.org/notes")
TEXT = """schema: journey-map/1
id: shop
title: Shop
owner: {department: Service, person: Lena Ludwig}
population: {event_filter: "POPULATION"}
touchpoints:
  - {id: brief, title: Brief, channel: post, medium: analog, contact: direct, match: touchpoint = 'mailing'}
  - {id: till, title: Kasse, channel: store, medium: analog, contact: direct,
     match: "touchpoint = 'till' and age != 'secretive'"}
stages:
  - {id: all, title: Alles, entry: age = 'secretive',
     steps: [{id: s1, title: eins, touchpoint: brief}, {id: s2, title: zwei, touchpoint: till}]}
lanes:
  - {id: kpi, type: metric, title: Kennzahl}
  - {id: think, type: thoughts, title: Gedanken}
cells:
  - {lane: kpi, step: s1, evidence: [plain, narrow, broken]}
  - {lane: kpi, step: s2, evidence: few}
  - {lane: think, step: s1, quotes: [{text: Schnell., source: Frau Huber}], opportunity: o}
flow:
  - {from: s1, to: s2, condition: age = 'secretive'}
evidence:
  - {id: plain, title: Ohne Bedingung, metric: touchpoint.reach, parameters: {touchpoint: brief}}
  - {id: lifted, title: Gehoben, metric: step.conversion, filter: "from = 's1' and to = 's2'"}
  - {id: narrow, title: Mit Filter, metric: touchpoint.reach, parameters: {touchpoint: brief}, filter: age = 'young'}
  - {id: few, title: Wenige, metric: touchpoint.reach, parameters: {touchpoint: brief}, filter: age = 'secretive'}
  - {id: broken, title: Kaputt, metric: touchpoint.reach, parameters: {touchpoint: brief}, filter: agee = 'secretive'}
  - {id: asked, title: Gefragt, question: {question: reach, by: age},
     value: {column: journeys, where: "group = 'young' and touchpoint = 'mailing'"}}
opportunities:
  - {id: o, title: Schneller, owner: Lena Ludwig, finding: 3 young customers, addresses: [plain, few], result: few}
annotations:
  - {id: n, text: young, author: Lena Ludwig}
studies:
  - {id: st, title: Interviews, notes: Frau Huber, link: https://example.org/notes}
"""


def whole(population: str = "age != 'secretive'") -> BoundMap:
    """The map with every place where a condition or a name may stand, bound."""
    return bind(read_map(TEXT.replace("POPULATION", population)), letters_and_tills(), None, NOW)


def told(content: bytes, kind: str) -> bytes:
    """All that a file says, unpacked."""
    if kind == "xlsx":
        with ZipFile(io.BytesIO(content)) as packed:
            return b"\n".join(packed.read(name) for name in packed.namelist())
    if kind == "pdf":
        found = [content]
        for part in content.split(b"stream\n")[1:]:
            try:
                found.append(zlib.decompressobj().decompress(part))
            except zlib.error:
                continue
        return b"\n".join(found)
    return content


@pytest.mark.parametrize("kind", KINDS)
def test_no_text_of_a_filter_and_no_name_of_a_person_stands_in_a_file_that_is_passed_on(kind: str) -> None:
    content = told(filed(whole(), kind, "de", shared=True), kind)
    assert [secret for secret in SECRETS if secret.encode() in content] == []


def test_the_same_file_for_colleagues_holds_them() -> None:
    content = filed(whole(), "yaml", "de")
    assert [secret for secret in SECRETS if secret.encode() not in content] == []


@pytest.mark.parametrize("kind", ["yaml", "json", "csv", "xlsx"])
def test_a_shared_document_is_a_map_without_fault_that_can_be_read(kind: str) -> None:
    found = read_any(filed(whole(), kind, "de", shared=True), f"m.{kind}")
    assert [fault for fault in check(found) if fault.level == "error"] == []
    assert found.steps == whole().map.steps


def test_a_number_under_a_condition_stays_as_a_number_and_a_hidden_one_goes() -> None:
    bound = whole("")
    document = for_sharing(bound)[0].map
    evidence = {e.id: e for e in document.evidence}
    assert set(evidence) == {"plain", "lifted", "narrow", "asked"}
    assert evidence["plain"] == bound.map.evidence[0]
    assert evidence["lifted"].metric == "step.conversion"
    assert evidence["lifted"].parameters == Parameters(start="s1", end="s2")
    assert (evidence["narrow"].metric, evidence["narrow"].value, evidence["narrow"].n) == (
        "manual", bound.evidence["narrow"].value, bound.evidence["narrow"].n,
    )  # fmt: skip
    assert [cell.refs for cell in document.cells] == [("plain", "narrow"), (), ()]
    assert (document.opportunities[0].addresses, document.opportunities[0].result) == (("plain",), None)
    assert [point.match for point in document.touchpoints] == ["touchpoint = 'mailing'", None]


def test_under_a_population_no_number_is_computed_anew_from_all() -> None:
    document = for_sharing(whole("age = 'young'"))[0].map
    assert {e.metric for e in document.evidence} == {"manual"}
    assert document.population is None
