"""Ask: any question, as a struct, a dict or a file of YAML or JSON, goes to the function that answers it."""

from collections.abc import Callable, Mapping
from typing import Any, Final, get_args

import msgspec

from etappe.analysis import funnel as _funnel
from etappe.analysis import reach as _reach
from etappe.analysis import sessions as _sessions
from etappe.analysis import stages as _stages
from etappe.analysis import transitions as _transitions
from etappe.analysis import variants as _variants
from etappe.analysis.answer import Answer, answer
from etappe.analysis.funnel import Funnel
from etappe.analysis.reach import Reach
from etappe.analysis.sessions import Sessions
from etappe.analysis.stages import Stages
from etappe.analysis.transitions import Transitions
from etappe.analysis.variants import Variants
from etappe.arrays import Int
from etappe.documents import line_of, load
from etappe.errors import BadDocument, BadQuestion, unknown
from etappe.journeys.columns import Journeys
from etappe.journeys.stages import Registry

Question = Reach | Funnel | Transitions | Variants | Sessions | Stages

_MODULES: Final[dict[str, Any]] = {
    "reach": _reach,
    "funnel": _funnel,
    "transitions": _transitions,
    "variants": _variants,
    "sessions": _sessions,
    "stages": _stages,
}


def _kind(kind: Any) -> str:
    return str(kind.__struct_config__.tag)


_KINDS: Final[dict[str, Any]] = {_kind(kind): kind for kind in get_args(Question)}


def schema() -> dict[str, Any]:
    """JSON Schema of every question.

    Examples
    --------
    >>> schema()["$ref"] if "$ref" in schema() else "anyOf" in schema()
    True
    """
    return msgspec.json.schema(Question)


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
        hint = f"Write question: {', '.join(_KINDS)}."
        raise BadQuestion(where, "there is no field 'question' that says what is asked.", hint)
    if not isinstance(kind, str) or kind not in _KINDS:
        raise unknown(f"{where}{line('question')}: question", "question", str(kind), _KINDS)
    known = [field.encode_name for field in msgspec.structs.fields(_KINDS[kind])]
    for name in fields:
        if name != "question" and name not in known:
            raise unknown(f"{where}{line(str(name))}: {kind}", "field", str(name), known)
    try:
        asked: Question = msgspec.convert(dict(fields), Question)
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at ")
        place = path.strip("`").removeprefix("$").removeprefix(".")
        named = place.split("[")[0] or next((name for name in known if f"`{name}`" in what), "")
        raise BadQuestion(f"{where}{line(named)}: {kind}{'.' + place if place else ''}", f"{what}.") from None
    return asked


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
    if isinstance(asked, Stages):
        return _stages.answered(journeys, asked, registry)
    return answer(journeys, asked, _MODULES[_kind(asked)].find)


def who(
    journeys: Journeys, question: Question | Mapping[str, Any], row: Mapping[str, Any], registry: Registry | None = None
) -> Int:
    """Positions of the journeys behind one row of the answer, as many as the row counts."""
    asked = question_of(question) if isinstance(question, Mapping) else question
    if isinstance(asked, Stages):
        return _stages.who(journeys, asked, row, registry)
    found: Int = _MODULES[_kind(asked)].who(journeys, asked, row)
    return found
