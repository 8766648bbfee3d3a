"""Command line, questions: any of them from a file, the first ones as words of their own."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from etappe.apps.options import HERE, By, End, Folder, Json, Start, Subject, Where, opened

commands = typer.Typer()


def _chosen(ws: Any, subject: str, where: str | None, start: str | None, end: str | None) -> Any:
    return ws.journeys(subject=subject, where=where, start=start, end=end)


def _answer(ws: Any, question: Any, journeys: Any, json: bool) -> None:
    from etappe.analysis.show import text
    from etappe.apps import terminal

    answer = ws.ask(question, journeys)
    if json:
        terminal.as_json(answer.to_dict())
        return
    terminal.say(text(answer, ws.settings.language))


@commands.command()
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
        asked = sys.stdin.read() if question == "-" else Path(question).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        raise BadFile(question, f"cannot be read: {getattr(fault, 'strerror', None) or 'it is not UTF-8'}.") from None
    ws = opened(workspace)
    _answer(
        ws,
        read_question(asked, "stdin" if question == "-" else question),
        _chosen(ws, subject, where, start, end),
        json,
    )


@commands.command()
def reach(
    workspace: Folder = HERE, by: By = None, where: Where = None, start: Start = None, end: End = None,
    subject: Subject = "customer", json: Json = False,
) -> None:  # fmt: skip
    """How many journeys touch each touchpoint."""
    from etappe.analysis.reach import Reach

    ws = opened(workspace)
    _answer(ws, Reach(by=by), _chosen(ws, subject, where, start, end), json)


@commands.command()
def funnel(
    steps: Annotated[list[str], typer.Argument(help="Touchpoints in order.")],
    within: Annotated[str | None, typer.Option(help="Window from the first step, such as 7d.")] = None,
    workspace: Folder = HERE, by: By = None, where: Where = None, start: Start = None, end: End = None,
    subject: Subject = "customer", json: Json = False,
) -> None:  # fmt: skip
    """How many journeys reach each of a series of steps, in order."""
    from etappe.analysis.funnel import Funnel

    ws = opened(workspace)
    _answer(
        ws,
        Funnel(steps=tuple(steps), within=within, by=by),
        _chosen(ws, subject, where, start, end),
        json,
    )


@commands.command()
def transitions(
    workspace: Folder = HERE, by: By = None, where: Where = None, start: Start = None, end: End = None,
    subject: Subject = "customer", json: Json = False,
) -> None:  # fmt: skip
    """Which touchpoint follows which, how often and after how long."""
    from etappe.analysis.transitions import Transitions

    ws = opened(workspace)
    _answer(ws, Transitions(by=by), _chosen(ws, subject, where, start, end), json)


@commands.command()
def variants(
    top: Annotated[int, typer.Option(help="How many of the most frequent paths.")] = 20,
    workspace: Folder = HERE, by: By = None, where: Where = None, start: Start = None, end: End = None,
    subject: Subject = "customer", json: Json = False,
) -> None:  # fmt: skip
    """The most frequent whole paths."""
    from etappe.analysis.variants import Variants

    ws = opened(workspace)
    _answer(ws, Variants(top=top, by=by), _chosen(ws, subject, where, start, end), json)


@commands.command()
def sessions(
    gap: Annotated[str, typer.Option(help="A longer pause starts a new session.")] = "30m",
    workspace: Folder = HERE, by: By = None, where: Where = None, start: Start = None, end: End = None,
    subject: Subject = "customer", json: Json = False,
) -> None:  # fmt: skip
    """How many sessions there are, and how long."""
    from etappe.analysis.sessions import Sessions

    ws = opened(workspace)
    _answer(ws, Sessions(gap=gap, by=by), _chosen(ws, subject, where, start, end), json)


@commands.command()
def stages(
    model: Annotated[str | None, typer.Option(help="m1 to m6, or one of the workspace's.")] = None,
    workspace: Folder = HERE, by: By = None, where: Where = None, start: Start = None, end: End = None,
    subject: Subject = "customer", json: Json = False,
) -> None:  # fmt: skip
    """Shares and times of the stages of a model."""
    from etappe.analysis.stages import Stages

    ws = opened(workspace)
    chosen = _chosen(ws, subject, where, start, end)
    _answer(ws, Stages(model=model or ws.settings.stage_model, by=by), chosen, json)
