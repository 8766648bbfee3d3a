"""Behaviour: features on scales where distances mean something, and centres that customers are near to.

Unit of count: the journey. Counts and money are taken as logarithms, shares as arcsine of their root, which makes their
scatter alike. What rests on few observations says little: a share, a typical pause and a typical basket are drawn
towards what is common to all, as if `PRIOR` observations of that came on top. Features are then standardised, joined to
independent axes, and turned so that distances count in units of the scatter within a centre's customers.

A customer belongs to the centre that is likeliest (nearness, and how common the centre is), if it is within that
centre's reach: as near as 999 of 1,000 of those it was made from. Else, and with fewer than `least` touchpoints, to
none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from etappe.analysis.features import HOURS, Features, kind_of, measure
from etappe.analysis.kernel import kernel, plain
from etappe.arrays import Int, over_parts
from etappe.journeys.columns import Journeys

Float = NDArray[np.float64]
PRIOR: Final = 2.0
HOUR: Final = 1 / 24
"""Added to a length of time in days before its logarithm."""
NONE: Final = -1
COUNT, DAYS, SHARE = 0, 1, 2
BEHAVIOUR: Final = ("touchpoints", "gap", "basket", *HOURS, "weekend")
"""What is compared, beside the shares of touchpoints and channels. Not how long ago: that says when somebody was a
customer, not what kind of customer."""
CHUNK: Final = 200_000


class Trait(msgspec.Struct, frozen=True):
    """A customer attribute that the centres differ in: the share of each text, a row a centre."""

    name: str
    texts: tuple[str, ...]
    shares: tuple[tuple[float, ...], ...]


class Centre(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of behaviour."""

    id: str
    """Stays through refits, as long as mostly the same customers are meant."""
    weight: float
    reach: float
    """Squared distance."""
    at: tuple[float, ...]
    """Its place on the axes."""
    stability: float
    """Mean Jaccard similarity to its nearest one over bootstrap samples (Hennig 2007)."""


class Centres(msgspec.Struct, frozen=True, kw_only=True):
    """Kinds of behaviour, and all that is needed to find a customer's again. Nothing in it is about one customer."""

    schema: str = "persona-centres/1"
    features: tuple[str, ...]
    goal: str | None
    least: int
    common: tuple[float, ...]
    """Of each feature what is common to all, on its scale."""
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    turn: tuple[tuple[float, ...], ...]
    """(f, d) from standardised features to axes."""
    centres: tuple[Centre, ...]
    traits: tuple[Trait, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Drift:
    """How a refit moved the clusters."""

    changed: float | None
    """Share of the customers with a persona before and after, whose persona is another one now."""
    n: int
    moved: dict[str, float]
    """For each id that stayed, how far its centre went, in units of the scatter within clusters."""
    new: tuple[str, ...]
    gone: tuple[str, ...]


def compared(names: Sequence[str], *, channels: bool) -> tuple[str, ...]:
    """Of features those that are compared; channels only where they say more than the touchpoints."""
    families = ("touchpoint:", "channel:") if channels else ("touchpoint:",)
    return tuple(name for name in names if name in BEHAVIOUR or name.startswith(families))


def observed(names: Sequence[str], found: Features) -> Float:
    """(n, f) on how many observations each feature rests, where that counts; infinite where it is exact."""
    touchpoints = found.column("touchpoints").astype(np.float64)
    out = np.full((len(touchpoints), len(names)), np.inf)
    for i, name in enumerate(names):
        if kind_of(name) == "share":
            out[:, i] = touchpoints
        elif name == "gap":
            out[:, i] = np.maximum(touchpoints - 1, 0)
        elif name == "basket":
            out[:, i] = found.column("purchases")
    return out


def raw_scale(names: Sequence[str], found: Features) -> Float:
    """(n, f) logarithms of counts, money and lengths of time; shares as they are."""
    columns = []
    for name in names:
        x = found.column(name).astype(np.float64)
        kind = kind_of(name)
        columns.append(x if kind == "share" else np.log(x + HOUR) if kind == "days" else np.log1p(x))
    return np.column_stack(columns) if columns else np.zeros((len(found.values), 0))


def common_of(raw: Float, weight: Float) -> Float:
    """(f,) the mean over all observations."""
    w = np.where(np.isinf(weight), 1.0, weight)
    mean: Float = (raw * w).sum(axis=0) / np.maximum(w.sum(axis=0), 1e-12)
    return mean


def scaled(names: Sequence[str], found: Features, common: Any = None) -> tuple[Float, Float]:
    """(n, f) features on their scales, drawn towards what is common, and (f,) what is common."""
    raw, weight = raw_scale(names, found), observed(names, found)
    base = common_of(raw, weight) if common is None else np.asarray(common, np.float64)
    exact = np.isinf(weight)
    held = np.where(exact, 1.0, weight)
    trust = np.where(exact, 1.0, held / (held + PRIOR))
    drawn = base + (raw - base) * trust
    shares = np.array([kind_of(name) == "share" for name in names], bool)
    drawn[:, shares] = np.arcsin(np.sqrt(np.clip(drawn[:, shares], 0, 1)))
    return drawn, base


def needed(names: Sequence[str]) -> tuple[str, ...]:
    """The features to measure, so that these can be scaled."""
    extra = ("touchpoints", *(("purchases",) if "basket" in names else ()))
    return tuple(dict.fromkeys((*names, *extra)))


@kernel
def _place(
    values: Any,
    kind: Int,
    weight: Int,
    common: Float,
    mean: Float,
    scale: Float,
    turn: Float,
    out: Float,
    first: int,
    last: int,
) -> None:
    """As `scaled`, standardised and turned, for one customer after the other. O(n * f * d)."""
    for c in range(first, last):
        for i in range(len(kind)):
            x = np.float64(values[c, i])
            if kind[i] == DAYS:
                x = np.log(x + HOUR)
            elif kind[i] == COUNT:
                x = np.log1p(x)
            if weight[i] >= 0:
                less = 1.0 if kind[i] == DAYS else 0.0  # so many touchpoints have one pause less between them
                held = max(np.float64(values[c, weight[i]]) - less, 0.0)
                x = common[i] + (x - common[i]) * (held / (held + PRIOR))
            if kind[i] == SHARE:
                x = np.arcsin(np.sqrt(min(max(x, 0.0), 1.0)))
            z = (x - mean[i]) / scale[i]
            for d in range(out.shape[1]):
                out[c, d] += z * turn[i, d]


def places(model: Centres, journeys: Journeys) -> tuple[Float, Float]:
    """(n, d) where customers lie on the model's axes, and (n,) their touchpoints."""
    names = needed(model.features)
    found = measure(journeys, names, model.goal)
    of = {"share": SHARE, "days": DAYS}
    kind = np.array([of.get(kind_of(name), COUNT) for name in model.features], np.int64)
    rests = {"gap": "touchpoints", "basket": "purchases"}
    on = [rests.get(name, "touchpoints" if kind_of(name) == "share" else "") for name in model.features]
    weight = np.array([names.index(name) if name else -1 for name in on], np.int64)
    turn = np.asarray(model.turn, np.float64)
    out = np.zeros((len(journeys), turn.shape[1]))
    arrays = (model.common, model.mean, model.scale, turn)
    common, mean, scale, turned = (plain(np.asarray(x, np.float64)) for x in arrays)
    values, kinds, weights = plain(found.values), plain(kind), plain(weight)

    def work(first: int, last: int) -> None:
        _place(values, kinds, weights, common, mean, scale, turned, out, first, last)

    over_parts(journeys.offsets, work)
    return out, found.column("touchpoints").astype(np.float64)


def distances(y: Float, at: Float) -> Float:
    """(n, k) squared distances."""
    apart = (y**2).sum(axis=1)[:, None] - 2 * y @ at.T + (at**2).sum(axis=1)[None]
    squared: Float = np.maximum(apart, 0)
    return squared


def said_by_traits(model: Centres, journeys: Journeys) -> Float:
    """(n, k) log-likelihood of what customers are said to be; 0 for what is not known of them."""
    out = np.zeros((len(journeys), len(model.centres)))
    for trait in model.traits:
        if trait.name not in journeys.attributes:
            continue
        column = journeys.attribute(trait.name)
        table = np.zeros((len(column.names), len(model.centres)))
        for code, text in enumerate(column.names):
            if text in trait.texts:
                table[code] = np.log([row[trait.texts.index(text)] for row in trait.shares])
        out += table[column.codes]
    return out


def nearest(model: Centres, journeys: Journeys) -> Int:
    """(n,) the position of each journey's centre, NONE where it has none.

    Examples
    --------
    >>> from etappe.journeys.columns import journeys_of
    >>> shop = journeys_of([0, 2, 3], [0, 5, 1], [0, 1, 0], ["visit", "order"])
    >>> half = ("touchpoint:visit",)
    >>> at = (Centre(id="c1", weight=1.0, reach=9.0, at=(0.0,), stability=1.0),)
    >>> scales = {"common": (0.5,), "mean": (0.8,), "scale": (1.0,), "turn": ((1.0,),)}
    >>> one = Centres(features=half, goal=None, least=2, centres=at, **scales)
    >>> nearest(one, shop).tolist()
    [0, -1]
    """
    out = np.full(len(journeys), NONE, np.int64)
    if not model.centres:
        return out
    at = np.array([centre.at for centre in model.centres])
    weight = np.log([centre.weight for centre in model.centres])
    reach = np.array([centre.reach for centre in model.centres])
    for first in range(0, len(journeys), CHUNK):
        some = journeys.part(first, min(first + CHUNK, len(journeys)))
        y, touchpoints = places(model, some)
        apart = distances(y, at)
        best = (weight - apart / 2 + said_by_traits(model, some)).argmax(axis=1)
        within = (apart[np.arange(len(best)), best] <= reach[best]) & (touchpoints >= model.least)
        out[first : first + len(best)] = np.where(within, best, NONE)
    return out


def drift_of(former: Centres, now: Centres, journeys: Journeys) -> Drift:
    """How centres moved: by id, over the same journeys."""
    before, after = nearest(former, journeys), nearest(now, journeys)
    old, new = [centre.id for centre in former.centres], [centre.id for centre in now.centres]
    y = places(former, journeys)[0] if set(old) & set(new) else np.zeros((0, 0))
    moved = {}
    for c, id in enumerate(new):
        if id in old and (after == c).any():
            at = np.asarray(former.centres[old.index(id)].at)
            moved[id] = float(np.linalg.norm(y[after == c].mean(axis=0) - at))
    both = (before >= 0) & (after >= 0)
    stayed = np.array(old)[before[both]] == np.array(new)[after[both]] if both.any() else both
    return Drift(
        changed=float(1 - stayed.mean()) if both.any() else None,
        n=int(both.sum()),
        moved=moved,
        new=tuple(id for id in new if id not in old),
        gone=tuple(id for id in old if id not in new),
    )
