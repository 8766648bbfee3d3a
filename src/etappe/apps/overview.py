"""Overview: the one calm page: what happened in a period, in a sentence, five numbers, a line and four lists.

Unit of count: said with each number. The period ends with the data, not with today, where none is given.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import numpy as np

from etappe.analysis.answer import Answer
from etappe.analysis.reach import reach
from etappe.analysis.stages import stages
from etappe.arrays import Column, Int, distinct
from etappe.errors import BadQuestion
from etappe.journeys.columns import Journeys
from etappe.journeys.stages import Registry, undiscovered
from etappe.language import MINUS, number, percent, word
from etappe.language import date as day_text
from etappe.units import DAY_US, MONEY, NO_VALUE, SECOND_US, read_day
from etappe.vocabulary import say

if TYPE_CHECKING:
    from etappe.apps.workspace import Workspace

DAYS: Final = 28
ROWS: Final = 6
FILTERED: Final = {"channels": "channel", "touchpoints": "touchpoint"}
"""The column by which a click on a list's row filters."""
CENTS_BELOW: Final = 1_000
WEEKLY_FROM: Final = 190
"""From so many days on, the line shows weeks."""


class _Period:
    """A run of local days; `end` is the last one."""

    def __init__(self, start: date, end: date) -> None:
        self.start, self.end = start, end

    @property
    def days(self) -> int:
        return (self.end - self.start).days + 1

    def before(self) -> "_Period":
        return _Period(self.start - timedelta(days=self.days), self.start - timedelta(days=1))


def _local_day(us: int, timezone: str) -> date:
    return datetime.fromtimestamp(us // SECOND_US, ZoneInfo(timezone)).date()


def _period(everything: Journeys, start: str | None, end: str | None, timezone: str) -> _Period:
    first = _local_day(int(everything.time_us.min()), timezone)
    last = _local_day(int(everything.time_us.max()), timezone)
    to = read_day(end) if end else max(last, read_day(start or last))
    since = read_day(start) if start else min(to, max(first, to - timedelta(days=DAYS - 1)))
    if since > to:
        raise BadQuestion("from, to", f"{since} is after {to}.", "Choose a first day that is not after the last.")
    return _Period(since, to)


class _Sums:
    """The five numbers of one period, and each by day."""

    def __init__(self, journeys: Journeys, goals: Any, period: _Period, starts: Int, *, mixed: bool) -> None:
        hits = goals[journeys.touchpoint]
        values = np.where(hits & (journeys.value != NO_VALUE), journeys.value, 0)
        self.period, self.mixed = period, mixed
        self.day = np.searchsorted(starts, journeys.time_us, side="right") - 1
        self.hits, self.values = hits, values
        self.journeys = journeys
        customers = len(journeys)
        total = None if mixed else int(values.sum()) / MONEY
        self.numbers: dict[str, float | None] = {
            "events": journeys.events,
            "customers": customers,
            "purchases": int(hits.sum()),
            "value": total,
            "per_customer": total / customers if customers and total is not None else None,
        }

    def series(self, step: int) -> dict[str, list[float | None]]:
        """The numbers of each day, or of each `step` days."""
        bins = (self.period.days + step - 1) // step
        at = self.day // step
        owner = np.repeat(np.arange(len(self.journeys)), np.diff(self.journeys.offsets))
        fresh = np.ones(len(at), bool)  # a journey is in the order of time: its touchpoints of one bin stand together
        fresh[1:] = (owner[1:] != owner[:-1]) | (at[1:] != at[:-1])
        people = np.bincount(at[fresh], minlength=bins).tolist()
        sums = np.round(np.bincount(at, self.values / MONEY, minlength=bins), 4).tolist()
        value: list[float | None] = [None] * bins if self.mixed else sums
        return {
            "events": np.bincount(at, minlength=bins).tolist(),
            "customers": people,
            "purchases": np.bincount(at[self.hits], minlength=bins).tolist(),
            "value": value,
            "per_customer": [
                round(v / n, 4) if n and v is not None else None for v, n in zip(value, people, strict=True)
            ],
        }


def _day_starts(period: _Period, timezone: str) -> Int:
    """When each local day of a period begins, and when the last one has ended, (days + 1,) int64 microseconds."""
    zone = ZoneInfo(timezone)
    days = (date.fromordinal(period.start.toordinal() + i) for i in range(period.days + 1))
    midnights = (datetime(day.year, day.month, day.day, tzinfo=zone) for day in days)
    return np.asarray([round(moment.timestamp()) * SECOND_US for moment in midnights], np.int64)


def _change(now: float | None, before: float | None) -> float | None:
    return (now - before) / before if now is not None and before else None


def change_text(change: float | None, lang: str) -> str:
    """A relative change with its sign: "+6,0 %"."""
    if change is None:
        return ""
    text = percent(abs(change), lang)
    return ("+" if change >= 0 else MINUS) + text


def overview(
    workspace: "Workspace", *, start: str | None, end: str | None, where: str | None, lang: str
) -> dict[str, Any]:
    """Everything the first screen shows, as plain data."""
    everything = workspace.journeys()
    if not everything.events:
        return {"state": "empty-no-data-yet"}
    timezone = workspace.settings.timezone
    period = _period(everything, start, end, timezone)
    before = period.before()
    chosen = workspace.journeys(where=where)
    starts, then_starts = _day_starts(period, timezone), _day_starts(before, timezone)
    inside, earlier = (chosen.between(int(edges[0]), int(edges[-1])) for edges in (starts, then_starts))
    window = {"from": period.start.isoformat(), "to": period.end.isoformat()}
    window |= {"before_from": before.start.isoformat(), "before_to": before.end.isoformat()}
    if not inside.events:
        return {"state": "empty-filter", "window": window}
    registry = workspace.registry()
    goals = _goals(everything, registry, workspace.settings.goals)
    units = {unit for part in (inside, earlier) for unit in _currencies(part, goals)}
    currency = next(iter(units), "") if len(units) == 1 else ""
    now, then = (
        _Sums(part, goals, days, edges, mixed=len(units) > 1)
        for part, days, edges in ((inside, period, starts), (earlier, before, then_starts))
    )
    step = 7 if period.days >= WEEKLY_FROM else 1
    # a period in which the data only begins is no measure for the next one
    known_before = bool(earlier.events) and before.start >= _local_day(int(everything.time_us.min()), timezone)
    asked = reach(inside)
    chosen_by = {"from": window["from"], "to": window["to"], **({"where": where} if where else {})}
    numbers = [
        {
            "id": name,
            "label": word(f"overview.{name}", lang),
            "value": value,
            "text": _text(name, value, lang, currency),
            "unit": (currency or "") if name in ("value", "per_customer") else "",
            "how": _how(name, asked, lang, chosen_by),
            "change": _change(value, then.numbers[name]) if known_before else None,
            "change_text": change_text(_change(value, then.numbers[name]), lang) if known_before else "",
        }
        for name, value in now.numbers.items()
    ]
    line, dashed = now.series(step), then.series(step)
    days = [(period.start + timedelta(days=i)).isoformat() for i in range(0, period.days, step)]
    series = {
        name: [
            {"day": day, "value": value, "before": old if known_before else None}
            for day, value, old in zip(days, line[name], dashed[name], strict=True)
        ]
        for name in line
    }
    return {
        "state": "ok",
        "sentence": _sentence(now, then if known_before else None, registry, lang),
        "numbers": numbers,
        "series": series,
        "step_days": step,
        "lists": _lists(inside, asked, registry, workspace.settings.stage_model, lang),
        "undiscovered": [{"name": name, "events": count} for name, count, _ in undiscovered(inside, registry)],
        "stage_model": workspace.settings.stage_model,
        "window": window,
    }


def _how(name: str, asked: Answer, lang: str, chosen_by: dict[str, str]) -> dict[str, Any]:
    """How a number was computed: in words, the question whose answer holds it, its days and its filter."""
    said = word(f"overview.how.{name}", lang)
    question = {"question": "reach"}
    return {"sentence": said, "question": question, "parameters": chosen_by, "snapshot": asked.snapshot}


def _goals(journeys: Journeys, registry: Registry, goals: Sequence[str]) -> Any:
    """Which touchpoints count as a purchase, by their own names or others that the registry knows for them."""
    found = [registry.find(name) for name in journeys.touchpoints]
    named = zip(journeys.touchpoints, found, strict=True)
    return np.asarray([name in goals or (known is not None and known.id in goals) for name, known in named], bool)


def _currencies(journeys: Journeys, goals: Any) -> list[str]:
    """The currencies of the purchases' values; two of them are never added."""
    if "currency" not in journeys.columns:
        return []
    column = journeys.column("currency")
    valued = goals[journeys.touchpoint] & (journeys.value != NO_VALUE)
    counts = np.bincount(column.codes[valued], minlength=len(column.names)).tolist()
    return [name or "" for name, count in zip(column.names, counts, strict=True) if count]


def _text(name: str, value: float | None, lang: str, currency: str) -> str:
    if value is None:
        return "–"
    if name == "value":
        return f"{number(value, lang, 0 if abs(value) >= CENTS_BELOW else 2)} {currency}".strip()
    if name == "per_customer":
        return f"{number(value, lang, 2)} {currency}".strip()
    return number(value, lang)


def _sentence(now: _Sums, then: _Sums | None, registry: Registry, lang: str) -> str:
    inside, period = now.journeys, now.period
    name = "purchases" if now.numbers["purchases"] else "events"
    main = now.numbers[name] or 0
    day = (period.end.toordinal() - date(1970, 1, 1).toordinal()) * DAY_US
    change = _change(main, then.numbers[name]) if then else None
    days = number(period.days, lang)
    against = ""
    if change is not None:
        against = word("overview.sentence.change", lang, change=change_text(change, lang), days=days)
    counts = {"count": number(main, lang), "customers": number(len(inside), lang)}
    until = day_text(day, lang)
    pieces = [word(f"overview.sentence.{name}", lang, days=days, until=until, change=against, **counts)]
    firsts = np.bincount(inside.touchpoint[inside.offsets[:-1]], minlength=len(inside.touchpoints))
    top = int(firsts.argmax())
    pieces.append(
        word(
            "overview.sentence.entry",
            lang,
            name=label(registry, inside.touchpoints[top], lang),
            share=percent(float(firsts[top]) / len(inside), lang),
        )
    )
    return " ".join(pieces)


def label(registry: Registry, name: str, lang: str) -> str:
    """What people call a touchpoint: the catalogue's title, or its name in the data."""
    found = registry.find(name)
    return say(found.title, lang) if found else name


def _lists(inside: Journeys, wide: Answer, registry: Registry, model: str, lang: str) -> list[dict[str, Any]]:
    channels = {channel.id: say(channel.title, lang) for channel in registry.channels}
    found = []
    if "channel" in inside.columns:
        found.append(("channels", _by_code(inside, inside.column("channel"), channels)))
    names = {name: label(registry, name, lang) for name in inside.touchpoints}
    first = Column(inside.touchpoint[inside.offsets[:-1]].astype(np.int64) + 1, (None, *inside.touchpoints))
    entries = np.bincount(first.codes, minlength=len(first.names))
    found.append(("entries", [(n, names[n], int(c)) for n, c in zip(first.names, entries, strict=True) if n and c]))
    counts = zip(wide.column("touchpoint"), wide.column("journeys"), strict=True)
    found.append(("touchpoints", [(name, names[name], count) for name, count in counts if count]))
    titles = {stage.id: say(stage.title, lang) for stage in registry.model(model).stages}
    staged = [
        (row["stage"], titles[row["stage"]], row["journeys"])
        for row in stages(inside, model=model, registry=registry).rows()
        if row["kind"] == "stage"
    ]
    found.append(("stages", staged))
    n = len(inside)
    lists = []
    for kind, rows in found:
        ranked = rows if kind == "stages" else sorted(rows, key=lambda row: (-row[2], row[1]))[:ROWS]
        shown = [
            {
                "name": name,
                "label": title,
                "value": count,
                "share": count / n,
                "text": number(count, lang),
                "where": f"{FILTERED[kind]} = {_quoted(name)}" if kind in FILTERED else None,
            }
            for name, title, count in ranked
        ]
        lists.append({"id": kind, "title": word(f"overview.{kind}", lang), "rows": shown})
    return lists


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _by_code(journeys: Journeys, column: Column, titles: Mapping[str, str]) -> list[tuple[str, str, int]]:
    """How many journeys have each text of a column."""
    owner = np.repeat(np.arange(len(journeys)), np.diff(journeys.offsets))
    pairs = distinct(column.codes.astype(np.int64) * len(journeys) + owner) // max(1, len(journeys))
    counts = np.bincount(pairs, minlength=len(column.names)).tolist()
    return [
        (name, titles.get(name, name), count)
        for name, count in zip(column.names, counts, strict=True)
        if name and count
    ]
