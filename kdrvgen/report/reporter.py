"""Print what a command reports, in the format that the user chose."""

from __future__ import annotations

import argparse
import contextlib
import os
import secrets
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from kdrvgen import __version__
from kdrvgen.characters import as_json, visible
from kdrvgen.console import Console
from kdrvgen.report.files import summed_folder
from kdrvgen.report.finding import Finding, Rule
from kdrvgen.report.github import annotate
from kdrvgen.report.groups import Groups
from kdrvgen.report.human import draw
from kdrvgen.report.json import as_data
from kdrvgen.report.listing import file_lines, tree_lines
from kdrvgen.report.sarif import log

__all__ = ["COMMON_FORMATS", "FORMATS", "Reporter"]

FORMATS = {
    "human": "readable text (default)",
    "json": "one JSON document",
    "github": "annotations for GitHub Actions",
    "sarif": "SARIF 2.1.0 for code scanning",
}
"""The formats, with their descriptions."""

COMMON_FORMATS = ("human", "json", "github")
"""The formats that every command has."""

_DIFF_COLORS = {"+": "32", "-": "31", "@": "36"}
_LOUD = frozenset({"error", "warning"})  # what -q still prints
_SUMMARIES = frozenset({"verification"})  # of findings that are reported already
_UP_TO_DATE = frozenset({"unchanged", "kept", "ejected"})


class Reporter:
    """Reports what a command did and found. `finish` prints JSON and SARIF as one document."""

    def __init__(
        self,
        console: Console | None = None,
        form: str = "human",
        *,
        quiet: bool = False,
        verbose: bool = False,
    ) -> None:
        self.verbose = verbose
        self.quiet = quiet
        self._console = console or Console()
        self._form = form
        self._rules: Sequence[Rule] = ()
        self._answer: list[Finding] = []
        self._failures: list[Finding] = []
        self._groups: Groups | None = None
        self._rows: dict[str, dict[str, str]] = {}
        self._document: dict[str, Any] = {"files": [], "findings": [], "omitted": 0}

    @classmethod
    def of(cls, arguments: argparse.Namespace) -> Reporter:
        """Return the reporter for the options that all commands have in common."""
        console = Console(arguments.color)
        return cls(console, arguments.format, quiet=arguments.quiet, verbose=arguments.verbose)

    def files(
        self,
        rows: Iterable[tuple[str, str, str]],
        *,
        planned: bool = False,
        instead: Sequence[tuple[str, str, str]] | None = None,
    ) -> None:
        """Report the changes of files.

        Args:
            rows: Status, path and reason (or "") of each.
            planned: Whether the changes are only planned.
            instead: The rows that people get, also with `-q`; None for all.
        """
        rows = list(rows)
        if self._form == "json":
            self._rows = {
                path: {"path": path, "status": status, "reason": reason}
                for status, path, reason in rows
            }
            self._document["files"] += self._rows.values()
        if self._form == "json" or (self.quiet and instead is None):
            return
        if instead is not None:
            rows = [*instead]
        elif self._groups is not None and not self.verbose:
            rows = [row for row in rows if row[0] not in _UP_TO_DATE]
        for line in file_lines(rows, whole=self.verbose, planned=planned, paint=self._paint_out):
            self._console.print(self._console.out, f"{line}\n")

    def diffs(
        self,
        diffs: Iterable[tuple[str, str]],
        *,
        is_shown: bool = True,
        is_sample: bool = False,
        hidden: Collection[str] = (),
    ) -> None:
        """Report the unified diff of each path; in JSON, as a member of the last `files`.

        Args:
            diffs: Each path with its diff.
            is_shown: Whether people get the diffs too, and not only programs.
            is_sample: Whether those of the first projects are enough for people.
            hidden: Paths whose diffs people do not get.
        """
        if self._form != "json":
            shown = diffs if is_shown else ()
            diffs = [(path, diff) for path, diff in shown if diff and path not in hidden]
            if is_sample and diffs and self._groups is not None and not self._groups.takes_diff():
                return
        for path, diff in diffs:
            if path in self._rows:
                self._rows[path]["diff"] = diff
            if self._form == "json":
                continue
            lines = (
                self._console.paint(_safe(line), _DIFF_COLORS.get(line[:1], ""), self._console.out)
                for line in diff.split("\n")[:-1]
            )
            self._print_fenced("".join(f"{line}\n" for line in lines))

    def begun(self, folder: str, paths: Iterable[str], commands: Iterable[str]) -> None:
        """Report the files of a new project, and the commands to run next."""
        paths = list(paths)
        self._document["folder"] = folder
        self._document["files"] += [
            {"path": path, "status": "created", "reason": ""} for path in paths
        ]
        if self.quiet or self._form == "json":
            return
        shown = dict.fromkeys(
            f"{folder}…" if folder else path
            for path, folder in ((path, summed_folder(path)) for path in paths)
        )
        lines = [f"{folder}{os.sep}", *(f"  {line}" for line in tree_lines(shown)), "", "Next:"]
        lines += [f"  {command}" for command in commands]
        self._console.print(self._console.out, "".join(f"{visible(line)}\n" for line in lines))

    def findings(self, findings: Sequence[Finding], *, omitted: int = 0) -> None:
        """Report problems beside the command's result: on standard error in the human format.

        Args:
            findings: The findings, in their order.
            omitted: The number of errors that are left out.
        """
        if self._groups is not None and self._form == "human":
            self._groups.add(findings, omitted)
            return
        self.collect(findings, omitted=omitted)
        self._failures += (each for each in findings if each.rule not in _SUMMARIES)
        if findings and self._form in {"human", "sarif"}:
            stream = self._console.err
            color = self._console.is_colored(stream)
            self._console.write(stream, draw(findings, color=color, omitted=omitted))

    def answer_findings(self, findings: Sequence[Finding], title: str = "") -> None:
        """Report findings that are the command's result: on standard output in the human format.

        Args:
            findings: The findings, in their order; `-q` leaves out notes.
            title: A line above them in the human format.
        """
        self._answer += findings
        self.collect(findings)
        shown = [each for each in findings if not self.quiet or each.severity in _LOUD]
        if shown and self._form == "human":
            stream = self._console.out
            text = draw(shown, color=self._console.is_colored(stream), has_count=False)
            if title:  # an empty line separates the groups
                text = f"\n{self._console.paint(title, '1', stream)}\n{text.removesuffix(chr(10))}"
            self._console.print(stream, text)

    def collect(self, findings: Sequence[Finding], *, omitted: int = 0) -> None:
        """Report findings in all formats but the human one, which shows them in another form."""
        if findings and self._form == "json":
            self._document["findings"] += [as_data(each) for each in findings]
            self._document["omitted"] += omitted
        elif findings and self._form == "github":
            if self._groups is not None:
                self._groups.add(findings, omitted)
                return
            self._console.write(self._console.out, annotate(findings, omitted))

    @property
    def is_grouping(self) -> bool:
        """Whether the report is about several projects, in the block of `grouping`."""
        return self._groups is not None

    @contextlib.contextmanager
    def grouping(self) -> Iterator[None]:
        """Report what several projects have in common once, at the end of the block.

        JSON has each finding all the same. Without `-v`, files that are up to date are not listed.
        """
        groups = self._groups = Groups(is_complete=self.verbose)
        try:
            yield
        finally:
            self._groups = None
            found = groups.findings
            if self._form == "github":
                self._console.write(self._console.out, annotate(found))
            elif found and self._form == "human":
                stream = self._console.err
                color = self._console.is_colored(stream)
                text = draw(found, color=color, has_count=False)
                self._console.write(stream, f"{text}{groups.total}\n")

    def data(self, name: str, value: object) -> None:
        """Add a member `name` to the JSON document."""
        self._document[name] = value

    def answer(self, name: str, value: object, text: str) -> None:
        """Report the result: as the member `name` in JSON, as `text` in the human format."""
        self._document[name] = value
        if self._form != "json" and text:
            self._print_fenced(f"{_safe(text)}\n")

    def summary(self, name: str, value: object, text: str) -> None:
        """Report a summary: as the member `name` in JSON, as `text` in the human format."""
        self._document[name] = value
        if self._form == "human" and not self.quiet:
            self._console.print(self._console.out, f"{_safe(text)}\n")

    def hint(self, text: str) -> None:
        """Print how to see more, for people only."""
        if self._form == "human" and not self.quiet:
            self._console.print(self._console.out, f"{_safe(text)}\n")

    def offer_sarif(self, rules: Sequence[Rule]) -> None:
        """Make `--format sarif` print a log of these rules and the findings of the result."""
        self._rules = rules

    def say(self, text: str) -> None:
        """Print a message at once on standard error in the human format, without a line end."""
        self._console.print(self._console.err, _safe(text))
        self._console.flush()

    def progress(self, text: str) -> None:
        """Show the current activity in one line on a terminal; "" erases it.

        The next output erases it too. Without a terminal, and in logs of CI, nothing is shown.
        """
        if self._form == "human" and not self.quiet:
            self._console.progress(visible(text))

    def detail(self, text: str) -> None:
        """Print details on standard error, only with `-v`."""
        if self.verbose:
            self._console.print(self._console.err, _safe(text.rstrip("\n")) + "\n")

    @property
    def is_interactive(self) -> bool:
        """Whether a user at a terminal can answer questions."""
        return self._form == "human" and not self.quiet and self._console.is_terminal

    def ask(self, question: str) -> str:
        """Return the line that the user types as answer; end of input counts as Ctrl-C.

        The last line of the question is the prompt.
        """
        above, newline, last = _safe(question).rpartition("\n")
        self._console.print(self._console.out, above + newline)
        return self._console.read_line(last)

    def finish(self, code: int) -> None:
        """Print the rest of the output, with the exit code. Call it last and once."""
        if self._form == "json":
            document = {"kdrvgen": __version__, "exit-code": code, **self._document}
            self._console.write(self._console.out, as_json(document))
        elif self._form == "sarif":
            found = [*self._answer, *self._failures]
            document = log(found, self._rules, is_complete=not self._failures)
            self._console.write(self._console.out, as_json(document))
        self._console.progress("")
        self._console.flush()

    def _paint_out(self, text: str, style: str) -> str:
        return self._console.paint(text, style, self._console.out)

    def _print_fenced(self, text: str) -> None:
        """Print a file's text so that GitHub finds no command in it."""
        if self._form != "github":
            self._console.print(self._console.out, text)
            return

        token = secrets.token_hex(16)
        self._console.write(self._console.out, f"::stop-commands::{token}\n{text}::{token}::\n")


def _safe(text: str) -> str:
    """Return text with invisible characters and CI commands escaped."""
    return visible(text, keep="\n\t")
