"""The order of the folders is the order of the data: imports point backwards, files stay readable."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

SRC = Path(__file__).parents[1] / "src" / "etappe"
ORDER = ["store", "collect", "unify", "journeys", "analysis", "engines", "maps", "act", "apps"]
WORDS = {
    "arrays",
    "condition",
    "config",
    "documents",
    "errors",
    "expression",
    "grammar",
    "language",
    "units",
    "vocabulary",
}
FILES = sorted(SRC.rglob("*.py"))
NAMES = {path: ".".join(("etappe", *path.relative_to(SRC).with_suffix("").parts)) for path in FILES}


def layer(module: str) -> int:
    """0 for the words, then the folders in their order."""
    folder = module.split(".")[1]
    return ORDER.index(folder) + 1 if folder in ORDER else 0


def imports(path: Path, *, inside_functions: bool) -> Iterator[str]:
    """The modules of ours that a file imports; not those for types only."""
    waiting: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.FunctionDef) and not inside_functions:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("etappe."))
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: relative import"
            if node.module == "etappe" or (node.module or "").startswith("etappe."):
                inner = [f"{node.module}.{alias.name}" for alias in node.names]
                yield from (name if name in NAMES.values() else str(node.module) for name in inner)
        waiting.extend(ast.iter_child_nodes(node))


@pytest.mark.parametrize("path", [path for path in FILES if path != SRC / "__init__.py"], ids=NAMES.get)
def test_imports_point_backwards(path):
    own = layer(NAMES[path])
    late = [module for module in imports(path, inside_functions=True) if module != "etappe" and layer(module) > own]
    assert late == []


def test_no_module_needs_itself():
    graph = {NAMES[path]: set(imports(path, inside_functions=False)) for path in FILES if path.name != "__init__.py"}
    assert len(list(TopologicalSorter(graph).static_order())) >= len(graph)


def test_there_is_one_level_of_folders_and_each_has_its_place():
    assert [str(path) for path in FILES if len(path.relative_to(SRC).parts) > 2] == []
    assert {path.parent.name for path in FILES if path.parent != SRC} <= set(ORDER)
    assert {path.stem for path in FILES if path.parent == SRC} <= {*WORDS, "__init__", "__main__"}


def test_a_file_can_be_read_in_one_sitting():
    lines = {NAMES[path]: len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    assert {name: count for name, count in lines.items() if count > 450} == {}


def test_every_file_says_first_what_it_is():
    undescribed = [NAMES[path] for path in FILES if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))]
    assert undescribed == []
