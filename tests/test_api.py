"""API: what each address gives, who is heard, and how it refuses."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from etappe.apps import api
from etappe.apps.api import make_app
from etappe.apps.guard import Guard, check_address
from etappe.apps.server import free_port
from etappe.errors import RefusedAddress
from servers import Client, served
from workspaces import SHOP, SHOP_MAPPING, shop, written

MAP = """schema: journey-map/1
id: shop
title: {de: Laden, en: Shop}
touchpoints:
  - {id: besuch, title: Besuch, channel: web, medium: digital, contact: direct, match: "touchpoint = 'visit'"}
  - {id: kauf, title: Kauf, channel: web, medium: digital, contact: direct, match: "touchpoint = 'order'"}
stages:
  - {id: a, title: Vorher, steps: [{id: s1, title: besucht, touchpoint: besuch}]}
  - {id: b, title: Kauf, steps: [{id: s2, title: kauft, touchpoint: kauf}]}
lanes:
  - {id: k, type: metric, title: Kennzahl}
cells:
  - {lane: k, step: s2, evidence: e}
evidence:
  - {id: e, title: Käufe, metric: step.conversion, parameters: {from: s1, to: s2}, min_n: 1}
"""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    folder = tmp_path_factory.mktemp("api")
    ws = shop(folder)
    ws.put(MAP, "map.yaml")
    ws.import_files(
        [written(folder, "bad.csv", SHOP.replace("2026-03-01T10:00", "2025-99-01T10:00"))], mapping=folder / "shop.toml"
    )
    ws.undo("i3")
    ws.import_files(
        [written(folder, "bad.csv", "user;at;what;where;amount;shop_order\n1;x;visit;web;;\n")],
        mapping=folder / "shop.toml",
    )
    ws.close()
    with served(ws.folder) as found:
        yield found


def test_a_condition_stands_beside_the_question_as_text_or_as_a_tree(client: Client) -> None:
    tree = {"type": "did", "steps": [{"type": "compare", "column": "medium", "op": "=", "values": ["digital"]}] * 3}
    for where, n in (("did visit then order within 1h", 2), (tree, 1), (None, 3), ("", 3)):
        status, _, body = client.send("POST", "/api/ask", {"question": "reach", "where": where})
        assert (status, json.loads(body)["n"]) == (200, n)
    for where, what in (("did ordr", "at position 5 of 'did ordr'"), ({"type": "did"}, "`steps`"), ([1], "`array`")):
        status, _, body = client.send("POST", "/api/ask", {"question": "reach", "where": where})
        assert status in (400, 404)
        assert what in json.loads(body)["message"]


def test_meta_says_what_the_workspace_holds(client: Client) -> None:
    meta = client.get("/api/meta")
    assert (meta["workspace"], meta["events"], meta["customers"]) == ("Shop", 6, 3)
    assert (meta["first_day"], meta["last_day"]) == ("2026-03-01", "2026-03-06")
    assert meta["attributes"] == [{"name": "age", "values": ["30-39", "40-49"]}]
    assert meta["maps"] == [{"id": "shop", "title": "Laden", "parent": None}]


def test_the_overview_counts_compares_and_filters(client: Client) -> None:
    seen = client.get("/api/overview?from=2026-03-04&to=2026-03-06&lang=de")
    numbers = {number["id"]: number for number in seen["numbers"]}
    assert [numbers[name]["value"] for name in ("events", "customers", "purchases", "value")] == [3, 2, 1, 100.0]
    assert numbers["events"]["change"] == 0.0
    assert [point["value"] for point in seen["series"]["events"]] == [0, 2, 1]
    assert [point["before"] for point in seen["series"]["events"]] == [2, 1, 0]
    assert {entry["id"] for entry in seen["lists"]} == {"channels", "entries", "touchpoints", "stages"}
    young = client.get("/api/overview?where=age+%3D+%2730-39%27&from=2026-03-01&to=2026-03-06")
    assert young["numbers"][1]["value"] == 1
    assert client.get("/api/overview?from=2020-01-01&to=2020-01-02")["state"] == "empty-filter"


def test_imports_refused_rows_and_their_file(client: Client) -> None:
    listed = client.get("/api/imports")["imports"]
    assert [(row["id"], row["status"], row["refused"]) for row in listed] == [
        ("i4", "done", 1), ("i3", "undone", 1), ("i2", "done", 0), ("i1", "done", 0),
    ]  # fmt: skip
    one = client.get("/api/imports/i1")
    assert 'customer = "user"' in one["mapping"]
    assert one["touchpoints"] == [{"name": "visit", "events": 4}, {"name": "order", "events": 2}]
    refused = client.get("/api/imports/i4/refused")
    assert (refused["total"], refused["rows"][0]["line"], refused["rows"][0]["column"]) == (1, 2, "at")
    status, headers, body = client.send("GET", "/api/imports/i4/refused.csv")
    assert (status, headers["content-type"]) == (200, "text/csv; charset=utf-8")
    assert b"1;x;visit" in body


def test_a_file_is_checked_imported_and_undone_over_http(client: Client) -> None:
    file = ("new.csv", SHOP.replace("2026-03", "2026-04").encode())
    status, report = client.form("/api/imports/check", file=file, mapping=SHOP_MAPPING)
    assert (status, report["events"], report["status"], report["id"]) == (200, 6, "checked", None)
    assert report["sentences"]
    status, report = client.form("/api/imports", file=file, mapping=SHOP_MAPPING, source="till")
    assert (status, report["status"], report["source"]) == (200, "imported", "till")
    assert client.get("/api/meta")["events"] == 12
    status, _, body = client.send("POST", f"/api/imports/{report['id']}/undo")
    assert (status, json.loads(body)) == (200, {"undone": True, "events": 6})
    assert client.get("/api/meta")["events"] == 6


def test_an_upload_may_not_bring_its_own_sql(client: Client) -> None:
    mapping = "sql = \"select * from '/etc/passwd'\"\n" + 'customer = "a"\ntime = "b"\ntouchpoint = "c"\n'
    status, error = client.form("/api/imports", file=("a.csv", b"a,b,c\n"), mapping=mapping)
    assert (status, error["code"]) == (400, "bad-mapping")
    assert "upload" in error["message"]


def test_a_map_is_given_bound_drawn_and_with_the_people_behind_a_number(client: Client) -> None:
    (card,) = client.get("/api/maps")["maps"]
    assert (card["id"], card["title"], card["steps"]) == ("shop", "Laden", 2)
    seen = client.get("/api/maps/shop?lang=en")
    number = seen["evidence"]["e"]
    assert (seen["title"], number["n"], round(number["value"], 4)) == ("Shop", 3, 66.6667)
    assert number["how"]["question"]["question"] == "funnel"
    people = client.get("/api/maps/shop/evidence/e/people")
    assert (people["total"], [person["customer"] for person in people["people"]]) == (2, ["0007", "8"])
    for kind, start in (("svg", b"<svg"), ("png", b"\x89PNG"), ("html", b"<!doctype html>")):
        status, headers, body = client.send("GET", f"/api/maps/shop.{kind}?lang=de&theme=dark")
        assert (status, body[: len(start)]) == (200, start)
        assert "default-src 'none'" in headers["content-security-policy"]


def test_any_question_is_answered(client: Client) -> None:
    status, _, body = client.send("POST", "/api/ask", {"question": "funnel", "steps": ["visit", "order"]})
    assert (status, [row["reached"] for row in json.loads(body)["rows"]]) == (200, [3, 2])


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/imports/i99", 404, "unknown-name"),
        ("GET", "/api/maps/none", 404, "unknown-name"),
        ("GET", "/api/maps/shop/evidence/none/people", 404, "unknown-name"),
        ("GET", "/api/overview?where=age+%3D", 400, "bad-expression"),
        ("GET", "/api/overview?from=yesterday", 400, "bad-question"),
        ("GET", "/api/overview?from=2026-03-05&to=2026-03-01", 400, "bad-question"),
        ("GET", "/api/nothing", 404, "bad-request"),
        ("GET", "/assets/nothing.js", 404, "unknown-name"),
        ("GET", "/api/imports/i1/refused?offset=x", 400, "bad-request"),
        ("DELETE", "/api/imports/i1", 405, "bad-request"),
    ],
)
def test_every_refusal_has_one_shape(client: Client, method: str, path: str, status: int, code: str) -> None:
    got, _, body = client.send(method, path)
    error = json.loads(body)
    assert (got, error["code"]) == (status, code)
    assert set(error) == {"code", "where", "what", "hint", "message"}


@pytest.mark.drill
@pytest.mark.parametrize("name", ["..", ".", "a" * 300 + ".csv", "a\x00b.csv", "x/../../y.csv", "\u202ecsv.exe"])
def test_a_file_may_have_any_name(client: Client, name: str) -> None:
    status, report = client.form("/api/imports/check", file=(name, SHOP.encode()), mapping=SHOP_MAPPING)
    assert (status, report["events"]) == (200, 6)
    assert report["file"].isprintable()
    assert "/" not in report["file"]


@pytest.mark.drill
@pytest.mark.parametrize(
    "body",
    [
        *(b"[1]", b"null", b"", b"{", b"\xff", b'{"":1}', b'{"question":[]}', b'{"question":1e999}'),
        *(b'{"question":"funnel","steps":["\\ud800"]}', b'{"question":"reach","by":{}}'),
        *(b"[" * 100_000, b'{"a":' * 20_000 + b"1" + b"}" * 20_000),
    ],
)
def test_json_of_any_shape_is_answered_or_refused_in_one_shape(client: Client, body: bytes) -> None:
    status, _, answer = client.send("POST", "/api/ask", body, {"Content-Type": "application/json"})
    assert status in (400, 404)
    assert set(json.loads(answer)) == {"code", "where", "what", "hint", "message"}


def test_what_nobody_foresaw_is_told_without_its_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from litestar.testing import TestClient

    class Broken:
        def imports(self) -> None:
            raise ZeroDivisionError("anna@example.org")

    noted: list[str] = []
    monkeypatch.setattr(api.log, "error", lambda text, *values: noted.append(text % values))
    app = make_app(Broken(), 80)  # type: ignore[arg-type]
    with TestClient(app.app, raise_server_exceptions=False) as direct:
        answer = direct.get("/api/imports")
    assert answer.status_code == 500
    assert set(answer.json()) == {"code", "where", "what", "hint", "message"}
    assert "GET '/api/imports': ZeroDivisionError at test_api.py" in noted[0]
    assert "anna" not in noted[0] + answer.text


def test_a_question_that_is_wrong_says_where(client: Client) -> None:
    for body, code in (
        ({"question": "funel"}, "unknown-name"),
        ({"question": "funnel"}, "bad-question"),
        ({}, "bad-question"),
    ):
        status, _, answer = client.send("POST", "/api/ask", body)
        assert (status in (400, 404), json.loads(answer)["code"]) == (True, code)


@pytest.mark.drill
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1"},
        {"Host": "127.0.0.1:80"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"X-Etappe": ""},
    ],
)
def test_a_page_from_elsewhere_changes_nothing(client: Client, headers: dict[str, str]) -> None:
    status, _, body = client.send("POST", "/api/imports/i1/undo", headers=headers)
    assert (status, json.loads(body)["code"]) == (403, "refused-address")
    assert client.get("/api/imports/i1")["status"] == "done"


@pytest.mark.drill
def test_reading_is_refused_to_foreign_hosts_and_origins_too(client: Client) -> None:
    for headers in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}):
        assert client.send("GET", "/api/meta", headers=headers)[0] == 403


def test_every_answer_has_the_security_headers(client: Client) -> None:
    for path in ("/", "/api/meta", "/karten", "/api/nothing"):
        _, headers, _ = client.send("GET", path)
        assert headers["x-content-type-options"] == "nosniff"
        assert "script-src 'self'" in headers["content-security-policy"]
        assert "unsafe-inline" not in headers["content-security-policy"]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org", "", "127.0.0.1.evil.example"])
def test_another_address_than_loopback_is_refused_and_told_why(host: str) -> None:
    with pytest.raises(RefusedAddress, match="no accounts yet"):
        check_address(host)


def test_another_loopback_address_is_heard_under_its_own_name() -> None:
    assert b"127.0.0.2:8420" in Guard(None, 8420, "127.0.0.2").hosts
    assert b"[::1]:8420" in Guard(None, 8420, "::1").hosts


@pytest.mark.parametrize("port", [0, -1, 65_536, 100_000])
def test_what_is_no_port_is_refused(port: int) -> None:
    with pytest.raises(RefusedAddress, match="is no port"):
        free_port("127.0.0.1", port)


def test_loopback_is_served() -> None:
    for host in ("127.0.0.1", "::1", "localhost", "127.0.0.2"):
        check_address(host)


def test_the_openapi_file_lists_every_address(client: Client) -> None:
    paths = client.get("/api/schema/openapi.json")["paths"]
    assert {"/api/meta", "/api/overview", "/api/imports", "/api/maps/{map_id}", "/api/ask"} <= set(paths)


def test_nothing_is_served_where_there_is_no_workspace(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="no workspace"), served(tmp_path):
        pass
