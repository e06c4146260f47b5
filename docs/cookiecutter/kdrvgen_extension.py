"""What cookiecutter's template calls: the engine of `kdrvgen new`, from the same checkout."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click
from cookiecutter import prompt
from jinja2 import Environment
from jinja2.ext import Extension

sys.path.insert(0, str(Path(__file__).parents[2]))

try:
    from kdrvgen.errors import KdrvgenError
    from kdrvgen.model.bootstrap import PACKAGE_KEYS
    from kdrvgen.scaffold import answers, questions, render, writer
    from kdrvgen.scaffold.command_line import CommandLine
    from kdrvgen.scaffold.merge import merged
    from kdrvgen.scaffold.template import Template, load, names
    from kdrvgen.scaffold.values import choices, typed
except ModuleNotFoundError as missing:
    raise click.ClickException(
        f"this template needs {missing.name} beside cookiecutter: install kdrvgen into the same "
        "environment, as by `pipx inject cookiecutter kdrvgen`."
    ) from missing

__all__ = ["Kdrvgen"]

_SOURCE = "answers"
_TEMPLATE = "bootstrap.template"
_Ask = Callable[..., Any]


class Kdrvgen(Extension):
    """Gives cookiecutter.json the defaults of the options, and makes the project."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        asked = _Questions()
        environment.globals |= {
            "kdrvgen_words": _words,
            "kdrvgen_default": asked.default,
            "kdrvgen_check": _check,
            "kdrvgen_files": _files,
        }
        # cookiecutter itself asks each question, whatever the answers so far, and for any text.
        prompt.read_user_variable = asked.ask


class _Questions:
    """Asks the questions of cookiecutter.json with cookiecutter's own menus, if they apply."""

    _original: _Ask = staticmethod(prompt.read_user_variable)

    def __init__(self) -> None:
        self._given: Mapping[str, Any] = {}

    def default(self, given: Mapping[str, Any], key: str) -> str:
        """Return the default of a question, from the words and the template."""
        self._given = given
        if key == _TEMPLATE:
            return _line(given).template or "minimal"
        if not _is_of(_template(given), _path(key)):
            return ""
        value = answers.value_at(_project(given), _path(key))
        if isinstance(value, bool):
            return "yes" if value else "no"
        return ", ".join(map(str, value)) if isinstance(value, list) else str(value)

    def ask(self, key: str, default: Any, prompts: Any = None, prefix: str = "") -> Any:  # noqa: ANN401 - as cookiecutter's
        """Ask a question until the answer is valid. Return the default if it does not apply."""
        if key not in {"name", _TEMPLATE} and not self._applies(key):
            return default
        while True:
            answer = self._answer(key, default, prompts, prefix)
            try:
                if key == "name":
                    CommandLine.of([]).check_name(str(answer))
                elif key != _TEMPLATE:
                    _project({**self._given, key: answer})
            except (click.ClickException, KdrvgenError) as error:
                click.echo(f"Error: {error}", err=True)
            else:
                return answer

    def _applies(self, key: str) -> bool:
        template, path = _template(self._given), _path(key)
        document = _document(self._given)
        return _is_of(template, path) and not questions.is_unused(path, document["bootstrap"])

    def _answer(self, key: str, default: Any, prompts: Any, prefix: str) -> Any:  # noqa: ANN401 - as above
        among = names() if key == _TEMPLATE else choices(_path(key))
        if among == ("yes", "no"):
            return prompt.read_user_yes_no(key, default == "yes", prompts, prefix)
        if default in among:
            ordered = [default, *(each for each in among if each != default)]
            return prompt.read_user_choice(key, ordered, prompts, prefix)
        return self._original(key, default, prompts, prefix)


def _words() -> str:
    """Return the words of the command line, most of which cookiecutter does not know."""
    context = click.get_current_context(silent=True)
    extra = (context.params.get("extra_context") if context else None) or {}
    words = [f"{key}={value}" for key, value in extra.items()]
    # cookiecutter keeps only the last of two words with the same key, which is an error here.
    all_words = [word for word in sys.argv[1:] if word.partition("=")[0] in extra and "=" in word]
    found = all_words if set(words) <= set(all_words) else words
    return shlex.join(word for word in found if not word.startswith(("name=", "_")))


def _line(given: Mapping[str, Any]) -> CommandLine:
    """Return the words as `kdrvgen new` parses them."""
    return CommandLine.of([f"driver.name={given['name']}", *shlex.split(given["__words"])])


def _check(given: Mapping[str, Any]) -> str:
    """Check that the words and answers describe a project, before cookiecutter makes a folder."""
    _project(given)
    return ""


def _project(given: Mapping[str, Any]) -> Any:  # noqa: ANN401 - cookiecutter has no types
    try:
        return answers.checked(_document(given), _SOURCE)
    except KdrvgenError as error:
        raise click.ClickException(str(error)) from error


def _files(given: Mapping[str, Any]) -> str:
    """Write the files into the folder that cookiecutter has made, and return no name."""
    folder = Path(given["_output_dir"], given["name"])
    document = _document(given)
    try:
        made = render.render(_template(given), document)
        writer.write(made, folder, git=answers.checked(document).bootstrap.git)
    except KdrvgenError as error:
        raise click.ClickException(str(error)) from error
    return ""


def _template(given: Mapping[str, Any]) -> Template:
    try:
        return load(given[_TEMPLATE])
    except KdrvgenError as error:
        raise click.ClickException(str(error)) from error


def _path(key: str) -> tuple[str, str]:
    table, dot, name = key.partition(".")
    return (table, name) if dot else ("bootstrap", key)


def _is_of(template: Template, path: tuple[str, str]) -> bool:
    """Return whether a template has the key, if it is an option."""
    return path[0] != "bootstrap" or path[1] in {*template.options, *PACKAGE_KEYS}


def _document(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return config.toml with the words and the answers; answers that are defaults are left out."""
    template = _template(given)
    line = _line(given)
    try:
        line.answer(template)
        line.check(answers.complete(template, line.document), template)
    except KdrvgenError as error:
        raise click.ClickException(str(error)) from error
    document: dict[str, Any] = line.document
    default = answers.checked(answers.complete(template, document), _SOURCE)
    for key, text in given.items():
        path = _path(key)
        if key.startswith("_") or key in {"name", _TEMPLATE} or not str(text):
            continue
        value = typed(path, str(text))
        if _is_of(template, path) and answers.value_at(default, path) != value:
            document = merged(document, {path[0]: {path[1]: value}})
    return answers.complete(template, document)
