"""Exploring: what the screen "Explore" asks beside the answer: captions, people, files, the way after a drop, saved
questions. A saved question is a document of the workspace: a title, the question, and the address of its screen.
"""

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any, Final, Literal

import msgspec
import pyarrow as pa
from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery, JSONBody

from etappe.analysis.answer import Answer, Question
from etappe.analysis.ask import ask, question_of, who
from etappe.analysis.flow import Flow
from etappe.analysis.funnel import Funnel
from etappe.analysis.reach import reach
from etappe.analysis.show import cell
from etappe.apps.captions import caption, way_text
from etappe.apps.pictures import picture
from etappe.apps.splits import splits, stages, titles, translated
from etappe.apps.workspace import Workspace
from etappe.errors import BadQuestion, unknown
from etappe.journeys.columns import Journeys
from etappe.language import LANGUAGES, harmless, word
from etappe.store import documents
from etappe.units import iso

KIND: Final = "question"
FORMATS: Final = {
    "csv": "text/csv", "parquet": "application/vnd.apache.parquet", "png": "image/png", "py": "text/x-python",
}  # fmt: skip
SHOWN: Final = 500
"""Rows of the table on the screen; a file has all."""
LONGEST: Final = 120
HOW: Final = frozenset((
    "attribution", "conformance", "flow", "friction", "funnel", "reach", "retention", "sessions", "timing", "tree",
    "variants",
))  # fmt: skip
"""Questions whose definition is said on the screen."""
Chosen = Callable[[Request[Any, Any, Any]], Journeys]


class Saved(msgspec.Struct, frozen=True, kw_only=True):
    """A saved question as it stands in its document."""

    title: str
    address: str
    question: dict[str, Any]


def handlers(ws: Workspace, chosen: Chosen) -> list[Any]:
    """The routes of the screen; `chosen` gives the journeys that the filter line leaves."""

    @get("/api/explore", sync_to_thread=True)
    def start(request: Request[Any, Any, Any], lang: FromQuery[str] = "en") -> dict[str, Any]:
        """What can be asked about: touchpoints with counts, break-downs, a first funnel, the saved questions."""
        journeys = chosen(request)
        goals = ws.goals(journeys)
        return {
            "state": state(ws, journeys),
            "touchpoints": touchpoints(journeys),
            "splits": splits(journeys, _lang(lang)),
            "stages": stages(ws, _lang(lang)),
            "goals": goals,
            "suggested": suggested(journeys, goals),
            "saved": [_saved(document) for document in _all(ws)],
        }

    @post("/api/ask/people", sync_to_thread=True, status_code=200)
    def behind(
        request: Request[Any, Any, Any],
        data: JSONBody[dict[str, Any]],
        offset: FromQuery[int] = 0,
        limit: FromQuery[int] = 20,
    ) -> dict[str, Any]:
        """The customers behind a row of an answer (personal); the body holds `question` and `row`."""
        journeys = chosen(request)
        found = who(journeys, _question(data), _row(data), ws.registry())
        page = found[max(0, offset) : max(0, offset) + max(0, min(limit, 200))]
        return {"total": len(found), "people": people(journeys, page)}

    @post("/api/ask/after", sync_to_thread=True, status_code=200)
    def after(request: Request[Any, Any, Any], data: JSONBody[dict[str, Any]], lang: FromQuery[str] = "en") -> Any:
        """Where the journeys behind a row of a funnel went from its step on; the body holds `question` and `row`."""
        some, flow = after_drop(chosen(request), _question(data), _row(data))
        return said(ws, ask(some, flow, ws.registry()), some, _lang(lang))

    @post("/api/ask/file", sync_to_thread=True, status_code=200)
    def file(
        request: Request[Any, Any, Any], data: JSONBody[dict[str, Any]], kind: FromQuery[str] = "csv"
    ) -> Response[bytes]:
        """The answer as a file: `kind` is csv, parquet, png, or py (the Python code that asks the same)."""
        if kind not in FORMATS:
            raise unknown("kind", "format", kind, FORMATS)
        question = question_of(data)
        if kind == "py":
            content = code(ws, question, request.query_params).encode()
        else:
            found = ask(chosen(request), question, ws.registry())
            if kind == "png":
                content = png_of(ws, found, request.query_params)
            else:
                content = csv_of(found.table) if kind == "csv" else parquet_of(found.table)
        name = f'attachment; filename="{question.__struct_config__.tag}.{kind}"'
        return Response(content, media_type=FORMATS[kind], headers={"content-disposition": name})

    @post("/api/questions", sync_to_thread=True, status_code=200)
    def save(data: JSONBody[dict[str, Any]]) -> dict[str, Any]:
        """Save a question: `title`, `question` and `address`; the same title again is a new revision."""
        return _saved(store(ws, data))

    @post("/api/questions/{question_id:str}/delete", sync_to_thread=True, status_code=200)
    def delete(question_id: FromPath[str]) -> dict[str, Any]:
        """Delete a saved question, all its revisions."""
        with ws.writing(), ws.engine.begin() as connection:
            if not documents.remove(connection, KIND, question_id):
                raise unknown("questions", "question", question_id, [found.id for found in _all(ws)])
        return {"deleted": True}

    return [start, behind, after, file, save, delete]


def _lang(lang: str) -> str:
    return lang if lang in LANGUAGES else "en"


def _question(data: Mapping[str, Any]) -> Question:
    if not isinstance(data.get("question"), dict):
        raise BadQuestion("question", "there is no question.", 'Send {"question": {…}, "row": {…}}.')
    return question_of(data["question"])


def _row(data: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(data.get("row"), dict):
        raise BadQuestion("row", "there is no row.", 'Send {"question": {…}, "row": {…}}.')
    return dict(data["row"])


# -- an answer, said ---------------------------------------------------------------------------------------------


def state(ws: Workspace, journeys: Journeys) -> str:
    """Whether there is something to count, and if not, why."""
    if journeys.events:
        return "ok"
    return "empty-filter" if ws.journeys().events else "empty-no-data-yet"


def said(ws: Workspace, found: Answer, journeys: Journeys, lang: str) -> dict[str, Any]:
    """An answer with its caption, its definition, and its table as people read it."""
    kind = str(found.question.__struct_config__.tag)
    words = titles(ws, found, lang)
    told = translated(found, words)
    names = [name for name in found.table.column_names if name != "kind" and not name.endswith("_kind")]
    heads = {name: word(f"answer.column.{'value' if name.startswith('value_') else name}", lang) for name in names}
    texts = [pa.types.is_string(found.table.schema.field(name).type) for name in names]
    return {
        **found.to_dict(),
        "state": state(ws, journeys),
        "title": word(f"answer.title.{kind}", lang),
        "caption": caption(told, lang),
        "definition": word(f"explore.how.{kind}", lang) if kind in HOW else "",
        "said": [warning.say(lang) for warning in found.warnings],
        "columns": [
            {"name": name, "title": heads[name], "text": text} for name, text in zip(names, texts, strict=True)
        ],
        "cells": [
            [_cell(row, name, lang) for name in names] for row in told.table.slice(0, SHOWN).to_pylist()
        ],
        # The words of codes that stand in the rows.
        "names": {code: text for column in words.values() for code, text in column.items()},
    }  # fmt: skip


def _cell(row: Mapping[str, Any], name: str, lang: str) -> str:
    """A cell of the table; a node that is no touchpoint is said in words."""
    if name == "path" and "kind" in row:
        return way_text(row, lang)
    if name == "group" and row[name] is None:
        return word("flow.none", lang)
    kind = row.get(f"{name}_kind", "touchpoint")
    if name in ("from", "to") and kind != "touchpoint":
        return word(f"flow.{kind}", lang)
    return cell(name, row[name], lang)


def people(journeys: Journeys, chosen: Any) -> list[dict[str, Any]]:
    """Some customers with their touchpoints, first and last (personal)."""
    names = journeys.names(chosen)
    found = []
    for name, i in zip(names, chosen.tolist(), strict=True):
        first, last = int(journeys.offsets[i]), int(journeys.offsets[i + 1]) - 1
        ends = {"first": iso(int(journeys.time_us[first])), "last": iso(int(journeys.time_us[last]))}
        found.append({"customer": name, "touchpoints": last - first + 1, **ends})
    return found


# -- what can be asked -------------------------------------------------------------------------------------------


def touchpoints(journeys: Journeys) -> list[dict[str, Any]]:
    """The touchpoints, the one with the most journeys first."""
    rows = reach(journeys).rows()
    found = [{"name": row["touchpoint"], "journeys": row["journeys"], "events": row["events"]} for row in rows]
    return sorted(found, key=lambda one: (-one["journeys"], one["name"]))


def suggested(journeys: Journeys, goals: list[str]) -> list[str]:
    """Steps for a first funnel: the goal that most journeys reach, and what most often comes before it."""
    known = [one["name"] for one in touchpoints(journeys)]
    goal = next((name for name in known if name in goals), None)
    if goal is None:
        return known[:2]
    rows = ask(journeys, Flow(end=goal, depth=2, top=len(known))).rows()
    steps = [goal]
    for step in (1, 2):
        near = [
            row
            for row in rows
            if row["step"] == step and row["from_kind"] == "touchpoint"
            if row["to"] == steps[0] and row["from"] not in steps
        ]
        if not near:
            break
        steps.insert(0, max(near, key=lambda row: row["count"])["from"])
    return steps if len(steps) > 1 else [*[name for name in known if name != goal][:1], goal]


def after_drop(journeys: Journeys, question: Question, row: Mapping[str, Any]) -> tuple[Journeys, Flow]:
    """The journeys behind a row of a funnel, and the flow from its step on."""
    if not isinstance(question, Funnel):
        raise BadQuestion("question", "only a funnel has steps.", "Send a question of kind funnel.")
    some = journeys.select(who(journeys, question, row))
    where = msgspec.json.encode([question, dict(row)]).decode()
    some = replace(some, origin=replace(some.origin, filters=(*some.origin.filters, f"behind {where}")))
    position = row.get("position")
    step = question.steps[position - 1] if isinstance(position, int) else str(row.get("step"))
    names = [name.strip() for name in step.split("|")]
    # A step that several touchpoints serve begins where its most frequent one is.
    counts = {one["name"]: one["journeys"] for one in touchpoints(some)}
    start = step if step in counts else max(names, key=lambda name: counts.get(name, 0))
    return some, Flow(start=start if counts.get(start) else None, depth=4, top=4)


# -- files -------------------------------------------------------------------------------------------------------


def csv_of(table: pa.Table) -> bytes:
    """A table as CSV; a text that a spreadsheet would take for a formula gets an apostrophe before it."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([harmless(name) for name in table.column_names])
    for row in table.to_pylist():
        writer.writerow([harmless(value) for value in row.values()])
    return out.getvalue().encode()


def parquet_of(table: pa.Table) -> bytes:
    """A table as Parquet."""
    import pyarrow.parquet as pq

    out = io.BytesIO()
    pq.write_table(table, out)
    return out.getvalue()


def png_of(ws: Workspace, found: Answer, query: Mapping[str, str]) -> bytes:
    """An answer as a picture, in the language and the look that the screen has."""
    from etappe.maps.picture import png

    lang = _lang(query.get("lang", "en"))
    theme: Literal["light", "dark"] = "dark" if query.get("theme") == "dark" else "light"
    told = translated(found, titles(ws, found, lang))
    return png(picture(told, caption(told, lang), lang, theme))


def code(ws: Workspace, question: Question, query: Mapping[str, str]) -> str:
    """Python code that asks the same question of the same workspace, started in the folder above it."""
    names = {"where": "where", "from": "start", "to": "end"}
    filters = ", ".join(f"{names[name]}={query[name]!r}" for name in names if query.get(name))
    kind = question.__struct_config__.tag
    given = {
        field.name: getattr(question, field.name)
        for field in msgspec.structs.fields(question)
        if field.required or getattr(question, field.name) != field.default
    }
    asked = "".join(f", {name}={list(value) if isinstance(value, tuple) else value!r}" for name, value in given.items())
    return (
        "import etappe\n\n"
        f"ws = etappe.open({ws.folder.resolve().name!r})\n"
        f"journeys = ws.journeys({filters})\n"
        f"answer = etappe.{kind}(journeys{asked})\n"
        "print(answer)\n"
    )


# -- saved questions ---------------------------------------------------------------------------------------------


def _all(ws: Workspace) -> list[documents.Document]:
    with ws.engine.connect() as connection:
        return documents.newest(connection, KIND)


def _saved(document: documents.Document) -> dict[str, Any]:
    saved = msgspec.json.decode(document.body, type=Saved)
    return {"id": document.id, "at": iso(document.at_us), **msgspec.to_builtins(saved)}


def store(ws: Workspace, data: Mapping[str, Any]) -> documents.Document:
    """Keep a question as a document; its id comes from its title."""
    title, address = data.get("title"), data.get("address")
    if not isinstance(title, str) or not 0 < len(title.strip()) <= LONGEST:
        raise BadQuestion("title", f"a title has 1 to {LONGEST} characters.", "Write what the question is about.")
    # Only a screen of our own: a saved question must never lead elsewhere.
    if not isinstance(address, str) or not (address == "/explore" or address.startswith("/explore?")):
        raise BadQuestion("address", "this is no address of the screen.", "Send the path and query of /explore.")
    saved = Saved(title=title.strip(), address=address, question=msgspec.to_builtins(_question(data)))
    name = sha256(saved.title.encode()).hexdigest()[:12]
    body = msgspec.json.format(msgspec.json.encode(saved)).decode()
    with ws.writing(), ws.engine.begin() as connection:
        return documents.put(connection, KIND, name, body)
