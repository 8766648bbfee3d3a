"""Command line: what people type, what comes out, and what it exits with."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from workspaces import SHARED, SHOP, SHOP_MAPPING, shop, written


def run(*words: Any, text: str | None = None) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, as a shell would start it."""
    program = "from etappe.apps.cli import main; main()"
    command = [sys.executable, "-W", "error", "-c", program, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, input=text, check=False)


def test_from_nothing_to_an_answer(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    assert run("init", folder, "--name", "Shop").returncode == 0
    file = written(tmp_path, "shop.csv", SHOP)
    done = run("import", file, "-m", written(tmp_path, "m.toml", SHOP_MAPPING), "-w", folder)
    assert done.returncode == 0, done.stderr
    assert "6" in done.stdout
    answer = json.loads(run("funnel", "visit", "order", "--within", "7d", "-w", folder, "--json").stdout)
    assert [(row["step"], row["reached"]) for row in answer["rows"]] == [("visit", 3), ("order", 2)]
    same = run("ask", "-", "-w", folder, "--json", text="question: funnel\nsteps: [visit, order]\nwithin: 7d\n")
    assert json.loads(same.stdout) == answer


@pytest.mark.parametrize("name", ["reach", "transitions", "variants", "sessions", "stages"])
def test_each_shorthand_answers_as_text_and_as_json(tmp_path: Path, name: str) -> None:
    ws = shop(tmp_path)
    spoken = run(name, "-w", ws.folder)
    assert (spoken.returncode, spoken.stderr) == (0, "")
    assert spoken.stdout.strip()
    answer = json.loads(run(name, "-w", ws.folder, "--json", "--by", "age").stdout)
    assert answer["question"]["question"] == name
    assert {row["group"] for row in answer["rows"]} == {"30-39", "40-49"}


def test_imports_are_listed_and_undone(tmp_path: Path) -> None:
    ws = shop(tmp_path)
    assert [row["id"] for row in json.loads(run("imports", "-w", ws.folder, "--json").stdout)["imports"]] == [
        "i1",
        "i2",
    ]
    assert "shop.csv" in run("imports", "-w", ws.folder).stdout
    undone = json.loads(run("imports", "-w", ws.folder, "undo", "i1", "--json").stdout)
    assert undone == {"undone": "i1", "events": 6, "attributes": 0}
    again = run("imports", "undo", "i1", "-w", ws.folder)
    assert (again.returncode, again.stderr) == (1, "etappe: import i1: was undone before.\n")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("reach", "-w", "nowhere"), 1, "is no folder"),
        (("funnel", "visit", "ordr", "-w", "WS"), 1, "no touchpoint named 'ordr'. Did you mean 'order'?"),
        (("funnel", "visit", "order", "--within", "7", "-w", "WS"), 1, "'7' is no duration"),
        (("reach", "--by", "agee", "-w", "WS"), 1, "Did you mean 'age'?"),
        (("reach", "--where", "age = 40", "-w", "WS"), 1, "Compare it with a text: '40'"),
        (("reach", "--from", "2026-03-05", "--to", "2026-03-01", "-w", "WS"), 1, "is after 2026-03-01"),
        (("reach", "--where", "age == '1'", "-w", "WS"), 1, "at position"),
        (("reach", "--from", "5.3.2026", "-w", "WS"), 1, "is no day"),
        (("ask", "missing.yaml", "-w", "WS"), 1, "cannot be read"),
        (("ask", "-", "-w", "WS"), 1, "question"),
        (("ask", "reach", "-w", "WS"), 1, "is a command: etappe reach"),
        (("imports", "undo", "i9", "-w", "WS"), 1, "no import named 'i9'"),
        (("import", "-w", "WS"), 1, "no file was named"),
        (("import", "missing.csv", "-w", "WS"), 1, "missing.csv"),
        (("map", "render", "none", "-o", "a.svg", "-w", "WS"), 1, "no map named 'none'"),
        (("map", "new", "--template", "five-stage"), 1, "Did you mean"),
        (("serve", "--host", "0.0.0.0", "-w", "WS"), 1, "no accounts yet"),
        (("serve", "--port", "nine"), 2, "valid integer"),
        (("reach", "--lang", "fr", "-w", "WS"), 1, "no language named 'fr'"),
        (("reach", "--rows", "-1", "-w", "WS"), 2, "greater than or equal to 0"),
        (("reech",), 2, "No such command"),
    ],
)
def test_bad_input_is_refused_in_one_line_that_says_what_to_do(
    tmp_path: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    ws = shop(tmp_path)
    done = run(*(str(ws.folder) if word == "WS" else word for word in words), text="steps: [a]\n")
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_an_error_is_json_where_json_was_asked_for(tmp_path: Path) -> None:
    ws = shop(tmp_path)
    done = run("funnel", "visit", "ordr", "-w", ws.folder, "--json")
    assert (done.returncode, json.loads(done.stdout)["error"]["code"]) == (1, "unknown-name")


def test_a_dry_run_shows_sentences_and_the_mapping(tmp_path: Path) -> None:
    ws = shop(tmp_path)
    file = written(tmp_path, "more.csv", "user_id,event,timestamp\n077,visit,2026-04-01T10:00:00Z\n")
    done = run("import", file, "--dry-run", "-w", ws.folder)
    assert done.returncode == 0, done.stderr
    assert "077" in done.stdout
    assert 'customer = "user_id"' in done.stdout
    assert len(ws.imports()) == 2


def test_a_map_is_made_checked_and_drawn(tmp_path: Path) -> None:
    ws = shop(tmp_path)
    file = tmp_path / "map.yaml"
    assert run("map", "new", "--from-data", "-w", ws.folder, "-o", file).returncode == 0
    assert run("map", "check", file).returncode == 0
    for kind in ("svg", "html", "png"):
        out = tmp_path / f"map.{kind}"
        assert run("map", "render", file, "-o", out, "-w", ws.folder).returncode == 0
        assert out.stat().st_size > 5000
    assert run("push", file, "-w", ws.folder).returncode == 0
    assert run("pull", "map", ws.maps()[0].id, "-w", ws.folder).stdout.strip() == file.read_text().strip()
    wrong = file.read_text().replace("lane: ", "lane: x", 1)
    done = run("map", "check", written(tmp_path, "wrong.yaml", wrong))
    assert done.returncode == 1
    assert "unknown lane" in done.stdout


def test_touchpoints_of_the_catalogue_and_undiscovered_ones(tmp_path: Path) -> None:
    ws = shop(tmp_path)
    found = json.loads(run("touchpoints", "-w", ws.folder, "--json").stdout)
    assert {row["name"] for row in found["touchpoints"]} | {row["name"] for row in found["undiscovered"]} == {
        "visit",
        "order",
    }


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data is not here")
def test_a_mapping_is_guessed_for_a_real_file_and_shown(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    run("init", folder, "--timezone", "UTC")
    done = run("import", SHARED / "simple_onlineshop" / "simple-onlineshop.csv", "-w", folder, "--json")
    assert done.returncode == 0, done.stderr
    (report,) = json.loads(done.stdout)["imports"]
    assert (report["events"], report["customers"], report["refused"]) == (32_283, 3_751, 0)
    assert report["guesses"]


def test_ctrl_c_during_an_import_leaves_the_workspace_as_it_was(tmp_path: Path) -> None:
    ws = shop(tmp_path)
    before = sorted(path.relative_to(ws.folder) for path in ws.folder.rglob("*.parquet"))
    rows = "\n".join(f"{i};2026-05-01T10:00:00Z;visit;web;;" for i in range(400_000))
    file = written(tmp_path, "many.csv", SHOP.splitlines()[0] + "\n" + rows)
    program = f"""
import os, signal, sys
from etappe.apps import importing
real = importing._event_rows
def stop(*given):
    os.kill(os.getpid(), signal.SIGINT)
    return real(*given)
importing._event_rows = stop
sys.argv = ["etappe", "import", {str(file)!r}, "-m", {str(tmp_path / "shop.toml")!r}, "-w", {str(ws.folder)!r}]
from etappe.apps.cli import main
main()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "etappe: stopped; what was not finished left no trace.\n")
    assert [record.id for record in ws.imports()] == ["i1", "i2"]
    assert sorted(path.relative_to(ws.folder) for path in ws.folder.rglob("*.parquet")) == before


@pytest.mark.parametrize("words", [("imports", "refused", "i1"), ("map", "new")])
def test_a_file_that_cannot_be_written_is_one_line(tmp_path: Path, words: tuple[str, ...]) -> None:
    ws = shop(tmp_path)
    done = run(*words, "-w", ws.folder, "-o", tmp_path / "nowhere" / "out")
    assert (done.returncode, done.stderr) == (1, f"etappe: {tmp_path}/nowhere/out: No such file or directory.\n")


def test_a_table_speaks_the_language_asked_for_and_says_what_it_leaves_out(tmp_path: Path) -> None:
    ws = shop(tmp_path)
    every = run("reach", "-w", ws.folder, "--rows", "0", "--lang", "en").stdout.splitlines()
    one = run("reach", "-w", ws.folder, "--rows", "1", "--lang", "de").stdout.splitlines()
    assert one[0].startswith("n = ")
    assert "Anteil" in "".join(one)
    assert one[-1] == "… und 1 weitere Zeile."
    assert "share" in "".join(every).lower()
    assert not any("more" in line for line in every)
