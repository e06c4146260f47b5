"""What changes a build or a signature without being a tool."""

from __future__ import annotations

import dataclasses
import os
import time
from pathlib import Path

import pytest

from kdrvgen import Driver, Project
from kdrvgen.doctor.host import Host, this_host
from kdrvgen.doctor.surroundings import disk
from kdrvgen.doctor.windows import deployment
from kdrvgen.doctor.wine import wine
from kdrvgen.report.finding import Severity
from tests.doctor.support import Machine
from tests.pipeline.support import CONFIG

PROJECT = Project(driver=Driver(name="hello"))


def test_what_a_tool_says_cannot_drive_the_terminal(machine: Machine) -> None:
    machine.give("cargo", "printf '\\033[31mbroken\\n'; exit 1")

    for form in ("human", "github"):
        said = machine.kdrvgen("doctor", "--for", "build", "--format", form).stdout
        assert "\\x1b[31mbroken" in said
        assert "\x1b" not in said


@pytest.mark.parametrize("name", ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"])
def test_flags_in_the_environment_break_the_build_and_are_shown_harmlessly(
    machine: Machine, name: str
) -> None:
    flagged = machine.under(**{name: "-Cx=\x1b[31mred"})

    for tasks in ("build", "sign"):  # what is built before it is signed counts too
        assert flagged.doctor("--for", tasks).missing == ["flags for rustc"]
    shown = flagged.kdrvgen("doctor", "--for", "build").stdout
    assert f'{name}="-Cx=\\x1b[31mred"' in shown
    assert "\x1b[31m" not in shown
    assert f"unset {name}" in shown


def test_flags_that_cannot_replace_the_drivers_are_a_note(machine: Machine) -> None:
    flagged = machine.under(CARGO_BUILD_RUSTFLAGS="-Cx=y")
    told = flagged.doctor("--for", "build")
    assert told.code == 0
    assert told.about("flags for rustc")["severity"] == "note"

    machine.configure(CONFIG + '[linker]\nemit = "build-script"\n')
    machine.kdrvgen("config.toml")
    told = machine.under(RUSTFLAGS="-Cx=y").doctor("--for", "build")
    assert told.about("flags for rustc")["severity"] == "note"


def test_a_cargo_config_that_wins_over_the_generated_one_is_named_and_stays(
    machine: Machine,
) -> None:
    stale = machine.folder / ".cargo/config"
    stale.write_text("[build]\n", encoding="utf-8")

    told = machine.doctor("--fix", "--yes")

    assert told.missing == ["cargo configuration"]
    assert told.about("cargo configuration")["place"]["file"] == str(stale)
    assert stale.read_text(encoding="utf-8") == "[build]\n"


def test_a_clock_that_is_behind_the_compiler_is_wrong(machine: Machine) -> None:
    real = machine.real("rustc")
    machine.give("rustc", f'{real} "$@" | /bin/sed "s/^commit-date: .*/commit-date: 2999-01-31/"')

    told = machine.doctor()

    assert told.missing == ["clock"]
    assert "2999-01-31" in told.about("clock", "rustc")["message"]


def test_a_file_of_the_future_casts_doubt_on_the_clock(machine: Machine) -> None:
    tomorrow = time.time() + 3 * 86_400
    os.utime(machine.folder / "config.toml", (tomorrow, tomorrow))

    told = machine.doctor()

    assert told.code == 0
    assert told.about("clock")["severity"] == "note"


def test_generated_files_that_were_edited_are_left_to_their_owner(machine: Machine) -> None:
    makefile = machine.folder / "Makefile.toml"
    makefile.write_text(makefile.read_text(encoding="utf-8") + "# mine\n", encoding="utf-8")

    told = machine.doctor("--fix", "--yes")

    assert told.code == 0
    assert told.about("generated files")["severity"] == "note"
    assert makefile.read_text(encoding="utf-8").endswith("# mine\n")


def test_a_file_that_cannot_be_compared_is_told_with_the_reason(machine: Machine) -> None:
    (machine.folder / "build.rs").unlink()
    (machine.folder / "build.rs").mkdir()

    told = machine.doctor("--for", "build")

    assert told.code == 7
    assert told.missing == ["generated files"]
    assert "build.rs" in told.about("generated files")["message"]


# --- what cannot be brought about here: the machine is a value, and says what it says ---------


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return this_host(tmp_path, 10)


def test_a_disk_that_is_nearly_full_is_told_of(host: Host, tmp_path: Path) -> None:
    full = dataclasses.replace(
        host, free_bytes=lambda _: 5_000_000, env={**host.env, "XDG_CACHE_HOME": str(tmp_path)}
    )

    (finding,) = disk(full, PROJECT)
    assert finding.severity is Severity.ERROR
    assert [each.rule for each in wine(full, PROJECT) if each.severity is Severity.ERROR][-1:] in (
        ["host-disk"],
        ["host-wine"],  # where there is none
    )


def test_windows_without_an_administrators_rights_loads_no_driver(host: Host) -> None:
    windows = dataclasses.replace(host, system="windows", is_elevated=False)

    (finding,) = [
        each for each in deployment(windows, PROJECT) if each.rule == "host-administrator"
    ]

    assert finding.severity is Severity.ERROR
    assert "Run as administrator" in finding.help
