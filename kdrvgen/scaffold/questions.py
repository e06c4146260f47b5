"""Ask the user at a terminal about a new project."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, cast

from pydantic import TypeAdapter, ValidationError

from kdrvgen.config.keys import Path, dotted
from kdrvgen.config.suggest import for_value
from kdrvgen.errors import ConfigError
from kdrvgen.model.names import PackageName
from kdrvgen.model.reference import keys
from kdrvgen.scaffold import answers
from kdrvgen.scaffold import template as templates
from kdrvgen.scaffold.manifest import OPTIONS
from kdrvgen.scaffold.merge import merged
from kdrvgen.scaffold.own_render import is_asked
from kdrvgen.scaffold.render import values_of
from kdrvgen.scaffold.template import Template
from kdrvgen.scaffold.values import choices

__all__ = ["COMMON_KEYS", "Ask", "ask_name", "ask_template", "ask_the_rest", "is_unused", "summary"]

Ask = Callable[[str], str]
"""Prints a question and returns the line that the user typed."""

COMMON_KEYS: tuple[Path, ...] = (
    ("bootstrap", "description"),
    ("bootstrap", "license"),
    ("bootstrap", "edition"),
    ("driver", "targets"),
    ("toolchain", "channel"),
)
"""The keys of config.toml that are asked for with every template."""

# Options that are used only if another option has this value.
_ONLY_WITH = {
    "pool-tag": ("allocator", True),
    "log-component": ("logger", "DbgPrintEx"),
    "log-level": ("logger", "DbgPrintEx"),
}
_INDENT = "      "


class _Question(NamedTuple):
    path: Path
    text: str
    default: str
    choices: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the text of the question, with a space at its end."""
        what = dotted(self.path[-1:] if self.path[0] == "bootstrap" else self.path)
        among = f" [{'/'.join(self.choices)}]" if self.choices else ""
        return f"{self.text}\n{_INDENT}{what}{among} ({self.default}): "


def ask_name(ask: Ask, objection: Callable[[str], str]) -> str:
    """Ask for the project's name until it is valid.

    Args:
        ask: Asks a question.
        objection: Returns the reason against a name that Cargo accepts, or "".
    """
    question = shown = "  Name of the project and its Cargo package: "
    while True:
        name = ask(shown).strip()
        message = _wrong_name(name) or objection(name)
        if not message:
            return name
        shown = f"{_INDENT}{message}\n{question}"


def ask_template(ask: Ask) -> str:
    """Ask for a template until the answer is valid."""
    names = templates.names()
    listed = "".join(
        f"{_INDENT}{number} {name:12}{templates.load(name).summary}\n"
        for number, name in enumerate(names, 1)
    )
    numbered = {str(number): name for number, name in enumerate(names, 1)}
    question = shown = f"  Template, by number or name:\n{listed}{_INDENT}template (1): "
    while True:
        answer = ask(shown).strip() or "1"
        if answer in numbered:
            return numbered[answer]
        if answer in names:
            return answer
        near = for_value(answer, names)
        shown = f"{_INDENT}this template does not exist{near and f'; {near}'}\n{question}"


def ask_the_rest(ask: Ask, template: Template, given: Mapping[str, Any]) -> dict[str, Any]:
    """Ask for the settings that the command line does not contain.

    Args:
        ask: Asks a question.
        template: The template, with its options.
        given: The settings so far, as valid tables of config.toml, including the name.

    Returns:
        The answers that are not the defaults, as tables of config.toml.
    """
    found: dict[str, Any] = {}
    paths = [path for path in _paths(template) if not _has(given, path)]
    for number, path in enumerate(paths, 1):
        document = answers.complete(template, given, found)
        if is_unused(path, document["bootstrap"]) or not _is_asked(path, template, document):
            continue
        question = _question(path, document, template)
        count = f"[{number}/{len(paths)}]"
        found = merged(found, _answer(ask, question, count, document, template))
    return found


def _answer(
    ask: Ask, question: _Question, count: str, document: Mapping[str, Any], template: Template
) -> dict[str, Any]:
    """Ask one question until the answer is valid together with the other settings."""
    shown = f"  {count} {question}"
    while True:
        text = ask(shown).strip()
        if text in {"", question.default}:
            return {}
        answer = _document(question.path, answers.typed_for(template, question.path, text))
        try:
            answers.checked(merged(document, answer))
            answers.check_options(template, answer)
        except ConfigError as error:
            problems = "\n".join(
                f"{_INDENT}{line}"
                for finding in error.findings
                for line in (finding.message, *finding.help.splitlines())
            )
            shown = f"{problems}\n  {count} {question}"
        else:
            return answer


def _document(path: Path, value: object) -> dict[str, Any]:
    """Return tables with one value."""
    document = value
    for part in reversed(path):
        document = {str(part): document}
    return cast(dict[str, Any], document)


def _question(path: Path, document: Mapping[str, Any], template: Template) -> _Question:
    if own := answers.question_at(template, path):
        value = document["bootstrap"]["answers"][path[-1]]
        return _Question(path, own.text, _shown(value), own.shown_choices)
    value = answers.value_at(answers.checked(document), path)
    return _Question(path, summary(path), _shown(value), choices(path))


def summary(path: Path) -> str:
    """Return the description of a key of config.toml in one line."""
    (text,) = (each.text for each in keys() if (each.table, each.name) == path)
    return text.partition("\n\n")[0].replace("\n", " ")


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(str(each) for each in value)
    return str(value)


def _paths(template: Template) -> Iterator[Path]:
    yield from COMMON_KEYS
    for name in OPTIONS:
        if name in template.options:
            yield "bootstrap", name
    for name in template.questions:
        yield "bootstrap", "answers", name


def _is_asked(path: Path, template: Template, document: Mapping[str, Any]) -> bool:
    """Return whether the condition of a question of a user's template is true."""
    own = template.own
    if own is None or answers.question_at(template, path) is None:
        return True
    return is_asked(own, str(path[-1]), values_of(template, answers.checked(document)))


def is_unused(path: Path, bootstrap: Mapping[str, Any]) -> bool:
    """Return whether another option makes an option useless."""
    option, value = _ONLY_WITH.get(str(path[-1]), ("", None))
    return option in bootstrap and bootstrap[option] != value


def _has(document: Mapping[str, Any], path: Path) -> bool:
    table: object = document
    for part in path[:-1]:
        table = table.get(str(part), {}) if isinstance(table, Mapping) else {}
    names = {path[-1], "target"} if path == ("driver", "targets") else {path[-1]}
    return isinstance(table, Mapping) and bool(names & set(table))


def _wrong_name(name: str) -> str:
    try:
        TypeAdapter(PackageName).validate_python(name)
    except ValidationError as error:
        (line,) = error.errors(include_url=False)[:1]
        context = line.get("ctx", {})
        return "; ".join(filter(None, (line["msg"], context.get("hint", ""))))
    return ""
