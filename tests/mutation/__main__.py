"""Change the source in many small ways, and print the changes that no fast test notices.

    python -m tests.mutation --room output

The changes are made in a copy of the checkout. POSIX only: each mutant is tested in a fork.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import pytest

from tests.mutation.mutants import Mutant, mutants

_ROOT = Path(__file__).parents[2]
_TESTS = {
    "agreement": ("tests/agreement", "tests/cli/test_generate.py"),
    "commands": ("tests/cli", "tests/api"),
    "config": (
        "tests/config",
        "tests/api",
        "tests/cli/test_errors.py",
        "tests/cli/test_credentials.py",
    ),
    "lexicon": ("tests/cli/test_explain.py", "tests/completion/test_words.py"),
    "model": ("tests/model", "tests/api", "tests/config/test_golden.py"),
    "output": (
        "tests/output",
        "tests/cli/test_generate.py",
        "tests/cli/test_nothing_to_do.py",
        "tests/cli/test_places.py",
        "tests/cli/test_changes_during_a_run.py",
    ),
    "rendering": ("tests/rendering", "tests/cli/test_why.py", "tests/output/test_versions.py"),
    "scaffold": ("tests/bootstrap",),
}
"""The tests of a room, the most important first; other rooms have a folder of their own name."""

_PRELOADED = ("jinja2", "pydantic", "tomli", "tomli_w")


class _Result(NamedTuple):
    mutant: Mutant
    file: str
    outcome: str
    """What became of it: killed, timeout, survived, or untested."""


class _Copy:
    """A copy of the checkout, which disappears in the end, and what is known of its tests."""

    def __init__(self, folder: Path, room: str, budget: float) -> None:
        self.folder = folder
        self._budget = budget
        self._room = room
        self._map: dict[str, Any] = {}
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
            cwd=_ROOT,
            check=True,
            capture_output=True,
            text=True,
        )
        for name in filter(None, listed.stdout.split("\0")):
            if (_ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(_ROOT / name, folder / name)

    def measure(self) -> None:
        """Run the room's tests once, without a mutant."""
        file = self.folder.with_name(f"{self.folder.name}.map")
        paths = _TESTS.get(self._room, (f"tests/{self._room}",))
        self._run(paths, {"KDRVGEN_MUTATION_MAP": str(file)}, None)
        self._map = json.loads(file.read_text("utf-8"))
        failed = [test for test, facts in self._map["tests"].items() if facts["failed"]]
        if failed:
            _print(f"not used, because they fail without a mutant: {', '.join(failed)}")

    def tests(self, file: str, mutant: Mutant) -> list[str]:
        """Return the tests that may notice a mutant, the quickest first.

        Those are the tests that run one of its lines. For lines that run when the module is
        imported, it is all that run anything of the module, or if there are none, of the room.
        Tests that start a fresh Python cannot be seen to run a line, and always count.
        """
        lines = self._map["lines"].get(file, {})
        chosen: set[str] = set()
        for line in range(mutant.line, mutant.last + 1):
            chosen.update(lines.get(str(line), ()))
        if not chosen:
            chosen.update(test for tests in lines.values() for test in tests)
        facts = self._map["tests"]
        known = {test for test in chosen if test in facts} or set(facts)
        known |= {test for test in facts if facts[test]["starts_python"]}
        order = sorted(known, key=lambda test: float(facts[test]["seconds"]))
        left, result = self._budget, []
        for test in order:
            left -= facts[test]["seconds"]
            if left > 0 and not facts[test]["failed"]:
                result.append(test)
        return result

    def outcome(self, file: str, mutant: Mutant, limit: float) -> str:
        """Return what becomes of a mutant."""
        try:
            compile(mutant.source, file, "exec")
        except SyntaxError:
            return "killed"
        tests = self.tests(file, mutant)
        if not tests:
            return "untested"
        chosen = self.folder.with_name(f"{self.folder.name}.tests")
        chosen.write_text("\n".join(tests), "utf-8")
        path = self.folder / file
        before = path.read_bytes()
        for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*"):
            compiled.unlink()  # it may have the same size and second as the mutant
        path.write_text(mutant.source, "utf-8")
        try:
            files = [*dict.fromkeys(test.partition("::")[0] for test in tests)]
            variables = {"KDRVGEN_MUTATION_TESTS": str(chosen), "PYTHONDONTWRITEBYTECODE": "1"}
            code = self._run(files, variables, limit)
        finally:
            path.write_bytes(before)
        return {None: "timeout", 0: "survived", 5: "untested"}.get(code, "killed")

    def _run(
        self, paths: Sequence[str], variables: dict[str, str], limit: float | None
    ) -> int | None:
        """Run pytest in a fork; return its exit code, or None if it takes longer than `limit`."""
        child = os.fork()
        if not child:
            _be_pytest(self.folder, paths, variables)
        end = time.monotonic() + limit if limit else None
        pid = status = 0
        try:
            while not pid and not (end and time.monotonic() > end):
                time.sleep(0.02)
                pid, status = os.waitpid(child, os.WNOHANG)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)  # also what the tests have left running
            if not pid:
                os.waitpid(child, 0)
        return os.waitstatus_to_exitcode(status) if pid else None


def _be_pytest(folder: Path, paths: Sequence[str], variables: dict[str, str]) -> None:
    code = 1
    try:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.chdir(folder)
        os.environ.update(variables)
        sys.dont_write_bytecode = "PYTHONDONTWRITEBYTECODE" in variables
        for name in [name for name in sys.modules if name.split(".")[0] in {"kdrvgen", "tests"}]:
            del sys.modules[name]
        sys.path[:] = [str(folder), *(path for path in sys.path if path not in {"", str(_ROOT)})]
        stop = ["--exitfirst"] if sys.dont_write_bytecode else []
        words = ["-m", "not slow", "-q", "-p", "no:cacheprovider", "--hypothesis-seed=0"]
        words += ["-p", "tests.mutation.selection", *stop, *paths]
        with (
            Path(os.devnull).open("w") as nothing,
            contextlib.redirect_stdout(nothing if stop else sys.stdout),
        ):
            code = int(pytest.main(words))
    except BaseException:  # noqa: BLE001 - nothing may get back into the loop over the mutants
        traceback.print_exc()
    sys.stdout.flush()
    os._exit(code)


def _changed_since(reference: str) -> set[tuple[str, int]]:
    """Return file and number of the lines that differ from a Git revision."""
    done = subprocess.run(
        ["git", "diff", "--unified=0", "--no-color", reference, "--", "kdrvgen"],
        cwd=_ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    found, file = set(), ""
    for line in done.stdout.splitlines():
        if line.startswith("+++ "):
            file = line.removeprefix("+++ b/")
        elif match := re.match(r"@@ \S+ \+(\d+)(?:,(\d+))? @@", line):
            start, count = int(match[1]), int(match[2] or 1)
            found |= {(file, number) for number in range(start, start + count)}
    return found


def _candidates(words: argparse.Namespace) -> Iterator[tuple[str, Mutant]]:
    """Yield the mutants that the command line asks for."""
    lines = {(file, int(line)) for file, _, line in (at.rpartition(":") for at in words.at)}
    if words.changed_since:
        lines |= _changed_since(words.changed_since)
    restricted = bool(words.at or words.changed_since)
    for path in sorted((_ROOT / "kdrvgen").rglob("*.py")):
        file = path.relative_to(_ROOT).as_posix()
        in_room = not words.room or file.split("/")[1] in words.room
        if not in_room or "templates" in path.parts or "tree" in path.parts:
            continue
        for mutant in mutants(path.read_text("utf-8")):
            changed = {(file, line) for line in range(mutant.line, mutant.last + 1)}
            if not restricted or changed & lines:
                yield file, mutant


def _row(result: _Result) -> str:
    mutant, file, outcome = result
    return f"{file}:{mutant.line}  {outcome}  {mutant.function or '(module)'}  {mutant.change}"


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _end(number: int, frame: FrameType | None) -> None:
    del frame
    sys.exit(128 + number)


def main() -> int:
    """Return 1 if a mutant survives, and 0 if none does."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("--room", action="append", help="a folder of kdrvgen; may be repeated")
    parser.add_argument("--changed-since", metavar="REF", help="only lines that differ from REF")
    parser.add_argument("--at", action="append", default=[], metavar="FILE:LINE")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="one of N mutants")
    parser.add_argument("--seed", type=int, default=0, help="which of the N; 0 is the first")
    parser.add_argument("--budget", type=float, default=20, help="seconds of tests for one mutant")
    parser.add_argument("--limit", type=float, default=60, help="seconds until one is killed")
    parser.add_argument("--as-root", action="store_true", help="mutants may write anywhere")
    parser.add_argument("-v", "--verbose", action="store_true", help="print every mutant")
    words = parser.parse_args()
    if os.geteuid() == 0 and not words.as_root:
        parser.error(
            "a mutant can write where kdrvgen refuses to, such as to /dev. Run this as an ordinary "
            "user, or in a container that you can throw away with --as-root."
        )
    signal.signal(signal.SIGTERM, _end)  # so that the copy is removed
    for name in _PRELOADED:
        importlib.import_module(name)
    rooms: dict[str, list[tuple[str, Mutant]]] = {}
    for file, mutant in [*_candidates(words)][words.seed % words.every :: words.every]:
        rooms.setdefault(file.split("/")[1], []).append((file, mutant))
    results: list[_Result] = []
    for room, candidates in rooms.items():
        with tempfile.TemporaryDirectory(prefix="kdrvgen-mutation-") as folder:
            tree = _Copy(Path(folder, "tree"), room, words.budget)
            tree.measure()
            for file, mutant in candidates:
                outcome = tree.outcome(file, mutant, words.limit)
                results.append(_Result(mutant, file, outcome))
                if words.verbose or outcome in {"survived", "untested"}:
                    _print(_row(results[-1]))
            mine = [each.outcome for each in results if each.file.split("/")[1] == room]
            counts = {outcome: mine.count(outcome) for outcome in sorted({*mine})}
            _print(f"{room}: {len(mine)} mutants, {counts}")
    survivors = [each for each in results if each.outcome in {"survived", "untested"}]
    return bool(survivors)


if __name__ == "__main__":
    sys.exit(main())
