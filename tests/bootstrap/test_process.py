"""The template `process`: it looks processes up, and gives every reference back."""

from __future__ import annotations

import re

import pytest

from tests.bootstrap.conftest import TRIPLES, NewProject, PreparedProject
from tests.bootstrap.kernel import Kernel
from tests.pipeline.image import NATIVE, Image
from tests.pipeline.support import Project

pytestmark = pytest.mark.slow

# Wine keeps the count of references 16 bytes before an object, as a LONG (its ntoskrnl.exe,
# `struct object_header`). Windows keeps it elsewhere.
_REFERENCES = """
fn references(process: &Process) -> i32 {
    // SAFETY: none outside of Wine.
    unsafe { *process.as_ptr().cast::<i32>().sub(4) }
}
"""
_COUNTED = """
    let process = Process::by_id(process::current_id())?;
    let before = references(&process);
    let second = Process::by_id(process.id())?;
    let while_two = references(&process);
    drop(second);
    let _ = ends_early(process.id());
    log!("references: {before}, {while_two}, {}", references(&process));
"""
_ENDS_EARLY = """
fn ends_early(id: usize) -> Result<(), NtError> {
    let _process = Process::by_id(id)?;
    Err(kernel::nt::status::STATUS_UNSUCCESSFUL)
}
"""


@pytest.fixture(scope="module")
def project(prepared: PreparedProject) -> Project:
    """A project that is signed for all targets."""
    words = ("bootstrap.edition=2024",)
    return prepared("process", *words, build=lambda project: project.make("sign-all"))


def test_it_is_signed_for_all_targets(project: Project) -> None:
    for triple in TRIPLES:
        path = project.output(target=triple)
        assert Image.read(path).subsystem == NATIVE
        assert project.verifies(path)


def test_it_finds_a_process_and_reports_why_it_does_not_find_another(
    project: Project, kernel: Kernel
) -> None:
    before = len(kernel.lines())

    with kernel.loaded(project.sys, "hello"):
        found, missing, loaded = kernel.lines()[before:]

    assert re.fullmatch(r"hello: process [1-9]\d*: found", found)
    assert missing == "hello: process 0: STATUS_INVALID_PARAMETER (0xC000000D)"
    assert loaded == "hello: loaded"
    assert kernel.lines()[-1] == "hello: unloaded"


def test_every_reference_is_released_whatever_the_result(
    new_project: NewProject, kernel: Kernel
) -> None:
    project = new_project("process")
    start = "    report(process::current_id())?;\n"
    project.edit("src/lib.rs", start, start + _COUNTED)
    functions = _REFERENCES + _ENDS_EARLY
    project.edit("src/lib.rs", "/// Ends the driver", f"{functions}\n/// Ends the driver")
    project.make("sign")

    with kernel.loaded(project.sys, "hello"):
        (line,) = (line for line in kernel.lines() if line.startswith("hello: references: "))

    before, while_two, after = map(int, re.findall(r"\d+", line))
    assert while_two == before + 1
    assert after == before


def test_a_driver_whose_lookup_fails_does_not_start_and_logs_it(
    new_project: NewProject, kernel: Kernel
) -> None:
    project = new_project("process")
    project.edit("src/lib.rs", "report(process::current_id())?", "report(0)?")
    project.make("sign")
    kernel.install(project.sys, "failing")

    kernel.sc("start", "failing")

    assert kernel.state("failing") == "STOPPED"
    assert kernel.lines()[-1] == "hello: not loaded: STATUS_INVALID_PARAMETER (0xC000000D)"
