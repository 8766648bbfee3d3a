"""Signals: where a journey shows friction, a bit for each signal at each touch; friction and opportunities count them.

Every signal looks ahead from a touch, within its journey:
exit       the journey's last touch, where it never reached the goal
loop       the first of three or more touches of the same touchpoint in a row
u-turn     at B in A, B, A: back to where it came from after at most `dwell`
back-step  the next touch is of another touchpoint that was touched before, and this is no u-turn
long-wait  the pause until the next touch is longer than `slow`
error      one of the next `near` touches is of a touchpoint in `errors`
support    a later touch, at most `within` away, is of a touchpoint in `support`
low-score  the first score given here or later, at most `within` away, is `low_score` or less
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from etappe.analysis.answer import Caution, Question, caution
from etappe.analysis.kernel import arrays_of, kernel, plain
from etappe.arrays import Int, over_parts
from etappe.errors import BadQuestion, unknown
from etappe.journeys.columns import Journeys
from etappe.units import UNITS_US, duration_us

SIGNALS: Final = ("exit", "loop", "u-turn", "back-step", "long-wait", "error", "support", "low-score")
EXIT, LOOP, U_TURN, BACK_STEP, LONG_WAIT, ERROR, SUPPORT, LOW_SCORE = (1 << bit for bit in range(8))
SCORED: Final = 1 << 8
"""Not a signal: a score followed, so that it could have been low."""
GOAL_ROLE, ERROR_ROLE, SUPPORT_ROLE = 1, 2, 4
NO_SCORE, GOOD, LOW = 0, 1, 2
ROUNDED_US: Final = tuple((UNITS_US[above], UNITS_US[unit]) for above, unit in (("d", "h"), ("h", "m"), ("s", "s")))
"""A measured limit above a day is rounded up to hours, above an hour to minutes, above a second to seconds."""
PAIRS: Final = 256
"""Up to so many touchpoints every pair has a number of its own; beyond, those that occur are numbered."""


class Signals(Question, frozen=True, kw_only=True):
    """What counts as friction."""

    per: Literal["touchpoint", "transition"] = "touchpoint"
    """A row for each touchpoint, or for each transition to the next."""
    goal: str | None = None
    """Who reached this touchpoint has not left at the end of the journey."""
    errors: tuple[str, ...] = ()
    """Touchpoints that are errors."""
    support: tuple[str, ...] = ()
    """Touchpoints that are a complaint or a contact with support."""
    score: str | None = None
    """A column over touchpoints with the scores that people give."""
    low_score: float = 6.0
    """So much or less is a low score; 6 is the detractors' upper end on a scale from 0 to 10."""
    slow: str | None = None
    """A longer pause than this is a long wait; by default the 90th percentile of all pauses."""
    dwell: str = "30s"
    """Who turns back after at most this long has made a u-turn."""
    near: int = 3
    """An error among so many next touches counts."""
    within: str = "7d"
    """A contact with support, or a score, up to so much later counts."""


@kernel
def _flags(
    offsets: Int, time_us: Int, touchpoint: NDArray[Any], role: NDArray[np.uint8], score: NDArray[np.uint8],
    limits: Int, stop: bool, flags: NDArray[np.uint16], first: int, last: int,
) -> None:  # fmt: skip
    """The signals of each touch, as bits; with `stop` a journey ends with its first goal. O(t)."""
    dwell, slow, near, within = limits
    seen = np.full(len(role), -1, np.int64)
    for c in range(first, last):
        codes = touchpoint[offsets[c] : offsets[c + 1]]
        times = time_us[offsets[c] : offsets[c + 1]]
        out = flags[offsets[c] : offsets[c + 1]]
        reached = False
        m = len(codes)
        for i in range(m):
            if role[codes[i]] & GOAL_ROLE:
                reached = True
                if stop:
                    m = i + 1
                break
        for i in range(m):
            found = 0
            seen[codes[i]] = c
            if i + 1 < m:
                pause = times[i + 1] - times[i]
                if pause > slow:
                    found |= LONG_WAIT
                if codes[i + 1] == codes[i]:
                    if i + 2 < m and codes[i + 2] == codes[i] and (i == 0 or codes[i - 1] != codes[i]):
                        found |= LOOP
                elif seen[codes[i + 1]] == c:
                    turned = i > 0 and codes[i - 1] == codes[i + 1] and pause <= dwell
                    found |= U_TURN if turned else BACK_STEP
            elif not reached:
                found |= EXIT
            out[i] = found
        error, support, scored = -1, -1, -1
        for i in range(m - 1, -1, -1):
            if error >= 0 and error - i <= near:
                out[i] |= ERROR
            if support >= 0 and times[support] - times[i] <= within:
                out[i] |= SUPPORT
            if len(score) > 0:
                if score[offsets[c] + i] != NO_SCORE:
                    scored = i
                if scored >= 0 and times[scored] - times[i] <= within:
                    out[i] |= SCORED
                    if score[offsets[c] + scored] == LOW:
                        out[i] |= LOW_SCORE
            if role[codes[i]] & ERROR_ROLE:
                error = i
            if role[codes[i]] & SUPPORT_ROLE:
                support = i


@dataclass(frozen=True)
class Seen:
    """The signals of each touch, and for each touch the row that it counts for (-1: none)."""

    flags: NDArray[np.uint16]
    keys: NDArray[Any]
    role: NDArray[np.uint8]
    """Which touchpoints are the goal, an error, support: bits."""
    scored: NDArray[np.bool_]
    """Where a score is given; empty where none is asked for."""
    rows: list[tuple[str, ...]]
    """What a key stands for: a touchpoint, or two."""
    asked: list[int]
    """Positions in SIGNALS of those that can occur."""
    said: tuple[Caution, ...]


def _scores(journeys: Journeys, question: Signals, where: str) -> NDArray[np.uint8]:
    if question.score is None:
        return np.empty(0, np.uint8)
    column = journeys.column(question.score, f"{where}: score")
    verdict = np.zeros(len(column.names), np.uint8)
    for code, name in enumerate(column.names):
        if name is not None:
            try:
                verdict[code] = LOW if float(name) <= question.low_score else GOOD
            except ValueError:
                what = f"{question.score!r} holds {name!r}, which is no number."
                raise BadQuestion(f"{where}: score", what, "Choose a column of numbers.") from None
    return plain(verdict[column.codes])


@kernel
def _histogram(offsets: Int, time_us: Int, first: int, last: int) -> Int:
    """How many pauses there are in each of 256 buckets that rise with their length. O(t)."""
    found = np.zeros(256, np.int64)
    for c in range(first, last):
        times = time_us[offsets[c] : offsets[c + 1]]
        for i in range(1, len(times)):
            found[(np.int64(np.float32(times[i] - times[i - 1] + 1).view(np.int32)) >> 21) - (127 << 2)] += 1
    return found


@kernel
def _collect(offsets: Int, time_us: Int, bucket: int, count: int, first: int, last: int) -> Int:
    """The pauses of a bucket, `count` of them. O(t)."""
    out = np.empty(count, np.int64)
    at = 0
    for c in range(first, last):
        times = time_us[offsets[c] : offsets[c + 1]]
        for i in range(1, len(times)):
            pause = times[i] - times[i - 1]
            if (np.int64(np.float32(pause + 1).view(np.int32)) >> 21) - (127 << 2) == bucket:
                out[at] = pause
                at += 1
    return out


def _slow(journeys: Journeys) -> int:
    """The 90th percentile of all pauses (nearest rank), rounded up to the unit below its own: 25 h to whole hours."""
    offsets, time_us, _ = arrays_of(journeys)
    counts = over_parts(offsets, lambda a, b: (a, _histogram(offsets, time_us, a, b)))
    reached = np.cumsum(sum((part for _, part in counts), np.zeros(256, np.int64)))
    if reached[-1] == 0:
        return 0
    rank = ceil(int(reached[-1]) * 9 / 10) - 1
    bucket = int(np.searchsorted(reached, rank, side="right"))
    held = {first: int(part[bucket]) for first, part in counts}
    pauses = np.concatenate(over_parts(offsets, lambda a, b: _collect(offsets, time_us, bucket, held[a], a, b)))
    rank -= int(reached[bucket - 1]) if bucket else 0
    found = int(np.partition(pauses, rank)[rank])
    unit = next((unit for above, unit in ROUNDED_US if found > above), 1)
    return -(-found // unit) * unit


@kernel
def _number(offsets: Int, touchpoint: NDArray[Any], k: int, out: NDArray[np.int32], first: int, last: int) -> Int:
    """Write the number of the pair that begins at each touch, k * k at a journey's last; how often each is. O(t)."""
    found = np.zeros(k * k + 1, np.int64)
    for c in range(first, last):
        codes = touchpoint[offsets[c] : offsets[c + 1]]
        mine = out[offsets[c] : offsets[c + 1]]
        for i in range(len(codes)):
            mine[i] = np.int64(codes[i]) * k + np.int64(codes[i + 1]) if i + 1 < len(codes) else k * k
            found[mine[i]] += 1
    return found


def _keys(journeys: Journeys, per: str) -> tuple[NDArray[Any], list[tuple[str, ...]]]:
    names = journeys.touchpoints
    k = len(names)
    offsets, _, touchpoint = arrays_of(journeys)
    if per == "touchpoint":
        return touchpoint, [(name,) for name in names]
    if k <= PAIRS:
        numbers = np.empty(journeys.events, np.int32)
        partials = over_parts(offsets, lambda a, b: _number(offsets, touchpoint, k, numbers, a, b))
        occurring = np.flatnonzero(sum(partials, np.zeros(k * k + 1, np.int64))[:-1])
        place = np.full(k * k + 1, -1, np.int32)
        place[occurring] = np.arange(len(occurring))
        return plain(place[numbers]), _pairs(occurring, names)
    pairs = np.full(journeys.events, -1, np.int64)
    pairs[:-1] = touchpoint[:-1].astype(np.int64) * k + touchpoint[1:]
    pairs[offsets[1:][np.diff(offsets) > 0] - 1] = -1
    occurring = np.unique(pairs[pairs >= 0])
    found = np.searchsorted(occurring, pairs).astype(np.int32)
    return plain(np.where(pairs < 0, np.int32(-1), found)), _pairs(occurring, names)


def _pairs(keys: Int, names: tuple[str, ...]) -> list[tuple[str, ...]]:
    return [(names[key // len(names)], names[key % len(names)]) for key in keys.tolist()]


def signals(journeys: Journeys, question: Signals, where: str, *, stop: bool = False) -> Seen:
    """Every touch with its signals; with `stop`, journeys end with their first goal. Refuses what cannot be asked."""
    offsets, time_us, touchpoint = arrays_of(journeys)
    role = np.zeros(max(1, len(journeys.touchpoints)), np.uint8)
    if question.goal is not None:
        role[journeys.code(question.goal, f"{where}: goal")] |= GOAL_ROLE
    for field, names, bit in (("errors", question.errors, ERROR_ROLE), ("support", question.support, SUPPORT_ROLE)):
        for i, name in enumerate(names):
            role[journeys.code(name, f"{where}: {field}[{i}]")] |= bit
    if question.near < 1:
        raise BadQuestion(f"{where}: near", f"{question.near} is not above zero.", "Ask for 1 or more.")
    dwell, within = duration_us(question.dwell, f"{where}: dwell"), duration_us(question.within, f"{where}: within")
    given = None if question.slow is None else duration_us(question.slow, f"{where}: slow")
    score = _scores(journeys, question, where)
    slow = _slow(journeys) if given is None else given
    limits = plain(np.array([dwell, slow, question.near, within], np.int64))
    flags = np.zeros(journeys.events, np.uint16)
    over_parts(
        offsets, lambda a, b: _flags(offsets, time_us, touchpoint, plain(role), score, limits, stop, flags, a, b)
    )
    can = {"error": bool(question.errors), "support": bool(question.support), "low-score": question.score is not None}
    can["exit"] = question.per == "touchpoint"
    asked = [bit for bit, name in enumerate(SIGNALS) if can.get(name, True)]
    keys, rows = _keys(journeys, question.per)
    said = (caution("slow-measured", slow_us=int(slow)),) if given is None and slow else ()
    return Seen(flags, keys, role, plain(score != NO_SCORE), rows, asked, said)


def named(rows: list[tuple[str, ...]], per: str) -> dict[str, list[str]]:
    """The columns that name rows: the touchpoint, and of a transition the next one."""
    found = {"touchpoint": [row[0] for row in rows]}
    return found if per == "touchpoint" else {**found, "to": [row[1] for row in rows]}


def place(seen: Seen, row: Mapping[str, Any], per: str, where: str) -> tuple[int, int]:
    """Key and bit of a row of an answer."""
    name = (row["touchpoint"],) if per == "touchpoint" else (row["touchpoint"], row["to"])
    if name not in seen.rows:
        raise unknown(f"{where}: row", per, " > ".join(name), [" > ".join(one) for one in seen.rows])
    if row["signal"] not in SIGNALS:
        raise unknown(f"{where}: row", "signal", str(row["signal"]), SIGNALS)
    return seen.rows.index(name), SIGNALS.index(row["signal"])
