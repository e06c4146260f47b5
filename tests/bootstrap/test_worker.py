"""The template `worker`: a thread that works by a timer and by settings, and ends at unload."""

from __future__ import annotations

import re
import time

import pytest

from tests.bootstrap.conftest import TRIPLES, PreparedProject
from tests.bootstrap.kernel import Kernel
from tests.pipeline.image import NATIVE, Image
from tests.pipeline.support import Project

pytestmark = pytest.mark.slow

PARAMETERS = r"HKLM\SYSTEM\CurrentControlSet\Services\hello\Parameters"
_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


@pytest.fixture(scope="module")
def project(prepared: PreparedProject) -> Project:
    """A project that is signed for all targets."""

    def build(project: Project) -> None:
        project.make("sign-all")
        project.make("--profile", "production", "-e", "DRIVER_TIMESTAMP_URL=", "sign")

    return prepared("worker", "bootstrap.edition=2024", build=build)


def lines_of(kernel: Kernel, seconds: float) -> list[str]:
    """Load the driver for a time, and return what it logged."""
    before = len(kernel.lines())
    kernel.sc("start", "hello")
    assert kernel.state("hello") == "RUNNING", "\n".join(kernel.lines()[before:])
    time.sleep(seconds)
    kernel.sc("stop", "hello")
    assert kernel.state("hello") == "STOPPED"
    return [line.removeprefix("hello: ") for line in kernel.lines()[before:]]


def test_it_is_signed_for_all_targets_and_exports_only_its_entry_point(project: Project) -> None:
    for triple in TRIPLES:
        path = project.output(target=triple)
        image = Image.read(path)
        assert image.subsystem == NATIVE
        assert list(image.exports()) == ["driver_entry"]
        assert project.verifies(path)


@pytest.mark.parametrize("profile", ["development", "production"])
def test_its_thread_works_until_the_driver_is_unloaded(
    project: Project, kernel: Kernel, profile: str
) -> None:
    kernel.run("reg", "delete", PARAMETERS, "/f")
    kernel.install(project.output(profile=profile), "hello")

    lines = lines_of(kernel, 2.5)

    assert lines[0] == "starting; every 1000 ms: working"
    # The thread starts while `start` returns; each round has the next number.
    assert lines[1] == "thread: started"
    rounds = [line for line in lines if line.startswith("round ")]
    assert len(rounds) >= 2
    for number, line in enumerate(rounds, 1):
        assert re.fullmatch(rf"round {number} at {_TIME}: working", line)
    (stopped,) = (line for line in lines if line.startswith("thread: stopped"))
    assert re.fullmatch(rf"thread: stopped after {len(rounds)} rounds in \d+ s", stopped)
    assert lines[-2:] == [stopped, "unloaded"]


def test_settings_from_the_registry_change_its_work_at_the_next_start(
    project: Project, kernel: Kernel
) -> None:
    kernel.install(project.sys, "hello")
    interval = ("IntervalMilliseconds", "/t", "REG_DWORD", "/d", "120")
    for words in (interval, ("Message", "/t", "REG_SZ", "/d", "Grüße %s")):
        done = kernel.run("reg", "add", PARAMETERS, "/v", *words, "/f")
        assert done.returncode == 0, done.stdout

    lines = lines_of(kernel, 1.5)

    assert lines[0] == "starting; every 120 ms: Grüße %s"
    rounds = [line for line in lines if line.startswith("round ")]
    assert len(rounds) >= 5
    assert rounds[0].endswith(": Grüße %s")


@pytest.mark.parametrize(
    ("interval", "message", "expected"),
    [
        (
            ("REG_SZ", "fast"),
            ("REG_DWORD", "1"),
            {
                "IntervalMilliseconds: STATUS_BUFFER_OVERFLOW (0x80000005)",
                "Message: STATUS_OBJECT_TYPE_MISMATCH (0xC0000024)",
                "starting; every 1000 ms: working",
            },
        ),
        (
            ("REG_DWORD", "0"),
            ("REG_SZ", "x" * 129),
            {
                "Message: STATUS_BUFFER_OVERFLOW (0x80000005)",
                "starting; every 100 ms: working",
            },
        ),
        (
            ("REG_BINARY", "ff"),
            ("REG_SZ", "x" * 128),
            {
                "IntervalMilliseconds: STATUS_OBJECT_TYPE_MISMATCH (0xC0000024)",
                f"starting; every 1000 ms: {'x' * 128}",
            },
        ),
    ],
    ids=["wrong types", "out of bounds", "wrong size"],
)
def test_a_wrong_setting_is_logged_and_has_its_default(
    project: Project,
    kernel: Kernel,
    interval: tuple[str, str],
    message: tuple[str, str],
    expected: set[str],
) -> None:
    kernel.install(project.sys, "hello")
    for name, (kind, data) in (("IntervalMilliseconds", interval), ("Message", message)):
        words = ("/v", name, "/t", kind, "/d", data, "/f")
        assert kernel.run("reg", "add", PARAMETERS, *words).returncode == 0

    lines = lines_of(kernel, 0)

    reported = {line for line in lines if line.startswith(("starting", "Interval", "Message"))}
    assert reported == expected
