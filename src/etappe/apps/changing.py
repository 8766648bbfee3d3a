"""Changing: over HTTP, from a finding to a change and its effect: opportunities, decisions, tasks, outcomes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath, FromQuery, JSONBody

from etappe.apps import changing_view as view
from etappe.apps.editing import comment_view
from etappe.apps.workspace import Workspace
from etappe.errors import BadDocument, UnknownName, unknown
from etappe.journeys.columns import Journeys
from etappe.language import LANGUAGES, word
from etappe.maps.model import Evidence
from etappe.maps.outcomes import BENEFITS, Board, Chosen, proposals
from etappe.store import comments
from etappe.store.tasks import FIELDS, KIND
from etappe.vocabulary import say

Filtered = Callable[[Request[Any, Any, Any]], Journeys]
LONGEST: Final = 4000
LONGEST_TITLE: Final = 200
LARGEST: Final = 1e15


def handlers(ws: Workspace, chosen: Filtered) -> list[Any]:
    """The routes; `chosen` gives the journeys that the filter line leaves."""

    @get("/api/portfolio", sync_to_thread=True)
    def portfolio(lang: FromQuery[str] = "de") -> dict[str, Any]:
        """The opportunities of all maps, with their numbers now and the effects of those that are done."""
        return view.portfolio_view(ws.portfolio(), ws.maps(), _lang(lang), ws.today())

    @post("/api/portfolio", sync_to_thread=True, status_code=200)
    def record(data: JSONBody[dict[str, Any]]) -> dict[str, Any]:
        """Keep a finding as an opportunity: `map`, `question` and `row` of an answer, `title`, `impact`, `owner` …"""
        question, row = data.get("question"), data.get("row")
        if not isinstance(question, dict) or not isinstance(row, dict):
            raise BadDocument("question", "is missing.", "Send the question and the row of its answer.")
        fields = _fields(data, {"column": str, "where": str, "title": str, "owner": str, "author": str})
        days = _fields(data, {"from": str, "to": str})
        fields |= {"start": days.get("from"), "end": days.get("to")}
        fields |= _fields(data, {"impact": int, "effort": int})
        map_id = str(data.get("map") or "")
        return {"map": map_id, "id": ws.record(map_id, question, row, **fields)}

    @get("/api/portfolio/{map_id:str}/{opportunity_id:str}", sync_to_thread=True)
    def one(
        map_id: FromPath[str], opportunity_id: FromPath[str], lang: FromQuery[str] = "de", days: FromQuery[int] = 28
    ) -> dict[str, Any]:
        """One opportunity: its numbers, its effects over periods of so many `days`, its tasks, its decisions."""
        chance, today = ws.chance(map_id, opportunity_id, days=days), ws.today()
        titles = view.titles_of([chance.map], _lang(lang))
        return {
            **view.chance_view(chance, _lang(lang), today),
            "task_list": [view.task_view(task, _lang(lang), today, titles) for task in chance.tasks],
            "decisions": [
                view.decision_view(made, titles, _lang(lang))
                for made in ws.decisions(map_id)
                if made.opportunity == opportunity_id
            ],
        }

    @post("/api/portfolio/{map_id:str}/{opportunity_id:str}/decide", sync_to_thread=True, status_code=200)
    def decide(
        map_id: FromPath[str],
        opportunity_id: FromPath[str],
        data: JSONBody[dict[str, Any]],
        lang: FromQuery[str] = "de",
    ) -> dict[str, Any]:
        """Take it up, finish or drop it: `status`, `note`, `author`, and the days `started` and `finished`."""
        fields = _fields(data, {"note": str, "author": str, "started": str, "finished": str})
        fields |= {key: "" for key in ("started", "finished") if key in data and data[key] in (None, "")}
        ws.decide(map_id, opportunity_id, str(data.get("status")), **fields)
        return view.chance_view(ws.chance(map_id, opportunity_id), _lang(lang), ws.today())

    @get("/api/decisions", sync_to_thread=True)
    def decisions(lang: FromQuery[str] = "de") -> dict[str, Any]:
        """Which opportunity was taken up, finished or dropped, when, by whom and why (personal)."""
        titles = view.titles_of(ws.maps(), _lang(lang))
        return {"decisions": [view.decision_view(made, titles, _lang(lang)) for made in ws.decisions()]}

    @get("/api/tasks", sync_to_thread=True)
    def tasks(lang: FromQuery[str] = "de") -> dict[str, Any]:
        """All tasks, what is to do first (personal)."""
        found, today, titles = ws.tasks(), ws.today(), view.titles_of(ws.maps(), _lang(lang))
        return {
            "sentence": view.tasks_text(found, today, _lang(lang)),
            "today": today.isoformat(),
            "tasks": [view.task_view(task, _lang(lang), today, titles) for task in found],
            "departments": sorted({task.department for task in found if task.department} | _departments(ws, lang)),
        }

    def task_of(task_id: int, lang: str) -> dict[str, Any]:
        task, steps = ws.task(task_id)
        with ws.engine.connect() as connection:
            said = comments.of(connection, KIND, str(task_id))
        titles = view.titles_of(ws.maps(), lang)
        return {
            **view.task_view(task, lang, ws.today(), titles),
            "steps": [view.step_view(step, lang) for step in steps],
            "comments": [comment_view(comment) for comment in said],
        }

    @post("/api/tasks", sync_to_thread=True, status_code=200)
    def add_task(data: JSONBody[dict[str, Any]], lang: FromQuery[str] = "de") -> dict[str, Any]:
        """A new task: `title`, `text`, `department`, `person`, `due`, `map`, `opportunity`, `touchpoint`, `author`."""
        fields = {"title": "", **data}
        author = str(fields.pop("author", None) or "")
        title = fields.pop("title")
        task = ws.add_task(title, author=author, **_known(fields))
        return task_of(task.id, _lang(lang))

    @get("/api/tasks/{task_id:int}", sync_to_thread=True)
    def task(task_id: FromPath[int], lang: FromQuery[str] = "de") -> dict[str, Any]:
        """A task with what has happened to it and what was said about it (personal)."""
        return task_of(_small(task_id), _lang(lang))

    @post("/api/tasks/{task_id:int}", sync_to_thread=True, status_code=200)
    def change_task(
        task_id: FromPath[int], data: JSONBody[dict[str, Any]], lang: FromQuery[str] = "de"
    ) -> dict[str, Any]:
        """Change a task: the fields that change, a `note`, an `author`."""
        fields = dict(data)
        note, author = (str(fields.pop(key, None) or "") for key in ("note", "author"))
        ws.change_task(_small(task_id), note=note, author=author, **_known(fields))
        return task_of(task_id, _lang(lang))

    @post("/api/tasks/{task_id:int}/comments", sync_to_thread=True, status_code=200)
    def comment(task_id: FromPath[int], data: JSONBody[dict[str, Any]]) -> dict[str, Any]:
        """Say something about a task: `text`, `author`; or mark one: `id` and `done`."""
        ws.task(_small(task_id))
        with ws.engine.begin() as connection:
            if "id" in data:
                number = _small(data["id"])
                if not comments.mark(connection, KIND, str(task_id), number, bool(data.get("done"))):
                    raise UnknownName("id", f"there is no comment {data['id']}.", "Reload the task.")
                return {"done": bool(data.get("done"))}
            said = _fields(data, {"text": str, "author": str})
            if not said.get("text", "").strip() or not said.get("author", "").strip():
                raise BadDocument("comment", "needs a text and an author.", "Say what, and who says it.")
            made = comments.add(connection, KIND, str(task_id), "", said["author"].strip()[:80], said["text"].strip())
            return comment_view(made)

    @post("/api/tasks/{task_id:int}/comments/{comment_id:int}/delete", sync_to_thread=True, status_code=200)
    def delete_comment(task_id: FromPath[int], comment_id: FromPath[int]) -> dict[str, Any]:
        """Delete what was said about a task."""
        with ws.engine.begin() as connection:
            return {"deleted": comments.remove(connection, KIND, str(task_id), _small(comment_id))}

    @post("/api/tasks/{task_id:int}/delete", sync_to_thread=True, status_code=200)
    def delete_task(task_id: FromPath[int]) -> dict[str, Any]:
        """Delete a task with all that was said about it."""
        ws.task(_small(task_id))
        return {"deleted": ws.remove_task(task_id)}

    @get("/api/outcomes", sync_to_thread=True)
    def outcomes(
        request: Request[Any, Any, Any], lang: FromQuery[str] = "de", days: FromQuery[int] = 28
    ) -> dict[str, Any]:
        """The five benefits that work on journeys is to have, each with its figure now, before and in time."""
        journeys = chosen(request)
        board, revision = ws.board()
        offered = proposals(journeys, ws.registry(), ws.goals(journeys), board.costs)
        rows, told = [], ws.outcomes(journeys, days=days)
        for found in told:
            listed = _listed(board.of(found.benefit).evidence, offered[found.benefit])
            choices = [{"value": key, "name": _figure(e, _lang(lang))} for key, e in listed.items()]
            rows.append({**view.outcome_view(found, _lang(lang)), "choices": choices})
        return {
            "state": "ok" if journeys.events else "empty-no-data-yet",
            "sentence": view.outcomes_text(told, _lang(lang)),
            "revision": revision, "days": days, "costs": board.costs, "outcomes": rows,
        }  # fmt: skip

    @post("/api/outcomes", sync_to_thread=True, status_code=200)
    def decide_outcome(request: Request[Any, Any, Any], data: JSONBody[dict[str, Any]]) -> dict[str, Any]:
        """Choose the figure of a `benefit` by the id of the `choice`, set its `target`, or the `costs`."""
        journeys = chosen(request)

        def changed(board: Board) -> Board:
            fields: dict[str, Any] = {}
            if "costs" in data:
                fields["costs"] = _amount(data["costs"], "costs")
            if "benefit" in data:
                benefit = next((one for one in BENEFITS if one == data["benefit"]), None)
                if benefit is None:
                    raise BadDocument("benefit", f"{data['benefit']!r} is none.", f"There are: {', '.join(BENEFITS)}.")
                own = board.of(benefit)
                if "target" in data:
                    own = msgspec.structs.replace(own, target=_amount(data["target"], "target"))
                if "choice" in data:
                    offered = proposals(journeys, ws.registry(), ws.goals(journeys), board.costs)[benefit]
                    listed = _listed(own.evidence, offered)
                    if str(data["choice"]) not in listed:
                        raise BadDocument("choice", f"{data['choice']!r} is none.", "Choose one of those offered.")
                    own = msgspec.structs.replace(own, evidence=listed[str(data["choice"])], target=None)
                fields[benefit] = own if own != Chosen() else None
            return msgspec.structs.replace(board, **fields)

        return {"revision": ws.change_board(changed)}

    return [
        portfolio, record, one, decide, decisions, tasks, add_task, task, change_task, comment, delete_comment,
        delete_task, outcomes, decide_outcome,
    ]  # fmt: skip


def _lang(lang: str) -> str:
    return lang if lang in LANGUAGES else "en"


def _small(value: Any) -> int:
    """A number as ids are; any other is none."""
    return value if isinstance(value, int) and 0 < value < 2**31 else -1


def _known(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a task, and no others: they become names of parameters."""
    for key in fields:
        if key not in FIELDS:
            raise unknown("task", "field", key, FIELDS)
    return dict(fields)


def _departments(ws: Workspace, lang: str) -> set[str]:
    """The departments that answer for touchpoints."""
    return {name for point in ws.registry().touchpoints if (name := say(point.owner, _lang(lang)))}


def _listed(own: Evidence | None, offered: Sequence[Evidence]) -> dict[str, Evidence]:
    """The figures to choose from, by their ids, the one that is chosen first; the costs of a return may differ."""
    return {e.id: e for e in (*([own] if own else []), *offered) if own is None or e is own or e.id != own.id}


def _figure(e: Any, lang: str) -> str:
    return say(e.title, lang) or (word(f"map.metric.{e.metric}", lang) if e.metric else e.id)


def _amount(value: Any, where: str) -> float | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not -LARGEST < value < LARGEST:
        raise BadDocument(where, f"{value!r} is no number.", "Send a number, or null.")
    return float(value)


def _fields(data: Mapping[str, Any], kinds: Mapping[str, type]) -> dict[str, Any]:
    """The fields that are given, each of its type; texts are not endless."""
    found: dict[str, Any] = {}
    for key, kind in kinds.items():
        value = data.get(key)
        if value is None or value == "":
            continue
        if not isinstance(value, kind) or isinstance(value, bool):
            raise BadDocument(key, f"{value!r} is not of its kind.", f"Send a {'text' if kind is str else 'number'}.")
        most = LONGEST_TITLE if key in ("title", "owner") else LONGEST
        if isinstance(value, str) and len(value) > most:
            raise BadDocument(key, f"has {len(value)} characters.", f"Write at most {most}.")
        found[key] = value
    return found
