"""A stored map as a file of each kind over HTTP, its numbers held, and reports by the calendar."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import msgspec
import pytest

from etappe.apps.filing import KINDS, Schedule, due, write_due, written
from etappe.apps.workspace import open as open_workspace
from etappe.config import FILE, Report
from etappe.errors import BadSetting
from etappe.maps.model import JourneyMap
from servers import Client, served
from test_api import MAP
from workspaces import shop

TODAY = date(2026, 11, 26)


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
    status, _, body = client.send("POST", "/api/maps/shop/hold", {"author": "Lena"})
    assert (status, json.loads(body)["changed"]) == (200, True)
    ws = open_workspace(folder)
    snapshot = ws.map("shop").evidence[0].snapshot
    assert snapshot is not None
    assert (round(snapshot.value or 0, 1), snapshot.n) == (66.7, 3)
    assert snapshot.query_hash
    ws.close()


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


def test_a_report_that_fails_says_why_and_does_not_stop_the_others(folder: Path, tmp_path: Path) -> None:
    (folder / FILE).write_text(
        (folder / FILE).read_text()
        + f'\n[[report]]\nmap = "nowhere"\n\n[[report]]\nmap = "shop"\nfolder = "{tmp_path}"\nformats = ["md"]\n'
        + f'\n[[report]]\nmap = "shop"\nfolder = "{tmp_path}"\nformats = ["html"]\n'
    )
    ws = open_workspace(folder)
    schedule = Schedule(ws)
    schedule.look()
    assert "nowhere" in schedule.faults["nowhere"]
    assert list(tmp_path.glob("shop-*.html"))
    assert [done.map for done in write_due(ws, TODAY)]
    ws.close()


def test_a_setting_of_a_report_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    ws = shop(tmp_path)
    ws.close()
    (ws.folder / FILE).write_text((ws.folder / FILE).read_text() + '\n[[report]]\nmapp = "shop"\n')
    with pytest.raises(BadSetting, match="report"):
        open_workspace(ws.folder)
