"""A pytest plugin: which tests run which lines, and a run of chosen tests only.

Loaded with `-p tests.mutation.selection`. Environment variables say what it does:
`KDRVGEN_MUTATION_MAP` names the file that the map is written to, and `KDRVGEN_MUTATION_TESTS` one
with the tests to run, in their order.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import pytest

from tests import fork_server, program

__all__: list[str] = []

_MAP = os.environ.get("KDRVGEN_MUTATION_MAP")
_TESTS = os.environ.get("KDRVGEN_MUTATION_TESTS")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the chosen tests, in the order in which they are named."""
    if _TESTS:
        order = {
            test: number for number, test in enumerate(Path(_TESTS).read_text("utf-8").splitlines())
        }
        chosen = [item for item in items if _name(item) in order]
        config.hook.pytest_deselected(items=[item for item in items if _name(item) not in order])
        items[:] = sorted(chosen, key=lambda item: order[_name(item)])


def pytest_configure(config: pytest.Config) -> None:
    """Measure, if a map is wanted. Fork pytest itself for kdrvgen, without starting a server."""
    if _MAP:
        config.pluginmanager.register(_Measurement(Path(_MAP)))
    else:
        pytest.MonkeyPatch().setattr(program, "_run_forked", _Forks().run)


def _name(item: pytest.Item) -> str:
    return item.nodeid.encode("unicode_escape").decode("ascii")


class _Forks:
    """Runs kdrvgen in forks of pytest, as tests/program.py does in forks of a server."""

    def run(
        self,
        words: Sequence[str],
        cwd: Path,
        env: Mapping[str, str],
        streams: tuple[program.Stream, program.Stream, program.Stream],
    ) -> int:
        """Return the exit code."""
        with Path(os.devnull).open("rb") as nothing:
            files = [nothing if each == subprocess.DEVNULL else each for each in streams]
            numbers = [os.dup(each if isinstance(each, int) else each.fileno()) for each in files]
        child = os.fork()
        if not child:
            self.prepare()
            sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
            request = {"words": words, "cwd": str(cwd), "env": dict(env)}
            fork_server._run(request, numbers)  # noqa: SLF001 - the same as in the tests' own fork
        for number in numbers:
            os.close(number)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    def prepare(self) -> None:
        """Prepare the new process."""


class _Measurement(_Forks):
    """Notes the lines that each test runs, also in the forks that tests/program.py starts."""

    def __init__(self, file: Path) -> None:
        # Only this needs coverage.py, and a run of chosen tests does without it.
        import coverage  # noqa: PLC0415 - see above

        self._file = file
        self._coverage = coverage.Coverage(
            data_file=str(file.with_suffix(".coverage")),
            data_suffix=True,
            config_file=False,
            source=["kdrvgen"],
        )
        self._tests: dict[str, dict[str, Any]] = {}
        self._now = ""
        self._coverage.start()
        patches = pytest.MonkeyPatch()  # for as long as pytest runs
        patches.setattr(program, "_run_forked", self.run)
        start: Callable[..., None] = subprocess.Popen.__init__

        def noted(process: object, args: Any, *rest: object, **options: object) -> None:  # noqa: ANN401 - Popen's
            first = args if isinstance(args, str | Path) else next(iter(args))
            if self._now and str(first) == sys.executable:
                self._tests[self._now]["starts_python"] = True
            start(process, args, *rest, **options)

        patches.setattr(subprocess.Popen, "__init__", noted)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Give what a test runs the test's name."""
        self._now = _name(item)
        self._tests[self._now] = {"seconds": 0.0, "failed": False, "starts_python": False}
        self._coverage.switch_context(self._now)
        result = yield
        self._coverage.switch_context("")
        self._now = ""
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note how long a test takes, and whether it fails without a mutant."""
        test = self._tests[report.nodeid.encode("unicode_escape").decode("ascii")]
        test["seconds"] += report.duration
        test["failed"] |= report.failed

    def pytest_sessionfinish(self) -> None:
        """Write the map."""
        self._coverage.stop()
        self._coverage.save()
        self._coverage.combine(keep=False)
        data = self._coverage.get_data()
        lines = {
            os.path.relpath(file): {
                line: [test for test in tests if test]
                for line, tests in data.contexts_by_lineno(file).items()
            }
            for file in data.measured_files()
        }
        self._file.write_text(json.dumps({"tests": self._tests, "lines": lines}), "utf-8")

    def prepare(self) -> None:
        """Have the new process save the lines that it runs."""
        end = os._exit

        def save_and_end(code: int) -> NoReturn:
            self._coverage.stop()
            self._coverage.save()
            end(code)

        pytest.MonkeyPatch().setattr(os, "_exit", save_and_end)
