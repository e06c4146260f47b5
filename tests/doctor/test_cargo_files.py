"""The configuration files that cargo reads: above the project, at home, and what they include."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from kdrvgen.doctor.cfg import holds_for
from kdrvgen.doctor.tasks import Task
from tests.doctor.support import MANIFEST, Machine
from tests.pipeline.support import CONFIG, X64

NAME = "cargo configuration"
FLAGS = "flags for rustc"


def _put(folder: Path, text: str, name: str = "config.toml") -> Path:
    path = folder / ".cargo" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def _cargo_stops(machine: Machine) -> bool:
    """Return whether the real cargo cannot read its configuration; true for a stand-in."""
    if machine.real("cargo").parent.name == "tools0":
        return True
    argv = ["cargo", "metadata", "--offline", "--no-deps", "--format-version=1"]
    done = subprocess.run(
        argv, cwd=machine.folder, env=machine.env, capture_output=True, text=True, check=False
    )
    return "could not load Cargo configuration" in done.stderr


@pytest.fixture(params=["home", "above", "in home itself"])
def place(request: pytest.FixtureRequest, machine: Machine) -> Path:
    """Return a folder in whose `.cargo` cargo reads a configuration."""
    if request.param == "home":
        return machine.home
    if request.param == "above":
        return machine.home.parent
    machine.env["CARGO_HOME"] = str(machine.home.parent / "elsewhere/.cargo")
    return machine.home.parent / "elsewhere"


@pytest.mark.slow
def test_a_clash_that_stops_cargo_is_named_with_both_files(machine: Machine, place: Path) -> None:
    path = _put(place, f'[target.{X64}]\nrustflags = "-Cx"\n')

    report = machine.doctor()

    assert report.missing == [NAME]
    finding = report.finding(NAME)
    assert finding["place"]["file"] == str(path)
    assert finding["help"] == "write the same type in both files"
    message = finding["message"]
    assert f"`target.{X64}.rustflags` is a single value here and an array in" in message
    assert str(machine.folder / ".cargo/config.toml") in message
    assert set(finding["tags"]) == set(Task)
    assert _cargo_stops(machine)


@pytest.mark.one_in(8)
def test_a_damaged_file_is_named_with_its_line_and_cargo_make_is_not_blamed(
    machine: Machine, place: Path
) -> None:
    path = _put(place, '[build]\njobs = 1\n[build\ntoken = "abc"\n')

    report = machine.doctor()

    assert report.missing == [NAME]
    found = report.finding(NAME)["place"]
    assert (found["file"], found["line"], found["column"]) == (str(path), 3, 2)
    assert report.finding("cargo-make")["severity"] == "ok"
    assert "abc" not in report.text
    assert _cargo_stops(machine)


def test_a_folder_or_a_pipe_in_the_place_of_a_configuration_stops_cargo(machine: Machine) -> None:
    path = machine.home.parent / ".cargo/config.toml"  # above the project
    path.mkdir(parents=True)

    for kind in ("a folder", "a device or a pipe"):
        report = machine.doctor("--for", "build")

        assert report.missing == [NAME]
        assert f"this is {kind}, not a" in report.finding(NAME)["message"]
        assert report.finding(NAME)["place"]["file"] == str(path)
        if path.is_dir():
            path.rmdir()
            os.mkfifo(path)


def test_files_without_a_clash_are_listed_in_the_order_of_their_priority(machine: Machine) -> None:
    own = machine.folder / ".cargo/config.toml"
    home = _put(machine.home, "[net]\nretry = 1\n[alias]\nb = 'build'\n")
    above = _put(machine.home.parent, "[net]\nretry = 'x'\n[alias]\nc = 'clean'\n")

    message = machine.doctor().finding(NAME)["message"]

    assert message.endswith(f"cargo reads {own}, {home}, {above}")


def test_the_older_name_hides_the_newer_one(machine: Machine) -> None:
    old = _put(machine.home, "[net]\n", "config")
    _put(machine.home, "[net\n")

    assert f", {old}" in machine.doctor().finding(NAME)["message"]


def test_an_included_file_is_read_with_a_lower_priority(machine: Machine) -> None:
    path = _put(machine.home, 'include = ["a.toml", { path = "none.toml", optional = true }]\n')
    included = _put(machine.home, 'include = "config.toml"\n[net]\n', "a.toml")
    assert f"{path}, {included}" in machine.doctor().finding(NAME)["message"]

    # Of several, cargo lets the last one win.
    _put(machine.home, 'include = ["a.toml", "b.toml"]\n')
    later = _put(machine.home, "[net]\n", "b.toml")
    assert f"{path}, {later}, {included}" in machine.doctor().finding(NAME)["message"]

    _put(machine.home, f'include = ["a.toml"]\n[target.{X64}]\nrustflags = ["-Cy"]\n')
    _put(machine.home, f'[target.{X64}]\nrustflags = "-Cx"\n', "a.toml")
    assert machine.doctor().finding(NAME)["place"]["file"] == str(included)

    _put(machine.home, 'include = [{ path = "none.toml" }]\n')
    finding = machine.doctor().finding(NAME)
    assert "does not exist" in finding["message"]
    assert finding["place"]["file"].endswith("none.toml")

    path = _put(machine.home, "include = [{ optional = false }]\n")
    assert machine.doctor().finding(NAME)["place"]["file"] == str(path.parent)


@pytest.mark.parametrize("by_variable", [False, True])
def test_an_alias_in_place_of_cargo_make_is_an_error(machine: Machine, by_variable: bool) -> None:
    if by_variable:
        machine.env["CARGO_ALIAS_MAKE"] = "build"
    else:
        path = _put(machine.home, '[alias]\nmake = "build"\n')

    report = machine.doctor()

    assert report.missing == [NAME]
    finding = report.finding(NAME)
    assert "which `cargo make` runs instead of cargo-make" in finding["message"]
    assert finding["place"]["file"] == ("CARGO_ALIAS_MAKE" if by_variable else str(path))


@pytest.mark.one_in(8)
@pytest.mark.parametrize("key", ["rustc", "rustc-wrapper", "rustc-workspace-wrapper"])
def test_a_compiler_or_wrapper_that_does_not_exist_is_an_error(machine: Machine, key: str) -> None:
    path = _put(machine.home, f'[build]\n{key} = "no-such-program"\n')
    finding = machine.doctor().finding(NAME)
    assert f"build.{key} is `no-such-program`, which does not exist" in finding["message"]
    assert finding["place"]["file"] == str(path)

    machine.install("no-such-program", "")
    assert machine.doctor().finding(NAME)["severity"] == "ok"

    _put(machine.home, f'[build]\n{key} = "tools/wrapper"\n')
    finding = machine.doctor().finding(NAME)
    assert f"`{machine.home}/tools/wrapper`" in finding["message"]

    variable = key.upper().replace("-", "_")
    assert machine.with_env(**{variable: ""}).doctor().finding(NAME)["severity"] == "ok"
    finding = machine.with_env(**{f"CARGO_BUILD_{variable}": "none"}).doctor().finding(NAME)
    assert finding["place"]["file"] == f"CARGO_BUILD_{variable}"


@pytest.mark.slow
@pytest.mark.parametrize("by_variable", [False, True])
def test_a_setting_by_which_a_profile_unwinds_is_an_error(
    machine: Machine, by_variable: bool
) -> None:
    text = "[profile.dev]\npanic = 'unwind'\n[profile.fast-lab]\npanic = 'unwind'\n"
    path = _put(machine.home, text)
    # The project's own file comes first.
    assert machine.doctor("--for", "build").finding(NAME)["severity"] == "ok"

    machine.configure(CONFIG + '[profiles.lab]\ncargo-profile = "fast-lab"\n')
    lab = "[profile.fast-lab]\ninherits = 'release'\n[profile.release]\npanic = 'abort'\n"
    (machine.folder / "Cargo.toml").write_text(MANIFEST + lab, encoding="utf-8")
    machine.kdrvgen("config.toml")
    if by_variable:
        machine.env["CARGO_PROFILE_FAST_LAB_PANIC"] = "abort"
        assert machine.doctor("--profile", "lab", "--for", "build").code == 0
        machine.env["CARGO_PROFILE_FAST_LAB_PANIC"] = "unwind"
    assert machine.doctor("--for", "build").code == 0

    report = machine.doctor("--profile", "lab", "--for", "build")

    assert report.missing == [NAME]
    finding = report.finding(NAME)
    assert "profile.fast-lab.panic is `unwind`, but the kernel" in finding["message"]
    place = "CARGO_PROFILE_FAST_LAB_PANIC" if by_variable else str(path)
    assert finding["place"]["file"] == place

    machine.configure(
        CONFIG.replace("[signing]", 'model = "umdf"\n[signing]')
        + '[profiles.lab]\ncargo-profile = "fast-lab"\n'
    )
    machine.kdrvgen("config.toml")
    report = machine.doctor("--profile", "lab", "--for", "build")
    assert report.finding(NAME)["severity"] == "ok"


# --- flags for rustc --------------------------------------------------------------------------


@pytest.mark.one_in(8)
@pytest.mark.parametrize(
    ("table", "flags"),
    [
        (f"[target.{X64}]", '["--cfg=own", "-Cx=y"]'),
        (f"[target.{X64}]", '[ "--cfg=own", "-Cx=y" ]'),
        ("[target.'cfg(all(windows, target_env = \"msvc\"))']", '["--cfg=own", "-Cx=y"]'),
    ],
)
def test_flags_that_reach_rustc_are_a_note_with_their_file(
    machine: Machine, place: Path, table: str, flags: str
) -> None:
    path = _put(place, f"{table}\nrustflags = {flags}\n")

    report = machine.doctor("--for", "build")

    assert report.code == 0
    finding = report.finding(FLAGS)
    assert finding["severity"] == "note"
    assert f"{X64}: --cfg=own -Cx=y reaches rustc" in finding["message"]
    assert finding["place"]["file"] == str(path)
    assert "linker.rustflags of config.toml" in finding["help"]


def test_flags_of_build_apply_only_if_the_target_has_none(machine: Machine) -> None:
    path = _put(machine.home, '[build]\nrustflags = "--cfg=own"\n')
    assert machine.doctor("--for", "build").finding(FLAGS)["severity"] == "ok"

    machine.configure(CONFIG + '[linker]\nemit = "build-script"\n')
    machine.kdrvgen("config.toml")
    finding = machine.doctor("--for", "build").finding(FLAGS)
    assert "--cfg=own reaches rustc" in finding["message"]
    assert finding["place"]["file"] == str(path)

    _put(machine.home.parent, f'[target.{X64}]\nrustflags = ["--cfg=other"]\n')
    assert "--cfg=other" in machine.doctor("--for", "build").finding(FLAGS)["message"]


def test_flags_of_other_targets_and_of_the_project_itself_are_not_reported(
    machine: Machine,
) -> None:
    text = "[target.x86_64-unknown-linux-gnu]\nrustflags = ['-Ca']\n"
    _put(machine.home, text + "[target.'cfg(unix)']\nrustflags = ['-Cb']\n")

    assert machine.doctor("--for", "build").finding(FLAGS)["severity"] == "ok"

    machine.configure(CONFIG + '[linker]\nrustflags = ["--cfg=mine"]\n')
    machine.kdrvgen("config.toml")
    assert machine.doctor("--for", "build").finding(FLAGS)["severity"] == "ok"


def test_a_reproducible_build_allows_no_flags_from_elsewhere(machine: Machine) -> None:
    _put(machine.home, f"[target.{X64}]\nrustflags = ['--cfg=own']\n")
    machine.configure(CONFIG + "[linker]\nreproducible = true\n")
    machine.kdrvgen("config.toml")

    report = machine.doctor("--for", "build")

    assert report.missing == [FLAGS]
    assert "linker.reproducible allows no flags" in report.finding(FLAGS)["message"]


@pytest.mark.parametrize("flags", ["'-Ctarget-cpu=x86-64-v3'", "'-C', 'target-feature=+avx2'"])
def test_flags_that_turn_avx_on_are_an_error(machine: Machine, flags: str) -> None:
    _put(machine.home, f"[target.{X64}]\nrustflags = [{flags}, '-Zcodegen-backend=/evil.so']\n")
    log = machine.home / "log"
    real = machine.real("rustc")
    machine.install(
        "rustc",
        f'echo "$@" >> {log}\n'
        f'case "$*" in *target-[cf]*) echo \'target_feature="avx"\'; exit;; esac\n'
        f'exec {real} "$@"',
    )

    report = machine.doctor("--for", "build")

    assert report.missing == [FLAGS]
    assert "turns on avx, which kernel code must not use" in report.finding(FLAGS)["message"]
    asked = log.read_text("utf-8")
    assert "backend" not in asked
    assert f"--print cfg --target {X64} -C target-" in asked


@pytest.mark.slow
@pytest.mark.parametrize("_tools", ["real tools"], indirect=True, scope="session")
def test_rustc_itself_says_whether_flags_turn_avx_on(machine: Machine) -> None:
    for cpu, missing in (("x86-64-v2", []), ("x86-64-v3", [FLAGS])):
        _put(machine.home, f"[target.{X64}]\nrustflags = ['-Ctarget-cpu={cpu}']\n")
        assert machine.doctor("--for", "build").missing == missing, cpu


# --- the linker for build.rs ------------------------------------------------------------------


def test_the_linker_of_the_host_is_the_one_that_cargo_reads(machine: Machine) -> None:
    table = "[target.x86_64-unknown-linux-gnu]\n"
    path = _put(machine.home, table + 'linker = "own-cc"\n')
    finding = machine.doctor("--for", "build").finding("host linker")
    assert finding["severity"] == "error"
    assert "linker is `own-cc`, which does not exist" in finding["message"]
    assert finding["place"]["file"] == str(path)

    machine.install("own-cc", "echo own 1.0")
    assert "own 1.0" in machine.doctor("--for", "build").finding("host linker")["message"]

    machine.configure(CONFIG + table.replace("[", "[cargo-config.") + 'linker = "own-cc"\n')
    machine.kdrvgen("config.toml")
    machine.install("own-cc", f"echo > {machine.home}/ran")
    finding = machine.doctor("--for", "build").finding("host linker")
    assert finding["severity"] == "ok"
    assert "not run: " in finding["message"]
    assert not (machine.home / "ran").exists()


# --- conditions -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "is_true"),
    [
        ("cfg(windows)", True),
        ("cfg(unix)", False),
        ('cfg(target_os = "windows")', True),
        ('cfg(target_os="linux")', False),
        ('cfg(target_arch = "x86")', True),
        ('cfg(target_pointer_width = "32")', True),
        ('cfg(target_family = "windows")', True),
        ('cfg(target_vendor = "pc")', True),
        ('cfg(target_env = "gnu")', False),
        ('cfg(target_endian = "little")', True),
        ("cfg(not(unix))", True),
        ("cfg(not(windows))", False),
        ("cfg(all(windows, unix))", False),
        ('cfg(all(windows, not(target_env = "gnu"),))', True),
        ("cfg(any(unix, windows))", True),
        ("cfg(any())", False),
        ("cfg(all())", True),
        ("cfg(true)", True),
        ("cfg(all)", False),
        ("cfg(windows", False),
        ("cfg(any(", False),
        ("cfg(", False),
        ("cfg(windows) ?", False),
        ("windows", False),
        ("i686-pc-windows-msvc", False),
    ],
)
def test_a_condition_of_a_target_is_evaluated_for_it(condition: str, is_true: bool) -> None:
    assert holds_for(condition, "i686-pc-windows-msvc") is is_true
