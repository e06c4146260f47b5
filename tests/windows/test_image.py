"""What the Windows half takes for the driver's image, and what it refuses to sign."""

from __future__ import annotations

import subprocess

import pytest

from tests.pipeline.image import Image
from tests.pipeline.support import CONFIG
from tests.windows.bed import Windows
from tests.windows.support import Desk, text

pytestmark = pytest.mark.slow


# As a cdylib it is linked with the driver's arguments, and has to have what these ask for.
_HELPER = """\
#![no_std]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
#[no_mangle]
pub extern "system" fn driver_entry(_: usize, _: usize) -> i32 {
    0
}
"""


def _add_dependency(desk: Desk, name: str = "helper") -> None:
    helper = desk.project.folder / name
    (helper / "src").mkdir(parents=True)
    (helper / "src/lib.rs").write_text(_HELPER, encoding="utf-8")
    (helper / "Cargo.toml").write_text(
        '[package]\nname = "helper"\nversion = "0.1.0"\nedition = "2021"\n'
        '[lib]\ncrate-type = ["cdylib", "rlib"]\n',
        encoding="utf-8",
    )
    desk.project.depend(f'helper = {{ path = "{name}" }}')


@pytest.mark.parametrize("folder", ["helper", "hello"])
def test_a_dependencys_dll_is_not_taken_for_the_driver(windows: Windows, folder: str) -> None:
    desk = Desk.start(windows)
    desk.project.edit("Cargo.toml", 'crate-type = ["cdylib"]', 'crate-type = ["rlib"]')
    _add_dependency(desk, folder)

    output = desk.fail("sign")

    assert "cargo built no DLL from this package" in output
    assert not list(desk.sys.parent.glob("*.sys"))


@pytest.mark.parametrize("folder", ["hello", "other"])
def test_the_driver_is_found_beside_a_dependencys_dll_whatever_its_folder_is_called(
    windows: Windows, folder: str
) -> None:
    desk = Desk.start(windows, CONFIG + 'mode = "off"\n', name=folder)
    _add_dependency(desk)

    desk.make("sign")

    assert b"loaded" in desk.sys.read_bytes()


def test_a_linker_that_makes_an_ordinary_dll_leaves_no_image(windows: Windows) -> None:
    desk = Desk.start(windows, CONFIG + '[linker]\nremove = ["/SUBSYSTEM", "/DRIVER", "/KERNEL"]\n')

    output = desk.fail("sign")

    assert "subsystem" in output, output
    assert not desk.sys.exists()


@pytest.mark.wine
def test_an_image_for_user_mode_is_signed_beside_cargos_own_dll(windows: Windows) -> None:
    windows.install_kits()
    # Build scripts run on Linux here; empty libraries have every name that they link.
    kit = windows.home / "kit"
    for folder in ("Lib/10.0.22621.0/um/x64", "Lib/wdf/umdf/x64/2.33"):
        (kit / folder).mkdir(parents=True)
        for name in ("WdfDriverStubUm", "ntdll", "OneCoreUAP"):
            (kit / folder / f"{name}.lib").write_bytes(b"!<arch>\n")
    desk = Desk.start(
        windows,
        CONFIG.replace(
            "[signing]",
            f'model = "umdf"\n[wdk]\nlocate = "path"\npath = {text(str(kit))}\n'
            '[linker]\nargs = ["/NOENTRY", "/NODEFAULTLIB"]\n[signing]',
        ),
    )

    desk.project.edit("src/lib.rs", "driver_entry", "DriverEntry")

    desk.make("sign")

    image = desk.project.output("hello.dll")
    assert Image.read(image).subsystem == 2
    assert desk.project.verifies(image)
    assert not Image.read(desk.project.dll).is_signed
    desk.forget_calls()
    desk.make("sign")
    assert not desk.arguments("signtool")


def test_a_folder_in_the_images_place_ends_with_what_to_do(windows: Windows) -> None:
    desk = Desk.start(windows, CONFIG + 'mode = "off"\n')
    desk.sys.mkdir(parents=True)

    output = desk.fail("sign")

    assert "a folder with this name exists" in output
    desk.sys.rmdir()
    desk.make("sign")


@pytest.mark.wine
def test_a_run_that_another_one_overtook_publishes_nothing(windows: Windows) -> None:
    windows.install_kits()
    desk = Desk.start(windows)
    desk.project.say("yesterday")
    signtool = desk.windows.unix(
        r"C:\Program Files (x86)\Windows Kits\10\bin\10.0.22621.0\x64\signtool.exe"
    )
    other = signtool.with_name("other.exe")
    signtool.rename(other)
    # Signs, but not before another run has built from newer sources.
    program = windows.home / "signtool.rs"
    program.write_text(
        "use std::{env, fs, process::Command};\n"
        "fn main() {\n"
        '    let source = env::var("OVERTAKEN").unwrap();\n'
        "    if let Ok(text) = fs::read_to_string(&source) {\n"
        '        if text.contains("yesterday") {\n'
        '            fs::write(&source, text.replace("yesterday", "today")).unwrap();\n'
        '            let words = ["make", "build-driver"];\n'
        '            let done = Command::new("cargo").args(words).output().unwrap();\n'
        '            assert!(done.status.success(), "{done:?}");\n'
        "        }\n"
        "    }\n"
        '    let tool = env::current_exe().unwrap().with_file_name("other.exe");\n'
        "    let status = Command::new(tool).args(env::args().skip(1)).status().unwrap();\n"
        "    std::process::exit(status.code().unwrap());\n"
        "}\n",
        encoding="utf-8",
    )
    windows.compile(program, signtool)
    source = windows.path(desk.project.folder / "src/lib.rs")

    output = desk.fail("sign", OVERTAKEN=source)

    assert "another run built" in output
    assert not desk.is_signed()
    for _ in range(2):
        desk.make("sign", OVERTAKEN=source)
        assert b"loaded today" in desk.sys.read_bytes()
        assert desk.verifies()
        assert [path.name for path in desk.sys.parent.glob("*.sys")] == ["hello.sys"]
        assert not list(desk.sys.parent.glob(".kdrvgen*"))


@pytest.mark.wine
def test_two_runs_at_once_leave_an_image_of_todays_code(windows: Windows) -> None:
    windows.install_kits()
    desk = Desk.start(windows)
    desk.make("sign")
    desk.project.say("now")
    running = [
        subprocess.Popen(
            [windows.bed / "wine64", "cargo", "make", "sign"],
            cwd=desk.project.folder,
            env=windows.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(2)
    ]
    codes = [process.wait(120) for process in running]

    # One may find the other at work on the same files, and ends with an error then.
    assert 0 in codes
    desk.make("sign")
    assert b"loaded now" in desk.sys.read_bytes()
    assert desk.verifies()
