"""Tasks: what a task must be before it is kept, and whether it is late."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final

from etappe.errors import BadDocument, unknown
from etappe.store.tasks import FIELDS, OPEN, STATUSES, Task
from etappe.units import read_day

LONGEST: Final = {"title": 200, "text": 4000, "department": 80, "person": 80, "note": 2000}
LISTED: Final = ("map", "opportunity", "touchpoint")


def checked(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a task as they are kept: texts without blanks around them, days as days, nothing unknown.

    Raises
    ------
    UnknownName
        A field or a status is none.
    BadDocument
        A text is none or too long, or `due` is no day.

    Examples
    --------
    >>> checked({"title": " Call back ", "due": "2026-12-01", "person": ""})
    {'title': 'Call back', 'due': '2026-12-01', 'person': ''}
    """
    found: dict[str, Any] = {}
    for key, value in fields.items():
        if key not in FIELDS:
            raise unknown("task", "field", key, FIELDS)
        if value is not None and not isinstance(value, str):
            raise BadDocument(f"task: {key}", f"{value!r} is no text.", "Write it in quotes.")
        text = (value or "").strip()
        if key in LONGEST and len(text) > LONGEST[key]:
            raise BadDocument(f"task: {key}", f"has {len(text)} characters.", f"Write at most {LONGEST[key]}.")
        found[key] = _kept(key, text)
    if "title" in found and not found["title"]:
        raise BadDocument("task: title", "is missing.", "Say what is to be done.")
    return found


def _kept(key: str, text: str) -> str | None:
    if key == "status" and text not in STATUSES:
        raise unknown("task: status", "status", text, STATUSES)
    if key == "due":
        return read_day(text).isoformat() if text else None
    if key in LISTED:
        return text or None
    return " ".join(text.split()) if key in ("title", "department", "person") else text


def late(task: Task, today: date) -> bool:
    """Whether its day has passed and it is still to do.

    Examples
    --------
    >>> late(Task(id=1, at_us=0, author="", title="Call", due="2026-12-01"), date(2026, 12, 2))
    True
    """
    return task.status in OPEN and task.due is not None and date.fromisoformat(task.due) < today


def counted(tasks: Iterable[Task], today: date) -> dict[str, int]:
    """How many tasks are open, being done, done, dropped and late.

    Examples
    --------
    >>> counted([Task(id=1, at_us=0, author="", title="Call")], date(2026, 12, 2))["open"]
    1
    """
    listed = list(tasks)
    found: dict[str, int] = {status: sum(task.status == status for task in listed) for status in STATUSES}
    return {**found, "late": sum(late(task, today) for task in listed)}
