"""Naive flow: the nodes of each journey written down, then counted with a plain Counter."""

from collections import Counter
from itertools import groupby

Journey = list[tuple[int, str]]
Node = tuple[str, str]
Link = tuple[int, Node, Node]


def walk(journey: Journey, start: str | None, end: str | None, depth: int, collapse: bool) -> list[Node] | None:
    """A journey's nodes from where the flow begins, at most depth + 1; None where it does not begin."""
    names = [name for _, name in journey]
    anchor = end if end is not None else start
    if not names or (anchor is not None and anchor not in names):
        return None
    first: Node = ("start", "start")
    rest = names
    if anchor is not None:
        at = names.index(anchor)
        first = (anchor, "touchpoint")
        rest = names[:at][::-1] if end is not None else names[at + 1 :]
    if collapse:
        rest = [name for name, _ in groupby(rest)]
        if anchor is not None and rest and rest[0] == anchor:
            rest = rest[1:]
    nodes = [first, *((name, "touchpoint") for name in rest[:depth])]
    if len(nodes) <= depth:
        gone = "start" if end is not None else "exit"
        nodes.append((gone, gone))
    return nodes


def flow(
    journeys: list[Journey], start: str | None, end: str | None, depth: int, top: int, collapse: bool, order: list[str]
) -> Counter[Link]:
    """Links with their counts; `order` settles which of two equally frequent names is a node."""
    walks = [nodes for journey in journeys if (nodes := walk(journey, start, end, depth, collapse))]
    kept: list[set[Node]] = [{nodes[0] for nodes in walks}]
    for s in range(1, depth + 1):
        counts = Counter(nodes[s] for nodes in walks if len(nodes) > s and nodes[s][1] == "touchpoint")
        kept.append(set(sorted(counts, key=lambda node: (-counts[node], order.index(node[0])))[:top]))

    def shown(node: Node, s: int) -> Node:
        return node if node[1] != "touchpoint" or node in kept[s] else ("other", "other")

    links: Counter[Link] = Counter()
    for nodes in walks:
        for s in range(1, len(nodes)):
            near, far = shown(nodes[s - 1], s - 1), shown(nodes[s], s)
            links[(s, far, near) if end is not None else (s, near, far)] += 1
    return links
