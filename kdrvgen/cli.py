"""The command line: choose the command, run it, and turn its result into an exit code."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import NoReturn

from kdrvgen import __version__
from kdrvgen.commands import DEFAULT, VERBS
from kdrvgen.console import open_standard_streams, silence
from kdrvgen.errors import FileAccessError, KdrvgenError, UsageError
from kdrvgen.report.reporter import COMMON_FORMATS, FORMATS, Reporter
from kdrvgen.spelling import nearest

__all__ = ["main", "populate_parser"]

_USAGE = "kdrvgen [CONFIG…] [options]\n       kdrvgen COMMAND [options]"
_EPILOG = """\
exit codes:
  0  success (also when there was nothing to do)
  1  internal error: a bug in kdrvgen
  2  the command line is not valid
  3  the configuration is not valid, or cannot be read
  4  --check found files that do not match the configuration
  5  refused: writing would overwrite your own files or edits, or write outside
     the project
  6  verify or package found problems
  7  a required tool is missing or failed
  8  a generated file or its folder cannot be read or written

examples:
  kdrvgen                              write the files of the project in this folder,
                                       or of all drivers of the workspace
  kdrvgen config.toml                  write the files beside config.toml
  kdrvgen config.toml -o driver        write the files to the folder driver
  kdrvgen config.toml --check          for CI: fail if the files are out of date
  kdrvgen config.toml --diff           show what would change
  kdrvgen new hello                    create a project in the folder hello
  kdrvgen ./eject                      read a configuration named like a command
"""
_INTERRUPTED = 130  # 128 + SIGINT, as in shells
_PIPE_CLOSED = 141  # 128 + SIGPIPE


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program.

    Args:
        argv: The arguments after the program's name; by default those of this process.

    Returns:
        The exit code. Only `--help` and `--version` raise: they end the process.
    """
    open_standard_streams()
    words = list(sys.argv[1:] if argv is None else argv)
    reporter: Reporter | None = None
    try:
        command, arguments = _understand(words)
        reporter = Reporter.of(arguments)
        code: int = command(arguments, reporter)
        reporter.finish(code)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        silence()
        return _PIPE_CLOSED
    except Exception as error:  # noqa: BLE001 - the one place that turns exceptions into exit codes
        return _fail(reporter or _reporter(words), error)
    return code


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


class _Parser(argparse.ArgumentParser):
    """An argument parser that raises UsageError, with suggestions for misspelt options."""

    def error(self, message: str) -> NoReturn:
        raise _usage_error(message[:1].lower() + message[1:])

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
            raise _usage_error(f"unexpected {kind} `{word}`.{hint}")
        return arguments


def _understand(
    words: Sequence[str],
) -> tuple[Callable[[argparse.Namespace, Reporter], int], argparse.Namespace]:
    """Return the command that `words` name, and its parsed arguments.

    Raises:
        UsageError: They are not valid.
    """
    verb = words[0] if words and words[0] in VERBS else None
    parser = _Parser(
        prog=f"kdrvgen {verb}" if verb else "kdrvgen",
        usage=None if verb else _USAGE,
        description=VERBS[verb]
        if verb
        else "Generate the files of a kernel driver project from one file.",
        epilog=None if verb else f"{_commands()}\n{_EPILOG}",
        formatter_class=_Formatter,
        allow_abbrev=False,
    )
    module = import_module(f"kdrvgen.commands.{verb or DEFAULT}")
    module.populate_parser(parser)
    populate_parser(parser, getattr(module, "FORMATS", COMMON_FORMATS))
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version")
    intermixed = getattr(module, "INTERMIXED", False)
    return module.run, parser.parse(words[1:] if verb else words, intermixed=intermixed)


def _reporter(words: Sequence[str]) -> Reporter:
    """Return the reporter for the output options in `words`, although other words are not valid."""
    parser = _Parser(add_help=False, allow_abbrev=False)
    populate_parser(parser, tuple(FORMATS))
    try:
        return Reporter.of(parser.parse_known_args(words)[0])
    except Exception:  # noqa: BLE001 - another error is reported
        return Reporter()


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


def _usage_error(message: str) -> KdrvgenError:
    stop = "" if message.endswith((".", "?")) else "."
    return UsageError(f"{message}{stop} See `kdrvgen --help`.")


def _fail(reporter: Reporter, error: Exception) -> int:
    """Report `error` and return its class's exit code."""
    failure = _failure(error)
    if failure.exit_code == 1:
        reporter.detail("".join(traceback.format_exception(error)))
    try:
        reporter.findings(failure.findings, omitted=failure.omitted)
        reporter.finish(failure.exit_code)
    except OSError:  # the output is closed or full: nothing can be reported
        silence()
    return failure.exit_code


def _failure(error: Exception) -> KdrvgenError:
    """Return the error to report for an exception."""
    if isinstance(error, KdrvgenError):
        return error
    if isinstance(error, OSError):
        place = "" if error.filename is None else f"{os.fsdecode(error.filename)}: "
        return FileAccessError(f"{place}{error.strerror or error}")
    return KdrvgenError(
        f"internal error ({type(error).__name__}: {error}). This is a bug in kdrvgen, not in your "
        "project. Please report it with your configuration and the output of the same command "
        "with -v."
    )
