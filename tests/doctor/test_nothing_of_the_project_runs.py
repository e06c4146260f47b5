"""doctor runs no program that the project names or holds: each test plants one that would tell."""

from __future__ import annotations

import dataclasses
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from kdrvgen import Driver, Linker, Project, Signing
from kdrvgen.doctor.fix import run as run_command
from kdrvgen.doctor.host import Host, this_host
from kdrvgen.doctor.probes.linker import linkers
from kdrvgen.doctor.probes.sdk import find_tool
from kdrvgen.doctor.probes.signing import signing_tool
from tests.doctor.support import TOOLS, Machine
from tests.pipeline.support import CONFIG
from tests.program import run_kdrvgen
from tests.tools import need

CARGO_CONFIG = ".cargo/config.toml"


class Trap:
    """A program that leaves a mark when it runs."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark
        self.script = f'echo "$0 $*" >> {mark}; echo LLD 99.0.0'

    def set(self, path: Path) -> Path:
        """Write the program to a path."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{self.script}\n", encoding="utf-8")
        path.chmod(0o755)
        return path

    def assert_untouched(self) -> None:
        """Check that no program ran."""
        assert not self.mark.exists(), self.mark.read_text("utf-8")


@pytest.fixture
def trap(tmp_path: Path) -> Trap:
    return Trap(tmp_path / "ran")


@pytest.fixture(params=[(), ("--fix", "--yes")], ids=["checks", "fixes"])
def doctor(request: pytest.FixtureRequest, machine: Machine) -> Callable[..., str]:
    """Run doctor for all tasks, with and without --fix, and return its output."""

    def run(*words: str, on: Machine = machine) -> str:
        words = ("doctor", "--for", "verify,smoke", *request.param, *words)
        return on.kdrvgen(*words).stdout

    return run


@pytest.mark.slow
@pytest.mark.parametrize("program", ["tools/lld-link", "{folder}/tools/lld-link", "{home}/own-lld"])
def test_a_linker_that_the_configuration_names(
    machine: Machine, trap: Trap, doctor: Callable[..., str], program: str
) -> None:
    path = program.format(folder=machine.folder, home=machine.home)
    trap.set(machine.folder / path)
    machine.configure(CONFIG + f'[linker]\nprogram = "{path}"\n')

    output = doctor()

    assert "not run: the project names it" in output
    trap.assert_untouched()


def test_a_linker_for_build_rs_that_a_cargo_configuration_above_the_project_names(
    machine: Machine, trap: Trap, doctor: Callable[..., str]
) -> None:
    machine.env["CARGO_HOME"] = str(machine.home.parent / "elsewhere")
    trap.set(machine.home / "tools/cc")
    path = machine.home / CARGO_CONFIG
    path.parent.mkdir()
    table = "[target.x86_64-unknown-linux-gnu]\n"
    path.write_text(f'{table}linker = "tools/cc"\n', encoding="utf-8")

    assert f"{machine.home}/tools/cc, not run: {path} names it" in doctor()
    trap.assert_untouched()


@pytest.mark.slow
def test_a_program_on_the_path_with_a_name_of_the_projects_choice(
    machine: Machine, trap: Trap, doctor: Callable[..., str]
) -> None:
    place = trap.set(machine.home / "bin/shutdown-lld")
    machine.configure(CONFIG + f'[linker]\nprogram = "{place}"\n')

    assert "not run: the project names it" in doctor()
    trap.assert_untouched()


def test_lld_at_its_usual_place_runs_though_the_configuration_names_it(machine: Machine) -> None:
    place = machine.home / "bin/lld-link"
    machine.install("lld-link", "echo LLD 14.0.0")

    for program in ("lld-link", str(place)):
        machine.configure(CONFIG + f'[linker]\nprogram = "{program}"\n')
        assert "LLD 14" in machine.doctor("--for", "build").finding("linker")["message"]


@pytest.mark.one_in(8)
@pytest.mark.parametrize("entry", [".", "", "bin", "./bin", "{folder}/bin", "{home}/link"])
def test_programs_in_the_project_that_a_folder_of_path_leads_to(
    machine: Machine, trap: Trap, doctor: Callable[..., str], entry: str
) -> None:
    (machine.home / "link").symlink_to(machine.folder / "bin")
    for tool in (*TOOLS, "wine64", "apt-get", "sudo", "brew", "lld-link-99"):
        trap.set(machine.folder / "bin" / tool)
        shutil.copy2(machine.folder / "bin" / tool, machine.folder)
    machine.uninstall("openssl", "cc")
    first = entry.format(folder=machine.folder, home=machine.home)

    output = doctor(on=machine.with_env(PATH=f"{first}:{machine.env['PATH']}"))

    # A relative folder leads nowhere; the next one on PATH has the program.
    is_relative = not first.startswith("/")
    assert is_relative == (f"({machine.home}/bin/cargo)" in output)
    assert is_relative != ("is in the project" in output)
    trap.assert_untouched()


def test_a_program_in_the_project_that_a_tool_would_start(
    machine: Machine, trap: Trap, doctor: Callable[..., str]
) -> None:
    trap.set(machine.folder / "bin/helper")
    machine.uninstall("cargo-make")
    machine.install("cargo", "helper; echo cargo 1.91.0")

    output = doctor(on=machine.with_env(PATH=f"{machine.folder}/bin:bin:{machine.env['PATH']}"))

    assert "cargo-make: is not installed" in output
    trap.assert_untouched()


def test_a_library_or_a_configuration_of_a_program_that_a_variable_names(
    machine: Machine, tmp_path: Path
) -> None:
    """Programs load libraries of LD_LIBRARY_PATH and of what OPENSSL_CONF names."""
    seen = tmp_path / "seen"
    machine.install("cargo", f"export -p >> {seen}; echo cargo 1.91.0")
    place = machine.folder / "lib"
    env = {
        "LD_PRELOAD": f"/usr/lib/other.so {place}/evil.so",
        "LD_LIBRARY_PATH": f"/usr/lib:{place}",
        "OPENSSL_CONF": f"{place}/evil.cnf",
        "HARMLESS": "/usr/lib",
    }

    machine.with_env(**env).kdrvgen("doctor", "--for", "build")

    given = set(re.findall(r"export (\w+)=", seen.read_text("utf-8")))
    assert env.keys() & given == {"HARMLESS"}


def test_a_program_in_another_of_several_projects(machine: Machine, trap: Trap) -> None:
    other = machine.home / "other"
    shutil.copytree(machine.folder, other)
    for tool in ("cargo", "rustc", "openssl", "apt-get"):
        trap.set(other / "bin" / tool)
    machine.uninstall("osslsigncode")
    own = machine.with_env(PATH=f"{other}/bin:{machine.env['PATH']}")

    report = own.doctor(".", "../other", "--fix", "--yes")

    assert f"{other}/bin/cargo is in the project" in report.text
    assert f"apt-get was not run, because {other}/bin/apt-get is in the project" in report.text
    trap.assert_untouched()


def test_a_tool_in_the_project_is_a_note_because_the_tasks_may_work(machine: Machine) -> None:
    shutil.copytree(machine.home / "bin", machine.folder / "bin", symlinks=True)
    report = machine.with_env(PATH=str(machine.folder / "bin")).doctor("--for", "verify")

    assert report.code == 0, report.text
    for name in ("cargo", "rustc", "cargo-make", "linker", "openssl", "osslsigncode"):
        finding = report.finding(name)
        assert finding["severity"] == "note", name
        assert "is in the project" in finding["message"], name


@pytest.mark.one_in(8)
@pytest.mark.parametrize("alias", ["make", "version", "--version"])
def test_an_alias_of_cargo(
    machine: Machine, trap: Trap, doctor: Callable[..., str], alias: str
) -> None:
    trap.set(machine.folder / "evil")
    # As cargo does: it looks for an alias in the configuration of the folder that it runs in.
    real = machine.real("cargo")
    machine.install("cargo", f'[ ! -e {CARGO_CONFIG} ] || ./evil; exec {real} "$@"')
    (machine.folder / CARGO_CONFIG).write_text(f'[alias]\n"{alias}" = "run"\n', encoding="utf-8")

    doctor()

    trap.assert_untouched()


@pytest.mark.one_in(8)
@pytest.mark.parametrize("below", ["", "member"])
def test_a_toolchain_at_a_path(
    machine: Machine, trap: Trap, doctor: Callable[..., str], below: str
) -> None:
    machine.env.pop("RUSTUP_TOOLCHAIN", None)  # docs/setup.sh sets it
    root = machine.folder
    folder = root / below
    if below:
        shutil.copytree(root, folder)
    for tool in ("cargo", "rustc"):
        trap.set(root / "toolchain/bin" / tool)
    (root / "rust-toolchain.toml").write_text('[toolchain]\npath = "toolchain"\n', "utf-8")
    # As rustup's programs do: without a variable, they obey the file above them.
    for tool in ("cargo", "rustc"):
        own = machine.real(tool)
        script = f'[ -n "$RUSTUP_TOOLCHAIN" ] && exec {own} "$@"\n'
        script += f'case "$PWD/" in {root}/*) exec {root}/toolchain/bin/{tool};; esac\n'
        machine.install(tool, f'{script}exec {own} "$@"')

    output = run_kdrvgen("doctor", cwd=folder, env=machine.env, merged=True).stdout

    assert f"{root}/rust-toolchain.toml names the path of a toolchain" in output
    doctor(str(folder))
    trap.assert_untouched()


@pytest.mark.parametrize("name", ["own/toolchain", "own\\toolchain"])
def test_a_toolchain_at_a_relative_path(machine: Machine, trap: Trap, name: str) -> None:
    trap.set(machine.folder / "own/toolchain/bin/cargo")
    own = machine.with_env(RUSTUP_TOOLCHAIN=name)
    machine.install("cargo", f"exec {machine.folder}/own/toolchain/bin/cargo")

    message = own.doctor().finding("cargo")["message"]
    assert f"RUSTUP_TOOLCHAIN names the path of a toolchain: {name}" in message
    trap.assert_untouched()


def test_a_toolchain_that_rustup_knows_and_that_is_in_the_project(
    machine: Machine, trap: Trap
) -> None:
    trap.set(machine.folder / "own/bin/cargo")
    toolchains = machine.home / "rustup/toolchains"
    toolchains.mkdir(parents=True)
    (toolchains / "mine").symlink_to(machine.folder / "own")
    own = machine.with_env(RUSTUP_TOOLCHAIN="mine", RUSTUP_HOME=str(toolchains.parent))
    machine.install("cargo", f"exec {toolchains}/$RUSTUP_TOOLCHAIN/bin/cargo")

    assert "the toolchain mine is in the project" in own.doctor().finding("cargo")["message"]
    trap.assert_untouched()


@pytest.mark.slow
@pytest.mark.parametrize("_tools", ["real tools"], indirect=True, scope="session")
def test_rustup_itself_does_not_run_a_toolchain_at_a_path(machine: Machine, trap: Trap) -> None:
    need("rustup")
    machine.env.pop("RUSTUP_TOOLCHAIN", None)
    for tool in ("cargo", "rustc"):
        trap.set(machine.folder / "toolchain/bin" / tool)
    file = machine.folder / "rust-toolchain.toml"
    file.write_text(f'[toolchain]\npath = "{machine.folder}/toolchain"\n', encoding="utf-8")
    subprocess.run(["cargo", "--version"], cwd=machine.folder, env=machine.env, check=True)
    assert trap.mark.exists(), "rustup obeys such a file"
    trap.mark.unlink()

    machine.doctor("--fix", "--yes")

    trap.assert_untouched()


@pytest.mark.slow
@pytest.mark.parametrize("_tools", ["real tools"], indirect=True, scope="session")
def test_cargo_itself_does_not_run_an_alias(machine: Machine, trap: Trap) -> None:
    wrapper = trap.set(machine.folder / "evil")
    (machine.folder / "src").mkdir(exist_ok=True)
    (machine.folder / "src/main.rs").write_text("fn main() {}\n", encoding="utf-8")
    manifest = '[package]\nname = "hello"\nversion = "0.1.0"\n[workspace]\n'
    (machine.folder / "Cargo.toml").write_text(manifest, encoding="utf-8")
    text = f'[alias]\nmake = "run"\n[build]\nrustc-wrapper = "{wrapper}"\n'
    (machine.folder / CARGO_CONFIG).write_text(text, encoding="utf-8")
    subprocess.run(["cargo", "make"], cwd=machine.folder, env=machine.env, check=False)
    assert trap.mark.exists(), "cargo obeys such an alias"
    trap.mark.unlink()

    machine.doctor("--fix", "--yes")

    trap.assert_untouched()


@pytest.mark.slow
@pytest.mark.parametrize("form", ["package", "module"])
def test_a_python_package_of_the_name_kdrvgen(machine: Machine, trap: Trap, form: str) -> None:
    planted = "kdrvgen/__init__.py" if form == "package" else "kdrvgen.py"
    (machine.folder / planted).parent.mkdir(exist_ok=True)
    (machine.folder / planted).write_text(f"open({str(trap.mark)!r}, 'w')\n", encoding="utf-8")
    if form == "package":
        shutil.copy2(machine.folder / planted, machine.folder / "kdrvgen/__main__.py")
    machine.configure(CONFIG + '[linker]\nargs = ["/MAP"]\n')
    # kdrvgen itself starts safely; what it starts must do so too.
    argv = [sys.executable, "-P", "-m", "kdrvgen", "doctor", "--for", "build", "--fix", "--yes"]

    done = subprocess.run(
        argv, cwd=machine.folder, env=machine.env, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    trap.assert_untouched()


# --- Windows: the host is a value -------------------------------------------------------------


@pytest.fixture
def windows(tmp_path: Path) -> Host:
    """A Windows whose current folder is the project's."""
    folder = tmp_path / "project"
    folder.mkdir()
    env = {"PATH": str(tmp_path / "bin"), "SystemRoot": str(tmp_path)}
    return dataclasses.replace(
        this_host(folder, 10, (folder,)), system="windows", env=env, is_elevated=True
    )


def test_the_current_folder_is_no_place_for_programs_on_windows(
    windows: Host, trap: Trap, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(windows.folder)
    for name in ("cargo.exe", "signtool.exe", "Microsoft SDKs/ClickOnce/SignTool/signtool.exe"):
        trap.set(windows.folder / name)
    trap.set(windows.folder / "bin/10.0.1.0/x64/signtool.exe")
    versioned = dataclasses.replace(windows, env={**windows.env, "WindowsSDKVersion": "10.0.1.0"})

    assert not windows.which("cargo")
    assert windows.run(("cargo", "--version")).code is None
    for host in (windows, versioned):
        assert not find_tool(host, "signtool.exe")
    assert run_command(("cargo", "install", "x"), windows) == "is not installed"
    trap.assert_untouched()


def test_a_program_gets_the_extension_that_windows_adds(windows: Host, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    for name in ("cargo", "cargo.exe", "link.exe"):
        (tmp_path / "bin" / name).touch(0o755)

    assert windows.which("cargo") == str(tmp_path / "bin/cargo.exe")
    assert windows.which("link.exe") == str(tmp_path / "bin/link.exe")
    assert windows.which(str(tmp_path / "bin/cargo")) == str(tmp_path / "bin/cargo.exe")


def test_a_signtool_and_a_linker_that_the_configuration_names_do_not_run_on_windows(
    windows: Host, trap: Trap
) -> None:
    trap.set(windows.folder / "tools/signtool.exe")
    trap.set(windows.folder / "tools/lld-link.exe")
    project = Project(
        driver=Driver(name="hello"),
        signing=Signing(signtool="tools/signtool.exe"),
        linker=Linker(program="tools/lld-link.exe"),
    )

    for finding in (*signing_tool(windows, project), *linkers(windows, project, None)):
        assert "not run: the project names it" in finding.message
    trap.assert_untouched()


def test_a_command_of_fix_runs_outside_of_the_project(windows: Host, tmp_path: Path) -> None:
    program = Trap(tmp_path / "ran").set(tmp_path / "bin/cargo")
    program.write_text(f"#!/bin/sh\npwd > {tmp_path}/where\n", encoding="utf-8")
    linux = dataclasses.replace(windows, system="linux", env={"PATH": str(tmp_path / "bin")})

    assert run_command(("cargo", "install", "x"), linux) == ""
    assert (tmp_path / "where").read_text("utf-8").strip() == linux.folder.anchor

    Trap(tmp_path / "ran").set(windows.folder / "cargo")
    own = dataclasses.replace(linux, env={"PATH": str(windows.folder)})
    assert "is in the project" in run_command(("cargo", "install", "x"), own)
    assert not (tmp_path / "ran").exists()
