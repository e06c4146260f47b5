"""What affects a build or a signature beside its tools."""

from __future__ import annotations

import dataclasses
import os
import re
import time
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import pytest

from kdrvgen import Driver, Project
from kdrvgen.doctor.host import Host, this_host
from kdrvgen.doctor.probes.environment import disk
from kdrvgen.doctor.probes.windows import deployment
from kdrvgen.doctor.probes.wine import _SERVERS, _WINES, wine
from kdrvgen.pipeline import support_files
from kdrvgen.report.finding import Severity
from tests.doctor.support import Machine, put
from tests.pipeline.support import CONFIG

PROJECT = Project(driver=Driver(name="hello"))


def test_control_characters_in_the_output_of_a_tool_are_escaped(machine: Machine) -> None:
    machine.install("cargo", "printf '\\033[31mbroken\\n'; exit 1")

    for form in ("human", "github"):
        output = machine.kdrvgen("doctor", "--for", "build", "--format", form).stdout
        assert "\\x1b[31mbroken" in output
        assert "\x1b" not in output


@pytest.mark.parametrize("name", ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"])
def test_rustflags_in_the_environment_are_an_error_and_are_shown_escaped(
    machine: Machine, name: str
) -> None:
    flagged = machine.with_env(**{name: "-Cx=\x1b[31mred"})

    for tasks in ("build", "sign"):  # sign includes build
        assert flagged.doctor("--for", tasks).missing == ["flags for rustc"]
    shown = flagged.kdrvgen("doctor", "--for", "build").stdout
    assert f'{name}="-Cx=\\x1b[31mred"' in shown
    assert "\x1b[31m" not in shown
    assert f"unset {name}" in shown


def test_rustflags_that_do_not_replace_the_drivers_flags_are_a_note(machine: Machine) -> None:
    flagged = machine.with_env(CARGO_BUILD_RUSTFLAGS="-Cx=y")
    report = flagged.doctor("--for", "build")
    assert report.code == 0
    assert report.finding("flags for rustc")["severity"] == "note"
    assert "in the environment is ignored" in report.finding("flags for rustc")["message"]
    name = "CARGO_TARGET_X86_64_PC_WINDOWS_MSVC_RUSTFLAGS"
    report = machine.with_env(**{name: "-Cx=y"}).doctor("--for", "build")
    assert "in the environment applies to the build" in report.finding("flags for rustc")["message"]

    machine.configure(CONFIG + '[linker]\nemit = "build-script"\n')
    machine.kdrvgen("config.toml")
    report = machine.with_env(RUSTFLAGS="-Cx=y").doctor("--for", "build")
    assert report.finding("flags for rustc")["severity"] == "note"


def test_an_old_cargo_config_file_is_an_error_and_is_not_deleted(
    machine: Machine,
) -> None:
    stale = machine.folder / ".cargo/config"
    stale.write_text("[build]\n", encoding="utf-8")

    report = machine.doctor("--fix", "--yes")

    assert report.missing == ["cargo configuration"]
    assert report.finding("cargo configuration")["place"]["file"] == str(stale)
    assert stale.read_text(encoding="utf-8") == "[build]\n"


def test_a_clock_before_the_release_date_of_rustc_is_an_error(machine: Machine) -> None:
    real = machine.real("rustc")
    machine.install(
        "rustc", f'{real} "$@" | /bin/sed "s/^commit-date: .*/commit-date: 2999-01-31/"'
    )

    report = machine.doctor()

    assert report.missing == ["clock"]
    assert "2999-01-31" in report.finding("clock", "rustc")["message"]


@pytest.mark.one_in(8)
@pytest.mark.parametrize("name", ["config.toml", "Cargo.toml", "Makefile.toml", "src/lib.rs"])
def test_a_file_with_a_time_in_the_future_is_a_note_about_the_clock(
    machine: Machine, name: str
) -> None:
    assert machine.doctor().finding("clock")["severity"] == "ok"
    tomorrow = time.time() + 3 * 86_400
    os.utime(machine.folder / name, (tomorrow, tomorrow))

    report = machine.doctor()

    assert report.code == 0
    assert report.finding("clock")["severity"] == "note"


def test_generated_files_that_were_edited_are_a_note_and_are_not_overwritten(
    machine: Machine,
) -> None:
    makefile = machine.folder / "Makefile.toml"
    makefile.write_text(makefile.read_text(encoding="utf-8") + "# mine\n", encoding="utf-8")

    report = machine.doctor("--fix", "--yes")

    assert report.code == 0
    assert report.finding("generated files")["severity"] == "note"
    assert makefile.read_text(encoding="utf-8").endswith("# mine\n")


def test_a_generated_file_that_cannot_be_read_is_an_error_with_the_reason(machine: Machine) -> None:
    (machine.folder / "build.rs").unlink()
    (machine.folder / "build.rs").mkdir()

    report = machine.doctor("--for", "build")

    assert report.code == 7
    assert report.missing == ["generated files"]
    assert "build.rs" in report.finding("generated files")["message"]


# --- states that this machine cannot have: the host is a value ---------


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return this_host(tmp_path, 10)


def test_a_nearly_full_disk_is_an_error(host: Host, tmp_path: Path) -> None:
    full = dataclasses.replace(
        host, free_bytes=lambda _: 5_000_000, env={**host.env, "XDG_CACHE_HOME": str(tmp_path)}
    )

    (finding,) = disk(full, PROJECT)
    assert finding.severity is Severity.ERROR
    assert finding.message == "disk: 0.0 GB free; a build needs 0.2 GB"
    assert finding.file == str(tmp_path)


def test_wine_needs_more_space_before_its_first_run(host: Host, tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("wine64", "wineserver"):
        (programs / name).write_text("#!/bin/sh\necho wine-9.0\n", encoding="utf-8")
        (programs / name).chmod(0o755)
    env = {"PATH": str(programs), "XDG_CACHE_HOME": str(tmp_path)}
    full = dataclasses.replace(host, system="linux", free_bytes=lambda _: 999_999_999, env=env)

    _, finding = wine(full, PROJECT)
    assert finding.rule == "host-disk"
    assert finding.severity is Severity.ERROR
    assert finding.message == "disk: 1.0 GB free; Wine's folder needs 1.0 GB"
    assert finding.file == str(tmp_path)

    enough = dataclasses.replace(full, free_bytes=lambda _: 1_000_000_000)
    assert [each.rule for each in wine(enough, PROJECT)] == ["host-wine"]
    ready = tmp_path / "kdrvgen/smoke/wine/ready"
    ready.parent.mkdir(parents=True)
    ready.touch()
    assert [each.rule for each in wine(full, PROJECT)] == ["host-wine"]


def test_wine_without_a_server_is_an_error(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kdrvgen.doctor.probes.wine._SERVERS", ("none",))  # it may be elsewhere
    program = tmp_path / "wine64"
    program.write_text("#!/bin/sh\n", encoding="utf-8")
    program.chmod(0o755)

    (finding,) = wine(
        dataclasses.replace(host, system="linux", env={"PATH": str(tmp_path)}), PROJECT
    )

    assert finding.message == "Wine: its wineserver is not installed"
    assert finding.file == str(program)
    assert "install wine" in finding.help


def test_wine_is_found_where_the_task_finds_it(host: Host, tmp_path: Path) -> None:
    source = support_files()[PurePosixPath("pipeline/src/smoke.rs")]
    searched = [
        tuple(re.findall(r'"([^"]+)"', text))
        for text in re.findall(r"find\(&\[([^]]*)\]\)", source)
    ]
    assert searched == [_WINES, _SERVERS]

    for folder, program in (("first", "wine"), ("second", "wine64")):
        put(tmp_path / folder / program, "#!/bin/sh\necho wine-9.0\n")
        (tmp_path / folder / program).chmod(0o755)
    env = {"PATH": f"{tmp_path}/first:{tmp_path}/second", "HOME": str(tmp_path)}
    first, *_ = wine(dataclasses.replace(host, system="linux", env=env), PROJECT)
    assert first.file == str(tmp_path / "second/wine64")


def test_deploy_without_administrator_is_an_error(host: Host) -> None:
    windows = dataclasses.replace(host, system="windows", is_elevated=False)

    (finding,) = [
        each for each in deployment(windows, PROJECT) if each.rule == "host-administrator"
    ]

    assert finding.severity is Severity.ERROR
    assert "Run as administrator" in finding.help


CONTROL = r"SYSTEM\CurrentControlSet\Control"
STATES: dict[tuple[str, str], str | int] = {
    (CONTROL, "SystemStartOptions"): " NOEXECUTE=OPTIN  TestSigning",
    (rf"{CONTROL}\SecureBoot\State", "UEFISecureBootEnabled"): 1,
    (
        rf"{CONTROL}\DeviceGuard\Scenarios\HypervisorEnforcedCodeIntegrity",
        "Enabled",
    ): 1,
}


def _windows(host: Host, states: Mapping[tuple[str, str], str | int]) -> Host:
    def registry(key: str, name: str, view: int) -> str | int | None:
        assert view == 64
        return states.get((key, name))

    return dataclasses.replace(host, system="windows", is_elevated=True, registry=registry)


def test_the_registry_decides_whether_windows_loads_the_driver(host: Host) -> None:
    found = {each.rule: each for each in deployment(_windows(host, STATES), PROJECT)}
    assert found["host-test-signing"].severity is Severity.OK
    assert found["host-test-signing"].message == "test signing: is on"
    assert found["host-test-signing"].file == f"HKLM\\{CONTROL}, SystemStartOptions"
    assert found["host-secure-boot"].severity is Severity.NOTE
    assert "is on; test signing requires it to be off" in found["host-secure-boot"].message
    assert found["host-memory-integrity"].severity is Severity.NOTE
    assert "writable and executable" in found["host-memory-integrity"].message
    assert found["host-administrator"].severity is Severity.OK

    found = {each.rule: each for each in deployment(_windows(host, {}), PROJECT)}
    assert found["host-test-signing"].severity is Severity.ERROR
    assert found["host-test-signing"].help.startswith("as administrator: bcdedit")
    assert found["host-secure-boot"].message == "Secure Boot: is off"
    assert found["host-memory-integrity"].severity is Severity.OK

    secure = {key: value for key, value in STATES.items() if "SecureBoot" in key[0]}
    found = {each.rule: each for each in deployment(_windows(host, secure), PROJECT)}
    assert found["host-test-signing"].help.startswith("turn Secure Boot off in the firmware; then")

    own = Project.model_validate(
        {"driver": {"name": "hello"}, "signing": {"mode": "certificate", "pfx": "a.pfx"}}
    )
    found = {each.rule: each for each in deployment(_windows(host, {}), own)}
    assert found["host-test-signing"].severity is Severity.NOTE


def test_wine_needs_its_server_and_runs_where_the_task_finds_it(machine: Machine) -> None:
    machine.install("wine64", '[ "$1" = --version ] && echo wine-9.0')
    machine.install("wineserver", "")
    finding = machine.doctor("--for", "smoke").finding("Wine")
    assert finding["message"] == "Wine: wine-9.0"
    assert finding["place"]["file"] == str(machine.home / "bin/wine64")


def test_a_package_for_smoke_needs_kdrvgen_on_the_path(machine: Machine) -> None:
    machine.install("wine64", "echo wine-9.0")
    machine.install("wineserver", "")
    names = {each["rule"] for each in machine.doctor("--for", "smoke").findings}
    assert "host-kdrvgen" not in names

    machine.configure(CONFIG + '[package]\nkind = "primitive"\nprovider = "Me"\n')
    finding = machine.doctor("--for", "smoke").finding("kdrvgen")
    assert finding["message"] == "kdrvgen: not found on PATH"
    assert finding["severity"] == "error"
    machine.install("kdrvgen", "echo kdrvgen 0.2.0")
    finding = machine.doctor("--for", "smoke").finding("kdrvgen")
    assert finding["place"]["file"] == str(machine.home / "bin/kdrvgen")
    assert finding["severity"] == "ok"
