"""The blocks for threads, waits, locks, timers, settings and notifications, in Wine's kernel."""

from __future__ import annotations

import re
import shutil
import time
from pathlib import Path

import pytest

from tests.bootstrap.conftest import TRIPLES, PreparedProject
from tests.bootstrap.frames import frames
from tests.bootstrap.host import (
    run_tests,
    run_tests_with_miri,
    run_tests_with_sanitizer,
    with_blocks,
)
from tests.bootstrap.kernel import Kernel
from tests.pipeline.image import Image
from tests.pipeline.support import REPOSITORY, Project, run

pytestmark = pytest.mark.slow

SOURCES = REPOSITORY / "kdrvgen/kernel/tree/src"
HERE = Path(__file__).parent / "blocks"
PROFILES = ("development", "production")
SERVICE = r"HKLM\SYSTEM\CurrentControlSet\Services\sync"
# Name, type and data, as reg.exe takes them.
SETTINGS = [
    ("Count", "REG_DWORD", "4294967295"),
    ("Text", "REG_SZ", "Grüße"),
    ("List", "REG_MULTI_SZ", r"first\0second"),
    ("Bytes", "REG_BINARY", "00ff10"),
]


def set_value(kernel: Kernel, key: str, name: str, kind: str, data: str) -> None:
    """Write a value of the registry."""
    done = kernel.run("reg", "add", key, "/v", name, "/t", kind, "/d", data, "/f")
    assert done.returncode == 0, done.stdout


@pytest.fixture(scope="module")
def sync(prepared: PreparedProject) -> Project:
    """A driver without a global allocator that uses these blocks, signed for all targets."""

    def build(project: Project) -> None:
        shutil.copy2(HERE / "sync.rs", project.folder / "src/lib.rs")
        project.make("sign-all")
        project.make("--profile", "production", "-e", "DRIVER_TIMESTAMP_URL=", "sign")

    return prepared("minimal", name="sync", build=build)


@pytest.fixture(scope="module")
def other(prepared: PreparedProject) -> Project:
    """Another driver."""
    return prepared("minimal", name="other", build=lambda project: project.make("sign"))


@pytest.fixture(scope="module", params=PROFILES)
def log_lines(
    request: pytest.FixtureRequest, sync: Project, other: Project, kernel: Kernel
) -> list[str]:
    """What that driver logs from its start to its end; it loads the other one."""
    kernel.install(other.output("other.sys"), "other")
    kernel.install(sync.output("sync.sys", request.param), "sync")
    for name, kind, data in SETTINGS:
        set_value(kernel, rf"{SERVICE}\Parameters", name, kind, data)
    before = len(kernel.lines())
    output = kernel.sc("start", "sync")
    assert kernel.state("sync") == "RUNNING", output
    kernel.sc("stop", "sync")
    assert kernel.state("sync") == "STOPPED"
    return [line.removeprefix("sync: ") for line in kernel.lines()[before:]]


def values(lines: list[str]) -> dict[str, str]:
    """Return what is behind the first colon of each line, by what is in front of it."""
    return dict(line.split(": ", 1) for line in lines if ": " in line)


def test_an_event_signals_until_it_is_cleared_or_to_one_wait(log_lines: list[str]) -> None:
    # A wait times out; both kinds are signaled; again; after `clear`; the limit was kept.
    assert values(log_lines)["events"] == "false (true, true) (true, false) false true"


def test_a_wait_for_several_objects_returns_the_first_signaled_one(log_lines: list[str]) -> None:
    assert values(log_lines)["any"] == "None Some(1) Some(0)"


def test_sleep_takes_at_least_its_time(log_lines: list[str]) -> None:
    assert values(log_lines)["sleep"] == "true"


def test_a_dropped_thread_is_asked_to_stop_and_joined(log_lines: list[str]) -> None:
    # It ran; what it owns was not dropped before, and was when the thread was joined.
    assert values(log_lines)["threads"] == "true 0 1"
    assert values(log_lines)["not asked to stop"] == "true"


def test_a_fast_mutex_admits_one_of_three_threads_at_a_time(log_lines: list[str]) -> None:
    assert values(log_lines)["fast mutex"] == "(60000, 60000) of 60000"


def test_readers_of_a_resource_see_no_half_of_a_change(log_lines: list[str]) -> None:
    assert values(log_lines)["resource"] == "(2000, 2000) 0"


def test_a_resource_admits_several_readers_or_one_writer(log_lines: list[str]) -> None:
    found = values(log_lines)

    assert found["while read"] == "write false, read true"
    assert found["while written"] == "write false, read false"
    assert found["afterwards"] == "write true"


def test_timers_expire_once_or_periodically(log_lines: list[str]) -> None:
    assert values(log_lines)["timers"] == "false false true"


def test_a_work_item_runs_after_it_was_queued_and_before_it_is_dropped(
    log_lines: list[str],
) -> None:
    # Two calls, and one or two more for ten requests at once.
    assert values(log_lines)["work items"] == "true true"
    assert log_lines.count("work item: done before unload") == 1


def test_the_clock_is_that_of_the_machine(log_lines: list[str]) -> None:
    text, seconds = values(log_lines)["now"].split()

    assert abs(time.time() - int(seconds)) < 600
    assert text[:19] == time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(int(seconds)))
    assert re.fullmatch(r"\.\d{3}Z", text[19:])
    assert values(log_lines)["later"] == "true true"


def test_settings_are_read_with_their_types_and_limits(log_lines: list[str]) -> None:
    found = values(log_lines)

    assert found["dword"] == "Ok(4294967295) Err(STATUS_OBJECT_TYPE_MISMATCH (0xC0000024))"
    assert found["string"] == "Grüße"
    assert found["not a number"] == "Err(STATUS_OBJECT_TYPE_MISMATCH (0xC0000024))"
    assert [line for line in log_lines if line.startswith("of the list")] == [
        "of the list: first",
        "of the list: second",
    ]
    assert found["binary"] == "Ok([0, 255, 16])"
    assert found["limit"] == "Some(STATUS_BUFFER_OVERFLOW (0x80000005))"
    assert found["missing"] == "Some(STATUS_OBJECT_NAME_NOT_FOUND (0xC0000034))"
    assert found["missing key"] == "Some(STATUS_OBJECT_NAME_NOT_FOUND (0xC0000034))"
    assert found["read only"] == "Err(STATUS_ACCESS_DENIED (0xC0000022))"


def test_settings_are_written_as_programs_read_them(log_lines: list[str], kernel: Kernel) -> None:
    found = values(log_lines)
    done = kernel.run("reg", "export", rf"{SERVICE}\State", r"C:\state.reg", "/y")
    assert done.returncode == 0, done.stdout

    exported = (kernel.prefix / "drive_c/state.reg").read_text(encoding="utf-16")
    multi = ",".join(f"{byte:02x}" for byte in "one\0two\0\0".encode("utf-16-le"))
    assert dict(re.findall(r'^"(\w+)"=(.*)', exported.replace("\\\n  ", ""), re.MULTILINE)) == {
        "Dword": "dword:fffffffe",
        "Qword": "hex(b):00,00,00,00,00,01,00,00",
        "String": '"Grüße 😀"',
        "Multi": f"hex(7):{multi}",
        "Binary": "hex:01,02,ff",
    }
    assert found["qword"] == "Ok(1099511627776)"
    assert (found["again"], found["deleted"]) == ("true", "true")
    assert found["NUL"] == found["empty"] == "Err(STATUS_INVALID_PARAMETER (0xC000000D))"


def test_a_loaded_driver_is_reported_until_the_registration_is_dropped(
    log_lines: list[str],
) -> None:
    assert values(log_lines)["other driver"] == " ".join(["STATUS_SUCCESS (0x00000000)"] * 2)
    (image,) = (line for line in log_lines if line.startswith("image: "))
    assert re.fullmatch(r"image: \S+other\.sys 0 true true", image)


def test_unload_stops_the_thread_first(log_lines: list[str]) -> None:
    assert log_lines[-2:] == ["thread: stopped by unload", "unloaded"]


def test_a_thread_that_takes_its_own_resource_again_stops_the_machine(
    sync: Project, kernel: Kernel, log_lines: list[str]
) -> None:
    del log_lines  # the settings are there
    kernel.install(sync.output("sync.sys"), "sync")
    for name, kind, data in [*SETTINGS, ("Relock", "REG_DWORD", "1")]:
        set_value(kernel, rf"{SERVICE}\Parameters", name, kind, data)

    kernel.sc("start", "sync")

    assert kernel.state("sync") == "STOPPED"
    record = kernel.record.read_text(encoding="utf-8", errors="replace")
    assert "this thread holds the resource, and takes it again" in record
    assert "not reached" not in record


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the blocks and their tests for the machine that builds."""
    return with_blocks(tmp_path_factory.mktemp("host"), "host_sync.rs")


def test_settings_time_dpcs_and_notifications_behave_as_documented(host: Path) -> None:
    printed = run_tests(host, "host_sync.rs")

    assert re.search(r"test result: ok\. 1\d passed", printed)


def test_these_blocks_have_no_error_that_address_sanitizer_finds(host: Path) -> None:
    run_tests_with_sanitizer(host, "host_sync.rs")


def test_these_blocks_have_no_undefined_behaviour_that_miri_finds(host: Path) -> None:
    run_tests_with_miri(host, "host_sync.rs", "--skip=every_day")


@pytest.mark.parametrize("profile", PROFILES)
def test_no_block_has_a_large_frame(sync: Project, profile: str) -> None:
    assert max(frames(sync.output("sync.sys", profile)).values()) <= 2048


@pytest.mark.parametrize("triple", TRIPLES)
def test_the_driver_imports_undecorated_names_of_the_kernel(sync: Project, triple: str) -> None:
    imports = Image.read(sync.output("sync.sys", target=triple)).imports()

    hal = {"ExAcquireFastMutex", "ExReleaseFastMutex", "KfAcquireSpinLock", "KfReleaseSpinLock"}
    assert imports.get("hal.dll") == (hal if triple.startswith("i686") else None)
    assert set(imports) <= {"ntoskrnl.exe", "hal.dll"}
    names = imports["ntoskrnl.exe"]
    assert not [name for name in names if "@" in name]
    # Only x86 has functions for the time: elsewhere wdm.h reads it from memory.
    times = {"KeQueryInterruptTime", "KeQuerySystemTime"}
    assert names & times == (times if triple.startswith("i686") else set())


FAST_GUARD_ELSEWHERE = """
pub fn is_send<T: Send>(_: T) {}
pub fn f(lock: &'static mutex::FastMutex<u8>) { is_send(lock.lock()) }
"""
READER_ELSEWHERE = """
pub fn is_send<T: Send>(_: T) {}
pub fn f(lock: &'static resource::Resource<u8>) { is_send(lock.read()) }
"""
CELL_FOR_READERS = """
pub fn is_sync<T: Sync>(_: &T) {}
pub fn f(lock: &resource::Resource<core::cell::Cell<u8>>) { is_sync(lock) }
"""
BORROWED_BY_THREAD = """
pub fn f(text: &str) -> Result<thread::Thread, NtError> {
    thread::Thread::spawn(|_| drop(text.len()))
}
"""
GUARD_IN_THREAD = """
pub fn f(lock: &'static lock::SpinLock<u8>) -> Result<thread::Thread, NtError> {
    let guard = lock.lock();
    thread::Thread::spawn(move |_| drop(guard))
}
"""
FOUR_OBJECTS = """
pub fn f(event: &event::Event) {
    let _ = wait::wait_any([event, event, event, event], None);
}
"""
CELL_IN_DPC = """
pub fn f() -> Result<dpc::Dpc, NtError> {
    let count = core::cell::Cell::new(0);
    dpc::Dpc::new(move || count.set(1))
}
"""
TEXT_AFTER_VALUE = """
pub fn f(value: registry::Value) -> Result<&'static [u16], NtError> { value.string() }
"""


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (FAST_GUARD_ELSEWHERE, "`*mut u8` cannot be sent between threads safely"),
        (READER_ELSEWHERE, "`*mut u8` cannot be sent between threads safely"),
        (CELL_FOR_READERS, "`Cell<u8>` cannot be shared between threads safely"),
        (BORROWED_BY_THREAD, "borrowed data escapes outside of function"),
        (GUARD_IN_THREAD, "`*mut u8` cannot be sent between threads safely"),
        (FOUR_OBJECTS, "a thread can wait for 1 to 3 objects"),
        (CELL_IN_DPC, "`Cell<i32>` cannot be shared between threads safely"),
        (TEXT_AFTER_VALUE, "cannot return value referencing function parameter `value`"),
    ],
    ids=[
        *("guard elsewhere", "reader elsewhere", "cell for readers", "borrowed by a thread"),
        *("guard in a thread", "four objects", "cell in a DPC", "text after its value"),
    ],
)
def test_code_that_would_fail_in_the_kernel_does_not_compile(
    tmp_path: Path, code: str, error: str
) -> None:
    shutil.copytree(SOURCES, tmp_path, dirs_exist_ok=True)
    with (tmp_path / "lib.rs").open("a", encoding="utf-8") as lib:
        lib.write(code)
    # Constants of a function are evaluated when code is generated for it.
    options = ("--crate-type=rlib", "--emit=obj", f"--target={TRIPLES[0]}", "-Cpanic=abort")

    done = run(["rustc", "--edition=2021", *options, "lib.rs"], tmp_path)

    assert done.returncode != 0
    assert error in done.stdout
