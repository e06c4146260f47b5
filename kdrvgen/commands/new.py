"""`kdrvgen new NAME`: create a project from a template."""

from __future__ import annotations

import argparse
import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from kdrvgen.commands import joining
from kdrvgen.config import loads
from kdrvgen.config.reader import CONFIG_NAMES
from kdrvgen.errors import KdrvgenError, UsageError
from kdrvgen.model import Project
from kdrvgen.report.files import Report
from kdrvgen.report.reporter import Reporter
from kdrvgen.scaffold import answers, questions, render, writer
from kdrvgen.scaffold import template as templates
from kdrvgen.scaffold.command_line import CommandLine
from kdrvgen.scaffold.merge import merged
from kdrvgen.scaffold.template import Template, load
from kdrvgen.scaffold.workflow import WORKFLOW, workflow

__all__ = ["INTERMIXED", "bootstrap", "populate_parser", "run"]

INTERMIXED = True
"""Options can be between the positional arguments."""


def bootstrap(
    directory: str | os.PathLike[str],
    name: str,
    template: str = "minimal",
    *,
    config: Mapping[str, Any] | None = None,
    ci: Literal["github"] | None = None,
) -> Report:
    """Create a project in the folder `name` in `directory`, all of it or nothing.

    Args:
        directory: The parent folder of the project's folder; created if missing.
        name: The name of the Cargo package and of the folder.
        template: A template from `kdrvgen new --list-templates`, or the path of a folder with a
            template of your own, such as `./my-template`.
        config: The settings that differ from the defaults, as tables of config.toml, such as
            `{"driver": {"model": "kmdf"}, "bootstrap": {"license": "MIT"}}`.
        ci: `github` for a workflow, as `kdrvgen.ci` writes it.

    Returns:
        The files that were created, by their paths from the project's folder.

    Raises:
        ConfigError: A value is not valid.
        UsageError: The template does not exist.
        OccupiedError: The folder exists and is not empty.
        FileAccessError: Something cannot be written.
        ToolError: A Git repository is requested, and Git is missing or failed.
    """
    chosen = load(template)
    given = answers.named(config or {}, name)
    answers.check_options(chosen, given)
    folder = Path(directory, name)
    document = joining.joined(chosen, answers.complete(chosen, given), folder)
    return _create(chosen, document, folder, ci)


def populate_parser(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument(
        "words",
        metavar="NAME KEY=VALUE",
        nargs="*",
        help="the project's name, or its folder (drivers/hello, or . for the current one); values "
        "for Cargo.toml (license=MIT), options of the template (allocator=no) and keys of "
        "config.toml (signing.store=MyStore)",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="DIR",
        default="",
        help="create the project's folder in DIR (default: the current folder)",
    )
    parser.add_argument(
        "--template",
        metavar="TEMPLATE",
        help="the template, or the folder of your own, such as ./my-template (default: minimal)",
    )
    parser.add_argument(
        "--config", metavar="FILE", help="read the answers from another project's config.toml"
    )
    parser.add_argument(
        "--ci",
        choices=("github",),
        help="write a workflow that checks, builds and loads the driver, as `kdrvgen ci` does",
    )
    parser.add_argument("--no-input", action="store_true", help="do not ask; use the defaults")
    parser.add_argument(
        "--list-templates", action="store_true", help="list all templates and their options"
    )


def run(arguments: argparse.Namespace, reporter: Reporter) -> int:
    """Run the command and report to `reporter`.

    Returns:
        0: every other result is raised, as in `bootstrap`.
    """
    if arguments.list_templates:
        names = [arguments.template] if arguments.template else templates.names()
        _list(reporter, [templates.load(name) for name in names])
        return 0
    line = CommandLine.of(arguments.words)
    chosen, document, project = _answers(arguments, line, reporter)
    folder = _folder(arguments, line, project.driver.name)
    document = joining.joined(chosen, document, folder)
    report = _create(chosen, document, folder, arguments.ci)
    to_add = joining.to_add(answers.checked(document), folder)
    reporter.begun(
        str(folder),
        (str(entry.path) for entry in report.entries),
        (*([to_add] if to_add else []), *_change_to(folder), "cargo make sign"),
    )
    return 0


def _create(
    template: Template, document: Mapping[str, Any], folder: Path, service: str | None
) -> Report:
    """Write a new project, and what it shares with the other drivers of its workspace."""
    project = answers.checked(document)
    if service and project.driver.workspace_root:
        raise UsageError(
            "the workflow is in the root of the workspace. Create the project without --ci, and "
            f"run `kdrvgen ci {service}` there."
        )
    has_schema = joining.has_schema_above(project, folder)
    rendered = render.render(template, document, has_schema_above=has_schema)
    writer.check(folder, git=project.bootstrap.git)
    joining.check_shared_files(project, folder)
    report = writer.write(_with_workflow(rendered, service), folder, git=project.bootstrap.git)
    joining.write_shared_files(project, folder)
    return report


def _with_workflow(
    files: Mapping[PurePosixPath, bytes], service: str | None
) -> Mapping[PurePosixPath, bytes]:
    """Return the files of a new project, with a workflow for all its drivers if requested."""
    if not service:
        return files
    projects = {
        path.parent: loads(content.decode())
        for path, content in files.items()
        if path.name == CONFIG_NAMES[-1] and path.parent.name != ".cargo"
    }
    return {**files, WORKFLOW: workflow(projects).encode()}


def _list(reporter: Reporter, found: Sequence[Template]) -> None:
    width = max(len(each.name) for each in found)
    lines = []
    for each in found:
        lines.append(f"{each.name:{width}}  {each.summary}")
        lines.append(f"{'':{width}}  options: {', '.join(each.options)}")
        lines += [
            f"{'':{width}}  {name}: {question.text}" for name, question in each.questions.items()
        ]
    templates = [
        {
            "name": each.name,
            "summary": each.summary,
            "options": list(each.options),
            "questions": {name: question.text for name, question in each.questions.items()},
        }
        for each in found
    ]
    reporter.answer("templates", templates, "\n".join(lines))


def _answers(
    arguments: argparse.Namespace, line: CommandLine, reporter: Reporter
) -> tuple[Template, dict[str, Any], Project]:
    """Return the template, the whole config.toml and the project, from arguments and answers."""
    asks = reporter.is_interactive and not arguments.no_input and not arguments.config
    replayed = answers.replayed(arguments.config) if arguments.config else {}
    name = _name(arguments, reporter, line, replayed, asks=asks)
    template = arguments.template or line.template or replayed.get("bootstrap", {}).get("template")
    if template is None and asks:
        template = questions.ask_template(reporter.ask)
    chosen = load(template or "minimal")
    known = answers.without_foreign_options(chosen, replayed)
    line.answer(chosen)
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
    """Return the project's name, after a check that its folder can be created."""
    name: str | None = line.name or replayed.get("driver", {}).get("name")
    if name is not None:
        line.check_name(name)
        writer.check(_folder(arguments, line, name))
        return name
    if not asks:
        raise UsageError(
            "the project has no name. Run `kdrvgen new NAME`, or see `kdrvgen new --help`."
        )

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
    if folder == Path():
        return []
    # `cd` of cmd does not change the drive; PowerShell has `pushd` too.
    is_elsewhere = folder.drive.lower() not in {"", Path.cwd().drive.lower()}
    return [f"{'pushd' if is_elsewhere else 'cd'} {_quoted(str(folder))}"]


def _quoted(folder: str) -> str:
    """Return a path, quoted for the user's shell."""
    if os.name == "nt":
        return f'"{folder}"' if " " in folder else folder

    return shlex.quote(folder)
