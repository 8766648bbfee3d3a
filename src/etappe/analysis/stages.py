"""Stages: how many journeys touch each stage of a stage model, and how long they stay in it.

Unit of count: the journey for `journeys`, `share` and the median; the touchpoint for `events`. Each touchpoint has an
atom by the registry, and the model says which stage an atom belongs to. What the model does not cover, and what the
registry does not know, are rows of their own: nothing is forced into a stage.

A touchpoint's time lasts until the journey's next touchpoint; the last one's is 0. Time in a stage is the sum of its
touchpoints' times, so it runs from entering the stage to leaving it, and returns add up.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from etappe.analysis.answer import Answer, Finding, Question, answer
from etappe.analysis.groups import within_group
from etappe.analysis.intervals import median, or_none, shares
from etappe.analysis.kernel import arrays_of, kernel, plain, total
from etappe.arrays import Int, over_parts
from etappe.errors import unknown
from etappe.journeys.columns import Journeys
from etappe.journeys.stages import Registry, atoms_of, default_registry
from etappe.vocabulary import ATOMS

NOT_COVERED: Final = "not_covered"
UNASSIGNED: Final = "unassigned"


class Stages(Question, frozen=True, kw_only=True):
    """How many journeys touch each stage of a stage model, and how long they stay in it."""

    label: ClassVar[str] = "stage"
    model: str = "m4"
    """The stage model: m1 to m6, or one of the workspace's own."""


@kernel
def _stays(
    offsets: Int, time_us: Int, atoms: NDArray[Any], stage_of: NDArray[Any], s: int, first: int, last: int
) -> tuple[Int, Int, Int]:
    """For each of s stages: the times spent by the journeys that touch it, how many those are, events. O(t + n * s)."""
    spent = np.empty((s, last - first), np.int64)
    journeys = np.zeros(s, np.int64)
    events = np.zeros(s, np.int64)
    here = np.zeros(s, np.int64)
    times_here = np.zeros(s, np.int64)
    for c in range(first, last):
        own = atoms[offsets[c] : offsets[c + 1]]
        times = time_us[offsets[c] : offsets[c + 1]]
        for i in range(len(own)):
            stage = stage_of[own[i]]
            here[stage] += 1
            if i + 1 < len(times):
                times_here[stage] += times[i + 1] - times[i]
        for r in range(s):
            if here[r] > 0:
                spent[r, journeys[r]] = times_here[r]
                journeys[r] += 1
                events[r] += here[r]
                here[r] = times_here[r] = 0
    return spent, journeys, events


def _rows(question: Stages, registry: Registry) -> list[tuple[str, str]]:
    """Name and kind of each row: the model's stages in order, then what is not covered and what is unassigned."""
    model = registry.model(question.model, "stages: model")
    named = [(stage.id, "stage") for stage in model.stages]
    return [*named, (NOT_COVERED, NOT_COVERED), (UNASSIGNED, UNASSIGNED)]


def _stage_of(question: Stages, registry: Registry) -> NDArray[np.uint8]:
    """Each atom's row in `_rows`."""
    rows = [name for name, _ in _rows(question, registry)]
    model = registry.model(question.model, "stages: model")
    of_atom = np.full(256, len(rows) - 1, np.uint8)
    for i, atom in enumerate(ATOMS):
        stage = model.atoms.get(atom)
        of_atom[i] = len(rows) - 2 if stage is None else rows.index(stage)
    return plain(of_atom)


def find(journeys: Journeys, question: Stages, registry: Registry | None = None) -> Finding:
    """Count in one group of journeys."""
    registry = registry or default_registry()
    rows = _rows(question, registry)
    s, n = len(rows), len(journeys)
    offsets, time_us, _ = arrays_of(journeys)
    atoms, stage_of = plain(atoms_of(journeys, registry)), _stage_of(question, registry)
    partials = over_parts(offsets, lambda a, b: _stays(offsets, time_us, atoms, stage_of, s, a, b))
    counts = sum((part[1] for part in partials), np.zeros(s, np.int64))
    events = sum((part[2] for part in partials), np.zeros(s, np.int64))
    none = np.empty(0, np.int64)
    times = [np.concatenate([none, *(part[0][r, : part[1][r]] for part in partials)]) for r in range(s)]
    sums = [total(spent) for spent in times]
    whole = sum(sums)
    share, low, high = shares(counts, n)
    medians = [median(spent) for spent in times]
    columns = {
        "stage": [name for name, _ in rows],
        "kind": [kind for _, kind in rows],
        "journeys": counts,
        "share": or_none(share),
        "low": or_none(low),
        "high": or_none(high),
        "events": events,
        "time_share": [spent / whole if whole else None for spent in sums],
        "median_us": [row[0] for row in medians],
        "median_low_us": [row[1] for row in medians],
        "median_high_us": [row[2] for row in medians],
        "model": [question.model] * s,
    }
    covered = int(events[: s - 2].sum())
    return Finding(columns, {"journeys": n, "events": journeys.events, "covered_events": covered}, (n,))


def who(journeys: Journeys, question: Stages, row: Mapping[str, Any], registry: Registry | None = None) -> Int:
    """Positions of the journeys that touch the row's stage."""
    registry = registry or default_registry()
    names = [name for name, _ in _rows(question, registry)]
    if row["stage"] not in names:
        raise unknown("stages: row", "stage", str(row["stage"]), names)
    wanted = names.index(row["stage"])

    def held(some: Journeys) -> Int:
        rows = np.flatnonzero(_stage_of(question, registry)[atoms_of(some, registry)] == wanted)
        return np.unique(np.searchsorted(some.offsets, rows, side="right") - 1).astype(np.int64)

    return within_group(journeys, question.by, row, "stages", held)


def answered(journeys: Journeys, question: Stages, registry: Registry | None = None) -> Answer:
    """Answer the question by a registry; its contents are part of the snapshot."""
    known = registry or default_registry()
    return answer(journeys, question, lambda some, asked: find(some, asked, known), registry=known.digest)


def stages(journeys: Journeys, *, model: str = "m4", registry: Registry | None = None, by: str | None = None) -> Answer:
    """How many journeys touch each stage of a stage model, and how long they stay in it.

    Parameters
    ----------
    model : id of a stage model: m1 to m6, or one of the workspace's own
    registry : touchpoints, atoms and models; by default those that come with Etappe
    by : a customer attribute, or a column read at the journey's first touchpoint

    Returns
    -------
    Answer
        stage; kind (stage, not_covered, unassigned); journeys; share of all journeys with low and high (Wilson, 95 %);
        events; time_share (of the time of all journeys); median_us, the median time in the stage of the journeys that
        touch it, with its interval; model, since one person stands at different stages in different models. Shares of
        stages add up to more than 1: a journey touches several.

    Raises
    ------
    UnknownName
        There is no such model, or `by` is not in the data.

    Examples
    --------
    >>> from etappe.journeys.columns import journeys_of
    >>> shop = journeys_of([0, 2], [0, 5], [0, 1], ["visit", "order"])
    >>> answer = stages(shop, model="m4")
    >>> dict(zip(answer.column("stage"), answer.column("journeys")))["purchase"]
    1
    """
    return answered(journeys, Stages(model=model, by=by), registry)
