"""`kdrvgen new NAME`: begin a project from a template."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping
    from typing import Any

    from kdrvgen.console import Console
    from kdrvgen.output.report import Report
    from kdrvgen.scaffold.template import Template
    from kdrvgen.scaffold.words import CommandLine

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
            `{"driver": {"license": "MIT"}, "bootstrap": {"allocator": False}}`.

    Returns:
        The files that were made, by their paths from the project's folder.

    Raises:
        ConfigError: A value is not valid.
        UsageError: There is no such template.
        OccupiedError: The folder exists and is not empty.
        FileAccessError: Something cannot be written.
        ToolError: A Git repository is asked for, and Git is missing or failed.
    """
    from kdrvgen.scaffold import answers, template as templates, texts, writing  # noqa: PLC0415 - imports pydantic and Jinja2

    chosen = templates.load(template)
    document = answers.complete(chosen, config or {}, {"driver": {"name": name}})
    project = answers.checked(document)
    folder = os.path.join(directory, name)  # noqa: PTH118 - as the user wrote it
    files = texts.render(chosen, document)
    return writing.write(files, folder, git=project.bootstrap.git)


def populate_parser(parser: argparse.ArgumentParser) -> None:
    """Declare the command's own arguments."""
    parser.add_argument(
        "words",
        metavar="NAME KEY=VALUE",
        nargs="*",
        help="the project's name; options of the template (allocator=no) and keys of config.toml "
        "(driver.license=MIT)",
    )
    parser.add_argument(
        "-o", "--output", metavar="DIR", default="", help="make the project's folder in DIR"
    )
    parser.add_argument("--template", metavar="TEMPLATE", help="default: minimal")
    parser.add_argument(
        "--config", metavar="FILE", help="take the answers from another project's config.toml"
    )
    parser.add_argument("--no-input", action="store_true", help="ask nothing, take the defaults")
    parser.add_argument("--list-templates", action="store_true", help="tell of all templates")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Carry the command out and tell `console`.

    Returns:
        0: everything else is raised.
    """
    from kdrvgen.scaffold import answers, template as templates, texts, writing  # noqa: PLC0415 - imports pydantic and Jinja2
    from kdrvgen.scaffold.words import CommandLine  # noqa: PLC0415 - likewise

    line = CommandLine.of(arguments.words)
    chosen = templates.load(arguments.template or line.template or "minimal")
    document = answers.complete(chosen, line.document)
    project = line.check(document, chosen)
    folder = os.path.join(arguments.output, project.driver.name)  # noqa: PTH118 - as the user wrote it
    report = writing.write(texts.render(chosen, document), folder, git=project.bootstrap.git)
    console.files((each.status.value, str(each.path), each.reason) for each in report.entries)
    return 0
