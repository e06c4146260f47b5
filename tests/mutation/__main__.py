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
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from tests.mutation.candidates import add_arguments, candidates, row
from tests.mutation.explained import is_explained, stale
from tests.mutation.mutants import Mutant
from tests.mutation.sandbox import SandboxError, is_active, run_in_sandbox

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
    "inspection": (
        "tests/inspection",
        "tests/docs/test_rules_page.py",
        "tests/packaging/test_any_package.py",
        "tests/packaging/test_catalog.py",
    ),
    "lexicon": ("tests/cli/test_explain.py", "tests/completion/test_words.py"),
    "model": (
        "tests/model",
        "tests/agreement/test_unused_keys.py",
        "tests/api",
        "tests/cli/test_schema.py",
        "tests/config/test_golden.py",
        "tests/docs/test_reference.py",
        "tests/packaging/test_catalog.py",
        "tests/packaging/test_classes.py",
        "tests/rendering/test_golden.py",
    ),
    "output": (
        "tests/output",
        "tests/cli/test_generate.py",
        "tests/cli/test_nothing_to_do.py",
        "tests/cli/test_places.py",
        "tests/cli/test_changes_during_a_run.py",
    ),
    "rendering": (
        "tests/rendering",
        "tests/api/test_dumps.py",
        "tests/cli/test_why.py",
        "tests/output/test_versions.py",
    ),
    "report": ("tests/report", "tests/cli/test_projects.py", "tests/cli/test_progress.py"),
    "scaffold": ("tests/bootstrap", "tests/cli/test_ci.py"),
}
"""The tests of a room, the most important first; other rooms have a folder of their own name."""

_PRELOADED = ("jinja2", "pydantic", "tomli", "tomli_w")


_BAD = {"survived", "untested", "explained but killed", "explained but timeout"}
"""What must not become of a mutant."""


class _Copy:
    """A copy of the checkout, which disappears in the end, and what is known of its tests."""

    def __init__(
        self, folder: Path, tests: Sequence[str], budget: float, *, has_slow: bool
    ) -> None:
        self.folder = folder
        self._marked = "slow or not slow" if has_slow else "not slow"
        self._budget = budget
        self._paths = tests
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
        """Run all tests once, without a mutant."""
        file = self.folder.with_name(f"{self.folder.name}.map")
        self._run(self._paths, {"KDRVGEN_MUTATION_MAP": str(file)}, None)
        self._map = json.loads(file.read_text("utf-8"))
        failed = [test for test, facts in self._map["tests"].items() if facts["failed"]]
        if failed:
            _print(f"not used, because they fail without a mutant: {', '.join(failed)}")

    def tests(self, file: str, mutant: Mutant) -> list[str]:
        """Return the tests that may notice a mutant, the quickest first.

        Those are the tests that run one of its lines. For lines that run when the module is
        imported, which only the first test does, it is all that run anything of the module, or if
        there are none, of the room.
        Tests that start a fresh Python cannot be seen to run a line, and always count.
        """
        lines = self._map["lines"].get(file, {})
        chosen: set[str] = set()
        for line in range(mutant.line, mutant.last + 1):
            chosen.update(lines.get(str(line), ()))
        if not chosen or not mutant.function:
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
            _be_pytest(self.folder, paths, variables, self._marked)
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


def _be_pytest(folder: Path, paths: Sequence[str], variables: dict[str, str], marked: str) -> None:
    code = 1
    try:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.chdir(folder)
        # A PYTHONPATH of the caller would lead to the checkout, which is not changed.
        os.environ.update(variables, PYTHONPATH=str(folder))
        sys.dont_write_bytecode = "PYTHONDONTWRITEBYTECODE" in variables
        for name in [name for name in sys.modules if name.split(".")[0] in {"kdrvgen", "tests"}]:
            del sys.modules[name]
        sys.path[:] = [str(folder), *(path for path in sys.path if path not in {"", str(_ROOT)})]
        stop = ["--exitfirst"] if sys.dont_write_bytecode else []
        words = ["-m", marked, "-q", "-p", "no:cacheprovider", "--hypothesis-seed=0"]
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


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _end(number: int, frame: FrameType | None) -> None:
    del frame
    sys.exit(128 + number)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    add_arguments(parser)
    parser.add_argument("--tests", nargs="+", metavar="PATH", help="instead of the room's tests")
    parser.add_argument("--slow", action="store_true", help="also the slow tests of these")
    parser.add_argument("--budget", type=float, default=20, help="seconds of tests for one mutant")
    parser.add_argument("--limit", type=float, default=60, help="seconds until one is killed")
    parser.add_argument("--unguarded", action="store_true", help="without a sandbox, not as root")
    parser.add_argument("-v", "--verbose", action="store_true", help="print every mutant")
    return parser


def main() -> int:
    """Return 1 if a mutant survives without an explanation, and 0 if none does."""
    parser = _parser()
    words = parser.parse_args()
    signal.signal(signal.SIGTERM, _end)  # so that the copy is removed
    if words.unguarded and os.geteuid() == 0:
        parser.error("as root a mutant can damage the machine: --unguarded is for other users")
    try:
        if not words.unguarded and not is_active():
            return run_in_sandbox([sys.executable, "-m", "tests.mutation", *sys.argv[1:]])
    except SandboxError as error:
        hint = "As an ordinary user whose files you can lose, you can also use --unguarded."
        parser.error(f"cannot start the sandbox: {error} {hint}")
    if messages := [*stale()]:
        parser.error("\n".join(messages))
    return _test([*candidates(words)], words)


def _test(mutants: Sequence[tuple[str, Mutant]], words: argparse.Namespace) -> int:
    """Test the mutants of one room after the other; return the exit code."""
    for name in _PRELOADED:
        importlib.import_module(name)
    rooms: dict[str, list[tuple[str, Mutant]]] = {}
    for file, mutant in mutants:
        rooms.setdefault(file.split("/")[1], []).append((file, mutant))
    bad = False
    for room, of_room in rooms.items():
        outcomes: Counter[str] = Counter()
        with tempfile.TemporaryDirectory(prefix="kdrvgen-mutation-") as folder:
            tests = words.tests or _TESTS.get(room, (f"tests/{room}",))
            Path(folder).chmod(0o711)  # tests that become another user read the copy
            tree = _Copy(Path(folder, "tree"), tests, words.budget, has_slow=words.slow)
            tree.measure()
            for file, mutant in of_room:
                outcome = _explained(file, mutant, tree.outcome(file, mutant, words.limit))
                outcomes[outcome] += 1
                bad |= outcome in _BAD
                if words.verbose or outcome in _BAD:
                    _print(row(file, mutant, outcome))
        counts = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
        _print(f"{room}: {len(of_room)} mutants: {counts}")
    return int(bad)


def _explained(file: str, mutant: Mutant, outcome: str) -> str:
    """Return the outcome, with regard to explained.toml."""
    if not is_explained(file, mutant):
        return outcome
    return "explained" if outcome in {"survived", "untested"} else f"explained but {outcome}"


if __name__ == "__main__":
    sys.exit(main())
