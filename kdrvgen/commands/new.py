"""`kdrvgen new NAME`: begin a project from a template."""

from __future__ import annotations

import argparse
import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kdrvgen.errors import KdrvgenError, UsageError
from kdrvgen.model import Project
from kdrvgen.report.files import Report
from kdrvgen.report.reporter import Reporter
from kdrvgen.scaffold import answers, questions, render, writer
from kdrvgen.scaffold import template as templates
from kdrvgen.scaffold.command_line import CommandLine
from kdrvgen.scaffold.merge import merged
from kdrvgen.scaffold.template import Template, load

__all__ = ["INTERMIXED", "bootstrap", "populate_parser", "run"]

INTERMIXED = True
"""Options may stand between the words."""


def bootstrap(
    directory: str | os.PathLike[str],
    name: str,
    template: str = "minimal",
    *,
    config: Mapping[str, Any] | None = None,
) -> Report:
    """Begin a project: make the folder `name` in `directory`, all of it or nothing.

    Args:
        directory: The folder that the project's own goes into; made when missing.
        name: Name of the Cargo package and of the folder.
        template: One of those that `kdrvgen new --list-templates` tells of.
        config: What differs from the defaults: tables as config.toml has them, such as
            `{"driver": {"model": "kmdf"}, "bootstrap": {"license": "MIT"}}`.

    Returns:
        The files that were made, by their paths from the project's folder.

    Raises:
        ConfigError: A value is not valid.
        UsageError: There is no such template.
        OccupiedError: The folder exists and is not empty.
        FileAccessError: Something cannot be written.
        ToolError: A Git repository is asked for, and Git is missing or failed.
    """
    chosen = load(template)
    given = answers.named(config or {}, name)
    answers.check_options(chosen, given)
    document = answers.complete(chosen, given)
    project = answers.checked(document)
    folder = Path(directory, name)
    return writer.write(render.render(chosen, document), folder, git=project.bootstrap.git)


def populate_parser(parser: argparse.ArgumentParser) -> None:
    """Declare the command's own arguments."""
    parser.add_argument(
        "words",
        metavar="NAME KEY=VALUE",
        nargs="*",
        help="the project's name, or its folder (drivers/hello, or . for this one); what "
        "Cargo.toml begins with (license=MIT), options of the "
        "template (allocator=no) and keys of config.toml (signing.store=MyStore)",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="DIR",
        default="",
        help="put the project's folder into DIR (default: here)",
    )
    parser.add_argument("--template", metavar="TEMPLATE", help="the template (default: minimal)")
    parser.add_argument(
        "--config", metavar="FILE", help="take the answers from another project's config.toml"
    )
    parser.add_argument("--no-input", action="store_true", help="ask nothing; use the defaults")
    parser.add_argument(
        "--list-templates", action="store_true", help="list all templates and their options"
    )


def run(arguments: argparse.Namespace, reporter: Reporter) -> int:
    """Carry out the command and report to `reporter`.

    Returns:
        0: everything else is raised, as by `bootstrap`.
    """
    if arguments.list_templates:
        _list(reporter, [templates.load(name) for name in templates.names()])
        return 0
    line = CommandLine.of(arguments.words)
    chosen, document, project = _answers(arguments, line, reporter)
    folder = _folder(arguments, line, project.driver.name)
    git = project.bootstrap.git
    report = writer.write(render.render(chosen, document), folder, git=git)
    reporter.begun(
        str(folder),
        (str(entry.path) for entry in report.entries),
        (*_change_to(folder), "cargo make sign"),
    )
    return 0


def _list(reporter: Reporter, found: Sequence[Template]) -> None:
    width = max(len(each.name) for each in found)
    lines = [
        f"{each.name:{width}}  {each.summary}\n{'':{width}}  options: {', '.join(each.options)}"
        for each in found
    ]
    templates = [
        {"name": each.name, "summary": each.summary, "options": list(each.options)}
        for each in found
    ]
    reporter.answer("templates", templates, "\n".join(lines))


def _answers(
    arguments: argparse.Namespace, line: CommandLine, reporter: Reporter
) -> tuple[Template, dict[str, Any], Project]:
    """Return the template and the whole config.toml, of what was said and what is asked."""
    asks = reporter.is_interactive and not arguments.no_input and not arguments.config
    replayed = answers.replayed(arguments.config) if arguments.config else {}
    name = _name(arguments, reporter, line, replayed, asks=asks)
    begun = replayed.get("bootstrap", {})
    word = arguments.template or line.template or begun.get("template")
    if word is None and asks:
        word = questions.ask_template(reporter.ask)
    chosen = load(word or "minimal")
    known = answers.without_foreign_options(chosen, replayed)
    given = answers.named(merged(known, line.document), name)
    project = line.check(answers.complete(chosen, given), chosen)
    if asks:
        given = merged(given, questions.ask_the_rest(reporter.ask, chosen, given))
        project = answers.checked(answers.complete(chosen, given))
    return chosen, answers.complete(chosen, given), project


def _name(
    arguments: argparse.Namespace,
    reporter: Reporter,
    line: CommandLine,
    replayed: Mapping[str, Any],
    *,
    asks: bool,
) -> str:
    """Return the project's name, after making sure that its folder can be made."""
    name: str | None = line.name or replayed.get("driver", {}).get("name")
    if name is not None:
        line.check_name(name)
        writer.check(_folder(arguments, line, name))
        return name
    if not asks:
        raise UsageError("no name was given: `kdrvgen new NAME`. `kdrvgen new --help` tells more.")

    def objection(name: str) -> str:
        try:
            writer.check(_folder(arguments, line, name))
        except KdrvgenError as error:
            return str(error)
        return ""

    return questions.ask_name(reporter.ask, objection)


def _folder(arguments: argparse.Namespace, line: CommandLine, name: str) -> Path:
    return Path(arguments.output, line.folder or name)


def _change_to(folder: Path) -> list[str]:
    return [] if folder == Path() else [f"cd {_quoted(str(folder))}"]


def _quoted(folder: str) -> str:
    """Return a path as the user's shell takes it."""
    if os.name == "nt":
        return f'"{folder}"' if " " in folder else folder

    return shlex.quote(folder)
