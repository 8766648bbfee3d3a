"""A stored map on the command line: edited, compared, taken back, restored."""

import json
from pathlib import Path

from etappe.maps.document import dump_map
from etappe.maps.draft import template
from test_cli import run
from workspaces import shop, written


def test_a_stored_map_is_edited_compared_taken_back_and_restored(tmp_path: Path) -> None:
    folder = shop(tmp_path).folder
    assert run("push", written(tmp_path, "map.yaml", dump_map(template("five-stages"))), "-w", folder).returncode == 0
    edits = "- {edit: write, lane: pain, place: s1, fields: {text: zu laut}}\n"
    done = run("map", "edit", "five-stages", written(tmp_path, "edits.yaml", edits), "-w", folder, "--json")
    assert json.loads(done.stdout) == {"id": "five-stages", "revision": 2, "changed": True, "conflicts": []}
    assert "zu laut" in run("map", "diff", "five-stages", 1, "-w", folder, "--lang", "en").stdout
    assert "zu laut" not in run("map", "diff", "five-stages", 2, "-w", folder).stdout
    history = json.loads(run("map", "history", "five-stages", "-w", folder, "--json").stdout)
    assert [one["revision"] for one in history] == [2, 1]
    other = "[{edit: write, lane: pain, place: s1, fields: {text: zu leise}}]"
    late = run("map", "edit", "five-stages", "-", "--revision", 1, "--author", "Lena", "-w", folder, text=other)
    assert "zu laut" in late.stderr
    assert run("map", "undo", "five-stages", 2, "-w", folder).returncode == 0
    assert "zu laut" not in run("pull", "map", "five-stages", "-w", folder).stdout
    assert run("map", "restore", "five-stages", 2, "-w", folder).returncode == 0
    assert "zu laut" in run("pull", "map", "five-stages", "-w", folder).stdout


def test_what_cannot_be_edited_is_one_line_that_says_why(tmp_path: Path) -> None:
    folder = shop(tmp_path).folder
    for text, said in (
        ("- {edit: write, lane: pain}", "edits"),
        ("- {edit: [", "Indent each level"),
        ("- {edit: remove, kind: step, id: s1}", "no map named"),
    ):
        done = run("map", "edit", "nowhere", "-", "-w", folder, text=text)
        assert done.returncode == 1
        assert said in done.stderr
        assert done.stderr.count("\n") == 1
    done = run("map", "edit", "nowhere", tmp_path / "none.yaml", "-w", folder)
    assert (done.returncode, "cannot be read" in done.stderr) == (1, True)


def test_a_map_is_held_and_reported(tmp_path: Path) -> None:
    folder = shop(tmp_path).folder
    assert run("push", written(tmp_path, "map.yaml", dump_map(template("five-stages"))), "-w", folder).returncode == 0
    assert run("map", "hold", "five-stages", "-w", folder).returncode == 0
    done = run(
        "map", "report", "five-stages", "--to", tmp_path / "out", "--formats", "html,pdf", "-w", folder, "--json"
    )
    files = [Path(path) for path in json.loads(done.stdout)["files"]]
    assert sorted(path.suffix for path in files) == [".html", ".pdf"]
    assert all(path.stat().st_size > 1000 for path in files)
    wrong = run("map", "report", "five-stages", "--to", tmp_path / "out", "--formats", "doc", "-w", folder)
    assert (wrong.returncode, "no kind of file named 'doc'" in wrong.stderr) == (1, True)


def test_a_map_goes_through_a_spreadsheet_and_back(tmp_path: Path) -> None:
    folder = shop(tmp_path).folder
    yaml = written(tmp_path, "map.yaml", dump_map(template("four-stages")))
    assert run("map", "render", yaml, "-o", tmp_path / "map.xlsx", "-w", folder).returncode == 0
    assert run("map", "import", tmp_path / "map.xlsx").stdout.strip() == yaml.read_text(encoding="utf-8").strip()
    stored = run("map", "import", tmp_path / "map.xlsx", "-w", folder, "--json")
    assert json.loads(stored.stdout) == {"id": "four-stages", "revision": 1}
    assert run("map", "render", "four-stages", "-o", tmp_path / "s.html", "--shared", "-w", folder).returncode == 0
    wrong = run("map", "import", tmp_path / "nothing.csv")
    assert (wrong.returncode, wrong.stderr.count("\n")) == (1, 1)
