"""Columns: the journeys as arrays, sorted once by (subject, time, order of receipt).

Unit of count: the journey. Touchpoints at the same instant keep the order in which their source gave them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from etappe.arrays import Codes, Column, Int, code_type, distinct
from etappe.errors import unknown
from etappe.expression import Condition, read_condition
from etappe.journeys.clock import CLOCK
from etappe.journeys.conditions import journeys_that, over_touchpoints, strange_values, touchpoints_that
from etappe.units import MONEY, NO_VALUE, duration_us

if TYPE_CHECKING:
    from etappe.journeys.stages import Registry

Lazy = Mapping[str, Callable[[], Column]]


@dataclass(frozen=True)
class Origin:
    """Where journeys come from: what a reader of a number needs in order to trust it."""

    data_until_us: int | None = None
    """Time of the latest event in the data, before any filter."""
    lake: str = ""
    """Version of the data, part of every snapshot."""
    timezone: str = "UTC"
    filters: tuple[str, ...] = ()
    events: int = 0
    """Events in the data, before any filter."""
    subjects: int = 0
    """Subjects in the data, before any filter."""
    strange: tuple[tuple[str, str, str], ...] = ()
    """What filters ask for and the data lack: column, value, and the nearest value there is ("": none is near)."""
    end_us: int | None = None
    """A filter leaves nothing from here on; none: it leaves all that the data hold."""

    @property
    def seen_until_us(self) -> int | None:
        """So far the journeys can be seen: to the end of the data, or of the period that a filter leaves.

        Who has not arrived by then may still arrive; that nothing is seen later says nothing of them.
        """
        if self.data_until_us is None or self.end_us is None:
            return self.data_until_us
        return min(self.data_until_us, self.end_us - 1)


@dataclass(frozen=True, eq=False)
class Journeys:
    """All touchpoints of each subject in the order (time, receipt), in columns.

    Attributes
    ----------
    offsets : (n+1,) int64; journey i holds the touchpoints offsets[i] to offsets[i+1]
    time_us : (t,) int64, microseconds since 1970 UTC
    touchpoint : (t,) uint8 or uint16, codes into `touchpoints`
    touchpoints : the names
    subject : (n,) int64, whose journey it is; several journeys may share one after `split`
    value : (t,) int64 in 1/10,000 of the currency; NO_VALUE where an event has none
    """

    offsets: Int
    time_us: Int
    touchpoint: Codes
    touchpoints: tuple[str, ...]
    subject: Int
    lazy: Lazy
    lazy_attributes: Lazy
    origin: Origin
    lazy_value: Callable[[], Int] | None = None
    name_of: Callable[[Int], list[str]] | None = None
    labels: tuple[str, ...] = ()
    """Names of the columns that a registry gave."""

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __repr__(self) -> str:
        return f"<Journeys: {len(self):,} journeys of {self.subjects:,} subjects, {len(self.time_us):,} touchpoints>"

    @property
    def events(self) -> int:
        """How many touchpoints there are."""
        return len(self.time_us)

    @cached_property
    def subjects(self) -> int:
        """How many subjects there are; fewer than journeys after a split."""
        return len(distinct(self.subject))

    @cached_property
    def value(self) -> Int:
        """Values in 1/10,000 of the currency, NO_VALUE where there is none."""
        return self.lazy_value() if self.lazy_value else np.full(self.events, NO_VALUE, np.int64)

    @cached_property
    def _loaded(self) -> dict[str, Column]:
        return {}

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the further columns over touchpoints: channel, currency, order, source, properties."""
        return tuple(self.lazy)

    @property
    def readable(self) -> tuple[str, ...]:
        """All names that `column` takes: the further columns, touchpoint, value, and the local day, hour and weekday.

        A column of the data goes before one of the same name that Etappe would make.
        """
        return tuple(dict.fromkeys((*self.lazy, "touchpoint", "value", *CLOCK)))

    @property
    def attributes(self) -> tuple[str, ...]:
        """Names of the columns over customers."""
        return tuple(self.lazy_attributes)

    def column(self, name: str, where: str = "column") -> Column:
        """A column over touchpoints, loaded when first asked for; `value` in whole currency, such as "12.5"."""
        if name == "touchpoint":
            return Column(self.touchpoint.astype(np.uint32) + 1, (None, *self.touchpoints))
        if name not in self.readable:
            raise unknown(where, "column", name, self.readable)
        if name not in self._loaded:
            if name in self.lazy:
                self._loaded[name] = self.lazy[name]()
            elif name == "value":
                self._loaded[name] = money_texts(self.value)
            else:
                self._loaded[name] = CLOCK[name](self.time_us, self.origin.timezone)
        return self._loaded[name]

    def attribute(self, name: str, where: str = "attribute") -> Column:
        """A customer's attribute, one row a journey."""
        if name not in self.lazy_attributes:
            raise unknown(where, "customer attribute", name, self.lazy_attributes)
        key = "attribute " + name
        if key not in self._loaded:
            self._loaded[key] = self.lazy_attributes[name]()
        return self._loaded[key]

    def code(self, touchpoint: str, where: str = "touchpoint") -> int:
        """The code of a touchpoint; UnknownName proposes the nearest."""
        try:
            return self.touchpoints.index(touchpoint)
        except ValueError:
            raise unknown(where, "touchpoint", touchpoint, self.touchpoints) from None

    def names(self, journeys: Int) -> list[str]:
        """The customers' own identifiers behind some journeys (personal)."""
        subjects = self.subject[journeys]
        return self.name_of(subjects) if self.name_of else [str(subject) for subject in subjects.tolist()]

    def select(self, journeys: Any) -> "Journeys":
        """Only these journeys (positions in rising order, or a mask), compacted."""
        chosen = np.flatnonzero(journeys) if np.asarray(journeys).dtype == bool else np.asarray(journeys, np.int64)
        lengths = np.diff(self.offsets)[chosen]
        offsets = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
        rows = np.repeat(self.offsets[:-1][chosen] - offsets[:-1], lengths) + np.arange(offsets[-1])
        return self._compact(chosen, offsets, rows)

    def keep(self, touchpoints: Any) -> "Journeys":
        """Only the touchpoints of a (t,) mask; journeys that are left empty go."""
        before = np.zeros(self.events + 1, np.int64)
        np.cumsum(touchpoints, out=before[1:])
        kept = before[self.offsets]
        chosen = np.flatnonzero(np.diff(kept))
        offsets = np.concatenate((kept[chosen], kept[-1:])).astype(np.int64)
        return self._compact(chosen, offsets, np.flatnonzero(touchpoints))

    def part(self, first: int, last: int) -> "Journeys":
        """The journeys from `first` on and before `last`, without a copy."""
        start, end = int(self.offsets[first]), int(self.offsets[last])
        return self._compact(slice(first, last), self.offsets[first : last + 1] - start, slice(start, end))

    def between(self, start_us: int | None, end_us: int | None) -> "Journeys":
        """Only touchpoints from `start_us` on and before `end_us`."""
        inside = np.ones(self.events, bool)
        if start_us is not None:
            inside &= self.time_us >= start_us
        if end_us is not None:
            inside &= self.time_us < end_us
        found = self.keep(inside)._noting(f"time in [{start_us}, {end_us})")
        if end_us is None:
            return found
        end_us = end_us if self.origin.end_us is None else min(end_us, self.origin.end_us)
        return replace(found, origin=replace(found.origin, end_us=end_us))

    def where(self, condition: Condition) -> "Journeys":
        """Only what meets a condition, as text or as a tree: "channel = 'web' and did cart then order within 7d".

        A condition is judged for each touchpoint, and what the journey did on the journey as it is before the filter;
        one that names no column over touchpoints selects whole journeys. A value that no touchpoint and no customer has
        is no error, it may come tomorrow: every answer then says so.

        Raises
        ------
        BadExpression
            It cannot be read; the message points into its text.
        UnknownName
            A column, an attribute or a touchpoint that a step names is not in the data.
        """
        expression = read_condition(condition, "where")
        if over_touchpoints(self, expression.tree):
            found = self.keep(touchpoints_that(self, expression))
        else:
            found = self.select(journeys_that(self, expression))
        noted = found._noting(expression.text)
        strange = (*self.origin.strange, *strange_values(self, expression))
        return replace(noted, origin=replace(noted.origin, strange=tuple(dict.fromkeys(strange))))

    def labelled(self, registry: "Registry | None" = None, *, model: str = "m4", lang: str = "en") -> "Journeys":
        """With what a registry says of each touchpoint as columns: stage, atom, medium, contact, category, owner.

        A workspace's journeys have them already. They say what a touchpoint is in the journey as it is now; a filter
        afterwards changes none of them. A column of the data goes before a label of the same name.

        Parameters
        ----------
        registry : by default the one that comes with Etappe
        model : the stage model behind `stage`; any other is `stage.` and its id
        lang : the language of `owner`

        Examples
        --------
        >>> shop = journeys_of([0, 2], [0, 5], [0, 1], ["visit", "order"])
        >>> shop.labelled().where("stage = 'purchase'").events
        1
        """
        from etappe.journeys.stages import default_registry, labels

        known = registry or default_registry()
        own = {name: load for name, load in self.lazy.items() if name not in self.labels}
        made = {name: load for name, load in labels(self, known, model, lang).items() if name not in own}
        lake, _, _ = self.origin.lake.partition("+")
        origin = replace(self.origin, lake=f"{lake}+{known.digest[:16]}:{model}:{lang}")
        return replace(self, lazy=own | made, labels=tuple(made), origin=origin)

    def split(self, *, end: str | None = None, gap: str | None = None) -> "Journeys":
        """Several journeys a subject: a new one starts after `end`, and after a pause longer than `gap`."""
        starts = np.zeros(self.events + 1, bool)
        starts[self.offsets] = True
        if end is not None:
            starts[1:] |= self.touchpoint == self.code(end, "split: end")
        if gap is not None:
            starts[1:-1] |= np.diff(self.time_us) > duration_us(gap, "split: gap")
        starts[-1] = True
        offsets = np.flatnonzero(starts)
        owner = np.searchsorted(self.offsets, offsets[:-1], side="right") - 1
        split = self._compact(owner, offsets.astype(np.int64), slice(None))
        return split._noting(f"split end={end} gap={gap}")

    def cut(self, owner: Int, offsets: Int, rows: Any) -> "Journeys":
        """Parts of these journeys, each from one of them (`owner`), out of `rows` of theirs in their order."""
        return self._compact(owner, offsets, rows)

    def _compact(self, chosen: Any, offsets: Int, rows: Any) -> "Journeys":
        def taken(load: Callable[[str], Column], name: str, which: Any) -> Callable[[], Column]:
            return lambda: load(name).take(which)

        return replace(
            self,
            offsets=offsets,
            time_us=self.time_us[rows],
            touchpoint=self.touchpoint[rows],
            subject=self.subject[chosen],
            lazy={name: taken(self.column, name, rows) for name in self.lazy},
            lazy_attributes={name: taken(self.attribute, name, chosen) for name in self.lazy_attributes},
            lazy_value=lambda: self.value[rows],
        )

    def _noting(self, text: str) -> "Journeys":
        return replace(self, origin=replace(self.origin, filters=(*self.origin.filters, text)))


def money_texts(value: Int) -> Column:
    """Values as the texts of their decimal numbers, so that a condition can compare them."""
    distinct, positions = np.unique(value, return_inverse=True)
    names = [None if v == NO_VALUE else _decimal(v) for v in distinct.tolist()]
    if None not in names:  # code 0 is "none" in every column
        names, positions = [None, *names], positions + 1
    return Column(positions.astype(code_type(len(names))), tuple(names))


def _decimal(value: int) -> str:
    whole, rest = divmod(abs(value), MONEY)
    fraction = f".{rest:04}".rstrip("0").rstrip(".")
    return f"{'-' if value < 0 else ''}{whole}{fraction}"


def _held(column: Column) -> Callable[[], Column]:
    return lambda: column


def journeys_of(
    offsets: Int,
    time_us: Int,
    touchpoint: Sequence[int] | Codes,
    touchpoints: Sequence[str],
    *,
    columns: Mapping[str, Column] | None = None,
    attributes: Mapping[str, Column] | None = None,
    value: Int | None = None,
    timezone: str = "UTC",
) -> Journeys:
    """Journeys from plain arrays that are sorted already; for tests, engines and frames."""
    offsets = np.asarray(offsets, np.int64)
    time_us = np.asarray(time_us, np.int64)
    origin = Origin(
        data_until_us=int(time_us.max()) if len(time_us) else None,
        timezone=timezone,
        events=len(time_us),
        subjects=len(offsets) - 1,
    )
    return Journeys(
        offsets=offsets,
        time_us=time_us,
        touchpoint=np.asarray(touchpoint, code_type(len(touchpoints))),
        touchpoints=tuple(touchpoints),
        subject=np.arange(len(offsets) - 1, dtype=np.int64),
        lazy={name: _held(column) for name, column in (columns or {}).items()},
        lazy_attributes={name: _held(column) for name, column in (attributes or {}).items()},
        origin=origin,
        lazy_value=(lambda: value) if value is not None else None,
    )
