"""The pages: their commands exist, their code runs, their links lead somewhere, their words are those of the code."""

import importlib.util
import inspect
import os
import re
import shlex
import subprocess
import sys
from itertools import product
from pathlib import Path
from types import ModuleType

import msgspec
import pandas as pd
import pytest

import etappe
from etappe import vocabulary
from etappe.journeys.stages import default_registry, extend
from etappe.vocabulary import say

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + sorted(
    (ROOT / "docs").rglob("*.md")
)
README = (ROOT / "README.md").read_text(encoding="utf-8")
WORDS = {
    *("event", "identifier", "customer", "profile", "touchpoint", "channel", "stage", "journey", "session"),
    *("conversion", "segment", "persona", "consent", "journey map", "evidence", "atom"),
}
"""The field's words, one each: STYLE."""


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks of a page in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def commands(start: str) -> list[list[str]]:
    """The README's shell lines that begin with a word, comments cut off."""
    lines = [shlex.split(line, comments=True) for block in blocks(README, "sh") for line in block.splitlines()]
    return [line[1:] for line in lines if line and Path(line[0]).name == start]


def test_the_readme_needs_two_commands_and_make_has_them():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert [command[0] for command in commands("make")] == ["demo", "test"]
    named = {name for page in PAGES for name in re.findall(r"`make ([a-z-]+)", page.read_text(encoding="utf-8"))}
    assert named - targets == set()
    assert {"demo", "test", "lint", "types", "bench", "drills", "ui", "docs", "oracles", "help"} <= targets


def test_what_is_checked_at_a_landing_are_the_readme_s_two_commands():
    run = ROOT / ".ci" / "run"
    assert os.access(run, os.X_OK)
    assert re.findall(r"^make .*?(?= 2>|$)", run.read_text(encoding="utf-8"), re.MULTILINE) == [
        "make test",
        "make demo ONCE=1",
    ]


def test_no_file_names_a_machine_s_folders():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    home = re.compile(r"/(home|Users|root|work)/\w")
    texts = [
        ROOT / name for name in listed.split("\0") if name.endswith((".py", ".md", ".toml", ".yaml", ".svelte", ".ts"))
    ]
    found = [path.name for path in texts if path.is_file() and home.search(path.read_text(encoding="utf-8"))]
    assert [name for name in found if name != Path(__file__).name] == []


def test_the_readme_is_one_screen():
    assert len(README.splitlines()) <= 60


@pytest.fixture
def shop(tmp_path, monkeypatch) -> Path:
    """A folder with a file of orders, and a small workspace named demo as `make demo` would build it."""
    contacts = enumerate(("visit", "cart", "order"))
    rows = [f"{c},2026-01-0{c}T1{i}:00:00Z,{name}" for c, (i, name) in product(range(1, 10), contacts)]
    (tmp_path / "orders.csv").write_text("customer,time,touchpoint\n" + "\n".join(rows) + "\n")
    letters = [f"{c},2026-02-0{c}T10:00:00Z,mailing_a\n{c},2026-02-1{c}T10:00:00Z,coupon_redeemed" for c in range(1, 6)]
    (tmp_path / "letters.csv").write_text("customer,time,touchpoint\n" + "\n".join(letters) + "\n")
    (tmp_path / "people.csv").write_text("customer,age\n" + "".join(f"{c},45-54\n" for c in range(1, 4)))
    (tmp_path / "people.toml").write_text('customer = "customer"\n[attributes]\ncolumns = ["age"]\n')
    monkeypatch.chdir(tmp_path)
    from etappe.apps.workspace import init

    with_letters = init("demo")
    with_letters.import_files(["letters.csv"])
    with_letters.import_files(["people.csv"], mapping="people.toml")
    with_letters.close()
    return tmp_path


def test_the_readme_s_commands_run_on_a_file(shop):
    environment = {**os.environ, "NO_COLOR": "1"}
    ran = []
    for arguments in commands("etappe"):
        if arguments[0] != "serve":
            run = subprocess.run(
                [str(Path(sys.executable).with_name("etappe")), *arguments],
                capture_output=True,
                text=True,
                env=environment,
                timeout=300,
                check=False,
            )
            assert (arguments, run.returncode, run.stderr if run.returncode else "") == (arguments, 0, "")
        ran.append(arguments[0])
    assert ran == ["init", "import", "import", "funnel", "serve"]


@pytest.mark.parametrize(
    "page", [page for page in PAGES if blocks(page.read_text("utf-8"), "python")], ids=lambda p: p.stem
)
def test_the_python_of_a_page_runs(page, shop):
    clicks = {"user": [1, 1, 2], "at": pd.to_datetime(["2026-01-01", "2026-01-02", "2026-01-01"], utc=True)}
    names: dict[str, object] = {"frame": pd.DataFrame({**clicks, "event": ["visit", "cart", "order"]})}
    for block in blocks(page.read_text(encoding="utf-8"), "python"):
        exec(compile(block, str(page), "exec"), names)
    if page.stem == "README":
        assert names["frame"].reached.tolist() == [3, 3]  # type: ignore[attr-defined]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_to_files(page):
    links = re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
    local = [link for link in links if not link.startswith(("http://", "https://"))]
    assert [link for link in local if not (page.parent / link).exists()] == []


def test_every_page_is_reached_from_the_index():
    index = ROOT / "docs" / "index.md"
    linked = {
        (index.parent / link).resolve() for link in re.findall(r"\]\(([^)]+)\)", index.read_text(encoding="utf-8"))
    }
    assert [page.name for page in PAGES if page != index and page.resolve() not in linked] == []


def headings(name: str) -> list[str]:
    return re.findall(r"^## (.+)$", (ROOT / "docs" / name).read_text(encoding="utf-8"), re.MULTILINE)


def test_the_vocabulary_explains_every_word_once_and_in_german():
    found = headings("vocabulary.md")
    english = [heading.split(" (")[0] for heading in found]
    assert len(set(english)) == len(english)
    assert [heading for heading in found if not re.fullmatch(r"[a-z ]+ \([A-ZÄÖÜ][\w :,-]*\)", heading)] == []
    structs = [k for k, v in vars(vocabulary).items() if inspect.isclass(v) and issubclass(v, msgspec.Struct)]
    of_code = {re.sub(r"(?<!^)([A-Z])", r" \1", name).lower() for name in structs if name != "Struct"}
    assert (WORDS | of_code) - set(english) == set()


def test_the_page_of_touchpoints_is_what_the_registry_holds():
    page = (ROOT / "docs" / "touchpoints.md").read_text(encoding="utf-8")
    registry = default_registry()
    for block in blocks(page, "yaml"):
        assert extend(registry, block).find("terminal").id == "kiosk_order"
    for atom in vocabulary.ATOMS:
        cells = []
        for model in registry.models:
            stage = next((say(s.title, "en") for s in model.stages if s.id == model.atoms[atom]), "-")
            label = f" ({say(model.labels[atom], 'en')})" if atom in model.labels else ""
            bold = "**" if atom in model.disputed else ""
            cells.append(f"{bold}{stage}{label}{bold}{' *(i)*' if atom in model.inferred else ''}")
        assert f"| {atom} | {' | '.join(cells)} |" in page


def test_a_decision_is_a_page_of_at_most_40_lines():
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert {page.name: n for page in pages if (n := len(page.read_text(encoding="utf-8").splitlines())) > 40} == {}
    assert [page.name[:4] for page in pages] == [f"{i:04}" for i in range(1, len(pages) + 1)]


def requirements() -> ModuleType:
    spec = importlib.util.spec_from_file_location("requirements", ROOT / "tools" / "requirements.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_of_requirements_is_what_the_marks_say():
    tool = requirements()
    page = (ROOT / "docs" / "requirements.md").read_text(encoding="utf-8")
    assert tool.page_text(tool.statements(), tool.marks()) == page, "Run: make docs"


def test_the_page_of_requirements_is_written_without_the_sources_too():
    tool = requirements()
    alone = tool.statements(source=Path("nowhere"))
    assert len(alone) == 122
    assert alone == tool.statements()


def test_a_mark_that_no_source_has_is_refused():
    tool = requirements()
    with pytest.raises(KeyError, match="999-01"):
        tool.page_text(tool.statements(), {"999-01": [("tests/test_x.py", "test_x")]})


def test_what_asks_for_nothing_is_neither_open_nor_counted():
    tool = requirements()
    asked = {"003-14": "answer 24/7", "003-15": "(advertising)", "003-16": "speak German (neutrally)"}
    page = tool.page_text(asked, {"003-14": [("tests/test_x.py", "test_it_answers")]})
    assert "Shown: 1 of 2." in page
    assert "| 003-15 | (advertising) | asks for nothing |" in page
    assert "| 003-16 | speak German (neutrally) | open |" in page
    assert {id for id, text in tool.statements().items() if not tool.asks(text)} == {"003-15", "004-18"}
    with pytest.raises(KeyError, match="asks for nothing"):
        tool.page_text(asked, {"003-15": [("tests/test_x.py", "test_x")]})


def test_the_version_is_that_of_the_package_and_stands_in_the_changelog():
    declared = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert declared
    assert declared[1] == etappe.__version__
    assert f"## {etappe.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
