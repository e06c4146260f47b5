"""States of Windows machines, whose reports are in reports/.

The host is a value, its files are real, and its programs are shell scripts.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from kdrvgen import Project, Signing
from kdrvgen.doctor.host import Host, this_host
from kdrvgen.doctor.run import Scope, run_probes
from kdrvgen.doctor.tasks import Task
from kdrvgen.rendering.environment import certificate_id
from kdrvgen.report.human import checklist
from tests.doctor.support import DAYS, MANIFEST, identity, put
from tests.pipeline.authority import CODE_SIGNING, TIME_STAMPING, Identity
from tests.pipeline.support import X64

__all__ = ["STATES", "WindowsMachine"]


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
        put(folder / "src/lib.rs", "")
        put(folder / "Cargo.toml", MANIFEST)
        programs = root / "bin"
        for name, script in {
            "cargo": "echo cargo 1.91.0",
            "rustc": f'[ "$2" != sysroot ] || {{ echo "{root}/rust"; exit; }}\n'
            "echo release: 1.91.0; echo host: x86_64-pc-windows-msvc",
            "cargo-make": "echo cargo-make 0.37.24",
        }.items():
            _program(programs / f"{name}.exe", script)
        put(root / "rust/lib/rustlib" / X64 / "lib/libcore-1.rlib", "")
        signtool = root / "kits/bin/10.0.26100.0/x64/signtool.exe"
        _program(signtool, '[ "$*" = "verify /?" ] || exit 192')
        put(root / "kits/Lib/10.0.26100.0/km/x64/ntoskrnl.lib", "")
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
        tasks = frozenset({Task.BUILD, Task.SIGN, Task.VERIFY, Task.DEPLOY})
        findings = run_probes(host, self.project, "", Scope("development", tasks, network=False))
        return "\n".join(checklist(findings, list(Task)))

    def with_env(self, **env: str) -> WindowsMachine:
        """Return this machine with more environment variables."""
        host = dataclasses.replace(self.host, env={**self.host.env, **env})
        return dataclasses.replace(self, host=host)

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
        host = dataclasses.replace(
            self.host, certificates=lambda name, is_machine: stores.get((name, is_machine), [])
        )
        return dataclasses.replace(self, host=host)


def _project(**tables: object) -> Project:
    return Project.model_validate({"driver": {"name": "hello"}, **tables})


def _der(identity: Identity) -> bytes:
    return identity.certificate.public_bytes(Encoding.DER)


def _program(path: Path, script: str) -> None:
    put(path, f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


_OWN_STORE = {"mode": "certificate", "store": "Own", "subject": "my company"}


def _plain_windows(machine: WindowsMachine) -> WindowsMachine:
    return machine


def _nothing_on_windows(machine: WindowsMachine) -> WindowsMachine:
    bare = machine.with_env(PATH="")
    bare = dataclasses.replace(bare, host=dataclasses.replace(bare.host, is_elevated=False))
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
    put(home / ".cargo/config.toml", "[net]\nretry = 1\n")
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
        own = Identity.make("DriverCertificate", usage, days=DAYS[days], comment=comment)
        return machine.with_stores(PrivateCertStore_user=own)

    return change


def _test_certificate_of_another(machine: WindowsMachine) -> WindowsMachine:
    return machine.with_stores(PrivateCertStore_user=identity("valid", "DriverCertificate"))


def _own_certificate(
    machine: WindowsMachine, tables: Mapping[str, object], **stored: Identity
) -> WindowsMachine:
    return machine.with_project(signing={**_OWN_STORE, **tables}).with_stores(**stored)


def _certificate_is_in_other_stores(machine: WindowsMachine) -> WindowsMachine:
    return _own_certificate(
        machine,
        {},
        Own_user=identity("expired"),
        Own_machine=identity("valid", "Other"),
        My_user=identity("valid"),
        My_machine=identity("valid", "For timestamps", is_for_code=False),
    )


def _certificate_of_the_machine(machine: WindowsMachine) -> WindowsMachine:
    return _own_certificate(machine, {"machine-store": True}, Own_machine=identity("soon"))


def _certificate_with_another_thumbprint(machine: WindowsMachine) -> WindowsMachine:
    return _own_certificate(machine, {"thumbprint": "A" * 40}, Own_user=identity("valid"))


def _no_certificate(machine: WindowsMachine) -> WindowsMachine:
    return _own_certificate(machine, {})


def _a_pfx_on_windows(machine: WindowsMachine) -> WindowsMachine:
    (machine.host.folder / "own.pfx").touch()
    return machine.with_project(signing={"mode": "certificate", "pfx": "own.pfx"})


def _a_token(machine: WindowsMachine) -> WindowsMachine:
    path = machine.host.folder / "own.cer"
    path.write_bytes(_der(identity("valid")))
    return machine.with_env(KEY="secret name").with_project(signing=_token("own.cer"))


def _a_token_without_its_certificate(machine: WindowsMachine) -> WindowsMachine:
    return machine.with_env(KEY="secret name").with_project(signing=_token("own.cer"))


def _a_token_with_a_damaged_certificate(machine: WindowsMachine) -> WindowsMachine:
    put(machine.host.folder / "own.cer", "damaged")
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
    return _own_certificate(machine, {}, Own_user=identity("valid")).with_registry()


STATES: Mapping[str, Callable[[WindowsMachine], WindowsMachine]] = {
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
