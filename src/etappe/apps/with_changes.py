"""What a workspace can do with findings: opportunities of all maps, decisions, tasks, effects, outcomes."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final, cast
from zoneinfo import ZoneInfo

from etappe.errors import BadDocument, UnknownName, WorkspaceBusy, unknown
from etappe.journeys.columns import Journeys
from etappe.store import decisions, documents, tasks
from etappe.store.decisions import Decision
from etappe.store.tasks import Task, TaskStep

if TYPE_CHECKING:
    from etappe.apps.workspace import Workspace
    from etappe.maps.bound import Bound, BoundMap
    from etappe.maps.effect import Effect
    from etappe.maps.model import JourneyMap, Opportunity
    from etappe.maps.outcomes import Board, Outcome
    from etappe.vocabulary import I18n

OUTCOMES: Final = "outcomes"
TRIES: Final = 20


@dataclass(frozen=True, kw_only=True)
class Chance:
    """An opportunity of a map, the numbers that it addresses, what has become of them, and the tasks about it."""

    map: "JourneyMap"
    opportunity: "Opportunity"
    numbers: "tuple[Bound, ...]" = ()
    effects: "tuple[Effect, ...]" = ()
    tasks: tuple[Task, ...] = ()


class WithChanges:
    """The part of a workspace that goes from a finding to a change and its effect."""

    @property
    def _changes(self) -> "Workspace":
        return cast("Workspace", self)

    def today(self) -> date:
        """The day that it is where the workspace is at home."""
        return datetime.now(ZoneInfo(self._changes.settings.timezone)).date()

    # -- opportunities -------------------------------------------------------------------------------------------

    def portfolio(self, journeys: Journeys | None = None, *, effects: bool = True) -> list[Chance]:
        """The opportunities of all maps: what is under way first, then by impact, and by effort the other way round.

        Parameters
        ----------
        journeys : by default all
        effects : also what has become of those that are done
        """
        about: dict[tuple[str | None, str | None], list[Task]] = {}
        for task in self.tasks():
            about.setdefault((task.map, task.opportunity), []).append(task)
        some = journeys if journeys is not None else self._changes.journeys()
        found = [
            chance
            for document in self._changes.maps()
            if document.opportunities
            for chance in self._chances(document, document.opportunities, some, about, effects)
        ]
        return sorted(found, key=_rank)

    def chance(
        self, map_id: str, opportunity_id: str, journeys: Journeys | None = None, *, days: int | None = None
    ) -> Chance:
        """One opportunity; its effects over periods of so many days (by default 28)."""
        document = self._changes.map(map_id)
        one = opportunity_of(document, opportunity_id)
        about: dict[tuple[str | None, str | None], list[Task]] = {}
        about[map_id, one.id] = [task for task in self.tasks() if (task.map, task.opportunity) == (map_id, one.id)]
        some = journeys if journeys is not None else self._changes.journeys()
        return self._chances(document, [one], some, about, True, days, around=True)[0]

    def _chances(
        self,
        document: "JourneyMap",
        listed: "Sequence[Opportunity]",
        journeys: Journeys,
        about: Mapping[tuple[str | None, str | None], Sequence[Task]],
        with_effects: bool,
        days: int | None = None,
        around: bool = False,
    ) -> list[Chance]:
        from etappe.maps.binder import Binder
        from etappe.maps.effect import DAYS, effects
        from etappe.maps.evidence import bind_one
        from etappe.maps.opportunity import addressed

        binder = Binder(document, journeys, self._changes.registry(), time.time_ns() // 1000)
        length = days if days is not None else DAYS
        return [
            Chance(
                map=document, opportunity=one, tasks=tuple(about.get((document.id, one.id), ())),
                numbers=tuple(bind_one(e, binder) for e in addressed(document, one, binder)),
                effects=effects(document, one, binder, length, around=around) if with_effects and one.finished else (),
            )
            for one in listed
        ]  # fmt: skip

    def record(
        self,
        map_id: str,
        question: Mapping[str, Any],
        row: Mapping[str, Any],
        *,
        column: str | None = None,
        where: str | None = None,
        start: str | date | None = None,
        end: str | date | None = None,
        title: "I18n" = "",
        impact: int | None = None,
        effort: int | None = None,
        owner: "I18n" = "",
        author: str = "",
    ) -> str:
        """Keep a row of an answer as an opportunity of a map, bound to its numbers; the id of the opportunity.

        Parameters
        ----------
        question, row : what was asked (friction, opportunities, funnel or transitions), and the row that shows it
        column : the number of the row; by default the share of friction, the step's conversion of a funnel
        where, start, end : the filter and the days under which it was asked; the number that is kept is of all days, as
            the map says, and the words of the finding are of these
        """
        from etappe.apps import revisions
        from etappe.maps.binder import Binder
        from etappe.maps.opportunity import from_finding
        from etappe.units import read_day

        ws = self._changes
        days = tuple(read_day(day).isoformat() if day else None for day in (start, end))
        if days[0] and days[1] and days[0] > days[1]:
            raise BadDocument("from, to", f"{start} is after {end}.", "Choose a first day that is not after the last.")
        options: dict[str, Any] = {"column": column, "condition": where, "days": (days[0], days[1]), "title": title}
        options |= {"impact": impact, "effort": effort, "owner": owner}
        journeys = ws.journeys()
        for _ in range(TRIES):
            document, revision = revisions.stored(ws, map_id)
            binder = Binder(document, journeys, ws.registry(), time.time_ns() // 1000)
            one, edits = from_finding(document, binder, question, row, **options)
            # Somebody may have taken its id at the same moment: then it is made again, with another one.
            if not revisions.change(ws, map_id, edits, revision, author).conflicts:
                return one.id
        raise WorkspaceBusy(f"map {map_id}", "others change it faster than it can be saved.", "Try again.")

    def decide(
        self,
        map_id: str,
        opportunity_id: str,
        status: str,
        *,
        note: str = "",
        author: str = "",
        started: str | date | None = None,
        finished: str | date | None = None,
    ) -> "Opportunity":
        """Take an opportunity up, finish it or drop it; the decision is logged.

        Parameters
        ----------
        status : idea, planned, running, done or dropped
        note : why
        started, finished : the first day on which the change may have reached a customer, and from which on it reaches
            all; by default the day of the decision; "" takes a day away
        """
        from typing import get_args

        from etappe.apps import revisions
        from etappe.maps.edits import Change
        from etappe.maps.model import Status
        from etappe.units import read_day

        ws = self._changes
        if status not in get_args(Status):
            raise unknown("status", "status", status, get_args(Status))
        if len(note) > 2000:
            raise BadDocument("note", f"has {len(note)} characters.", "Write at most 2000.")
        given = {"started": started, "finished": finished}
        days = {key: read_day(day).isoformat() if day else None for key, day in given.items() if day is not None}
        edit = Change(kind="opportunity", id=opportunity_id, fields={"status": status, **days})
        for _ in range(TRIES):
            document, revision = revisions.stored(ws, map_id)
            before = opportunity_of(document, opportunity_id)
            saved = revisions.change(ws, map_id, [edit], revision, author, note)
            if saved.conflicts:
                continue  # somebody decided at the same moment: this decision comes after that one
            one = opportunity_of(saved.map, opportunity_id)
            if before.status == one.status and (note.strip() or saved.changed):
                with ws.engine.begin() as connection:
                    same = [(one.id, one.status, one.status)]
                    decisions.keep(connection, map_id, saved.revision, same, revisions.named(author), note)
            return one
        raise WorkspaceBusy(f"map {map_id}", "others change it faster than it can be saved.", "Try again.")

    def decisions(self, map_id: str | None = None) -> list[Decision]:
        """Which opportunity was taken up, finished or dropped, when, by whom and why; the newest first (personal)."""
        with self._changes.engine.connect() as connection:
            return decisions.every(connection, map_id)

    # -- tasks ---------------------------------------------------------------------------------------------------

    def tasks(self) -> list[Task]:
        """All tasks, what is to do first, by the day on which it is due (personal)."""
        with self._changes.engine.connect() as connection:
            return tasks.every(connection)

    def task(self, task_id: int) -> tuple[Task, list[TaskStep]]:
        """A task, and what has happened to it (personal)."""
        with self._changes.engine.connect() as connection:
            found = tasks.get(connection, task_id)
            steps = tasks.steps(connection, task_id)
        if found is None:
            raise UnknownName("task", f"there is no task {task_id}.", "Look at the list of tasks.")
        return found, steps

    def add_task(self, title: str, /, *, author: str = "", **fields: Any) -> Task:
        """A new task: text, department, person, due (a day), map and opportunity, or touchpoint."""
        from etappe.act.tasks import checked
        from etappe.apps.revisions import named

        values = checked({"title": title, **fields})
        self._refuse_strange(values)
        with self._changes.engine.begin() as connection:
            return tasks.add(connection, named(author), values)

    def change_task(self, task_id: int, /, *, author: str = "", note: str = "", **fields: Any) -> Task:
        """Change a task: hand it over (department, person), move its day, set its status; every change is kept."""
        from etappe.act.tasks import LONGEST, checked
        from etappe.apps.revisions import named

        task, _ = self.task(task_id)
        values = checked(fields)
        if len(note) > LONGEST["note"]:
            raise BadDocument("note", f"has {len(note)} characters.", f"Write at most {LONGEST['note']}.")
        if "map" in values and values["map"] != task.map and "opportunity" not in values:
            values["opportunity"] = None
        about = {"map": task.map, "opportunity": task.opportunity}
        self._refuse_strange({**about, **values} if values.keys() & {*about, "touchpoint"} else {})
        with self._changes.engine.begin() as connection:
            now = tasks.get(connection, task_id)
            changed = tasks.change(connection, now, values, named(author), note.strip()) if now else None
        if changed is None:
            raise UnknownName("task", f"there is no task {task_id} any more.", "Look at the list of tasks.")
        return changed

    def remove_task(self, task_id: int) -> bool:
        """Delete a task with all that was said about it; whether there was one."""
        with self._changes.engine.begin() as connection:
            return tasks.remove(connection, task_id)

    def _refuse_strange(self, values: Mapping[str, Any]) -> None:
        """A task is about something that there is."""
        if values.get("opportunity") and not values.get("map"):
            raise BadDocument("task: map", "is missing.", "Name the map whose opportunity it is.")
        if values.get("map"):
            document = self._changes.map(str(values["map"]))
            if values.get("opportunity"):
                opportunity_of(document, str(values["opportunity"]))
        if values.get("touchpoint"):
            name, registry = str(values["touchpoint"]), self._changes.registry()
            held = self._changes.journeys().touchpoints
            if registry.find(name) is None and name not in held:
                known = [*held, *(point.id for point in registry.touchpoints)]
                raise unknown("task: touchpoint", "touchpoint", name, known)

    # -- outcomes ------------------------------------------------------------------------------------------------

    def board(self) -> "tuple[Board, int]":
        """The board of outcomes as it is decided, and its revision; 0 where nothing is."""
        from etappe.maps.outcomes import Board, read_board

        with self._changes.engine.connect() as connection:
            found = documents.get(connection, OUTCOMES, OUTCOMES)
        return (read_board(found.body), found.revision) if found else (Board(), 0)

    def put_board(self, board: "Board | str") -> int:
        """Decide what the board shows, as a struct or as YAML; its new revision."""
        from etappe.documents import dump
        from etappe.maps.outcomes import read_board

        text = board if isinstance(board, str) else dump(board)
        read_board(text)
        return self.change_board(lambda old: text)

    def change_board(self, change: "Callable[[Board], Board | str]") -> int:
        """Change the board as it is at that moment, whoever else changes it; its new revision."""
        from etappe.documents import dump
        from etappe.maps.outcomes import read_board

        for _ in range(TRIES):
            board, revision = self.board()
            new = change(board)
            text = new if isinstance(new, str) else dump(new)
            read_board(text)
            with self._changes.engine.begin() as connection:
                old = documents.get(connection, OUTCOMES, OUTCOMES)
                if old is not None and old.body == text:
                    return old.revision
                if documents.append(connection, OUTCOMES, OUTCOMES, revision + 1, text):
                    return revision + 1
        raise WorkspaceBusy("outcomes", "others change it faster than it can be saved.", "Try again.")

    def outcomes(self, journeys: Journeys | None = None, *, days: int = 28) -> "tuple[Outcome, ...]":
        """The five benefits that work on journeys is to have, each with its figure now and before."""
        from etappe.maps.outcomes import outcomes

        ws = self._changes
        some = journeys if journeys is not None else ws.journeys()

        def bound() -> "list[BoundMap]":
            return [ws.bind(document, some) for document in ws.maps()]

        return outcomes(self.board()[0], some, ws.registry(), self.goals(some), bound, time.time_ns() // 1000, days)

    def goals(self, journeys: Journeys) -> list[str]:
        """The touchpoints that are goals in this workspace, by their names in the data."""
        ws = self._changes
        known = {name: ws.registry().find(name) for name in journeys.touchpoints}
        wanted = ws.settings.goals
        return [n for n, point in known.items() if n in wanted or (point is not None and point.id in wanted)]


def opportunity_of(document: "JourneyMap", opportunity_id: str) -> "Opportunity":
    """An opportunity of a map; UnknownName proposes the nearest."""
    known = {one.id: one for one in document.opportunities}
    if opportunity_id not in known:
        raise unknown(f"map {document.id}: opportunities", "opportunity", opportunity_id, known)
    return known[opportunity_id]


def _rank(chance: Chance) -> tuple[Any, ...]:
    one = chance.opportunity
    order = ("running", "planned", "idea", "done", "dropped")
    return order.index(one.status), -(one.impact or 0), one.effort or 6, chance.map.id, one.id
