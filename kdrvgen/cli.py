"""The command line: which command is meant, and which exit code its outcome is."""

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
  2  usage: the command line asks for something that does not exist
  3  the configuration is not valid, or cannot be read
  4  --check found that the files are not what the configuration says
  5  refused: writing would lose what is there or was edited by hand, or leave the
     project
  6  verification found problems
  7  a tool is missing or failed
  8  a generated file or its folder cannot be read or written

examples:
  kdrvgen                              write the files of the project that is here, or
                                       of all drivers of the workspace
  kdrvgen config.toml                  write the files next to config.toml
  kdrvgen config.toml -o driver        write them to the folder driver
  kdrvgen config.toml --check          for CI: fail if they are not up to date
  kdrvgen config.toml --diff           show what would change
  kdrvgen new hello                    make a project in the folder hello
  kdrvgen ./eject                      a configuration that has the name of a command
"""
_INTERRUPTED = 130  # 128 + SIGINT, as shells have it
_PIPE_CLOSED = 141  # 128 + SIGPIPE, likewise


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program.

    Args:
        argv: The words after the program's name; by default those of this process.

    Returns:
        The exit code. Nothing but `--help` and `--version`, which end the process, is raised.
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
    """Declare the options that all commands have in common.

    Args:
        parser: Where they are declared.
        formats: Those that the command can be asked for.
    """
    parser.add_argument(
        "--format",
        choices=formats,
        default="human",
        help=f"{', '.join(FORMATS[each] for each in formats)}",
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
    """An argument parser whose errors are kdrvgen's, with suggestions for what is misspelt."""

    def error(self, message: str) -> NoReturn:
        raise _usage_error(message[:1].lower() + message[1:])

    def parse(self, words: Sequence[str], *, intermixed: bool = False) -> argparse.Namespace:
        """Parse `words`; with `intermixed`, options may stand between the others.

        Raises:
            UsageError: They cannot be understood.
        """
        parse = self.parse_known_intermixed_args if intermixed else self.parse_known_args
        arguments, unknown = parse(words)
        if unknown:
            word = unknown[0]
            hint = _nearest(word.partition("=")[0], list(self._option_string_actions))
            verb = next((each for each in words if each in VERBS), None)
            if verb and not word.startswith("-"):
                hint = f" A command comes first: `kdrvgen {verb} …`."
            kind = "option" if word.startswith("-") else "argument"
            raise _usage_error(f"there is no {kind} `{word}` here.{hint}")
        return arguments


def _understand(
    words: Sequence[str],
) -> tuple[Callable[[argparse.Namespace, Reporter], int], argparse.Namespace]:
    """Return the command that `words` ask for, and what it is given.

    Raises:
        UsageError: They ask for nothing that there is.
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
    """Return the reporter that `words` ask for although the rest of them is no good."""
    parser = _Parser(add_help=False, allow_abbrev=False)
    populate_parser(parser, tuple(FORMATS))
    try:
        return Reporter.of(parser.parse_known_args(words)[0])
    except Exception:  # noqa: BLE001 - the error that is to be told is another one
        return Reporter()


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Help of a fixed width: argparse asks the terminal for its own, in 2 ms of every run."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=80)


class _Version(argparse.Action):
    """`--version`: argparse's own wants the text in advance, for every run."""

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
    lines = "".join(f"  kdrvgen {verb:{width}}  {told}\n" for verb, told in VERBS.items())
    return f"commands (see `kdrvgen COMMAND --help`):\n{lines}"


def _nearest(word: str, possible: Sequence[str]) -> str:

    found = nearest(word, possible)
    return f" Did you mean `{found}`?" if found else ""


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
    except OSError:  # what the output goes to takes no more: nothing can be reported any longer
        silence()
    return failure.exit_code


def _failure(error: Exception) -> KdrvgenError:
    """Return the error that the user sees, whatever was raised."""
    if isinstance(error, KdrvgenError):
        return error
    if isinstance(error, OSError):
        place = "" if error.filename is None else f"{os.fsdecode(error.filename)}: "
        return FileAccessError(f"{place}{error.strerror or error}")
    return KdrvgenError(
        f"kdrvgen itself failed ({type(error).__name__}: {error}). This is a bug in kdrvgen, not "
        "in your project. Please report it with your configuration and what the same command "
        "prints with -v."
    )
