"""The tasks for the driver's service: by the service manager and the kernel of Wine."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pipeline.support import Project, environment
from tests.windows.bed import Windows
from tests.windows.native import TRIPLE
from tests.windows.support import Desk, text

pytestmark = [pytest.mark.slow, pytest.mark.kernel]

# Signatures have tests of their own, and Wine's kernel asks for none. Windows' kernel does.
MODE = "test" if sys.platform == "win32" else "off"
PLAIN = f'[driver]\nname = "hello"\n[signing]\nmode = "{MODE}"\n'
ODD = "Hällo & 100% ${HOME} ^ (日本) #1 it's!"
# LLVM's linker, which build scripts are linked by here, takes each `%` of its output's folder for a
# digit to choose.
ODD_FOLDER = ODD.replace("%", "")
SERVICES = r"HKLM\SYSTEM\CurrentControlSet\Services"


@pytest.fixture
def desk(windows: Windows) -> Iterator[Desk]:
    """A project whose driver needs no certificate."""
    yield Desk.start(windows, PLAIN)
    clear(windows, "hello")


def clear(windows: Windows, service: str) -> None:
    windows.run(["sc", "stop", service])
    windows.run(["sc", "delete", service])


def state(windows: Windows, service: str = "hello") -> str:
    """Return Windows' word for the state of a service; empty when there is none."""
    number = int(windows.store("state", service))
    return ("", "STOPPED", "START_PENDING", "STOP_PENDING", "RUNNING")[number]


def value(windows: Windows, name: str, service: str = "hello") -> str:
    """Return a value of a service in the registry."""
    done = windows.run(["reg", "query", rf"{SERVICES}\{service}", "/v", name])
    assert done.code == 0, done.output
    return done.stdout.split("    ")[-1].strip()


def image_of(windows: Windows, service: str = "hello") -> str:
    """Return the image of a service, as the registry has it, without the kernel's prefix."""
    key = SERVICES.partition("\\")[2] + f"\\{service}"
    return windows.store("value", key, "ImagePath").rstrip("\n").removeprefix("\\??\\")


def create(windows: Windows, path: str) -> None:
    """Create the service like another program."""
    done = windows.run(["sc", "create", "hello", "type=", "kernel", "binPath=", path])
    assert done.code == 0, done.output


def test_a_driver_is_installed_started_stopped_and_uninstalled_and_nothing_twice(
    desk: Desk,
) -> None:
    assert "install: service hello: " in desk.make("install")
    assert state(desk.windows) == "STOPPED"
    assert image_of(desk.windows) == desk.windows.path(desk.sys)
    assert (value(desk.windows, "Type"), value(desk.windows, "Start")) == ("0x1", "0x3")
    assert "install: service" not in desk.make("install")

    output = desk.make("start")
    assert f"hello is RUNNING: {desk.windows.path(desk.sys)}" in output
    assert state(desk.windows) == "RUNNING"

    assert "stop: stopped hello" in desk.make("stop")
    assert state(desk.windows) == "STOPPED"
    assert "stopped" not in desk.make("stop")

    desk.make("start")
    output = desk.make("uninstall")
    assert "uninstall: stopped hello" in output
    assert "removed the service hello" in output
    assert not state(desk.windows)
    for task in ("stop", "uninstall"):
        assert f"{task}: the service hello does not exist" in desk.make(task)


def test_what_is_started_is_the_newest_code_even_over_a_driver_that_runs(desk: Desk) -> None:
    desk.make("start")
    desk.project.say("once more")

    assert "stopped hello" in desk.make("start")

    assert b"once more" in desk.sys.read_bytes()
    assert state(desk.windows) == "RUNNING"

    desk.project.edit("src/lib.rs", "unsafe extern", "unsafe extrn")
    desk.fail("start")
    assert state(desk.windows) == "RUNNING"

    desk.make("uninstall")
    assert not state(desk.windows)


def test_the_service_follows_profile_start_type_and_target_directory(desk: Desk) -> None:
    desk.make("start")
    production = desk.project.output(profile="production")
    refused = desk.fail("--profile", "production", "install")
    running = value(desk.windows, "ImagePath")
    assert f"the service hello runs another image: {running}" in refused
    assert "cargo make stop" in refused

    desk.make("--profile", "production", "start")
    assert image_of(desk.windows) == desk.windows.path(production)
    assert state(desk.windows) == "RUNNING"
    desk.make("stop")

    for start_type, number in (("auto", "0x2"), ("system", "0x1")):
        desk.project.generate(PLAIN + f'[deploy]\nstart-type = "{start_type}"\n')
        desk.make("install")
        assert value(desk.windows, "Start") == number
        assert image_of(desk.windows) == desk.windows.path(desk.sys)

    elsewhere = desk.windows.home / "elsewhere"
    path = desk.windows.path(elsewhere)
    assert "install: service" in desk.make("install", CARGO_TARGET_DIR=path)
    assert "install: service" not in desk.make("install", CARGO_TARGET_DIR=path)
    image = elsewhere / f"driver/hello/{TRIPLE}/development/hello.sys"
    assert image_of(desk.windows) == desk.windows.path(image)
    # Without the variable, that folder is none of this project.
    assert "not to this project" in desk.fail("uninstall")
    desk.make("uninstall", CARGO_TARGET_DIR=path)


def test_any_folder_and_service_name_reach_windows_as_they_are(windows: Windows) -> None:
    config = f'[driver]\nname = "hello"\noutput-name = {text(ODD)}\n[signing]\nmode = "{MODE}"\n'
    desk = Desk.start(windows, config + f"[deploy]\nservice = {text(ODD)}\n", name=ODD_FOLDER)
    try:
        desk.make("start")
        assert "install: service" not in desk.make("install")

        assert image_of(windows, ODD) == windows.path(desk.project.output(f"{ODD}.sys"))
        assert state(windows, ODD) == "RUNNING"
        desk.make("uninstall")
        assert not state(windows, ODD)
    finally:
        windows.run(["sc", "stop", ODD])
        windows.run(["sc", "delete", ODD])


def test_an_image_whose_path_is_longer_than_260_characters_is_installed(windows: Windows) -> None:
    folder = "/".join(["long " + "x" * 45] * 5)
    desk = Desk.start(windows, PLAIN.replace("[signing]", f'output-dir = "{folder}"\n[signing]'))
    image = windows.path(desk.project.folder / folder / "hello.sys")
    assert len(image) > 260
    try:
        desk.make("install")
        assert image_of(windows).removeprefix("\\\\?\\") == image
        assert "install: service" not in desk.make("install")
        desk.make("uninstall")
        assert not state(windows)
    finally:
        clear(windows, "hello")


# --- whose service it is ----------------------------------------------------------------------


@pytest.mark.parametrize("path", [r"C:\other\hello.sys", r"\??\C:\other\hello.sys"])
def test_a_service_of_another_image_is_not_touched(desk: Desk, path: str) -> None:
    create(desk.windows, path)
    before = value(desk.windows, "ImagePath")

    for task in ("install", "start", "stop", "uninstall"):
        output = desk.fail(task)
        assert f"the service hello belongs to {before}, not to this project" in output
        assert "deploy.service" in output
        assert 'sc.exe delete "hello"' in output

    assert value(desk.windows, "ImagePath") == before
    assert state(desk.windows) == "STOPPED"


def test_a_driver_beside_this_one_in_a_shared_target_directory_is_foreign(desk: Desk) -> None:
    other = desk.project.folder / f"target/driver/other/{TRIPLE}/development/hello.sys"
    path = desk.windows.path(other)
    create(desk.windows, path)

    assert "not to this project" in desk.fail("stop")


@pytest.mark.wine
@pytest.mark.parametrize("spelling", ["upper case", "another drive", "a prefix of programs"])
def test_a_path_counts_for_what_it_leads_to(desk: Desk, spelling: str) -> None:
    desk.make("sign")
    path = desk.windows.path(desk.sys)
    home = desk.windows.path(desk.windows.home)
    desk.windows.drive("s", desk.windows.home)
    other = {
        "upper case": path.upper(),
        "another drive": "S:" + path.removeprefix(home),
        "a prefix of programs": "\\\\?\\" + path,
    }[spelling]
    create(desk.windows, other)

    assert "does not exist" not in desk.make("stop")
    assert "removed the service hello" in desk.make("uninstall")

    assert not state(desk.windows)


# --- what goes wrong --------------------------------------------------------------------------


def test_an_image_that_is_gone_ends_with_what_to_do(desk: Desk) -> None:
    create(desk.windows, desk.windows.path(desk.sys.with_name("gone.sys")))
    task = '[makefile.tasks.again]\ncommand = "${DRIVER_PIPELINE}"\nargs = ["start"]\n'
    desk.project.generate(PLAIN + task)

    output = desk.fail("again")

    assert "start: error: cannot start hello: " in output
    # Wine's number is 1114, Windows' 2.
    assert re.search(r"\(error \d+\)\n  help: ", output), output


@pytest.mark.wine
def test_a_driver_that_fails_or_cannot_be_unloaded_ends_with_the_reason(windows: Windows) -> None:
    # A service of its own: nothing gets it out of Wine's kernel any more.
    desk = Desk.start(windows, PLAIN + '[deploy]\nservice = "stuck"\n')
    status, failure = "    Ok(())\n", "    Err(kernel::nt::status::STATUS_UNSUCCESSFUL)\n"
    desk.project.edit("src/lib.rs", status, failure)

    output = desk.fail("start")
    assert "cannot start stuck: " in output
    assert "(error 31)" in output
    assert "the entry point of the driver returned an error" in output

    desk.project.edit("src/lib.rs", failure, status)
    desk.project.edit("src/lib.rs", "= Some(unload)", "= None")
    desk.make("start")
    output = desk.fail("stop")
    assert "DriverUnload" in output


def test_starting_what_was_not_installed_says_how(desk: Desk) -> None:
    task = '[makefile.tasks.now]\ncommand = "${DRIVER_PIPELINE}"\nargs = ["start"]\n'
    desk.project.generate(PLAIN + task)
    desk.make("build-driver")

    output = desk.fail("now")

    assert "(error 1060)" in output
    assert "cargo make install" in output


def test_a_umdf_driver_has_no_service(windows: Windows) -> None:
    desk = Desk.start(windows, PLAIN.replace("[signing]", 'model = "umdf"\n[signing]'))

    for task in ("install", "start", "stop", "uninstall"):
        output = desk.fail(task)
        assert "a UMDF driver has no service" in output
        assert "pnputil /add-driver" in output


@pytest.mark.wine
@pytest.mark.parametrize("task", ["install", "start", "stop", "uninstall"])
def test_other_hosts_refuse_the_task_before_they_build(tmp_path: Path, task: str) -> None:
    project = Project(tmp_path, tmp_path, environment(tmp_path))
    project.generate(PLAIN)

    assert "this task needs Windows" in project.fail(task)
