"""The tree in slow plain Python: every journey's way as a list, counted by its beginnings."""

from collections import Counter

Plain = list[list[tuple[int, str]]]


def ways(lists: Plain, root: str | None, *, back: bool, collapse: bool) -> dict[int, list[str]]:
    """For each journey in the tree its touchpoints after the root, in the direction of the walk, then its end."""
    found = {}
    for i, journey in enumerate(lists):
        names = [name for _, name in journey]
        if collapse:
            names = [name for at, name in enumerate(names) if at == 0 or names[at - 1] != name]
        if root is None:
            if names:
                found[i] = [*names, "(end)"]
        elif root in names:
            at = names.index(root)
            found[i] = [*(names[:at][::-1] if back else names[at + 1 :]), "(end)"]
    return found


def tree(
    lists: Plain, root: str | None, depth: int, top: int, names: list[str], *, back: bool = False, collapse: bool = True
) -> dict[tuple[str, ...], set[int]]:
    """The journeys at each node; a node is its way, "(other)" and "(end)" as its last."""
    held = ways(lists, root, back=back, collapse=collapse)
    nodes: dict[tuple[str, ...], set[int]] = {(): set(held)}
    waiting: list[tuple[str, ...]] = [()]
    while waiting:
        way = waiting.pop()
        if len(way) == depth:
            continue
        nexts = {i: held[i][len(way)] for i in nodes[way]}
        counts = Counter(name for name in nexts.values() if name != "(end)")
        kept = sorted(counts, key=lambda name: (-counts[name], names.index(name)))[:top]
        for i, name in nexts.items():
            step = name if name in kept or name == "(end)" else "(other)"
            nodes.setdefault((*way, step), set()).add(i)
        waiting += [(*way, name) for name in kept]
    return nodes
