"""Persona reports: what the commands about personas print, for people and as JSON."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from etappe.apps import personas, terminal
from etappe.apps.persona_view import card, found_view, matrix_view, page, relevance_view
from etappe.apps.personas import Told
from etappe.errors import BadFile
from etappe.language import word
from etappe.maps.document import dump_map
from etappe.maps.persona import Persona, check, dump_persona, read_persona

if TYPE_CHECKING:
    from etappe.apps.workspace import Workspace


def _told(ws: "Workspace") -> Told:
    return personas.told(ws) or Told((), {}, {}, None, "")


def show_all(ws: "Workspace", lang: str | None, json: bool) -> None:
    """The personas of a workspace."""
    language, told, journeys = lang or ws.settings.language, _told(ws), ws.journeys()
    shown = [card(told, one, journeys, language) for one in told.personas]
    if json:
        terminal.as_json({"personas": shown, "customers": len(journeys)})
        return
    if not shown:
        terminal.say(word("persona.none", language))
        return
    rows = [
        (one["id"], one["title"], one["kind_text"], one["size"]["text"], (one["stability"] or {}).get("text", ""))
        for one in shown
    ]
    names = ("id", "title", "kind", "customers", "stability")
    terminal.table([word(f"persona.head.{name}", language) for name in names], rows)


def show_found(ws: "Workspace", options: dict[str, Any], keep: bool, lang: str | None, json: bool) -> None:
    """What was found, and with `keep` the personas that were made of it."""
    language = lang or ws.settings.language
    with terminal.progress(json, word("persona.steps", language)) as tell:
        name = word("persona.searching", language)
        found = personas.find(ws, **options, tell=lambda done, total: tell(name, done, total))
    shown = found_view(ws, personas.told(ws), found, ws.journeys(), language)
    if keep:
        shown["kept"] = [one.id for one in personas.keep(ws, found)]
    if json:
        terminal.as_json(shown)
        return
    terminal.say(shown["text"])
    for one in shown["centres"]:
        terminal.say(f"\n{one['id']}: {one['text']} · {one['stability']['text']}")
        told = [(t["title"], t["text"], t["interval_text"] or "", t["others_text"]) for t in one["profile"]]
        terminal.table(
            [word(f"persona.head.{name}", language) for name in ("trait", "value", "interval", "others")], told
        )
    if shown["centres"]:
        terminal.say(f"\n{shown['none_text']}")
    if shown["drift"]:
        terminal.say(shown["drift"]["text"])
    if keep and shown["centres"]:
        terminal.say(word("persona.kept", language, ids=", ".join(shown["kept"]) or "–"))


def show_one(ws: "Workspace", persona_id: str, lang: str | None, json: bool) -> None:
    """One persona."""
    language = lang or ws.settings.language
    persona, _ = personas.stored(ws, persona_id)
    told, journeys = _told(ws), ws.journeys()
    shown = page(ws, told, persona, journeys, language)
    counted = f"persona.{persona_id}" in journeys.attributes
    if json:
        if counted:
            shown["matrix"] = matrix_view(ws, told, journeys, language, persona_id)
            shown["relevance"] = relevance_view(ws, journeys, persona_id, language)
        terminal.as_json(shown)
        return
    terminal.say(f"{shown['title']} ({shown['kind_text']}, {shown['type_text']}) · {shown['size']['text']}")
    for text in (shown["story"], (shown["stability"] or {}).get("text")):
        if text:
            terminal.say(text)
    for group in shown["groups"]:
        if group["fields"]:
            terminal.say(f"\n{group['title']}")
            terminal.table(
                [word(f"persona.head.{name}", language) for name in ("trait", "value", "interval", "basis")],
                [_line(field) for field in group["fields"]],
            )
    if counted:
        rows = relevance_view(ws, journeys, persona_id, language)["rows"][:8]
        terminal.say(f"\n{word('persona.relevance.title', language)}")
        terminal.table(
            [word(f"persona.head.{name}", language) for name in ("touchpoint", "value", "others", "lift", "interval")],
            [
                (r["touchpoint"], r["share"]["text"], r["others_text"], r["lift_text"], r["interval_text"] or "")
                for r in rows
            ],
        )
    for fault in shown["faults"]:
        terminal.note(fault["text"])


def _line(field: dict[str, Any]) -> tuple[str, str, str, str]:
    evidence = field["evidence"] or {}
    stage = f"{field['stage_title']}: " if field["stage"] else ""
    interval = evidence.get("interval_text") or evidence.get("state_text") or ""
    return stage + field["text"], evidence.get("text", ""), interval, field["basis_text"]


def make(
    ws: "Workspace", persona_id: str, title: str | None, rule: str | None, ideal: bool, out: Path | None, json: bool
) -> None:
    """A new persona, stored or written to a file."""
    persona = Persona(
        schema="persona/1", id=persona_id, title=title or persona_id, kind="rule" if rule else "hand", rule=rule,
        type="ideal" if ideal else "typical",
    )  # fmt: skip
    if rule:
        personas.refuse_faults(ws, persona)
        persona = personas.described(ws, persona, None)
    if out is not None:
        out.write_text(dump_persona(persona), encoding="utf-8")
        return
    revision = personas.save(ws, persona, 0)
    if json:
        terminal.as_json({"id": persona.id, "revision": revision, "document": msgspec.to_builtins(persona)})
    else:
        said = {"kind": personas.PERSONA, "id": persona.id, "revision": revision}
        terminal.say(word("cli.pushed", ws.settings.language, **said))


def show_faults(ws: "Workspace", file: Path, json: bool) -> bool:
    """Every fault of a file; whether one is an error."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        raise BadFile(str(file), f"cannot be read: {fault}.") from None
    centres = personas.centres_of(ws)
    known = [centre.id for centre in centres.centres] if centres else None
    persona = read_persona(text, file.name)
    faults = check(persona, ws.registry(), ws.journeys(), model=ws.settings.stage_model, centres=known)
    if json:
        terminal.as_json([{"place": f.place, "text": f.text, "level": f.level} for f in faults])
    else:
        for found in faults:
            terminal.say(found.text)
    return any(found.level == "error" for found in faults)


def draft(ws: "Workspace", persona_id: str, template: str, out: Path | None, lang: str | None, json: bool) -> None:
    """A map drafted from a persona, stored or written to a file."""
    made = personas.draft_map(ws, persona_id, template, lang or ws.settings.language)
    text = dump_map(made.map)
    if out is not None:
        out.write_text(text, encoding="utf-8")
        return
    stored = ws.put(text, f"map {made.map.id}")
    if json:
        terminal.as_json({"id": stored.id, "revision": stored.revision})
    else:
        said = {"kind": stored.kind, "id": stored.id, "revision": stored.revision}
        terminal.say(word("cli.pushed", ws.settings.language, **said))
