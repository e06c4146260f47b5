"""Tools that are installed, missing, too old, or do not work."""

from __future__ import annotations

import json
from pathlib import Path

import lief
import pytest

from kdrvgen.doctor.host import Answer
from kdrvgen.doctor.probes.signing import tiny_image
from tests.doctor.support import MANIFEST, Machine
from tests.pipeline.support import CONFIG, X64

I686 = "i686-pc-windows-msvc"
PACKAGE = '[package]\nkind = "device"\nprovider = "Example"\n'
OFF = '[driver]\nname = "hello"\n[signing]\nmode = "off"\n'
AS_ROOT = 'exec "$@"'


def test_doctor_reports_nothing_missing_on_a_complete_machine(machine: Machine) -> None:
    report = machine.doctor()

    assert report.code == 0, report.text
    assert report.missing == []
    for name in ("cargo", "rustc", "target", "linker", "cargo-make", "osslsigncode"):
        finding = report.finding(name)
        assert finding["severity"] == "ok"
        assert finding["place"]["file"], name
    assert "signs and verifies a test file" in report.finding("osslsigncode")["message"]


def test_without_a_configuration_doctor_checks_what_every_project_needs(machine: Machine) -> None:
    (machine.folder / "config.toml").unlink()

    report = machine.doctor()

    assert report.code == 0, report.text
    assert X64 in report.finding("target")["message"]
    assert "generated files" not in {each["message"].partition(":")[0] for each in report.findings}


@pytest.mark.parametrize(
    ("tool", "name", "package"),
    [
        ("osslsigncode", "osslsigncode", "osslsigncode"),
        ("openssl", "openssl", "openssl"),
        ("cc", "host linker", "gcc"),
    ],
)
def test_a_missing_system_tool_is_installed_with_apt_get(
    machine: Machine, tool: str, name: str, package: str
) -> None:
    machine.uninstall(tool)
    machine.install("apt-get", "")
    machine.install("sudo", AS_ROOT)

    report = machine.doctor()

    assert report.code == 7
    assert report.missing == [name]
    assert "is not installed" in report.finding(name)["message"]
    *_, install = report.finding(name)["fixes"]
    assert [each for each in install if each != "sudo"] == ["apt-get", "install", "--yes", package]


def test_a_submission_needs_kdrvgen_on_path_and_a_profile_that_signs(machine: Machine) -> None:
    machine.configure(f"{CONFIG}{PACKAGE}")
    machine.kdrvgen("config.toml")

    report = machine.doctor("--for", "submission")
    assert report.missing == ["kdrvgen"]
    assert "not found on PATH" in report.finding("kdrvgen")["message"]
    assert report.finding("submission", "no such task")["severity"] == "note"
    assert "sign" in report.finding("osslsigncode")["tags"]

    machine.install("kdrvgen", "echo kdrvgen 1.2.3")
    machine.configure(f"{CONFIG}{PACKAGE}[package.submission]\n")
    machine.kdrvgen("config.toml")
    report = machine.doctor("--for", "submission")
    assert report.missing == []
    assert json.loads(report.text)["tasks"] == ["build", "package", "sign", "submission"]
    assert report.finding("kdrvgen")["message"] == "kdrvgen: 1.2.3"
    finding = report.finding("submission")
    assert finding["severity"] == "note"
    assert "development signs with a test certificate" in finding["message"]

    machine.configure(f"{OFF}{PACKAGE}[package.submission]\n")
    machine.kdrvgen("config.toml")
    assert machine.doctor("--for", "package").missing == []
    assert machine.doctor("--for", "submission").missing == ["submission"]


def test_the_tools_of_the_wdk_make_a_package_on_windows_only(machine: Machine) -> None:
    (machine.folder / "own.inx").write_text("", "utf-8")
    machine.configure(f'{CONFIG}[package]\ntool = "wdk"\ninx = "own.inx"\n')
    machine.kdrvgen("config.toml")

    report = machine.doctor("--for", "package")
    assert report.missing == ["WDK tools"]
    assert 'set package.tool = "kdrvgen"' in report.finding("WDK tools")["help"]
    assert machine.doctor("--for", "submission").missing == ["kdrvgen", "WDK tools"]


def test_a_missing_tool_is_installed_with_homebrew_or_named_in_the_advice(machine: Machine) -> None:
    machine.uninstall("osslsigncode")
    assert "install osslsigncode" in machine.doctor().finding("osslsigncode")["help"]

    machine.install("brew", "")
    (command,) = machine.doctor().finding("osslsigncode")["fixes"]
    assert command == ["brew", "install", "osslsigncode"]


def test_a_signing_tool_that_starts_but_cannot_sign_is_an_error(machine: Machine) -> None:
    real = machine.real("osslsigncode")
    machine.install(
        "osslsigncode", f'[ "$1" != sign ] || {{ echo no provider; exit 1; }}; exec {real} "$@"'
    )

    report = machine.doctor()

    assert report.missing == ["osslsigncode"]
    assert (
        "cannot sign and verify a test file: no provider"
        in report.finding("osslsigncode")["message"]
    )


@pytest.mark.parametrize("_tools", ["stand-ins"], indirect=True, scope="session")
def test_a_test_file_is_signed_and_verified_with_a_certificate_of_its_own(machine: Machine) -> None:
    log = machine.home / "log"
    for tool in ("openssl", "osslsigncode"):
        real = machine.real(tool)
        machine.install(tool, f'echo {tool} "$@" >> {log}; exec {real}')

    machine.doctor("--for", "sign")

    lines = log.read_text("utf-8").splitlines()
    (folder,) = {Path(word).parent for line in lines for word in line.split() if "/key" in word}
    assert folder.name.startswith("kdrvgen-")
    assert not folder.exists()
    key, certificate, image, signed = (
        str(folder / name) for name in ("key", "certificate", "image", "signed")
    )
    subject = "-subj /CN=kdrvgen doctor -addext extendedKeyUsage=codeSigning"
    kind = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
    assert [line for line in lines if str(folder) in line] == [
        f"openssl req -x509 {subject} {kind} -keyout {key} -out {certificate}",
        f"osslsigncode sign -certs {certificate} -key {key} -in {image} -out {signed}",
        f"osslsigncode verify -CAfile {certificate} -in {signed}",
    ]


def test_the_test_file_is_an_image_of_windows() -> None:
    image = lief.PE.parse(list(tiny_image()))

    assert image is not None
    header = image.optional_header
    assert image.header.machine == lief.PE.Header.MACHINE_TYPES.AMD64
    assert header.magic == lief.PE.PE_TYPE.PE32_PLUS
    assert (header.sizeof_image, header.sizeof_headers) == (0x2000, 512)
    assert header.addressof_entrypoint == 0x1000
    assert (header.section_alignment, header.file_alignment) == (0x1000, 512)
    assert header.subsystem == lief.PE.OptionalHeader.SUBSYSTEM.NATIVE
    (section,) = image.sections
    assert section.name == ".text"
    assert (section.offset, section.virtual_address, section.size) == (512, 0x1000, 512)


def test_openssl_in_the_project_is_not_used_to_try_to_sign(machine: Machine) -> None:
    (machine.folder / "bin").mkdir()
    (machine.home / "bin/openssl").rename(machine.folder / "bin/openssl")
    own = machine.with_env(PATH=f"{machine.env['PATH']}:{machine.folder}/bin")

    report = own.doctor("--for", "sign")

    assert report.code == 0
    assert "test file" not in report.finding("osslsigncode")["message"]


def test_a_long_line_of_a_tool_is_cut(machine: Machine) -> None:
    machine.install("cargo-make", f"echo {'x' * 301}; exit 1")

    message = machine.doctor("--for", "build").finding("cargo-make")["message"]

    assert message == f"cargo-make: does not run: {'x' * 300}"


@pytest.mark.parametrize(
    ("code", "text"),
    [(3, "3"), (-9, "-9"), (0x8000_0000, "0x80000000"), (0xC000_0135, "0xC0000135")],
)
def test_a_tool_that_prints_nothing_is_shown_with_its_exit_code(code: int, text: str) -> None:
    assert Answer(code, " \n").first_line == f"exit code {text}"


def test_a_signing_tool_of_another_system_is_an_error(machine: Machine) -> None:
    machine.configure(CONFIG + 'tool = "signtool"\n')

    assert "does not run on this system" in machine.doctor().finding("signtool")["message"]


def test_without_cargo_and_rustc_the_advice_is_rustup(machine: Machine) -> None:
    machine.uninstall("cargo", "rustc", "rustup")

    report = machine.doctor()

    assert set(report.missing) >= {"cargo", "rustc"}
    assert "cargo-make" not in report.missing  # it is there, and does not lack anything itself
    machine.uninstall("cargo-make")
    assert machine.doctor().finding("cargo-make")["help"] == "install cargo first"
    assert "rustup" in report.finding("cargo")["help"]
    assert "rustup" in report.finding("rustc")["help"]


def test_a_missing_channel_is_installed_with_rustup(machine: Machine) -> None:
    machine.configure(CONFIG + '[toolchain]\nchannel = "1.11.0"\n')
    message = "error: toolchain '1.11.0-x86_64-unknown-linux-gnu' is not installed"
    machine.install("rustup", f'echo "{message}"; exit 1')

    report = machine.doctor("--for", "build")

    assert set(report.missing) >= {"cargo", "rustc"}
    (command,) = report.finding("rustc")["fixes"]
    name = "1.11.0-x86_64-unknown-linux-gnu"
    assert command == ["rustup", "toolchain", "install", name, "--target", X64]


def test_a_channel_without_rustup_is_reported_as_needing_rustup(machine: Machine) -> None:
    machine.configure(CONFIG + '[toolchain]\nchannel = "nightly"\n')
    machine.uninstall("rustup")

    assert '"nightly" needs rustup' in machine.doctor("--for", "build").finding("rustc")["help"]


def test_a_compiler_older_than_the_edition_is_updated_with_rustup(machine: Machine) -> None:
    manifest = MANIFEST.replace('edition = "2021"', "edition.workspace = true")
    manifest += '[workspace.package]\nedition = "2024"\n'
    (machine.folder / "Cargo.toml").write_text(manifest, encoding="utf-8")
    sysroot = machine.own_toolchain(X64)
    machine.install(
        "rustc",
        f'[ "$2" != sysroot ] || {{ echo {sysroot}; exit; }}\n'
        "printf 'host: x86_64-unknown-linux-gnu\\nrelease: 1.80.1\\n'",
    )

    report = machine.doctor("--for", "build")

    assert "older than 1.85" in report.finding("rustc")["message"]
    assert report.finding("rustc")["fixes"] == [["rustup", "update", "mine"]]


def test_a_missing_target_is_installed_with_rustup(machine: Machine) -> None:
    machine.configure(CONFIG.replace("[signing]", f'targets = ["{X64}", "{I686}"]\n[signing]'))
    machine.own_toolchain(X64)
    machine.install("rustup", "")

    report = machine.doctor("--for", "build")

    assert report.missing == ["target", "generated files"]
    assert report.finding("target", X64)["severity"] == "ok"
    (command,) = report.finding("target", I686)["fixes"]
    assert command == ["rustup", "target", "add", "--toolchain", "mine", I686]

    machine.uninstall("rustup")
    assert (
        "not installed with rustup"
        in machine.doctor("--for", "build").finding("target", I686)["help"]
    )


def test_missing_library_sources_are_installed_with_rustup(machine: Machine) -> None:
    machine.configure(CONFIG + '[toolchain]\nchannel = "nightly"\nbuild-std = ["core"]\n')
    sysroot = machine.own_toolchain()
    machine.install("rustup", 'shift 2; exec "$@"')

    report = machine.doctor("--for", "build")
    (command,) = report.finding("library sources")["fixes"]
    assert command == ["rustup", "component", "add", "--toolchain", "mine", "rust-src"]

    source = sysroot / "lib/rustlib/src/rust/library/core/src/lib.rs"
    source.parent.mkdir(parents=True)
    source.touch()
    assert machine.doctor("--for", "build").finding("library sources")["severity"] == "ok"


def test_cargo_make_is_found_in_the_folder_of_cargo_too(machine: Machine) -> None:
    machine.uninstall("cargo-make")
    own = machine.home / ".cargo/bin/cargo-make"
    own.parent.mkdir(parents=True)
    own.write_text("#!/bin/sh\n[ $1 = make ] && echo cargo-make 0.37.20\n", encoding="utf-8")
    own.chmod(0o755)
    assert machine.doctor("--for", "build").finding("cargo-make")["place"]["file"] == str(own)

    bare = machine.with_env(HOME=str(machine.home))
    del bare.env["CARGO_HOME"]
    assert bare.doctor("--for", "build").finding("cargo-make")["severity"] == "ok"


def test_a_missing_cargo_make_is_installed_with_cargo(machine: Machine) -> None:
    machine.uninstall("cargo-make")

    report = machine.doctor("--for", "build")

    assert report.missing == ["cargo-make"]
    (command,) = report.finding("cargo-make")["fixes"]
    assert command == ["cargo", "install", "--locked", "cargo-make"]


@pytest.mark.parametrize(
    ("version", "severity"), [("0.36.13", "error"), ("0.37.2", "ok"), ("0.38.0", "note")]
)
def test_the_version_of_cargo_make_decides_the_severity(
    machine: Machine, version: str, severity: str
) -> None:
    machine.install("cargo-make", f"echo cargo-make {version}")

    finding = machine.doctor("--for", "build").finding("cargo-make")

    assert finding["severity"] == severity
    assert version in finding["message"]
    assert ("kdrvgen is tested with 0.37.24" in finding["message"]) == (severity == "note")


def test_a_missing_or_old_lld_is_an_error_and_the_newest_one_is_used(machine: Machine) -> None:
    machine.own_toolchain(X64, linker=False)
    machine.uninstall("lld-link*")

    report = machine.doctor("--for", "build")

    assert report.missing == ["linker"]
    assert "rust-lld" in report.finding("linker")["help"]

    machine.install("lld-link", "echo LLD 14.0.6")
    assert "/KERNEL" in machine.doctor("--for", "build").finding("linker")["message"]
    machine.uninstall("lld-link")
    machine.install("lld-link-9", "echo LLD 9.0.0")
    machine.install("lld-link-18", "echo LLD 18.1.0")
    machine.install("lld-link-20", "echo LLD 20.1.0")
    assert (
        machine.doctor("--for", "build").finding("linker")["place"]["file"].endswith("lld-link-20")
    )


def test_rust_lld_is_taken_from_the_toolchain_and_asked_as_a_linker_for_windows(
    machine: Machine,
) -> None:
    sysroot = machine.own_toolchain(X64)
    program = sysroot / "lib/rustlib/host/bin/rust-lld"
    script = '[ "$1 $2 $3" = "-flavor link --version" ] && echo LLD 21.1.0 compatible'
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    for text in ("", '[linker]\nprogram = "rust-lld"\n'):
        machine.configure(CONFIG + text)
        finding = machine.doctor("--for", "build").finding("linker")
        assert finding["message"] == "linker: rust-lld: LLD 21"
        assert finding["place"]["file"] == str(program)

    machine.install("rust-lld", f"{script.replace('21', '23')}")
    finding = machine.doctor("--for", "build").finding("linker")
    assert finding["message"] == "linker: rust-lld: LLD 23"

    machine.install("rust-lld", "exit 1")
    assert "does not run" in machine.doctor("--for", "build").finding("linker")["message"]


def test_a_host_linker_in_the_project_is_a_note(machine: Machine) -> None:
    own = machine.folder / "cc"
    own.write_text("#!/bin/sh\n", encoding="utf-8")
    own.chmod(0o755)
    linked = machine.with_env(CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER=str(own))
    finding = linked.doctor("--for", "build").finding("host linker")
    assert finding["severity"] == "note"
    assert finding["message"] == f"host linker: not run, because {own} is in the project"
    assert finding["place"]["file"] == str(own)


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("link", "works on Windows only"),
        ("/nowhere/lld-link", 'linker.program = "/nowhere/lld-link": no such program'),
    ],
)
def test_a_configured_linker_that_does_not_work_here_is_an_error(
    machine: Machine, program: str, message: str
) -> None:
    machine.configure(CONFIG + f'[linker]\nprogram = "{program}"\n')

    assert message in machine.doctor("--for", "build").finding("linker")["message"]


def test_a_linker_in_a_variable_of_cargo_comes_first(machine: Machine) -> None:
    own = machine.with_env(CARGO_TARGET_X86_64_PC_WINDOWS_MSVC_LINKER="own-lld")
    assert (
        '_LINKER = "own-lld": no such program'
        in own.doctor("--for", "build").finding("linker")["message"]
    )

    machine.install("own-lld", "echo LLD 20.1.0")
    assert own.doctor("--for", "build").finding("linker")["place"]["file"].endswith("/own-lld")


@pytest.mark.slow
def test_a_tool_that_hangs_is_ended_at_the_time_limit(machine: Machine) -> None:
    machine.install("cargo-make", "echo $$ > pid; exec /bin/sleep 600")

    report = machine.doctor("--time-limit", "2", "--for", "build")

    assert "did not answer within 2 s" in report.finding("cargo-make")["message"]


def test_a_required_kit_is_searched_in_the_places_of_build_rs(machine: Machine) -> None:
    kit = machine.home / "kit"
    machine.configure(
        f'[driver]\nname = "hello"\nmodel = "kmdf"\n[wdk]\nlocate = "path"\npath = "{kit}"\n'
    )
    assert f"searched wdk.path: {kit}" in machine.doctor("--for", "build").finding("WDK")["message"]

    for version in ("10.0.9.0", "10.0.10.0"):
        library = kit / "Lib" / version / "km/x64/ntoskrnl.lib"
        library.parent.mkdir(parents=True)
        library.touch()
    assert "no KMDF 1" in machine.doctor("--for", "build").finding("WDK")["message"]

    (kit / "Lib/wdf/kmdf/x64/1.15").mkdir(parents=True)
    finding = machine.doctor("--for", "build").finding("WDK")
    assert finding["severity"] == "ok"
    assert finding["place"]["file"] == str(kit / "Lib/10.0.10.0/km/x64")


def test_a_kit_from_nuget_is_found_with_the_environment(machine: Machine) -> None:
    packages = machine.home / "packages"
    library = packages / "Microsoft.Windows.WDK.x64.10.0.26100.1/c/Lib/10.0.26100.0/km/x64/a.lib"
    library.parent.mkdir(parents=True)
    library.touch()

    found = machine.with_env(WDKContentRoot=str(packages)).doctor("--for", "build").finding("WDK")

    assert found["place"]["file"] == str(library.parent)


def test_wine_that_does_not_run_is_an_error_only_for_smoke(machine: Machine) -> None:
    machine.install("wine64", "echo no display; exit 1")

    report = machine.doctor()
    assert report.code == 0
    assert "no display" in report.finding("Wine")["message"]
    assert "note" in next(
        line for line in machine.kdrvgen("doctor").stdout.splitlines() if "Wine" in line
    )

    report = machine.doctor("--for", "smoke")
    assert report.code == 7
    assert report.missing == ["Wine"]


def test_wine_does_not_load_a_driver_for_arm64(machine: Machine) -> None:
    machine.configure(CONFIG.replace("[signing]", 'target = "aarch64-pc-windows-msvc"\n[signing]'))

    assert "x86_64 drivers only" in machine.doctor("--for", "smoke").finding("Wine")["message"]


def test_deploy_on_linux_is_an_error(machine: Machine) -> None:
    assert machine.doctor("--for", "deploy").missing == ["Windows"]
