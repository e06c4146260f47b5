"""The tasks for the driver's service: in Wine, whose service manager and kernel are real."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pipeline.support import X64, Project, environment
from tests.windows.bed import Windows
from tests.windows.support import Desk, text

pytestmark = pytest.mark.slow

# Nothing is signed: signatures have tests of their own, and Wine's kernel asks for none.
PLAIN = '[driver]\nname = "hello"\n[signing]\nmode = "off"\n'
ODD = "Hällo & 100% ${HOME} ^ (日本) #1 it's!"
# LLVM's linker, which build scripts are linked by here, takes each `%` of its output's folder for a
# digit to choose.
ODD_FOLDER = ODD.replace("%", "")


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
    said = windows.run(["sc", "query", service]).stdout
    return "".join(word for word in ("STOPPED", "STOP_PENDING", "RUNNING") if word in said)


def value(windows: Windows, name: str, service: str = "hello") -> str:
    """Return what the registry has of a service."""
    key = rf"HKLM\SYSTEM\CurrentControlSet\Services\{service}"
    done = windows.run(["reg", "query", key, "/v", name])
    assert done.code == 0, done.said
    return done.stdout.split("    ")[-1].strip()


def verbs(desk: Desk) -> list[str]:
    """Return what sc was told to change."""
    return [words[0] for words in desk.arguments("sc") if words[0] != "query"]


def path_given(desk: Desk) -> str:
    """Return the image that sc was last told."""
    return next(
        words[words.index("binPath=") + 1]
        for words in reversed(desk.arguments("sc"))
        if "binPath=" in words
    )


def test_a_driver_is_installed_started_stopped_and_uninstalled_and_nothing_twice(
    desk: Desk,
) -> None:
    desk.make("install")
    assert state(desk.windows) == "STOPPED"
    assert value(desk.windows, "ImagePath") == "\\??\\" + desk.windows.path(desk.sys)
    assert (value(desk.windows, "Type"), value(desk.windows, "Start")) == ("0x1", "0x3")
    desk.make("install")
    assert verbs(desk) == ["create"]

    assert "hello is RUNNING" in desk.make("start", KDRVGEN_FAKE_LANGUAGE="de")
    assert state(desk.windows) == "RUNNING"

    assert "stopped hello" in desk.make("stop", KDRVGEN_FAKE_LANGUAGE="de")
    assert state(desk.windows) == "STOPPED"

    assert "removed the service hello" in desk.make("uninstall")
    assert not state(desk.windows)
    for task in ("stop", "uninstall"):
        assert "there is no service hello" in desk.make(task)
    assert verbs(desk) == ["create", "start", "stop", "delete"]


def test_what_is_started_is_the_newest_code_even_over_a_driver_that_runs(desk: Desk) -> None:
    desk.make("start")
    desk.project.say("once more")

    desk.make("start")

    assert verbs(desk) == ["create", "start", "stop", "start"]
    assert b"once more" in desk.sys.read_bytes()
    assert state(desk.windows) == "RUNNING"

    desk.project.edit("src/lib.rs", "unsafe extern", "unsafe extrn")
    desk.fail("start")
    assert state(desk.windows) == "RUNNING"

    desk.make("uninstall")
    assert not state(desk.windows)


def test_the_service_follows_profile_start_type_and_target_directory(desk: Desk) -> None:
    desk.make("start")
    production = desk.project.built(profile="release")
    refused = desk.fail("--profile", "production", "install")
    assert f"hello runs from \\??\\{desk.windows.path(desk.sys)}" in refused
    assert "cargo make stop" in refused

    desk.make("--profile", "production", "start")
    assert value(desk.windows, "ImagePath") == "\\??\\" + desk.windows.path(production)
    assert state(desk.windows) == "RUNNING"
    desk.make("stop")

    desk.project.generate(PLAIN + '[deploy]\nstart-type = "auto"\n')
    elsewhere = desk.windows.home / "elsewhere"
    for _ in range(2):
        desk.make("install", CARGO_TARGET_DIR=str(elsewhere))
    assert value(desk.windows, "Start") == "0x2"
    assert path_given(desk) == desk.windows.path(elsewhere / X64 / "debug/hello.sys")
    assert verbs(desk).count("config") == 2

    desk.make("uninstall")


def test_any_folder_and_service_name_reach_windows_as_they_are(windows: Windows) -> None:
    config = f'[driver]\nname = "hello"\noutput-name = {text(ODD)}\n[signing]\nmode = "off"\n'
    desk = Desk.start(windows, config + f"[deploy]\nservice = {text(ODD)}\n", name=ODD_FOLDER)
    try:
        desk.make("start")
        desk.make("install")

        assert path_given(desk) == windows.path(desk.project.built(f"{ODD}.sys"))
        assert {words[1] for words in desk.arguments("sc")} == {ODD}
        assert verbs(desk) == ["create", "start"]
        assert state(windows, ODD) == "RUNNING"
        desk.make("uninstall")
        assert not state(windows, ODD)
    finally:
        clear(windows, ODD)


def test_a_service_of_another_binary_is_not_touched(desk: Desk) -> None:
    other = ["sc", "create", "hello", "type=", "kernel", "binPath=", r"C:\other\hello.sys"]
    desk.windows.run(other)
    desk.forget_calls()

    for task in ("install", "start", "uninstall"):
        said = desk.fail(task)
        assert r"The service hello is that of \??\C:\other\hello.sys" in said
        assert "deploy.service" in said
    # Without a path, Windows takes a file of its own folder.
    key = r"HKLM\SYSTEM\CurrentControlSet\Services\hello"
    desk.windows.run(["reg", "delete", key, "/v", "ImagePath", "/f"])
    assert r"that of System32\drivers\hello.sys" in desk.fail("uninstall")

    assert not verbs(desk)


def test_what_windows_refuses_ends_the_task_with_what_to_do(desk: Desk) -> None:
    said = desk.fail("install", KDRVGEN_FAKE_SC="create=5")
    assert "install: sc create ended with 5" in said
    assert "Run as administrator" in said

    said = desk.fail("start", KDRVGEN_FAKE_SC="start=577")
    assert "start: sc start ended with 577" in said
    assert "bcdedit /set testsigning on" in said
    assert state(desk.windows) == "STOPPED"

    assert "services.msc" in desk.fail("uninstall", KDRVGEN_FAKE_SC="delete=1072")
    assert "CodeIntegrity/Operational" in desk.fail("stop", KDRVGEN_FAKE_SC="query=1275")

    desk.windows.run(["sc", "start", "hello"])
    assert "DriverUnload" in desk.fail("uninstall", KDRVGEN_FAKE_SC="stop=1052")
    assert state(desk.windows) == "RUNNING"
    desk.project.generate(PLAIN + '[deploy]\nstart-type = "system"\n')
    assert "net helpmsg 4711" in desk.fail("install", KDRVGEN_FAKE_SC="config=4711")


def test_a_driver_that_fails_or_cannot_be_unloaded_ends_with_the_reason(windows: Windows) -> None:
    # A service of its own: nothing gets it out of Wine's kernel any more.
    desk = Desk.start(windows, PLAIN + '[deploy]\nservice = "stuck"\n')
    status, failure = "    nt::STATUS_SUCCESS\n", "    nt::STATUS_SUCCESS - 0x3FFF_FFFF\n"
    desk.project.edit("src/lib.rs", status, failure)

    said = desk.fail("start")
    assert "sc start ended with 31" in said
    assert "The entry point of the driver returned an error" in said

    desk.project.edit("src/lib.rs", failure, status)
    desk.project.edit("src/lib.rs", "= Some(unload)", "= None")
    desk.make("start")
    assert "has no DriverUnload" in desk.fail("stop")


def test_a_umdf_driver_has_no_service(windows: Windows) -> None:
    desk = Desk.start(windows, PLAIN.replace("[signing]", 'model = "umdf"\n[signing]'))

    for task in ("install", "stop"):
        assert f"{task}: A UMDF driver has no service" in desk.fail(task)

    assert not desk.arguments("sc")


@pytest.mark.parametrize("task", ["install", "start"])
def test_elsewhere_than_on_windows_nothing_is_built_for_it(tmp_path: Path, task: str) -> None:
    project = Project(tmp_path, tmp_path, environment(tmp_path))
    project.generate(PLAIN)

    assert f"{task}: only Windows has services" in project.fail(task)
