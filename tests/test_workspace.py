"""Workspace: files in, journeys out; each file once; an undo takes an import back exactly."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from sqlalchemy import select

import etappe
from etappe.apps import undoing
from etappe.apps.workspace import Workspace
from etappe.errors import BadDocument, BadFile, BadSetting, NoWorkspace, UnknownName, WorkspaceBusy
from etappe.store import imports as ledger
from etappe.store.tables import identifiers
from workspaces import PEOPLE_MAPPING, SHOP, SHOP_MAPPING, made, shop, written


def everything(ws: Workspace) -> tuple[object, ...]:
    """All that can be asked of a workspace: events in order with their columns, attributes, answers."""
    j = ws.journeys()
    columns = {name: j.column(name).texts() for name in (*j.columns, "touchpoint") if name != "import"}
    ages = {name: j.attribute(name).texts() for name in j.attributes}
    answers = [ws.ask({"question": name}).rows() for name in ("reach", "transitions", "variants")]
    people = j.names(np.arange(len(j)))
    return j.offsets.tolist(), j.time_us.tolist(), j.value.tolist(), columns, ages, answers, people


def test_files_become_journeys_in_time_with_values_orders_and_attributes(tmp_path: Path) -> None:
    ws = shop(tmp_path)
    j = ws.journeys()
    assert (len(j), j.events) == (3, 6)
    assert j.names(np.arange(3)) == ["0007", "8", "9"]
    assert [j.touchpoints[c] for c in j.touchpoint] == ["visit", "order", "visit", "visit", "order", "visit"]
    assert j.column("order").texts() == [None, "A1", None, None, "A2", None]
    assert j.value[j.value > 0].tolist() == [199_000, 1_000_000]
    assert j.attribute("age").texts() == ["30-39", "40-49", "40-49"]
    assert ws.journeys(where="age = '40-49' and channel = 'app'").events == 2
    assert ws.journeys(start="2026-03-05", end="2026-03-05").events == 2


@pytest.mark.requirement("000-04")
def test_online_and_offline_contacts_of_several_sources_stand_in_one_journey(tmp_path: Path) -> None:
    ws = shop(tmp_path)
    calls = written(tmp_path, "calls.csv", "user,at,what\n0007,2026-03-01T10:02:00+01:00,phone_call\n")
    ws.import_files([calls], mapping=written(tmp_path, "c.toml", 'customer="user"\ntime="at"\ntouchpoint="what"'))
    j = ws.journeys()
    assert [j.touchpoints[c] for c in j.touchpoint[: j.offsets[1]]] == ["visit", "phone_call", "order"]


def test_a_file_is_imported_once(tmp_path: Path) -> None:
    ws = shop(tmp_path)
    copy = written(tmp_path, "copy.csv", SHOP)
    (report,) = ws.import_files([copy], mapping=tmp_path / "shop.toml")
    assert (report.status, report.id) == ("already", "i1")
    assert ws.journeys().events == 6


def test_an_undo_takes_an_import_back_exactly(tmp_path: Path) -> None:
    ws = shop(tmp_path)
    before = everything(ws)
    more = SHOP.replace("2026-03", "2026-02").replace("9;", "11;").replace("visit", "call")
    older = written(tmp_path, "older.csv", more + "12;never;visit;web;;\n")
    (report,) = ws.import_files([older], mapping=tmp_path / "shop.toml")
    assert (report.events, report.refused) == (6, 1)
    assert everything(ws) != before
    ws.undo(report.id or "")
    assert everything(ws) == before
    assert ws.refused(report.id or "") == []
    assert not list((ws.folder / "lake").rglob(f"*import={report.id}*"))
    (again,) = ws.import_files([older], mapping=tmp_path / "shop.toml")
    assert again.status == "imported"


def test_an_undo_keeps_identifiers_that_a_later_import_uses_and_forgets_the_others(tmp_path: Path) -> None:
    ws = made(tmp_path)
    mapping = written(tmp_path, "m.toml", 'customer="who"\ntime="at"\ntouchpoint="what"')
    one = written(tmp_path, "one.csv", "who,at,what\nanna,2026-01-01,visit\nben,2026-01-02,visit\n")
    two = written(tmp_path, "two.csv", "who,at,what\nben,2026-01-03,visit\n")
    for path in (one, two):
        ws.import_files([path], mapping=mapping)
    ws.undo("i1")
    with ws.engine.connect() as connection:
        assert connection.execute(select(identifiers.c.value)).scalars().all() == ["ben"]
    ws.undo("i2")
    assert b"ben" not in b"".join(path.read_bytes() for path in ws.folder.glob("control.sqlite*"))
    assert ws.journeys().events == 0


def test_what_a_cut_off_import_left_is_cleared_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ws = shop(tmp_path)
    before = everything(ws)
    more = written(tmp_path, "more.csv", SHOP.replace("2026", "2025"))

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    for place in ("finish", "keep_refused", "begin"):
        with monkeypatch.context() as patch:
            patch.setattr(ledger, place, stop)
            with pytest.raises(KeyboardInterrupt):
                ws.import_files([more], mapping=tmp_path / "shop.toml")
        assert everything(Workspace(ws.folder)) == before
        assert [record.status for record in ws.imports()] == ["done", "done"]
        assert len(list((ws.folder / "lake" / "events").glob("import=*"))) == 1


@pytest.mark.drill
@pytest.mark.parametrize("call", ["finish", "keep_refused"])
def test_a_killed_import_leaves_the_workspace_as_it_was(tmp_path: Path, call: str) -> None:
    ws = shop(tmp_path)
    before = everything(ws)
    written(tmp_path, "more.csv", SHOP.replace("2026", "2025"))
    program = f"""
import os, etappe
from etappe.store import imports
real = imports.{call}
imports.{call} = lambda *a, **k: os.kill(os.getpid(), 9)
etappe.open({str(ws.folder)!r}).import_files([{str(tmp_path / "more.csv")!r}], mapping={str(tmp_path / "shop.toml")!r})
"""
    killed = subprocess.run([sys.executable, "-c", program], check=False, env={**os.environ})
    assert killed.returncode == -9
    again = Workspace(ws.folder)
    assert everything(again) == before
    (report,) = again.import_files([tmp_path / "more.csv"], mapping=tmp_path / "shop.toml")
    assert (report.status, report.events) == ("imported", 6)
    assert {record.status for record in again.imports()} == {"done"}


@pytest.mark.drill
def test_a_killed_undo_is_finished_at_the_next_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ws = shop(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(undoing, "_forget_identifiers", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            ws.undo("i1")
    again = Workspace(ws.folder)
    with again.writing():
        pass
    assert [record.status for record in again.imports()] == ["undone", "done"]
    assert again.journeys().events == 0


def test_journeys_can_be_deleted_and_come_back_the_same(tmp_path: Path) -> None:
    ws = shop(tmp_path)
    before = everything(ws)
    shutil.rmtree(ws.folder / "journeys")
    assert everything(Workspace(ws.folder)) == before


def test_another_subject_than_the_customer(tmp_path: Path) -> None:
    j = shop(tmp_path).journeys(subject="order")
    assert (len(j), j.events) == (2, 2)
    assert j.names(np.arange(2)) == ["A1", "A2"]
    with pytest.raises(UnknownName, match="no column named 'ordr'"):
        shop(tmp_path / "b").journeys(subject="ordr")


def test_two_changes_at_once_are_refused(tmp_path: Path) -> None:
    ws = shop(tmp_path)
    with ws.writing(), pytest.raises(WorkspaceBusy), Workspace(ws.folder).writing():
        pass


def test_the_lake_is_an_open_delta_table_without_names_and_with_few_statistics(tmp_path: Path) -> None:
    ws = made(tmp_path)
    text = "who,at,what,note\nanna@example.org,2026-01-01,visit,call anna\n"
    mapping = 'customer="who"\ntime="at"\ntouchpoint="what"\nproperties=["note"]'
    ws.import_files([written(tmp_path, "a.csv", text)], mapping=written(tmp_path, "m.toml", mapping))
    lake = ws.folder / "lake"
    table = pa.table(DeltaTable(lake / "events").to_pyarrow_table())
    assert table["touchpoint"].to_pylist() == ["visit"]
    assert (
        b"anna@example.org"
        in (ws.folder / "control.sqlite").read_bytes() + (ws.folder / "control.sqlite-wal").read_bytes()
    )
    assert not [path for path in lake.rglob("*") if path.is_file() and b"anna@example" in path.read_bytes()]
    logs = b"".join(path.read_bytes() for path in lake.rglob("*.json"))
    assert b"maxValues" in logs
    assert b"call anna" not in logs
    statistics = pq.read_metadata(next(lake.rglob("events/**/*.parquet"))).row_group(0)
    named = {statistics.column(i).path_in_schema for i in range(9) if statistics.column(i).is_stats_set}
    assert named == {"actor", "time"}


def test_every_file_of_the_lake_is_synced_before_its_import_is_done(tmp_path: Path) -> None:
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed")
    ws = shop(tmp_path)
    written(tmp_path, "more.csv", SHOP.replace("2026", "2025"))
    program = (
        f"import etappe; etappe.open({str(ws.folder)!r}).import_files("
        f"[{str(tmp_path / 'more.csv')!r}], mapping={str(tmp_path / 'shop.toml')!r})"
    )
    log = tmp_path / "trace"
    traced = [strace, "-f", "-y", "-e", "trace=fsync,fdatasync", "-o", str(log), sys.executable, "-c", program]
    subprocess.run(traced, check=True)
    lines = [line for line in log.read_text().splitlines() if "/lake/" in line or "control.sqlite" in line]
    synced = [line.split("<")[1].split(">")[0] for line in lines]
    file = next(i for i, path in enumerate(synced) if path.endswith("import=i3/rows.parquet"))
    commit = next(i for i, path in enumerate(synced) if "_delta_log/" in path and i > file)
    done = max(i for i, path in enumerate(synced) if "control.sqlite" in path)
    assert file < commit < done


def test_an_older_or_foreign_control_file_is_refused_with_a_sentence(tmp_path: Path) -> None:
    ws = shop(tmp_path)
    ws.close()
    for path in ws.folder.glob("control.sqlite*"):
        path.unlink()
    (ws.folder / "control.sqlite").write_bytes(b"no database at all, but long enough to be looked at" * 50)
    with pytest.raises(BadFile, match=r"control\.sqlite: cannot be opened"):
        Workspace(ws.folder)


def test_a_folder_without_a_workspace_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(NoWorkspace, match="etappe init"):
        etappe.open(tmp_path)
    with pytest.raises(NoWorkspace, match="no folder"):
        etappe.open(tmp_path / "nowhere")


def test_an_unknown_setting_proposes_the_nearest(tmp_path: Path) -> None:
    ws = made(tmp_path)
    settings = ws.folder / "etappe.toml"
    settings.write_text(settings.read_text() + 'timezon = "UTC"\n')
    with pytest.raises(BadSetting, match="Did you mean 'timezone'"):
        Workspace(ws.folder)
    settings.write_text('timezone = "Europe/Berln"\n')
    with pytest.raises(BadSetting, match="no time zone"):
        Workspace(ws.folder)


def test_a_wrong_document_is_refused_and_a_right_one_gets_revisions(tmp_path: Path) -> None:
    ws = shop(tmp_path)
    text = "schema: journey-map/1\nid: m\ntitle: M\nstages: [{id: a, title: A, steps: [{id: s1, title: S}]}]\n"
    text += "lanes: [{id: l, type: thoughts, title: L}]\n"
    bad = written(tmp_path, "bad.yaml", text + "cells: [{lane: l, step: s9, text: T}]\n")
    with pytest.raises(BadDocument, match=r"bad.yaml: cells\[0\].*s9"):
        ws.push(bad)
    good = written(tmp_path, "good.yaml", text)
    assert [ws.push(good).revision, ws.push(good).revision] == [1, 1]
    good.write_text(good.read_text() + "language: en\n")
    assert ws.push(good).revision == 2
    assert ws.pull("map", "m") == good.read_text()
    with pytest.raises(UnknownName, match=r"Known: m|Did you mean"):
        ws.pull("map", "mm")


@pytest.mark.requirement("000-14")
@pytest.mark.requirement("001-18")
def test_a_registry_of_the_workspace_is_used_and_unknown_touchpoints_are_listed(tmp_path: Path) -> None:
    from etappe.journeys.stages import undiscovered

    ws = shop(tmp_path)
    found = written(tmp_path, "c.csv", "user,at,what\n8,2026-03-07,fax\n8,2026-03-08,fax\n9,2026-03-08,fax\n")
    ws.import_files([found], mapping=written(tmp_path, "c.toml", 'customer="user"\ntime="at"\ntouchpoint="what"'))
    assert undiscovered(ws.journeys(), ws.registry()) == [("fax", 3, 2)]
    fax = """extends: default
touchpoints:
  - {id: fax, title: Fax, medium: analog, contact: direct, channel: phone, atom: research, owner: Sales, goal: Answer}
"""
    ws.push(written(tmp_path, "registry.yaml", fax))
    assert undiscovered(ws.journeys(), ws.registry()) == []


def test_a_mapping_for_people_adds_no_event(tmp_path: Path) -> None:
    ws = made(tmp_path)
    path = written(tmp_path, "p.csv", "user,age\n1,30\n1,31\n2,\n")
    (report,) = ws.import_files([path], mapping=written(tmp_path, "p.toml", PEOPLE_MAPPING))
    assert (report.events, report.attributes, report.customers) == (0, 2, 1)
    visits = written(tmp_path, "v.csv", "user,at,what\n1,2026-01-01,visit\n")
    ws.import_files([visits], mapping=written(tmp_path, "v.toml", 'customer="user"\ntime="at"\ntouchpoint="what"'))
    assert ws.journeys().attribute("age").texts() == ["31"]


def test_a_dry_run_changes_nothing(tmp_path: Path) -> None:
    ws = made(tmp_path)
    path = written(tmp_path, "shop.csv", SHOP + "x;never;visit;web;;\n")
    (report,) = ws.import_files([path], mapping=written(tmp_path, "m.toml", SHOP_MAPPING), dry_run=True)
    assert (report.status, report.rows, report.events, report.refused) == ("checked", 7, 6, 1)
    assert report.customers == 3
    assert report.sentences
    assert ws.imports() == []
    assert not (ws.folder / "lake").exists()


@pytest.mark.drill
def test_a_disk_that_takes_no_more_is_said_and_the_workspace_is_as_it_was(tmp_path: Path) -> None:
    ws = shop(tmp_path)
    before = everything(ws)
    rows = "\n".join(f"{i};2026-05-01T10:00:{i % 60:02}Z;visit;web;{i};A{i}" for i in range(120_000))
    file = written(tmp_path, "many.csv", SHOP.splitlines()[0] + "\n" + rows)
    program = f"""
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
sys.argv = ["etappe", "import", {str(file)!r}, "-m", {str(tmp_path / "shop.toml")!r}, "-w", {str(ws.folder)!r}]
from etappe.apps.cli import main
main()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "the disk does not take the import" in done.stderr
    assert "Traceback" not in done.stderr
    assert everything(Workspace(ws.folder)) == before
    (report,) = ws.import_files([file], mapping=tmp_path / "shop.toml")
    assert (report.status, report.events) == ("imported", 120_000)


def test_the_registry_of_the_page_is_taken_as_it_stands(tmp_path: Path) -> None:
    page = (Path(__file__).parents[1] / "docs" / "workspace.md").read_text()
    ws = shop(tmp_path)
    ws.push(written(tmp_path, "registry.yaml", page.split("```yaml\n")[1].split("```")[0]))
    assert ws.registry().find("Showroom-Termin").id == "showroom_visit"  # type: ignore[union-attr]
    answer = ws.ask({"question": "stages", "model": "ours"})
    assert answer.column("stage")[:2] == ["win", "keep"]
