"""Tree: which ways journeys take from a touchpoint, or to one: every node is a way of its own, from the root on.

Unit of count: the journey, at one node in each step. The root is the first `start` (or the beginning), backward the
first `end`. A node's most frequent next touchpoints are nodes; its rest is one node, "other", and those that stop there
are "exit" (backward: "start"); neither goes on. So a node's children add up to it, until the last step.

A flow joins all ways that are at the same touchpoint in the same step; a tree keeps them apart.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np

from etappe.analysis.answer import Answer, Caution, Finding, Question, answer, caution
from etappe.analysis.groups import within_group
from etappe.analysis.intervals import or_none, shares
from etappe.analysis.kernel import arrays_of
from etappe.analysis.partials import Base, Partial, merged, tallied
from etappe.arrays import Int
from etappe.errors import BadQuestion, unknown
from etappe.journeys.columns import Journeys

ARROW: Final = " > "
DEEPEST: Final = 6
WIDEST: Final = 10
OTHER, EXIT, START, TOUCHPOINT = "other", "exit", "start", "touchpoint"
END: Final = -1
RARE: Final = -2
"""What stands in a way beside touchpoints: it is over, or it goes on as only a few do."""


class Tree(Question, frozen=True, kw_only=True):
    """Which ways journeys take from a touchpoint, or to one, each way apart."""

    label: ClassVar[str] = "path"
    start: str | None = None
    """Forward from a journey's first touchpoint of this name; none: from its beginning."""
    end: str | None = None
    """Backward from a journey's first touchpoint of this name."""
    depth: int = 4
    """So many steps, at most 6."""
    top: int = 5
    """So many touchpoints after each node, at most 10; the rest is "other"."""
    collapse: bool = True
    """The same touchpoint several times in a row is one."""


@dataclass(frozen=True)
class _Node:
    """A node: its parent (-1: none), its step, its way from the root, and what it is."""

    parent: int
    step: int
    path: tuple[str, ...]
    kind: str
    count: int


@dataclass(frozen=True)
class _Grown:
    """The nodes, and for each way the last node on it."""

    nodes: list[_Node]
    last: Int


def _checked(touchpoints: tuple[str, ...], question: Tree) -> int | None:
    """The code of the root's touchpoint, if it is one."""
    if question.start is not None and question.end is not None:
        raise BadQuestion("tree: start, end", "a tree has one root.", "Give start, or end.")
    for field, value, most in (("depth", question.depth, DEEPEST), ("top", question.top, WIDEST)):
        if not 1 <= value <= most:
            raise BadQuestion(f"tree: {field}", f"{value} is not from 1 to {most}.", f"Ask for 1 to {most}.")
    name = question.end if question.start is None else question.start
    if name is None:
        return None
    if name not in touchpoints:
        raise unknown(f"tree: {'start' if question.end is None else 'end'}", "touchpoint", name, touchpoints)
    return touchpoints.index(name)


def _collapsed(journeys: Journeys, question: Tree) -> tuple[Int, Any]:
    """Offsets and touchpoints, repeats in a row taken together where wanted."""
    offsets, _, touchpoint = arrays_of(journeys)
    if not question.collapse or not len(touchpoint):
        return offsets, touchpoint
    fresh = np.ones(len(touchpoint), bool)
    fresh[1:] = touchpoint[1:] != touchpoint[:-1]
    fresh[offsets[:-1][offsets[:-1] < len(touchpoint)]] = True
    before = np.concatenate(([0], np.cumsum(fresh))).astype(np.int64)
    return before[offsets], touchpoint[fresh]


def _ways(journeys: Journeys, question: Tree) -> tuple[Int, Int]:
    """The journeys that are in the tree, and (n, depth) their next touchpoints; END where there is none. O(t)."""
    code, back = _checked(journeys.touchpoints, question), question.end is not None
    offsets, touchpoint = _collapsed(journeys, question)
    if code is None:
        owner = np.flatnonzero(np.diff(offsets))
        at = offsets[owner] - 1
    else:
        hits = np.flatnonzero(touchpoint == code)
        owner, first = np.unique(np.searchsorted(offsets, hits, side="right") - 1, return_index=True)
        at = hits[first]
    ways = np.full((len(owner), question.depth), END, np.int64)
    for step in range(1, question.depth + 1):
        place = at - step if back else at + step
        inside = (place >= offsets[owner]) & (place < offsets[owner + 1])
        ways[inside, step - 1] = touchpoint[place[inside]]
    return owner.astype(np.int64), ways


def _grown(touchpoints: tuple[str, ...], question: Tree, ways: Int, journeys: Int | None = None) -> _Grown:
    """The tree, grown step by step; at each step a way is at one node. Each way counts once, or its `journeys`."""
    code, back, top = _checked(touchpoints, question), question.end is not None, question.top
    k = len(touchpoints)
    root = (touchpoints[code],) if code is not None else ()
    n = len(ways) if journeys is None else int(journeys.sum())
    nodes = [_Node(-1, 0, root, START if code is None else TOUCHPOINT, n)]
    last = np.zeros(len(ways), np.int64)
    alive = np.arange(len(ways))  # those that are at a touchpoint, not at an end
    active = np.zeros(1, np.int64)  # the nodes that they are at
    mine = np.zeros(len(ways), np.int64)  # for each of them, which of these
    for step in range(1, question.depth + 1):
        codes = ways[alive, step - 1]
        codes = np.where(codes < 0, k + END - codes, codes)  # END is counted as k, RARE as k + 1
        key = mine * (k + 2) + codes
        # As floats whole numbers are exact up to 2**53 journeys.
        weights = None if journeys is None else journeys[alive]
        counts = np.bincount(key, weights, minlength=len(active) * (k + 2)).astype(np.int64)
        counts = counts.reshape(len(active), k + 2)
        child = np.zeros(counts.shape, np.int64)
        grown: list[int] = []
        for a, parent in enumerate(active.tolist()):
            way, row = nodes[parent].path, counts[a, :k]
            order = np.argsort(-row, kind="stable")
            chosen = [c for c in order[:top].tolist() if row[c]]
            child[a, :] = len(nodes) + len(chosen)
            for c in chosen:
                child[a, c] = len(nodes)
                grown.append(len(nodes))
                nodes.append(_Node(parent, step, (*way, touchpoints[c]), TOUCHPOINT, int(row[c])))
            rest = int(row.sum()) - sum(int(row[c]) for c in chosen) + int(counts[a, k + 1])
            if rest:
                nodes.append(_Node(parent, step, (*way, OTHER), OTHER, rest))
            if counts[a, k]:
                child[a, k] = len(nodes)
                kind = START if back else EXIT
                nodes.append(_Node(parent, step, (*way, kind), kind, int(counts[a, k])))
        found = child[mine, codes]
        last[alive] = found
        place_of = np.full(len(nodes), -1, np.int64)
        place_of[grown] = np.arange(len(grown))
        active = np.asarray(grown, np.int64)
        alive, mine = alive[place_of[found] >= 0], place_of[found][place_of[found] >= 0]
        if not len(active):
            break
    return _Grown(nodes, last)


def partial(journeys: Journeys, question: Tree) -> Partial:
    """What some journeys contribute: each way with how many take it."""
    _, ways = _ways(journeys, question)
    return {"ways": tallied(np.column_stack((ways, np.ones(len(ways), np.int64))))}


def fit(partial: Partial, room: int) -> Partial:
    """A partial of at most `room` ways: of the rare ones the last steps are "other", as many as need be."""
    ways = partial["ways"]
    if len(ways) <= room:
        return partial
    order = np.argsort(-ways[:, -1], kind="stable")
    often, rare = ways[order[: room // 2]], ways[order[room // 2 :]]
    for step in range(ways.shape[1] - 2, -1, -1):
        rare[:, step:-1] = RARE
        short = tallied(rare)
        if len(often) + len(short) <= room:
            break
    return {"ways": np.concatenate((often, short)), "cut": rare[:, -1].sum(keepdims=True)}


def total(partials: Sequence[Partial], question: Tree, base: Base) -> Finding:
    """The finding that partials of disjoint customers come to."""
    whole = merged(partials, ["ways"])
    ways = tallied(whole["ways"])
    grown = _grown(base.touchpoints, question, ways[:, :-1], ways[:, -1])
    said = (caution("cut-variants", n=int(whole["cut"][0])),) if "cut" in whole else ()
    return _found(grown, question, base.journeys, said)


def find(journeys: Journeys, question: Tree) -> Finding:
    """Count in one group of journeys."""
    return _found(_grown(journeys.touchpoints, question, _ways(journeys, question)[1]), question, len(journeys))


def _found(grown: _Grown, question: Tree, journeys: int, cautions: tuple[Caution, ...] = ()) -> Finding:
    back = question.end is not None
    counts = np.array([node.count for node in grown.nodes], np.int64)
    n = int(counts[0])
    share, low, high = shares(counts, n)
    columns = {
        "node": np.arange(len(counts)),
        "parent": np.array([node.parent for node in grown.nodes], np.int64),
        "step": np.array([node.step for node in grown.nodes], np.int64),
        "path": [ARROW.join(reversed(node.path) if back else node.path) for node in grown.nodes],
        "kind": [node.kind for node in grown.nodes],
        "journeys": counts,
        "share": or_none(share),
        "low": or_none(low),
        "high": or_none(high),
    }
    return Finding(columns, {"journeys": journeys, "in_tree": n}, (n,), cautions)


def who(journeys: Journeys, question: Tree, row: Mapping[str, Any]) -> Int:
    """Positions of the journeys whose way goes through the row's node."""

    def held(some: Journeys) -> Int:
        owner, ways = _ways(some, question)
        grown = _grown(some.touchpoints, question, ways)
        node = row.get("node")
        if not isinstance(node, int) or not 0 <= node < len(grown.nodes):
            raise BadQuestion("tree: row", f"there is no node {node}.", f"Nodes are 0 to {len(grown.nodes) - 1}.")
        under = np.zeros(len(grown.nodes), bool)
        under[node] = True
        for i, one in enumerate(grown.nodes):  # a parent stands before its children
            under[i] |= one.parent >= 0 and under[one.parent]
        return owner[under[grown.last]]

    return within_group(journeys, question.by, row, "tree", held)


def tree(
    journeys: Journeys,
    *,
    start: str | None = None,
    end: str | None = None,
    depth: int = 4,
    top: int = 5,
    collapse: bool = True,
    by: str | None = None,
) -> Answer:
    """Which ways journeys take from a touchpoint, or to one, each way apart.

    Parameters
    ----------
    start : forward from a journey's first touchpoint of this name; without it and `end` from its beginning
    end : backward from a journey's first touchpoint of this name
    depth : so many steps, at most 6
    top : so many touchpoints after each node, at most 10; the rest is the node "other"
    collapse : the same touchpoint several times in a row is one
    by : a customer attribute, or a column read at the journey's first touchpoint

    Returns
    -------
    Answer
        node and its parent (the root is 0, its parent -1); step (the root's is 0); path (in the direction of time);
        kind: touchpoint, other, exit, or start; journeys; share of the journeys at the root, with low and high (Wilson,
        95 %). A node's children add up to it, but for "other", "exit", "start" and the last step, which have none.

    Raises
    ------
    UnknownName
        `start`, `end` or `by` is not in the data.
    BadQuestion
        Both `start` and `end`; `depth` or `top` out of range.

    Examples
    --------
    >>> from etappe.journeys.columns import journeys_of
    >>> shop = journeys_of([0, 3, 4], [0, 1, 2, 5], [0, 1, 2, 0], ["visit", "cart", "order"])
    >>> [(row["path"], row["journeys"]) for row in tree(shop, start="visit", depth=1).rows()]
    [('visit', 2), ('visit > cart', 1), ('visit > exit', 1)]
    """
    question = Tree(start=start, end=end, depth=depth, top=top, collapse=collapse, by=by)
    return answer(journeys, question, find)
