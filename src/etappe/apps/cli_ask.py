"""Command line, questions: any of them from a file, and each as a word of its own, made from its struct.

Fields that must be given are arguments in their order, the others options; a field's text in its struct is its help.
"""

import ast
import inspect
import sys
import textwrap
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Final, get_origin, get_type_hints

import msgspec
import typer
from typer.core import TyperGroup

from etappe.analysis.kinds import QUESTIONS
from etappe.apps.options import HERE, By, End, Folder, Json, Lang, Rows, Start, Subject, Where, opened

PLAIN: Final = (str, int, float, bool)


def _answer(ws: Any, question: Any, json: bool, rows: int, lang: str | None, **chosen: Any) -> None:
    from etappe.analysis.show import text
    from etappe.apps import terminal
    from etappe.errors import unknown
    from etappe.language import LANGUAGES

    if lang not in (None, *LANGUAGES):
        raise unknown("--lang", "language", str(lang), LANGUAGES)
    answer = ws.ask(question, **chosen)
    if json:
        terminal.as_json(answer.to_dict())
        return
    terminal.say(text(answer, lang or ws.settings.language, rows, terminal.width()))


def _described(struct: type) -> dict[str, str]:
    """The text under each field of a struct, from its source and those of its bases."""
    found: dict[str, str] = {}
    if struct.__base__ not in (None, msgspec.Struct):
        found = _described(struct.__base__)  # a field may be one of a struct that this one builds on
    (node,) = ast.parse(textwrap.dedent(inspect.getsource(struct))).body
    lines = node.body if isinstance(node, ast.ClassDef) else []
    for field, text in pairwise(lines):
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
            found[ast.unparse(field.target)] = " ".join(str(text.value.value).split())
    return found


def _plain(kind: Any) -> Any:
    """The type that a word on the command line has for a field, and None where a field takes more than words."""
    from etappe.analysis.answer import choices_of

    choices = list(choices_of(kind))
    several = get_origin(kind) is tuple
    word = next((word for word in PLAIN if all(one is word or isinstance(one, word) for one in choices)), None)
    return word and (list[word] if several else word)  # type: ignore[valid-type]


def _command(kind: str) -> Callable[..., None]:
    """A function with the fields of a question as its parameters, for typer to read."""
    from etappe.analysis.ask import question_of, struct_of

    struct = struct_of(kind)
    hints, texts = get_type_hints(struct), _described(struct)
    fields = [field for field in msgspec.structs.fields(struct) if field.name != "by" and _plain(hints[field.name])]
    parameters = []
    for field in fields:
        word, help = _plain(hints[field.name]), texts.get(field.name)
        if field.required:
            shown: Any = Annotated[word, typer.Argument(help=help)]
            parameters.append(inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, annotation=shown))
            continue
        flag = "--" + field.name.replace("_", "-")
        default = "" if field.default in (None, (), msgspec.NODEFAULT) else f" [default: {field.default}]"
        named = f"{flag}/--no-{flag[2:]}" if word is bool else flag
        shown = Annotated[word | None, typer.Option(named, help=(help or "") + default, show_default=False)]
        parameters.append(inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=shown))

    def command(**given: Any) -> None:
        ws = opened(given["workspace"])
        asked = {name: given[name] for name in ("by", *(f.name for f in fields)) if given[name] not in (None, [])}
        if "model" not in asked and kind == "stages":
            asked["model"] = ws.settings.stage_model
        if "costs" in asked:
            from etappe.analysis.costs import costs_texts

            asked["costs"] = costs_texts(asked["costs"])
        chosen = {"subject": given["subject"], "where": given["where"]}
        chosen |= {"start": given["first_day"], "end": given["last_day"]}
        _answer(ws, question_of({"question": kind, **asked}), given["json"], given["rows"], given["lang"], **chosen)

    common = [*inspect.signature(_common, eval_str=True).parameters.values()]
    if "by" in texts:  # a question that means something of its own by it
        own = Annotated[str | None, typer.Option("--by", help=texts["by"])]
        common = [one.replace(annotation=own) if one.name == "by" else one for one in common]
    command.__signature__ = inspect.Signature([*parameters, *common])  # type: ignore[attr-defined]
    command.__annotations__ = {}
    command.__doc__ = inspect.getdoc(struct)
    return command


def _common(
    *, workspace: Folder = HERE, by: By = None, where: Where = None, first_day: Start = None, last_day: End = None,
    subject: Subject = "customer", rows: Rows = 20, lang: Lang = None, json: Json = False,
) -> None:  # fmt: skip
    """What every question can be asked with."""


class Questions(TyperGroup):
    """A group of commands that also knows each question by its name; its module loads when it is asked."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The commands, then the questions."""
        return [*super().list_commands(ctx), *QUESTIONS]

    def get_command(self, ctx: Any, name: str) -> Any:
        """A command by its name."""
        if name not in QUESTIONS:
            return super().get_command(ctx, name)
        one = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)
        one.command(name)(_command(name))
        return typer.main.get_command(one)


commands = typer.Typer()


@commands.command()
def ask(
    question: Annotated[str, typer.Argument(help="A YAML or JSON file with the question, or - for stdin.")],
    workspace: Folder = HERE,
    where: Where = None,
    start: Start = None,
    end: End = None,
    subject: Subject = "customer",
    rows: Rows = 20,
    lang: Lang = None,
    json: Json = False,
) -> None:
    """Answer any question."""
    from etappe.analysis.ask import read_question
    from etappe.errors import BadFile

    try:
        asked = sys.stdin.read() if question == "-" else Path(question).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        hint = f"The question of that name is a command: etappe {question}." if question in QUESTIONS else ""
        what = f"cannot be read: {getattr(fault, 'strerror', None) or 'it is not UTF-8'}."
        raise BadFile(question, what, hint) from None
    read = read_question(asked, "stdin" if question == "-" else question)
    _answer(opened(workspace), read, json, rows, lang, subject=subject, where=where, start=start, end=end)
