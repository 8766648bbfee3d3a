"""Captions of break-downs: the best and the worst group with their numbers, one sentence or two.

Unit of count: that of the question. Groups of fewer than 30 cases are named only where no two others have as many; that
intervals overlap is said, why groups differ never.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from etappe.analysis.answer import MIN_N, Answer
from etappe.analysis.show import path_text
from etappe.language import duration, has_word, number, percent, word

Rows = list[dict[str, Any]]


def counted(key: str, lang: str, n: int, **values: object) -> str:
    """A sentence about `n` of something; about one it may have words of its own, under `.one`."""
    named = f"{key}.one" if n == 1 and has_word(f"{key}.one") else key
    return word(named, lang, n=number(n, lang), **values)


def name_of(row: dict[str, Any], lang: str) -> str:
    """The name of a row's group."""
    return word("flow.none", lang) if row["group"] is None else str(row["group"])


class _Ends(NamedTuple):
    """The rows with the highest and the lowest value, and whether small groups are left out."""

    best: dict[str, Any]
    worst: dict[str, Any]
    small: bool


def _ends(rows: Rows, value: str, base: str) -> _Ends | None:
    """The ends of the rows; none where there are no two to compare."""
    some = [row for row in rows if row[value] is not None and row[base]]
    sure = [row for row in some if row[base] >= MIN_N]
    compared = sure if len(sure) > 1 else some
    if len(compared) < 2:
        return None
    best, worst = max(compared, key=lambda row: row[value]), min(compared, key=lambda row: row[value])
    return _Ends(best, worst, len(compared) < len(some))


def _told(best: dict[str, Any], worst: dict[str, Any], base: str, lang: str) -> dict[str, str]:
    names = {"best": name_of(best, lang), "worst": name_of(worst, lang)}
    return {**names, "best_n": number(best[base], lang), "worst_n": number(worst[base], lang)}


def _noted(said: str, ends: _Ends, lang: str) -> str:
    """The sentence, with what it leaves out."""
    return f"{said} {word('explore.caption.group.small', lang, n=number(MIN_N, lang))}" if ends.small else said


def _shares(said: str, ends: _Ends, lang: str) -> str:
    """The sentence, and whether the intervals of the two overlap."""
    low, high = ends.best.get("low"), ends.worst.get("high")
    if low is not None and high is not None and low <= high:
        said = f"{said} {word('explore.caption.group.overlap', lang)}"
    return _noted(said, ends, lang)


def _funnel(found: Answer, lang: str) -> str | None:
    rows = found.rows()
    last = max(row["position"] for row in rows)
    if last == 1:
        return None
    entered = {row["group"]: row["reached"] for row in rows if row["position"] == 1}
    first = next(row["step"] for row in rows if row["position"] == 1)
    if not any(entered.values()):
        return word("explore.caption.funnel.none", lang, step=first)
    ends = _ends(
        [row | {"entered": entered[row["group"]]} for row in rows if row["position"] == last], "conversion", "entered"
    )
    if ends is None:
        return None
    best, worst, _ = ends
    if best["conversion"] == worst["conversion"]:
        return word("explore.caption.group.same", lang, value=percent(best["conversion"], lang))
    said = word(
        "explore.caption.group.funnel", lang, **_told(best, worst, "entered", lang), first=first, last=best["step"],
        high=percent(best["conversion"], lang), low=percent(worst["conversion"], lang),
    )  # fmt: skip
    return _shares(said, ends, lang)


def _retention(found: Answer, lang: str) -> str | None:
    question: Any = found.question
    ends = _ends([row for row in found.rows() if row["cohort"] is None and row["period"] == 1], "share", "size")
    if ends is None:
        return None
    best, worst, _ = ends
    if best["share"] == worst["share"]:
        return word("explore.caption.group.same", lang, value=percent(best["share"], lang))
    said = word(
        "explore.caption.group.retention", lang, **_told(best, worst, "size", lang),
        high=percent(best["share"], lang), low=percent(worst["share"], lang),
        time=word(f"explore.unit.{question.period}.one", lang),
    )  # fmt: skip
    return _shares(said, ends, lang)


def _variants(found: Answer, lang: str) -> str | None:
    first: dict[Any, dict[str, Any]] = {}
    for row in found.rows():
        first.setdefault(row["group"], row)
    ends = _ends(list(first.values()), "share", "group_n")
    if ends is None:
        return None
    best, worst, _ = ends
    said = word(
        "explore.caption.group.variants", lang, **_told(best, worst, "group_n", lang),
        high=percent(best["share"], lang), low=percent(worst["share"], lang),
        best_path=path_text(best["path"], 40), worst_path=path_text(worst["path"], 40),
    )  # fmt: skip
    return _noted(said, ends, lang)


def _timing(found: Answer, lang: str) -> str | None:
    question: Any = found.question
    curves: dict[Any, Rows] = {}
    for row in found.rows():
        curves.setdefault(row["group"], []).append(row)
    rows = [{**curve[0], "n": curve[0]["at_risk"]} for curve in curves.values()]
    told = {"start": question.start, "end": question.end}
    ends = _ends(rows, "median_us", "n")
    if ends is not None:
        slow, fast, _ = ends
        times = {"fast": duration(fast["median_us"], lang), "slow": duration(slow["median_us"], lang)}
        said = word("explore.caption.group.timing", lang, **_told(fast, slow, "n", lang), **told, **times)
        never = ", ".join(name_of(row, lang) for row in rows if row["median_us"] is None)
        said = f"{said} {word('explore.caption.group.timing.few', lang, groups=never)}" if never else said
        return _noted(said, ends, lang)
    # Less than half arrive: their shares at the last moment that all curves reach.
    until = min((curve[-1]["time_us"] for curve in curves.values()), default=0)
    for row, curve in zip(rows, curves.values(), strict=True):
        row["arrived"] = 1 - next(one for one in reversed(curve) if one["time_us"] <= until)["remaining"]
    ends = _ends(rows, "arrived", "n")
    if ends is None:
        return None
    best, worst, _ = ends
    said = word(
        "explore.caption.group.arrived", lang, **_told(best, worst, "n", lang), **told, time=duration(until, lang),
        high=percent(best["arrived"], lang), low=percent(worst["arrived"], lang),
    )  # fmt: skip
    return _noted(said, ends, lang)


def _sessions(found: Answer, lang: str) -> str | None:
    rows = [row | {"each": row["sessions"] / row["journeys"]} for row in found.rows() if row["journeys"]]
    ends = _ends(rows, "each", "journeys")
    if ends is None:
        return None
    most, least, _ = ends
    if most["each"] == least["each"]:
        return word("explore.caption.group.same", lang, value=number(most["each"], lang, 1))
    said = word(
        "explore.caption.group.sessions", lang, **_told(most, least, "journeys", lang),
        high=number(most["each"], lang, 1), low=number(least["each"], lang, 1),
    )  # fmt: skip
    return _noted(said, ends, lang)


def _friction(found: Answer, lang: str) -> str | None:
    # The place and the signal in which groups differ most: shares of different signals are not compared.
    some: dict[tuple[str, str], Rows] = {}
    for row in found.rows():
        some.setdefault((row["touchpoint"], row["signal"]), []).append(row)
    pairs = [pair for rows in some.values() if (pair := _ends(rows, "share", "base")) is not None]
    ends = max(pairs, key=lambda pair: pair.best["share"] - pair.worst["share"], default=None)
    if ends is None:
        return None
    best, worst, _ = ends
    if best["share"] == worst["share"]:
        return word("explore.caption.group.same", lang, value=percent(best["share"], lang))
    said = word(
        "explore.caption.group.friction", lang, **_told(best, worst, "base", lang), touchpoint=best["touchpoint"],
        signal=word(f"ui.explore.signal.{best['signal']}", lang), high=percent(best["share"], lang),
        low=percent(worst["share"], lang),
    )  # fmt: skip
    return _shares(said, ends, lang)


GROUPED: Final[dict[str, Callable[[Answer, str], str | None]]] = {
    "friction": _friction,
    "funnel": _funnel,
    "retention": _retention,
    "sessions": _sessions,
    "timing": _timing,
    "variants": _variants,
}
"""What is said of the groups of a question; none where no two can be compared."""
