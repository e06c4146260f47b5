"""A machine with just the tools that a test gives it, and `kdrvgen doctor` on it."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.pipeline.support import CONFIG, environment
from tests.program import run_kdrvgen

TOOLS = ("cargo", "rustc", "rustup", "cargo-make", "osslsigncode", "openssl", "cc", "lld-link")


@dataclass(frozen=True, slots=True)
class Told:
    """How the program ended, and what it said as JSON."""

    code: int
    findings: list[dict[str, Any]]
    text: str = field(repr=False)

    def about(self, name: str, part: str = "") -> dict[str, Any]:
        """Return the one finding of a name whose message has a part."""
        (found,) = [
            each for each in self.findings if each["name"] == name and part in each["message"]
        ]
        return found

    @property
    def missing(self) -> list[str]:
        """The names of what the tasks asked for lack."""
        return [each["name"] for each in self.findings if each["needed"]]


@dataclass(frozen=True, slots=True)
class Machine:
    """A user with a home of their own, a PATH that has only links to tools, and a project."""

    home: Path
    env: dict[str, str] = field(repr=False)

    @classmethod
    def set_up(cls, home: Path, compiled: Path) -> Machine:
        """Link the tools that are really here; Python keeps compiled modules in a folder."""
        bin_ = home / "bin"
        bin_.mkdir(parents=True, exist_ok=True)
        env = environment(home)
        for tool in TOOLS:
            if place := shutil.which(tool, path=env["PATH"]):
                (bin_ / tool).symlink_to(place)
        for lld in Path("/usr/bin").glob("lld-link-*"):
            (bin_ / lld.name).symlink_to(lld)
        # cargo looks for subcommands in its home too, and that is to be empty.
        env |= {"PATH": str(bin_), "CARGO_HOME": str(home / ".cargo")}
        env |= {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(compiled)}
        return cls(home, env)

    def begin(self) -> None:
        """Generate a project; this fills the user's cache too."""
        self.folder.mkdir()
        self.configure(CONFIG)
        self.kdrvgen("config.toml")

    @property
    def folder(self) -> Path:
        """The project's folder."""
        return self.home / "project"

    @property
    def certificates(self) -> Path:
        """Where the pipeline keeps test certificates."""
        return self.home / "data/kdrvgen/certificates"

    def configure(self, text: str) -> None:
        """Write config.toml."""
        (self.folder / "config.toml").write_text(text, encoding="utf-8")

    def take_away(self, *tools: str) -> None:
        """Uninstall tools; patterns are allowed."""
        for tool in tools:
            for link in (self.home / "bin").glob(tool):
                link.unlink()

    def give(self, tool: str, script: str) -> None:
        """Install a shell script instead of a tool."""
        path = self.home / "bin" / tool
        path.unlink(missing_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)

    def real(self, tool: str) -> Path:
        """Return where a linked tool really is; its name counts for rustup's."""
        return (self.home / "bin" / tool).readlink()

    def under(self, **env: str) -> Machine:
        """Return the machine with more variables in the environment."""
        return replace(self, env=self.env | env)

    def kdrvgen(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run the program in the project's folder; both streams are in `stdout`."""
        return run_kdrvgen(*words, cwd=self.folder, env=self.env, merged=True)

    def doctor(self, *words: str) -> Told:
        """Run `kdrvgen doctor` and read its JSON."""
        words = ("doctor", *words, "--format", "json")
        done = run_kdrvgen(*words, cwd=self.folder, env=self.env)
        document = json.loads(done.stdout)
        findings = document.get("doctor", {}).get("findings", [])
        assert document["exit-code"] == done.returncode
        return Told(done.returncode, findings, done.stdout + done.stderr)

    def own_toolchain(self, *targets: str, linker: bool = True) -> Path:
        """Let rustc be one whose sysroot is that of a toolchain of rustup's, with these targets."""
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
        # rustup's proxies tell their names apart by how they are called.
        real = self.real("rustc")
        self.give("rustc", f'[ "$2" != sysroot ] || {{ echo {sysroot}; exit; }}; exec {real} "$@"')
        return sysroot
