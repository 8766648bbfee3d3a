"""Command line, maps and the other documents: touchpoints, push, pull, map new, check, render."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from etappe.apps import cli_changes, cli_conformance, cli_edit, cli_touchpoints
from etappe.apps.options import HERE, Folder, Json, Lang, Out, opened

commands = typer.Typer()
maps = typer.Typer(help="Journey maps: new, check, render.", no_args_is_help=True)
commands.add_typer(maps, name="map")
cli_edit.add_to(maps)
cli_conformance.add_to(maps)
cli_touchpoints.add_to(commands)
cli_changes.add_to(commands)


@commands.command()
def push(file: Path, workspace: Folder = HERE, json: Json = False) -> None:
    """Store a document from its YAML file: a journey map, or a registry of touchpoints and stage models."""
    from etappe.apps import terminal
    from etappe.language import word

    ws = opened(workspace)
    found = ws.push(file)
    said = {"kind": found.kind, "id": found.id, "revision": found.revision}
    if json:
        terminal.as_json(said)
    else:
        terminal.say(word("cli.pushed", ws.settings.language, **said))


@commands.command()
def pull(
    kind: str, name: Annotated[str, typer.Argument()] = "registry", workspace: Folder = HERE, out: Out = None
) -> None:
    """Write a stored document (kind map or registry) as YAML, to stdout or a file."""
    from etappe.apps import terminal

    text = opened(workspace).pull(kind, name)
    out.write_text(text, encoding="utf-8") if out else terminal.say(text)


class Theme(StrEnum):
    """The colours of a drawn map."""

    light = "light"
    dark = "dark"


@maps.command("new")
def map_new(
    template: Annotated[
        str, typer.Option(help="A template's id; list them with `etappe map templates`.")
    ] = "five-stages",
    from_data: Annotated[bool, typer.Option("--from-data", help="Draft the map from the measured journeys.")] = False,
    out: Out = None,
    workspace: Folder = HERE,
    lang: Lang = None,
) -> None:
    """A new map from a template, empty or drafted from the data."""
    from etappe.apps import terminal
    from etappe.maps.document import dump_map
    from etappe.maps.draft import draft
    from etappe.maps.draft import template as find

    if from_data:
        ws = opened(workspace)
        drafted = draft(ws.journeys(), ws.registry(), template, lang or ws.settings.language)
        made = drafted.map
        if drafted.left_out:
            names = ", ".join(f"{name} ({count:,})" for name, count in drafted.left_out)
            terminal.note(f"Found no place (with their journeys): {names}")
    else:
        made = find(template)
    text = dump_map(made)
    if out is None:
        terminal.say(text)
    else:
        out.write_text(text, encoding="utf-8")
        terminal.note(f"Written to {out}. Next: etappe map render {out} -o map.svg -w {workspace}")


@maps.command("templates")
def map_templates(lang: Lang = None, json: Json = False) -> None:
    """The templates that ship with Etappe."""
    from etappe.apps import terminal
    from etappe.maps.draft import TEMPLATES, template
    from etappe.vocabulary import say

    found = [(name, say(template(name).title, lang or "en")) for name in TEMPLATES]
    if json:
        terminal.as_json([{"id": name, "title": title} for name, title in found])
    else:
        terminal.table(("id", "title"), found)


@maps.command("check")
def map_check(
    file: Path, workspace: Annotated[Path | None, typer.Option("--workspace", "-w")] = None, json: Json = False
) -> None:
    """Every fault of a map, one sentence each; exit 1 when there is one."""
    from etappe.apps.reports import show_faults
    from etappe.maps.document import faults_of

    registry = opened(workspace).registry() if workspace is not None else None
    if show_faults(faults_of(file, registry=registry), file, json):
        raise typer.Exit(1)


@maps.command("render")
def map_render(
    file: Annotated[str, typer.Argument(help="A map's YAML file, or the id of a stored map.")],
    out: Annotated[
        Path,
        typer.Option("--out", "-o", help="map.svg, .html, .png, .pdf, .xlsx, .csv, .md, .mmd, .cjml, .yaml or .json."),
    ],
    theme: Annotated[Theme, typer.Option(help="Colours.")] = Theme.light,
    shared: Annotated[
        bool, typer.Option("--shared", help="To pass on: hides small numbers and people's names.")
    ] = False,
    workspace: Folder = HERE,
    lang: Lang = None,
) -> None:
    """Write a map as a file, its evidence computed from the workspace's journeys."""
    from etappe.apps.reports import render

    render(file, out, "dark" if theme is Theme.dark else "light", workspace, lang, shared)


@maps.command("import")
def map_import(
    file: Annotated[Path, typer.Argument(help="A map as yaml, json, csv, xlsx or cjml.")],
    out: Out = None,
    workspace: Annotated[Path | None, typer.Option("--workspace", "-w", help="Store it there.")] = None,
    json: Json = False,
) -> None:
    """Read a map from another format: as YAML, or into a workspace."""
    from etappe.apps import revisions, terminal
    from etappe.errors import BadFile
    from etappe.maps.document import dump_map
    from etappe.maps.files import read_any

    try:
        content = file.read_bytes()
    except OSError as fault:
        raise BadFile(str(file), f"cannot be read: {fault.strerror}.") from None
    found = read_any(content, file.name)
    if workspace is not None:
        saved = revisions.create(opened(workspace), found)
        said = {"id": saved.map.id, "revision": saved.revision}
        terminal.as_json(said) if json else terminal.say(saved.map.id)
    elif out is not None:
        out.write_text(dump_map(found), encoding="utf-8")
    else:
        terminal.say(dump_map(found))
