"""Grammar: reads the text of a condition into its tree, and refuses with a position what cannot be read.

expression ::= all {"or" all}; all ::= one {"and" one}; one ::= "not" one | "(" expression ")" | did | comparison;
comparison ::= column op value | column ["not"] "in" "(" value {"," value} ")" | column ["not"] "like" text
| column "is" ["not"] "null"; did ::= ("did" | "never") step {"then" step} [count] ["within" duration];
step ::= touchpoint | "(" expression ")"; count ::= ("at" ("least" | "most") | "exactly") number ["times"].
"""

import re
from typing import Any, Final

from etappe.condition import DEEPEST, RESERVED, STEP_WORDS, Compare, Did, Node, Not, Value, joined
from etappe.errors import BadDuration, BadExpression
from etappe.units import duration_us

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>-?\d+(?:\.\d+)?(?![\w.]))|(?P<op><>|!=|<=|>=|[=<>(),])"
    r"|(?P<duration>\d+(?:\.\d+)?[^\W\d_]+(?!\w))"
    r'|(?P<quoted>"(?:[^"]|"")+")|(?P<name>[^\W\d][\w.:$@-]*))'
)
_COMPARISONS: Final = ("=", "<>", "!=", "<", "<=", ">", ">=", "in", "like")

MOST_STEPS: Final = 16
MOST_TIMES: Final = 1_000_000


class _Reader:
    """One pass over the words of a text; it notes the columns, and where in the text each name stands first."""

    def __init__(self, text: str, where: str, journeys: bool) -> None:
        self.text, self.where, self.depth = text, where, 0
        self.journeys, self.in_step = journeys, False
        self.columns = set[str]()
        self.places: dict[tuple[str, str], int] = {}
        self.tokens: list[tuple[str, str, int]] = []
        at = 0
        end = len(text.rstrip())
        while at < end:
            match = _TOKEN.match(text, at)
            if match is None or match.lastgroup is None:
                at += len(text[at:]) - len(text[at:].lstrip())
                raise self.fault(at, f"cannot read {text[at : at + 12]!r}")
            self.tokens.append((match.lastgroup, match[match.lastgroup], match.start(match.lastgroup)))
            at = match.end()
        self.at = 0

    def fault(self, at: int, what: str, hint: str = "") -> BadExpression:
        pointer = f"{what} at position {at + 1} of {self.text!r}."
        return BadExpression(self.where, pointer, hint or "Write a condition such as channel = 'web' and value > 10.")

    def peek(self, ahead: int = 0) -> tuple[str, str, int]:
        at = self.at + ahead
        return self.tokens[at] if at < len(self.tokens) else ("end", "", len(self.text))

    def word(self, *words: str) -> str | None:
        kind, text, _ = self.peek()
        if (kind in ("name", "op")) and text.lower() in words:
            self.at += 1
            return text.lower()
        return None

    def need(self, word: str, hint: str = "") -> None:
        if not self.word(word):
            raise self.fault(self.peek()[2], f"expected {word!r}", hint)

    def either(self) -> Node:
        parts = [self.both()]
        while self.word("or"):
            parts.append(self.both())
        return joined("or", parts)

    def both(self) -> Node:
        parts = [self.one()]
        while self.word("and"):
            parts.append(self.one())
        return joined("and", parts)

    def one(self) -> Node:
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.fault(
                self.peek()[2], f"more than {DEEPEST} levels of parentheses and 'not'", "Write it flatter."
            )
        node = self.single()
        self.depth -= 1
        return node

    def single(self) -> Node:
        if self.word("not"):
            return Not(self.one())
        if self.word("("):
            inner = self.either()
            self.need(")")
            return inner
        if self.is_verb():
            return self.verb()
        return self.comparison()

    def is_verb(self) -> bool:
        """Whether `did` or `never` stands here as a verb; before an operator it is a column of that name."""
        kind, text, _ = self.peek()
        follows, after, _ = self.peek(1)
        if kind != "name" or text.lower() not in ("did", "never"):
            return False
        if follows == "op":
            return after == "("
        return follows != "name" or after.lower() not in RESERVED

    def verb(self) -> Node:
        _, verb, at = self.peek()
        self.at += 1
        if not self.journeys:
            hint = "Write a condition on columns here, and ask for journeys where a question has its filter."
            raise self.fault(at, f"{verb!r} asks about a whole journey, and here is a single row,", hint)
        if self.in_step:
            hint = "Join them outside of the parentheses: did cart and did order."
            raise self.fault(at, f"{verb!r} asks about a whole journey, and a step is a single touchpoint,", hint)
        steps = [self.step()]
        while self.word("then"):
            if len(steps) == MOST_STEPS:
                raise self.fault(self.peek()[2], f"more than {MOST_STEPS} steps", "Ask for fewer.")
            steps.append(self.step())
        count, times = self.count(verb.lower(), len(steps))
        began = self.peek()[2]
        within = self.length() if self.word("within") else None
        if within is not None and len(steps) == 1 and count is None:
            hint = (
                "Give a second step, did cart then order within 7d, or a count, did order at least 2 times within 7d."
            )
            raise self.fault(began, "one touchpoint alone takes no time,", hint)
        did = Did(tuple(steps), within, count or "at least", times)
        return Not(did) if verb.lower() == "never" else did

    def count(self, verb: str, steps: int) -> tuple[Any, int]:
        """How often, such as `at least 3 times`; None where nothing is said of it."""
        began = self.peek()[2]
        count = self.word("at", "exactly")
        if count is None:
            return None, 1
        if steps > 1:
            raise self.fault(began, "a sequence is not counted,", "Count one touchpoint: did order at least 2 times.")
        if verb == "never":
            raise self.fault(began, "'never' is a count already,", "Write: did order at most 2 times.")
        if count == "at":
            which = self.word("least", "most")
            if which is None:
                raise self.fault(self.peek()[2], "expected 'least' or 'most'", "Such as: did order at least 3 times.")
            count = f"at {which}"
        kind, text, at = self.peek()
        if kind != "number" or not text.isdecimal() or int(text) > MOST_TIMES:
            hint = "Such as: did order at least 3 times."
            raise self.fault(at, f"expected a whole number up to {MOST_TIMES:,}", hint)
        self.at += 1
        self.word("times", "time")
        return count, int(text)

    def step(self) -> Node:
        """A touchpoint's name, or a condition on one touchpoint in parentheses."""
        kind, text, at = self.peek()
        if self.word("("):
            self.in_step = True
            inner = self.either()
            self.in_step = False
            self.need(")")
            return inner
        if kind != "text" and (kind != "name" or text.lower() in STEP_WORDS):
            hint = "Name one in single quotes, or write a condition on it in parentheses: did (value > 50)."
            if kind in ("name", "quoted"):
                hint = f"""Did you mean '{text.strip('"')}', in single quotes?"""
            raise self.fault(at, "expected a touchpoint", hint)
        self.at += 1
        name = text[1:-1].replace("''", "'") if kind == "text" else text
        self.columns.add("touchpoint")
        self.places.setdefault(("touchpoint", name), at)
        self.places.setdefault(("column", "touchpoint"), at)
        return Compare("touchpoint", "=", (name,))

    def length(self) -> str:
        kind, text, at = self.peek()
        if kind not in ("duration", "text"):
            raise self.fault(at, "expected a length of time", "Write a number and a unit: 30m, 12h, 7d, 2w.")
        text = text[1:-1] if kind == "text" else text
        try:
            duration_us(text)
        except BadDuration as problem:
            raise self.fault(at, problem.what.removesuffix("."), problem.hint) from None
        self.at += 1
        return text

    def comparison(self) -> Node:
        kind, column, at = self.peek()
        if kind not in ("name", "quoted"):
            raise self.fault(at, "expected a column")
        if kind == "name" and column.lower() in RESERVED:
            raise self.fault(at, "expected a column", f'A column of this name stands in double quotes: "{column}".')
        self.at += 1
        if kind == "quoted":
            column = column[1:-1].replace('""', '"')
        self.columns.add(column)
        self.places.setdefault(("column", column), at)
        if self.word("is"):
            negated = self.word("not")
            self.need("null")
            null = Compare(column, "null")
            return Not(null) if negated else null
        negated = self.word("not")
        op: Any = self.word("in", "like") if negated else self.word(*_COMPARISONS)
        if op is None:
            raise self.fault(self.peek()[2], "expected =, <>, <, >, in, like or is null")
        names = self.in_step and column == "touchpoint" and op in ("=", "<>", "!=", "in")
        if op == "in":
            self.need("(")
            values = [self.value(names)]
            while self.word(","):
                values.append(self.value(names))
            self.need(")")
        else:
            values = [self.value(names)]
        if op == "like" and not isinstance(values[0], str):
            raise self.fault(self.peek()[2], "like needs a text")
        compared = Compare(column, "<>" if op == "!=" else op, tuple(values))
        return Not(compared) if negated else compared

    def value(self, names: bool) -> Value:
        kind, text, at = self.peek()
        self.at += 1
        if kind == "text":
            text = text[1:-1].replace("''", "'")
            if names:
                self.places.setdefault(("touchpoint", text), at)
            return text
        if kind == "number":
            return float(text)
        hint = f"Did you mean '{text}', in single quotes?" if kind in ("name", "quoted", "duration") else ""
        raise self.fault(at, "expected a text in single quotes or a number", hint)


def read(text: str, where: str, journeys: bool) -> tuple[Node, frozenset[str], dict[tuple[str, str], int]]:
    """The tree of a text, the columns that it names, and where in the text each name stands first.

    Examples
    --------
    >>> tree, columns, places = read("channel = 'web'", "where", False)
    >>> columns, places
    (frozenset({'channel'}), {('column', 'channel'): 0})
    """
    reader = _Reader(text, where, journeys)
    tree = reader.either()
    kind, found, at = reader.peek()
    if kind != "end":
        raise reader.fault(at, f"did not expect {found!r}")
    return tree, frozenset(reader.columns), reader.places
