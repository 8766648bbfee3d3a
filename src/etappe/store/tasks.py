"""Tasks: what departments are to do, handed over from one to another; every change of a task is kept."""

import time
from typing import Any, Final, Literal, get_args

import msgspec
from sqlalchemy import Connection, select

from etappe.store.tables import comments, task_steps, tasks

KIND: Final = "task"
"""Comments on a task are comments on a document of this kind."""
Status = Literal["open", "doing", "done", "dropped"]
STATUSES: Final[tuple[Status, ...]] = get_args(Status)
OPEN: Final = ("open", "doing")
FIELDS: Final = ("title", "text", "department", "person", "due", "status", "map", "opportunity", "touchpoint")


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """A task (personal: its texts, its person and its author)."""

    id: int
    at_us: int
    author: str
    title: str
    text: str = ""
    department: str = ""
    person: str = ""
    due: str | None = None
    """The last day on which it is in time."""
    status: Status = "open"
    done_us: int | None = None
    map: str | None = None
    opportunity: str | None = None
    touchpoint: str | None = None


class TaskStep(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that has happened to a task (personal)."""

    task: int
    at_us: int
    author: str
    field: str
    """"made", or the field that was changed; "department" and "person" are a hand-over."""
    before: str
    after: str
    note: str = ""


def add(connection: Connection, author: str, fields: dict[str, Any]) -> Task:
    """A new task."""
    now = time.time_ns() // 1000
    values = {**fields, "at_us": now, "author": author}
    made = connection.execute(tasks.insert().values(**values))
    task = get(connection, int((made.inserted_primary_key or (0,))[0]))
    assert task is not None
    _keep(connection, task.id, now, author, "made", "", task.title, "")
    return task


def get(connection: Connection, task_id: int) -> Task | None:
    """One task."""
    row = connection.execute(select(tasks).where(tasks.c.id == task_id)).first()
    return Task(**row._mapping) if row else None


def every(connection: Connection) -> list[Task]:
    """All tasks: what is still to do first, by the day on which it is due; the latest done before earlier ones."""
    found = [Task(**row._mapping) for row in connection.execute(select(tasks).order_by(tasks.c.id))]
    return sorted(found, key=_rank)


def _rank(task: Task) -> tuple[Any, ...]:
    to_do = task.status in OPEN
    return not to_do, (task.due or "9999") if to_do else "", -(task.done_us or 0), task.id


def change(connection: Connection, task: Task, fields: dict[str, Any], author: str, note: str = "") -> Task | None:
    """A task with some fields changed; each change is kept, the note with the first of them; None: it is gone."""
    now = time.time_ns() // 1000
    old = msgspec.structs.asdict(task)
    new = {key: value for key, value in fields.items() if value != old[key]}
    if not new:
        return task
    if "status" in new:
        new["done_us"] = now if new["status"] not in OPEN else None
    if not connection.execute(tasks.update().where(tasks.c.id == task.id).values(**new)).rowcount:
        return None
    for key in FIELDS:
        if key in new:
            _keep(connection, task.id, now, author, key, str(old[key] or ""), str(new[key] or ""), note)
            note = ""
    return Task(**{**old, **new})


def _keep(
    connection: Connection, task: int, at_us: int, author: str, field: str, before: str, after: str, note: str
) -> None:
    values = {"task": task, "at_us": at_us, "author": author, "field": field, "before": before, "after": after}
    connection.execute(task_steps.insert().values(**values, note=note))


def steps(connection: Connection, task_id: int) -> list[TaskStep]:
    """What has happened to a task, the oldest first."""
    query = select(task_steps).where(task_steps.c.task == task_id).order_by(task_steps.c.id)
    rows = [dict(row._mapping) for row in connection.execute(query)]
    return [TaskStep(**{key: value for key, value in row.items() if key != "id"}) for row in rows]


def remove(connection: Connection, task_id: int) -> bool:
    """Delete a task with its history and its comments; whether there was one."""
    connection.execute(task_steps.delete().where(task_steps.c.task == task_id))
    connection.execute(comments.delete().where(comments.c.kind == KIND, comments.c.document == str(task_id)))
    return connection.execute(tasks.delete().where(tasks.c.id == task_id)).rowcount > 0
