"""Plan: a planned journey, read from a text: its steps, and which of them may follow each other.

Steps stand in their order, joined by `->`: names as in a pattern (automaton.py), `[a b]`, `[a|b]` or `(a|b)` for one
step that any of several touchpoints is, `(a->b|c)` for several ways, and `?`, `+`, `*` after any of them. What is a
plan's own: after a step `within 7d`, the longest time since the step before it, and `via web` or `via [web app]`, the
channels it may be done in. `.`, `[^a]`, `^` and `$` are patterns' alone: a plan names its steps.

What no such text can say is said step by step: a `,` joins two steps that do not follow each other, and after `;`
stand further ways between steps, by their places: `a -> b, c -> d; 1 -> 3; 2 -> 4; 4 -> 1; ^ -> 2; 2 -> $`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from etappe.analysis.automaton import NAME, QUOTED, SIGN, Part, Reader
from etappe.arrays import Int
from etappe.errors import BadQuestion
from etappe.units import duration_us

FOREVER: Final = 2**62
FAR: Final = 2**30
"""No way leads there."""
WITHIN: Final = "within"
VIA: Final = "via"
BARE: Final = re.compile(r"\w(?:[\w:/.@#]|-(?!>))*")


@dataclass(frozen=True)
class PlanStep:
    """A step: any of its touchpoints is it."""

    name: str
    """Its touchpoints, joined by " | "; the second one of that name is "name #2"."""
    codes: frozenset[int]
    limit_us: int | None = None
    """The longest time since the step before it."""
    channels: tuple[str, ...] = ()
    """One of these; any where empty."""


@dataclass(frozen=True)
class Plan:
    """Steps, numbered from 1, and the ways between them; 0 is the start."""

    text: str
    steps: tuple[PlanStep, ...]
    after: tuple[frozenset[int], ...]
    """The steps that may follow the start and each step."""
    last: frozenset[int]
    """The steps after which the plan may end, and 0 where it may be nothing at all."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the steps."""
        return tuple(step.name for step in self.steps)


@dataclass(frozen=True)
class Ways:
    """A plan as tables for a kernel; rows and columns 0 are the start, and all times are microseconds."""

    skips: NDArray[np.int32]
    """(s+1, s+1) the fewest steps left out from one step to another; FAR where no way leads there."""
    allowed: Int
    """(s+1, s+1) how much later the other one may be: its limit and those of the steps left out; FOREVER without."""
    through: NDArray[np.int32]
    """(s+1, s+1) the first step left out on that way, 0 where there is none."""
    rest: NDArray[np.int32]
    """(s+1) the fewest steps left out from here to the end."""
    rest_through: NDArray[np.int32]
    waits: Int
    """(s+1) how long the next step may still come; -1 at an end, and where nothing says how long."""


@dataclass
class _Asks:
    """What a step asks for beside its touchpoints."""

    limit_us: int | None = None
    channels: tuple[str, ...] = ()


@dataclass
class _PlanReader(Reader):
    asks: list[_Asks] = field(default_factory=list)

    def peek(self) -> tuple[int, str, int, int]:
        rest = self.text[self.at :]
        here = self.at + len(rest) - len(rest.lstrip())
        if self.text[here : here + 1] == ";":
            return SIGN, ";", here, here + 1
        return super().peek()

    def item(self, codes: frozenset[int]) -> Part:
        self.asks.append(_Asks())
        return super().item(codes)

    def repeated(self) -> Part:
        """A step with its mark, then with what it asks for."""
        begin = len(self.items)
        part = super().repeated()
        seen: set[str] = set()
        while True:
            kind, word, here, end = self.peek()
            if kind != NAME or word not in (WITHIN, VIA):
                return part
            if len(self.items) - begin != 1:
                hint = "Write it at a step: (a -> b within 7d | c)."
                raise self.fault(f"{word!r} after several steps", hint, here)
            if word in seen:
                raise self.fault(f"{word!r} twice", "Write it once.", here)
            seen.add(word)
            self.at = end
            if word == WITHIN:
                kind, length, here, end = self.peek()
                place = f"{self.where} at position {here + 1} of {self.text!r}"
                self.asks[begin].limit_us = duration_us(length if kind == NAME else "", place)
                self.at = end
            else:
                self.asks[begin].channels = self.channels()

    def channels(self) -> tuple[str, ...]:
        """One channel, or several in brackets."""
        found = []
        if self.take("["):
            while (name := self.word()) is not None:
                found.append(name)
                if not self.take("|"):
                    self.take(",")
            self.need("]", "Write channels between [ and ], such as via [web app].")
        else:
            found = [name for name in (self.word(),) if name is not None]
        if not found:
            raise self.fault("expected a channel", "Write, for example, via web, or via [web app].")
        return tuple(found)

    def word(self) -> str | None:
        """A name of anything, if one comes next."""
        kind, text, _, end = self.peek()
        if kind not in (NAME, QUOTED):
            return None
        self.at = end
        return text.replace("''", "'") if kind == QUOTED else text

    def single(self) -> Part:
        kind, text, here, _ = self.peek()
        if kind == SIGN and text == ".":
            raise self.fault("'.' in a plan", "A plan names its steps; a pattern may hold any touchpoint.", here)
        begin = self.at
        if self.take("("):
            # Ways of one name each are one step: which of them is left out, nobody can know.
            codes: set[int] = set()
            while (code := self.name()) is not None:
                codes.add(code)
                if not self.take("|"):
                    break
            if len(codes) > 1 and self.take(")"):
                return self.item(frozenset(codes))
            self.at = begin
        return super().single()

    def several(self) -> frozenset[int]:
        kind, text, here, _ = self.peek()
        if kind == SIGN and text == "^":
            raise self.fault("'^' in a plan", "A plan names its steps: [a b].", here)
        return super().several()

    def place(self, *, first: bool) -> int:
        """A step by its place; the start (0) or the end (-1)."""
        sign, number = ("^", 0) if first else ("$", -1)
        if self.take(sign):
            return number
        kind, text, here, end = self.peek()
        if kind != NAME or not text.isdecimal() or not 1 <= int(text) <= len(self.items):
            hint = f"Steps have the places 1 to {len(self.items)}: write 1 -> 3, ^ -> 2 or 2 -> $."
            raise self.fault("expected the place of a step", hint, here)
        self.at = end
        return int(text)


def read_plan(text: str, names: Sequence[str], where: str = "plan") -> Plan:
    """A plan from its text; `names` are the touchpoints of the data.

    Raises
    ------
    BadQuestion
        It cannot be read, or a step of it can never be reached; the message has the position.
    UnknownName
        A name is no touchpoint; the message has the position and the nearest name.
    BadDuration
        A time limit has no unit.

    Examples
    --------
    >>> plan = read_plan("cart -> pay within 2h via web -> review?", ["cart", "pay", "review"])
    >>> plan.names, plan.steps[1].limit_us, sorted(plan.last)
    (('cart', 'pay', 'review'), 7200000000, [2, 3])
    """
    reader = _PlanReader(text, names, where)
    whole = part = reader.row()
    while reader.take(","):
        part = reader.row()
        whole = Part(whole.nothing and part.nothing, whole.first, part.last)
    after = [set(whole.first), *reader.follow]
    after = [{x + 1 for x in following} for following in after]
    last = {x + 1 for x in whole.last} | ({0} if whole.nothing else set())
    while reader.take(";"):
        one = reader.place(first=True)
        reader.need("->", "Write, for example, ; 1 -> 3.")
        other = reader.place(first=False)
        if other < 0:
            last.add(one)
        else:
            after[one].add(other)
    kind, rest, here, _ = reader.peek()
    if kind:
        hints = {"|": "Put alternatives in parentheses: (a|b).", ")": "There is no ( for it."}
        raise reader.fault(f"unexpected {rest!r}", hints.get(rest, "Join steps with ->."), here)
    steps: list[PlanStep] = []
    for codes, asks in zip(reader.items, reader.asks, strict=True):
        name = " | ".join(names[code] for code in sorted(codes))
        number = sum(step.codes == codes for step in steps) + 1
        steps.append(PlanStep(f"{name} #{number}" if number > 1 else name, codes, asks.limit_us, asks.channels))
    plan = Plan(text, tuple(steps), tuple(frozenset(following) for following in after), frozenset(last))
    _refuse_lost(plan, where)
    return plan


def _refuse_lost(plan: Plan, where: str) -> None:
    """Refuse steps that no way leads to, or from which none leads to the end."""
    reached, ending = {0}, set(plan.last)
    for _ in range(len(plan.steps)):
        reached |= {x for one in reached for x in plan.after[one]}
        ending |= {one for one, following in enumerate(plan.after) if following & ending}
    for number, step in enumerate(plan.steps, start=1):
        if number not in reached or number not in ending:
            way = "to step" if number not in reached else "to the end from step"
            hint = f"Add one, such as ; ^ -> {number}." if number not in reached else f"Add one: ; {number} -> $."
            raise BadQuestion(where, f"no way leads {way} {number} ({step.name!r}).", hint)


def ways_of(plan: Plan, wait_us: int | None = None) -> Ways:
    """The tables of a plan; `wait_us` is how long a step without a limit of its own is waited for.

    Of several ways with as few steps left out, the one that allows most time, then the first in the text.
    """
    size = len(plan.steps) + 1
    limits = [0, *(FOREVER if step.limit_us is None else step.limit_us for step in plan.steps)]
    skips = np.full((size, size), FAR, np.int32)
    allowed = np.full((size, size), FOREVER, np.int64)
    through = np.zeros((size, size), np.int32)
    rest, rest_through = np.full(size, FAR, np.int32), np.zeros(size, np.int32)
    for target in range(1, size):
        found = _backwards(plan, {one for one in range(size) if target in plan.after[one]}, limits, limits[target])
        for one, (left_out, late, first) in found.items():
            skips[one, target], allowed[one, target], through[one, target] = left_out, late, first
    for one, (left_out, _, first) in _backwards(plan, set(plan.last), limits, 0).items():
        rest[one], rest_through[one] = left_out, first
    allowed[0] = FOREVER  # no time is known before the first step
    waits = np.full(size, -1, np.int64)
    for one in range(size):
        if one not in plan.last:
            given = [plan.steps[x - 1].limit_us or wait_us for x in plan.after[one]]
            waits[one] = max((length for length in given if length is not None), default=-1)
    return Ways(skips, allowed, through, rest, rest_through, waits)


def _backwards(plan: Plan, near: set[int], limits: list[int], own: int) -> dict[int, tuple[int, int, int]]:
    """From each step: how many are left out, how much time that allows, and the first one left out."""
    found = dict.fromkeys(near, (0, own, 0))
    layer, left_out = near, 0
    while layer:
        left_out += 1
        reached: dict[int, tuple[int, int, int]] = {}
        for one, following in enumerate(plan.after):
            if one in found:
                continue
            for step in sorted(following & layer):
                late = min(FOREVER, limits[step] + found[step][1])
                if one not in reached or late > reached[one][1]:
                    reached[one] = (left_out, late, step)
        found |= reached
        layer = set(reached)
    return found


def quoted(name: str) -> str:
    """A name as a plan takes it, in quotes where it needs them.

    Examples
    --------
    >>> quoted("order"), quoted("add to cart")
    ('order', "'add to cart'")
    """
    bare = BARE.fullmatch(name) and name not in (WITHIN, VIA)
    return name if bare else "'" + name.replace("'", "''") + "'"
