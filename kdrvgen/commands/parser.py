"""The parser of each command."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from kdrvgen import __version__
from kdrvgen.commands import DEFAULT, VERBS
from kdrvgen.errors import KdrvgenError, UsageError
from kdrvgen.report.reporter import COMMON_FORMATS, FORMATS
from kdrvgen.spelling import nearest

__all__ = ["EPILOG", "Parser", "parser_of", "populate_parser"]

_USAGE = "kdrvgen [CONFIG…] [options]\n       kdrvgen COMMAND [options]"
EPILOG = """\
exit codes:
  0  success (also when there was nothing to do)
  1  internal error: a bug in kdrvgen
  2  the command line is not valid
  3  the configuration is not valid, or cannot be read
  4  --check found files that do not match the configuration
  5  refused: writing would overwrite your own files or edits, or write outside
     the project
  6  verify, package or submission found problems
  7  a required tool is missing or failed
  8  a generated file or its folder cannot be read or written

examples:
  kdrvgen                              write the files of the project in this folder,
                                       or of all drivers of the workspace
  kdrvgen config.toml                  write the files beside config.toml
  kdrvgen drivers @more.txt            write the files of all projects below a folder,
                                       and of those that a file lists
  kdrvgen config.toml -o driver        write the files to the folder driver
  kdrvgen config.toml --check          for CI: fail if the files are out of date
  kdrvgen config.toml --diff           show what would change
  kdrvgen new hello                    create a project in the folder hello
  kdrvgen ./eject                      read a configuration named like a command
"""


def parser_of(verb: str) -> Parser:
    """Return the parser of a command; `DEFAULT` is the command without a verb."""
    is_default = verb == DEFAULT
    parser = Parser(
        prog="kdrvgen" if is_default else f"kdrvgen {verb}",
        usage=_USAGE if is_default else None,
        description="Generate the files of a kernel driver project from one file."
        if is_default
        else VERBS[verb],
        epilog=f"{_commands()}\n{EPILOG}" if is_default else None,
        formatter_class=_Formatter,
        allow_abbrev=False,
    )
    module = import_module(f"kdrvgen.commands.{verb}")
    module.populate_parser(parser)
    populate_parser(parser, getattr(module, "FORMATS", COMMON_FORMATS))
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version")
    return parser


def populate_parser(
    parser: argparse.ArgumentParser, formats: Sequence[str] = COMMON_FORMATS
) -> None:
    """Add the options that all commands have in common.

    Args:
        parser: The parser of the command.
        formats: The output formats of the command.
    """
    parser.add_argument(
        "--format",
        choices=formats,
        default="human",
        help=f"{', '.join(FORMATS[name] for name in formats)}",
    )
    parser.add_argument(
        "--color",
        choices=("auto", "always", "never"),
        default="auto",
        help="default: auto, for terminals unless NO_COLOR is set",
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="print only warnings and errors")
    parser.add_argument("-v", "--verbose", action="store_true", help="print details")


class Parser(argparse.ArgumentParser):
    """An argument parser that raises UsageError, with suggestions for misspelt options."""

    def error(self, message: str) -> NoReturn:
        """Raise the error that argparse would print."""
        raise self._usage_error(message[:1].lower() + message[1:])

    def parse(self, words: Sequence[str], *, intermixed: bool = False) -> argparse.Namespace:
        """Parse `words`; with `intermixed`, options and positional arguments can be mixed.

        Raises:
            UsageError: They are not valid.
        """
        parse = self.parse_known_intermixed_args if intermixed else self.parse_known_args
        arguments, unknown = parse(words)
        if unknown:
            word = unknown[0]
            hint = _nearest(word.partition("=")[0], list(self._option_string_actions))
            verb = next((word for word in words if word in VERBS), None)
            if verb and not word.startswith("-"):
                hint = f" A command must come first: `kdrvgen {verb} …`."
            kind = "option" if word.startswith("-") else "argument"
            raise self._usage_error(f"unexpected {kind} `{word}`.{hint}")
        return arguments

    def _usage_error(self, message: str) -> KdrvgenError:
        stop = "" if message.endswith((".", "?")) else "."
        return UsageError(f"{message}{stop} See `{self.prog} --help`.")


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Help of a fixed width: argparse queries the terminal width, which takes 2 ms."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=80)


class _Version(argparse.Action):
    """`--version`: argparse's own action would need the text in every run."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> NoReturn:
        del namespace, values, option_string

        sys.stdout.write(f"kdrvgen {__version__}\n")
        parser.exit()


def _commands() -> str:
    width = max(map(len, VERBS))
    lines = "".join(f"  kdrvgen {verb:{width}}  {text}\n" for verb, text in VERBS.items())
    return f"commands (see `kdrvgen COMMAND --help`):\n{lines}"


def _nearest(word: str, possible: Sequence[str]) -> str:
    near = nearest(word, possible)
    return f" Did you mean `{near}`?" if near else ""
