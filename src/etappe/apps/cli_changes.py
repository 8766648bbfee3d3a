"""Command line, from a finding to a change: opportunities, decisions, tasks, outcomes."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from etappe.apps.options import HERE, Folder, Json, Lang, opened

if TYPE_CHECKING:
    from etappe.apps.workspace import Workspace

Author = Annotated[str, typer.Option(help="Who says so.")]
Id = Annotated[int, typer.Argument(min=1, max=2**31 - 1, help="The number of a task.")]
Note = Annotated[str, typer.Option(help="Why.")]
tasks = typer.Typer(help="Tasks of departments: list, add, change, show, remove.", invoke_without_command=True)


def add_to(commands: typer.Typer) -> None:
    """Add the commands."""
    for command in (portfolio, effect, decide, decisions, outcomes):
        commands.command()(command)
    commands.add_typer(tasks, name="tasks")


def portfolio(workspace: Folder = HERE, lang: Lang = None, json: Json = False) -> None:
    """The opportunities of all maps, and what has become of those that are done."""
    from etappe.apps import changing_view as view
    from etappe.apps import terminal
    from etappe.language import word

    ws, language = _opened(workspace, lang)
    shown = view.portfolio_view(ws.portfolio(), ws.maps(), language, ws.today())
    if json:
        terminal.as_json(shown)
        return
    terminal.say(shown["sentence"])
    heads = [word(f"cli.portfolio.{name}", language) for name in ("map", "id", "title", "status", "impact", "effort")]
    heads += [word("task.field.department", language), word("cli.portfolio.now", language)]
    rows = []
    for one in shown["opportunities"]:
        now = ", ".join(f"{b['label']}: {b['text']}" for b in one["numbers"])
        rows.append((one["map"], one["id"], one["title"], one["status_text"], one["impact"], one["effort"],
                     one["owner"], now))  # fmt: skip
    terminal.table(heads, rows)
    for one in shown["opportunities"]:
        for found in one["effects"]:
            terminal.say(f"{one['title']}: {found['text']}")


def effect(
    map_id: str,
    opportunity_id: str,
    days: Annotated[int, typer.Option(help="Compare so many days before and after.")] = 28,
    workspace: Folder = HERE,
    lang: Lang = None,
    json: Json = False,
) -> None:
    """What a change has done: its numbers before and after, with the interval of the difference."""
    from etappe.apps import changing_view as view
    from etappe.apps import terminal
    from etappe.language import word

    ws, language = _opened(workspace, lang)
    shown = view.chance_view(ws.chance(map_id, opportunity_id, days=days), language, ws.today())
    if json:
        terminal.as_json(shown)
        return
    terminal.say(" · ".join(part for part in (shown["title"], shown["status_text"], shown["dates_text"]) if part))
    if shown["finding"]:
        terminal.say(shown["finding"])
    if not shown["effects"]:
        terminal.say(word("effect.undated", language))
    for found in shown["effects"]:
        terminal.say(" ".join(part for part in (found["text"], found["interval_text"]) if part))
        for caution in found["cautions"]:
            terminal.say(f"  {caution}")


def decide(
    map_id: str,
    opportunity_id: str,
    status: Annotated[str, typer.Argument(help="idea, planned, running, done or dropped.")],
    note: Note = "",
    author: Author = "",
    started: Annotated[str | None, typer.Option(help="The first day on which it may have reached a customer.")] = None,
    finished: Annotated[str | None, typer.Option(help="The first day from which on it reaches all.")] = None,
    workspace: Folder = HERE,
    lang: Lang = None,
    json: Json = False,
) -> None:
    """Take an opportunity up, finish it or drop it; the decision is logged."""
    import msgspec

    from etappe.apps import terminal
    from etappe.apps.changing_view import status_text
    from etappe.vocabulary import say

    ws, language = _opened(workspace, lang)
    one = ws.decide(map_id, opportunity_id, status, note=note, author=author, started=started, finished=finished)
    if json:
        terminal.as_json(msgspec.to_builtins(one))
    else:
        terminal.say(f"{say(one.title, language)}: {status_text(one.status, language)}")


def decisions(workspace: Folder = HERE, lang: Lang = None, json: Json = False) -> None:
    """Which opportunity was taken up, finished or dropped, when, by whom and why; the newest first."""
    from etappe.apps import changing_view as view
    from etappe.apps import terminal

    ws, language = _opened(workspace, lang)
    titles = view.titles_of(ws.maps(), language)
    rows = [view.decision_view(made, titles, language) for made in ws.decisions()]
    if json:
        terminal.as_json({"decisions": rows})
        return
    for row in rows:
        terminal.say(_told(ws, row, language))


def outcomes(
    file: Annotated[Path | None, typer.Option("--set", help="A board as YAML (docs/change.md); - for stdin.")] = None,
    days: Annotated[int, typer.Option(help="The length of a period, whole weeks.")] = 28,
    workspace: Folder = HERE,
    lang: Lang = None,
    json: Json = False,
) -> None:
    """The five benefits that work on journeys is to have, each with its figure now and before."""
    import sys

    from etappe.apps import changing_view as view
    from etappe.apps import terminal
    from etappe.errors import BadFile
    from etappe.language import word

    ws, language = _opened(workspace, lang)
    if file is not None:
        try:
            text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as fault:
            raise BadFile(str(file), f"cannot be read: {fault}.") from None
        ws.put_board(text)
    found = ws.outcomes(days=days)
    rows = [view.outcome_view(one, language) for one in found]
    if json:
        terminal.as_json({"outcomes": rows})
        return
    heads = [
        word(f"cli.outcomes.{name}", language) for name in ("benefit", "figure", "now", "range", "change", "target")
    ]
    terminal.table(
        heads,
        [
            (row["title"], row["label"], row["text"], row["interval_text"] or row["why"], row["change_text"],
             row["target_text"])
            for row in rows
        ],
    )  # fmt: skip


@tasks.callback()
def every(context: typer.Context, workspace: Folder = HERE, lang: Lang = None, json: Json = False) -> None:
    """Tasks of departments: list, add, change, show, remove."""
    if context.invoked_subcommand is None:
        _list(*_opened(workspace, lang), json)


@tasks.command("list")
def task_list(workspace: Folder = HERE, lang: Lang = None, json: Json = False) -> None:
    """All tasks, what is to do first."""
    _list(*_opened(workspace, lang), json)


@tasks.command("add")
def task_add(
    title: str,
    text: Annotated[str, typer.Option(help="What exactly.")] = "",
    department: Annotated[str, typer.Option(help="Whose it is.")] = "",
    person: Annotated[str, typer.Option(help="Who does it.")] = "",
    due: Annotated[str | None, typer.Option(help="The last day on which it is in time.")] = None,
    map_id: Annotated[str | None, typer.Option("--map", help="The map that it is about.")] = None,
    opportunity: Annotated[str | None, typer.Option(help="The opportunity of that map.")] = None,
    touchpoint: Annotated[str | None, typer.Option(help="The touchpoint that it is about.")] = None,
    author: Author = "",
    workspace: Folder = HERE,
    lang: Lang = None,
    json: Json = False,
) -> None:
    """A new task."""
    ws, language = _opened(workspace, lang)
    made = ws.add_task(
        title, author=author, text=text, department=department, person=person, due=due, map=map_id,
        opportunity=opportunity, touchpoint=touchpoint,
    )  # fmt: skip
    _show(ws, made.id, language, json)


@tasks.command("change")
def task_change(
    task_id: Id,
    change: Annotated[
        list[str], typer.Option("--set", help="status=done, department=…, person=…, due=2026-12-01, title=…, text=…")
    ],
    note: Note = "",
    author: Author = "",
    workspace: Folder = HERE,
    lang: Lang = None,
    json: Json = False,
) -> None:
    """Change a task: hand it over, move its day, set its status."""
    from etappe.errors import BadDocument, unknown
    from etappe.store.tasks import FIELDS

    ws, language = _opened(workspace, lang)
    fields: dict[str, Any] = {}
    for one in change:
        field, mark, value = one.partition("=")
        if not mark:
            raise BadDocument("--set", f"{one!r} has no value.", "Write it as status=done.")
        if field.strip() not in FIELDS:
            raise unknown("--set", "field", field.strip(), FIELDS)
        fields[field.strip()] = value
    ws.change_task(task_id, note=note, author=author, **fields)
    _show(ws, task_id, language, json)


@tasks.command("show")
def task_show(task_id: Id, workspace: Folder = HERE, lang: Lang = None, json: Json = False) -> None:
    """A task and what has happened to it."""
    ws, language = _opened(workspace, lang)
    _show(ws, task_id, language, json)


@tasks.command("remove")
def task_remove(task_id: Id, workspace: Folder = HERE, json: Json = False) -> None:
    """Delete a task with all that was said about it."""
    from etappe.apps import terminal

    ws, language = _opened(workspace, None)
    ws.task(task_id)
    ws.remove_task(task_id)
    if json:
        terminal.as_json({"removed": task_id})
    else:
        _list(ws, language, json)


def _opened(folder: Path, lang: str | None) -> "tuple[Workspace, str]":
    ws = opened(folder)
    return ws, lang or ws.settings.language


def _list(ws: "Workspace", lang: str, json: bool) -> None:
    from etappe.apps import changing_view as view
    from etappe.apps import terminal
    from etappe.language import word

    found, today, titles = ws.tasks(), ws.today(), view.titles_of(ws.maps(), lang)
    rows = [view.task_view(task, lang, today, titles) for task in found]
    if json:
        terminal.as_json({"tasks": rows})
        return
    terminal.say(view.tasks_text(found, today, lang))
    names = ("title", "department", "person", "due", "status")
    heads = ["#", *(word(f"task.field.{name}", lang) for name in names), word("cli.tasks.about", lang)]
    terminal.table(heads, [_line(row, lang) for row in rows])


def _line(row: dict[str, Any], lang: str) -> tuple[Any, ...]:
    from etappe.language import day, word

    due = day(row["due"], lang) if row["due"] else ""
    due = f"{due} ({word('cli.tasks.late', lang)})" if row["late"] else due
    return row["id"], row["title"], row["department"], row["person"], due, row["status_text"], row["about"] or ""


def _show(ws: "Workspace", task_id: int, lang: str, json: bool) -> None:
    from etappe.apps import changing_view as view
    from etappe.apps import terminal

    task, steps = ws.task(task_id)
    row = view.task_view(task, lang, ws.today(), view.titles_of(ws.maps(), lang))
    listed = [view.step_view(step, lang) for step in steps]
    if json:
        terminal.as_json({**row, "steps": listed})
        return
    parts = (
        f"#{task.id} {task.title}",
        task.department,
        task.person,
        row["due_text"],
        row["status_text"],
        row["about"],
    )
    terminal.say(" · ".join(str(part) for part in parts if part))
    if task.text:
        terminal.say(task.text)
    for step in listed:
        terminal.say(_told(ws, step, lang))


def _told(ws: "Workspace", row: dict[str, Any], lang: str) -> str:
    """When, what, who and why, in one line."""
    from etappe.maps.figures import day

    when = day(row["at"], lang, ws.settings.timezone)
    return "  ".join(part for part in (when, row["text"], row["author"], row["note"]) if part)
