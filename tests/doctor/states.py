"""States of machines, whose reports are in reports/: each changes a machine that has everything."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from kdrvgen import Project, Signing
from kdrvgen.doctor.host import Host, this_host
from kdrvgen.doctor.run import Scope, run_probes
from kdrvgen.doctor.tasks import Task
from kdrvgen.rendering.environment import certificate_id
from kdrvgen.report.human import checklist
from tests.doctor.support import MANIFEST, TOOLS, Machine
from tests.pipeline.authority import CODE_SIGNING, TIME_STAMPING, Identity
from tests.pipeline.support import CONFIG, X64

__all__ = ["LINUX", "WINDOWS", "WindowsMachine"]

Words = tuple[str, ...] | None
_WITHOUT_WINE = ("--for", "verify")  # doctor finds it outside of PATH too

_OWN = CONFIG + 'mode = "certificate"\npfx = "own.pfx"\npfx-password-env = "OWN_PASSWORD"\n'
_DAYS = {"valid": (-1, 900), "soon": (-1, 9), "expired": (-9, -2), "future": (2, 900)}


@cache
def _identity(days: str, subject: str = "My Company", *, is_for_code: bool = True) -> Identity:
    usage = CODE_SIGNING if is_for_code else TIME_STAMPING
    return Identity.make(subject, usage, days=_DAYS[days])


# --- Linux: a state can return the arguments of doctor ----------------------------------------


def _complete(machine: Machine) -> None:
    machine.install("wine64", "echo wine-9.0")
    machine.install("wineserver", "")


def _nothing_installed(machine: Machine) -> Words:
    machine.uninstall("*")
    return _WITHOUT_WINE


def _nothing_but_apt_get(machine: Machine) -> Words:
    machine.uninstall("*")
    machine.install("apt-get", "")
    machine.install("sudo", 'exec "$@"')
    return _WITHOUT_WINE


def _nothing_but_homebrew(machine: Machine) -> Words:
    machine.uninstall("*")
    machine.install("brew", "")
    return _WITHOUT_WINE


def _nothing_works(machine: Machine) -> None:
    for tool in (*TOOLS, "wine64"):
        machine.install(tool, f"echo {tool} is broken; exit 3")
    machine.install("apt-get", "")


def _nothing_prints(machine: Machine) -> None:
    _complete(machine)
    for tool in (*TOOLS, "wine64"):
        machine.install(tool, "exit 3")


def _nothing_starts(machine: Machine) -> None:
    _complete(machine)
    for tool in (*TOOLS, "wine64"):
        machine.install(tool, "")
        (machine.home / "bin" / tool).write_text("#!/no/such/shell\n", encoding="utf-8")


def _everything_is_old(machine: Machine) -> None:
    _complete(machine)
    sysroot = machine.own_toolchain(X64, linker=False)
    for name, text in {
        "cargo-make": "cargo-make 0.36.13",
        "osslsigncode": "osslsigncode 2.0.0",
        "lld-link": "LLD 14.0.6",
    }.items():
        machine.install(name, f"echo {text}")
    machine.install(
        "rustc",
        f'[ "$2" != sysroot ] || {{ echo {sysroot}; exit; }}\n'
        "echo 'release: 1.50.0'; echo 'host: x86_64-unknown-linux-gnu'",
    )


def _everything_is_new(machine: Machine) -> None:
    _complete(machine)
    machine.configure(CONFIG + '[package]\nkind = "primitive"\nprovider = "Me"\n')
    machine.kdrvgen("config.toml")
    machine.install("cargo-make", "echo cargo-make 0.39.1")
    machine.install("osslsigncode", "echo osslsigncode 2.10")
    machine.install("kdrvgen", "")


def _a_package_and_no_kdrvgen(machine: Machine) -> None:
    _complete(machine)
    machine.configure(CONFIG + '[package]\nkind = "primitive"\nprovider = "Me"\n')
    machine.kdrvgen("config.toml")


def _a_toolchain_without_targets(machine: Machine) -> None:
    _complete(machine)
    machine.own_toolchain()
    machine.configure(CONFIG + '[toolchain]\nchannel = "nightly"\nbuild-std = ["core"]\n')
    machine.kdrvgen("config.toml")


def _a_target_is_missing(machine: Machine) -> None:
    _complete(machine)
    machine.own_toolchain()
    text = "[toolchain]\nchannel = 'stable'\n"
    (machine.folder / "rust-toolchain.toml").write_text(text, encoding="utf-8")


def _a_toolchain_is_missing(machine: Machine) -> None:
    _complete(machine)
    (Path(machine.env["RUSTUP_HOME"]) / "toolchains/other").mkdir(parents=True)
    machine.env["RUSTUP_TOOLCHAIN"] = "mine"


def _files_of_tomorrow(machine: Machine) -> None:
    _complete(machine)
    tomorrow = time.time() + 3 * 86_400
    os.utime(machine.folder / "src/lib.rs", (tomorrow, tomorrow))


def _a_clock_before_rustc(machine: Machine) -> None:
    _complete(machine)
    real = machine.real("rustc")
    machine.install(
        "rustc", f'{real} "$@" | /bin/sed "s/^commit-date: .*/commit-date: 2999-01-31/"'
    )


def _files_are_outdated(machine: Machine) -> None:
    _complete(machine)
    machine.configure(CONFIG + '[linker]\nargs = ["/MAP"]\n')


def _files_are_edited(machine: Machine) -> None:
    _complete(machine)
    for name in ("Makefile.toml", ".kdrvgen/kit.rs"):
        with (machine.folder / name).open("a", encoding="utf-8") as file:
            file.write("# mine\n")
    (machine.folder / ".kdrvgen/stranger.rs").touch()


def _a_file_of_a_stranger(machine: Machine) -> None:
    _complete(machine)
    (machine.folder / ".kdrvgen/stranger.rs").touch()


def _a_damaged_folder(machine: Machine) -> None:
    _complete(machine)
    (machine.folder / "Cargo.toml").unlink()
    (machine.folder / "Cargo.toml").mkdir()


def _no_cargo_project(machine: Machine) -> None:
    _complete(machine)
    (machine.folder / "Cargo.toml").unlink()


def _no_source(machine: Machine) -> None:
    _complete(machine)
    (machine.folder / "src/lib.rs").unlink()


def _variables_with_flags(machine: Machine) -> None:
    _complete(machine)
    for name in (
        "RUSTFLAGS",
        "CARGO_BUILD_RUSTFLAGS",
        "CARGO_TARGET_X86_64_PC_WINDOWS_MSVC_RUSTFLAGS",
    ):
        machine.env[name] = "-Cx=y"


def _flags_of_other_files(machine: Machine) -> None:
    _complete(machine)
    _put(machine.home / ".cargo/config.toml", f'[target.{X64}]\nrustflags = ["--cfg=own"]\n')


def _cargo_cannot_read(machine: Machine) -> None:
    _complete(machine)
    _put(
        machine.home / ".cargo/config.toml",
        f"[target.{X64}]\nrustflags = 'x'\n[alias]\nmake = 'b'\n",
    )
    _put(machine.home.parent / ".cargo/config.toml", "[\n")
    _put(machine.folder / ".cargo/config", "[build]\nrustc-wrapper = 'sccache'\n")


def _linkers_are_missing(machine: Machine) -> None:
    _complete(machine)
    text = "[target.x86_64-unknown-linux-gnu]\nlinker = 'own-cc'\n"
    _put(machine.home / ".cargo/config.toml", text)
    machine.env["CARGO_TARGET_X86_64_PC_WINDOWS_MSVC_LINKER"] = "own-lld"


def _linkers_that_are_not_run(machine: Machine) -> None:
    _complete(machine)
    machine.install("own-cc", "exit 1")
    machine.configure(
        f'{CONFIG}[linker]\nprogram = "{machine.home}/bin/own-cc"\n'
        '[cargo-config.target.x86_64-unknown-linux-gnu]\nlinker = "own-cc"\n'
    )
    machine.kdrvgen("config.toml")


def _another_system(machine: Machine) -> None:
    _complete(machine)
    machine.configure(f'{CONFIG}tool = "signtool"\n[linker]\nprogram = "link"\n')
    machine.kdrvgen("config.toml")


def _a_store_of_windows(machine: Machine) -> None:
    _complete(machine)
    machine.configure(CONFIG + 'mode = "certificate"\nadditional-certificates = ["chain.pem"]\n')
    machine.kdrvgen("config.toml")


def _deploy(machine: Machine) -> Words:
    _complete(machine)
    return ("--for", "deploy")


def _other_architecture(machine: Machine) -> None:
    _complete(machine)
    machine.configure(CONFIG.replace("[signing]", 'target = "i686-pc-windows-msvc"\n[signing]'))
    machine.kdrvgen("config.toml")


def _no_signature(machine: Machine) -> None:
    _complete(machine)
    machine.configure(CONFIG + 'mode = "off"\n')
    machine.kdrvgen("config.toml")


def _no_home(machine: Machine) -> None:
    _complete(machine)
    machine.env.pop("XDG_DATA_HOME")
    machine.env.pop("XDG_CACHE_HOME", None)
    machine.env["HOME"] = ""


def _test_certificate(days: str, *, is_for_code: bool = True) -> Callable[[Machine], None]:
    def change(machine: Machine) -> None:
        _complete(machine)
        _put(_place(machine), _identity(days, is_for_code=is_for_code).stored().decode())

    return change


def _damaged_test_certificate(machine: Machine) -> None:
    _complete(machine)
    _put(_place(machine), "-----BEGIN CERTIFICATE-----\n")


def _place(machine: Machine) -> Path:
    report = machine.doctor("--for", "sign")
    return Path(report.finding("certificate")["place"]["file"])


def _pfx(
    script: str, *, is_there: bool = True, env: str | None = "secret"
) -> Callable[[Machine], None]:
    def change(machine: Machine) -> None:
        _complete(machine)
        machine.configure(_OWN)
        machine.kdrvgen("config.toml")
        if is_there:
            (machine.folder / "own.pfx").touch()
        if env is not None:
            machine.env["OWN_PASSWORD"] = env
        certificate = machine.home / "certificate.pem"
        certificate.write_bytes(_identity("soon").certificate_pem())
        pem = f"while read -r line; do echo $line; done < {certificate}; exit"
        machine.install("openssl", script.replace("CERTIFICATE", pem) + "\necho OpenSSL 3.0.0")

    return change


_UNSUPPORTED = 'echo "inner_evp_generic_fetch:unsupported"; exit 1'
_NO_PROVIDER = 'case "$*" in *-legacy) echo unable to load provider legacy; exit 1;; esac; '


def _put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


LINUX: Mapping[str, Callable[[Machine], Words]] = {
    "complete": _complete,
    "nothing-installed": _nothing_installed,
    "nothing-but-apt-get": _nothing_but_apt_get,
    "nothing-but-homebrew": _nothing_but_homebrew,
    "nothing-works": _nothing_works,
    "nothing-prints": _nothing_prints,
    "nothing-starts": _nothing_starts,
    "everything-is-old": _everything_is_old,
    "everything-is-new": _everything_is_new,
    "a-package-and-no-kdrvgen": _a_package_and_no_kdrvgen,
    "no-library-sources": _a_toolchain_without_targets,
    "a-target-is-missing": _a_target_is_missing,
    "a-toolchain-is-missing": _a_toolchain_is_missing,
    "files-of-tomorrow": _files_of_tomorrow,
    "a-clock-before-rustc": _a_clock_before_rustc,
    "files-are-outdated": _files_are_outdated,
    "files-are-edited": _files_are_edited,
    "a-file-of-a-stranger": _a_file_of_a_stranger,
    "a-folder-in-place-of-a-file": _a_damaged_folder,
    "no-cargo-project": _no_cargo_project,
    "no-source": _no_source,
    "variables-with-flags": _variables_with_flags,
    "flags-of-other-files": _flags_of_other_files,
    "cargo-cannot-read": _cargo_cannot_read,
    "linkers-are-missing": _linkers_are_missing,
    "linkers-that-are-not-run": _linkers_that_are_not_run,
    "another-system": _another_system,
    "a-store-of-windows": _a_store_of_windows,
    "deploy": _deploy,
    "another-architecture": _other_architecture,
    "no-signature": _no_signature,
    "no-home": _no_home,
    "test-certificate": _test_certificate("valid"),
    "test-certificate-of-tomorrow": _test_certificate("future"),
    "test-certificate-for-timestamps": _test_certificate("valid", is_for_code=False),
    "test-certificate-is-damaged": _damaged_test_certificate,
    "pfx": _pfx('[ "$1" = version ] || { CERTIFICATE; }'),
    "pfx-is-missing": _pfx("", is_there=False),
    "pfx-without-its-variable": _pfx("", env=None),
    "pfx-with-another-password": _pfx('[ "$1" != pkcs12 ] || { echo invalid; exit 1; }'),
    "pfx-with-old-encryption": _pfx(f'[ "$1" != pkcs12 ] || {{ {_NO_PROVIDER}{_UNSUPPORTED}; }}'),
}
"""What changes a machine; `complete` is the one to which the reports of the others are compared."""


# --- Windows: the host is a value, and its programs are scripts ---------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class WindowsMachine:
    """A Windows with a developer prompt, and a project that is a value."""

    root: Path
    host: Host
    project: Project
    registry: Mapping[str, str | int]

    @classmethod
    def complete(cls, root: Path) -> WindowsMachine:
        """Return one with everything."""
        folder = root / "project"
        _put(folder / "src/lib.rs", "")
        _put(folder / "Cargo.toml", MANIFEST)
        programs = root / "bin"
        for name, script in {
            "cargo": "echo cargo 1.91.0",
            "rustc": f'[ "$2" != sysroot ] || {{ echo "{root}/rust"; exit; }}\n'
            "echo release: 1.91.0; echo host: x86_64-pc-windows-msvc",
            "cargo-make": "echo cargo-make 0.37.24",
        }.items():
            _program(programs / f"{name}.exe", script)
        _put(root / "rust/lib/rustlib" / X64 / "lib/libcore-1.rlib", "")
        signtool = root / "kits/bin/10.0.26100.0/x64/signtool.exe"
        _program(signtool, '[ "$*" = "verify /?" ] || exit 192')
        _put(root / "kits/Lib/10.0.26100.0/km/x64/ntoskrnl.lib", "")
        _program(root / "VS/bin/Hostx64/x64/link.exe", "")
        path = f"{programs}{os.pathsep}{root}/VS/bin/Hostx64/x64"
        env = {"PATH": path, "USERPROFILE": str(root), "SystemRoot": str(root)}
        host = dataclasses.replace(
            this_host(folder, 10, (folder,)),
            system="windows",
            env=env,
            is_elevated=True,
            free_bytes=lambda _: 75_000_000_000,
        )
        registry = {"KitsRoot10": str(root / "kits"), "SystemStartOptions": " TESTSIGNING"}
        return cls(root, host, _project(), registry)

    def report(self) -> str:
        """Return what doctor prints for all tasks of Windows."""
        host = dataclasses.replace(
            self.host, registry=lambda _key, name, _view: self.registry.get(name)
        )
        tasks = frozenset(Task) - {Task.SMOKE}
        findings = run_probes(host, self.project, "", Scope("development", tasks, network=False))
        return "\n".join(checklist(findings, list(Task)))

    def with_env(self, **env: str) -> WindowsMachine:
        """Return this machine with more environment variables."""
        return self.with_host(env={**self.host.env, **env})

    def with_host(self, **values: object) -> WindowsMachine:
        """Return this machine with another host."""
        return dataclasses.replace(self, host=dataclasses.replace(self.host, **values))  # type: ignore[arg-type] - named by the callers

    def with_project(self, **tables: object) -> WindowsMachine:
        """Return this machine with another project."""
        return dataclasses.replace(self, project=_project(**tables))

    def with_registry(self, **values: str | int) -> WindowsMachine:
        """Return this machine with only these values in its registry."""
        return dataclasses.replace(self, registry=values)

    def with_stores(self, **stored: Identity) -> WindowsMachine:
        """Return this machine with certificates in stores: `My_user`, `Own_machine`."""
        stores = {
            (name.rpartition("_")[0], name.endswith("_machine")): [_der(each)]
            for name, each in stored.items()
        }
        return self.with_host(
            certificates=lambda name, is_machine: stores.get((name, is_machine), [])
        )


def _project(**tables: object) -> Project:
    return Project.model_validate({"driver": {"name": "hello"}, **tables})


def _der(identity: Identity) -> bytes:
    return identity.certificate.public_bytes(Encoding.DER)


def _program(path: Path, script: str) -> None:
    _put(path, f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


_OWN_STORE = {"mode": "certificate", "store": "Own", "subject": "my company"}


def _plain_windows(machine: WindowsMachine) -> WindowsMachine:
    return machine


def _nothing_on_windows(machine: WindowsMachine) -> WindowsMachine:
    bare = machine.with_env(PATH="").with_host(is_elevated=False)
    return bare.with_registry(UEFISecureBootEnabled=1, Enabled=1)


def _signtool_that(script: str) -> Callable[[WindowsMachine], WindowsMachine]:
    def change(machine: WindowsMachine) -> WindowsMachine:
        _program(machine.root / "kits/bin/10.0.26100.0/x64/signtool.exe", script)
        return machine

    return change


def _signtool_does_not_start(machine: WindowsMachine) -> WindowsMachine:
    path = machine.root / "kits/bin/10.0.26100.0/x64/signtool.exe"
    path.write_text("#!/no/such/shell\n", encoding="utf-8")
    return machine


def _named_programs(machine: WindowsMachine) -> WindowsMachine:
    _program(machine.host.folder / "signtool.exe", "exit 1")
    _program(machine.host.folder / "own-lld.exe", "exit 1")
    signing = {"signtool": "./signtool.exe"}
    return machine.with_project(signing=signing, linker={"program": "./own-lld.exe"})


def _named_programs_are_missing(machine: WindowsMachine) -> WindowsMachine:
    signing = {"signtool": "./signtool.exe"}
    return machine.with_project(signing=signing, linker={"program": "./own-lld.exe"})


def _tools_of_linux(machine: WindowsMachine) -> WindowsMachine:
    return machine.with_project(signing={"tool": "osslsigncode"})


def _other_targets(machine: WindowsMachine) -> WindowsMachine:
    targets = [f"{name}-pc-windows-msvc" for name in ("aarch64", "i686")]
    return machine.with_project(driver={"name": "hello", "targets": targets})


def _flags_on_windows(machine: WindowsMachine) -> WindowsMachine:
    return machine.with_env(RUSTFLAGS="-Cx=y")


def _configuration_at_home(machine: WindowsMachine) -> WindowsMachine:
    home = machine.root / "user"
    _put(home / ".cargo/config.toml", "[net]\nretry = 1\n")
    return machine.with_env(USERPROFILE=str(home))


def _kit_without_framework(machine: WindowsMachine) -> WindowsMachine:
    return machine.with_project(driver={"name": "hello", "model": "kmdf"})


def _no_kit_at_the_path(machine: WindowsMachine) -> WindowsMachine:
    return machine.with_project(wdk={"locate": "path", "path": str(machine.root / "none")})


def _test_certificate_in_a_store(
    days: str, *, is_for_code: bool = True
) -> Callable[[WindowsMachine], WindowsMachine]:
    def change(machine: WindowsMachine) -> WindowsMachine:
        comment = f"kdrvgen test certificate {certificate_id(Signing())}"
        usage = CODE_SIGNING if is_for_code else TIME_STAMPING
        own = Identity.make("DriverCertificate", usage, days=_DAYS[days], comment=comment)
        return machine.with_stores(PrivateCertStore_user=own)

    return change


def _test_certificate_of_another(machine: WindowsMachine) -> WindowsMachine:
    return machine.with_stores(PrivateCertStore_user=_identity("valid", "DriverCertificate"))


def _own_certificate(
    machine: WindowsMachine, tables: Mapping[str, object], **stored: Identity
) -> WindowsMachine:
    return machine.with_project(signing={**_OWN_STORE, **tables}).with_stores(**stored)


def _certificate_is_in_other_stores(machine: WindowsMachine) -> WindowsMachine:
    return _own_certificate(
        machine,
        {},
        Own_user=_identity("expired"),
        Own_machine=_identity("valid", "Other"),
        My_user=_identity("valid"),
        My_machine=_identity("valid", "For timestamps", is_for_code=False),
    )


def _certificate_of_the_machine(machine: WindowsMachine) -> WindowsMachine:
    return _own_certificate(machine, {"machine-store": True}, Own_machine=_identity("soon"))


def _certificate_with_another_thumbprint(machine: WindowsMachine) -> WindowsMachine:
    return _own_certificate(machine, {"thumbprint": "A" * 40}, Own_user=_identity("valid"))


def _no_certificate(machine: WindowsMachine) -> WindowsMachine:
    return _own_certificate(machine, {})


def _a_pfx_on_windows(machine: WindowsMachine) -> WindowsMachine:
    (machine.host.folder / "own.pfx").touch()
    return machine.with_project(signing={"mode": "certificate", "pfx": "own.pfx"})


def _a_token(machine: WindowsMachine) -> WindowsMachine:
    path = machine.host.folder / "own.cer"
    path.write_bytes(_der(_identity("valid")))
    return machine.with_env(KEY="secret name").with_project(signing=_token("own.cer"))


def _a_token_without_its_certificate(machine: WindowsMachine) -> WindowsMachine:
    return machine.with_env(KEY="secret name").with_project(signing=_token("own.cer"))


def _a_token_with_a_damaged_certificate(machine: WindowsMachine) -> WindowsMachine:
    _put(machine.host.folder / "own.cer", "damaged")
    return machine.with_env(KEY="secret name").with_project(signing=_token("own.cer"))


def _a_token_without_its_variable(machine: WindowsMachine) -> WindowsMachine:
    return machine.with_project(signing=_token("own.cer"))


def _token(file: str) -> Mapping[str, object]:
    return {
        "mode": "certificate",
        "csp": "Token",
        "key-container-env": "KEY",
        "public-certificate": file,
    }


def _a_service_in_the_cloud(machine: WindowsMachine) -> WindowsMachine:
    signing = {"mode": "certificate", "dlib": "cloud.dll", "dmdf": "cloud.json"}
    return machine.with_project(signing=signing)


def _signed_by_microsoft(machine: WindowsMachine) -> WindowsMachine:
    return _own_certificate(machine, {}, Own_user=_identity("valid")).with_registry()


WINDOWS: Mapping[str, Callable[[WindowsMachine], WindowsMachine]] = {
    "windows-complete": _plain_windows,
    "windows-nothing": _nothing_on_windows,
    "windows-signtool-fails-to-load": _signtool_that("echo; kill -SEGV $$"),
    "windows-signtool-does-not-start": _signtool_does_not_start,
    "windows-named-programs": _named_programs,
    "windows-named-programs-are-missing": _named_programs_are_missing,
    "windows-tools-of-linux": _tools_of_linux,
    "windows-other-targets": _other_targets,
    "windows-flags": _flags_on_windows,
    "windows-configuration-at-home": _configuration_at_home,
    "windows-kit-without-framework": _kit_without_framework,
    "windows-no-kit": _no_kit_at_the_path,
    "windows-test-certificate": _test_certificate_in_a_store("valid"),
    "windows-test-certificate-expired": _test_certificate_in_a_store("expired"),
    "windows-test-certificate-for-timestamps": _test_certificate_in_a_store(
        "valid", is_for_code=False
    ),
    "windows-test-certificate-of-another": _test_certificate_of_another,
    "windows-certificate-in-other-stores": _certificate_is_in_other_stores,
    "windows-certificate-of-the-machine": _certificate_of_the_machine,
    "windows-certificate-with-another-thumbprint": _certificate_with_another_thumbprint,
    "windows-no-certificate": _no_certificate,
    "windows-pfx": _a_pfx_on_windows,
    "windows-token": _a_token,
    "windows-token-without-its-certificate": _a_token_without_its_certificate,
    "windows-token-with-a-damaged-certificate": _a_token_with_a_damaged_certificate,
    "windows-token-without-its-variable": _a_token_without_its_variable,
    "windows-cloud": _a_service_in_the_cloud,
    "windows-signed-by-microsoft": _signed_by_microsoft,
}
"""What changes a machine; `windows-complete` is the one that the others are compared to."""
