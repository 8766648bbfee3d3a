"""Command line, import: files in, what was imported, and back."""

from pathlib import Path
from typing import Annotated

import typer

from etappe.apps.options import HERE, PARTLY, Folder, Json, Out, Quiet, opened

commands = typer.Typer()
ledger = typer.Typer(help="What was imported: list, show refused rows, undo.", invoke_without_command=True)
commands.add_typer(ledger, name="imports")


@commands.command("import")
def import_(
    files: Annotated[list[Path] | None, typer.Argument(help="CSV, TSV, Parquet, JSON lines, Excel; also .gz.")] = None,
    mapping: Annotated[Path | None, typer.Option("--mapping", "-m", help="What the columns mean (TOML).")] = None,
    source: Annotated[str | None, typer.Option(help="The name of the source; default: the file's.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would happen; change nothing.")] = False,
    save_mapping: Annotated[
        Path | None, typer.Option("--save-mapping", help="Write the mapping that was used, to edit and give again.")
    ] = None,
    workspace: Folder = HERE,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Import files: every row is accepted or kept as refused, with its reason."""
    from etappe.apps import terminal
    from etappe.apps.reports import show_report
    from etappe.language import word

    ws = opened(workspace)
    with terminal.progress(quiet or json) as tell:
        reports = ws.import_files(files or [], mapping=mapping, source=source, dry_run=dry_run, progress=tell)
    if save_mapping is not None and reports:
        save_mapping.write_text(reports[0].mapping, encoding="utf-8")
        terminal.note(word("cli.import.mapping", ws.settings.language, path=save_mapping))
    if json:
        terminal.as_json({"imports": reports})
    else:
        for report in reports:
            show_report(report, ws.settings.language, workspace)
    if any(report.refused for report in reports):
        raise typer.Exit(PARTLY)


@ledger.callback(invoke_without_command=True)
def imports(context: typer.Context, workspace: Folder = HERE, json: Json = False) -> None:
    """List what was imported."""
    if context.invoked_subcommand is not None:
        return
    from etappe.apps import terminal
    from etappe.apps.reports import show_imports
    from etappe.apps.workspace import describe

    ws = opened(workspace)
    if json:
        terminal.as_json({"imports": [describe(record) for record in ws.imports()]})
    else:
        show_imports(ws)


def _folder(context: typer.Context, given: Path | None) -> Path:
    """The workspace named behind the subcommand, or before it: `etappe imports -w shop undo i3`."""
    before = context.parent.params.get("workspace") if context.parent else None
    return given or before or HERE


Behind = Annotated[Path | None, typer.Option("--workspace", "-w", help="The workspace's folder.")]


@ledger.command()
def undo(context: typer.Context, import_id: str, workspace: Behind = None, json: Json = False) -> None:
    """Take an import back, exactly."""
    from etappe.apps import terminal
    from etappe.language import number, word

    ws = opened(_folder(context, workspace))
    record = ws.undo(import_id)
    if json:
        terminal.as_json({"undone": record.id, "events": record.events, "attributes": record.attributes})
        return
    lang = ws.settings.language
    counts = {"events": number(record.events, lang), "attributes": number(record.attributes, lang)}
    terminal.say(word("cli.undo", lang, id=record.id, file=", ".join(record.files), **counts))


@ledger.command()
def refused(
    context: typer.Context, import_id: str, workspace: Behind = None, out: Out = None, json: Json = False
) -> None:
    """Show an import's refused rows, or write them to a CSV file to correct and import again."""
    from etappe.apps import terminal
    from etappe.collect.refusals import explained
    from etappe.language import number, word

    ws = opened(_folder(context, workspace))
    rows = ws.refused(import_id)
    lang = ws.settings.language
    if out is not None:
        out.write_bytes(ws.refused_file(import_id))
        terminal.note(word("cli.refused.written", lang, count=number(len(rows), lang), path=out))
    elif json:
        terminal.as_json({"refused": rows})
    else:
        heads = ("line", "column", "code", "what", "hint")
        terminal.table(heads, [(r.line, r.column, r.code, *explained(r, lang)) for r in rows])
