"""Flow: where journeys go from a touchpoint, or come from to one, step by step.

Unit of count: the journey, once in each step. Forward from the first `start` (or from the beginning), backward from the
first `end`. Each step keeps its most frequent nodes; the rest is one node, "other", and where journeys stop is "exit"
(backward: where they begin, "start"). So every node's links add up to the journeys that are at it: nothing is lost.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from etappe.analysis.answer import Answer, Finding, Question, answer, listed
from etappe.analysis.flow_count import count_nodes, count_pairs, links_at
from etappe.analysis.groups import within_group
from etappe.analysis.intervals import or_none, shares
from etappe.analysis.kernel import arrays_of, plain
from etappe.analysis.partials import Base, Partial, merged
from etappe.analysis.sankey import sankey as picture
from etappe.arrays import Int, code_type, over_parts
from etappe.errors import BadQuestion, unknown
from etappe.journeys.columns import Journeys
from etappe.journeys.stages import Registry, default_registry

DIRECT: Final = 256
"""Up to so many names every pair of them is counted at once; beyond, the most frequent are found first."""
DEEPEST: Final = 30
WIDEST: Final = 1000
ARROW: Final = "=>"
OTHER, EXIT, START, NONE = "other", "exit", "start", "none"
"""The kinds of nodes that are no touchpoint."""
LABELS: Final = ("atom", "stage", "medium", "contact", "category", "owner")
"""Levels that a registry gives, where the journeys have no such column yet."""
__all__ = ["Flow", "find", "flow", "picture", "who"]


class Flow(Question, frozen=True, kw_only=True):
    """Where journeys go from a touchpoint, or come from to one, step by step."""

    label: ClassVar[str] = "to"
    bar: ClassVar[str] = "share"
    start: str | None = None
    """Forward from a journey's first touchpoint of this name; none: from its beginning."""
    end: str | None = None
    """Backward from a journey's first touchpoint of this name."""
    depth: int = 5
    """So many steps, at most 30."""
    top: int = 5
    """So many nodes a step, at most 1,000; the rest is "other"."""
    collapse: bool = True
    """The same name several times in a row is one."""
    clean: tuple[str, ...] = ()
    """Rules for names, the first that fits counts: "^product_ => product" (a regular expression, then the new name)."""
    level: str = "touchpoint"
    """Names are touchpoints, or what a column says: channel, stage, category (analog or digital, direct or not) …"""
    model: str | None = None
    """With level stage: the stage model, m1 to m6 or one of the workspace's own; none: that of the journeys (m4)."""


@dataclass(frozen=True)
class _Plan:
    """What is walked: codes, their names after cleaning, and where from."""

    codes: NDArray[Any]
    names: tuple[str | None, ...]
    anchor: int
    back: bool


def _cleaned(names: Sequence[str | None], rules: Sequence[str]) -> list[str | None]:
    read = []
    for i, rule in enumerate(rules):
        pattern, arrow, name = rule.partition(ARROW)
        where = f"flow: clean[{i}]"
        if not arrow or not name.strip():
            raise BadQuestion(where, f"{rule!r} is no rule.", f'Write "pattern {ARROW} name".')
        try:
            read.append((re.compile(pattern.strip()), name.strip()))
        except re.error as fault:
            hint = "Write a regular expression, such as ^product_."
            raise BadQuestion(where, f"{pattern.strip()!r} cannot be read: {fault}.", hint) from None

    def clean(name: str | None) -> str | None:
        return next((new for fits, new in read if name is not None and fits.search(name)), name)

    return [clean(name) for name in names]


def _level(question: Flow) -> str:
    """The column that names are read from."""
    if question.model is None:
        return question.level
    if question.level != "stage":
        what = f"a stage model says nothing of level {question.level!r}."
        raise BadQuestion("flow: model", what, "Ask for level stage, or leave model out.")
    return f"stage.{question.model}"


def labelled(journeys: Journeys, question: Flow, registry: Registry | None) -> Journeys:
    """The journeys with the level's column, if it is one that a registry gives and they lack."""
    known = registry or default_registry()
    if question.model is not None:
        known.model(question.model, "flow: model")
    level = _level(question)
    lacks = hasattr(journeys, "offsets") and level not in journeys.readable
    return journeys.labelled(known) if lacks and level.partition(".")[0] in LABELS else journeys


def _named(told: Sequence[str | None], question: Flow) -> tuple[list[str | None], Int, int]:
    """Names after cleaning, the place of each name told among them, and of the one that the flow begins at (or -1)."""
    if question.start is not None and question.end is not None:
        raise BadQuestion("flow: end", "a flow goes forward from start or backward from end.", "Give one of them.")
    if not 1 <= question.depth <= DEEPEST:
        raise BadQuestion("flow: depth", f"{question.depth} is not between 1 and {DEEPEST}.", "Ask for 5 steps.")
    if not 1 <= question.top <= WIDEST:
        raise BadQuestion("flow: top", f"{question.top} is not between 1 and {WIDEST}.", "Ask for 5 nodes a step.")
    cleaned = _cleaned(told, question.clean)
    names = list(dict.fromkeys(cleaned))
    index = {name: i for i, name in enumerate(names)}
    of = np.array([index[name] for name in cleaned] or [0], np.int64)
    wanted, where = (question.start, "start") if question.end is None else (question.end, "end")
    if wanted is not None and wanted not in names:
        kind = "touchpoint" if question.level == "touchpoint" else question.level
        raise unknown(f"flow: {where}", kind, wanted, [name for name in names if name is not None])
    return names, of, -1 if wanted is None else names.index(wanted)


def _plan(journeys: Journeys, question: Flow) -> _Plan:
    level = _level(question)
    column = None if level == "touchpoint" else journeys.column(level, "flow: level")
    names, of, anchor = _named(journeys.touchpoints if column is None else column.names, question)
    codes = journeys.touchpoint if column is None else column.codes
    if not np.array_equal(of, np.arange(len(of))):
        codes = of.astype(code_type(len(names)))[codes]
    return _Plan(plain(codes), tuple(names), anchor, question.end is not None)


def _counted(journeys: Journeys, question: Flow, plan: _Plan, shown: Int, m: int) -> Int:
    """Journeys for each step and pair of nodes."""
    offsets, _, _ = arrays_of(journeys)
    table = plain(shown)
    ways = plan.anchor, plan.back, question.collapse
    partials = over_parts(offsets, lambda a, b: count_nodes(offsets, plan.codes, *ways, table, m, a, b))
    return sum(partials, np.zeros((question.depth, m, m), np.int64))


def _most(counts: Int, top: int) -> Int:
    """The codes with the highest counts, zeros left out; among equals the first."""
    order = np.argsort(-counts, kind="stable")[:top]
    return order[counts[order] > 0]


def _pairs(journeys: Journeys, question: Flow, plan: _Plan) -> Int:
    """(m, 2) the pairs of names at each step, as one number, each with its journeys."""
    k, depth = len(plan.names), question.depth
    offsets, _, _ = arrays_of(journeys)
    ways = plan.anchor, plan.back, question.collapse
    if k < DIRECT:
        parts = over_parts(offsets, lambda a, b: count_pairs(offsets, plan.codes, *ways, k, depth, a, b))
        pairs = sum(parts, np.zeros((depth, k + 1, k + 1), np.int64)).ravel()
        keys = np.flatnonzero(pairs)
        return np.column_stack((keys, pairs[keys]))
    # Too many pairs for a table: those that occur, step by step.
    found = [np.empty((0, 2), np.int64)]
    for s in range(depth):
        out = _links(journeys, question, plan, s + 1)
        out = out[out[:, 0] >= 0]
        keys, counts = np.unique((s * (k + 1) + out[:, 0]) * (k + 1) + out[:, 1], return_counts=True)
        found.append(np.column_stack((keys, counts)))
    return np.concatenate(found)


def _links(journeys: Journeys, question: Flow, plan: _Plan, step: int) -> Int:
    """(n, 2) each journey's names before and after a step; -1 where it does not come so far."""
    offsets, _, _ = arrays_of(journeys)
    ways, k = (plan.anchor, plan.back, question.collapse), len(plan.names)
    out = np.full((len(journeys), 2), -1, np.int64)
    over_parts(offsets, lambda a, b: links_at(offsets, plan.codes, *ways, k, step, a, b, out))
    return out


def _placed(question: Flow, plan: _Plan, pairs: Int) -> tuple[list[Int], Int]:
    """The names that are nodes of their own at each step, the most frequent first, and the journeys between nodes."""
    k, depth, top = len(plan.names), question.depth, question.top
    rest, after = np.divmod(pairs[:, 0], k + 1)
    step, before = np.divmod(rest, k + 1)
    arrived = np.zeros((depth, k + 1), np.int64)
    np.add.at(arrived, (step, after), pairs[:, 1])
    layers = [_begin(plan), *(_most(row[:k], top) for row in arrived)]
    nodes = _shown(plan, layers, top)
    links = np.zeros((depth, top + 2, top + 2), np.int64)
    np.add.at(links, (step, nodes[step, before], nodes[step + 1, after]), pairs[:, 1])
    return layers, links


def _begin(plan: _Plan) -> Int:
    return np.empty(0, np.int64) if plan.anchor < 0 else np.array([plan.anchor])


def _layers(journeys: Journeys, question: Flow, plan: _Plan) -> tuple[list[Int], Int]:
    """As `_placed`; of many names without a list of their pairs."""
    k, depth, top = len(plan.names), question.depth, question.top
    if k < DIRECT:
        return _placed(question, plan, _pairs(journeys, question, plan))
    # Too many pairs: who arrives at each step is counted for a stretch of names at a time.
    arrived = np.zeros((depth, k), np.int64)
    for low in range(0, k, DIRECT):
        high = min(k, low + DIRECT)
        some = np.full(k + 1, DIRECT)
        some[low:high] = np.arange(high - low)
        part = _counted(journeys, question, plan, np.tile(some, (depth + 1, 1)), DIRECT + 1).sum(axis=1)
        arrived[:, low:high] = part[:, : high - low]
    layers = [_begin(plan), *(_most(row, top) for row in arrived)]
    return layers, _counted(journeys, question, plan, _shown(plan, layers, top), top + 2)


def _shown(plan: _Plan, layers: list[Int], top: int) -> Int:
    """(depth+1, names+1): a code's node at each step: its rank, `top` for other, `top` + 1 for an end."""
    shown = np.full((len(layers), len(plan.names) + 1), top, np.int64)
    shown[:, -1] = top + 1
    for s, layer in enumerate(layers):
        shown[s, layer] = np.arange(len(layer))
    return shown


def _node(plan: _Plan, layers: list[Int], top: int, step: int, rank: int) -> tuple[str, str]:
    """Name and kind of a node."""
    if rank < top:
        name = plan.names[int(layers[step][rank])]
        return (NONE, NONE) if name is None else (name, "touchpoint")
    if rank == top:
        return OTHER, OTHER
    kind = START if step == 0 or plan.back else EXIT
    return kind, kind


def adds(question: Flow) -> bool:
    """Whether its partials add up: of any level but the local day, of which each part makes its own codes."""
    return question.level != "day"


def agreed(question: Flow) -> tuple[str, ...]:
    """The columns that must have the same codes in all parts."""
    return () if question.level == "touchpoint" else (_level(question),)


def partial(journeys: Journeys, question: Flow) -> Partial:
    """What some journeys contribute: journeys for each step and pair of names."""
    return {"pairs": _pairs(journeys, question, _plan(journeys, question))}


def total(partials: Sequence[Partial], question: Flow, base: Base) -> Finding:
    """The finding that partials of disjoint customers come to."""
    level = _level(question)
    names, _, anchor = _named(base.touchpoints if level == "touchpoint" else base.names_of(level), question)
    plan = _Plan(np.empty(0, np.uint8), tuple(names), anchor, question.end is not None)
    layers, counts = _placed(question, plan, merged(partials, ["pairs"])["pairs"])
    return _found(question, plan, layers, counts, base.journeys)


def find(journeys: Journeys, question: Flow) -> Finding:
    """Count in one group of journeys."""
    plan = _plan(journeys, question)
    return _found(question, plan, *_layers(journeys, question, plan), len(journeys))


def _found(question: Flow, plan: _Plan, layers: list[Int], counts: Int, journeys: int) -> Finding:
    top = question.top
    columns: dict[str, list[Any]] = {
        name: [] for name in ("step", "from", "to", "count", "journeys", "share", "low", "high", "from_kind", "to_kind")
    }
    for s in range(1, question.depth + 1):
        links = counts[s - 1]
        share, low, high = (or_none(part.ravel()) for part in shares(links, links.sum(axis=1, keepdims=True)))
        for a, b in np.argwhere(links).tolist():
            near, far = _node(plan, layers, top, s - 1, a), _node(plan, layers, top, s, b)
            before, after = (far, near) if plan.back else (near, far)
            at = a * (top + 2) + b
            count = int(links[a, b])
            row = (s, before[0], after[0], count, count, share[at], low[at], high[at], before[1], after[1])
            for name, value in zip(columns, row, strict=True):
                columns[name].append(value)
    n = int(counts[0].sum()) if question.depth else 0
    # As arrays they are whole numbers in a group without a flow, too.
    numbers = {name: np.array(columns[name], np.int64) for name in ("step", "count", "journeys")}
    return Finding({**columns, **numbers}, {"journeys": journeys, "in_flow": n}, (n,))


def who(journeys: Journeys, question: Flow, row: Mapping[str, Any], registry: Registry | None = None) -> Int:
    """Positions of the journeys that go from the row's `from` to its `to` at its step.

    What is "other" depends on the group of journeys that was counted.
    """

    def held(some: Journeys) -> Int:
        plan = _plan(some, question)
        layers, _ = _layers(some, question, plan)
        shown = _shown(plan, layers, question.top)
        step = int(row["step"])
        if not 1 <= step <= question.depth:
            raise BadQuestion("flow: row", f"there is no step {step}.", f"Steps are 1 to {question.depth}.")
        out = _links(some, question, plan, step)
        near, far = ("to", "from") if plan.back else ("from", "to")
        found = np.flatnonzero(out[:, 0] >= 0)
        for x, (name, at) in enumerate(((near, step - 1), (far, step))):
            ranks = shown[at][out[found, x]]
            told = [_node(plan, layers, question.top, at, rank) for rank in range(question.top + 2) if
                    rank >= question.top or rank < len(layers[at])]  # fmt: skip
            same = [r for r in range(question.top + 2) if r >= question.top or r < len(layers[at])]
            kind = row.get(f"{name}_kind")
            fits = [rank for rank, (text, k) in zip(same, told, strict=True) if text == row[name] and kind in (None, k)]
            found = found[np.isin(ranks, fits)]
        return found.astype(np.int64)

    return within_group(labelled(journeys, question, registry), question.by, row, "flow", held)


def answered(journeys: Journeys, question: Flow, registry: Registry | None = None) -> Answer:
    """Answer the question; labels that the journeys lack come from the registry."""
    return answer(labelled(journeys, question, registry), question, find)


def flow(
    journeys: Journeys,
    *,
    start: str | None = None,
    end: str | None = None,
    depth: int = 5,
    top: int = 5,
    collapse: bool = True,
    clean: Sequence[str] = (),
    level: str = "touchpoint",
    model: str | None = None,
    registry: Registry | None = None,
    by: str | None = None,
) -> Answer:
    """Where journeys go from a touchpoint, or come from to one, step by step.

    Parameters
    ----------
    start : forward from a journey's first touchpoint of this name; without it and `end` from its beginning
    end : backward from a journey's first touchpoint of this name
    depth : so many steps
    top : so many nodes a step; the rest is the node "other"
    collapse : the same name several times in a row is one
    clean : rules "pattern => name" for names, the first that fits counts
    level : touchpoint, channel, stage, category, or any column
    model : with level stage, the stage model: m1 to m6, or one of the workspace's own
    registry : touchpoints, atoms and models, where the journeys have no labels; by default those of Etappe
    by : a customer attribute, or a column read at the journey's first touchpoint

    Returns
    -------
    Answer
        step (1 is next to where the flow begins); from; to (in the direction of time); count of journeys; journeys
        (the same: each counts once a step); share of the journeys at the node nearer to where the flow begins, with
        low and high (Wilson, 95 %); from_kind and to_kind: touchpoint (of any level), other, exit, start, or none
        (where a column says nothing). A node's links add up to the journeys at it.

    Raises
    ------
    UnknownName
        `start`, `end`, `level` or `by` is not in the data, or there is no such `model`.
    BadQuestion
        Both `start` and `end`, a rule that cannot be read, a depth out of range.

    Examples
    --------
    >>> from etappe.journeys.columns import journeys_of
    >>> shop = journeys_of([0, 3, 4], [0, 1, 2, 5], [0, 1, 2, 0], ["visit", "cart", "order"])
    >>> [(row["from"], row["to"], row["count"]) for row in flow(shop, start="visit", depth=1).rows()]
    [('visit', 'cart', 1), ('visit', 'exit', 1)]
    """
    question = Flow(
        start=start, end=end, depth=depth, top=top, collapse=collapse, clean=listed(clean, "flow: clean"),
        level=level, model=model, by=by,
    )  # fmt: skip
    return answered(journeys, question, registry)
