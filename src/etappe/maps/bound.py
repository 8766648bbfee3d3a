"""Bound: a map with its numbers. Evidence has a value with base, interval, date and state; each cell has a basis."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from etappe.language import LANGUAGES
from etappe.maps.check import Fault
from etappe.maps.draw import svg
from etappe.maps.model import SHOWN as SHOWN
from etappe.maps.model import Basis, Cell, JourneyMap, Lane
from etappe.maps.model import State as State
from etappe.vocabulary import I18n

if TYPE_CHECKING:
    from etappe.journeys.columns import Journeys
    from etappe.journeys.stages import Registry


@dataclass(frozen=True, eq=False, kw_only=True)
class Bound:
    """One evidence, computed. `value` is in `unit` (per cent from 0 to 100) and None unless it may be shown."""

    id: str
    state: State
    unit: str
    label: I18n
    sentence: I18n
    """How it was computed, as one sentence."""
    value: float | None = None
    n: int | None = None
    low: float | None = None
    high: float | None = None
    currency: str | None = None
    why: I18n = ""
    """Of a value that is not shown: why not. Of a changed one: what it was."""
    metric: str | None = None
    data_until: str | None = None
    at: str | None = None
    timezone: str = "UTC"
    """Of the data: days are said in it."""
    share_of_data: float | None = None
    """Share of all events that the population, filter and window leave."""
    question: dict[str, Any] | None = None
    """What is asked, in the data's names where each touchpoint is one of them; else in the map's, and then
    `parameters["names"]` says what they mean."""
    counted: dict[str, Any] | None = None
    """The same in the names of `view`."""
    row: dict[str, Any] | None = None
    without: dict[str, Any] | None = None
    """A second row, whose journeys are not behind the number: who dropped out reached one step and not the other."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Of the metric as they were understood; and the conditions: population, filter, window, names."""
    snapshot: str | None = None
    target: float | None = None
    better: str | None = None
    verdict: Literal["good", "bad"] | None = None
    min_n: int = 30
    source: str = ""
    view: "Journeys | None" = field(default=None, repr=False)
    """The journeys that were asked; `row` and the positions of people refer to them."""
    registry: "Registry | None" = field(default=None, repr=False)


@dataclass(frozen=True, eq=False, kw_only=True)
class BoundCell:
    """A cell at its columns, with what it rests on; `basis` is None where nothing is claimed about customers."""

    cell: Cell
    lane: Lane
    first: int
    span: int
    basis: Basis | None
    score: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """How much of the data the map's touchpoints explain."""

    journeys: float
    """Share of journeys of which every touchpoint is on the map."""
    events: float
    """Share of events that are on the map."""
    sentence: I18n
    unmapped: tuple[tuple[str, int], ...] = ()
    """The touchpoints that are not on the map with their events, the most frequent first."""


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class BoundMap:
    """A map, its evidence by id, its cells with their basis. A notebook shows it as its picture.

    Examples
    --------
    >>> from etappe.maps.draft import template
    >>> from etappe.maps.evidence import bind
    >>> bind(template("five-stages"))
    <BoundMap 'five-stages': 5 stages, 8 steps, 0 of 5 numbers>
    """

    map: JourneyMap
    evidence: Mapping[str, Bound]
    cells: tuple[BoundCell, ...]
    shares: Mapping[Basis, float]
    """Share of the cells that claim something about customers, by basis."""
    coverage: Coverage | None = None
    faults: tuple[Fault, ...] = ()
    data_until: str | None = None
    at: str | None = None
    timezone: str = "UTC"

    def __repr__(self) -> str:
        shown = sum(b.state in SHOWN for b in self.evidence.values())
        counts = f"{len(self.map.stages)} stages, {len(self.map.steps)} steps, {shown} of {len(self.evidence)} numbers"
        return f"<BoundMap {self.map.id!r}: {counts}>"

    def _repr_svg_(self) -> str:
        """The picture, in a notebook."""
        return svg(self, self.map.language if self.map.language in LANGUAGES else "en")

    def of(self, cell: Cell) -> list[Bound]:
        """The evidence of a cell."""
        return [self.evidence[ref] for ref in cell.refs if ref in self.evidence]
