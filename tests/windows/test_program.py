"""The pipeline's program as one of Windows: how it is compiled, found, renewed and linked."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.pipeline.support import REPOSITORY, run, without
from tests.windows.bed import Windows
from tests.windows.support import Desk

pytestmark = pytest.mark.slow

SOURCE = REPOSITORY / "kdrvgen/pipeline/tree/pipeline/src/main.rs"


@pytest.fixture
def fresh(windows: Windows) -> Desk:
    """A project as a clone has it: nothing is compiled."""
    windows.install_kits()
    return Desk.start(windows, without_program=True)


def _compilations(desk: Desk) -> int:
    return sum(words[0] == "check" for words in desk.arguments("cargo"))


def test_a_fresh_clone_compiles_the_program_once_and_signs(fresh: Desk) -> None:
    fresh.make("sign")
    fresh.make("sign")

    assert _compilations(fresh) == 1
    assert fresh.verifies()
    program = fresh.project.target / "kdrvgen/windows-AMD64/pipeline.exe"
    assert program.read_bytes()[:2] == b"MZ"


@pytest.mark.wine
def test_two_first_runs_at_once_succeed(fresh: Desk) -> None:
    windows = fresh.windows
    running = [
        subprocess.Popen(
            [windows.bed / "wine64", "cargo", "make", "certificate"],
            cwd=fresh.project.folder,
            env=windows.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(2)
    ]

    assert [process.wait(200) for process in running] == [0, 0]

    assert fresh.certificate.has_key


def test_a_changed_source_with_an_older_time_renews_the_program_that_runs(desk: Desk) -> None:
    desk.make("sign")
    source = desk.project.folder / ".kdrvgen/pipeline/src/sign.rs"
    code = source.read_text("utf-8")
    head = "pub fn sign(settings: &Settings) -> Result<()> {\n"
    assert head in code
    source.write_text(code.replace(head, f'{head}    println!("MARK");\n'), "utf-8")
    os.utime(source, (1_000_000_000, 1_000_000_000))

    assert "MARK" in desk.make("sign")
    assert "MARK" in desk.make("sign")

    assert _compilations(desk) == 1
    folder = desk.project.target / "kdrvgen/windows-AMD64"
    assert [path.name for path in folder.glob("*set-aside*")] == []


def test_a_source_that_does_not_compile_ends_the_task(desk: Desk) -> None:
    with (desk.project.folder / ".kdrvgen/pipeline/src/map.rs").open("a", encoding="utf-8") as file:
        file.write("nonsense\n")

    assert "cargo could not compile" in desk.fail("sign")


@pytest.mark.wine
def test_its_unit_tests_pass_on_windows(windows: Windows, tmp_path: Path) -> None:
    # Some look at their own sources.
    env = os.environ | {"CARGO_MANIFEST_DIR": windows.path(REPOSITORY / "tests/rust")}
    program = tmp_path / "tests.exe"
    argv = [windows.bed / "rustc-for-windows", "--edition=2021", "--test", "-Dwarnings"]
    argv += ["-o", program, SOURCE]
    done = run([str(word) for word in argv], REPOSITORY, env)
    assert done.returncode == 0, done.stdout

    tested = windows.run([program, "--skip", "every_source_file_is_compared"], cwd=tmp_path)

    assert tested.code == 0, tested.output
    assert "test result: ok" in tested.stdout


@pytest.mark.wine
def test_clippy_has_nothing_to_say_about_the_windows_half(tmp_path: Path) -> None:
    argv = ["cargo", "clippy", "--target", "x86_64-pc-windows-gnu", "--", "-Dwarnings"]
    env = os.environ | {"CARGO_TARGET_DIR": str(tmp_path / "target")}
    done = run(argv, REPOSITORY / "tests/rust", env)
    if "is not installed" in done.stdout and "clippy" in done.stdout:
        without("clippy is not installed; `rustup component add clippy` installs it")

    assert done.returncode == 0, done.stdout


# The libraries in rustup's component rust-mingw (`make_win_dist` in Rust's build): a program is
# linked with them on a Windows that has nothing but Rust. They are those of mingw-w64.
SHIPPED = """
    advapi32 bcrypt comctl32 comdlg32 crypt32 gdi32 imagehlp iphlpapi kernel32 msvcrt odbc32 ole32
    oleaut32 opengl32 psapi rpcrt4 setupapi shell32 user32 userenv uuid winhttp winmm winspool
    ws2_32 wsock32 dbghelp ntdll
    gcc gcc_eh m mingw32 mingwex moldname pthread
""".split()  # noqa: SIM905 - a list of 35 strings would fill a page


@pytest.mark.wine
def test_it_links_with_nothing_but_the_libraries_that_rust_ships(
    windows: Windows, tmp_path: Path
) -> None:
    folder = tmp_path / "libraries"
    folder.mkdir()
    for name in SHIPPED:
        argv = ["x86_64-w64-mingw32-gcc", f"-print-file-name=lib{name}.a"]
        shutil.copy2(run(argv, tmp_path).stdout.strip(), folder)
    program = tmp_path / "pipeline.exe"

    windows.compile(
        SOURCE,
        program,
        "-Clinker-flavor=ld",
        "-Clinker=x86_64-w64-mingw32-ld",
        "-Clink-arg=-nostdlib",  # no folder but those that rustc names
        "-Clink-self-contained=yes",
        f"-Lnative={folder}",
    )

    assert windows.run([program]).code == 2
    # They are loaded from System32 at run time, where they are needed.
    imports = run(["x86_64-w64-mingw32-objdump", "-p", str(program)], tmp_path).stdout.lower()
    assert "dll name: crypt32.dll" in imports
    assert "wintrust.dll" not in imports
    assert "newdev.dll" not in imports
