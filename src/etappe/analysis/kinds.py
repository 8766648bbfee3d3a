"""Kinds: the names of all questions; each is a module here that holds a struct, `find` and `who` of that name."""

from typing import Final

QUESTIONS: Final = (
    "comparison",
    "drivers",
    "flow",
    "funnel",
    "reach",
    "sessions",
    "stages",
    "steps",
    "transitions",
    "variants",
)
