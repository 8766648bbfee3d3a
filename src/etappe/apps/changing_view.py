"""Changing view: opportunities, effects, decisions, tasks and outcomes as plain data, every text in one language."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import msgspec

from etappe.act.tasks import counted, late
from etappe.apps.map_view import evidence_view
from etappe.apps.with_changes import Chance
from etappe.language import day, number, word
from etappe.maps.bound import SHOWN, Bound
from etappe.maps.effect import Effect
from etappe.maps.figures import amount, interval_text, n_text, signed, value_text
from etappe.maps.model import JourneyMap
from etappe.maps.outcomes import Outcome
from etappe.maps.periods import Period, change_text
from etappe.store.decisions import Decision
from etappe.store.tasks import Task, TaskStep
from etappe.units import MONEY, iso
from etappe.vocabulary import say


def chance_view(chance: Chance, lang: str, today: date) -> dict[str, Any]:
    """An opportunity with its numbers now, its effects and how many tasks it has."""
    one, m = chance.opportunity, chance.map
    value = _at_stake(chance.numbers, lang)
    return {
        "map": m.id,
        "map_title": say(m.title, lang),
        "id": one.id,
        "title": say(one.title, lang),
        "finding": say(one.finding, lang),
        "status": one.status,
        "status_text": status_text(one.status, lang),
        "impact": one.impact,
        "effort": one.effort,
        "owner": say(one.owner, lang),
        "started": one.started,
        "finished": one.finished,
        "dates_text": _dates(one.started, one.finished, lang),
        "numbers": [evidence_view(b, "measured", lang) | {"id": b.id} for b in chance.numbers],
        "value_text": value,
        "effects": [effect_view(effect, lang) for effect in chance.effects],
        "tasks": counted(chance.tasks, today),
    }


def status_text(status: str, lang: str) -> str:
    """The name of a status."""
    return word(f"ui.status.{status}", lang)


def _dates(started: str | None, finished: str | None, lang: str) -> str:
    if finished:
        return word("chance.finished", lang, day=day(finished, lang))
    return word("chance.started", lang, day=day(started, lang)) if started else ""


def _at_stake(numbers: Sequence[Bound], lang: str) -> str:
    """What goes missing, in money, where a question among the numbers says so."""
    for b in numbers:
        row = b.row or {}
        if b.state in SHOWN and row.get("loss") is not None and row.get("value") is not None and row["value"] > 0:
            return amount(row["value"] / MONEY, "money", lang, row.get("currency"))
    return ""


def effect_view(effect: Effect, lang: str) -> dict[str, Any]:
    """What has become of one number, with a sentence that says it."""
    after = effect.after.bound if effect.after else None
    return {
        "evidence": effect.evidence,
        "label": say(effect.label, lang),
        "state": effect.state,
        "text": effect_text(effect, lang),
        "why": say(effect.why, lang),
        "ready": effect.ready.isoformat() if effect.ready else None,
        "before": _period(effect.before, lang) if effect.before else None,
        "after": _period(effect.after, lang) if effect.after else None,
        "change": effect.change,
        "low": effect.low,
        "high": effect.high,
        "change_text": _change(effect.change, after, lang),
        "interval_text": _change_interval(effect.low, effect.high, after, lang),
        "verdict": effect.verdict,
        "verdict_text": word(f"effect.verdict.{effect.verdict}", lang) if effect.verdict else "",
        "cautions": [say(one, lang) for one in effect.cautions],
        "periods": [_period(period, lang) for period in effect.periods],
    }


def effect_text(effect: Effect, lang: str) -> str:
    """One sentence: from which value to which one, and whether that is more than chance."""
    if effect.state != "measured" or effect.before is None or effect.after is None:
        return say(effect.why, lang)
    a, b = effect.before.bound, effect.after.bound
    return word(
        "effect.sentence", lang, label=say(effect.label, lang), before=value_text(a, lang), after=value_text(b, lang),
        change=_change(effect.change, b, lang), verdict=word(f"effect.verdict.{effect.verdict}", lang),
    )  # fmt: skip


def _change(change: float | None, bound: Bound | None, lang: str) -> str:
    return change_text(change, bound)[lang] if change is not None and bound is not None else ""


def _change_interval(low: float | None, high: float | None, bound: Bound | None, lang: str) -> str:
    if low is None or high is None or bound is None:
        return ""
    start = signed(low, lang) if bound.unit == "percent" else change_text(low, bound)[lang]
    return word("effect.interval", lang, low=start, high=change_text(high, bound)[lang])


def _period(period: Period, lang: str) -> dict[str, Any]:
    b = period.bound
    shown = b.state in SHOWN
    return {
        "from": period.first.isoformat(),
        "to": period.last.isoformat(),
        "days_text": days_text(period.first, period.last, lang),
        "phase": period.phase,
        "value": b.value if shown else None,
        "text": value_text(b, lang),
        "low": b.low if shown else None,
        "high": b.high if shown else None,
        "interval_text": interval_text(b, lang),
        "n": b.n,
        "n_text": n_text(b, lang),
    }


def days_text(first: date, last: date, lang: str) -> str:
    """A period of days: "04.12.2017 – 31.12.2017"."""
    return f"{day(first.isoformat(), lang)} – {day(last.isoformat(), lang)}"


def portfolio_view(chances: Sequence[Chance], maps: Iterable[JourneyMap], lang: str, today: date) -> dict[str, Any]:
    """The opportunities of all maps, and a sentence about them."""
    rows = [chance_view(chance, lang, today) for chance in chances]
    return {
        "sentence": portfolio_text(rows, lang),
        "opportunities": rows,
        "maps": [{"id": m.id, "title": say(m.title, lang)} for m in maps],
    }


def portfolio_text(rows: Sequence[dict[str, Any]], lang: str) -> str:
    """How many opportunities there are, how far they are, and how many have shown to work."""
    if not rows:
        return word("chance.none", lang)
    done = [row for row in rows if row["status"] == "done"]
    verdicts = [{effect["verdict"] for effect in row["effects"]} for row in done]
    better = sum("better" in found and "worse" not in found for found in verdicts)
    counts = {"running": sum(row["status"] == "running" for row in rows), "done": len(done)}
    parts = [word(f"chance.{name}", lang, count=number(n, lang)) for name, n in counts.items() if n]
    said = word(f"chance.count.{'single' if len(rows) == 1 else 'many'}", lang, count=number(len(rows), lang))
    if parts:
        said += ": " + ", ".join(parts)
    if done:
        said += "; " + word(f"chance.better.{'some' if better else 'none'}", lang, count=number(better, lang))
    return f"{said}."


def task_view(task: Task, lang: str, today: date, titles: dict[tuple[str, str], str]) -> dict[str, Any]:
    """A task as a list shows it (personal)."""
    about = titles.get((task.map or "", task.opportunity or "")) or titles.get((task.map or "", ""))
    return {
        **msgspec.structs.asdict(task),
        "at": iso(task.at_us),
        "done": iso(task.done_us) if task.done_us is not None else None,
        "late": late(task, today),
        "due_text": word("task.due", lang, day=day(task.due, lang)) if task.due else "",
        "status_text": word(f"ui.task.status.{task.status}", lang),
        "about": about,
    }


def step_view(step: TaskStep, lang: str) -> dict[str, Any]:
    """One thing that has happened to a task, as a sentence (personal)."""
    before, after = (_said(step.field, text, lang) for text in (step.before, step.after))
    key = "made" if step.field == "made" else "changed"
    text = word(f"task.step.{key}", lang, field=word(f"task.field.{step.field}", lang), before=before or "–",
                after=after or "–")  # fmt: skip
    return {"at": iso(step.at_us), "author": step.author, "field": step.field, "text": text, "note": step.note}


def _said(field: str, text: str, lang: str) -> str:
    if field == "status" and text:
        return word(f"ui.task.status.{text}", lang)
    return day(text, lang) if field == "due" else text


def tasks_text(tasks: Sequence[Task], today: date, lang: str) -> str:
    """How many tasks are to do and how many of them are late."""
    counts = counted(tasks, today)
    to_do = counts["open"] + counts["doing"]
    if not tasks:
        return word("task.none", lang)
    if not to_do:
        return word("task.sentence.done", lang)
    key = "late" if counts["late"] else "in_time"
    return word(f"task.sentence.{key}", lang, count=number(to_do, lang), late=number(counts["late"], lang))


def decision_view(decision: Decision, titles: dict[tuple[str, str], str], lang: str) -> dict[str, Any]:
    """A decision as a sentence: what was decided about which opportunity, by whom and why (personal)."""
    title = titles.get((decision.map, decision.opportunity), decision.opportunity)
    key = "recorded" if not decision.before else "noted" if decision.before == decision.after else "changed"
    text = word(
        f"decision.{key}", lang, title=title, before=status_text(decision.before or "idea", lang),
        after=status_text(decision.after, lang),
    )  # fmt: skip
    return {
        **msgspec.structs.asdict(decision),
        "at": iso(decision.at_us),
        "title": title,
        "map_title": titles.get((decision.map, ""), decision.map),
        "text": text,
    }


def titles_of(maps: Iterable[JourneyMap], lang: str) -> dict[tuple[str, str], str]:
    """The titles of maps (with an empty second part) and of their opportunities."""
    found: dict[tuple[str, str], str] = {}
    for m in maps:
        found[m.id, ""] = say(m.title, lang)
        found |= {(m.id, one.id): say(one.title, lang) for one in m.opportunities}
    return found


def outcome_view(one: Outcome, lang: str) -> dict[str, Any]:
    """One benefit with its figure, as the board shows it."""
    b = one.now
    how = None
    if b.sentence:
        how = {"sentence": say(b.sentence, lang), "question": b.question and msgspec.to_builtins(b.question)}
    return {
        "benefit": one.benefit,
        "title": word(f"outcome.benefit.{one.benefit}", lang),
        "label": say(one.label, lang),
        "source": one.source,
        "state": b.state,
        "why": "" if b.state in SHOWN else say(b.why, lang) or word("map.none.window", lang),
        "text": value_text(b, lang),
        "value": b.value if b.state in SHOWN else None,
        "unit": b.unit,
        "n": b.n,
        "n_text": n_text(b, lang),
        "interval_text": interval_text(b, lang),
        "days_text": days_text(one.first, one.last, lang) if one.first and one.last else "",
        "change": one.change,
        "change_text": _change(one.change, b, lang),
        "change_interval_text": _change_interval(one.low, one.high, b, lang),
        "verdict": one.verdict,
        "verdict_text": word(f"effect.verdict.{one.verdict}", lang) if one.verdict else "",
        "target": one.target,
        "target_text": word("map.target", lang, value=amount(one.target, b.unit, lang, b.currency))
        if one.target is not None
        else "",
        "reached": one.reached,
        "periods": [_period(period, lang) for period in one.periods],
        "how": how,
    }


def outcomes_text(found: Sequence[Outcome], lang: str) -> str:
    """How many figures have become better or worse by more than chance explains, and how many cannot be measured."""
    counts = {
        "better": sum(one.verdict == "better" for one in found),
        "worse": sum(one.verdict == "worse" for one in found),
        "same": sum(one.verdict in ("unclear", "changed") for one in found),
        "alone": sum(one.verdict is None and one.now.state in SHOWN for one in found),
        "missing": sum(one.now.state not in SHOWN for one in found),
    }
    parts = [word(f"outcome.count.{name}", lang, count=number(n, lang)) for name, n in counts.items() if n]
    return word("outcome.sentence", lang, count=number(len(found), lang), parts=", ".join(parts))
