"""Captions: the main finding of an answer as one sentence, German or English; it says what is counted, never why.

Unit of count: said in each sentence; where nothing was found, the sentence says so.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any, Final

from etappe.analysis.answer import MIN_N, Answer
from etappe.analysis.attribution import ELSEWISE
from etappe.analysis.show import path_text
from etappe.analysis.touches import NONE
from etappe.apps.group_captions import GROUPED, counted
from etappe.language import duration, number, percent, word


def _most(rows: list[dict[str, Any]], side: str) -> tuple[str | None, int, int]:
    """The touchpoint on a side of these links with the most journeys, how many they are, and how many in all."""
    sums: Counter[str] = Counter()
    for row in rows:
        if row[f"{side}_kind"] == "touchpoint":
            sums[row[side]] += row["count"]
    best = max(sums, key=lambda name: sums[name], default=None)
    return best, sums[best] if best is not None else 0, sum(row["count"] for row in rows)


def _gone(rows: list[dict[str, Any]]) -> int:
    """Journeys that end here."""
    return sum(row["count"] for row in rows if row["to_kind"] == "exit")


def _funnel(found: Answer, lang: str) -> str:
    rows = found.rows()
    first, last = rows[0], rows[-1]
    entered = first["reached"]
    if not entered:
        return word("explore.caption.funnel.none", lang, step=first["step"])
    if len(rows) == 1:
        share = percent(entered / found.n, lang) if found.n else "–"
        return counted("explore.caption.funnel.alone", lang, entered, step=first["step"], share=share)
    said = counted(
        "explore.caption.funnel", lang, entered, share=percent(last["conversion"], lang), first=first["step"],
        last=last["step"],
    )  # fmt: skip
    # Who may still arrive is not lost.
    lost = [a["dropped"] if a.get("dropped") is not None else a["reached"] - b["reached"] for a, b in pairwise(rows)]
    worst = max(range(len(lost)), key=lambda i: lost[i])
    if lost[worst] <= 0 or len(rows) == 2:
        return said
    share = percent(lost[worst] / rows[worst]["reached"], lang)
    loss = word(
        "explore.caption.funnel.loss", lang, step=rows[worst]["step"], next=rows[worst + 1]["step"],
        lost=number(lost[worst], lang), reached=number(rows[worst]["reached"], lang), share=share,
    )  # fmt: skip
    return f"{said} {loss}"


def _flow(found: Answer, lang: str) -> str:
    question: Any = found.question
    rows = [row for row in found.rows() if row["step"] == 1]
    if not rows:
        return word("explore.caption.flow.none", lang)
    if question.end is not None:
        best, count, whole = _most(rows, "from")
        if best is None:
            return counted("explore.caption.flow.first", lang, whole, end=question.end)
        share = percent(count / whole, lang)
        return counted("explore.caption.flow.back", lang, whole, before=best, share=share, end=question.end)
    if question.start is None:
        best, count, whole = _most(rows, "to")
        if best is None or question.depth < 2:
            return counted("explore.caption.flow.short", lang, whole)
        ends = _gone([row for row in found.rows() if row["step"] == 2]) / whole
        values = {"share": percent(count / whole, lang), "ends": percent(ends, lang)}
        return counted("explore.caption.flow", lang, whole, first=best, **values)
    best, count, whole = _most(rows, "to")
    values = {"start": question.start, "ends": percent(_gone(rows) / whole, lang)}
    if best is None:
        return counted("explore.caption.flow.last", lang, whole, **values)
    return counted("explore.caption.flow.on", lang, whole, after=best, share=percent(count / whole, lang), **values)


def way_text(row: Mapping[str, Any], lang: str, most: int = 120) -> str:
    """The way of a tree's row, its end in words."""
    path, kind = str(row["path"]), str(row["kind"])
    if kind == "touchpoint":
        return path_text(path, most)
    said = word(f"flow.{kind}", lang)
    if not path:
        return said
    # Backward it is the first that is no touchpoint, forward the last.
    if path.startswith(f"{kind} > "):
        return path_text(f"{said}{path[len(kind) :]}", most)
    return path_text(f"{path[: -len(kind)]}{said}", most)


def _tree(found: Answer, lang: str) -> str:
    rows = found.rows()
    parents = {row["parent"] for row in rows}
    leaves = [row for row in rows if row["node"] not in parents and row["kind"] != "other" and row["parent"] >= 0]
    if not leaves:
        return word("explore.caption.tree.none", lang)
    best = max(leaves, key=lambda row: row["journeys"])
    # The noun stands behind the whole.
    key = "explore.caption.tree.one" if rows[0]["journeys"] == 1 else "explore.caption.tree"
    return word(
        key, lang, path=way_text(best, lang, 80), n=number(best["journeys"], lang),
        whole=number(rows[0]["journeys"], lang), share=percent(best["share"], lang),
    )  # fmt: skip


def _variants(found: Answer, lang: str) -> str:
    rows = found.rows()
    if not rows:
        return word("explore.caption.variants.none", lang)
    if found.denominators["variants"] == 1:
        n = found.denominators["journeys"]
        return counted("explore.caption.variants.alone", lang, n, path=path_text(rows[0]["path"], 60))
    return word(
        "explore.caption.variants", lang, path=path_text(rows[0]["path"], 60), share=percent(rows[0]["share"], lang),
        n=number(found.denominators["journeys"], lang), top=number(len(rows), lang),
        cumulative=percent(rows[-1]["cumulative"], lang), variants=number(found.denominators["variants"], lang),
    )  # fmt: skip


def _sessions(found: Answer, lang: str) -> str:
    row = found.rows()[0]
    if not row["sessions"]:
        return word("explore.caption.sessions.none", lang)
    middle = row.get("median_us")
    return word(
        "explore.caption.sessions", lang, sessions=number(row["sessions"], lang),
        each=number(row["sessions"] / row["journeys"], lang, 1), length=number(row["mean_length"], lang, 1),
        time="–" if middle is None else duration(middle, lang),
    )  # fmt: skip


def _reach(found: Answer, lang: str) -> str:
    rows = found.rows()
    if not rows:
        return word("explore.caption.reach.none", lang)
    best = max(rows, key=lambda row: row["journeys"])
    return word(
        "explore.caption.reach", lang, touchpoint=best["touchpoint"], share=percent(best["share"] or 0, lang),
        n=number(best["journeys"], lang),
    )  # fmt: skip


def _retention(found: Answer, lang: str) -> str:
    question: Any = found.question
    means = [row for row in found.rows() if row["cohort"] is None and row["size"]]
    after = [row for row in means if row["period"] >= 1]
    # The latest periods rest on the earliest cohorts alone; where others rest on enough journeys, these are told of.
    after = [row for row in after if row["size"] >= MIN_N] or after
    if not after:
        return word("explore.caption.retention.none", lang)

    def told(row: dict[str, Any]) -> dict[str, str]:
        count = int(row["period"])
        unit = f"explore.unit.{question.period}.{'one' if count == 1 else 'other'}"
        return {"share": percent(row["share"], lang), "time": word(unit, lang, count=number(count, lang))}

    said = counted("explore.caption.retention", lang, after[0]["size"], **told(after[0]))
    return said if len(after) == 1 else f"{said} {word('explore.caption.retention.later', lang, **told(after[-1]))}"


def _attribution(found: Answer, lang: str) -> str:
    question: Any = found.question
    label = question.row_label()
    rows = [row for row in found.rows() if row[label] != NONE and row["share"] is not None]
    models = list(dict.fromkeys(row["model"] for row in rows))
    count = found.denominators["conversions"]
    if not rows or not count:
        return word("explore.caption.attribution.none", lang, goal=question.goal)
    model = "linear" if "linear" in models else models[0]
    best = max((row for row in rows if row["model"] == model), key=lambda row: row["share"])
    told = {"name": best[label], "goal": question.goal, "model": word(f"ui.explore.model.{model}", lang)}
    said = counted("explore.caption.attribution", lang, count, share=percent(best["share"], lang), **told)
    held = [row["share"] for row in rows if row[label] == best[label] and row["model"] not in ELSEWISE]
    if len(models) == 1:
        return said
    ends = {"low": percent(min(held), lang), "high": percent(max(held), lang)}
    return f"{said} {word('explore.caption.attribution.models', lang, **ends)}"


def _friction(found: Answer, lang: str) -> str:
    rows = found.rows()
    if not rows:
        return word("explore.caption.friction.none", lang)
    worst = max((row for row in rows if row["touchpoint"] == rows[0]["touchpoint"]), key=lambda row: row["share"] or 0)
    return counted(
        "explore.caption.friction", lang, worst["base"], touchpoint=worst["touchpoint"],
        share=percent(worst["share"] or 0, lang), signal=word(f"ui.explore.signal.{worst['signal']}", lang),
    )  # fmt: skip


def _opportunities(found: Answer, lang: str) -> str:
    question: Any = found.question
    rows = [row for row in found.rows() if row["loss_low"] is not None and row["loss_low"] > 0]
    if not rows:
        return word("explore.caption.opportunities.none", lang, goal=question.goal)
    first = rows[0]
    signal = word(f"ui.explore.signal.{first['signal']}", lang)
    return counted(
        "explore.caption.opportunities", lang, first["journeys"], touchpoint=first["touchpoint"],
        loss=number(first["loss"], lang), signal=signal, goal=question.goal,
    )  # fmt: skip


def _timing(found: Answer, lang: str) -> str:
    question: Any = found.question
    rows = found.rows()
    n = found.denominators["journeys"]
    told = {"start": question.start, "end": question.end}
    if not rows or not n:
        return word("explore.caption.timing.none", lang, **told)
    middle = rows[0]["median_us"]
    if middle is not None:
        return counted("explore.caption.timing", lang, n, time=duration(middle, lang), **told)
    last = rows[-1]
    told |= {"share": percent(1 - last["remaining"], lang), "time": duration(last["time_us"], lang)}
    return counted("explore.caption.timing.few", lang, n, **told)


def _conformance(found: Answer, lang: str) -> str:
    """How many go as planned, and what most often deviates."""
    rows = found.rows()
    whole, planned = rows[0], rows[1]
    if not whole["journeys"]:
        return word("explore.caption.conformance.none", lang)
    told = next((row for row in rows[2:] if row["deviation"] != "open"), None)
    said = ""
    if planned["base"]:
        said = counted(
            "explore.caption.conformance", lang, planned["base"], share=percent(planned["share"], lang),
            fitness=percent(whole["fitness"], lang),
        )  # fmt: skip
    if told is None:
        return said or counted("explore.caption.conformance.open", lang, whole["journeys"])
    most = word(
        "explore.caption.conformance.most", lang, step=told["step"], share=percent(told["share"], lang),
        deviation=word(f"answer.deviation.{told['deviation']}", lang),
    )  # fmt: skip
    return f"{said} {most}".strip()


SAID: Final[dict[str, Callable[[Answer, str], str]]] = {
    "attribution": _attribution,
    "conformance": _conformance,
    "flow": _flow,
    "friction": _friction,
    "funnel": _funnel,
    "opportunities": _opportunities,
    "reach": _reach,
    "retention": _retention,
    "sessions": _sessions,
    "timing": _timing,
    "tree": _tree,
    "variants": _variants,
}


def caption(found: Answer, lang: str) -> str:
    """The main finding of an answer, one sentence or two; a break-down or another question says its base."""
    kind = str(found.question.__struct_config__.tag)
    if kind in SAID and "group" not in found.table.column_names:
        return SAID[kind](found, lang)
    if kind in GROUPED:
        return GROUPED[kind](found, lang) or word("explore.caption.group.none", lang)
    title = word(f"answer.title.{kind}", lang)
    rows = counted("explore.caption.rows", lang, len(found))
    return counted("explore.caption.any", lang, found.n, title=title, rows=rows)
