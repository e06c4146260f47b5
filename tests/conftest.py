"""What holds for all tests."""

from __future__ import annotations

import os
import signal
import sys
from collections import Counter
from types import FrameType

import pytest
from hypothesis import HealthCheck, settings

from tests.examples import examples

# How long one example takes depends on what else the machine does: that is measured, not asserted.
# How many examples a test skips depends on chance.
settings.register_profile(
    "kdrvgen",
    deadline=None,
    max_examples=examples(100),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
settings.load_profile("kdrvgen")

# It is for the output of pytest. Images for containers set it, and tests/program.py would have to
# start Python anew for each run of kdrvgen.
os.environ.pop("PYTHONUNBUFFERED", None)

# Images for containers set it to be small. Each process would compile kdrvgen and the tests again,
# which takes longer than many tests. A mutant can have the size and the second of the original.
if "KDRVGEN_MUTATION_TESTS" not in os.environ:
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False


def pytest_configure() -> None:
    """Handle the signals that end a program as a shell in the foreground would have it.

    nohup, and a shell without job control for a program in the background, start pytest with
    SIGINT ignored, and everything that pytest starts inherits that. SIGTERM ends the tests as
    Ctrl-C does, so that fixtures stop what they started.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if sys.platform != "win32" and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _end)


@pytest.hookimpl(tryfirst=True)  # before `-m` selects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark cases of tests as slow, so that the fast tests take less than a minute."""
    seen: Counter[str] = Counter()
    for item in items:
        mark = item.get_closest_marker("one_in")
        if mark and not item.get_closest_marker("slow"):
            name = item.nodeid.partition("[")[0]
            if seen[name] % mark.args[0]:
                item.add_marker(pytest.mark.slow)
            seen[name] += 1


def _end(number: int, frame: FrameType | None) -> None:
    del frame
    pytest.exit(f"ended by {signal.Signals(number).name}", 128 + number)
