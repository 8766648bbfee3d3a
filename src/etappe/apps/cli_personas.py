"""Command line, personas: list, find, show, new, draft-map."""

from pathlib import Path
from typing import Annotated

import typer

from etappe.apps.options import HERE, Folder, Json, Lang, Out, opened

commands = typer.Typer()
personas = typer.Typer(help="Personas: list, find, show, new, check, draft-map.", invoke_without_command=True)
commands.add_typer(personas, name="personas")


@personas.callback()
def every(context: typer.Context, workspace: Folder = HERE, lang: Lang = None, json: Json = False) -> None:
    """Personas: list, find, show, new, check, draft-map."""
    if context.invoked_subcommand is None:
        from etappe.apps.persona_reports import show_all

        show_all(opened(workspace), lang, json)


@personas.command("list")
def persona_list(workspace: Folder = HERE, lang: Lang = None, json: Json = False) -> None:
    """The personas with how many customers each has."""
    from etappe.apps.persona_reports import show_all

    show_all(opened(workspace), lang, json)


@personas.command("find")
def persona_find(
    workspace: Folder = HERE,
    clusters: Annotated[
        int | None, typer.Option("--clusters", "-k", help="So many, instead of as many as are clear.")
    ] = None,
    trait: Annotated[
        list[str] | None, typer.Option(help="A customer attribute that divides, too; may be repeated.")
    ] = None,
    least: Annotated[int, typer.Option(help="Who has fewer touchpoints belongs to none.")] = 2,
    seed: Annotated[int, typer.Option(help="The same seed finds the same.")] = 0,
    keep: Annotated[bool, typer.Option("--keep", help="Store what is found.")] = False,
    lang: Lang = None,
    json: Json = False,
) -> None:
    """Find kinds of behaviour among the customers, or say that there are none."""
    from etappe.apps.persona_reports import show_found

    options = {"k": clusters, "traits": trait or [], "least": least, "seed": seed}
    show_found(opened(workspace), options, keep, lang, json)


@personas.command("show")
def persona_show(persona_id: str, workspace: Folder = HERE, lang: Lang = None, json: Json = False) -> None:
    """A persona: its fields with what they rest on, its stages and its touchpoints."""
    from etappe.apps.persona_reports import show_one

    show_one(opened(workspace), persona_id, lang, json)


@personas.command("new")
def persona_new(
    persona_id: str,
    title: Annotated[str | None, typer.Option(help="What it is called.")] = None,
    rule: Annotated[
        str | None, typer.Option(help="A filter that says who belongs to it; without one: by hand.")
    ] = None,
    ideal: Annotated[bool, typer.Option("--ideal", help="Who customers should be, not who they are.")] = False,
    workspace: Folder = HERE,
    out: Out = None,
    json: Json = False,
) -> None:
    """Store a new persona, by rule or by hand; with --out only its YAML file is written, to be pushed later."""
    from etappe.apps.persona_reports import make

    make(opened(workspace), persona_id, title, rule, ideal, out, json)


@personas.command("check")
def persona_check(file: Path, workspace: Folder = HERE, json: Json = False) -> None:
    """Every fault of a persona's file, one sentence each; exit 1 when there is an error."""
    from etappe.apps.persona_reports import show_faults

    if show_faults(opened(workspace), file, json):
        raise typer.Exit(1)


@personas.command("draft-map")
def persona_map(
    persona_id: str,
    template: Annotated[str, typer.Option(help="Gives the stages.")] = "five-stages",
    workspace: Folder = HERE,
    out: Out = None,
    lang: Lang = None,
    json: Json = False,
) -> None:
    """Draft a map from the journeys of a persona's customers; stored, or with --out written as YAML."""
    from etappe.apps.persona_reports import draft

    draft(opened(workspace), persona_id, template, out, lang, json)
