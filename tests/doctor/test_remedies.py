"""What corrects a problem: the package manager of each system, and what --fix runs."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from kdrvgen.cli import main
from kdrvgen.doctor.check import Check, Remedy
from kdrvgen.doctor.fix import install, remedies
from kdrvgen.doctor.host import Host, this_host
from kdrvgen.doctor.tasks import Task, needed_for
from tests.doctor.support import Machine

INSTALLED = ("apt-get", "install", "--yes")


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A machine without programs."""
    (tmp_path / "bin").mkdir()
    env = {"PATH": str(tmp_path / "bin")}
    return dataclasses.replace(this_host(tmp_path, 5), system="linux", env=env, is_elevated=False)


def _with(host: Host, *programs: str) -> Host:
    for program in programs:
        (host.folder / "bin" / program).touch(0o755)
    return host


def test_apt_get_runs_with_sudo_unless_the_user_is_root(host: Host) -> None:
    _with(host, "apt-get", "brew")
    assert install(host, "cc") == Remedy("as root, run: apt-get install gcc")

    root = dataclasses.replace(host, is_elevated=True)
    update = ("apt-get", "update")
    assert install(root, "openssl") == Remedy(commands=(update, (*INSTALLED, "openssl")))

    _with(host, "sudo")
    commands = (("sudo", *update), ("sudo", *INSTALLED, "wine64"))
    assert install(host, "wine") == Remedy(commands=commands)
    assert install(root, "wine") == Remedy(commands=(update, (*INSTALLED, "wine64")))


def test_without_apt_get_homebrew_installs_what_it_has(host: Host) -> None:
    _with(host, "brew")
    assert install(host, "openssl") == Remedy(commands=(("brew", "install", "openssl"),))
    assert install(host, "wine").commands == ()
    assert "install wine with the package manager" in install(host, "wine").advice

    mac = dataclasses.replace(host, system="macos")
    assert install(mac, "cc") == Remedy("run: xcode-select --install")
    assert "xcode" not in install(mac, "wine").advice
    assert "xcode" not in install(host, "cc").advice


def test_the_elevated_user_is_root() -> None:
    assert this_host(Path(), 5).is_elevated is (os.geteuid() == 0)


def test_fix_runs_each_command_once_and_only_for_the_tasks_that_were_asked_for() -> None:
    build = Check("a", (Task.BUILD, Task.SIGN))
    smoke = Check("b", (Task.SMOKE,))
    first, second = ("one",), ("two",)
    findings = [
        build.error("x", remedy=Remedy(commands=(first, second))),
        build.error("y", remedy=Remedy(commands=(second,))),
        build.note("z", remedy=Remedy(commands=(("three",),))),
        smoke.error("w", remedy=Remedy(commands=(("four",),))),
    ]

    assert remedies(findings, needed_for([Task.BUILD])) == (first, second)
    assert remedies(findings, needed_for([Task.SMOKE])) == (first, second, ("four",))
    assert remedies(findings, []) == ()


@pytest.mark.one_in(8)
@pytest.mark.parametrize("tool", ["cargo-make", "openssl", "cc", "wine64"])
def test_fix_never_installs_again_what_is_there_and_does_not_run(
    machine: Machine, tool: str
) -> None:
    for manager in ("apt-get", "brew"):
        machine.install(manager, f"echo $* >> {machine.home}/installed")
    machine.install("sudo", 'exec "$@"')
    machine.install("wineserver", "")
    machine.install(tool, "echo broken; exit 3")
    machine.install(
        "cargo", f"echo cargo 1.90.0; [ $1 = --version ] || echo >> {machine.home}/installed"
    )

    report = machine.doctor("--for", "verify,smoke", "--fix", "--yes")

    assert report.code == 7
    assert "broken" in report.text
    assert not (machine.home / "installed").exists()


@pytest.mark.parametrize("_tools", ["stand-ins"], indirect=True, scope="session")
def test_fix_installs_wine_only_for_smoke(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kdrvgen.doctor.probes.wine._WINES", ("wine64",))  # it may be elsewhere
    for name in os.environ:
        monkeypatch.delenv(name)
    for name, text in machine.env.items():
        monkeypatch.setenv(name, text)
    monkeypatch.chdir(machine.folder)
    log = machine.home / "installed"
    machine.install("apt-get", f"echo $* >> {log}")
    machine.install("sudo", 'exec "$@"')

    assert main(["doctor", "--fix", "--yes"]) == 0
    assert not log.exists()

    assert main(["doctor", "--for", "smoke", "--fix", "--yes"]) == 7
    assert log.read_text("utf-8") == "update\ninstall --yes wine64\n"


@pytest.mark.parametrize(
    ("asked", "needed"),
    [
        ([], set()),
        ([Task.BUILD], {Task.BUILD}),
        ([Task.SIGN], {Task.BUILD, Task.SIGN}),
        ([Task.VERIFY], {Task.BUILD, Task.SIGN, Task.VERIFY}),
        ([Task.SMOKE], {Task.BUILD, Task.SIGN, Task.SMOKE}),
        ([Task.DEPLOY], {Task.BUILD, Task.SIGN, Task.DEPLOY}),
    ],
)
def test_a_task_needs_the_tasks_before_it(asked: list[Task], needed: set[Task]) -> None:
    assert needed_for(asked) == needed
