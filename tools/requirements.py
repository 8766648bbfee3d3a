"""Requirements: writes docs/requirements.md, every statement of the sources with the tests that show it, or "open".

A statement that asks for nothing, such as advertising, stands in parentheses in the source, and is not counted.

The statements stand in the page itself; where the folder ../shared is there, its REQUIREMENTS.md is read for them.
The tests are found by their marks, `@pytest.mark.requirement("000-18")`, without running anything.

    python tools/requirements.py           writes the page
    python tools/requirements.py --check   says whether it is up to date (exit 1: it is not)
"""

import ast
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "requirements.md"
SOURCE = ROOT.parent / "shared" / "REQUIREMENTS.md"
TITLES = {
    "000": "000, a CRM lexicon",
    "001": "001, a consulting article",
    "002": "002, a marketplace seller's guide",
    "003": "003, a CRM vendor's overview",
    "004": "004, a definition of hybrid sales",
}
ROW = re.compile(r"^\| (\d{3}-\d{2}) \| (.*) \|$", re.MULTILINE)
HEAD = """# What the sources ask for, and what shows it

Five German texts describe the customer journey; each row is one of their statements. A row counts as done when a test
shows it that would fail if the statement were untrue. A row in parentheses asks for nothing and does not count. This
page is written by `make docs` from the marks on the tests.

"""


def statements(page: Path = PAGE, source: Path = SOURCE) -> dict[str, str]:
    """What the system must do, by id: from the source's third column, else from the page's second."""
    if source.is_file():
        rows = ROW.findall(source.read_text(encoding="utf-8"))
        return {id: cells.split(" | ")[1].replace("**", "") for id, cells in rows}
    return {id: cells.split(" | ")[0] for id, cells in ROW.findall(page.read_text(encoding="utf-8"))}


def marks(folder: Path = ROOT / "tests") -> dict[str, list[tuple[str, str]]]:
    """The tests that carry each id, as (file, name of the test)."""
    found: dict[str, list[tuple[str, str]]] = {}
    for path in sorted(folder.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                for id in _ids(node):
                    found.setdefault(id, []).append((path.relative_to(ROOT).as_posix(), node.name))
    return found


def _ids(function: ast.FunctionDef) -> list[str]:
    calls = [
        node for decorator in function.decorator_list for node in ast.walk(decorator) if isinstance(node, ast.Call)
    ]
    named = [call for call in calls if ast.unparse(call.func) == "pytest.mark.requirement"]
    return [str(ast.literal_eval(argument)) for call in named for argument in call.args]


def asks(statement: str) -> bool:
    """Whether a statement asks for something: one in parentheses does not."""
    return not (statement.startswith("(") and statement.endswith(")"))


def page_text(asked: dict[str, str], shown: dict[str, list[tuple[str, str]]]) -> str:
    """The page, one table a source; KeyError where a mark names an id that no source has, or that asks for nothing."""
    for id in shown:
        if id not in asked:
            raise KeyError(f"{shown[id][0][0]}: no statement has the id {id!r}")
        if not asks(asked[id]):
            raise KeyError(f"{shown[id][0][0]}: the statement {id!r} asks for nothing")
    parts = [HEAD, f"Shown: {len(shown)} of {sum(asks(statement) for statement in asked.values())}.\n"]
    for source, title in TITLES.items():
        parts.append(f"\n## Source {title}\n\n| id | the system must | shown by |\n|---|---|---|\n")
        for id in sorted(id for id in asked if id.startswith(source)):
            tests = [f"[{name.removeprefix('test_').replace('_', ' ')}](../{file})" for file, name in shown.get(id, [])]
            none = "open" if asks(asked[id]) else "asks for nothing"
            parts.append(f"| {id} | {asked[id]} | {'; '.join(tests) or none} |\n")
    return "".join(parts)


def main() -> int:
    """Write the page, or with --check compare it."""
    text = page_text(statements(), marks())
    if "--check" in sys.argv:
        return int(PAGE.read_text(encoding="utf-8") != text)
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
