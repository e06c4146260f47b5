"""`kdrvgen why FILE:LINE`: show which keys of config.toml a generated line comes from."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from kdrvgen.commands.config_file import config_of
from kdrvgen.config import load
from kdrvgen.config.locator import locate
from kdrvgen.config.reader import read as read_config
from kdrvgen.config.secrets import mask_file
from kdrvgen.config.source import Source
from kdrvgen.errors import DriftError, UsageError
from kdrvgen.model.reference import keys
from kdrvgen.output.paths import path_from
from kdrvgen.output.plan import read
from kdrvgen.rendering.arguments import purpose
from kdrvgen.rendering.header import (
    HEADER_LINES,
    Ownership,
    examine,
    normalise,
)
from kdrvgen.rendering.lines import matching_line
from kdrvgen.rendering.origin import Origin, origins
from kdrvgen.rendering.project import render, render_own
from kdrvgen.rendering.support import support_folder
from kdrvgen.report.reporter import Reporter
from kdrvgen.spelling import quantity

__all__ = ["Reason", "populate_parser", "run", "why"]

_SHOWN = 6


class Reason(NamedTuple):
    """A key that a generated line comes from.

    Attributes:
        key: Its dotted name; an element of an array has its index in brackets, from 0.
        line: Its line in config.toml, from 1; 0 if it is not set and has its default.
        default: Its default as TOML; "" if the key is set, or if its default depends on other keys.
    """

    key: str
    line: int
    default: str


def why(
    config: str | os.PathLike[str], file: str | os.PathLike[str], line: int
) -> tuple[str, tuple[Reason, ...]]:
    """Return a line of a generated file, and the keys that it comes from, the closest first.

    Args:
        config: The project's config.toml.
        file: The generated file, relative to the folder of `config`, with slashes.
        line: The line, from 1, in the file on disk, or in the text that would be generated.

    Returns:
        The text of the line, and the keys; none for a line that is the same in every project.

    Raises:
        ConfigError: The configuration is not valid.
        DriftError: The line on disk does not match the configuration.
        FileAccessError: The generated file cannot be read, or is not a regular file.
        UsageError: The file is not generated, or the line does not exist.
    """
    file = PurePosixPath(Path(file).as_posix())
    project = load(config)
    texts = render(project)
    own = render_own(project)
    if file not in texts:
        made = ", ".join(sorted(str(path) for path in own))
        raise UsageError(
            f"kdrvgen does not generate {file} from {os.fspath(config)}. It generates {made} and "
            f"the files in {support_folder(project)}."
        )
    text = texts[file].split("\n")
    number = _in_rendered(Path(config).parent / file, text, line, os.fspath(config))
    shown = mask_file(str(file), texts[file]).split("\n")[number - 1]
    found = origins(project, file, number) if file in own else ()
    return shown, _reasons(Path(config), found)


def populate_parser(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument("place", metavar="FILE:LINE", help="such as Makefile.toml:42")
    parser.add_argument(
        "--config",
        metavar="CONFIG",
        help="the project's configuration (default: the one beside FILE or above it)",
    )


def run(arguments: argparse.Namespace, reporter: Reporter) -> int:
    """Run the command and report to `reporter`.

    Returns:
        0: every other result is raised, as in `why`.
    """
    named = re.fullmatch(r"(.+):(\d{1,9})(?::\d*)?", arguments.place, re.DOTALL)
    if named is None:
        raise UsageError(
            f"`{arguments.place}` has no line number. Write FILE:LINE, such as `Makefile.toml:42`."
        )
    file, line = Path(named[1]), int(named[2])
    config = Path(arguments.config) if arguments.config else _config_of(file)
    inside = path_from(config.parent, file)
    text, reasons = why(config, inside, line)
    document = {
        "file": str(file),
        "line": line,
        "text": text,
        "keys": [reason._asdict() for reason in reasons],
    }
    reporter.answer("why", document, _explanation(f"{file}:{line}", text, reasons, config))
    return 0


def _config_of(file: Path) -> Path:
    found = config_of(file)
    if found is None:
        raise UsageError(
            f"no kdrvgen.toml or config.toml was found beside {file} or above it. Set the "
            "configuration with `--config CONFIG`."
        )
    return found


def _in_rendered(path: Path, rendered: Sequence[str], line: int, config: str) -> int:
    """Return the number of a line on disk in the text that would be generated now."""
    content = read(path, str(path))
    try:
        found = list(rendered) if content is None else normalise(content.decode()).split("\n")
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not UTF-8 text.") from None
    if content is not None and examine("\n".join(found)) is Ownership.EJECTED:
        raise UsageError(
            f"{path} was ejected: it is your own file, and kdrvgen does not generate it. To "
            "generate it again, delete it and run kdrvgen."
        )
    if not 1 <= line <= len(found):
        raise UsageError(
            f"line {line} does not exist: {path} has {quantity(len(found) - 1, 'line')}."
        )
    if line <= HEADER_LINES:
        raise UsageError(
            f"line {line} of {path} belongs to the header, which contains the digest of the file. "
            "It does not come from a key."
        )
    number = matching_line(found, rendered, line)
    if number:
        return number
    raise DriftError(
        f"line {line} of {path} does not match the configuration: it was edited, or the "
        f"configuration changed. Run `kdrvgen {config} --diff` to see the difference."
    )


def _reasons(config: Path, found: Sequence[Origin]) -> tuple[Reason, ...]:
    source = Source.of(read_config(config), str(config))
    root = locate(source.text)
    defaults = {key.path: key.default for key in keys()}
    reasons = []
    for origin in found:
        node = root.find(origin.path)
        extent = node and (node.key or node.value)
        name = _dotted(origin.path)
        reasons.append(
            Reason(
                name,
                source.place(extent).line or 0 if extent else 0,
                "" if extent else defaults.get(name, ""),
            )
        )
    return tuple(reasons)


def _dotted(path: Sequence[str | int]) -> str:
    parts = (f"[{part}]" if isinstance(part, int) else f".{_key(part)}" for part in path)
    return "".join(parts).removeprefix(".")


def _key(part: str) -> str:
    return part if re.fullmatch(r"[A-Za-z0-9_-]+", part) else f'"{part}"'


def _explanation(place: str, text: str, reasons: Sequence[Reason], config: Path) -> str:
    lines = [f"{place}: {text.strip()}"]
    if not reasons and re.match(r'DRIVER_CONFIG|\s*config: "', text):
        lines.append(f"  from {config} itself: its name or the digest of its text")
    elif not reasons:
        lines.append(
            "  the same in every project: it is part of the template, and no key changes it"
        )
    width = max((len(reason.key) for reason in reasons[:_SHOWN]), default=0)
    for index, reason in enumerate(reasons[:_SHOWN]):
        where = f"{config}:{reason.line}" if reason.line else "not set"
        if reason.default:
            where += f", default {reason.default}"
        lines.append(f"  {'from' if not index else 'and '} {reason.key:{width}}  {where}")
    if len(reasons) > _SHOWN:
        lines.append(f"  and {len(reasons) - _SHOWN} more, which affect most of the file")
    argument = re.search(r'"(?:-\w*?link-arg=)?([/-][A-Z]\w*[^"]*)"', text)
    if argument and (meaning := purpose(argument[1])):
        lines.append(f"  {argument[1]}: {meaning}")
    return "\n".join(lines)
