"""Maps from Python: saved, held and shown without going through the command line."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from etappe.apps.workspace import Workspace
from etappe.errors import BadDocument, UnknownName
from test_api import MAP
from workspaces import shop


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    found = shop(tmp_path)
    found.put(MAP, "map.yaml")
    yield found
    found.close()


def test_a_map_is_saved_as_the_next_revision_and_a_new_one_as_its_first(ws: Workspace) -> None:
    first = ws.map("shop")
    saved = ws.save(msgspec.structs.replace(first, title="Laden"), author="Lena")
    assert (saved.revision, saved.changed, ws.map("shop").title) == (2, True, "Laden")
    assert ws.map("shop", 1) == first
    assert ws.save(ws.map("shop")).changed is False
    new = ws.save(msgspec.structs.replace(first, id="other"))
    assert (new.map.id, new.revision) == ("other", 1)
    with pytest.raises(UnknownName, match="nowhere"):
        ws.save(msgspec.structs.replace(first, id="nowhere"), revision=3)


def test_a_map_saved_on_an_older_revision_keeps_what_others_wrote(ws: Workspace) -> None:
    seen = ws.map("shop")
    ws.save(msgspec.structs.replace(seen, scenario="Lena buys shoes."))
    both = ws.save(msgspec.structs.replace(seen, title="Laden"), revision=1).map
    assert (both.title, both.scenario) == ("Laden", "Lena buys shoes.")


def test_a_map_with_a_fault_is_not_saved(ws: Workspace) -> None:
    with pytest.raises(BadDocument):
        ws.save(msgspec.structs.replace(ws.map("shop"), lanes=()))
    assert ws.map("shop", 1) == ws.map("shop")


def test_the_numbers_of_now_are_held_from_python(ws: Workspace) -> None:
    saved = ws.hold("shop", author="Lena")
    assert saved.revision == 2
    held = saved.map.evidence[0].snapshot
    assert held
    assert (round(held.value or 0, 1), held.n) == (66.7, 3)


def test_a_stored_map_is_bound_by_its_id_and_shown_as_its_picture(ws: Workspace) -> None:
    bound = ws.bind("shop")
    assert bound._repr_svg_().startswith("<svg")
    assert repr(bound).startswith("<BoundMap 'shop': ")
    assert len(repr(bound)) < 100
