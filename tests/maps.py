"""Small maps and the journeys they are bound to, for the tests of layer 7."""

from pathlib import Path

from etappe.journeys.columns import Journeys
from etappe.maps.document import read_map
from etappe.maps.evidence import bind
from etappe.units import DAY_US
from journeys_text import built

GOLDEN = Path(__file__).parent / "golden" / "maps"
SHARED = Path(__file__).parents[2] / "shared"
HEAD = "schema: journey-map/1\nid: shop\ntitle: Shop\npersonas: [lena]\n"
NOW = 200 * DAY_US


def letters_and_tills(journeys: int = 100) -> Journeys:
    """A mailing each; of five, three go to the till within 3 days, one on day 20, one never (half of those refuel)."""
    lists = []
    for i in range(journeys):
        start = 100 * DAY_US
        steps = [(start, "mailing")]
        if i % 5 < 3:
            steps.append((start + (1 + i % 3) * DAY_US, "till"))
        elif i % 5 == 3:
            steps.append((start + 20 * DAY_US, "till"))
        if i % 10 == 4:
            steps.append((start + 30 * DAY_US, "fuel"))
        lists.append(steps)
    ages = ["young" if i % 2 else "old" for i in range(journeys)]
    events = [name for steps in lists for _, name in steps]
    values = [20_000 if name == "till" else None for name in events]
    currency = ["EUR" if name == "till" else None for name in events]
    return built(lists, attributes={"age": ages}, columns={"currency": currency}, values=values)


def small():
    """The small map, bound."""
    return bind(read_map(GOLDEN / "small.yaml"), letters_and_tills(), None, NOW)


def one(evidence: str, journeys: Journeys | None = None, extra: str = ""):
    """One evidence of a map of two steps, bound."""
    text = (
        HEAD
        + extra
        + (
            "touchpoints:\n"
            "  - {id: brief, title: Brief, channel: post, medium: analog, contact: direct, "
            "match: touchpoint = 'mailing'}\n"
            "  - {id: till, title: Kasse, channel: store, medium: analog, contact: direct}\n"
            "  - {id: web, title: Webseite, channel: web, medium: digital, contact: direct}\n"
            "stages:\n"
            "  - {id: all, title: Alles, steps: [{id: s1, title: eins, touchpoint: brief}, {id: s2, title: zwei, "
            "touchpoint: till}, {id: s3, title: drei, touchpoint: till}]}\n"
            f"evidence:\n  - {{id: e, {evidence}}}\n"
        )
    )
    return bind(read_map(text), letters_and_tills() if journeys is None else journeys, None, NOW).evidence["e"]
