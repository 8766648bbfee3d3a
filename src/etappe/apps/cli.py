"""Command line: data goes to stdout, progress to stderr; exit 0 done, 1 failed, 2 usage, 3 partly (rows refused)."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from etappe import __version__
from etappe.errors import EtappeError

app = typer.Typer(
    name="etappe",
    help="Customer journeys, end to end: from export files to journey maps bound to live evidence.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
maps = typer.Typer(help="Journey maps: new, check, render.", no_args_is_help=True)
imports_app = typer.Typer(help="What was imported: list, show refused rows, undo.", invoke_without_command=True)
app.add_typer(maps, name="map")
app.add_typer(imports_app, name="imports")

Folder = Annotated[Path, typer.Option("--workspace", "-w", help="The workspace's folder.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]
Lang = Annotated[str | None, typer.Option("--lang", help="de or en; default: the workspace's.")]
By = Annotated[str | None, typer.Option("--by", help="Break down by a customer attribute or a column.")]
Where = Annotated[str | None, typer.Option("--where", help="Only what meets this condition.")]
Start = Annotated[str | None, typer.Option("--from", help="First day, such as 2026-11-01.")]
End = Annotated[str | None, typer.Option("--to", help="Last day, included.")]
Out = Annotated[Path | None, typer.Option("--out", "-o", help="The file to write.")]


class Theme(StrEnum):
    """The colours of a drawn map."""

    light = "light"
    dark = "dark"


PARTLY = 3
STOPPED = 130
HERE = Path()


def _workspace(folder: Path) -> Any:
    from etappe.apps.workspace import open as open_workspace

    return open_workspace(folder)


@app.callback(invoke_without_command=True)
def root(version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False) -> None:
    """Customer journeys, end to end."""
    if version:
        from etappe.apps.terminal import say

        say(f"etappe {__version__}")
        raise typer.Exit


@app.command()
def init(
    folder: Path,
    name: Annotated[str, typer.Option(help="What the workspace is called.")] = "Etappe",
    timezone: Annotated[str, typer.Option(help="For times without an offset, and for days.")] = "Europe/Berlin",
    language: Annotated[str, typer.Option(help="de or en.")] = "de",
    json: Json = False,
) -> None:
    """Make a workspace in a folder."""
    from etappe.apps.terminal import as_json, say
    from etappe.apps.workspace import init as make
    from etappe.config import Settings, check_language, check_timezone

    check_timezone(timezone, "--timezone")
    workspace = make(folder, Settings(name=name, timezone=timezone, language=check_language(language, "--language")))
    as_json({"workspace": str(folder)}) if json else say(f"{workspace} is ready. Next: etappe import FILE -w {folder}")


@app.command("import")
def import_(
    files: Annotated[list[Path] | None, typer.Argument(help="CSV, TSV, Parquet, JSON lines, Excel; also .gz.")] = None,
    mapping: Annotated[Path | None, typer.Option("--mapping", "-m", help="What the columns mean (TOML).")] = None,
    source: Annotated[str | None, typer.Option(help="The name of the source; default: the file's.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would happen; change nothing.")] = False,
    workspace: Folder = HERE,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Import files: every row is accepted or kept as refused, with its reason."""
    from etappe.apps import terminal
    from etappe.apps.reports import show_report

    ws = _workspace(workspace)
    with terminal.progress(quiet or json) as tell:
        reports = ws.import_files(files or [], mapping=mapping, source=source, dry_run=dry_run, progress=tell)
    if json:
        terminal.as_json({"imports": reports})
    else:
        for report in reports:
            show_report(report, ws.settings.language)
    if any(report.refused for report in reports):
        raise typer.Exit(PARTLY)


@imports_app.callback(invoke_without_command=True)
def imports(context: typer.Context, workspace: Folder = HERE, json: Json = False) -> None:
    """List what was imported."""
    if context.invoked_subcommand is not None:
        return
    from etappe.apps import terminal
    from etappe.apps.workspace import describe
    from etappe.units import iso

    records = _workspace(workspace).imports()
    if json:
        terminal.as_json({"imports": [describe(record) for record in records]})
        return
    columns = ("id", "status", "file", "source", "at", "rows", "events", "customers", "refused")
    rows = [
        (r.id, r.status, ", ".join(r.files), r.source, iso(r.at_us)[:19], r.rows, r.events, r.customers, r.refused)
        for r in records
    ]
    terminal.table(columns, rows)


@imports_app.command()
def undo(import_id: str, workspace: Folder = HERE, json: Json = False) -> None:
    """Take an import back, exactly."""
    from etappe.apps import terminal

    record = _workspace(workspace).undo(import_id)
    if json:
        terminal.as_json({"undone": record.id, "events": record.events})
    else:
        terminal.say(f"Import {record.id} is undone: {record.events:,} events of {', '.join(record.files)} are gone.")


@imports_app.command()
def refused(import_id: str, workspace: Folder = HERE, out: Out = None, json: Json = False) -> None:
    """Show an import's refused rows, or write them to a CSV file to correct and import again."""
    from etappe.apps import terminal

    ws = _workspace(workspace)
    rows = ws.refused(import_id)
    if out is not None:
        out.write_bytes(ws.refused_file(import_id))
        terminal.note(f"{len(rows):,} refused rows written to {out}.")
    elif json:
        terminal.as_json({"refused": rows})
    else:
        terminal.table(("line", "column", "code", "what", "hint"), [
            (r.line, r.column, r.code, r.what, r.hint) for r in rows
        ])  # fmt: skip


def _chosen(ws: Any, where: str | None, start: str | None, end: str | None, subject: str = "customer") -> Any:
    return ws.journeys(subject=subject, where=where, start=start, end=end)


def _answer(ws: Any, question: Any, journeys: Any, json: bool) -> None:
    from etappe.apps import terminal

    answer = ws.ask(question, journeys)
    if json:
        terminal.as_json(answer.to_dict())
        return
    terminal.say(repr(answer))


Subject = Annotated[str, typer.Option(help="Whose journeys: customer, or a column such as order.")]


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="A YAML or JSON file with the question, or - for stdin.")],
    workspace: Folder = HERE,
    where: Where = None,
    start: Start = None,
    end: End = None,
    subject: Subject = "customer",
    json: Json = False,
) -> None:
    """Answer any question."""
    from etappe.analysis.ask import read_question
    from etappe.errors import BadFile

    try:
        text = sys.stdin.read() if question == "-" else Path(question).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        raise BadFile(question, f"cannot be read: {fault}.") from None
    ws = _workspace(workspace)
    asked = read_question(text, "stdin" if question == "-" else question)
    _answer(ws, asked, _chosen(ws, where, start, end, subject), json)


@app.command()
def reach(
    workspace: Folder = HERE, by: By = None, where: Where = None, start: Start = None, end: End = None,
    subject: Subject = "customer", json: Json = False,
) -> None:  # fmt: skip
    """How many journeys touch each touchpoint."""
    from etappe.analysis.reach import Reach

    ws = _workspace(workspace)
    _answer(ws, Reach(by=by), _chosen(ws, where, start, end, subject), json)


@app.command()
def funnel(
    steps: Annotated[list[str], typer.Argument(help="Touchpoints in order.")],
    within: Annotated[str | None, typer.Option(help="Window from the first step, such as 7d.")] = None,
    workspace: Folder = HERE, by: By = None, where: Where = None, start: Start = None, end: End = None,
    subject: Subject = "customer", json: Json = False,
) -> None:  # fmt: skip
    """How many journeys reach each of a series of steps, in order."""
    from etappe.analysis.funnel import Funnel

    ws = _workspace(workspace)
    _answer(ws, Funnel(steps=tuple(steps), within=within, by=by), _chosen(ws, where, start, end, subject), json)


@app.command()
def transitions(
    workspace: Folder = HERE, by: By = None, where: Where = None, start: Start = None, end: End = None,
    subject: Subject = "customer", json: Json = False,
) -> None:  # fmt: skip
    """Which touchpoint follows which, how often and after how long."""
    from etappe.analysis.transitions import Transitions

    ws = _workspace(workspace)
    _answer(ws, Transitions(by=by), _chosen(ws, where, start, end, subject), json)


@app.command()
def variants(
    top: Annotated[int, typer.Option(help="How many of the most frequent paths.")] = 20,
    workspace: Folder = HERE, by: By = None, where: Where = None, start: Start = None, end: End = None,
    subject: Subject = "customer", json: Json = False,
) -> None:  # fmt: skip
    """The most frequent whole paths."""
    from etappe.analysis.variants import Variants

    ws = _workspace(workspace)
    _answer(ws, Variants(top=top, by=by), _chosen(ws, where, start, end, subject), json)


@app.command()
def sessions(
    gap: Annotated[str, typer.Option(help="A longer pause starts a new session.")] = "30m",
    workspace: Folder = HERE, by: By = None, where: Where = None, start: Start = None, end: End = None,
    subject: Subject = "customer", json: Json = False,
) -> None:  # fmt: skip
    """How many sessions there are, and how long."""
    from etappe.analysis.sessions import Sessions

    ws = _workspace(workspace)
    _answer(ws, Sessions(gap=gap, by=by), _chosen(ws, where, start, end, subject), json)


@app.command()
def stages(
    model: Annotated[str | None, typer.Option(help="m1 to m6, or one of the workspace's.")] = None,
    workspace: Folder = HERE, by: By = None, where: Where = None, start: Start = None, end: End = None,
    subject: Subject = "customer", json: Json = False,
) -> None:  # fmt: skip
    """Shares and times of the stages of a model."""
    from etappe.analysis.stages import Stages

    ws = _workspace(workspace)
    chosen = _chosen(ws, where, start, end, subject)
    _answer(ws, Stages(model=model or ws.settings.stage_model, by=by), chosen, json)


@app.command()
def touchpoints(workspace: Folder = HERE, lang: Lang = None, json: Json = False) -> None:
    """The catalogue's touchpoints that occur, and those in the data that the catalogue does not know."""
    from etappe.apps.reports import show_touchpoints

    ws = _workspace(workspace)
    show_touchpoints(ws, lang or ws.settings.language, json)


@app.command()
def push(file: Path, workspace: Folder = HERE, json: Json = False) -> None:
    """Store a document from its YAML file: a journey map, or a registry of touchpoints and stage models."""
    from etappe.apps import terminal

    found = _workspace(workspace).push(file)
    if json:
        terminal.as_json({"kind": found.kind, "id": found.id, "revision": found.revision})
    else:
        terminal.say(f"{found.kind} {found.id}: revision {found.revision}")


@app.command()
def pull(
    kind: str, name: Annotated[str, typer.Argument()] = "registry", workspace: Folder = HERE, out: Out = None
) -> None:
    """Write a stored document (kind map or registry) as YAML, to stdout or a file."""
    from etappe.apps import terminal

    text = _workspace(workspace).pull(kind, name)
    out.write_text(text, encoding="utf-8") if out else terminal.say(text)


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
        ws = _workspace(workspace)
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
        terminal.note(f"Written to {out}. Next: etappe map render {out} -o map.svg")


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
    from etappe.maps.document import check, read_map

    registry = _workspace(workspace).registry() if workspace is not None else None
    if show_faults(check(read_map(file), registry), file, json):
        raise typer.Exit(1)


@maps.command("render")
def map_render(
    file: Annotated[str, typer.Argument(help="A map's YAML file, or the id of a stored map.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="map.svg, map.html or map.png.")],
    theme: Annotated[Theme, typer.Option(help="Colours.")] = Theme.light,
    workspace: Folder = HERE,
    lang: Lang = None,
) -> None:
    """Draw a map with its evidence computed from the workspace's journeys."""
    from etappe.apps.reports import render

    render(file, out, "dark" if theme is Theme.dark else "light", workspace, lang)


@app.command()
def serve(
    workspace: Folder = HERE,
    host: Annotated[str, typer.Option(help="Loopback only, until there are accounts.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The first free port from here on.")] = 8420,
) -> None:
    """Serve the web application until Ctrl-C."""
    from etappe.apps import terminal
    from etappe.apps.guard import check_address
    from etappe.apps.server import free_port
    from etappe.apps.server import serve as run

    check_address(host)
    _workspace(workspace).close()
    port = free_port(host, port)
    terminal.note(f"Etappe is at http://{'[' + host + ']' if ':' in host else host}:{port}/ (Ctrl-C ends it)")
    run(workspace, host, port)


@app.command()
def demo(
    workspace: Folder = Path("demo"),
    once: Annotated[bool, typer.Option("--once", help="Build and print, without serving.")] = False,
    port: Annotated[int, typer.Option(help="The first free port from here on.")] = 8420,
    lang: Annotated[str, typer.Option("--lang", help="de or en.")] = "de",
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """A year of a grocer's households: import, map, findings, and the web application."""
    from etappe.apps.demo import run_demo

    run_demo(workspace, once=once, port=port, lang=lang, json=json, quiet=quiet)


def main() -> NoReturn:
    """Run a command; a refusal is one line on stderr and exit 1."""
    from etappe.apps.terminal import as_json, note

    try:
        code = app(standalone_mode=False)
    except EtappeError as fault:
        if "--json" in sys.argv:
            as_json({"error": fault.to_dict()})
        note(f"etappe: {fault}")
        sys.exit(1)
    except OSError as fault:
        note(f"etappe: {fault.filename or 'output'}: {fault.strerror or fault}.")
        sys.exit(1)
    except (KeyboardInterrupt, typer.Abort):
        code = STOPPED
    except Exception as fault:
        show, exit_code = getattr(fault, "show", None), getattr(fault, "exit_code", None)
        if show is None or exit_code is None:
            raise
        show()  # a fault of usage, which typer explains itself
        sys.exit(exit_code)
    if code == STOPPED:
        note("etappe: stopped; the workspace is as it was.")
    sys.exit(code if isinstance(code, int) else 0)
