"""Seen: the journeys as a map sees them, each event named by the touchpoint of the map that it is.

Unit of count: the event. An event is one touchpoint of the map at most: the first, in the order of the map, that claims
it. What no touchpoint claims keeps the name that it has in the data.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from etappe.arrays import code_type
from etappe.errors import EtappeError
from etappe.expression import parse
from etappe.journeys.columns import Journeys
from etappe.journeys.conditions import touchpoints_that
from etappe.maps.model import JourneyMap, Touchpoint

if TYPE_CHECKING:
    from etappe.journeys.stages import Registry

Bool = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Seen:
    """Journeys under the map's names, and which events the map explains."""

    journeys: Journeys
    mapped: Bool
    """(t,) which events are on the map."""
    names: Mapping[str, tuple[str, ...]]
    """The names in the data behind each touchpoint of the map; empty where the data hold nothing of it."""
    wholly: Mapping[str, str]
    """Touchpoints of the map that are one name of the data and all of its events, with that name."""
    problems: Mapping[str, str]
    """Touchpoints whose `match` cannot be asked of this data, and why."""


def names_of(
    touchpoints: tuple[Touchpoint, ...], known: tuple[str, ...], registry: "Registry | None"
) -> dict[str, str]:
    """Which touchpoint of the map a name in the data means: its own id first, then the registry's names for it.

    Examples
    --------
    >>> shelf = Touchpoint(id="shelf", title="Shelf", channel="store", medium="analog", contact="direct")
    >>> names_of((shelf,), ("shelf", "till"), None)
    {'shelf': 'shelf'}
    """
    plain = [t.id for t in touchpoints if t.match is None]
    found = {name: name for name in known if name in plain}
    if registry is not None:
        meant = {entry.id: id for id in reversed(plain) if (entry := registry.find(id))}
        for name in known:
            entry = registry.find(name)
            if name not in found and entry is not None and entry.id in meant:
                found[name] = meant[entry.id]
    return found


def see(document: JourneyMap, journeys: Journeys, registry: "Registry | None" = None) -> Seen:
    """The journeys under the names of a map. O(t) and one pass for each `match`."""
    by_name = names_of(document.touchpoints, journeys.touchpoints, registry)
    ids = [t.id for t in document.touchpoints]
    owner: NDArray[Any] = np.full(journeys.events, -1, np.int64)
    problems: dict[str, str] = {}
    for i, t in enumerate(document.touchpoints):
        if t.match is not None:
            try:
                claimed = touchpoints_that(journeys, parse(t.match, f"touchpoints[{i}].match", journeys=True))
            except EtappeError as error:
                problems[t.id] = str(error)
                continue
        else:
            codes = [code for code, name in enumerate(journeys.touchpoints) if by_name.get(name) == t.id]
            if not codes:
                continue
            claimed = np.isin(journeys.touchpoint, codes)
        owner[(owner == -1) & claimed] = i
    mapped = owner >= 0
    rest = [name for name in journeys.touchpoints if name not in ids]
    labels = [*ids, *rest, *(f"{name} (data)" for name in journeys.touchpoints if name in ids)]
    position = {name: i for i, name in enumerate(labels)}
    loose = np.asarray(
        [position[name] if name not in ids else position[f"{name} (data)"] for name in journeys.touchpoints], np.int64
    )
    codes_now = np.where(mapped, owner, loose[journeys.touchpoint] if len(loose) else owner)
    names = {
        t.id: tuple(journeys.touchpoints[code] for code in np.unique(journeys.touchpoint[owner == i]).tolist())
        for i, t in enumerate(document.touchpoints)
    }
    counts = np.bincount(journeys.touchpoint, minlength=len(journeys.touchpoints))
    mine = np.bincount(owner[mapped], minlength=len(ids))
    single = {id: of[0] for id, of in names.items() if len(of) == 1}
    code_of = {name: code for code, name in enumerate(journeys.touchpoints)}
    wholly = {id: name for id, name in single.items() if mine[ids.index(id)] == counts[code_of[name]]}
    note = f"as map {document.id} sees it: " + "; ".join(f"{id} = {', '.join(of)}" for id, of in names.items() if of)
    origin = replace(journeys.origin, filters=(*journeys.origin.filters, note))
    # Only names that occur, so that answers list nothing that was never seen.
    used = np.unique(codes_now)
    compact = np.zeros(len(labels) + 1, np.int64)
    compact[used] = np.arange(len(used))
    renamed = replace(
        journeys,
        touchpoint=compact[codes_now].astype(code_type(max(1, len(used)))),
        touchpoints=tuple(labels[code] for code in used.tolist()),
        origin=origin,
    )
    return Seen(renamed, mapped, names, wholly, problems)
