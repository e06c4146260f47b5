"""The stand-ins keep to what is documented of the programs they stand in for."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from tests.windows.bed import Windows

SIGNTOOL = r"C:\Program Files (x86)\Windows Kits\10\bin\10.0.22621.0\x64\signtool.exe"
MAKECERT = SIGNTOOL.replace("signtool", "makecert")
MAKE = ["-r", "-pe", "-ss", "PrivateCertStore", "-a", "sha256", "-eku", "1.3.6.1.5.5.7.3.3"]
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
    let said = Command::new("reg").args(words).output().unwrap();
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
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


def make(kits: Windows, *more: str, name: str = "CN=Test") -> None:
    done = kits.run([MAKECERT, *MAKE, "-n", name, *more])
    assert done.stdout == "Succeeded\n", done.said


def sign(kits: Windows, *words: str) -> tuple[int, str]:
    done = kits.run([SIGNTOOL, *words])
    return done.code, done.said


def test_cargo_make_runs_scripts_and_fails_with_them(windows: Windows, tmp_path: Path) -> None:
    (tmp_path / "Makefile.toml").write_text(MAKEFILE)
    done = windows.make("script", cwd=tmp_path, VALUE="a b")
    assert done.code != 0
    assert "exit code: 3" in done.said
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


def test_what_was_signed_with_a_made_certificate_verifies_once_trusted(
    kits: Windows, image: Path
) -> None:
    make(kits, str(kits.path(image.with_name("Test.cer"))))
    assert sign(kits, *SIGN, "/n", "Test", kits.path(image))[0] == 0
    assert sign(kits, "verify", "/pa", kits.path(image))[0] == 1
    trusted = kits.run(
        ["certutil", "-user", "-addstore", "Root", kits.path(image.with_name("Test.cer"))]
    )
    assert trusted.code == 0, trusted.said
    assert sign(kits, "verify", "/pa", kits.path(image)) == (
        0,
        f"Successfully verified: {kits.path(image)}\n",
    )
    assert sign(kits, "verify", "/kp", kits.path(image))[0] == 1


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
        (["verify", "/pa", "/kp", "hello.sys"], "incompatible: /pa, /kp"),
        (["verify", "/pa", "hello.sys"], "No signature found"),
        (["verify", "/pa", "nothing.sys"], "File not found"),
        (["resign", "hello.sys"], "Invalid command"),
        ([], "required parameter"),
        (["timestamp", "/t", "x", "hello.sys"], "stand-in: signtool timestamp"),
        (["sign", "/a", "/fd", "sha256", "/d", "x", "hello.sys"], "stand-in: signtool's /d"),
        (["verify", "/tw", "hello.sys"], "stand-in: signtool's /tw"),
        ([*SIGN, "/n", "Nobody", "hello.sys"], "No certificates were found"),
        ([*SIGN, "/n", "Test", "nothing.sys"], "File not found: nothing.sys"),
        (
            [*SIGN, "/n", "Test", "/tr", "http://127.0.0.1:9/", "/td", "sha256", "hello.sys"],
            "timestamp server",
        ),
    ],
)
def test_signtool_refuses(kits: Windows, image: Path, words: list[str], reason: str) -> None:
    if "Test" in words:
        make(kits)
    before = image.read_bytes()
    code, said = sign(kits, *words)
    assert code == 1
    assert reason in said
    assert image.read_bytes() == before


@pytest.mark.usefixtures("image")
def test_two_certificates_of_one_subject_need_a_choice(kits: Windows) -> None:
    make(kits)
    make(kits, "-e", "01/01/2030")
    code, said = sign(kits, *SIGN, "/n", "Test", "hello.sys")
    assert (code, "Multiple certificates were found" in said) == (1, True)
    assert sign(kits, *SIGN, "/n", "Test", "/a", "hello.sys")[0] == 0
    (thumbprint, _) = (file.stem for file in kits.certificates())
    assert sign(kits, *SIGN, "/sha1", thumbprint, "hello.sys")[0] == 0


@pytest.mark.usefixtures("image")
def test_expired_certificates_and_other_usages_do_not_count(kits: Windows) -> None:
    make(kits, "-b", "01/01/2020", "-e", "01/01/2021")
    words = [word if word != "1.3.6.1.5.5.7.3.3" else "1.3.6.1.5.5.7.3.1" for word in MAKE]
    assert kits.run([MAKECERT, *words, "-n", "CN=Test"]).code == 0
    assert len(kits.certificates()) == 2
    assert "No certificates were found" in sign(kits, *SIGN, "/n", "Test", "hello.sys")[1]


def test_certutil_lists_and_removes_by_thumbprint(kits: Windows) -> None:
    make(kits, name="CN=Größe & Söhne")
    (file,) = kits.certificates()
    for language in ("en", "de"):
        done = kits.run(
            ["certutil", "-user", "-store", "PrivateCertStore"],
            env={"KDRVGEN_FAKE_LANGUAGE": language},
        )
        assert re.findall(r"\b[0-9a-f]{40}\b", done.stdout)[-1] == file.stem
        assert "CN=Größe & Söhne" in done.stdout
    assert kits.run(["certutil", "-user", "-delstore", "PrivateCertStore", file.stem]).code == 0
    assert kits.certificates() == []
    assert kits.run(["certutil", "-user", "-store", "PrivateCertStore", file.stem]).code != 0


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["-n", "CN=Test", "test.cer"], "only self-signed"),
        (["-r", "-ss", "x", "-frob"], "Unknown option: -frob"),
        (["-r", "-ss"], "Missing value for -ss"),
        (["-r", "-r", "-ss", "x"], "Option given twice"),
        (["-r", "a.cer", "b.cer"], "Too many parameters"),
        (["-r", "-n", "CN=Test"], "outputCertificateFile or -ss"),
        (["-r", "-ss", "x", "-n", "Test"], "CertStrToName"),
        (["-r", "-ss", "x", "-n", 'CN="Test'], "CertStrToName"),
        (["-r", "-ss", "x", "-sr", "nowhere"], "Unknown store location"),
        (["-r", "-ss", "x", "-a", "md4"], "Unknown algorithm"),
        (["-r", "-ss", "x", "-len", "many"], "Invalid key length"),
        (["-r", "-ss", "x", "-m", "many"], "Invalid number of months"),
        (["-r", "-ss", "x", "-m", "1", "-e", "01/01/2030"], "exclude each other"),
        (["-r", "-ss", "x", "-e", "2030-01-01"], "Invalid date"),
        (["-r", "-ss", "x", "-eku", "codeSigning"], "Invalid object identifier"),
        (["-r", "-ss", "x", "-sk", "key"], "stand-in: makecert's -sk"),
    ],
)
def test_makecert_refuses(kits: Windows, words: list[str], reason: str) -> None:
    done = kits.run([MAKECERT, *words])
    assert done.code == 1
    assert reason in done.said
    assert not kits.certificates("x")


@pytest.mark.parametrize(
    "words",
    [
        ["-user", "-store"],
        ["-user", "-frob", "PrivateCertStore"],
        ["-user", "-silent", "-delstore", "PrivateCertStore", "Test"],
        ["-user", "-store", "none"],
        ["-user", "-delstore", "PrivateCertStore", "Nobody"],
        ["-user", "-addstore", "Root", "none.cer"],
        ["-user", "-addstore", "Root", "hello.sys"],
        ["-user", "-store", "PrivateCertStore", "Test", "hello.sys"],
        ["-store", "PrivateCertStore"],
    ],
)
def test_certutil_refuses(kits: Windows, image: Path, words: list[str]) -> None:
    make(kits)
    before = image.read_bytes()
    assert kits.run(["certutil", *words]).code != 0
    assert image.read_bytes() == before
    assert len(kits.certificates()) == 1


def test_certutil_exports_a_certificate_over_a_file_only_when_forced(
    kits: Windows, image: Path
) -> None:
    make(kits)
    words = ["-user", "-silent", "-store", "PrivateCertStore", "Test", kits.path(image)]
    assert kits.run(["certutil", "-f", *words]).code == 0
    made = x509.load_der_x509_certificate(image.read_bytes())
    assert made.fingerprint(hashes.SHA1()).hex() == kits.certificates()[0].stem  # noqa: S303 - its name


def test_vswhere_finds_files_in_every_instance_that_is_asked_for(windows: Windows) -> None:
    build_tools = r"C:\Program Files (x86)\Microsoft Visual Studio\2019\BuildTools"
    windows.install_visual_studio()
    windows.install_visual_studio(
        build_tools, "16.1.1.1", "Microsoft.VisualStudio.Product.BuildTools"
    )
    file = windows.path(windows.put(rf"{build_tools}\a\b\signtool.exe"))
    place = r"C:\Program Files (x86)\Microsoft Visual Studio\Installer\vswhere.exe"
    find = ["-find", r"**\signtool.exe"]
    assert windows.run([place, *find]).stdout == ""
    assert windows.run([place, "-products", "*", *find]).stdout == f"{file}\n"
    assert windows.run([place, "-frob"]).code == 87
    assert windows.run([place, "-find"]).code == 87


def test_vswhere_finds_the_newest_instance(windows: Windows) -> None:
    windows.install_visual_studio()
    newer = r"D:\VS\2026\Enterprise"
    windows.drive("d", windows.home / "d")
    windows.install_visual_studio(newer, "18.10.1.2", "Microsoft.VisualStudio.Product.Enterprise")
    place = r"C:\Program Files (x86)\Microsoft Visual Studio\Installer\vswhere.exe"
    done = windows.run([place, "-latest", "-property", "installationPath"])
    assert done.stdout == newer + "\n"


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
    assert done.code == 0, done.said
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
    assert done.code == 0, done.said
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
    said = [kits.run(step) for step in steps]
    assert "4  RUNNING" in said[2].stdout, said
    assert [done.code for done in said] == [0] * 5


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("fc /b a b", 0),
        ("fc /b a c", 1),
        ("fc /b a none", 2),
        ('findstr /x /c:"two words" c', 0),
        ("findstr /b /i TWO c", 0),
        ('findstr /r "^[a-z]* w.*s$" c', 0),
        ("findstr /x two c", 1),
        ("where /q cargo-make", 0),
        ("where /q signtool", 1),
    ],
)
def test_comparing_and_searching_tell_by_their_exit_code(
    windows: Windows, tmp_path: Path, command: str, code: int
) -> None:
    for name, text in (("a", "one\n"), ("b", "one\n"), ("c", "two words\n")):
        (tmp_path / name).write_text(text)
    assert windows.batch(f"{command} >nul 2>nul\nexit /b %errorlevel%", tmp_path).code == code


def test_powershell_does_what_a_batch_file_does_in_its_place(windows: Windows) -> None:
    batch = windows.put(r"C:\made\make.bat", "@exit /b 4\n")
    env = {"KDRVGEN_FAKE_POWERSHELL": windows.path(batch)}
    assert windows.run(["powershell", "-Command", "Get-Date"], env=env).code == 4


def test_powershell_is_recorded_and_fails(windows: Windows) -> None:
    done = windows.batch('powershell -NoProfile -Command "exit 0"\nexit /b %errorlevel%')
    assert done.code == 1
    assert windows.calls("powershell")[0]["argv"] == ["-NoProfile", "-Command", "exit 0"]
