"""`kdrvgen doctor`: what --fix runs, how it asks, and how the command ends."""

from __future__ import annotations

import http.server
import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doctor.support import Machine
from tests.pipeline.support import CONFIG, X64
from tests.program import run_kdrvgen
from tests.serving import serving

pty = pytest.importorskip("pty", reason="needs Linux or macOS")

CHANGED = CONFIG + '[linker]\nargs = ["/MAP"]\n'


# --- --fix ------------------------------------------------------------------------------------


def test_fix_without_a_terminal_lists_the_commands_and_runs_none(machine: Machine) -> None:
    machine.configure(CHANGED)
    before = (machine.folder / "build.rs").read_bytes()

    done = machine.kdrvgen("doctor", "--fix")

    assert done.returncode == 2
    assert "-m kdrvgen config.toml" in done.stdout
    assert "--yes" in done.stdout
    assert (machine.folder / "build.rs").read_bytes() == before


@pytest.mark.slow
def test_fix_prints_the_command_runs_it_and_checks_again(machine: Machine) -> None:
    machine.configure(CHANGED)
    assert machine.kdrvgen("config.toml", "--check").returncode == 4

    done = machine.kdrvgen("doctor", "--fix", "--yes")

    assert done.returncode == 0, done.stdout
    assert "+ " in done.stdout
    assert machine.kdrvgen("config.toml", "--check").returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 2), ("", 2)])
def test_fix_asks_on_a_terminal(machine: Machine, answer: str, code: int) -> None:
    machine.configure(CHANGED)
    ours, theirs = pty.openpty()
    os.write(ours, f"{answer}\n".encode())
    done = run_kdrvgen("doctor", "--fix", cwd=machine.folder, env=machine.env, stdin=theirs)
    os.close(ours)
    os.close(theirs)

    assert done.returncode == code, done.stderr
    assert "Run these commands? [y/N]" in done.stderr
    assert machine.kdrvgen("config.toml", "--check").returncode == (0 if code == 0 else 4)


def test_fix_installs_with_apt_get_and_rustup(machine: Machine) -> None:
    sysroot = machine.own_toolchain()
    real = machine.real("osslsigncode")
    machine.uninstall("osslsigncode")
    library = sysroot / "lib/rustlib" / X64 / "lib"
    machine.install("sudo", 'exec "$@"')
    machine.install("apt-get", f'[ "$1" != install ] || /bin/ln -s {real} {machine.home}/bin/"$3"')
    machine.install("rustup", f"/bin/mkdir -p {library}; echo > {library}/libcore-1.rlib")

    report = machine.doctor("--fix", "--yes")

    assert report.code == 0, report.text
    update, install, target = (
        report.text.index(part)
        for part in (
            "apt-get update",
            "apt-get install",
            f"+ rustup target add --toolchain mine {X64}",
        )
    )
    assert target < update < install


def test_a_command_that_fails_is_reported_and_its_subject_stays_missing(
    machine: Machine,
) -> None:
    machine.uninstall("osslsigncode")
    machine.install("sudo", 'exec "$@"')
    machine.install("apt-get", "exit 100")

    report = machine.doctor("--fix", "--yes")

    assert report.code == 7
    assert report.missing == ["osslsigncode"]
    assert "ended with exit code 100" in report.text


def test_fix_succeeds_without_asking_when_nothing_is_missing(machine: Machine) -> None:
    assert machine.kdrvgen("doctor", "--fix").returncode == 0


# --- the network, only with --network ---------------------------------------------------------


@pytest.fixture
def server() -> Iterator[str]:
    class Refuse(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_error(405)

        def log_message(self, *_: object) -> None:
            pass

    with serving(Refuse) as url:
        yield url


def test_network_checks_the_timestamp_server(machine: Machine, server: str) -> None:
    machine.configure(CONFIG.replace('""', f'"{server}"'))

    assert (
        machine.doctor("--network", "--for", "sign").finding("timestamp")["place"]["file"] == server
    )


def test_a_timestamp_server_that_does_not_answer_is_reported_only_with_network(
    machine: Machine,
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        machine.configure(CONFIG.replace('""', f'"http://127.0.0.1:{taken.getsockname()[1]}"'))
        machine.kdrvgen("config.toml")

        assert machine.doctor().code == 0
        assert machine.doctor("--network").missing == ["timestamp"]


# --- arguments and output ------------------------------------------------------


def test_each_line_has_the_state_the_tasks_the_place_and_the_remedy(machine: Machine) -> None:
    machine.uninstall("cargo-make")

    done = machine.kdrvgen("doctor")

    assert done.returncode == 7
    lines = done.stdout.splitlines()
    (at,) = [
        index
        for index, line in enumerate(lines)
        if line.startswith("missing    all") and "cargo-make:" in line
    ]
    assert " all " in lines[at]
    assert lines[at + 1].strip() == "-> cargo install --locked cargo-make"
    (cargo,) = [
        line for line in lines if line.startswith("found      build ") and " cargo: " in line
    ]
    assert " build " in cargo
    assert str(machine.home / "bin/cargo") in cargo

    quiet = machine.kdrvgen("doctor", "-q").stdout
    assert "cargo-make" in quiet
    assert "rustc" not in quiet


def test_the_github_format_annotates_each_missing_thing(machine: Machine) -> None:
    machine.uninstall("cargo-make")

    output = machine.kdrvgen("doctor", "--format", "github").stdout

    assert "::error::cargo-make: is not installed" in output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--for", "build,lunch"],
            "`lunch` is not a task; the tasks are build, sign, verify, package, submission",
        ),
        (["--yes"], "--yes requires --fix"),
        (
            ["--profile", "prod"],
            "the project has no profile `prod`. Its profiles are development, production",
        ),
        (["--time-limit", "never"], "`never` is not a number of seconds"),
        (["other.toml"], "other.toml does not exist"),
    ],
)
def test_wrong_arguments_are_a_usage_error(
    machine: Machine, words: list[str], message: str
) -> None:
    done = machine.kdrvgen("doctor", *words)

    assert done.returncode == 2
    assert message in done.stdout


def test_an_invalid_configuration_ends_with_3_before_any_check(machine: Machine) -> None:
    machine.configure("[driver]\n")

    assert machine.kdrvgen("doctor").returncode == 3


@pytest.mark.slow
def test_doctor_checks_and_fixes_the_project_of_the_named_configuration(
    machine: Machine, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    shutil.copytree(machine.folder, other, ignore=shutil.ignore_patterns("Makefile.toml"))

    report = machine.doctor("../../other/config.toml", "--fix", "--yes")

    assert report.code == 0, report.text
    assert (other / "Makefile.toml").is_file()
    assert report.finding("project")["place"]["file"] == str(other)


# --- several projects -------------------------------------------------------------------------


def test_doctor_of_a_workspace_checks_all_drivers_and_the_machine_once(machine: Machine) -> None:
    workspace = machine.home / "workspace"
    for name in ("alpha", "beta"):
        (workspace / name).mkdir(parents=True)
        (workspace / name / "config.toml").write_text(
            f'[driver]\nname = "{name}"\n', encoding="utf-8"
        )
    (workspace / "Cargo.toml").write_text('[workspace]\nmembers = ["*"]\n', encoding="utf-8")

    done = run_kdrvgen("doctor", cwd=workspace, env=machine.env)

    assert done.returncode == 7
    assert done.stdout.count("generated files") == 2
    assert done.stdout.count("  cargo-make") == 1
    assert "kdrvgen alpha/config.toml" in done.stdout.replace("-m ", "")
    assert "kdrvgen beta/config.toml" in done.stdout.replace("-m ", "")


def test_doctor_below_a_project_checks_the_project(machine: Machine) -> None:
    (machine.folder / "src").mkdir(exist_ok=True)
    done = run_kdrvgen("doctor", "--for", "build", cwd=machine.folder / "src", env=machine.env)
    assert "generated files" in done.stdout
