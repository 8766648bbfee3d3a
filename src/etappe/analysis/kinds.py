"""Kinds: the names of all questions; each is a module here that holds a struct, `find` and `who` of that name."""

from typing import Final

QUESTIONS: Final = (
    "attribution",
    "baskets",
    "changes",
    "clv",
    "comparison",
    "conformance",
    "contacts",
    "drivers",
    "flow",
    "friction",
    "funnel",
    "lifecycle",
    "opportunities",
    "patterns",
    "reach",
    "response",
    "retention",
    "rfm",
    "sessions",
    "stages",
    "steps",
    "stickiness",
    "timing",
    "transitions",
    "tree",
    "variants",
    "worth",
)
