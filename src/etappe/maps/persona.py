"""Persona: kinds of customers told as people, `persona/1`: a document in YAML or JSON, read, checked, written.

A persona is found in the data (a centre of behaviour), a rule (a filter), or written by hand (nobody is counted then).
It is typical (source 002: who the customers are) or ideal (source 000: who they should be). What is said of it rests on
a measurement, on a study, or on nothing, which is an assumption and is marked as one.
"""

import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from etappe.analysis.features import kind_of
from etappe.documents import dump, read
from etappe.errors import EtappeError
from etappe.expression import parse
from etappe.maps.check import Fault
from etappe.maps.model import Pick
from etappe.vocabulary import I18n

if TYPE_CHECKING:
    from etappe.journeys.columns import Journeys
    from etappe.journeys.stages import Registry

SCHEMA: Final = "persona/1"
GROUPS: Final = (
    "demographics", "behaviour", "preferences", "values", "ideas", "wishes", "challenges", "needs", "messages",
    "content", "products", "services", "strategies", "measures",
)  # fmt: skip
"""The parts of a persona: 002-15 asks for the first three, 000-29 for the next four, 000-31 for needs in each stage,
000-25 for messages, 000-30 for content, products and services, 000-33 and 000-38 for strategies and measures."""
_SLUG: Final = re.compile(r"[a-z0-9][a-z0-9_-]*")


class _Part(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A part of a persona; keys that stand at their default are not written."""


class Measured(_Part, frozen=True):
    """How a field is measured over the persona's customers: by an attribute, by a feature, or by a question."""

    attribute: str | None = None
    """A customer attribute: the share of those, of whom it is known, that have the text `is_`."""
    is_: str | None = msgspec.field(default=None, name="is")
    feature: str | None = None
    """A feature of behaviour, such as gap or channel:web: its median, or the mean of a share."""
    question: dict[str, Any] | None = None
    """Any question, with the number that `value` picks from its answer."""
    value: Pick | None = None
    min_n: int = 30


class Field(_Part, frozen=True):
    """Something said of a persona, and what it rests on."""

    text: I18n = ""
    stage: str | None = None
    """Of a need or a message: in which stage."""
    measured: Measured | None = None
    studies: tuple[str, ...] = ()
    """The studies, interviews or sources that say so."""


class Persona(_Part, frozen=True):
    """A kind of customers told as a person."""

    schema: Literal["persona/1"]
    id: str
    title: I18n
    kind: Literal["found", "rule", "hand"] = "hand"
    type: Literal["typical", "ideal"] = "typical"
    """Who the customers are (typical), or who they should be (ideal)."""
    prospect: bool = False
    """Whether it is about people who are no customers yet."""
    story: I18n = ""
    quote: I18n = ""
    initials: str = ""
    """Shown instead of a picture."""
    rule: str | None = None
    """Of a rule: a filter over journeys and customer attributes."""
    centre: str | None = None
    """Of a found one: the id of its centre of behaviour."""
    model: str | None = None
    """The stage model of the stages in needs and messages; by default the workspace's."""
    demographics: tuple[Field, ...] = ()
    behaviour: tuple[Field, ...] = ()
    preferences: tuple[Field, ...] = ()
    values: tuple[Field, ...] = ()
    ideas: tuple[Field, ...] = ()
    wishes: tuple[Field, ...] = ()
    challenges: tuple[Field, ...] = ()
    needs: tuple[Field, ...] = ()
    messages: tuple[Field, ...] = ()
    content: tuple[Field, ...] = ()
    products: tuple[Field, ...] = ()
    services: tuple[Field, ...] = ()
    strategies: tuple[Field, ...] = ()
    measures: tuple[Field, ...] = ()

    def fields(self) -> Iterator[tuple[str, int, Field]]:
        """Every field with its group and place."""
        for group in GROUPS:
            for i, field in enumerate(getattr(self, group)):
                yield group, i, field

    @property
    def letters(self) -> str:
        """The initials: those that are written, or the first letters of the title."""
        title = self.title if isinstance(self.title, str) else next(iter(self.title.values()), "")
        return self.initials or "".join(word[0] for word in title.split()[:2]).upper() or "?"


def read_persona(text: str, where: str = "persona") -> Persona:
    """A persona from its YAML or JSON text.

    Raises
    ------
    BadDocument
        The first thing that does not fit, with its line.

    Examples
    --------
    >>> read_persona("{schema: persona/1, id: lena, title: Lena}").letters
    'L'
    """
    return read(text, Persona, where)


def dump_persona(persona: Persona) -> str:
    """The YAML text of a persona, without what stands at its default.

    Examples
    --------
    >>> print(dump_persona(read_persona("{id: lena, title: Lena, schema: persona/1}")), end="")
    schema: persona/1
    id: lena
    title: Lena
    """
    return dump(persona)


Found = Iterator[tuple[str, str, str, Literal["error", "warning"]]]


def _one_of(place: str, kind: str, name: str, known: Iterable[str]) -> Found:
    ids = list(known)
    near = get_close_matches(name, ids, n=1, cutoff=0.6)
    hint = f"Did you mean '{near[0]}'?" if near else f"Known: {', '.join(ids[:8])}." if ids else ""
    yield place, f"no {kind} named '{name}'.", hint, "error"


def _frame(p: Persona, centres: Iterable[str] | None) -> Found:
    if not _SLUG.fullmatch(p.id):
        yield "id", f"the id {p.id!r} is no short name.", "Use letters a to z, digits, '-' and '_'.", "error"
    if p.kind == "rule" and not p.rule:
        yield "rule", "a persona by rule has no rule.", "Write a filter, such as: age = '30-39'.", "error"
    if p.kind == "found" and not p.centre:
        yield "centre", "a found persona has no centre.", "Keep it from `etappe personas find`.", "error"
    if p.kind != "rule" and p.rule:
        yield "rule", f"a rule stands in a persona of kind {p.kind}.", "It is ignored; write kind: rule.", "warning"
    if p.kind != "found" and p.centre:
        yield "centre", f"a centre stands in a persona of kind {p.kind}.", "It is ignored.", "warning"
    if p.kind == "found" and p.centre and centres is not None and p.centre not in set(centres):
        what = f"the centre '{p.centre}' is gone since the personas were found again: nobody belongs to this persona."
        yield "centre", what, "Delete the persona, or give it another centre.", "warning"
    if p.rule:
        try:
            parse(p.rule, "rule", journeys=True)
        except EtappeError as error:
            yield "rule", error.what, error.hint, "error"
    if not p.story:
        yield "story", "the persona has no story.", "Tell in a few sentences who this is.", "warning"
    if not p.needs:
        yield "needs", "the persona has no need in any stage.", "Say what it needs in each stage.", "warning"


def _fields(p: Persona, stages: Iterable[str] | None, attributes: Iterable[str] | None) -> Found:
    known = None if stages is None else list(stages)
    names = None if attributes is None else list(attributes)
    for group, i, field in p.fields():
        place = f"{group}[{i}]"
        if not field.text and field.measured is None:
            yield place, "says nothing.", "Write a text, or how it is measured.", "error"
        if group in ("needs",) and field.stage is None:
            yield place, "a need without a stage.", "Name the stage in which it arises.", "warning"
        if field.stage is not None and known is not None and field.stage not in known:
            yield from _one_of(f"{place}.stage", "stage", field.stage, known)
        m = field.measured
        if m is None:
            continue
        ways = [m.attribute is not None, m.feature is not None, m.question is not None]
        if sum(ways) != 1:
            what = "is measured by an attribute, a feature or a question, one of them."
            yield f"{place}.measured", what, "Write one.", "error"
        elif m.attribute is not None:
            if m.is_ is None:
                yield f"{place}.measured", "the attribute has no text to look for.", "Write it under 'is'.", "error"
            if names is not None and m.attribute not in names:
                yield from _one_of(f"{place}.measured", "customer attribute", m.attribute, names)
        elif m.question is not None and m.value is None:
            yield f"{place}.measured", "the question has no number picked.", "Name its column under 'value'.", "error"
        elif (
            m.feature is not None and kind_of(m.feature) == "share" and ":" not in m.feature and m.feature != "weekend"
        ):
            yield f"{place}.measured", f"no feature named '{m.feature}'.", "Such as gap or channel:web.", "error"
        if p.kind == "hand":
            what = "a persona by hand has no customers, so nothing can be measured of it."
            yield f"{place}.measured", what, "Give the persona a rule.", "warning"


def check(
    persona: Persona,
    registry: "Registry | None" = None,
    journeys: "Journeys | None" = None,
    *,
    model: str = "m4",
    centres: Iterable[str] | None = None,
) -> list[Fault]:
    """Every fault of a persona as a sentence, errors first.

    Examples
    --------
    >>> check(read_persona("{schema: persona/1, id: lena, title: Lena, kind: rule}", "lena.yaml"))[0].text
    "persona lena: rule: a persona by rule has no rule. Write a filter, such as: age = '30-39'."
    """
    stages, where = None, f"persona {persona.id}"
    faults = []
    if registry is not None:
        name = persona.model or model
        models = [one.id for one in registry.models]
        if name in models:
            stages = [stage.id for stage in registry.model(name).stages]
        else:
            faults += [Fault(where, *one) for one in _places(_one_of("model", "stage model", name, models))]
    attributes = journeys.attributes if journeys is not None else None
    for found in (_frame(persona, centres), _fields(persona, stages, attributes)):
        faults += [Fault(where, *one) for one in _places(found)]
    return sorted(faults, key=lambda fault: fault.level == "warning")


def _places(found: Found) -> Iterator[tuple[str, None, str, str, Literal["error", "warning"]]]:
    return ((place, None, what, hint, level) for place, what, hint, level in found)
