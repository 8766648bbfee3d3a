"""Etappe: customer journeys from the raw event to the journey map.

Public names load on first use, so that `import etappe` stays light.
"""

from functools import wraps
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from etappe.analysis.ask import ask as ask
    from etappe.analysis.ask import who as who
    from etappe.analysis.attribution import attribution as attribution
    from etappe.analysis.baskets import baskets as baskets
    from etappe.analysis.changes import changes as changes
    from etappe.analysis.clv import clv as clv
    from etappe.analysis.comparison import comparison as comparison
    from etappe.analysis.conformance import conformance as conformance
    from etappe.analysis.contacts import contacts as contacts
    from etappe.analysis.drivers import drivers as drivers
    from etappe.analysis.flow import flow as flow
    from etappe.analysis.friction import friction as friction
    from etappe.analysis.funnel import funnel as funnel
    from etappe.analysis.lifecycle import lifecycle as lifecycle
    from etappe.analysis.opportunities import opportunities as opportunities
    from etappe.analysis.patterns import patterns as patterns
    from etappe.analysis.reach import reach as reach
    from etappe.analysis.response import response as response
    from etappe.analysis.retention import retention as retention
    from etappe.analysis.rfm import rfm as rfm
    from etappe.analysis.sessions import sessions as sessions
    from etappe.analysis.stages import stages as stages
    from etappe.analysis.steps import steps as steps
    from etappe.analysis.stickiness import stickiness as stickiness
    from etappe.analysis.timing import timing as timing
    from etappe.analysis.transitions import transitions as transitions
    from etappe.analysis.tree import tree as tree
    from etappe.analysis.variants import variants as variants
    from etappe.analysis.worth import worth as worth
    from etappe.apps.workspace import open as open
    from etappe.errors import EtappeError as EtappeError
    from etappe.journeys.frames import journeys_from as journeys_from
    from etappe.maps.document import read_map as read_map

__version__ = "0.1.0"

_HOME = {
    "EtappeError": "etappe.errors",
    "open": "etappe.apps.workspace",
    "journeys_from": "etappe.journeys.frames",
    "ask": "etappe.analysis.ask",
    "who": "etappe.analysis.ask",
    "reach": "etappe.analysis.reach",
    "funnel": "etappe.analysis.funnel",
    "transitions": "etappe.analysis.transitions",
    "variants": "etappe.analysis.variants",
    "sessions": "etappe.analysis.sessions",
    "stages": "etappe.analysis.stages",
    "comparison": "etappe.analysis.comparison",
    "flow": "etappe.analysis.flow",
    "drivers": "etappe.analysis.drivers",
    "friction": "etappe.analysis.friction",
    "steps": "etappe.analysis.steps",
    "attribution": "etappe.analysis.attribution",
    "retention": "etappe.analysis.retention",
    "patterns": "etappe.analysis.patterns",
    "timing": "etappe.analysis.timing",
    "opportunities": "etappe.analysis.opportunities",
    "response": "etappe.analysis.response",
    "changes": "etappe.analysis.changes",
    "clv": "etappe.analysis.clv",
    "lifecycle": "etappe.analysis.lifecycle",
    "stickiness": "etappe.analysis.stickiness",
    "worth": "etappe.analysis.worth",
    "rfm": "etappe.analysis.rfm",
    "contacts": "etappe.analysis.contacts",
    "baskets": "etappe.analysis.baskets",
    "tree": "etappe.analysis.tree",
    "conformance": "etappe.analysis.conformance",
    "read_map": "etappe.maps.document",
}
__all__ = ["__version__", *_HOME]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'etappe' has no attribute {name!r}")
    found = getattr(import_module(_HOME[name]), name)
    if _HOME[name] == f"etappe.analysis.{name}":  # a question's own function
        found = globals()[name] = _without_condition(found)
    return found


def _without_condition(question: Any) -> Any:
    """A question's function, which tells where a condition belongs when it is given one."""

    @wraps(question)
    def asked(*given: Any, **named: Any) -> Any:
        if "where" in named:
            from inspect import signature

            from etappe.errors import BadQuestion

            if "where" in signature(question).parameters:
                return question(*given, **named)
            hint = f"Filter the journeys first: {question.__name__}(journeys.where(...), ...)."
            raise BadQuestion(f"{question.__name__}: where", "a question takes no condition.", hint)
        return question(*given, **named)

    return asked


def __dir__() -> list[str]:
    return sorted(__all__)
