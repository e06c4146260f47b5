"""The kernel building blocks: what the compiler holds them to, and what they do."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.bootstrap.conftest import TRIPLES, NewProject, PreparedProject
from tests.bootstrap.kernel import Kernel
from tests.pipeline.image import Image
from tests.pipeline.support import REPOSITORY, Project, run

pytestmark = pytest.mark.slow

RUST = REPOSITORY / "kdrvgen/scaffold/templates/shared/rust"
HERE = Path(__file__).parent / "blocks"


def test_text_status_and_allocator_behave_as_documented(tmp_path: Path) -> None:
    shutil.copytree(RUST, tmp_path, dirs_exist_ok=True)
    for name in ("host.rs", "pool.rs"):
        shutil.copy2(HERE / name, tmp_path)
    argv = ["rustc", "--edition=2021", "-Dwarnings", "--test", "-o", "host", "host.rs"]
    compiled = run(argv, tmp_path)
    assert compiled.returncode == 0, compiled.stdout

    done = run([tmp_path / "host"], tmp_path)

    assert done.returncode == 0, done.stdout
    assert re.search(r"test result: ok\. 1\d passed", done.stdout)


LONG_LITERAL = """
pub const LONG: nt::UnicodeString<'static> = unicode_string!(include_str!("long.txt"));
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
pub fn f(unit: u16) -> Result<nt::UnicodeString<'static>, nt::NtStatus> {
    nt::UnicodeString::from_units(&[unit])
}
"""


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (LONG_LITERAL, "a UNICODE_STRING has at most 32767 UTF-16 units"),
        (TAB_IN_POOL_TAG, "a pool tag is printable ASCII"),
        (LOCK_OF_A_POINTER, "`*const u8` cannot be sent between threads safely"),
        (GUARD_FOR_ANOTHER_THREAD, "`*mut u8` cannot be sent between threads safely"),
        (DANGLING_TEXT, "cannot return value referencing temporary value"),
    ],
    ids=["long literal", "pool tag", "lock of a pointer", "guard elsewhere", "dangling text"],
)
def test_code_that_would_fail_in_the_kernel_does_not_compile(
    tmp_path: Path, code: str, error: str
) -> None:
    shutil.copytree(RUST, tmp_path, dirs_exist_ok=True)
    (tmp_path / "long.txt").write_text("😀" * 16384, encoding="utf-8")
    modules = "".join(f"pub mod {each};\n" for each in ("allocator", "lock", "nt", "string"))
    (tmp_path / "lib.rs").write_text(f"#![no_std]\n{modules}{code}", encoding="utf-8")
    options = ("--crate-type=rlib", "--emit=metadata", f"--target={TRIPLES[0]}")

    done = run(["rustc", "--edition=2021", *options, "lib.rs"], tmp_path)

    assert done.returncode != 0
    assert error in done.stdout


@pytest.fixture(scope="module")
def proof(prepared: PreparedProject) -> Project:
    """A driver that puts the blocks to use, signed for all targets."""

    def build(project: Project) -> None:
        shutil.copy2(HERE / "proof.rs", project.folder / "src/lib.rs")
        shutil.copy2(RUST / "lock.rs", project.folder / "src/lock.rs")
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


# What the kernels export of a C runtime; for x86 mingw-w64's ntoskrnl.def has neither memcmp nor
# _chkstk.
C_RUNTIME = {
    "x86_64": {"__chkstk", "memcmp", "memcpy", "memmove", "memset"},
    "aarch64": {"__chkstk", "memcmp", "memcpy", "memmove", "memset"},
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


def test_collections_strings_and_arithmetic_work_in_the_kernel(
    log_lines: list[tuple[str, str]],
) -> None:
    values = dict(line.split(": ", 1) for _, line in log_lines if ": " in line)

    assert values["collections"] == "494550 Ok(400) xxx true"
    assert values["alignment"] == "true true"
    assert values["strings"] == "0 1 Grüße 😀"
    largest = 2**64 - 6
    assert values["arithmetic"].split() == [
        "9000",
        *map(str, divmod(largest, 1_000_000_007)),
        str(-((2**63 - 1) // 10_007)),
        str(-((2**63 - 1) % 10_007)),
        str((2**128 - 1) // 3),
        "0.833",
    ]


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
    project.edit(source, "    STATUS_SUCCESS\n", '    panic!("with {}", "words")\n')
    project.edit(source, "use nt::status::STATUS_SUCCESS;\n", "")
    project.make("sign")
    kernel.install(project.output("panics.sys"), "panics")

    kernel.sc("start", "panics")

    assert kernel.state("panics") == "STOPPED"
    where = (project.folder / source).read_text(encoding="utf-8").split("panic!(")[0]
    place = f"src/lib.rs:{where.count(chr(10)) + 1}:5"
    assert f"panics: panicked at {place}:" in kernel.lines()
    record = kernel.record.read_text(encoding="utf-8", errors="replace")
    assert "with words" in record
