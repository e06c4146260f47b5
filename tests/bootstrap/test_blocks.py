"""The kernel building blocks: what the compiler holds them to, and what they do."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.bootstrap.conftest import TRIPLES, NewProject, PreparedProject
from tests.bootstrap.frames import frames
from tests.bootstrap.kernel import Kernel
from tests.pipeline.image import Image
from tests.pipeline.support import REPOSITORY, Project, run

pytestmark = pytest.mark.slow

SOURCES = REPOSITORY / "kdrvgen/kernel/tree/src"
HERE = Path(__file__).parent / "blocks"


LONG_LITERAL = """
pub const LONG: UnicodeString<'static> = unicode_string!(include_str!("long.txt"));
"""
TAB_IN_POOL_TAG = """
pub static POOL: allocator::PoolAllocator = allocator::PoolAllocator::new(*b"a\\tbc");
"""
LOCK_OF_A_POINTER = """
pub fn is_sync<T: Sync>(_: T) {}
pub fn f() { is_sync(lock::SpinLock::new(core::ptr::null::<u8>())) }
"""
GUARD_FOR_ANOTHER_THREAD = """
pub fn is_send<T: Send>(_: T) {}
pub fn f(lock: &'static lock::SpinLock<u8>) { is_send(lock.lock()) }
"""
DANGLING_TEXT = """
pub fn f(unit: u16) -> Result<UnicodeString<'static>, NtError> {
    UnicodeString::from_units(&[unit])
}
"""
PENDING_AS_ERROR = """
pub fn f() -> Result<(), NtError> { Err(nt::status::STATUS_PENDING) }
"""
DISPATCH_WITHOUT_COMPLETION = """
pub unsafe extern "system" fn f(_: *mut DeviceObject, _: *mut Irp) -> NtStatus {
    nt::status::STATUS_SUCCESS
}
pub fn g(driver: &mut DriverObject) { driver.major_function[0] = Some(f) }
"""
COMPLETED_TWICE = """
pub fn f(request: request::Request) -> request::Dispatched {
    let _ = request.complete(Ok(()));
    request.complete(Ok(()))
}
"""
STATUS_OF_A_PENDING_REQUEST = """
pub fn f(reads: &queue::Queue<transfer::ReadRequest>) -> request::Dispatched {
    reads.remove().unwrap().complete(Ok(()))
}
"""
REQUEST_FOR_ANOTHER_THREAD = """
pub static KEPT: lock::SpinLock<Option<request::Request>> = lock::SpinLock::new(None);
"""
STATUS_FOR_ANOTHER_THREAD = """
pub static KEPT: lock::SpinLock<Option<request::Dispatched>> = lock::SpinLock::new(None);
"""
SWAPPED_REQUESTS = """
pub fn f(reads: &queue::Queue<request::Request>, fresh: &mut request::Request) {
    core::mem::swap(&mut reads.remove().unwrap(), fresh);
}
"""
QUEUE_ON_THE_STACK = """
pub fn f(request: request::Request) -> request::Dispatched {
    queue::Queue::new().insert(request)
}
"""
LOCAL_VALUE_OF_A_FILE = """
pub fn f(request: open::Create, value: &u8) {
    let _ = request.open(value);
}
"""
UNSYNCHRONIZED_VALUE_OF_A_FILE = """
pub fn f(request: open::Create) {
    let _ = request.open(core::cell::Cell::new(1));
}
"""


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (LONG_LITERAL, "a literal UNICODE_STRING has at most 32766 UTF-16 units"),
        (TAB_IN_POOL_TAG, "a pool tag is printable ASCII"),
        (LOCK_OF_A_POINTER, "`*const u8` cannot be sent between threads safely"),
        (GUARD_FOR_ANOTHER_THREAD, "`*mut u8` cannot be sent between threads safely"),
        (DANGLING_TEXT, "cannot return value referencing temporary value"),
        (PENDING_AS_ERROR, "expected `NtError`, found `NtStatus`"),
        (DISPATCH_WITHOUT_COMPLETION, "mismatched types"),
        (COMPLETED_TWICE, "use of moved value: `request`"),
        (STATUS_OF_A_PENDING_REQUEST, "expected `Dispatched`, found `()`"),
        (REQUEST_FOR_ANOTHER_THREAD, "`request::Request` cannot be sent between threads safely"),
        (STATUS_FOR_ANOTHER_THREAD, "`*mut ()` cannot be sent between threads safely"),
        (SWAPPED_REQUESTS, "expected `&mut Request<Pending>`, found `&mut Request`"),
        (QUEUE_ON_THE_STACK, "temporary value dropped while borrowed"),
        (LOCAL_VALUE_OF_A_FILE, "borrowed data escapes outside of function"),
        (UNSYNCHRONIZED_VALUE_OF_A_FILE, "cannot be shared between threads safely"),
    ],
    ids=[
        *("long literal", "pool tag", "lock of a pointer", "guard elsewhere", "dangling text"),
        *("pending as an error", "dispatch without completion", "completed twice"),
        *("status of a pending request", "request elsewhere", "status elsewhere"),
        *("swapped requests", "queue on the stack", "local value", "unsynchronized value"),
    ],
)
def test_code_that_would_fail_in_the_kernel_does_not_compile(
    tmp_path: Path, code: str, error: str
) -> None:
    shutil.copytree(SOURCES, tmp_path, dirs_exist_ok=True)
    (tmp_path / "long.txt").write_text("😀" * 16383 + "x", encoding="utf-8")
    with (tmp_path / "lib.rs").open("a", encoding="utf-8") as lib:
        lib.write(code)
    options = ("--crate-type=rlib", "--emit=metadata", f"--target={TRIPLES[0]}")

    done = run(["rustc", "--edition=2021", *options, "lib.rs"], tmp_path)

    assert done.returncode != 0
    assert error in done.stdout


@pytest.fixture(scope="module")
def proof(prepared: PreparedProject) -> Project:
    """A driver that puts the blocks to use, signed for all targets."""

    def build(project: Project) -> None:
        shutil.copy2(HERE / "proof.rs", project.folder / "src/lib.rs")
        # Each target links what its code calls of the C runtime.
        project.make("sign-all")
        project.make("--profile", "production", "-e", "DRIVER_TIMESTAMP_URL=", "sign")

    return prepared("minimal", "allocator=yes", name="proof", build=build)


@pytest.fixture(scope="module", params=["development", "production"])
def log_lines(
    request: pytest.FixtureRequest, proof: Project, kernel: Kernel
) -> list[tuple[str, str]]:
    """What that driver logs, behind its level."""
    before = len(kernel.filed_lines())
    with kernel.loaded(proof.output("proof.sys", request.param), "proof"):
        lines = kernel.filed_lines()[before:]
    return [(filed.partition(":")[2], line.removeprefix("proof: ")) for filed, line in lines]


# The functions of a C runtime that the kernels export: for x86 neither memcmp nor _chkstk, and for
# ARM64 no __chkstk.
C_RUNTIME = {
    "x86_64": {"__chkstk", "memcmp", "memcpy", "memmove", "memset"},
    "aarch64": {"memcmp", "memcpy", "memmove", "memset"},
    "i686": {
        *("_alldiv", "_allrem", "_alloca_probe", "_aulldiv", "_aullrem"),
        *("memcpy", "memmove", "memset"),
    },
}


@pytest.mark.parametrize("triple", TRIPLES)
def test_a_driver_imports_only_functions_that_the_kernel_exports(
    proof: Project, triple: str
) -> None:
    architecture = triple.partition("-")[0]

    imports = Image.read(proof.output("proof.sys", target=triple)).imports()

    runtime = {name for name in imports["ntoskrnl.exe"] if name[0] in "_ms"}
    assert runtime <= C_RUNTIME[architecture]
    locks = {"KfAcquireSpinLock", "KfReleaseSpinLock"} if architecture == "i686" else None
    assert imports.get("hal.dll") == locks
    assert set(imports) <= {"ntoskrnl.exe", "hal.dll"}
    # No name is decorated by its calling convention.
    assert not [name for names in imports.values() for name in names if "@" in name]


@pytest.mark.parametrize("profile", ["development", "production"])
def test_no_block_has_a_large_frame(proof: Project, profile: str) -> None:
    assert max(frames(proof.output("proof.sys", profile)).values()) <= 2048


def test_collections_strings_and_arithmetic_work_in_the_kernel(
    log_lines: list[tuple[str, str]],
) -> None:
    values = dict(line.split(": ", 1) for _, line in log_lines if ": " in line)

    assert values["collections"] == "494550 Ok(400) xxx true"
    assert values["alignment"] == "true true"
    assert values["strings"] == "0 1 Grüße 😀"
    largest = 2**64 - 6
    assert values["arithmetic"].split() == [
        *map(str, divmod(largest, 1_000_000_007)),
        str(-((2**63 - 1) // 10_007)),
        str(-((2**63 - 1) % 10_007)),
        str((2**128 - 1) // 3),
    ]
    assert values["floating point"] == "0.833 1.5 -1.5"


def test_a_lock_admits_one_of_three_threads_at_a_time(log_lines: list[tuple[str, str]]) -> None:
    assert "lock: (600000, 600000) of 600000" in [line for _, line in log_lines]


def test_a_log_line_is_never_used_as_a_format(log_lines: list[tuple[str, str]]) -> None:
    lines = [line for _, line in log_lines]

    assert "%s%n%d%x 100%" in lines
    assert "%s%s%s%s%s%s%s%s%n" in lines
    assert "before\\0after" in lines


def test_a_too_long_log_line_is_cut_between_characters_and_marked(
    log_lines: list[tuple[str, str]],
) -> None:
    lines = [line for _, line in log_lines]

    heads = {line[:1]: line for line in lines if len(line.encode()) > 400}
    assert set(heads) == {"x", "é", "a", "y"}
    for line in heads.values():
        whole = f"proof: {line}\n\0"
        assert len(whole.encode()) <= 512
        assert "\N{REPLACEMENT CHARACTER}" not in whole
    assert heads["x"] == "x" * (512 - len("proof: ...\n\0")) + "..."
    assert heads["é"].removesuffix("...") == "é" * 250
    assert heads["a"].removesuffix("...") == "a" + "é" * 249
    assert heads["y"] == "y" * 490 + "😀"


def test_an_error_is_logged_at_a_level_that_windows_shows(log_lines: list[tuple[str, str]]) -> None:
    levels = {line: level for level, line in log_lines}

    # Wine shows the level as the bit that a filter has for it.
    assert levels["error"] == "00000001"
    assert levels["STATUS_ACCESS_DENIED (0xC0000022)"] == "00000008"


def test_a_panic_is_logged_with_its_place_and_stops_the_machine(
    new_project: NewProject, kernel: Kernel
) -> None:
    project = new_project("minimal", name="panics")
    source = "src/lib.rs"
    project.edit(source, "    Ok(())\n", '    panic!("with {}", "words")\n')
    project.make("sign")
    kernel.install(project.output("panics.sys"), "panics")

    kernel.sc("start", "panics")

    assert kernel.state("panics") == "STOPPED"
    where = (project.folder / source).read_text(encoding="utf-8").split("panic!(")[0]
    place = f"src/lib.rs:{where.count(chr(10)) + 1}:5"
    assert f"panics: panicked at {place}:" in kernel.lines()
    record = kernel.record.read_text(encoding="utf-8", errors="replace")
    assert "with words" in record


_FAULTY = """
struct Faulty;

impl core::fmt::Display for Faulty {
    fn fmt(&self, _: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        // SAFETY: none: it is an access violation.
        let _ = unsafe { core::ptr::without_provenance::<u8>(8).read_volatile() };
        Ok(())
    }
}
"""


def test_a_fault_below_functions_of_core_is_one_exception(
    new_project: NewProject, bed: Path, tmp_path: Path
) -> None:
    project = new_project("minimal", "allocator=yes", name="faulty")
    log = '    log!("{}", alloc::format!("{Faulty}"));\n'
    project.edit("src/lib.rs", "    Ok(())\n", f"{log}    Ok(())\n")
    with (project.folder / "src/lib.rs").open("a", encoding="utf-8") as source:
        source.write(_FAULTY)
    project.make("sign")

    with Kernel.running(bed, tmp_path, "+debugstr,+seh") as kernel:
        kernel.install(project.output("faulty.sys"), "faulty")
        kernel.sc("start", "faulty")
        record = kernel.record.read_text(encoding="utf-8", errors="replace")

    # A handler that continues the execution repeats the instruction for ever, in the same thread.
    # Wine starts the driver in several threads, one after the other.
    raised = re.findall(r"(\w+):trace:seh:dispatch_exception code=c0000005", record)
    assert raised
    assert len(raised) == len(set(raised))
    assert re.search(r"seh:\w+ handler at 000000018\w+ returned 1", record)


def test_the_bug_check_of_a_panic_has_its_own_code_and_the_place(
    new_project: NewProject, bed: Path, tmp_path: Path
) -> None:
    project = new_project("minimal", name="stops")
    project.edit("src/lib.rs", "    Ok(())\n", '    panic!("with words")\n')
    project.make("sign")

    with Kernel.running(bed, tmp_path, "+debugstr,err+ntoskrnl") as kernel:
        kernel.install(project.output("stops.sys"), "stops")
        kernel.sc("start", "stops")
        record = kernel.record.read_text(encoding="utf-8", errors="replace")

    text = (project.folder / "src/lib.rs").read_text(encoding="utf-8")
    line = text.split("panic!(")[0].count("\n") + 1
    found = re.search(r"KeBugCheckEx (\w+) (\w+) (\w+) (\w+) (\w+)", record)
    assert found
    code, message, file, length, place = (int(each, 16) for each in found.groups())
    assert code == 0xE0527573
    assert message
    assert file
    assert (length, place) == (len("src/lib.rs"), line)
