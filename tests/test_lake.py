"""Lake: what is called stored lies on the disk: files, commits, checkpoints and the folders that name them."""

import shutil
import subprocess
from pathlib import Path

import pytest

from etappe.errors import NotWritten
from etappe.store import lake
from workspaces import SHOP, made, shop, written


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    found: list[Path] = []
    sync = lake._sync
    monkeypatch.setattr(lake, "_sync", lambda path: (found.append(path), sync(path))[1])
    return found


@pytest.mark.drill
def test_the_folders_of_a_new_lake_are_synced(tmp_path: Path, synced: list[Path]) -> None:
    ws = shop(tmp_path)
    assert {ws.folder, ws.folder / "lake", ws.folder / "lake" / "events"} <= set(synced)


@pytest.mark.drill
def test_every_commit_of_an_undo_is_synced(tmp_path: Path, synced: list[Path]) -> None:
    ws = shop(tmp_path)
    log = ws.folder / "lake" / "events" / "_delta_log"
    before = set(log.iterdir())
    ws.undo("i1")
    added = set(log.iterdir()) - before
    assert len(added) >= 2  # the delete, and what vacuum writes of itself
    assert added <= set(synced)


@pytest.mark.drill
def test_a_checkpoint_is_synced(tmp_path: Path, synced: list[Path]) -> None:
    ws = made(tmp_path)
    table = ws.events.open()
    for _ in range(98):
        table.alter.set_table_properties({"delta.appendOnly": "false"})
    mapping = written(tmp_path, "m.toml", 'customer="user"\ntime="at"\ntouchpoint="what"\ndelimiter=";"')
    for year in ("2024", "2025", "2026"):
        ws.import_files([written(tmp_path, f"{year}.csv", SHOP.replace("2026", year))], mapping=mapping)
    log = ws.folder / "lake" / "events" / "_delta_log"
    checkpoints = {path for path in log.iterdir() if path.suffix != ".json" or path.name.startswith("_")}
    assert checkpoints
    assert checkpoints <= set(synced)


@pytest.mark.drill
def test_a_disk_that_is_really_full_leaves_the_workspace_as_it_was(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(disk)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small disk can be mounted by root only")
    try:
        ws = shop(disk)
        rows = "\n".join(f"{i}x{i * 7919};2026-05-01T10:00:00Z;visit;web;{i};A{i}" for i in range(200_000))
        many = written(tmp_path, "many.csv", SHOP.splitlines()[0] + "\n" + rows)
        with pytest.raises(NotWritten, match=r"disk is full|No space"):
            ws.import_files([many], mapping=disk / "shop.toml")
        assert [record.status for record in ws.imports()] == ["done", "done"]
        assert ws.journeys().events == 6
        ws.close()
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)
