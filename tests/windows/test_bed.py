"""The stand-ins keep to what is documented of the programs they stand in for."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.pipeline.authority import CODE_SIGNING, Identity
from tests.pipeline.image import Image
from tests.windows.bed import Windows

pytestmark = [pytest.mark.slow, pytest.mark.wine]

SIGNTOOL = r"C:\Program Files (x86)\Windows Kits\10\bin\10.0.22621.0\x64\signtool.exe"
SIGN = ["sign", "/v", "/fd", "sha256", "/s", "PrivateCertStore"]

MAKEFILE = """\
[config]
skip_core_tasks = true
default_to_workspace = false
skip_crate_env_info = true
skip_git_env_info = true
skip_rust_env_info = true

[tasks.script]
script = '''
show-args "%VALUE%"
exit /b 3
'''

[tasks.command]
command = "show-args"
args = ["${VALUE}", "two words", "", "tail\\\\"]
"""


MANIFEST = """\
[package]
name = "hello"
version = "0.1.0"
edition = "2021"

[lib]
crate-type = ["cdylib"]

[profile.dev]
panic = "abort"
lto = true
opt-level = 2

[workspace]
"""

DRIVER = """\
#![no_std]
use core::ffi::c_void;

#[repr(C)]
pub struct Driver([usize; 13], Option<unsafe extern "C" fn(*mut Driver)>);

unsafe extern "C" fn unload(_: *mut Driver) {}

#[no_mangle]
pub unsafe extern "C" fn driver_entry(driver: *mut Driver, _: *mut c_void) -> i32 {
    (*driver).1 = Some(unload);
    0
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
"""

CARGO_CONFIG = """\
[target.x86_64-pc-windows-msvc]
rustflags = [
    "-C", "link-arg=/NODEFAULTLIB", "-C", "link-arg=/SUBSYSTEM:NATIVE", "-C", "link-arg=/DRIVER",
    "-C", "link-arg=/ENTRY:driver_entry", "-C", "link-arg=/RELEASE",
]
"""

BUILD = r"""
use std::process::Command;

fn main() {
    let key = r"HKLM\SOFTWARE\Microsoft\Windows Kits\Installed Roots";
    let words = ["query", key, "/v", "KitsRoot10", "/reg:64"];
    let output = Command::new("reg").args(words).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let root = text.split("REG_SZ").nth(1).unwrap().trim();
    println!("{root}");
    let lib = std::path::Path::new(root).join("Lib");
    let entries = std::fs::read_dir(lib).unwrap();
    let mut names: Vec<_> = entries.map(|each| each.unwrap().file_name()).collect();
    names.sort();
    names.iter().for_each(|name| println!("{}", name.to_string_lossy()));
}
""".replace("\\\\", "\\")


@pytest.fixture
def image(windows: Windows, tmp_path: Path) -> Path:
    """A PE file, unsigned."""
    return Path(shutil.copy2(windows.bed / "standins/show-args.exe", tmp_path / "hello.sys"))


@pytest.fixture
def kits(windows: Windows) -> Windows:
    windows.install_kits(registry=[])
    return windows


def make(kits: Windows, days: tuple[int, int] = (-1, 30)) -> str:
    """Put a certificate CN=Test with its key into the store; return its thumbprint."""
    identity = Identity.make("Test", CODE_SIGNING, days=days)
    container = f"test {identity.certificate.serial_number}"
    return kits.add_certificate(identity, "PrivateCertStore", container=container).thumbprint


def sign(kits: Windows, *words: str) -> tuple[int, str]:
    done = kits.run([SIGNTOOL, *words])
    return done.code, done.output


def test_cargo_make_runs_scripts_and_fails_with_them(windows: Windows, tmp_path: Path) -> None:
    (tmp_path / "Makefile.toml").write_text(MAKEFILE)
    done = windows.make("script", cwd=tmp_path, VALUE="a b")
    assert done.code != 0
    assert "exit code: 3" in done.output
    assert windows.calls("show-args")[0]["argv"] == ["a b"]


@pytest.mark.parametrize(
    "value",
    ["plain", "two words", "a&b", "50%", "%PATH%", "a^b", "wow!", "it's", 'q"q', "(x)", "é日"],
)
def test_arguments_of_commands_arrive_as_they_are(
    windows: Windows, tmp_path: Path, value: str
) -> None:
    (tmp_path / "Makefile.toml").write_text(MAKEFILE)
    assert windows.make("command", cwd=tmp_path, VALUE=value).code == 0
    assert windows.calls("show-args")[0]["argv"] == [value, "two words", "", "tail\\"]


def test_what_is_signed_is_signed_by_the_certificate_of_the_store(
    kits: Windows, image: Path
) -> None:
    make(kits)
    assert sign(kits, *SIGN, "/n", "Test", kits.path(image))[0] == 0
    (certificate,) = kits.certificates()
    signed = Image.read(image)
    offset, size = signed.signature
    assert certificate.der in signed.data[offset : offset + size]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["sign", "/a", "hello.sys"], "No file digest algorithm"),
        (
            ["sign", "/a", "/fd", "sha256", "/tr", "http://127.0.0.1:9/", "hello.sys"],
            "No timestamp digest",
        ),
        (["sign", "/a", "/fd", "sha256", "/td", "sha256", "hello.sys"], "requires the /tr"),
        (
            ["sign", "/fd", "sha256", "/t", "x", "/tr", "x", "/td", "sha256", "hello.sys"],
            "incompatible: /t, /tr",
        ),
        (["sign", "/frobnicate", "hello.sys"], "Invalid option: /frobnicate"),
        (["sign", "/fd", "sha256"], "Missing filename"),
        (["sign", "/fd", "md4", "hello.sys"], "Invalid value for the /fd"),
        (["sign", "/fd", "sha256", "/fd", "sha256", "hello.sys"], "more than once"),
        (["sign", "/a", "hello.sys", "/fd"], "requires a parameter"),
        (["sign", "/fd", "sha256", "/p", "x", "hello.sys"], "requires the /f"),
        (["sign", "/fd", "sha256", "/csp", "x", "hello.sys"], "requires the /kc"),
        (["sign", "/fd", "sha256", "/kc", "x", "hello.sys"], "requires the /csp"),
        (["sign", "/fd", "sha256", "/csp", "x", "/kc", "x", "hello.sys"], "requires the /f"),
        (["sign", "/fd", "sha256", "/dmdf", "x", "hello.sys"], "requires the /dlib"),
        (["sign", "/fd", "sha256", "/f", "x", "/s", "x", "hello.sys"], "incompatible: /f, /s"),
        (["sign", "/fd", "sha256", "/dlib", "none.dll", "hello.sys"], "not found: none.dll"),
        (
            ["sign", "/fd", "sha256", "/f", "hello.sys", "/csp", "x", "/kc", "x", "hello.sys"],
            "key container was not found",
        ),
        ([*SIGN, "/sha1", "12", "hello.sys"], "Invalid SHA1 hash"),
        (["sign", "/fd", "sha256", "/a", "/ac", "none.cer", "hello.sys"], "No certificates"),
        ([*SIGN, "/n", "Test", "/ac", "none.cer", "hello.sys"], "not found: none.cer"),
        (["verify", "/pa", "hello.sys"], "stand-in: signtool verify"),
        (["timestamp", "/v", "hello.sys"], "One of the /t, /tr"),
        (["timestamp", "/tr", "http://127.0.0.1:9/", "hello.sys"], "No timestamp digest"),
        (["timestamp", "/t", "x", "/fd", "sha256", "hello.sys"], "Invalid option: /fd"),
        (["timestamp", "/t", "http://127.0.0.1:9/", "hello.sys"], "timestamp server"),
        (["resign", "hello.sys"], "Invalid command"),
        ([], "required parameter"),
        (["sign", "/a", "/fd", "sha256", "/d", "x", "hello.sys"], "stand-in: signtool's /d"),
        ([*SIGN, "/n", "Nobody", "hello.sys"], "No certificates were found"),
        ([*SIGN, "/n", "Test", "nothing.sys"], "File not found: nothing.sys"),
        (
            [*SIGN, "/n", "Test", "/tr", "http://127.0.0.1:9/", "/td", "sha256", "hello.sys"],
            "attempting to sign",
        ),
    ],
)
def test_signtool_refuses(kits: Windows, image: Path, words: list[str], reason: str) -> None:
    if "Test" in words:
        make(kits)
    before = image.read_bytes()
    code, output = sign(kits, *words)
    assert code == 1
    assert reason in output
    assert image.read_bytes() == before


@pytest.mark.usefixtures("image")
def test_two_certificates_of_one_subject_need_a_choice(kits: Windows) -> None:
    thumbprint = make(kits)
    make(kits, (-1, 90))
    code, output = sign(kits, *SIGN, "/n", "Test", "hello.sys")
    assert (code, "Multiple certificates were found" in output) == (1, True)
    assert sign(kits, *SIGN, "/n", "Test", "/a", "hello.sys")[0] == 0
    assert sign(kits, *SIGN, "/sha1", thumbprint.upper(), "hello.sys")[0] == 0


@pytest.mark.usefixtures("image")
def test_certificates_that_cannot_sign_do_not_count(kits: Windows) -> None:
    make(kits, (-30, -1))
    kits.add_certificate(Identity.make("Test", CODE_SIGNING), "PrivateCertStore")
    other = Identity.make("Test", ExtendedKeyUsageOID.SERVER_AUTH)
    kits.add_certificate(other, "PrivateCertStore", container="another purpose")
    assert len(kits.certificates()) == 3
    assert "No certificates were found" in sign(kits, *SIGN, "/n", "Test", "hello.sys")[1]


@pytest.mark.parametrize("view", [64, 32])
def test_the_registry_tells_where_the_kits_are(windows: Windows, view: int) -> None:
    windows.install_kits(r"C:\Program Files (x86)\Windows Kits\10", registry=[view])
    key = r"HKLM\SOFTWARE\Microsoft\Windows Kits\Installed Roots"
    found = [
        windows.run(["reg", "query", key, "/v", "KitsRoot10", f"/reg:{each}"]).code
        for each in (view, 96 - view)
    ]
    assert found == [0, 1]


def test_cargo_builds_for_windows_and_names_its_files_as_windows_does(
    windows: Windows, tmp_path: Path
) -> None:
    windows.drive("d", tmp_path / "d")
    project = windows.put(r"D:\my project\Cargo.toml", MANIFEST).parent
    windows.put(r"D:\my project\src\lib.rs", DRIVER)
    windows.put(r"D:\my project\.cargo\config.toml", CARGO_CONFIG)
    target = "x86_64-pc-windows-msvc"
    done = windows.batch(
        f"cargo build --target {target} --message-format json-render-diagnostics", project
    )
    assert done.code == 0, done.output
    dll = rf"D:\my project\target\{target}\debug\hello.dll"
    assert json.dumps(dll) in done.stdout
    assert windows.unix(dll).is_file()


def test_cargo_passes_its_exit_code_on(windows: Windows, tmp_path: Path) -> None:
    done = windows.run(["cargo", "build"], tmp_path)
    assert done.code == 101
    assert "could not find `Cargo.toml`" in done.stderr


def test_a_build_script_compiled_for_windows_reads_the_registry(
    windows: Windows, tmp_path: Path
) -> None:
    windows.drive("d", tmp_path / "d")
    windows.install_kits(r"D:\Windows Kits\10", ["10.0.9.0", "10.0.10.0"])
    source = tmp_path / "build.rs"
    source.write_text(BUILD)
    windows.compile(source, tmp_path / "build.exe")
    done = windows.run([tmp_path / "build.exe"])
    assert done.stdout == "D:\\Windows Kits\\10\\\n10.0.10.0\n10.0.9.0\n"


def test_a_driver_is_signed_installed_and_started(kits: Windows, tmp_path: Path) -> None:
    kits.drive("d", tmp_path)
    kits.put(r"D:\hello\Cargo.toml", MANIFEST)
    kits.put(r"D:\hello\src\lib.rs", DRIVER)
    kits.put(r"D:\hello\.cargo\config.toml", CARGO_CONFIG)
    done = kits.run(["cargo", "build", "--target", "x86_64-pc-windows-msvc"], tmp_path / "hello")
    assert done.code == 0, done.output
    shutil.copy(
        tmp_path / "hello/target/x86_64-pc-windows-msvc/debug/hello.dll", tmp_path / "hello.sys"
    )
    make(kits)
    assert sign(kits, *SIGN, "/n", "Test", "/ph", "hello.sys")[0] == 0
    kits.put(r"C:\hello.sys", tmp_path / "hello.sys")
    steps = [
        ["sc", "create", "hello", "type=", "kernel", "binPath=", r"C:\hello.sys"],
        ["sc", "start", "hello"],
        ["sc", "query", "hello"],
        ["sc", "stop", "hello"],
        ["sc", "delete", "hello"],
    ]
    output = [kits.run(step) for step in steps]
    assert "4  RUNNING" in output[2].stdout, output
    assert [done.code for done in output] == [0] * 5
