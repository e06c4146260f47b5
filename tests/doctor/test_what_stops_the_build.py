"""What stops a build or a signature although all tools are installed."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest
from cryptography.hazmat.primitives.serialization import pkcs12

from kdrvgen import Driver, Project, diagnose
from kdrvgen.doctor.host import Host, this_host
from kdrvgen.doctor.probes.environment import disk
from kdrvgen.doctor.probes.project import project_files, target_folders
from kdrvgen.report.finding import Severity
from tests.doctor.support import MANIFEST, Machine
from tests.pipeline.authority import CODE_SIGNING, Identity
from tests.pipeline.support import CONFIG, X64, without
from tests.program import run_kdrvgen

PROJECT = Project(driver=Driver(name="hello"))
OWN = CONFIG + 'mode = "certificate"\npfx = "own.pfx"\npfx-password-env = "OWN_PASSWORD"\n'


def _edit(machine: Machine, old: str, new: str) -> None:
    (machine.folder / "Cargo.toml").write_text(MANIFEST.replace(old, new), encoding="utf-8")


# --- Cargo.toml and rust-toolchain.toml -------------------------------------------------------


def test_a_project_without_a_cargo_toml_is_an_error(machine: Machine) -> None:
    (machine.folder / "Cargo.toml").unlink()

    report = machine.doctor()

    assert report.missing == ["project"]
    assert report.finding("project")["place"]["file"] == str(machine.folder / "Cargo.toml")
    assert "no Cargo.toml" in report.finding("project")["message"]
    assert "cargo init --lib" in report.finding("project")["help"]


@pytest.mark.parametrize(
    ("manifest", "source"),
    [("[lib]", "src/lib.rs"), ('[lib]\npath = "src/driver.rs"', "src/driver.rs")],
)
def test_a_missing_source_of_the_library_is_an_error(
    machine: Machine, manifest: str, source: str
) -> None:
    _edit(machine, "[lib]", manifest)
    (machine.folder / "src/lib.rs").unlink()

    report = machine.doctor("--for", "build")

    assert report.missing == ["project"]
    assert report.finding("project")["place"]["file"] == str(machine.folder / source)


@pytest.mark.one_in(8)
@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ('crate-type = ["cdylib"]', "", "cargo-crate-type"),
        ('name = "hello"', 'name = "other"', "cargo-name"),
        ("[package]", "[other]", "cargo-package"),
        ("[workspace]", '[profile.lab]\ninherits = "release"\npanic = "unwind"', "cargo-panic"),
        ("[workspace]", "", "cargo-profile"),
        ("[workspace]", "[workspace", "toml-syntax"),
    ],
)
def test_a_cargo_toml_that_stops_the_build_is_an_error(
    machine: Machine, old: str, new: str, rule: str
) -> None:
    machine.configure(CONFIG + '[profiles.lab]\ncargo-profile = "lab"\n')
    machine.kdrvgen("config.toml")
    _edit(machine, old, new)

    report = machine.doctor()

    assert report.code == 7
    (finding,) = [each for each in report.findings if each["rule"] == rule]
    assert finding["severity"] == "error"
    assert finding["place"]["file"].endswith("Cargo.toml")


def test_a_target_that_the_toolchain_file_does_not_list_is_a_note(machine: Machine) -> None:
    (machine.folder / "rust-toolchain.toml").write_text(
        '[toolchain]\nchannel = "stable"\n', encoding="utf-8"
    )

    report = machine.doctor("--for", "build")

    (finding,) = [each for each in report.findings if each["rule"] == "toolchain-targets"]
    assert finding["severity"] == "warning"
    assert X64 in finding["help"]


# --- toolchains of rustup ---------------------------------------------------------------------


@pytest.fixture
def rustup(machine: Machine) -> Path:
    """The folder of rustup's toolchains; `cargo` prints the one that it gets."""
    machine.env.pop("RUSTUP_TOOLCHAIN", None)  # docs/setup.sh sets it
    machine.env["RUSTUP_HOME"] = str(machine.home / "rustup")
    folder = machine.home / "rustup/toolchains"
    (folder / "1.90.0-x86_64-unknown-linux-gnu").mkdir(parents=True)
    (folder / "mine").mkdir()
    machine.install("cargo", 'echo "cargo of ${RUSTUP_TOOLCHAIN:-default}"')
    return folder


@pytest.mark.one_in(8)
@pytest.mark.parametrize(
    ("name", "text", "toolchain"),
    [
        ("rust-toolchain.toml", '[toolchain]\nchannel = "1.90.0"\n', "1.90.0"),
        ("rust-toolchain", "mine\n", "mine"),
        ("rust-toolchain", '[toolchain]\nchannel = "1.90.0"\n', "1.90.0"),
        ("rust-toolchain.toml", '[toolchain]\ncomponents = ["clippy"]\n', "default"),
        ("../rust-toolchain.toml", '[toolchain]\nchannel = "mine"\n', "mine"),
    ],
)
def test_the_toolchain_is_the_one_that_rustup_would_use(
    machine: Machine, rustup: Path, name: str, text: str, toolchain: str
) -> None:
    assert rustup.is_dir()
    (machine.folder / name).write_text(text, encoding="utf-8")

    def used(on: Machine = machine) -> str:
        message: str = on.doctor("--for", "build").finding("cargo")["message"]
        return message.removeprefix("cargo: of ")

    assert used() == toolchain
    assert used(machine.with_env(RUSTUP_TOOLCHAIN="mine")) == "mine"

    settings = f'[overrides]\n"{machine.home}" = "1.90.0"\n'
    (rustup.parent / "settings.toml").write_text(settings, encoding="utf-8")
    # In the same folder, the override comes first.
    assert used() == ("1.90.0" if name.startswith("..") else toolchain)


def test_an_override_may_have_the_prefix_that_rustup_writes_on_windows(
    machine: Machine, rustup: Path
) -> None:
    settings = f"[overrides]\n'\\\\?\\{machine.folder}' = \"1.90.0\"\n"
    (rustup.parent / "settings.toml").write_text(settings, encoding="utf-8")

    assert machine.doctor("--for", "build").finding("cargo")["message"].endswith("of 1.90.0")


def test_a_toolchain_that_is_not_installed_is_installed_with_its_targets(
    machine: Machine, rustup: Path
) -> None:
    assert rustup.is_dir()
    file = machine.folder / "rust-toolchain.toml"
    file.write_text('[toolchain]\nchannel = "1.91.0"\n', encoding="utf-8")

    finding = machine.doctor("--for", "build").finding("cargo")

    assert "toolchain '1.91.0' is not installed" in finding["message"]
    assert finding["fixes"] == [["rustup", "toolchain", "install", "1.91.0", "--target", X64]]


def test_toolchains_are_in_the_home_of_the_user_by_default(machine: Machine, rustup: Path) -> None:
    rustup.parent.rename(machine.home / ".rustup")
    del machine.env["RUSTUP_HOME"]
    own = machine.with_env(RUSTUP_TOOLCHAIN="1.91.0")

    message = own.doctor("--for", "build").finding("cargo")["message"]

    assert message == "cargo: toolchain '1.91.0' is not installed"


@pytest.mark.one_in(8)
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("rust-toolchain.toml", "[toolchain\n"),
        ("rust-toolchain.toml", "[toolchain]\n"),
        ("rust-toolchain.toml", "stable\n"),
        ("rust-toolchain", ""),
        ("rust-toolchain", "# stable\nstable\n"),
    ],
)
def test_a_toolchain_file_that_rustup_cannot_read_is_an_error(
    machine: Machine, rustup: Path, name: str, text: str
) -> None:
    assert rustup.is_dir()
    (machine.folder / name).write_text(text, encoding="utf-8")

    report = machine.doctor("--for", "build")

    assert "rustup cannot read" in report.finding("cargo")["message"]
    assert str(machine.folder / name) in report.finding("rustc")["message"]


# --- certificates -----------------------------------------------------------------------------


def _put_legacy(machine: Machine, identity: Identity) -> None:
    own = machine.folder
    (own / "key.pem").write_bytes(identity.key_pem())
    (own / "certificate.pem").write_bytes(identity.certificate_pem())
    words = "openssl pkcs12 -export -legacy -passout pass:right -inkey key.pem -in certificate.pem"
    subprocess.run([*words.split(), "-out", "own.pfx"], cwd=own, check=True)
    pkcs12.load_pkcs12((own / "own.pfx").read_bytes(), b"right")


@pytest.mark.slow
@pytest.mark.parametrize("_tools", ["real tools"], indirect=True, scope="session")
def test_a_pkcs12_file_with_old_encryption_needs_a_provider_of_openssl(machine: Machine) -> None:
    version = subprocess.run(["openssl", "version"], capture_output=True, text=True, check=True)
    if version.stdout.startswith("OpenSSL 1"):
        without("this OpenSSL is older than 3, which has the providers; install a newer one")
    machine.configure(OWN)
    machine.kdrvgen("config.toml")
    _put_legacy(machine, Identity.make("x", CODE_SIGNING))
    own = machine.with_env(OWN_PASSWORD="right")
    assert own.doctor("--for", "sign").code == 0

    bare = own.with_env(OPENSSL_MODULES=str(machine.home))
    report = bare.doctor("--for", "sign")

    assert report.missing == ["certificate"]
    assert "OpenSSL's provider `legacy` is missing" in report.finding("certificate")["message"]
    wrong = bare.with_env(OWN_PASSWORD="wrong").doctor("--for", "sign").finding("certificate")
    assert "the password in OWN_PASSWORD is wrong" in wrong["message"]


@pytest.mark.slow
@pytest.mark.parametrize("_tools", ["real tools"], indirect=True, scope="session")
@pytest.mark.parametrize(
    ("days", "message"), [((2, 9), "not valid before"), ((-9, -2), "expired on")]
)
def test_a_certificate_that_is_not_valid_now_is_an_error(
    machine: Machine, days: tuple[int, int], message: str
) -> None:
    machine.configure(OWN)
    machine.kdrvgen("config.toml")
    identity = Identity.make("x", CODE_SIGNING, days=days)
    (machine.folder / "own.pfx").write_bytes(identity.pfx("right"))

    report = machine.with_env(OWN_PASSWORD="right").doctor("--for", "sign")

    assert report.missing == ["certificate"]
    assert message in report.finding("certificate")["message"]


@pytest.mark.slow
@pytest.mark.parametrize("home", ["", "relative"])
def test_a_missing_home_is_an_error_for_the_test_certificate_and_for_wine(
    machine: Machine, home: str
) -> None:
    machine.install("wine64", "echo wine-9.0")
    machine.install("wineserver", "")
    cache = machine.env.pop("XDG_CACHE_HOME", None) or str(machine.home / "cache")
    data = machine.env.pop("XDG_DATA_HOME", None) or str(machine.home / "data")
    own = machine.with_env(HOME=home)

    report = own.doctor("--for", "sign,smoke")

    assert report.missing == ["certificate", "Wine"]
    assert "set HOME, or XDG_DATA_HOME" in report.finding("certificate")["help"]
    assert "set HOME, or XDG_CACHE_HOME" in report.finding("Wine", "HOME")["help"]
    assert "certificate" not in own.with_env(XDG_DATA_HOME=data).doctor("--for", "sign").missing
    assert own.with_env(XDG_DATA_HOME=data, XDG_CACHE_HOME=cache).doctor("--for", "smoke").code == 0


@pytest.mark.skipif(sys.platform == "win32", reason="on Windows each user has a home")
def test_a_user_without_a_name_and_without_a_home_gets_a_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_user(number: int) -> NoReturn:
        raise KeyError(number)

    monkeypatch.setattr("pwd.getpwuid", no_user)
    monkeypatch.delenv("HOME")
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "config.toml").write_text(CONFIG, encoding="utf-8")

    rules = {each.rule for each in diagnose(tmp_path / "config.toml", tasks=["build"])}

    assert "host-project" in rules


# --- the version of osslsigncode --------------------------------------------------------------


@pytest.mark.one_in(8)
@pytest.mark.parametrize(
    ("version", "severity"),
    [("1.7.1", "error"), ("2.0", "error"), ("2.1", "note"), ("2.7", "note"), ("2.8", "ok"),
     ("2.10", "ok"), ("3.0", "ok")],
)  # fmt: skip
def test_the_version_of_osslsigncode_decides_whether_it_signs_catalogs(
    machine: Machine, version: str, severity: str
) -> None:
    real = machine.real("osslsigncode")
    printed = f"echo 'osslsigncode {version}, using:'; exit"
    machine.install("osslsigncode", f'[ "$1" != --version ] || {{ {printed}; }}; exec {real} "$@"')
    without_package = machine.doctor("--for", "sign").finding("osslsigncode")
    assert without_package["severity"] == ("error" if severity == "error" else "ok")

    machine.configure(CONFIG + '[package]\nkind = "primitive"\nprovider = "Me"\n')
    finding = machine.doctor("--for", "sign").finding("osslsigncode")

    assert finding["severity"] == severity
    assert version in finding["message"]


# --- folders ----------------------------------------------------------------------------------


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return dataclasses.replace(this_host(tmp_path, 10), env={})


def test_a_target_directory_that_cannot_be_written_is_an_error(host: Host, tmp_path: Path) -> None:
    read_only = dataclasses.replace(host, is_writable=lambda folder: folder != tmp_path)
    *_, finding = project_files(read_only, PROJECT)
    assert finding.severity is Severity.ERROR
    assert finding.file == str(tmp_path)
    assert "set CARGO_TARGET_DIR" in finding.help

    # Elsewhere, cargo still writes Cargo.lock beside Cargo.toml if there is none.
    (tmp_path / "elsewhere").mkdir()
    read_only = dataclasses.replace(read_only, env={"CARGO_TARGET_DIR": "elsewhere/target"})
    *_, finding = project_files(read_only, PROJECT)
    assert finding.severity is Severity.ERROR
    assert "copy the project" in finding.help
    (tmp_path / "Cargo.lock").touch()
    *_, finding = project_files(read_only, PROJECT)
    assert finding.severity is Severity.OK
    assert finding.file == str(tmp_path / "elsewhere")


def test_a_folder_of_signed_drivers_that_cannot_be_written_is_an_error(
    host: Host, tmp_path: Path
) -> None:
    (tmp_path / "dist").mkdir()
    (tmp_path / "target").mkdir()
    (tmp_path / "Cargo.lock").touch()
    project = Project(driver=Driver(name="hello", output_dir="dist/{profile}"))
    read_only = dataclasses.replace(host, is_writable=lambda folder: folder.name != "dist")

    *_, finding = project_files(read_only, project)
    assert finding.severity is Severity.ERROR
    assert finding.file == str(tmp_path / "dist")
    assert finding.help.startswith("change driver.output-dir, or copy")
    assert [*project_files(read_only, PROJECT)][-1].severity is Severity.OK


def test_the_target_directory_can_be_one_of_cargos_configuration(
    host: Host, tmp_path: Path
) -> None:
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    project = tmp_path / "project"
    for folder in (home / ".cargo", elsewhere, project):
        folder.mkdir(parents=True)
    (home / ".cargo/config.toml").write_text(
        '[build]\ntarget-dir = "../elsewhere/target"\n', "utf-8"
    )
    env = {"CARGO_HOME": str(home / ".cargo")}
    host = dataclasses.replace(host, folder=project, env=env)

    def folders(**more: str) -> tuple[Path, ...]:
        own = dataclasses.replace(host, env=env | more)
        return tuple(folder.resolve() for folder in target_folders(own, PROJECT))

    assert folders() == (elsewhere, project)
    assert folders(CARGO_BUILD_TARGET_DIR="../home/target") == (home, project)
    assert folders(CARGO_TARGET_DIR="../home/target") == (home,)
    (finding,) = disk(host, PROJECT)
    assert Path(finding.file).resolve() == elsewhere
    read_only = dataclasses.replace(host, is_writable=lambda folder: folder.resolve() != elsewhere)
    *_, finding = project_files(read_only, PROJECT)
    assert finding.severity is Severity.ERROR
    assert "set CARGO_TARGET_DIR" in finding.help


def test_the_target_directory_is_that_of_the_workspace(host: Host, tmp_path: Path) -> None:
    member = tmp_path / "drivers/hello"
    member.mkdir(parents=True)
    project = Project(driver=Driver(name="hello", workspace_root="../.."))
    *_, finding = project_files(dataclasses.replace(host, folder=member), project)
    assert Path(finding.file).resolve() == tmp_path

    (tmp_path / "target").mkdir()
    *_, finding = project_files(dataclasses.replace(host, folder=member), project)
    assert Path(finding.file).resolve() == tmp_path / "target"
    assert finding.message == "target directory: can be written"


def test_the_target_directory_of_a_windows_is_on_its_own_drives(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = dataclasses.replace(host, system="windows")
    monkeypatch.chdir(tmp_path)
    share = Path(r"\\server\share\hello")
    (tmp_path / share / "target").mkdir(parents=True)

    *_, finding = project_files(dataclasses.replace(host, folder=share), PROJECT)
    assert finding.severity is Severity.ERROR
    assert "network folder" in finding.message
    assert "set CARGO_TARGET_DIR to a folder on a drive of this machine" in finding.help

    # A drive of the network has a letter; its real path is that of the share.
    with monkeypatch.context() as patch:
        patch.setattr("kdrvgen.doctor.probes.project.real_path", lambda _: share)
        *_, finding = project_files(dataclasses.replace(host, folder=tmp_path), PROJECT)
    assert "network folder" in finding.message

    local = {**host.env, "CARGO_TARGET_DIR": str(tmp_path)}
    *_, finding = project_files(dataclasses.replace(host, folder=share, env=local), PROJECT)
    assert finding.severity is Severity.OK


def test_a_file_system_without_hard_links_is_a_note(host: Host) -> None:
    *_, finding = project_files(dataclasses.replace(host, can_link=lambda _: False), PROJECT)
    assert finding.severity is Severity.NOTE
    assert "no hard links" in finding.message


def test_this_machine_is_asked_about_its_folders_and_left_as_it_was(
    host: Host, tmp_path: Path
) -> None:
    assert host.is_writable(tmp_path)
    assert host.can_link(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert not host.can_link(tmp_path / "none")
    assert not host.is_writable(tmp_path / "none")


# --- several drivers --------------------------------------------------------------------------


@pytest.mark.slow
def test_every_driver_of_a_workspace_is_checked(machine: Machine) -> None:
    root = machine.home / "workspace"
    for name in ("alpha", "beta"):
        folder = root / "drivers" / name
        shutil.copytree(machine.folder / "src", folder / "src")
        text = f'[driver]\nname = "{name}"\nworkspace-root = "../.."\n'
        (folder / "config.toml").write_text(text, encoding="utf-8")
        manifest = MANIFEST.replace("hello", name).replace("[workspace]\n", "")
        (folder / "Cargo.toml").write_text(manifest, encoding="utf-8")
    (root / "Cargo.toml").write_text('[workspace]\nmembers = ["drivers/*"]\n', encoding="utf-8")
    assert run_kdrvgen(cwd=root, env=machine.env).returncode == 0
    assert run_kdrvgen("doctor", cwd=root, env=machine.env).returncode == 0

    (root / "drivers/beta/src/lib.rs").unlink()
    (root / "drivers/alpha/.cargo/config").write_text("", encoding="utf-8")
    done = run_kdrvgen("doctor", cwd=root, env=machine.env)

    assert done.returncode == 7
    assert str(root / "drivers/beta/src/lib.rs") in done.stdout
    assert str(root / "drivers/alpha/.cargo/config") in done.stdout
    assert "2 problems" in done.stderr
