"""Everything that kdrvgen prints: for people, for programs (JSON) and for GitHub's log.

Part of a run with nothing to change, so it imports at its top only what is there anyway.
"""

from __future__ import annotations

import io
import os
import sys

from kdrvgen.characters import as_json, defused, visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Sequence
    from typing import Any, TextIO

    from kdrvgen.commands.remark import Remark
    from kdrvgen.config.diagnostics import Diagnostic
    from kdrvgen.errors import ConfigError, KdrvgenError

__all__ = ["COMMON_FORMATS", "FORMATS", "Console"]

FORMATS = {
    "human": "for people (default)",
    "json": "one JSON document",
    "github": "annotations in GitHub's log",
    "sarif": "SARIF 2.1.0 for code scanning",
}
"""Forms that output can have, and what they are."""

COMMON_FORMATS = ("human", "json", "github")
"""Those that every command has."""

_PLANNED = {"created": "create", "updated": "update", "removed": "remove", "refused": "refuse"}
_SEVERITIES = {"error": "31;1", "warning": "33;1", "note": "36"}
_NOTICE = {"note": "notice"}  # as GitHub calls it
_COLORS = {"created": "32", "updated": "33", "removed": "31", "refused": "31;1"}
_DIFF_COLORS = {"+": "32", "-": "31", "@": "36"}
_WIDTH = len("unchanged")
_SUPPORT = ".kdrvgen/"  # some thirty files, which people see as one
_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A", ":": "%3A", ",": "%2C"})


class Console:
    """Where a command tells what it did. JSON comes out in one piece, by `finish`."""

    def __init__(
        self,
        form: str = "human",
        color: str = "auto",
        *,
        quiet: bool = False,
        verbose: bool = False,
    ) -> None:
        self.verbose = verbose
        self._form = form
        self._color = color
        self._quiet = quiet
        self._foreign: object = None
        self._document: dict[str, Any] = {"files": [], "warnings": [], "errors": []}
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")

    @classmethod
    def of(cls, arguments: argparse.Namespace) -> Console:
        """Return the console that the options common to all commands ask for."""
        return cls(
            arguments.format, arguments.color, quiet=arguments.quiet, verbose=arguments.verbose
        )

    def files(self, rows: Iterable[tuple[str, str, str]], *, planned: bool = False) -> None:
        """Tell what became of files.

        Args:
            rows: Status, path and reason (or "") of each.
            planned: Whether nothing was done yet.
        """
        rows = list(rows)
        for status, path, reason in rows:
            self._document["files"].append({"path": path, "status": status, "reason": reason})
        if self._quiet or self._form == "json":
            return
        for status, path, reason in rows if self.verbose else _summed(rows):
            word = f"{_PLANNED.get(status, status) if planned else status:{_WIDTH}}"
            word = self._paint(word, _COLORS.get(status, "2"), sys.stdout)
            shown = visible(f"{path} ({reason})" if reason else path)
            self._print(sys.stdout, f"{word}  {shown}\n")

    def diffs(self, diffs: Iterable[tuple[str, str]]) -> None:
        """Show the unified diff of each path; with JSON it joins the file that `files` told of."""
        told = {file["path"]: file for file in self._document["files"]}
        for path, diff in diffs:
            if path in told:
                told[path]["diff"] = diff
            if self._form == "json" or not diff:
                continue
            lines = (
                self._paint(_safe(line), _DIFF_COLORS.get(line[:1], ""), sys.stdout)
                for line in diff.split("\n")[:-1]
            )
            self._print_fenced("".join(f"{line}\n" for line in lines))

    def tell(self, name: str, value: object) -> None:
        """Tell programs something that people are told otherwise."""
        self._document[name] = value

    def remarks(self, rows: Iterable[Remark]) -> None:
        """Tell what was found in files, under the title of each group in the order of the rows."""
        told = self._document.setdefault("findings", [])
        last = ""
        for row in rows:
            told.append(
                {
                    "kind": row.kind,
                    "path": row.path,
                    "line": row.line,
                    "message": row.message,
                    "remedy": row.remedy,
                }
            )
            if self._form == "github":
                message = f"{row.message}\n{row.remedy}" if row.remedy else row.message
                self._annotate("warning" if row.counts else "notice", row.path, message, row.line)
            elif self._form == "human" and (row.counts or not self._quiet):
                if row.title != last:
                    self._print(sys.stdout, f"\n{self._paint(row.title, '1', sys.stdout)}\n")
                last = row.title
                place = visible(f"{row.path}:{row.line}" if row.line else row.path)
                self._print(sys.stdout, f"  {place}: {_safe(row.message)}\n")
                if row.remedy:
                    self._print(sys.stdout, f"      {_safe(row.remedy)}\n")

    def begun(self, folder: str, paths: Iterable[str], commands: Iterable[str]) -> None:
        """Tell of a new project's files, and what to run next."""
        paths = list(paths)
        self._document["folder"] = folder
        self._document["files"] += [
            {"path": path, "status": "created", "reason": ""} for path in paths
        ]
        if self._quiet or self._form == "json":
            return
        shown = dict.fromkeys(
            f"{above}{support}…" if support else above
            for above, support, _ in (path.partition(_SUPPORT) for path in paths)
        )
        lines = [f"{folder}{os.sep}", *(f"  {line}" for line in _tree(shown)), "", "Next:"]
        lines += [f"  {command}" for command in commands]
        self._print(sys.stdout, "".join(f"{visible(line)}\n" for line in lines))

    @property
    def is_interactive(self) -> bool:
        """Whether a person sits there who can be asked something."""
        human = self._form == "human" and not self._quiet
        return human and all(stream and stream.isatty() for stream in (sys.stdin, sys.stdout))

    def ask(self, question: str) -> str:
        """Return what is typed for an answer; an end of input is taken for Ctrl-C.

        The last line of the question stands in front of what is typed.
        """
        import contextlib  # noqa: PLC0415 - most commands ask nothing

        with contextlib.suppress(ImportError):
            import readline  # noqa: F401, PLC0415 - has `input` edit the line
        if isinstance(sys.stdin, io.TextIOWrapper):
            sys.stdin.reconfigure(errors="surrogateescape")  # the model says what is wrong with it
        above, newline, last = _safe(question).rpartition("\n")
        self._print(sys.stdout, above + newline)
        try:
            return input(defused(last))
        except (EOFError, KeyboardInterrupt):
            self._print(sys.stdout, "\n")
            raise KeyboardInterrupt from None

    def answer(self, name: str, data: object, text: str) -> None:
        """Tell what was asked for: programs get `data` as a member `name`, people the text."""
        self._document[name] = data
        if self._form != "json" and text:
            self._print_fenced(f"{_safe(text)}\n")

    def remark(self, text: str) -> None:
        """Tell people at once, on standard error, what is about to be done. Adds no line end."""
        self._print(sys.stderr, _safe(text))
        if sys.stderr is not None:
            sys.stderr.flush()

    def finding(
        self, severity: str, path: str, title: str, details: Iterable[tuple[str, str]]
    ) -> None:
        """Tell people of something that was found in a file, and what is to be said of it.

        Args:
            severity: `error`, `warning` or `note`.
            path: The file.
            title: One line.
            details: Further lines, each with the word in front of it.
        """
        if self._form == "github":
            message = f"{title}\n" + "\n".join(f"{word}: {text}" for word, text in details)
            self._annotate(_NOTICE.get(severity, severity), path, message)
        elif self._form == "human" and not (self._quiet and severity == "note"):
            word = self._paint(severity, _SEVERITIES[severity], sys.stdout)
            lines = "".join(f"  {name:>5}  {visible(text)}\n" for name, text in details)
            self._print(sys.stdout, f"{word}: {visible(title)}\n{lines}")

    def summary(self, name: str, data: object, text: str) -> None:
        """Tell what it all comes to: programs get `data` as a member `name`, people the text."""
        self._document[name] = data
        if self._form == "human" and not self._quiet:
            self._print(sys.stdout, f"{_safe(text)}\n")

    def replace(self, document: object) -> None:
        """Have `finish` print another document than this program's own, for `sarif`."""
        self._foreign = document

    def progress(self, text: str) -> None:
        """Show on a terminal what is being done; "" takes it away again."""
        if self._form == "human" and not self._quiet and sys.stderr and sys.stderr.isatty():
            self._print(sys.stderr, f"\r\x1b[K{visible(text)}")
            sys.stderr.flush()

    def warning(self, path: str, message: str) -> None:
        """Tell of something that ends no command but spoils its result."""
        self._document["warnings"].append({"path": path, "message": message})
        if self._form == "github":
            self._annotate("warning", path, message)
        elif self._form != "json":
            word = self._paint("warning:", "33;1", sys.stderr)
            self._print(sys.stderr, f"{word} {visible(path)}: {_safe(message)}\n")

    def diagnostics(self, found: Sequence[Diagnostic]) -> None:
        """Report what is wrong in files without ending the command: all of it as warnings."""
        if not found:
            return
        from dataclasses import replace  # noqa: PLC0415 - the no-op run finds nothing

        from kdrvgen.config.drawing import draw  # noqa: PLC0415 - likewise

        warnings = [replace(each, severity="warning") for each in found]
        if self._form == "json":
            import json  # noqa: PLC0415 - likewise

            drawn = json.loads(draw(found, layout="json"))
            self._document["warnings"] += drawn["diagnostics"]
        elif self._form == "github":
            self._write(sys.stdout, draw(warnings, layout="github"))
        else:
            self._write(sys.stderr, draw(warnings, color=self._is_colored(sys.stderr)))

    def blame(self, path: str, message: str) -> None:
        """Tell programs what is wrong with one file; people have read it in the list of files."""
        self._document["errors"].append({"path": path, "message": message})
        if self._form == "github":
            self._annotate("error", path, message)

    def failure(self, error: KdrvgenError) -> None:
        """Tell why the command failed."""
        from kdrvgen.errors import ConfigError  # noqa: PLC0415 - a failure is no no-op run

        if isinstance(error, ConfigError):
            self._invalid(error)
            return
        from kdrvgen.credentials import mask_words  # noqa: PLC0415 - likewise

        message = mask_words(str(error))  # it may repeat a word of the command line
        self._document["errors"].append({"path": None, "message": message})
        if self._form == "github":
            self._annotate("error", "", message)
        elif self._form != "json":
            word = self._paint("error:", "31;1", sys.stderr)
            self._print(sys.stderr, f"{word} {_safe(message)}\n")

    def detail(self, text: str) -> None:
        """Tell something that only `-v` asks for; it goes to standard error."""
        if self.verbose:
            self._print(sys.stderr, _safe(text.rstrip("\n")) + "\n")

    def finish(self, code: int) -> None:
        """Print what is still to be printed, given the exit code; comes last and once."""
        if self._form == "json":
            from kdrvgen import __version__  # noqa: PLC0415 - other formats do without

            document = {"kdrvgen": __version__, "exit-code": code, **self._document}
            self._write(sys.stdout, as_json(document))
        elif self._form == "sarif" and self._foreign is not None:
            self._write(sys.stdout, as_json(self._foreign))
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()

    def _invalid(self, error: ConfigError) -> None:
        from kdrvgen.config.drawing import draw  # noqa: PLC0415 - only an error is ever drawn

        if self._form == "json":
            import json  # noqa: PLC0415 - likewise

            drawn = draw(error.diagnostics, layout="json", omitted=error.omitted)
            document = json.loads(drawn)
            self._document["errors"] += document["diagnostics"]
            self._document["errors-omitted"] = document["omitted"]
        elif self._form == "github":
            drawn = draw(error.diagnostics, layout="github", omitted=error.omitted)
            self._write(sys.stdout, drawn)
        else:
            color = self._is_colored(sys.stderr)
            drawn = draw(error.diagnostics, color=color, omitted=error.omitted)
            self._write(sys.stderr, drawn)

    def _annotate(self, kind: str, path: str, message: str, line: int = 0) -> None:
        # docs.github.com/actions/reference/workflow-commands-for-github-actions
        place = f" file={visible(path).translate(_PROPERTY)}" if path else ""
        place += f",line={line}" if line else ""
        text = f"::{kind}{place}::{_safe(message).translate(_DATA)}\n"
        self._write(sys.stdout, text)

    def _print_fenced(self, text: str) -> None:
        """Print a file's text, as it is where GitHub can be told not to obey any of it."""
        if self._form != "github":
            self._print(sys.stdout, text)
            return
        import secrets  # noqa: PLC0415 - for GitHub only

        token = secrets.token_hex(16)
        self._write(sys.stdout, f"::stop-commands::{token}\n{text}::{token}::\n")

    def _paint(self, text: str, color: str, stream: TextIO | None) -> str:
        return f"\x1b[{color}m{text}\x1b[0m" if color and self._is_colored(stream) else text

    def _is_colored(self, stream: TextIO | None) -> bool:
        if self._color != "auto" or stream is None:
            return self._color == "always"
        # no-color.org: any value but the empty one.
        plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
        return not plain and stream.isatty()

    def _print(self, stream: TextIO | None, text: str) -> None:
        """Write text for people, in which a runner finds no commands to itself."""
        self._write(stream, defused(text))

    @staticmethod
    def _write(stream: TextIO | None, text: str) -> None:
        if stream is not None:  # a process may be started without
            stream.write(text)


def _summed(rows: Iterable[tuple[str, str, str]]) -> Iterable[tuple[str, str, str]]:
    """Yield the rows with one in place of all support files of which the same is said."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for status, path, reason in rows:
        above, folder, _ = path.partition(_SUPPORT)
        place = above + folder if folder and status != "refused" else path
        groups.setdefault((status, place, reason), []).append(path)
    for (status, place, reason), paths in groups.items():
        yield status, place if len(paths) > 1 else paths[0], reason


def _tree(paths: Iterable[str]) -> Iterable[str]:
    """Yield the lines of a tree of files, each folder above what is in it."""
    above: list[str] = []
    for path in sorted(paths, key=lambda path: path.split("/")):
        *folders, name = path.split("/")
        for depth, folder in enumerate(folders):
            if above[: depth + 1] != folders[: depth + 1]:
                yield f"{'  ' * depth}{folder}/"
        above = folders
        yield f"{'  ' * len(folders)}{name}"


def _safe(text: str) -> str:
    """Return lines of text so that they show what they hold and do nothing."""
    return visible(text, keep="\n\t")
