"""Command line, touchpoints: the inventory, the score card of one, the whole registry, and changes to it."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from etappe.apps.options import HERE, End, Folder, Json, Lang, Start, Where, opened

if TYPE_CHECKING:
    from etappe.apps.inventory_view import View
    from etappe.apps.workspace import Workspace
    from etappe.maps.inventory import Inventory


def add_to(commands: typer.Typer) -> None:
    """Add the command."""
    commands.command()(touchpoints)


def touchpoints(
    name: Annotated[str | None, typer.Argument(help="The id of a touchpoint, or its name in the data.")] = None,
    every: Annotated[bool, typer.Option("--all", help="The whole registry, with the names it knows.")] = False,
    change: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change a field: goal=…, owner=…, kpi=reach, like=ID."),
    ] = None,
    where: Where = None,
    start: Start = None,
    end: End = None,
    workspace: Folder = HERE,
    lang: Lang = None,
    json: Json = False,
) -> None:
    """Touchpoints: those in the data, those unknown, those that cannot be measured; with a name its score card."""
    from etappe.apps import terminal
    from etappe.apps.inventory_view import View

    ws = opened(workspace)
    language = lang or ws.settings.language
    if name is not None and change:
        name = _changed(ws, name, change, language)
    journeys = ws.journeys(where=where, start=start, end=end)
    options: dict[str, Any] = {"everything": ws.journeys(where=where)} if start or end else {}
    if name is not None:
        card = ws.touchpoint(name, journeys, **options)
        shown = View(card.inventory, ws.registry(), ws.settings.timezone, language).card(card, ws.registry_revision())
        if json:
            terminal.as_json({key: value for key, value in shown.items() if key != "choices"})
        else:
            _show_card(shown)
        return
    found = ws.inventory(journeys, **options)
    view = View(found, ws.registry(), ws.settings.timezone, language)
    if every:
        _show_registry(ws, view, json)
    elif json:
        terminal.as_json(_plain(ws, view, found))
    else:
        _show(view, found)


def _changed(ws: "Workspace", name: str, change: list[str], lang: str) -> str:
    from etappe.errors import BadDocument

    fields: dict[str, Any] = {}
    for one in change:
        field, mark, value = one.partition("=")
        if not mark:
            raise BadDocument("--set", f"{one!r} has no value.", "Write it as goal=…")
        fields[field.strip()] = [v.strip() for v in value.split(",") if v.strip()] if field == "match" else value
    return ws.edit_touchpoint(name, fields, lang=lang)[0]


def _plain(ws: "Workspace", view: "View", found: "Inventory") -> dict[str, Any]:
    from etappe.analysis.reach import reach
    from etappe.journeys.stages import undiscovered
    from etappe.vocabulary import say

    journeys, registry = ws.journeys(), ws.registry()
    listed = []
    for row in reach(journeys).rows():
        known = registry.find(row["touchpoint"])
        if known is not None:
            listed.append({
                "name": row["touchpoint"], "touchpoint": known.id, "title": say(known.title, view.lang),
                "category": f"{known.medium} {known.contact}", "atom": known.atom, "journeys": row["journeys"],
                "events": row["events"],
            })  # fmt: skip
    missing = [{"name": name, "events": e, "journeys": j} for name, e, j in undiscovered(journeys, registry)]
    whole = view.whole(ws.registry_revision(), "ok" if found.events else "empty-no-data-yet")
    del whole["choices"]
    return {"touchpoints": listed, "undiscovered": missing, **whole}


def _show(view: "View", found: "Inventory") -> None:
    from etappe.apps import terminal
    from etappe.language import word

    rows = [view.entry(entry) for entry in found.entries]
    terminal.say(view.sentence())
    terminal.say(view.coverage()["text"])
    heads = [
        word(f"cli.touchpoints.{name}", view.lang) for name in ("name", "stage", "category", "reach", "range", "sign")
    ]
    seen = [row for row in rows if row["state"] == "measured" and row["events"]]
    terminal.table(heads, [_line(row) for row in seen])
    strange = [row for row in rows if row["state"] == "discovered"]
    if strange:
        terminal.say(word("cli.touchpoints.undiscovered", view.lang))
        for row in strange:
            terminal.say(f"{row['title']}: {row['reach']['text']}, {row['reach']['base']}. {row['guess']['text']}")
    dark = [row["title"] for row in rows if row["state"] == "dark"]
    if dark:
        terminal.say(word("cli.touchpoints.dark", view.lang, names=", ".join(dark)))
    if view.coverage()["goalless_text"]:
        terminal.say(view.coverage()["goalless_text"])


def _line(row: dict[str, Any]) -> tuple[str, ...]:
    reach = row["reach"]
    signs = ", ".join(sign["title"] for sign in row["signs"])
    return row["title"], row["stage_title"], row["category"], reach["text"], reach["note"] or reach["interval"], signs


def _show_card(card: dict[str, Any]) -> None:
    from etappe.apps import terminal

    about = (card["title"], card["state_text"], card["stage_title"], card.get("category"), card.get("owner"))
    terminal.say(" · ".join(part for part in about if part))
    for text in (card["state_why"], card["guess"]["text"] if card["guess"] else "", card.get("goal") or ""):
        if text:
            terminal.say(text)
    if card.get("goal_note"):
        terminal.say(card["goal_note"])
    if card["target_state"]:
        terminal.say(card["target_state"]["text"])
    rows = [(f["title"], f["text"], f["base"], f["interval"], f["note"]) for f in card["figures"]]
    terminal.table(("", "", "", "", ""), rows)
    if card["conversion_all_text"]:
        terminal.say(card["conversion_all_text"])
    if card["change"]:
        change = card["change"]
        terminal.say(f"{change['text']}, {change['interval']}: {change['note']} ({card['period']['text']})")
    elif card["trend_note"]:
        terminal.say(card["trend_note"])
    for way in card["ways"]:
        terminal.say(f"→ {way['title']}: {way['share']['text']}, {way['share']['base']}")
    for sign in card["signs"]:
        terminal.say(f"{sign['title']}: {sign['text']}")
    if card["suggestions"]:
        terminal.say(card["suggestions_note"])
    for item in [*card["suggestions"], *card["aids"]]:
        terminal.say(f"{item['title']} ({item['source']}): {item['text']}")


def _show_registry(ws: "Workspace", view: "View", as_json: bool) -> None:
    from etappe.apps import terminal
    from etappe.vocabulary import say

    listed = [
        {
            "touchpoint": t.id, "title": say(t.title, view.lang), "category": f"{t.medium} {t.contact}",
            "channel": t.channel, "atom": t.atom, "owner": say(t.owner, view.lang), "goal": say(t.goal, view.lang),
            "kpi": t.kpi or "", "target": t.target, "names": ", ".join(t.match),
        }
        for t in ws.registry().touchpoints
    ]  # fmt: skip
    if as_json:
        terminal.as_json({"touchpoints": listed})
    else:
        terminal.table(tuple(listed[0]) if listed else (), [tuple(row.values()) for row in listed])
