"""A thousand good rows and one of each broken kind, on the command line: good ones in, broken ones said."""

import json
from collections import Counter
from pathlib import Path

import numpy as np

from etappe.apps.workspace import Workspace
from test_cli import run
from workspaces import made, written

MAPPING = """timezone = "Europe/Berlin"
encoding = "utf-8"
delimiter = ","
decimal = "."
customer = "who"
time = "at"
touchpoint = "what"
value = { column = "amount", currency = "EUR" }
"""
GOOD = [f"00{i:05},2026-02-{1 + i % 28:02} 12:{i % 60:02}:00,visit,{i}.50" for i in range(1000)]

BROKEN: dict[str, bytes] = {
    "impossible date": b"7,2026-02-30 12:00:00,visit,1.00",
    "25:61": b"7,2026-02-03 25:61:00,visit,1.00",
    "daylight-saving gap": b"7,2026-03-29 02:30:00,visit,1.00",
    "year 0": b"7,0000-02-03 12:00:00,visit,1.00",
    "year 10000": b"7,10000-02-03 12:00:00,visit,1.00",
    "another format": b"7,03/02/26 12h00,visit,1.00",
    "missing time": b"7,,visit,1.00",
    "missing customer": b",2026-02-03 12:00:00,visit,1.00",
    "NUL": b"7,2026-02-03 12:00:00,vi\x00sit,1.00",
    "wrong UTF-8": b"7,2026-02-03 12:00:00,vi\xffsit,1.00",
    "extra column": b"7,2026-02-03 12:00:00,visit,1.00,more",
    "missing column": b"7,2026-02-03 12:00:00,visit",
    "NaN": b"7,2026-02-03 12:00:00,visit,NaN",
    "infinity": b"7,2026-02-03 12:00:00,visit,inf",
    "decimal mark": b'7,2026-02-03 12:00:00,visit,"1,50"',
    "over-long field": b"7,2026-02-03 12:00:00," + b"x" * 70_000 + b",1.00",
    "invisible characters": "7\u200b8,2026-02-03 12:00:00,visit,1.00".encode(),
    "byte-order mark": "\ufeff7,2026-02-03 12:00:00,visit,1.00".encode(),
    "blanks only": b"   ,  ,  , ",
    "stray quote": b'7,2026-02-03 12:00:00,vi"sit,1.00',
    "unclosed quote": b'7,2026-02-03 12:00:00,"visit,1.00',
}


def broken_file(folder: Path) -> tuple[Path, dict[str, int]]:
    """The file, and the line on which each broken row stands; the unclosed quote comes last."""
    lines = [b"who,at,what,amount"]
    at: dict[str, int] = {}
    kinds = list(BROKEN)
    for i, row in enumerate(GOOD):
        lines.append(row.encode())
        if i % 40 == 20 and len(at) < len(kinds) - 1:
            kind = kinds[len(at)]
            lines.append(BROKEN[kind])
            at[kind] = len(lines)
    lines.append(BROKEN[kinds[-1]])
    at[kinds[-1]] = len(lines)
    path = folder / "broken.csv"
    path.write_bytes(b"\n".join(lines))
    return path, at


def test_each_broken_row_is_refused_with_its_own_reason_and_line_and_every_good_row_comes_in(tmp_path: Path) -> None:
    ws = made(tmp_path)
    first = written(tmp_path, "first.csv", "who,at,what,amount\nz,2025-01-01,visit,3\nz,2025-01-01,order,\n")
    mapping = written(tmp_path, "m.toml", MAPPING)
    ws.import_files([first], mapping=mapping)
    before = ws.journeys()
    answers = [ws.ask({"question": name}).to_dict() for name in ("reach", "transitions", "variants", "sessions")]
    path, at = broken_file(tmp_path)

    done = run("import", path, "--mapping", mapping, "--workspace", ws.folder, "--json")
    assert done.returncode == 3, done.stderr
    (report,) = json.loads(done.stdout)["imports"]
    assert (report["events"], report["refused"], report["rows"]) == (1000, len(BROKEN), 1000 + len(BROKEN))

    refused = json.loads(run("imports", "refused", report["id"], "--workspace", ws.folder, "--json").stdout)["refused"]
    assert {row["line"] for row in refused} == set(at.values())
    assert all(row["file"] == "broken.csv" and row["what"] and row["hint"] for row in refused)
    codes = Counter(row["code"] for row in refused)
    assert codes.most_common(1)[0][1] == 1, codes

    later = Workspace(ws.folder)
    j = later.journeys()
    assert (j.events, len(j)) == (1002, 1001)
    assert j.names(np.arange(2)) == ["z", "0000000"]

    later.undo(report["id"])
    after = Workspace(ws.folder)
    assert [after.ask({"question": a["question"]["question"]}).to_dict()["rows"] for a in answers] == [
        a["rows"] for a in answers
    ]
    k = after.journeys()
    for name in ("offsets", "time_us", "touchpoint", "value"):
        assert np.array_equal(getattr(k, name), getattr(before, name))


def test_refused_rows_can_be_exported_corrected_and_imported_again(tmp_path: Path) -> None:
    ws = made(tmp_path)
    mapping = written(tmp_path, "m.toml", MAPPING)
    text = "who,at,what,amount\n007,2026-02-30,visit,1.00\n8,2026-02-03,visit,1.00\n"
    (report,) = ws.import_files([written(tmp_path, "a.csv", text)], mapping=mapping)
    out = tmp_path / "refused.csv"
    assert run("imports", "refused", report.id, "-w", ws.folder, "-o", out).returncode == 0
    assert "007,2026-02-30,visit,1.00" in out.read_text()
    corrected = written(tmp_path, "corrected.csv", out.read_text().replace("02-30", "02-28"))
    done = run("import", corrected, "-w", ws.folder, "--json")  # the mapping of the first import is known
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["imports"][0]["touchpoints"] == {"visit": 1}
    j = Workspace(ws.folder).journeys()
    assert j.names(np.arange(2)) == ["8", "007"]
