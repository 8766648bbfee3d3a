"""Command line, a stored map's changes and files: edit, history, diff, undo, restore, hold, report."""

from pathlib import Path
from typing import Annotated, Any

import typer

from etappe.apps.options import HERE, Folder, Json, Lang, opened

Id = Annotated[str, typer.Argument(help="The id of a stored map.")]
Author = Annotated[str, typer.Option(help="Who makes the change; stands in the history.")]


def add_to(maps: typer.Typer) -> None:
    """Add the commands to `etappe map`."""
    for name, command in (
        ("edit", edit), ("history", history), ("diff", diff), ("undo", undo), ("restore", restore),
        ("hold", hold), ("report", report),
    ):  # fmt: skip
        maps.command(name)(command)


def edit(
    map_id: Id,
    file: Annotated[Path, typer.Argument(help="A list of edits as YAML or JSON; - for stdin.")],
    revision: Annotated[int | None, typer.Option(help="The revision that the edits were made on.")] = None,
    author: Author = "",
    workspace: Folder = HERE,
    json: Json = False,
) -> None:
    """Edit a stored map: write in cells, add, change, move and remove its parts (docs/maps.md)."""
    import sys

    from etappe.apps import revisions
    from etappe.documents import load
    from etappe.errors import BadFile
    from etappe.maps.edit import edits_of

    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        raise BadFile(str(file), f"cannot be read: {fault}.") from None
    ws = opened(workspace)
    _tell(ws, revisions.change(ws, map_id, edits_of(load(text, file.name)), revision, author), json)


def undo(
    map_id: Id, revision: int, author: Author = "", workspace: Folder = HERE, json: Json = False
) -> None:  # fmt: skip
    """Take back what one revision of a map changed, and keep what came after it."""
    from etappe.apps import revisions

    ws = opened(workspace)
    _tell(ws, revisions.take_back(ws, map_id, revision, author), json)


def restore(
    map_id: Id, revision: int, author: Author = "", workspace: Folder = HERE, json: Json = False
) -> None:  # fmt: skip
    """Make an old revision of a map the newest."""
    from etappe.apps import revisions

    ws = opened(workspace)
    _tell(ws, revisions.restore(ws, map_id, revision, author), json)


def hold(map_id: Id, author: Author = "", workspace: Folder = HERE, json: Json = False) -> None:
    """Write the numbers of now into a map, so that a print can be reproduced and a change is seen."""
    from etappe.apps import holding

    ws = opened(workspace)
    _tell(ws, holding.hold(ws, map_id, author=author)[0], json)


def report(
    map_id: Id,
    to: Annotated[Path, typer.Option("--to", help="The folder to write into.")],
    formats: Annotated[str, typer.Option(help="Kinds of files, such as pdf,html,xlsx.")] = "pdf",
    shared: Annotated[bool, typer.Option("--shared", help="Hide small numbers and people's names.")] = False,
    workspace: Folder = HERE,
    json: Json = False,
) -> None:
    """Write a map of today as dated files; `[[report]]` in etappe.toml lets the server do it by the calendar."""
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from etappe.apps import terminal
    from etappe.apps.filing import written
    from etappe.config import Report
    from etappe.errors import BadFile

    ws = opened(workspace)
    kinds = tuple(part.strip() for part in formats.split(",") if part.strip())
    asked = Report(map=map_id, folder=str(to.resolve()), formats=kinds, shared=shared)
    done = written(ws, asked, datetime.now(ZoneInfo(ws.settings.timezone)).date())
    if done.fault:
        raise BadFile("", done.fault)
    if json:
        terminal.as_json({"files": [str(path) for path in done.files]})
    for path in () if json else done.files:
        terminal.say(str(path))


def _tell(ws: Any, saved: Any, json: bool) -> None:
    import msgspec

    from etappe.apps import terminal
    from etappe.language import word

    lang = ws.settings.language
    if json:
        conflicts = [msgspec.to_builtins(one) for one in saved.conflicts]
        terminal.as_json(
            {"id": saved.map.id, "revision": saved.revision, "changed": saved.changed, "conflicts": conflicts}
        )
        return
    key = "cli.map.changed" if saved.changed else "cli.map.unchanged"
    terminal.say(word(key, lang, id=saved.map.id, revision=saved.revision))
    for one in saved.conflicts:
        terminal.note(word("cli.map.conflict", lang, part=f"{one.kind} {one.id}", saved=one.saved, wanted=one.wanted))


def history(map_id: Id, limit: int = 20, workspace: Folder = HERE, lang: Lang = None, json: Json = False) -> None:
    """The revisions of a map, the newest first."""
    from etappe.apps import revisions, terminal
    from etappe.units import iso

    ws = opened(workspace)
    found = revisions.history(ws, map_id, limit)
    if json:
        rows = [{"revision": one.revision, "at": iso(one.at_us), "author": one.author} for one in found]
        terminal.as_json(rows)
        return
    told = [
        (
            str(one.revision),
            iso(one.at_us),
            one.author,
            str(len(revisions.changes(ws, map_id, one.revision - 1, one.revision)[2])),
        )
        for one in found
    ]
    terminal.table(("revision", "at", "author", "changes"), told)


def diff(
    map_id: Id,
    before: Annotated[int, typer.Argument(help="The older revision.")],
    after: Annotated[int | None, typer.Argument(help="The newer one; by default the newest.")] = None,
    workspace: Folder = HERE,
    lang: Lang = None,
    json: Json = False,
) -> None:
    """What has changed from one revision of a map to another."""
    from etappe.apps import revisions, terminal
    from etappe.maps.difference import told

    ws = opened(workspace)
    newest = after if after is not None else revisions.newest(ws, map_id)
    old, new, parts = revisions.changes(ws, map_id, before, newest)
    said = told(parts, old, new, lang or ws.settings.language)
    if json:
        terminal.as_json({"before": before, "after": newest, "changes": said})
        return
    for one in said:
        terminal.say(f"{one['label']}: {one['text']}")
        for field in one["fields"] if one["what"] != "removed" else ():
            terminal.say(f"  {field['title']}: {field['before'] or '–'} → {field['after'] or '–'}")
