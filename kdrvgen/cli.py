"""The command line: choose the command, run it, and turn its result into an exit code."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from importlib import import_module

from kdrvgen.commands import DEFAULT, VERBS
from kdrvgen.commands.parser import Parser, parser_of, populate_parser
from kdrvgen.console import open_standard_streams, silence
from kdrvgen.errors import FileAccessError, KdrvgenError
from kdrvgen.report.reporter import FORMATS, Reporter

__all__ = ["main"]

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
        if reporter:
            reporter.progress("")
        return _INTERRUPTED
    except BrokenPipeError:
        silence()
        return _PIPE_CLOSED
    except Exception as error:  # noqa: BLE001 - the one place that turns exceptions into exit codes
        return _fail(reporter or _reporter(words), error, words)
    return code


def _understand(
    words: Sequence[str],
) -> tuple[Callable[[argparse.Namespace, Reporter], int], argparse.Namespace]:
    """Return the command that `words` name, and its parsed arguments.

    Raises:
        UsageError: They are not valid.
    """
    verb = words[0] if words and words[0] in VERBS else DEFAULT
    module = import_module(f"kdrvgen.commands.{verb}")
    parser = parser_of(verb)
    intermixed = getattr(module, "INTERMIXED", False)
    arguments = parser.parse(words if verb == DEFAULT else words[1:], intermixed=intermixed)
    return module.run, arguments


def _reporter(words: Sequence[str]) -> Reporter:
    """Return the reporter for the output options in `words`, although other words are not valid."""
    parser = Parser(add_help=False, allow_abbrev=False)
    populate_parser(parser, tuple(FORMATS))
    try:
        return Reporter.of(parser.parse_known_args(words)[0])
    except Exception:  # noqa: BLE001 - another error is reported
        return Reporter()


def _fail(reporter: Reporter, error: Exception, words: Sequence[str]) -> int:
    """Report `error` and return its class's exit code."""
    failure = _failure(error, words)
    if failure.exit_code == 1:
        reporter.detail("".join(traceback.format_exception(error)))
    try:
        reporter.findings(failure.findings, omitted=failure.omitted)
        reporter.finish(failure.exit_code)
    except OSError:  # the output is closed or full: nothing can be reported
        silence()
    return failure.exit_code


def _failure(error: Exception, words: Sequence[str]) -> KdrvgenError:
    """Return the error to report for an exception."""
    if isinstance(error, KdrvgenError):
        return error
    if isinstance(error, OSError):
        place = "" if error.filename is None else f"{os.fsdecode(error.filename)}: "
        return FileAccessError(f"{place}{error.strerror or error}")
    from kdrvgen import crash  # noqa: PLC0415 - needed only after a bug

    return crash.error_for(error, words)
