"""Kept columns: threads and processes replace each other's, damaged ones are made again, none outlives an undo."""

import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import etappe
from etappe.apps.workspace import Workspace
from etappe.errors import EtappeError, WorkspaceBusy
from workspaces import SHOP, SHOP_MAPPING, made, shop, written


def earlier(folder: Path, ws: Workspace) -> str:
    """Import more; its id."""
    file = written(folder, "more.csv", SHOP.replace("2026", "2025"))
    (report,) = ws.import_files([file], mapping=folder / "shop.toml")
    return report.id or ""


def test_journeys_that_were_read_go_on_while_another_process_imports(tmp_path: Path) -> None:
    ws = shop(tmp_path)
    read = ws.journeys()
    other = Workspace(ws.folder)
    earlier(tmp_path, other)
    assert other.journeys().events == 12
    assert read.column("channel").texts() == ["web", "web", "web", "app", "app", "web"]
    assert read.value.tolist().count(199_000) == 1
    assert ws.journeys().events == 12


def test_journeys_whose_events_were_undone_say_so(tmp_path: Path) -> None:
    ws = shop(tmp_path)
    undone = earlier(tmp_path, ws)
    read = ws.journeys()
    Workspace(ws.folder).undo(undone)
    for name in ("channel", "import"):
        with pytest.raises(WorkspaceBusy, match="has changed"):
            read.column(name)
    assert ws.journeys().events == 6


@pytest.mark.drill
def test_readers_in_threads_and_a_writer_meet_without_a_fault(tmp_path: Path) -> None:
    ws = shop(tmp_path)
    faults: list[Exception] = []
    until = time.monotonic() + 3

    def read() -> None:
        while time.monotonic() < until:
            try:
                journeys = ws.journeys()
                assert len(journeys.column("channel").texts()) == len(journeys.value) in (6, 12)
            except EtappeError:
                pass  # said in a sentence: ask again
            except Exception as fault:
                faults.append(fault)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    while time.monotonic() < until:
        ws.undo(earlier(tmp_path, ws))
    for reader in readers:
        reader.join()
    assert faults == []


@pytest.mark.drill
@pytest.mark.parametrize(
    "name", ["time_us.npy", "rows.npy", "about.json", "value.npy", "column-*.npy", "column-*.json"]
)
@pytest.mark.parametrize("content", [b"", b"\x93NUMPY\x01\x00", None])
def test_damaged_columns_are_made_again(tmp_path: Path, name: str, content: bytes | None) -> None:
    ws = shop(tmp_path)
    before = ws.journeys()
    want = (before.time_us.tolist(), before.column("channel").texts(), before.value.tolist())
    (path,) = ws.folder.glob(f"journeys/*/*/{name}")
    path.unlink() if content is None else path.write_bytes(content)
    again = Workspace(ws.folder).journeys()
    assert (again.time_us.tolist(), again.column("channel").texts(), again.value.tolist()) == want


def test_an_undo_leaves_no_value_in_any_file(tmp_path: Path) -> None:
    ws = made(tmp_path)
    mapping = 'customer="who"\ntime="at"\ntouchpoint="what"\nproperties=["note"]\n'
    text = "who,at,what,note\nanna,2026-01-01,visit,calls every monday\nben,never,visit,calls every monday\n"
    ws.import_files([written(tmp_path, "a.csv", text)], mapping=written(tmp_path, "m.toml", mapping))
    assert ws.journeys().column("note").texts() == ["calls every monday"]
    ws.undo("i1")
    assert [path for path in ws.folder.rglob("*") if path.is_file() and b"every monday" in path.read_bytes()] == []


def test_other_data_has_another_snapshot(tmp_path: Path) -> None:
    def asked(folder: Path, text: str, mapping: str = SHOP_MAPPING) -> str:
        folder.mkdir()
        ws = made(folder)
        ws.import_files([written(folder, "shop.csv", text)], mapping=written(folder, "m.toml", mapping))
        return ws.ask({"question": "reach"}).snapshot

    first = asked(tmp_path / "a", SHOP)
    assert asked(tmp_path / "b", SHOP) == first
    assert asked(tmp_path / "c", SHOP.replace("100,00", "200,00")) != first
    assert asked(tmp_path / "d", SHOP, SHOP_MAPPING.replace('"EUR"', '"USD"')) != first


def test_frames_with_other_columns_have_another_snapshot() -> None:
    def asked(**changed: object) -> str:
        columns = {"who": ["a", "b"], "at": [datetime(2026, 1, 1, tzinfo=UTC)] * 2, "what": ["v", "v"], "x": [1.0, 2.0]}
        frame = pa.table(columns | changed)
        return etappe.reach(etappe.journeys_from(frame, customer="who", time="at", touchpoint="what")).snapshot

    assert asked() == asked()
    assert len({asked(), asked(x=[1.0, 3.0]), asked(who=["a", "a"]), asked(y=["p", "q"])}) == 4


def test_the_texts_of_values_are_the_same_in_a_workspace_and_a_frame(tmp_path: Path) -> None:
    j = shop(tmp_path).journeys()
    assert [text for text in j.column("value").texts() if text] == ["19.9", "100"]
    assert j.where("value = '19.9'").events == 1
    assert "value" in j.columns
    assert np.array_equal(j.where("value > 19.8").value, [199_000, 1_000_000])


def test_an_error_of_the_database_names_no_person(tmp_path: Path) -> None:
    from sqlalchemy import insert
    from sqlalchemy.exc import IntegrityError

    from etappe.store.tables import identifiers

    ws = shop(tmp_path)
    row = {"kind": "customer", "value": "0007", "actor": 1, "import_id": "i1"}
    with ws.engine.begin() as connection, pytest.raises(IntegrityError) as caught:
        connection.execute(insert(identifiers).values(**row))
    assert "0007" not in str(caught.value)


@pytest.mark.drill
def test_a_disk_that_keeps_no_columns_still_answers(tmp_path: Path) -> None:
    ws = shop(tmp_path)
    (ws.folder / "journeys").write_text("in the way")
    j = ws.journeys()
    assert (j.events, j.column("channel").texts()[0], j.value.max()) == (6, "web", 1_000_000)
