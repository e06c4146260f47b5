"""Tools that are there, not there, too old, or do not work: each on a machine made so."""

from __future__ import annotations

import pytest

from tests.doctor.support import Machine
from tests.pipeline.support import CONFIG, X64

I686 = "i686-pc-windows-msvc"
AS_ROOT = 'exec "$@"'


def test_a_machine_that_has_everything_lacks_nothing(machine: Machine) -> None:
    told = machine.doctor()

    assert told.code == 0, told.text
    assert told.missing == []
    for name in ("cargo", "rustc", "target", "linker", "cargo-make", "osslsigncode"):
        finding = told.about(name)
        assert finding["severity"] == "ok"
        assert finding["place"]["file"], name
    assert "signs and verifies a test file" in told.about("osslsigncode")["message"]


def test_without_a_configuration_it_looks_for_what_every_project_needs(machine: Machine) -> None:
    (machine.folder / "config.toml").unlink()

    told = machine.doctor()

    assert told.code == 0, told.text
    assert X64 in told.about("target")["message"]
    assert "generated files" not in {each["message"].partition(":")[0] for each in told.findings}


@pytest.mark.parametrize(
    ("tool", "name", "package"),
    [
        ("osslsigncode", "osslsigncode", "osslsigncode"),
        ("openssl", "openssl", "openssl"),
        ("cc", "host linker", "gcc"),
    ],
)
def test_a_tool_of_the_system_that_is_not_there_comes_by_apt_get(
    machine: Machine, tool: str, name: str, package: str
) -> None:
    machine.take_away(tool)
    machine.give("apt-get", "")
    machine.give("sudo", AS_ROOT)

    told = machine.doctor()

    assert told.code == 7
    assert told.missing == [name]
    *_, install = told.about(name)["fixes"]
    assert [each for each in install if each != "sudo"] == ["apt-get", "install", "--yes", package]


def test_a_mac_gets_it_by_homebrew_and_other_systems_are_told_its_name(machine: Machine) -> None:
    machine.take_away("osslsigncode")
    assert "install osslsigncode" in machine.doctor().about("osslsigncode")["help"]

    machine.give("brew", "")
    (command,) = machine.doctor().about("osslsigncode")["fixes"]
    assert command == ["brew", "install", "osslsigncode"]


def test_a_signing_tool_that_starts_but_does_not_sign_is_found_out(machine: Machine) -> None:
    real = machine.real("osslsigncode")
    machine.give(
        "osslsigncode", f'[ "$1" != sign ] || {{ echo no provider; exit 1; }}; exec {real} "$@"'
    )

    told = machine.doctor()

    assert told.missing == ["osslsigncode"]
    assert (
        "does not sign and verify a test file: no provider" in told.about("osslsigncode")["message"]
    )


def test_a_signing_tool_of_another_system_is_told_of(machine: Machine) -> None:
    machine.configure(CONFIG + 'tool = "signtool"\n')

    assert "not for this system" in machine.doctor().about("signtool")["message"]


def test_without_cargo_and_rustc_it_tells_of_rustup(machine: Machine) -> None:
    machine.take_away("cargo", "rustc", "rustup")

    told = machine.doctor()

    assert set(told.missing) >= {"cargo", "rustc", "cargo-make"}
    assert "rustup" in told.about("cargo")["help"]
    assert "rustup" in told.about("rustc")["help"]


def test_a_channel_that_is_not_installed_is_installed_by_rustup(machine: Machine) -> None:
    machine.configure(CONFIG + '[toolchain]\nchannel = "1.11.0"\n')
    message = "error: toolchain '1.11.0-x86_64-unknown-linux-gnu' is not installed"
    machine.give("rustup", f'echo "{message}"; exit 1')

    told = machine.doctor("--for", "build")

    assert set(told.missing) >= {"cargo", "rustc"}
    (command,) = told.about("rustc")["fixes"]
    assert command == ["rustup", "toolchain", "install", "1.11.0-x86_64-unknown-linux-gnu"]


def test_a_channel_without_rustup_says_who_is_to_have_it(machine: Machine) -> None:
    machine.configure(CONFIG + '[toolchain]\nchannel = "nightly"\n')
    machine.take_away("rustup")

    assert '"nightly" is asked of rustup' in machine.doctor("--for", "build").about("rustc")["help"]


def test_a_compiler_older_than_the_edition_is_updated(machine: Machine) -> None:
    manifest = '[package]\nname = "hello"\nedition.workspace = true\n'
    manifest += '[workspace.package]\nedition = "2024"\n'
    (machine.folder / "Cargo.toml").write_text(manifest, encoding="utf-8")
    sysroot = machine.own_toolchain(X64)
    machine.give(
        "rustc",
        f'[ "$2" != sysroot ] || {{ echo {sysroot}; exit; }}\n'
        "printf 'host: x86_64-unknown-linux-gnu\\nrelease: 1.80.1\\n'",
    )

    told = machine.doctor("--for", "build")

    assert "older than 1.85" in told.about("rustc")["message"]
    assert told.about("rustc")["fixes"] == [["rustup", "update", "mine"]]


def test_a_target_that_is_not_installed_comes_by_rustup(machine: Machine) -> None:
    machine.configure(CONFIG.replace("[signing]", f'targets = ["{X64}", "{I686}"]\n[signing]'))
    machine.own_toolchain(X64)
    machine.give("rustup", "")

    told = machine.doctor("--for", "build")

    assert told.missing == ["target", "generated files"]
    assert told.about("target", X64)["severity"] == "ok"
    (command,) = told.about("target", I686)["fixes"]
    assert command == ["rustup", "target", "add", "--toolchain", "mine", I686]

    machine.take_away("rustup")
    assert "not rustup's" in machine.doctor("--for", "build").about("target", I686)["help"]


def test_library_sources_that_build_std_needs_come_by_rustup(machine: Machine) -> None:
    machine.configure(CONFIG + '[toolchain]\nchannel = "nightly"\nbuild-std = ["core"]\n')
    sysroot = machine.own_toolchain()
    machine.give("rustup", 'shift 2; exec "$@"')

    told = machine.doctor("--for", "build")
    (command,) = told.about("library sources")["fixes"]
    assert command == ["rustup", "component", "add", "--toolchain", "mine", "rust-src"]

    source = sysroot / "lib/rustlib/src/rust/library/core/src/lib.rs"
    source.parent.mkdir(parents=True)
    source.touch()
    assert machine.doctor("--for", "build").about("library sources")["severity"] == "ok"


def test_cargo_make_that_is_not_there_is_installed_by_cargo(machine: Machine) -> None:
    machine.take_away("cargo-make")

    told = machine.doctor("--for", "build")

    assert told.missing == ["cargo-make"]
    (command,) = told.about("cargo-make")["fixes"]
    assert command == ["cargo", "install", "--locked", "cargo-make"]


@pytest.mark.parametrize(
    ("version", "severity"), [("0.36.13", "error"), ("0.37.2", "ok"), ("0.38.0", "note")]
)
def test_the_version_of_cargo_make_counts(machine: Machine, version: str, severity: str) -> None:
    machine.give("cargo-make", f"echo cargo-make {version}")

    finding = machine.doctor("--for", "build").about("cargo-make")

    assert finding["severity"] == severity
    assert version in finding["message"]


def test_a_machine_without_a_linker_for_windows_is_told_which_would_do(machine: Machine) -> None:
    machine.own_toolchain(X64, linker=False)
    machine.take_away("lld-link*")

    told = machine.doctor("--for", "build")

    assert told.missing == ["linker"]
    assert "rust-lld" in told.about("linker")["help"]

    machine.give("lld-link", "echo LLD 14.0.6")
    assert "/KERNEL" in machine.doctor("--for", "build").about("linker")["message"]
    machine.take_away("lld-link")
    machine.give("lld-link-9", "echo LLD 9.0.0")
    machine.give("lld-link-18", "echo LLD 18.1.0")
    machine.give("lld-link-20", "echo LLD 20.1.0")
    assert machine.doctor("--for", "build").about("linker")["place"]["file"].endswith("lld-link-20")


@pytest.mark.parametrize(
    ("program", "message"),
    [("link", "is for Windows"), ("/nowhere/lld-link", "there is no /nowhere/lld-link")],
)
def test_a_linker_that_the_configuration_names_is_looked_for(
    machine: Machine, program: str, message: str
) -> None:
    machine.configure(CONFIG + f'[linker]\nprogram = "{program}"\n')

    assert message in machine.doctor("--for", "build").about("linker")["message"]


def test_a_linker_that_a_variable_of_cargo_names_goes_first(machine: Machine) -> None:
    own = machine.under(CARGO_TARGET_X86_64_PC_WINDOWS_MSVC_LINKER="own-lld")
    assert "there is no own-lld" in own.doctor("--for", "build").about("linker")["message"]

    machine.give("own-lld", "echo LLD 20.1.0")
    assert own.doctor("--for", "build").about("linker")["place"]["file"].endswith("/own-lld")


def test_a_tool_that_hangs_is_ended(machine: Machine) -> None:
    machine.give("cargo-make", "echo $$ > pid; exec /bin/sleep 600")

    told = machine.doctor("--time-limit", "2", "--for", "build")

    assert "did not answer within 2 s" in told.about("cargo-make")["message"]


def test_a_driver_kit_that_is_asked_for_is_looked_for_as_build_rs_does(machine: Machine) -> None:
    kit = machine.home / "kit"
    machine.configure(
        f'[driver]\nname = "hello"\nmodel = "kmdf"\n[wdk]\nlocate = "path"\npath = "{kit}"\n'
    )
    assert f"looked at wdk.path: {kit}" in machine.doctor("--for", "build").about("WDK")["message"]

    for version in ("10.0.9.0", "10.0.10.0"):
        library = kit / "Lib" / version / "km/x64/ntoskrnl.lib"
        library.parent.mkdir(parents=True)
        library.touch()
    assert "no KMDF 1" in machine.doctor("--for", "build").about("WDK")["message"]

    (kit / "Lib/wdf/kmdf/x64/1.15").mkdir(parents=True)
    finding = machine.doctor("--for", "build").about("WDK")
    assert finding["severity"] == "ok"
    assert finding["place"]["file"] == str(kit / "Lib/10.0.10.0/km/x64")


def test_a_driver_kit_of_nuget_is_found_by_the_environment(machine: Machine) -> None:
    packages = machine.home / "packages"
    library = packages / "Microsoft.Windows.WDK.x64.10.0.26100.1/c/Lib/10.0.26100.0/km/x64/a.lib"
    library.parent.mkdir(parents=True)
    library.touch()

    found = machine.under(WDKContentRoot=str(packages)).doctor("--for", "build").about("WDK")

    assert found["place"]["file"] == str(library.parent)


def test_wine_that_does_not_run_is_a_note_until_smoke_is_asked_for(machine: Machine) -> None:
    machine.give("wine64", "echo no display; exit 1")

    told = machine.doctor()
    assert told.code == 0
    assert "no display" in told.about("Wine")["message"]
    assert "note" in next(
        line for line in machine.kdrvgen("doctor").stdout.splitlines() if "Wine" in line
    )

    told = machine.doctor("--for", "smoke")
    assert told.code == 7
    assert told.missing == ["Wine"]


def test_wine_is_no_help_for_a_driver_of_another_machine(machine: Machine) -> None:
    machine.configure(CONFIG.replace("[signing]", 'target = "aarch64-pc-windows-msvc"\n[signing]'))

    assert "x86_64 drivers only" in machine.doctor("--for", "smoke").about("Wine")["message"]


def test_only_windows_has_services(machine: Machine) -> None:
    assert machine.doctor("--for", "deploy").missing == ["Windows"]
