"""networkx in a process of its own: the removal effects of a chain without circles, by walking every path there is."""

import json
import sys
from collections import Counter
from itertools import pairwise
from math import prod

sys.path.pop(0)  # this folder holds a file of the library's own name
import networkx as nx

asked = json.load(sys.stdin)
steps: Counter[tuple[str, str]] = Counter()
for path, converted, lost in asked["paths"]:
    names = path.split(">")
    for end, count in (("converted", converted), ("lost", lost)):
        for pair in pairwise(["start", *names, end]):
            steps[pair] += count
leaving: Counter[str] = Counter()
for (name, _), count in steps.items():
    leaving[name] += count
graph = nx.DiGraph()
for (a, b), count in steps.items():
    if count:
        graph.add_edge(a, b, chance=count / leaving[a])
assert nx.is_directed_acyclic_graph(graph)


def chance(without):
    found = (path for path in nx.all_simple_paths(graph, "start", "converted") if without not in path)
    return sum(prod(graph.edges[pair]["chance"] for pair in pairwise(path)) for path in found)


effects = {name: 1 - chance(name) / chance(None) for name in graph if name not in ("start", "converted", "lost")}
json.dump({name: effect / sum(effects.values()) for name, effect in effects.items()}, sys.stdout)
