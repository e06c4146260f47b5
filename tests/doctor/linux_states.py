"""States of Linux machines, whose reports are in reports/.

Each function changes a machine that has everything, and can return the arguments of doctor.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.doctor.support import TOOLS, Machine, identity, put
from tests.pipeline.support import CONFIG, X64

__all__ = ["STATES"]

Words = tuple[str, ...] | None
_WITHOUT_WINE = ("--for", "verify")  # doctor finds it outside of PATH too

_OWN = CONFIG + 'mode = "certificate"\npfx = "own.pfx"\npfx-password-env = "OWN_PASSWORD"\n'


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
    machine.install("kdrvgen", "echo kdrvgen 0.2.0")


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
    put(machine.home / ".cargo/config.toml", f'[target.{X64}]\nrustflags = ["--cfg=own"]\n')


def _cargo_cannot_read(machine: Machine) -> None:
    _complete(machine)
    put(
        machine.home / ".cargo/config.toml",
        f"[target.{X64}]\nrustflags = 'x'\n[alias]\nmake = 'b'\n",
    )
    put(machine.home.parent / ".cargo/config.toml", "[\n")
    put(machine.folder / ".cargo/config", "[build]\nrustc-wrapper = 'sccache'\n")


def _linkers_are_missing(machine: Machine) -> None:
    _complete(machine)
    text = "[target.x86_64-unknown-linux-gnu]\nlinker = 'own-cc'\n"
    put(machine.home / ".cargo/config.toml", text)
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
        put(_place(machine), identity(days, is_for_code=is_for_code).stored().decode())

    return change


def _damaged_test_certificate(machine: Machine) -> None:
    _complete(machine)
    put(_place(machine), "-----BEGIN CERTIFICATE-----\n")


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
        certificate.write_bytes(identity("soon").certificate_pem())
        pem = f"while read -r line; do echo $line; done < {certificate}; exit"
        machine.install("openssl", script.replace("CERTIFICATE", pem) + "\necho OpenSSL 3.0.0")

    return change


_UNSUPPORTED = 'echo "inner_evp_generic_fetch:unsupported"; exit 1'
_NO_PROVIDER = 'case "$*" in *-legacy) echo unable to load provider legacy; exit 1;; esac; '


STATES: Mapping[str, Callable[[Machine], Words]] = {
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
