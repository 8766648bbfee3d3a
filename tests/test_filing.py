"""A stored map as a file of each kind over HTTP, its numbers held, and reports by the calendar."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from etappe.apps.filing import KINDS, Schedule, due, written
from etappe.apps.holding import hold
from etappe.apps.revisions import change
from etappe.apps.workspace import Workspace
from etappe.apps.workspace import open as open_workspace
from etappe.config import FILE, Report
from etappe.errors import BadSetting
from etappe.maps.edits import Change, Remove
from etappe.maps.model import JourneyMap
from servers import Client, served
from test_api import MAP
from workspaces import shop

TODAY = date(2026, 11, 26)
NOW = datetime(2026, 11, 26, 8, tzinfo=UTC)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    ws = shop(tmp_path_factory.mktemp("filing"))
    ws.put(MAP, "map.yaml")
    ws.close()
    return ws.folder


@pytest.fixture(scope="module")
def client(folder: Path) -> Iterator[Client]:
    with served(folder) as found:
        yield found


@pytest.mark.parametrize("kind", KINDS)
def test_a_map_is_a_file_of_each_kind(client: Client, kind: str) -> None:
    status, headers, body = client.send("GET", f"/api/maps/shop.{kind}?lang=de")
    assert status == 200
    assert headers["content-type"].startswith(KINDS[kind][0])
    assert len(body) > 80


def test_a_map_is_read_from_a_file_that_was_exported(client: Client) -> None:
    _, _, content = client.send("GET", "/api/maps/shop.csv?lang=de")
    status, made = client.form("/api/maps/import", file=("shop.csv", content))
    assert (status, made["id"]) == (200, "shop-2")
    same = [
        msgspec.convert(client.get(f"/api/maps/{id}/document")["document"], JourneyMap) for id in ("shop", "shop-2")
    ]
    assert msgspec.structs.replace(same[1], id="shop") == same[0]
    status, refused = client.form("/api/maps/import", file=("shop.doc", b"x"))
    assert (status, refused["code"]) == (400, "bad-file")
    assert client.form("/api/maps/import", other="x")[0] == 404


def test_a_shared_page_hides_what_points_at_few(client: Client) -> None:
    _, _, whole = client.send("GET", "/api/maps/shop.html?lang=de")
    _, headers, page = client.send("GET", "/api/maps/shop.html?lang=de&shared=1")
    assert "66,7" in whole.decode()
    assert "66,7" not in page.decode()
    assert "weniger als 10 Personen" in page.decode()
    assert "script-src 'self'" in headers["content-security-policy"]


def test_the_numbers_of_now_are_held_in_the_map(client: Client, folder: Path) -> None:
    revision = client.get("/api/maps/shop/document")["revision"]
    status, _, body = client.send("POST", "/api/maps/shop/hold", {"author": "Lena", "revision": revision})
    assert (status, json.loads(body)["changed"]) == (200, True)
    ws = open_workspace(folder)
    snapshot = ws.map("shop").evidence[0].snapshot
    assert snapshot is not None
    assert (round(snapshot.value or 0, 1), snapshot.n) == (66.7, 3)
    assert snapshot.query_hash
    ws.close()


def test_holding_needs_the_revision_that_was_seen(client: Client) -> None:
    status, _, body = client.send("POST", "/api/maps/shop/hold", {"author": "Lena"})
    assert (status, json.loads(body)["where"]) == (400, "revision")


def test_what_others_saved_since_stays_beside_the_numbers_that_are_held(tmp_path: Path) -> None:
    ws = shop(tmp_path)
    ws.put(MAP, "map.yaml")
    change(ws, "shop", [Change(kind="map", id="", fields={"scenario": "Lena buys shoes."})], 1)
    saved, left = hold(ws, "shop", 1)
    assert (saved.revision, saved.map.scenario, saved.conflicts, left) == (3, "Lena buys shoes.", (), [])
    held = saved.map.evidence[0].snapshot
    assert held
    assert (round(held.value or 0, 1), held.n) == (66.7, 3)


@pytest.mark.parametrize(
    "edit",
    [
        Change(kind="evidence", id="e", fields={"filter": "age = '40-49'"}),
        Change(kind="map", id="", fields={"population": {"event_filter": "age = '40-49'"}}),
        Remove(kind="evidence", id="e"),
    ],
    ids=["its filter", "the population", "removed"],
)
def test_a_number_is_not_held_at_evidence_that_somebody_changed_since(tmp_path: Path, edit: Change | Remove) -> None:
    ws = shop(tmp_path)
    ws.put(MAP, "map.yaml")
    name = ws.map("shop").evidence[0].id
    changed = change(ws, "shop", [msgspec.structs.replace(edit, id=name) if edit.id else edit], 1)
    saved, left = hold(ws, "shop", 1)
    assert left == [name]
    assert (saved.map, saved.conflicts, saved.changed) == (changed.map, (), False)


@pytest.mark.requirement("002-22")
def test_a_report_is_written_once_a_period_also_after_a_restart(folder: Path, tmp_path: Path) -> None:
    ws = open_workspace(folder)
    report = Report(map="shop", every="1w", folder=str(tmp_path / "out"), formats=("html", "svg"))
    assert due(ws, report, TODAY)
    done = written(ws, report, TODAY)
    assert sorted(path.name for path in done.files) == ["shop-2026-11-26.html", "shop-2026-11-26.svg"]
    assert not due(ws, report, TODAY + timedelta(days=6))
    (tmp_path / "out" / "shop-abcd-ef-gh.html").write_text("somebody's own file")
    assert due(ws, report, TODAY + timedelta(days=7))
    assert written(ws, report, TODAY).files == ()
    assert not list((tmp_path / "out").glob("*.part"))
    ws.close()


def with_reports(folder: Path, *reports: str) -> Workspace:
    """A shop whose settings ask for reports."""
    ws = shop(folder)
    ws.put(MAP, "map.yaml")
    ws.close()
    settings = ws.folder / FILE
    settings.write_text(settings.read_text() + "".join(f"\n[[report]]\n{report}\n" for report in reports))
    return open_workspace(ws.folder)


def test_a_report_that_fails_says_why_and_does_not_stop_the_others(tmp_path: Path) -> None:
    ws = with_reports(
        tmp_path, 'map = "nowhere"', 'map = "shop"\nevery = "often"', 'map = "shop"\nfolder = "out"\nformats = ["md"]'
    )
    schedule = Schedule(ws)
    schedule.look(NOW)
    gone, odd, _ = ws.settings.report
    assert set(schedule.failed) == {gone, odd}
    assert "nowhere" in schedule.failed[gone].why
    assert "every" in schedule.failed[odd].why
    assert list((ws.folder / "out").glob("shop-*.md"))
    ws.close()


def test_of_two_reports_of_a_map_each_has_its_own_fault(tmp_path: Path) -> None:
    ws = with_reports(tmp_path, 'map = "shop"\nformats = ["doc"]', 'map = "shop"\nfolder = "out"\nformats = ["html"]')
    schedule = Schedule(ws)
    schedule.look(NOW)
    assert list((ws.folder / "out").glob("shop-*.html"))
    assert [report.formats for report in schedule.failed] == [("doc",)]
    ws.close()


def test_a_report_to_pass_on_does_not_take_the_files_of_one_for_colleagues(tmp_path: Path) -> None:
    both = 'map = "shop"\nformats = ["md"]\nfolder = "out"'
    ws = with_reports(tmp_path, f"{both}\nshared = true", both, 'map = "shop"\nformats = ["md"]\nshared = true')
    schedule = Schedule(ws)
    schedule.look(NOW)
    (report,) = schedule.failed
    assert report == ws.settings.report[0]
    assert "a folder of its own" in schedule.failed[report].why
    assert list((ws.folder / "reports").glob("shop-*.md"))
    ws.close()


def test_a_report_that_failed_is_tried_again_after_pauses_that_grow(tmp_path: Path) -> None:
    ws = with_reports(tmp_path, 'map = "later"\nformats = ["md"]\nfolder = "out"')
    schedule = Schedule(ws)
    (report,) = ws.settings.report
    tried = []
    for minute in range(150):
        before = schedule.failed.get(report)
        schedule.look(NOW + timedelta(minutes=minute))
        if schedule.failed[report] != before:
            tried.append(minute)
    assert tried == [0, 1, 6, 21, 81, 141]
    assert schedule.failed[report].tries == 6
    ws.put(MAP.replace("id: shop", "id: later"), "later.yaml")
    schedule.look(NOW + timedelta(minutes=201))
    assert schedule.failed == {}
    assert list((ws.folder / "out").glob("later-*.md"))
    ws.close()


def test_the_list_of_reports_says_what_failed_and_when_it_is_tried_again(tmp_path: Path) -> None:
    ws = with_reports(tmp_path, 'map = "nowhere"', 'map = "shop"\nformats = ["md"]')
    ws.close()
    with served(ws.folder) as client:
        found = _waited(client)
    assert "nowhere" in found[0]["fault"]
    assert found[0]["tries"] == 1
    pause = datetime.fromisoformat(found[0]["again"]) - datetime.now(UTC)
    assert timedelta(0) < pause <= timedelta(minutes=1)
    assert (found[1]["fault"], found[1]["tries"], found[1]["again"]) == (None, 0, None)


def _waited(client: Client) -> list[dict[str, Any]]:
    """The list of reports, once the server's thread has looked at them."""
    for _ in range(100):
        found: list[dict[str, Any]] = client.get("/api/reports")["reports"]
        if found[0]["fault"] and found[1]["files"]:
            return found
        time.sleep(0.1)
    raise AssertionError(found)


def test_a_setting_of_a_report_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    ws = shop(tmp_path)
    ws.close()
    (ws.folder / FILE).write_text((ws.folder / FILE).read_text() + '\n[[report]]\nmapp = "shop"\n')
    with pytest.raises(BadSetting, match="report"):
        open_workspace(ws.folder)
