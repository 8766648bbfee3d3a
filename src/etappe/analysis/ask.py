"""Ask: any question, as a struct, a dict or a file of YAML or JSON, goes to the function that answers it.

A question's name is its module's: `find` counts in one group of journeys, `who` gives those behind a row. A module
whose numbers also depend on the registry says so with `answered`. A module loads when its question is asked.
"""

from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from typing import Any, Union, cast, get_type_hints

import msgspec

from etappe.analysis.answer import Answer, Question, answer, refuse_choice
from etappe.analysis.kinds import QUESTIONS
from etappe.arrays import Int
from etappe.documents import line_of, load
from etappe.errors import BadDocument, BadQuestion, unknown
from etappe.journeys.columns import Journeys
from etappe.journeys.stages import Registry


def module_of(kind: str) -> Any:
    """The module of a question."""
    return import_module(f"etappe.analysis.{kind}")


@cache
def struct_of(kind: str) -> type[Question]:
    """The struct of a question, by its name."""
    kinds = (one for one in vars(module_of(kind)).values() if isinstance(one, type) and issubclass(one, Question))
    return next(one for one in kinds if one is not Question and one.__struct_config__.tag == kind)


def schema() -> dict[str, Any]:
    """JSON Schema of every question.

    Examples
    --------
    >>> "anyOf" in schema()
    True
    """
    return msgspec.json.schema(Union[tuple(struct_of(kind) for kind in QUESTIONS)])  # noqa: UP007


def question_of(
    fields: Mapping[str, Any], where: str = "question", line: Callable[[str], str] = lambda _: ""
) -> Question:
    """A question from its fields; `line` gives the place of a field in its file.

    Raises
    ------
    UnknownName
        An unknown kind of question or an unknown field, with the nearest name.
    BadQuestion
        A field is missing or of the wrong type; the message has its path.
    """
    kind = fields.get("question")
    if kind is None:
        hint = f"Write question: {', '.join(QUESTIONS)}."
        raise BadQuestion(where, "there is no field 'question' that says what is asked.", hint)
    if not isinstance(kind, str) or kind not in QUESTIONS:
        raise unknown(f"{where}{line('question')}: question", "question", str(kind), QUESTIONS)
    struct = struct_of(kind)
    known = [field.encode_name for field in msgspec.structs.fields(struct)]
    for name in fields:
        if name != "question" and name not in known:
            raise unknown(f"{where}{line(str(name))}: {kind}", "field", str(name), known)
    try:
        return msgspec.convert(dict(fields), struct)
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at ")
        place = path.strip("`").removeprefix("$").removeprefix(".")
        named = place.split("[")[0] or next((name for name in known if f"`{name}`" in what), "")
        if named in fields:
            refuse_choice(f"{where}{line(named)}: {kind}.{named}", get_type_hints(struct)[named], fields[named])
        raise BadQuestion(f"{where}{line(named)}: {kind}{'.' + place if place else ''}", f"{what}.") from None


def read_question(text: str, where: str = "question") -> Question:
    """A question from YAML or JSON text.

    Raises
    ------
    UnknownName, BadQuestion
        With the place: `where`, the line, the field.

    Examples
    --------
    >>> read_question('{"question": "funnel", "steps": ["visit", "order"], "within": "7d"}').within
    '7d'
    """
    try:
        loaded = load(text, where)
    except BadDocument as fault:
        raise BadQuestion(fault.where, f"this is no YAML: {fault.what}", fault.hint) from None
    if not isinstance(loaded, dict):
        raise BadQuestion(where, "a question is a list of fields.", "Write, for example, question: reach.")

    def line(name: str) -> str:
        return f":{line_of(text, (name,))}" if name in loaded else ""

    return question_of({str(name): value for name, value in loaded.items()}, where, line)


def ask(journeys: Journeys, question: Question | Mapping[str, Any], registry: Registry | None = None) -> Answer:
    """Answer a question given as a struct or as its fields.

    Examples
    --------
    >>> from etappe.journeys.columns import journeys_of
    >>> shop = journeys_of([0, 2], [0, 5], [0, 1], ["visit", "order"])
    >>> ask(shop, {"question": "reach", "touchpoints": ["order"]}).column("journeys")
    [1]
    """
    asked = question_of(question) if isinstance(question, Mapping) else question
    module = module_of(str(asked.__struct_config__.tag))
    if hasattr(module, "answered"):
        return cast(Answer, module.answered(journeys, asked, registry))
    return answer(journeys, asked, module.find)


def who(
    journeys: Journeys, question: Question | Mapping[str, Any], row: Mapping[str, Any], registry: Registry | None = None
) -> Int:
    """Positions of the journeys behind one row of the answer, as many as the row counts."""
    asked = question_of(question) if isinstance(question, Mapping) else question
    module = module_of(str(asked.__struct_config__.tag))
    registries = (registry,) if hasattr(module, "answered") else ()
    try:
        return cast(Int, module.who(journeys, asked, row, *registries))
    except (KeyError, TypeError, AttributeError) as fault:
        if isinstance(row, Mapping) and not (isinstance(fault, KeyError) and fault.args[0] not in row):
            raise
        kind = str(asked.__struct_config__.tag)
        hint = f"Give a row of an answer to {kind}, as answer.rows() has them."
        raise BadQuestion(f"{kind}: row", f"{row!r} is no row of it.", hint) from None
