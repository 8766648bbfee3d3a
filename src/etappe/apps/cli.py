"""Command line: data goes to stdout, progress to stderr; exit 0 done, 1 failed, 2 usage, 3 partly (rows refused)."""

import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from etappe import __version__
from etappe.apps import cli_ask, cli_import, cli_map, cli_personas
from etappe.apps.options import HERE, STOPPED, Folder, Json, Quiet, opened
from etappe.errors import EtappeError

app = typer.Typer(
    name="etappe",
    cls=cli_ask.Questions,
    help="Customer journeys, end to end: from export files to journey maps bound to live evidence.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


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
    name: Annotated[str | None, typer.Option(help="What the workspace is called; default: its folder's name.")] = None,
    timezone: Annotated[str, typer.Option(help="For times without an offset, and for days.")] = "Europe/Berlin",
    language: Annotated[str, typer.Option(help="de or en.")] = "de",
    json: Json = False,
) -> None:
    """Make a workspace in a folder."""
    from etappe.apps.terminal import as_json, say
    from etappe.apps.workspace import init as make
    from etappe.config import Settings, check_language, check_timezone
    from etappe.language import word

    check_timezone(timezone, "--timezone")
    lang = check_language(language, "--language")
    called = name or folder.resolve().name or "Etappe"
    make(folder, Settings(name=called, timezone=timezone, language=lang)).close()
    if json:
        as_json({"workspace": str(folder)})
    else:
        say(word("cli.init", lang, name=called, folder=folder))


for part in (cli_import, cli_ask, cli_map, cli_personas):
    app.add_typer(part.commands)


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
    opened(workspace).close()
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
        note("etappe: stopped; what was not finished left no trace.")
    sys.exit(code if isinstance(code, int) else 0)
