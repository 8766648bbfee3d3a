"""Scores: what people say of their satisfaction, where imported data hold a column of it: CSAT, NPS and CES.

Unit of count: the answer. Answers of one customer are not independent of each other: intervals are over customers.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from etappe.analysis.intervals import ratio_interval
from etappe.errors import BadQuestion, unknown
from etappe.journeys.columns import Journeys

SCORES: Final = (
    "rating", "score", "stars", "csat", "nps", "ces", "satisfaction", "bewertung", "sterne", "zufriedenheit",
)  # fmt: skip
"""Columns that hold what people say of their satisfaction, where the data have them."""
SCALES: Final = {"csat": (1, 5), "nps": (0, 10), "ces": (1, 7)}
"""The answers that each figure is made of, the lowest and the highest."""
USUAL: Final = {
    "csat": ("csat", "satisfaction", "zufriedenheit", "rating", "stars", "bewertung", "sterne", "score"),
    "nps": ("nps",),
    "ces": ("ces",),
}
"""Columns that a figure is read from where none is named."""
FEWEST: Final = 10
"""So many customers must have answered for an interval."""
PROMOTERS: Final = 9
DETRACTORS: Final = 6
"""On a scale of 0 to 10: from here on people recommend, up to there they advise against (Reichheld 2003)."""


@dataclass(frozen=True)
class Score:
    """A figure of answers: CSAT and CES are means, NPS is per cent of promoters less per cent of detractors."""

    value: float | None
    n: int
    """Answers."""
    low: float | None = None
    high: float | None = None
    column: str = ""


def numbers_of(journeys: Journeys, name: str) -> NDArray[np.float64] | None:
    """The numbers that a column's texts are, one for each of its names; None where one is no number."""
    try:
        return np.array([np.nan if text is None else float(text) for text in journeys.column(name).names])
    except ValueError:
        return None


def scores_of(journeys: Journeys) -> tuple[str | None, float]:
    """The column of scores, and up to which a score is low: 6 on a scale beyond 5, else 2."""
    for name in journeys.columns:
        if name.casefold() in SCORES:
            values = numbers_of(journeys, name)
            if values is not None and not np.isnan(values).all():
                return name, 6.0 if np.nanmax(values) > 5 else 2.0
    return None, 6.0


def column_of(journeys: Journeys, figure: str, named: str | None) -> str | None:
    """The column behind a figure: the one that is named, or a usual one whose answers lie on its scale.

    Raises
    ------
    UnknownName, BadQuestion
        There is no such column, or it holds what is no answer on the figure's scale.
    """
    low, high = SCALES[figure]
    if named is not None:
        if named not in journeys.columns:
            raise unknown("survey", "column", named, journeys.columns)
        values = numbers_of(journeys, named)
        if values is None or not _on_scale(values, low, high):
            what = f"column {named!r} holds what is no answer from {low} to {high}."
            raise BadQuestion("survey", what, "Name a column of such answers.")
        return named
    by_fold = {name.casefold(): name for name in journeys.columns}
    for usual in USUAL[figure]:
        name = by_fold.get(usual)
        values = numbers_of(journeys, name) if name else None
        if values is not None and _on_scale(values, low, high):
            return name
    return None


def _on_scale(values: NDArray[np.float64], low: int, high: int) -> bool:
    known = values[~np.isnan(values)]
    return bool(len(known)) and bool((known >= low).all() and (known <= high).all())


def score(journeys: Journeys, figure: str, column: str, touchpoint: str | None = None) -> Score:
    """A figure over all answers, or over those given at one touchpoint.

    Examples
    --------
    >>> from etappe.arrays import column_of as texts
    >>> from etappe.journeys.columns import journeys_of
    >>> shop = journeys_of([0, 1, 2, 3], [0, 0, 0], [0, 0, 0], ["poll"], columns={"nps": texts(["10", "9", "3"])})
    >>> round(score(shop, "nps", "nps").value, 1)
    33.3
    """
    values = numbers_of(journeys, column)
    if values is None:
        return Score(None, 0, column=column)
    each = values[journeys.column(column).codes]
    given = ~np.isnan(each)
    if touchpoint is not None:
        given &= journeys.touchpoint == journeys.touchpoints.index(touchpoint)
    at = np.flatnonzero(given)
    if not len(at):
        return Score(None, 0, column=column)
    said = each[at]
    if figure == "nps":
        said = 100.0 * ((said >= PROMOTERS).astype(np.float64) - (said <= DETRACTORS))
    _, owner = np.unique(journeys.subject[np.searchsorted(journeys.offsets, at, side="right") - 1], return_inverse=True)
    customers = np.bincount(owner)
    found = ratio_interval(np.bincount(owner, weights=said), customers) if len(customers) >= FEWEST else None
    if found is None or found[0] == found[1]:  # few customers, or all of one mind, tell nothing of how others differ
        return Score(float(said.mean()), len(said), column=column)
    return Score(float(said.mean()), len(said), *found, column)
