"""A machine that has only the tools of a test, and `kdrvgen doctor` on it."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from tests.pipeline.authority import CODE_SIGNING, TIME_STAMPING, Identity
from tests.pipeline.support import CONFIG, X64, environment
from tests.program import run_kdrvgen

MANIFEST = """\
[package]
name = "hello"
version = "0.1.0"
edition = "2021"

[lib]
crate-type = ["cdylib"]

[workspace]
"""
TOOLS = ("cargo", "rustc", "rustup", "cargo-make", "osslsigncode", "openssl", "cc", "lld-link")
DAYS = {"valid": (-1, 900), "soon": (-1, 9), "expired": (-9, -2), "future": (2, 900)}
"""The days from now between which a certificate is valid."""


@cache
def identity(days: str, subject: str = "My Company", *, is_for_code: bool = True) -> Identity:
    """Return a certificate, always the same one, with its key; `days` is a key of DAYS."""
    usage = CODE_SIGNING if is_for_code else TIME_STAMPING
    return Identity.make(subject, usage, days=DAYS[days])


def put(path: Path, text: str) -> None:
    """Write a file, and make its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Report:
    """The exit code, and the findings of the JSON document."""

    code: int
    findings: list[dict[str, Any]]
    text: str = field(repr=False)

    def finding(self, name: str, part: str = "") -> dict[str, Any]:
        """Return the only finding with this name and with `part` in its message."""
        rule = f"host-{name.lower().replace(' ', '-')}"
        (match,) = [
            finding
            for finding in self.findings
            if finding["rule"] == rule and part in finding["message"]
        ]
        return match

    @property
    def missing(self) -> list[str]:
        """The names of what the checked tasks lack."""
        return [
            each["message"].partition(":")[0]
            for each in self.findings
            if each["severity"] == "error" and "tags" in each
        ]


def real_tools() -> dict[str, Path]:
    """Return the tools that this machine has."""
    found = {tool: shutil.which(tool) for tool in TOOLS}
    tools = {tool: Path(place) for tool, place in found.items() if place}
    return tools | {path.name: path for path in Path("/usr/bin").glob("lld-link-*")}


STAND_INS = {
    "cargo": """\
if [ "$1" = make ]; then
    command -v cargo-make >/dev/null || { echo "error: no such command: \\`make\\`"; exit 101; }
    exec cargo-make "$@"
fi
echo cargo 1.91.0""",
    "rustc": """\
if [ "$2" = sysroot ]; then echo SYSROOT; exit; fi
echo rustc 1.91.0
echo host: x86_64-unknown-linux-gnu
echo release: 1.91.0
echo commit-date: 2025-10-28""",
    "rustup": '[ "$1" = run ] && shift 2 && exec "$@"',
    "cargo-make": "echo cargo-make 0.37.24",
    "osslsigncode": "echo osslsigncode 2.5",
    "openssl": "echo OpenSSL 3.0.0",
    "cc": "echo cc 12.2.0",
    "lld-link": "echo LLD 19.1.0",
}
"""Scripts for /bin/sh that stand in for the tools."""


def stand_ins(folder: Path) -> dict[str, Path]:
    """Write the stand-ins, and a toolchain with a library for each target."""
    sysroot = folder / "rust"
    for target in (X64, "i686-pc-windows-msvc", "aarch64-pc-windows-msvc"):
        library = sysroot / "lib/rustlib" / target / "lib/libcore-1.rlib"
        library.parent.mkdir(parents=True)
        library.touch()
    for tool, script in STAND_INS.items():
        path = folder / tool
        path.write_text(f"#!/bin/sh\n{script.replace('SYSROOT', str(sysroot))}\n", encoding="utf-8")
        path.chmod(0o755)
    return {tool: folder / tool for tool in STAND_INS}


@dataclass(frozen=True, slots=True)
class Machine:
    """A user with an own home, a PATH with only links to tools, and a project."""

    home: Path
    env: dict[str, str] = field(repr=False)

    @classmethod
    def set_up(cls, home: Path, tools: Mapping[str, Path]) -> Machine:
        """Create links to the tools."""
        bin_ = home / "bin"
        bin_.mkdir(parents=True, exist_ok=True)
        for tool, place in tools.items():
            (bin_ / tool).symlink_to(place)
        # cargo searches for subcommands in its home too, which must be empty.
        env = environment(home) | {"PATH": str(bin_), "CARGO_HOME": str(home / ".cargo")}
        return cls(home, env)

    def generate(self) -> None:
        """Create and generate a project."""
        (self.folder / "src").mkdir(parents=True)
        (self.folder / "src/lib.rs").write_text("#![no_std]\n", encoding="utf-8")
        (self.folder / "Cargo.toml").write_text(MANIFEST, encoding="utf-8")
        self.configure(CONFIG)
        self.kdrvgen("config.toml")

    @property
    def folder(self) -> Path:
        """The project's folder."""
        return self.home / "project"

    @property
    def certificates(self) -> Path:
        """The folder of the test certificates."""
        return self.home / "data/kdrvgen/certificates"

    def configure(self, text: str) -> None:
        """Write config.toml."""
        (self.folder / "config.toml").write_text(text, encoding="utf-8")

    def uninstall(self, *tools: str) -> None:
        """Uninstall tools; a name can be a pattern."""
        for tool in tools:
            for link in (self.home / "bin").glob(tool):
                link.unlink()

    def install(self, tool: str, script: str) -> None:
        """Install a shell script in place of a tool."""
        path = self.home / "bin" / tool
        path.unlink(missing_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)

    def real(self, tool: str) -> Path:
        """Return the target of the link; rustup's programs depend on their name."""
        return (self.home / "bin" / tool).readlink()

    def with_env(self, **env: str) -> Machine:
        """Return this machine with more environment variables."""
        return replace(self, env=self.env | env)

    def kdrvgen(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run kdrvgen in the project's folder; `stdout` has both streams."""
        return run_kdrvgen(*words, cwd=self.folder, env=self.env, merged=True)

    def doctor(self, *words: str) -> Report:
        """Run `kdrvgen doctor` and read its JSON."""
        words = ("doctor", *words, "--format", "json")
        done = run_kdrvgen(*words, cwd=self.folder, env=self.env)
        document = json.loads(done.stdout)
        findings = document["findings"]
        assert document["exit-code"] == done.returncode
        return Report(done.returncode, findings, done.stdout + done.stderr)

    def own_toolchain(self, *targets: str, linker: bool = True) -> Path:
        """Give rustc the sysroot of a toolchain from rustup, with these targets."""
        sysroot = self.home / "toolchains/mine"
        for target in targets:
            library = sysroot / "lib/rustlib" / target / "lib/libcore-1.rlib"
            library.parent.mkdir(parents=True)
            library.touch()
        if linker:
            program = sysroot / "lib/rustlib/host/bin/rust-lld"
            program.parent.mkdir(parents=True)
            program.write_text("#!/bin/sh\necho LLD 22.1.0\n", encoding="utf-8")
            program.chmod(0o755)
        # rustup's programs behave according to the name that they are called by.
        real = self.real("rustc")
        self.install(
            "rustc", f'[ "$2" != sysroot ] || {{ echo {sysroot}; exit; }}; exec {real} "$@"'
        )
        return sysroot
