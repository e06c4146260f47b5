"""Which files of a project adopt reads, and what it makes of their keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from kdrvgen.adopt import read_project
from kdrvgen.adopt.read.findings import DIFFERENCE, HAZARD, UNKNOWN
from tests.adopt.support import LINKED, MANIFEST, adopted, messages

FILES = (
    *("Cargo.toml", "build.rs", "config.toml", "Makefile.toml", "makefile.toml", "justfile"),
    *(".justfile", "Justfile", "rust-toolchain", "rust-toolchain.toml", ".cargo/config"),
    *(".cargo/config.toml", "a.bat", "a.CMD", "a.ps1", "a.sh"),
)


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_a_project_is_read(tmp_path: Path, name: str) -> None:
    for path in {"Cargo.toml", name}:
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(b"\xef\xbb\xbf# one\r\n# two\r\n")

    snapshot = read_project(str(tmp_path))

    assert snapshot.files == dict.fromkeys({"Cargo.toml", name}, "# one\n# two\n")


@pytest.mark.parametrize("name", ["a.exe", "a.txt", "OTHER.md", "src/lib.rs", "Makefile", ".env"])
def test_another_file_is_not_read(tmp_path: Path, name: str) -> None:
    for path in ("Cargo.toml", name):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text("# one\n")

    assert [*read_project(str(tmp_path)).files] == ["Cargo.toml"]


@pytest.mark.parametrize(
    ("file", "text", "named"),
    [
        ("Makefile.toml", "extend = 'sub/x.toml'", "sub/x.toml"),
        ("Makefile.toml", "x = 'sub\\x.cmd'", "sub/x.cmd"),
        ("Makefile.toml", "x = './sub/x.bat'", "sub/x.bat"),
        ("Makefile.toml", "x = '%CD%/sub/x.ps1'", "sub/x.ps1"),
        ("sign.cmd", "call sub\\x.sh", "sub/x.sh"),
        ("Makefile.toml", "env_files = ['sub/x.env']", "sub/x.env"),
        ("Cargo.toml", "[build-dependencies]\nkit = { path = 'sub' }", "sub/src/lib.rs"),
        ("Cargo.toml", "[package]\nbuild = 'sub/x.rs'", "sub/x.rs"),
        ("build.rs", "mod x;", "x.rs"),
        ("build.rs", "pub mod x ;", "build/x.rs"),
    ],
)
def test_a_file_that_another_names_is_read(
    tmp_path: Path, file: str, text: str, named: str
) -> None:
    for path, content in {"Cargo.toml": "", file: text, named: "# seen\n"}.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(content)

    assert read_project(str(tmp_path)).files[named] == "# seen\n"


@pytest.mark.parametrize(
    "key",
    [
        *("skip_core_tasks", "default_to_workspace", "min_version", "reduce_output"),
        *("time_summary", "skip_git_env_info", "skip_rust_env_info", "skip_crate_env_info"),
        *("disable_install", "init_task", "on_error_task", "unstable_features"),
    ],
)
def test_a_key_of_config_that_changes_a_task_is_reported(key: str) -> None:
    adoption = adopted(makefile=f"[config]\n{key} = true\n[tasks.a]\ncommand = 'x'\n")

    is_neutral = key.startswith(("skip_", "default_", "min_", "reduce_", "time_", "disable_"))
    reported = f"config.toml has no key for `config.{key}`" in str(messages(adoption, UNKNOWN))
    assert reported != is_neutral


@pytest.mark.parametrize("key", ["value", "script", "source", "unset", "path", "decode_strategy"])
def test_a_table_of_env_with_a_key_of_cargo_make_is_a_variable(key: str) -> None:
    value = {"script": "['x']", "unset": "true"}.get(key, "'x'")
    makefile = f"[env.name]\n{key} = {value}\n[env.production]\nOTHER = 'y'\n"
    adoption = adopted(makefile=f"{makefile}[tasks.a]\nscript = ['%name% %OTHER%']\n")

    assert "name" in adoption.text.partition("[makefile.env]")[2]
    assert "production" in adoption.project.profiles
    assert "name" not in adoption.project.profiles


def test_a_profile_with_capitals_is_never_selected() -> None:
    adoption = adopted(makefile="[env.Production]\nA = 'b'\n[tasks.a]\nscript = ['%A%']\n")

    (hazard,) = [each for each in adoption.findings if "never selects" in each.message]
    assert (hazard.rule, hazard.severity.name) == (HAZARD, "WARNING")
    assert hazard.message.endswith("never selects `Production`")
    assert hazard.help == "write it as `production` under `[profiles]`"


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=x", "x"),
        (" A = x ", "x"),
        ('A="x y"', "x y"),
        ('A=x\\"y', 'x"y'),
        ("A=", ""),
        ("A=x=y", "x=y"),
        ("A=1\nA=2", "2"),
        ("#A=1\n=1\nB\nA=x", "x"),
        ('A="', '"'),
    ],
)
def test_an_env_file_is_read_as_cargo_make_does(line: str, value: str) -> None:
    adoption = adopted(
        makefile="env_files = ['a.env']\n[tasks.a]\nscript = ['%A%']\n", **{"a.env": line}
    )

    assert dict(adoption.project.makefile.env) == {"A": value}


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        ("[lib]\ncrate-type = ['rlib']", "the library is not a `cdylib`"),
        ("[lib]\ncrate-type = ['staticlib']", "the library is a static library"),
        ("[lib]\ncrate_type = ['cdylib']", ""),
        ("[lib]\ncrate-type = 'cdylib'", ""),
        ("", "the library is not a `cdylib`"),
    ],
)
def test_the_type_of_the_library_is_reported(manifest: str, message: str) -> None:
    cargo = f'[package]\nname = "hello"\nedition = "2021"\n{manifest}\n'

    found = str(messages(adopted(**{"Cargo.toml": cargo}), DIFFERENCE))

    assert ("the library is" in found) == bool(message)
    assert message in found


@pytest.mark.parametrize(
    ("build", "is_reported"),
    [("false", True), ("'other.rs'", True), ("'build.rs'", False), ("'./build.rs'", False)],
)
def test_another_build_script_is_reported(build: str, *, is_reported: bool) -> None:
    manifest = MANIFEST.replace("edition", f"build = {build}\nedition")

    adoption = adopted(**{"Cargo.toml": manifest}, build="fn main() {}")

    message = "the package has no build.rs, or its build script has another name"
    assert (message in str(messages(adoption, DIFFERENCE))) == is_reported


@pytest.mark.parametrize(
    ("profiles", "is_hazard"),
    [("dev", True), ("release", False), ("dev release", False), ("", False)],
)
def test_panic_that_is_set_only_for_dev_is_a_hazard(profiles: str, *, is_hazard: bool) -> None:
    tables = "".join(f"[profile.{name}]\npanic = 'abort'\n" for name in profiles.split())

    adoption = adopted(**{"Cargo.toml": MANIFEST + tables})

    assert ('`panic = "abort"` is set only for dev' in str(messages(adoption, HAZARD))) == is_hazard


def test_flags_for_targets_replace_those_for_all() -> None:
    cargo = (
        f"{LINKED}[target.x86_64-pc-windows-msvc]\n"
        "rustflags = ['-Clink-arg=/DRIVER', '-Clink-arg=/ENTRY:Own']\n"
    )

    assert adopted(cargo=cargo).project.driver.entry_point == "Own"
