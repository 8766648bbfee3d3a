"""Naive conformance: every word of a plan, every way to lay it beside a journey, and what each of them says.

A plan is a tree: ("step", number, names, limit or None, channels), ("row", parts), ("ways", parts), ("?", part),
("+", part), ("*", part); numbers count the steps from 1 in the order of the text.
"""

from collections import Counter
from itertools import pairwise
from typing import Any

Tree = tuple[Any, ...]
Event = tuple[int, str, str | None]
"""Time, touchpoint, channel."""
Word = tuple[int, ...]
Label = tuple[str, int | str, int | str | None]
Told = frozenset[tuple[Label, int]]


def steps_of(plan: Tree) -> dict[int, Tree]:
    """The steps by their numbers."""
    if plan[0] == "step":
        return {plan[1]: plan}
    parts = plan[1] if plan[0] in ("row", "ways") else [plan[1]]
    return {number: step for part in parts for number, step in steps_of(part).items()}


def words(plan: Tree, most: int, longest: int) -> set[Word]:
    """The orders of up to `longest` steps that the plan allows, with up to `most` repeats of each part."""
    kind = plan[0]
    if kind == "step":
        return {(plan[1],)}
    if kind == "ways":
        return {word for part in plan[1] for word in words(part, most, longest)}
    if kind == "row":
        found: set[Word] = {()}
        for part in plan[1]:
            found = joined(found, words(part, most, longest), longest)
        return found
    inner = words(plan[1], most, longest)
    found = set(inner) | (set() if kind == "+" else {()})
    times = inner
    for _ in range(2, 1 if kind == "?" else most + 1):
        times = joined(times, inner, longest)
        found |= times
    return found


def joined(some: set[Word], others: set[Word], longest: int) -> set[Word]:
    """Each of some before each of others, as far as they are not too long."""
    return {one + other for one in some for other in others if len(one) + len(other) <= longest}


class Aligned:
    """The best ways to lay a journey beside a plan: `cost`, `strange`, `open` of any, and what each of them tells."""

    def __init__(self, plan: Tree, journey: list[Event], until: int, wait: int | None, *, everything: bool) -> None:
        self.steps = steps_of(plan)
        self.journey = [
            event for event in journey if everything or any(event[1] in step[2] for step in self.steps.values())
        ]
        # Twice at least, so that a step is seen to follow itself.
        # Longer words than these leave out more steps than a way without any touchpoint does.
        size = len(self.steps)
        self.words = words(plan, max(2, len(self.journey)), max(2 * len(self.journey) + size, 2 * size))
        shortest = min(map(len, self.words))
        self.length, self.shortest = len(self.journey), shortest
        self.pairs = {(a, b) for word in self.words for a, b in zip((0, *word), (*word, -1), strict=True)}
        longest = 2 * len(self.journey) + shortest
        kept = {word for word in self.words if len(word) <= longest}
        best: list[tuple[int, int, bool, Told]] = []
        for word in kept:
            best += [self.told(word, matched, goes_on=False) for matched in self.ways(word)]
        begun = {word[:k] for word in self.words for k in range(1, min(len(word), longest) + 1)}
        for word in begun:
            limits = [self.steps[b][3] or wait for a, b in self.pairs if a == word[-1] and b > 0]
            known = [limit for limit in limits if limit is not None]
            if (word[-1], -1) in self.pairs or not known:
                continue
            for matched in self.ways(word):
                taken = dict(matched)
                if len(word) - 1 in taken and until - self.journey[taken[len(word) - 1]][0] <= max(known):
                    best.append(self.told(word, matched, goes_on=True))
        self.cost = min(one[0] for one in best)
        cheap = [one for one in best if one[0] == self.cost]
        self.strange = min(one[1] for one in cheap)
        self.cheap = {(one[2], one[3]) for one in cheap}
        self.best = {(one[2], one[3]) for one in cheap if one[1] == self.strange}

    def ways(self, word: Word) -> list[tuple[tuple[int, int], ...]]:
        """Every way to take some of the touchpoints for steps of the word, in order."""
        found: list[tuple[tuple[int, int], ...]] = [()]
        for i, step in enumerate(word):
            found += [
                (*way, (i, t))
                for way in found
                for t in range(way[-1][1] + 1 if way else 0, len(self.journey))
                if self.journey[t][1] in self.steps[step][2]
            ]
        return found

    def told(
        self, word: Word, matched: tuple[tuple[int, int], ...], *, goes_on: bool
    ) -> tuple[int, int, bool, Told]:  # fmt: skip
        """The cost of a way, its late steps and those in another channel, and its labels."""
        labels: Counter[Label] = Counter()
        taken = dict(matched)
        cost = len(word) + len(self.journey) - 2 * len(matched)
        for (i, one), (j, other) in pairwise(matched):
            limits = [self.steps[step][3] for step in word[i + 1 : j + 1]]
            if None not in limits and self.journey[other][0] - self.journey[one][0] > sum(limits):
                labels["late", word[j], None] += 1
        for i, t in matched:
            self.channel(word[i], t, labels)
        strange = labels.total()
        extras = [t for t in range(len(self.journey)) if t not in taken.values()]
        for i, step in enumerate(word):
            if i in taken:
                continue
            elsewhere = [t for t in extras if self.journey[t][1] in self.steps[step][2]]
            turned = self.turned(word, taken, i, elsewhere[0], step) if elsewhere else None
            if turned:
                labels[turned] += 1
                extras.remove(elsewhere[0])
                self.channel(step, elsewhere[0], labels)
            else:
                labels["skipped", step, None] += 1
        done = set(word)
        for t in extras:
            label: Label = ("extra", self.journey[t][1], None)
            for step in sorted(self.steps):
                if self.journey[t][1] not in self.steps[step][2] or step in done:
                    continue
                ends = (0, *word, -2 if goes_on else -1)
                places = [
                    i for i in range(len(word) + 1) if {(ends[i], step), (step, ends[i + 1])} <= self.pairs
                ]  # fmt: skip
                turned = self.turned(word, taken, places[0], t, step) if places else None
                if turned:
                    label = turned
                    done.add(step)
                    self.channel(step, t, labels)
                    break
            labels[label] += 1
        return cost, strange, goes_on, frozenset(labels.items())

    def turned(self, word: Word, taken: dict[int, int], place: int, t: int, step: int) -> Label | None:
        """What came too early, and what it came before; the next one in the plan that was taken."""
        before = [i for i in taken if i < place]
        if before and taken[max(before)] > t:
            return ("out_of_order", step, word[max(before)])
        after = [i for i in taken if i >= place]
        if after and taken[min(after)] < t:
            return ("out_of_order", word[min(after)], step)
        return None

    def channel(self, step: int, t: int, labels: Counter[Label]) -> None:
        channels, used = self.steps[step][4], self.journey[t][2]
        if channels and used not in channels:
            labels["other_channel", step, used or ""] += 1


def cheapest(after: list[set[int]], last: set[int], names: list[set[str]], journey: list[str]) -> int:
    """The cost of the best way through a plan that is a graph of steps: the shortest path over (touchpoint, step)."""
    reached = {(0, 0): 0}
    waiting = [(0, 0)]
    while waiting:
        waiting.sort(key=lambda place: reached[place], reverse=True)
        i, step = waiting.pop()
        moves = [((i + 1, step), 1)] if i < len(journey) else []
        for other in after[step]:
            moves.append(((i, other), 1))
            if i < len(journey) and journey[i] in names[other]:
                moves.append(((i + 1, other), 0))
        for place, price in moves:
            cost = reached[i, step] + price
            if place not in reached or cost < reached[place]:
                reached[place] = cost
                waiting.append(place)
    return min(cost for (i, step), cost in reached.items() if i == len(journey) and step in last)
