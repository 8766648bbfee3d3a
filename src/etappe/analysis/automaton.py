"""Automaton: reads a pattern over touchpoints and makes the tables that a kernel runs over journeys.

Grammar: items joined by `->` (directly followed by); `^` before all is the start of the journey, `$` after all its end.
An item is a name, a 'quoted name' ('' is a quote), `.` (any touchpoint), `[a b]` or `[a|b]` (one of), `[^a b]` (none
of), or `(a->b|c)` (one of these ways), and may be followed by `*` (any number of times), `+` (at least once) or `?` (at
most once). A bare name holds letters, digits and _ - : / . @ #; any other is quoted.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from etappe.errors import BadQuestion, unknown

MOST: Final = 2000
"""States of an automaton; a pattern that needs more is refused."""
ITEMS: Final = 200
NESTED: Final = 50
"""Parentheses inside each other."""
_TOKEN: Final = re.compile(r"\s*(?:(->)|(\w(?:[\w:/.@#]|-(?!>))*)|'((?:[^']|'')*)'|([\[\]()*+?|.^$,]))")
ARROW, NAME, QUOTED, SIGN = 1, 2, 3, 4

State = frozenset[int]


@dataclass(frozen=True)
class Tables:
    """Two automata over classes of touchpoints, as flat tables: the next state is table[state + class].

    A state is the place where its row begins, so 0 is the dead state. States from `accept` on end a match.
    """

    classes: NDArray[np.uint16]
    """(k,) the class of each touchpoint code."""
    start: int
    accept: int
    table: NDArray[np.int32]
    search_start: int
    search_accept: int
    search: NDArray[np.int32]
    """Also begins anew at each touchpoint: tells where the last match ends. Empty where not needed, or too large."""
    at_start: bool
    at_end: bool


@dataclass(frozen=True)
class Part:
    """Glushkov's sets of a part: whether it may be nothing, and the items that it can begin and end with."""

    nothing: bool
    first: State
    last: State


@dataclass
class Reader:
    """Reads the language; a plan's (plan.py) adds to it."""

    text: str
    names: Sequence[str]
    where: str
    at: int = 0
    depth: int = 0
    items: list[frozenset[int]] = field(default_factory=list)
    """The touchpoint codes that each item takes."""
    follow: list[set[int]] = field(default_factory=list)
    """The items that may come directly after each item."""

    def __post_init__(self) -> None:
        self.codes = {name: code for code, name in enumerate(self.names)}
        self.every = frozenset(range(len(self.names)))

    def fault(self, what: str, hint: str, at: int | None = None) -> BadQuestion:
        """A refusal that points into the text."""
        place = (self.at if at is None else at) + 1
        return BadQuestion(self.where, f"{what} at position {place} of {self.text!r}.", hint)

    def peek(self) -> tuple[int, str, int, int]:
        """Kind, text, place and end of what comes next; kind 0 at the end."""
        match = _TOKEN.match(self.text, self.at)
        if match and match.lastindex:
            return match.lastindex, match[match.lastindex], match.start(match.lastindex), match.end()
        rest = self.text[self.at :]
        here = self.at + len(rest) - len(rest.lstrip())
        if here == len(self.text):
            return 0, "", here, here
        if self.text[here] == "'":
            raise self.fault("there is a quote without its end", "Write 'a name' with a quote on either side.", here)
        hint = f"Put a name with other characters in quotes: '{self.text[here]}…'."
        raise self.fault(f"unexpected {self.text[here]!r}", hint, here)

    def take(self, sign: str) -> bool:
        """Whether this sign comes next; then it is read."""
        kind, text, _, end = self.peek()
        found = kind in (ARROW, SIGN) and text == sign
        if found:
            self.at = end
        return found

    def need(self, sign: str, hint: str) -> None:
        """Refuse what is not this sign."""
        if not self.take(sign):
            _, text, here, _ = self.peek()
            raise self.fault(f"expected {sign!r}{f' before {text!r}' if text else ''}", hint, here)

    def name(self) -> int | None:
        """The code of a name, if one comes next."""
        kind, text, here, end = self.peek()
        if kind not in (NAME, QUOTED):
            return None
        told = text.replace("''", "'") if kind == QUOTED else text
        if told not in self.codes:
            # The place counts from 1, and a quote before the name is part of it.
            place = here + 1 - (kind == QUOTED)
            raise unknown(f"{self.where} at position {place} of {self.text!r}", "touchpoint", told, self.names)
        self.at = end
        return self.codes[told]

    def item(self, codes: frozenset[int]) -> Part:
        """An item that takes these touchpoints."""
        if len(self.items) == ITEMS:
            raise self.fault(f"more than {ITEMS} items", "Write a shorter pattern.")
        only = frozenset((len(self.items),))
        self.items.append(codes)
        self.follow.append(set())
        return Part(False, only, only)

    def join(self, one: Part, other: Part) -> Part:
        """One part, then the other."""
        for x in one.last:
            self.follow[x] |= other.first
        return Part(
            one.nothing and other.nothing,
            one.first | other.first if one.nothing else one.first,
            other.last | one.last if other.nothing else other.last,
        )

    def row(self) -> Part:
        """Items joined by arrows."""
        part = self.repeated()
        while self.take("->"):
            part = self.join(part, self.repeated())
        return part

    def times(self, part: Part, sign: str) -> Part:
        """The part any number of times, at least once, or at most once."""
        if sign != "?":
            for x in part.last:
                self.follow[x] |= part.first
        return Part(part.nothing or sign != "+", part.first, part.last)

    def repeated(self) -> Part:
        """An item with its mark."""
        part = self.single()
        kind, sign, _, end = self.peek()
        if kind != SIGN or sign not in "*+?":
            return part
        self.at = end
        part = self.times(part, sign)
        kind, again, here, _ = self.peek()
        if kind == SIGN and again in "*+?":
            raise self.fault(f"{again!r} after {sign!r}", "Write one of * + ? after an item.", here)
        return part

    def single(self) -> Part:
        """An item, or what stands in parentheses."""
        code = self.name()
        if code is not None:
            return self.item(frozenset((code,)))
        if self.take("."):
            return self.item(self.every)
        if self.take("["):
            return self.item(self.several())
        if self.take("("):
            self.depth += 1
            if self.depth > NESTED:
                raise self.fault(f"more than {NESTED} parentheses inside each other", "Write a simpler pattern.")
            part = self.row()
            while self.take("|"):
                other = self.row()
                part = Part(part.nothing or other.nothing, part.first | other.first, part.last | other.last)
            self.need(")", "Close each ( with ).")
            self.depth -= 1
            return part
        kind, text, here, _ = self.peek()
        if kind and text in "^$":
            hint = "^ stands before the whole pattern, $ after it."
            raise self.fault(f"{text!r} in the middle of a pattern", hint, here)
        found = f"expected a touchpoint{f' before {text!r}' if text else ''}"
        raise self.fault(found, "Write, for example, cart->[^support]*->purchase.", here)

    def several(self) -> frozenset[int]:
        """The codes in brackets."""
        others, begin = self.take("^"), self.at
        codes: set[int] = set()
        while (code := self.name()) is not None:
            codes.add(code)
            if not self.take("|"):
                self.take(",")
        self.need("]", "Write names between [ and ], such as [a b] or [^a b].")
        if not codes:
            raise self.fault("there is no name in brackets", "Write, for example, [cart wishlist].", begin)
        return self.every - codes if others else frozenset(codes)


def tables_of(text: str, names: Sequence[str], where: str) -> Tables:
    """The automata of a pattern.

    Raises
    ------
    BadQuestion
        The pattern cannot be read, fits no touchpoint, or is too large; the message has the position.
    UnknownName
        A name is no touchpoint; the message has the position and the nearest name.

    Examples
    --------
    >>> tables_of("^visit->order", ["visit", "order"], "pattern").at_start
    True
    """
    reader = Reader(text, names, where)
    at_start = reader.take("^")
    whole = reader.row()
    at_end = reader.take("$")
    kind, rest, here, _ = reader.peek()
    if kind:
        hints = {"|": "Put alternatives in parentheses: (a|b).", ")": "There is no ( for it."}
        hint = hints.get(rest, "Join items with ->; ^ stands before all of them, $ after.")
        raise reader.fault(f"unexpected {rest!r}", hint, here)
    # Touchpoints that every item takes or leaves alike are one class.
    kinds: dict[tuple[bool, ...], int] = {}
    classes = np.zeros(len(names), np.uint16)
    for code in range(len(names)):
        classes[code] = kinds.setdefault(tuple(code in item for item in reader.items), len(kinds))
    takes = [frozenset(x for x, taken in enumerate(kind) if taken) for kind in kinds]
    exact = _determined(reader, whole, takes, anew=False)
    if exact is None:
        raise BadQuestion(where, f"{text!r} needs more than {MOST:,} states.", "Write a shorter or simpler pattern.")
    # A pattern that begins at the start of the journey is found by the exact automaton alone.
    search = None if at_start else _determined(reader, whole, takes, anew=True)
    return Tables(classes, *exact, *(search or (0, 0, np.empty(0, np.int32))), at_start, at_end)


def _determined(
    reader: Reader, whole: Part, takes: list[State], *, anew: bool
) -> tuple[int, int, NDArray[np.int32]] | None:
    """Start, first accepting state and table of the deterministic automaton; None for too many states.

    A state is the set of items that may have taken the last touchpoint. The start is told apart by -1.
    """
    start, dead = frozenset((-1,)), frozenset[int]()
    after: list[list[State]] = []
    index: dict[State, int] = {dead: 0, start: 1}
    waiting = [dead, start]
    for state in waiting:
        reached: set[int] = set(whole.first) if -1 in state or (anew and state) else set()
        for x in state - start:
            reached |= reader.follow[x]
        rows = []
        for taken in takes:
            one = frozenset(reached & taken)
            # Searching, nothing reached is as good as a new start.
            one = start if anew and state and not one else one
            rows.append(one)
            if one not in index:
                if len(index) == MOST:
                    return None
                index[one] = len(index)
                waiting.append(one)
        after.append(rows)
    order = sorted(waiting, key=lambda state: (bool(state & whole.last), index[state]))
    width = max(1, len(takes))
    place = {state: i * width for i, state in enumerate(order)}
    accept = next((place[state] for state in order if state & whole.last), len(order) * width)
    table: NDArray[Any] = np.zeros(len(order) * width, np.int32)
    for state, rows in zip(waiting, after, strict=True):
        table[place[state] : place[state] + len(rows)] = [place[one] for one in rows]
    return place[start], accept, table
