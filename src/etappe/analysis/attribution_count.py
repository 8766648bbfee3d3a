"""Attribution, counted: what journeys contribute to it, and what contributions come to.

A dimension has codes of its own in each part, so that a contribution names its states, rising, and is brought to the
names of all. Counters of credit, of steps and of sets are whole numbers and add up; the games are solved after that.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from etappe.analysis.credit import SEEN
from etappe.analysis.markov import chain_steps, moved_steps
from etappe.analysis.partials import Partial, tallied
from etappe.analysis.shapley import moved_sets, path_sets, players_of
from etappe.analysis.touches import Steps, Touches, credit, refuse_much, rule_of, worth_of
from etappe.arrays import Int
from etappe.journeys.columns import Journeys

if TYPE_CHECKING:
    from etappe.analysis.attribution import Attribution

CREDITED: Final = "credit "
AGAIN: Final = "again "
"""Before a model's name: its counters (k + 1, SEEN) by state, the last one none, and repetitions (k + 2, often)."""
Games = dict[str, tuple[Steps, Int]]
"""Steps or sets that were counted, with the rows that occur: to be counted again in a bootstrap."""


def game_of(question: "Attribution", model: str) -> str | None:
    """What a model counts beside touches: the steps of a chain, or sets; of a rule it is nothing."""
    if model == "shapley" and question.value_function == "rate":
        return "sets"
    return "steps" if model == "markov" else None


def quick(question: "Attribution") -> bool:
    """Whether the chain alone is asked for: then no journey need be followed to its conversion."""
    more = question.counts or question.bootstrap or question.costs or question.per == "journey"
    return question.model == "markov" and not more


def counted(
    journeys: Journeys, question: "Attribution", touches: Touches, names: Sequence[str]
) -> tuple[Partial, Games]:
    """What some journeys contribute; all rules are counted in one pass."""
    found: Partial = {"names": np.array(names, np.str_)}
    models, games = question.models(), {game_of(question, model) for model in question.models()}
    held: Games = {}
    if "steps" in games:
        steps = chain_steps(touches, question.order, question.loops == "collapse")
        held["steps"] = (steps, steps.rows())
    if "sets" in games:
        found["players"] = players_of(touches)
        sets = path_sets(touches, found["players"])
        held["sets"] = (sets, sets.rows())
    found |= {name: rows for name, (_, rows) in held.items()}
    if quick(question):
        found["conversions"] = np.array([np.count_nonzero(touches.touchpoint == touches.goal)])
        return found, held
    worth = worth_of(journeys, touches)
    found["conversions"] = np.array([len(touches.goals), worth.valued, worth.value, worth.amounts])
    found["currencies"] = np.array(worth.currencies, np.str_)
    # The touch on the conversion itself is another touch: it has a pass of its own.
    for some in ([m for m in models if m != "same_touch"], [m for m in models if m == "same_touch"]):
        if some:
            rules = [rule_of(question, model, names) for model in some]
            counts, again, _ = credit(touches, rules, bootstrap=question.bootstrap)
            for i, model in enumerate(some):
                found[CREDITED + model], found[AGAIN + model] = counts[i, :, :SEEN], again[i]
    return found, held


def whole_of(partials: Sequence[Partial], question: "Attribution") -> Partial:
    """Contributions of disjoint customers as one, over all their names."""
    names = np.array(sorted({str(name) for one in partials for name in one["names"]}), np.str_)
    k = len(names)
    states = [np.searchsorted(names, one["names"]).astype(np.int64) for one in partials]
    found: Partial = {"names": names}
    found["conversions"] = np.add.reduce([one["conversions"] for one in partials])
    each = list(zip(partials, states, strict=True))
    if "currencies" in partials[0]:
        found["currencies"] = np.unique(np.concatenate([one["currencies"] for one in partials]))
        refuse_much(int(found["conversions"][0]), int(found["conversions"][3]))
    if "steps" in partials[0]:
        found["steps"] = _added([moved_steps(one["steps"], question.order, state, k) for one, state in each])
    if "sets" in partials[0]:
        players = np.unique(np.concatenate([state[one["players"]] for one, state in each]))
        among = [np.searchsorted(players, state[one["players"]]) for one, state in each]
        moved = [moved_sets(one["sets"], to, len(players)) for (one, _), to in zip(each, among, strict=True)]
        found |= {"players": players, "sets": _added(moved)}
    for name in partials[0]:
        if name.startswith((CREDITED, AGAIN)):
            more = len(partials[0][name]) - len(partials[0]["names"])
            found[name] = np.zeros((k + more, partials[0][name].shape[1]), np.int64)
            for one, state in each:
                found[name][np.concatenate((state, k + np.arange(more)))] += one[name]
    return found


def _added(rows: Sequence[Int]) -> Int:
    return tallied(np.concatenate(rows))


def counted_again(game: tuple[Steps, Int], bootstrap: int) -> Iterator[Int]:
    """In each repetition: the rows of a game, with how often they occur in it."""
    steps, rows = game
    for often in steps.again(rows[:, 0], bootstrap):
        yield np.column_stack((rows[:, 0], often))
