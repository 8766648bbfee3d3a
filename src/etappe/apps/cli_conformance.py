"""Command line, a map held against the journeys: etappe map conformance."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from etappe.apps.options import HERE, By, End, Folder, Json, Lang, Rows, Start, Where, opened


class Others(StrEnum):
    """What touchpoints are that the map does not have."""

    ignore = "ignore"
    extra = "extra"


def add_to(maps: typer.Typer) -> None:
    """Add the command to `etappe map`."""
    maps.command("conformance")(conformance)


def conformance(
    file: Annotated[str, typer.Argument(help="A map's YAML file, or the id of a stored map.")],
    by: By = None,
    others: Annotated[Others, typer.Option(help="What touchpoints are that the map does not have.")] = Others.ignore,
    wait: Annotated[
        str | None, typer.Option(help="How long a next step without a duration may still come, such as 30d.")
    ] = None,
    repeats: Annotated[bool, typer.Option("--repeats", help="Each step may be done several times in a row.")] = False,
    where: Where = None,
    start: Start = None,
    end: End = None,
    workspace: Folder = HERE,
    lang: Lang = None,
    rows: Rows = 20,
    json: Json = False,
) -> None:
    """Hold the journeys against a map as the plan: who follows it, and where the others deviate."""
    from etappe.apps import terminal
    from etappe.apps.conformance_view import conformance_view
    from etappe.language import word
    from etappe.maps.document import read_map
    from etappe.maps.plan import asked_of

    ws = opened(workspace)
    language = lang or ws.settings.language
    document = read_map(Path(file)) if Path(file).is_file() else ws.map(file)
    journeys = ws.journeys(where=where, start=start, end=end)
    options = {"by": by, "others": others.value, "wait": wait}
    found, question, plan = asked_of(document, journeys, ws.registry(), repeats=repeats, **options)
    view = conformance_view(document, found, question, plan, ws.registry(), language)
    if json:
        terminal.as_json(view)
        return
    terminal.say(view["caption"])
    terminal.say(f"{word('map.conformance.plan', language)}: {plan.text}")
    for text in (*view["plan"]["said"], *view["said"]):
        terminal.note(text)
    for part in (view["outside_text"], view["open_text"]):
        terminal.say(part)
    for group in view["groups"]:
        terminal.say(f"{group['title']}: {group['fitness']['text']} · {group['as_planned']['people_text']}")
    told = [*view["deviations"], *view["open"]]
    for one in told[: rows or None]:
        terminal.say(one["sentence"])
    if rows and len(told) > rows:
        terminal.note(word("map.conformance.more", language, count=len(told) - rows))
