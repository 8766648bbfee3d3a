"""Findings: five sentences about the demo's data, each computed, with its base and its interval; none says "because".

Unit of count: said in each sentence: households, letters (a household in a campaign), or baskets.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from etappe.analysis.intervals import median, shares
from etappe.arrays import Int
from etappe.journeys.columns import Journeys
from etappe.language import number, percent, word
from etappe.units import DAY_US, MONEY, NO_VALUE, SECOND_US

LETTERS: Final = ("mailing_a", "mailing_b", "mailing_c")
STORE: Final = "store_purchase"
COUPON: Final = "coupon_redeemed"


class Finding(msgspec.Struct, frozen=True):
    """A sentence, and the numbers in it."""

    id: str
    sentence: str
    n: int
    values: Mapping[str, float | None]


@dataclass(frozen=True)
class _Rows:
    """The demo's touchpoints as plain arrays."""

    journeys: Journeys
    owner: Int
    day: Int

    def of(self, *names: str) -> Any:
        codes = [code for code, name in enumerate(self.journeys.touchpoints) if name in names]
        return np.isin(self.journeys.touchpoint, codes)


def _rows(journeys: Journeys) -> _Rows:
    owner = np.repeat(np.arange(len(journeys)), np.diff(journeys.offsets))
    zone = ZoneInfo(journeys.origin.timezone)
    hours, place = np.unique(journeys.time_us // (3600 * SECOND_US), return_inverse=True)
    days = [datetime.fromtimestamp(hour * 3600, zone).date().toordinal() for hour in hours.tolist()]
    return _Rows(journeys, owner, np.asarray(days, np.int64)[place])


def _share(count: int, base: int) -> tuple[float, float, float]:
    share, low, high = shares(np.asarray([count]), base)
    return float(share[0]), float(low[0]), float(high[0])


def _interval(low: float, high: float, lang: str) -> str:
    return f"{percent(low, lang)} – {percent(high, lang)}"


def _reached(rows: _Rows, lang: str) -> Finding:
    """Households that got a letter, of all, and of those the ones that redeemed a coupon."""
    j = rows.journeys
    n = len(j)
    with_letter = np.unique(rows.owner[rows.of(*LETTERS)])
    redeemed = np.unique(rows.owner[rows.of(COUPON)])
    both = len(np.intersect1d(with_letter, redeemed))
    share, low, high = _share(len(with_letter), n)
    part, part_low, part_high = _share(both, len(with_letter))
    sentence = word(
        "finding.reached", lang, n=number(n, lang), letter=number(len(with_letter), lang), share=percent(share, lang),
        interval=_interval(low, high, lang), redeemed=number(both, lang), part=percent(part, lang),
        part_interval=_interval(part_low, part_high, lang),
    )  # fmt: skip
    values = {"with_letter": len(with_letter), "share": share, "redeemed": both, "part": part}
    return Finding("reached", sentence, n, values)


def _pairs(rows: _Rows) -> tuple[dict[str, int], dict[str, int], Int]:
    """Letters by type, those of them with a redemption of the same campaign, and the waits until the first of these."""
    j = rows.journeys
    campaign = j.column("campaign_id")
    key = rows.owner * (len(campaign.names) + 1) + campaign.codes
    coupon = rows.of(COUPON)
    first: dict[int, int] = {}
    for pair, at in zip(key[coupon].tolist(), j.time_us[coupon].tolist(), strict=True):
        first.setdefault(pair, at)
    sent: dict[str, int] = {}
    used: dict[str, int] = {}
    waits: list[int] = []
    for name in LETTERS:
        letters = rows.of(name)
        sent[name] = int(letters.sum())
        used[name] = 0
        for pair, at in zip(key[letters].tolist(), j.time_us[letters].tolist(), strict=True):
            if pair in first:
                used[name] += 1
                if first[pair] >= at:
                    waits.append(first[pair] - at)
    return sent, used, np.sort(np.asarray(waits, np.int64))


def _by_type(rows: _Rows, lang: str) -> Finding:
    """Letters of each type with a redemption of the same campaign: base are letters, not households."""
    sent, used, _ = _pairs(rows)
    values: dict[str, float | None] = {}
    parts = []
    for name in LETTERS:
        share, low, high = _share(used[name], sent[name]) if sent[name] else (0.0, 0.0, 0.0)
        values |= {f"{name}_sent": sent[name], f"{name}_redeemed": used[name], f"{name}_share": share}
        said = {"kind": name[-1].upper(), "used": number(used[name], lang), "sent": number(sent[name], lang)}
        interval = _interval(low, high, lang)
        parts.append(word("finding.by_type.part", lang, share=percent(share, lang), interval=interval, **said))
    sentence = word("finding.by_type", lang, a=parts[0], b=parts[1], c=parts[2])
    return Finding("by_type", sentence, sum(sent.values()), values)


def _wait(rows: _Rows, lang: str) -> Finding:
    """Days from a campaign's first day to the first redemption of a letter's coupons."""
    _, _, waits = _pairs(rows)
    middle, low, high = median(waits)
    texts = [number((x or 0) / DAY_US, lang) for x in (middle, low, high)]
    sentence = word("finding.wait", lang, n=number(len(waits), lang), days=texts[0], low=texts[1], high=texts[2])
    days = None if middle is None else middle / DAY_US
    return Finding("wait", sentence, len(waits), {"median_days": days})


def _basket(rows: _Rows, lang: str) -> Finding:
    """Baskets on days with a redemption against the other baskets of the same households: a base that is fair."""
    j = rows.journeys
    coupon, bought = rows.of(COUPON), rows.of(STORE) & (j.value != NO_VALUE)
    span = int(rows.day.max()) + 1 if len(rows.day) else 1
    key = rows.owner * span + rows.day
    same = np.isin(rows.owner, np.unique(rows.owner[coupon])) & bought
    on_day = same & np.isin(key, np.unique(key[coupon]))
    groups = [np.sort(j.value[mask]) for mask in (on_day, same & ~on_day)]
    middles = [median(group) for group in groups]
    money = [[number((x or 0) / MONEY, lang, 2) for x in triple] for triple in middles]
    households = len(np.unique(rows.owner[on_day]))
    sentence = word(
        "finding.basket", lang, households=number(households, lang), on=money[0][0], on_low=money[0][1],
        on_high=money[0][2], n_on=number(len(groups[0]), lang), other=money[1][0], other_low=money[1][1],
        other_high=money[1][2], n_other=number(len(groups[1]), lang),
    )  # fmt: skip
    values = {
        name: None if m[0] is None else m[0] / MONEY for name, m in zip(("on_day", "other"), middles, strict=True)
    }
    return Finding("basket", sentence, len(groups[0]), values)


def _before(rows: _Rows, lang: str) -> Finding:
    """Purchases in January and February of households whose first letter came later, against households without one."""
    j = rows.journeys
    zone = ZoneInfo(j.origin.timezone)
    year = datetime.fromtimestamp(int(j.time_us[rows.of(STORE)].min()) // SECOND_US, zone).year if len(j) else 2017
    edges = [round(datetime(year, month, 1, tzinfo=zone).timestamp()) * SECOND_US for month in (1, 3)]
    early = rows.of(STORE) & (j.time_us >= edges[0]) & (j.time_us < edges[1])
    letters = rows.of(*LETTERS)
    first = np.full(len(j), np.iinfo(np.int64).max)
    np.minimum.at(first, rows.owner[letters], j.time_us[letters])
    counts = np.bincount(rows.owner[early], minlength=len(j))
    later = np.sort(counts[(first >= edges[1]) & (first < np.iinfo(np.int64).max)])
    never = np.sort(counts[first == np.iinfo(np.int64).max])
    middles = [median(later.astype(np.int64)), median(never.astype(np.int64))]
    texts = [[number(x or 0, lang) for x in triple] for triple in middles]
    sentence = word(
        "finding.before", lang, n_later=number(len(later), lang), later=texts[0][0], later_low=texts[0][1],
        later_high=texts[0][2], n_never=number(len(never), lang), never=texts[1][0], never_low=texts[1][1],
        never_high=texts[1][2],
    )  # fmt: skip
    return Finding("before", sentence, len(later) + len(never), {"later": middles[0][0], "never": middles[1][0]})


def findings(journeys: Journeys, lang: str) -> list[Finding]:
    """The five findings, in a language, computed from these journeys."""
    rows = _rows(journeys)
    steps: tuple[Callable[[_Rows, str], Finding], ...] = (_reached, _by_type, _wait, _basket, _before)
    return [step(rows, lang) for step in steps]
