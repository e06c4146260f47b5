"""Windows itself as the test bed: programs run directly, stores and service manager are real."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
import tomllib
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import pytest
import tomli_w

from tests.pipeline.authority import Identity
from tests.pipeline.support import CONFIG, REPOSITORY, Project, environment
from tests.windows.bed import Certificate, Windows
from tests.windows.support import verifies

MACHINE = os.environ.get("PROCESSOR_ARCHITECTURE", "AMD64")
TRIPLE = {"ARM64": "aarch64-pc-windows-msvc"}.get(MACHINE, "x86_64-pc-windows-msvc")
"""The target whose drivers this machine loads."""

_PROGRAMS = ("store", "show-args", "odd-env", "recorder")

# What a certificate is named by that is not in a store.
_ELSEWHERE = {"pfx", "csp", "dlib", "store"}


@dataclass(frozen=True, slots=True)
class Native(Windows):
    """The machine that the tests run on.

    What a test puts into it is removed afterwards: a certificate store of its own, keys, files.
    Other stores are refused.
    """

    name: str = field(default_factory=lambda: f"kdrvgen test {uuid.uuid4().hex[:12]}")
    """The test's certificate store."""
    stores: set[str] = field(default_factory=set)
    """Further stores of the user that the test filled."""
    containers: set[str] = field(default_factory=set)
    """Keys that the test added without a certificate."""

    is_real: ClassVar[bool] = True
    architecture: ClassVar[str] = MACHINE

    @classmethod
    @contextmanager
    def running(cls, bed: Path, prefix: Path, program: Path) -> Iterator[Native]:
        """Compile the programs that look into stores and record calls, unless they are there."""
        if not (bed / "standins/store.exe").exists():
            _build(bed)
        yield cls(bed, prefix, prefix.parent, {}, program)

    def for_test(self, home: Path) -> Native:
        """Return the same machine for a user with an empty folder for data of programs."""
        env = environment(home)
        programs = home / "programs"
        programs.mkdir()
        for name in ("show-args", "odd-env"):
            shutil.copy2(self.bed / f"standins/{name}.exe", programs)
        env |= {
            "PATH": f"{programs};{env['PATH']}",
            "LOCALAPPDATA": str(home / "local"),
            "KDRVGEN_FAKE_LOG": str(home / "calls"),
        }
        # Where Wine is the machine, it is named by these.
        env |= {name: text for name, text in os.environ.items() if name.startswith("WINE")}
        (home / "local").mkdir()
        return Native(self.bed, self.prefix, home, env, self.program)

    @property
    def own_store(self) -> str:
        """The certificate store that the projects of a test use."""
        return self.name

    @property
    def local_app_data(self) -> Path:
        """The user's folder for data of programs."""
        return Path(self.env["LOCALAPPDATA"])

    def project(self, folder: Path) -> Project:
        """Return the project in a folder; its test certificate goes into the test's own store."""
        return _Project(folder, self.home, environment(self.home), self.name)

    # --- programs ---------------------------------------------------------------------------

    def command(self, argv: Sequence[str | Path], env: Mapping[str, str]) -> list[str | Path]:
        """Return the command line; CreateProcess would search this process's PATH."""
        program = str(argv[0])
        return [shutil.which(program, path=env["PATH"]) or program, *map(str, argv[1:])]

    def compile(self, source: Path, program: Path, *arguments: str, edition: str = "2021") -> None:
        """Compile a Rust file into a program of this machine."""
        options = [f"--edition={edition}", *arguments]
        subprocess.run(["rustc", *options, "-o", program, source], check=True)

    @contextmanager
    def judging(self) -> Iterator[dict[str, str]]:
        """Skip the test: Windows' own wintrust.dll is not replaced."""
        _skip("Windows' own wintrust.dll is not replaced")
        yield {}

    # --- files ------------------------------------------------------------------------------

    def path(self, file: Path) -> str:
        """Return the path as it is."""
        return str(file)

    def unix(self, path: str) -> Path:
        """Return the file that a path names."""
        return Path(path)

    def drive(self, letter: str, folder: Path) -> None:
        """Skip the test: the machine keeps its drives."""
        pytest.skip(f"this machine gets no drive {letter}: for {folder}")

    # --- what a developer has installed -----------------------------------------------------

    def install_kits(
        self,
        root: str = "",
        versions: Sequence[str] = (),
        *,
        architectures: Sequence[str] = (),
        kernel: bool = True,
        registry: Sequence[int] = (),
    ) -> None:
        """Record the calls of cargo and of the signtool of the installed SDK from here on."""
        if root or versions or architectures or registry or not kernel:
            pytest.skip("this machine keeps the kits that it has")
        for name, program in (("cargo", shutil.which("cargo")), ("signtool", signtool())):
            assert program, f"{name} is not installed"
            recorder = self.home / f"programs/{name}.exe"
            shutil.copy2(self.bed / "standins/recorder.exe", recorder)
            self.env[f"KDRVGEN_RECORDED_{name.upper()}"] = str(program)

    def uninstall(self) -> None:
        """Remove the stores and keys that the test made."""
        for container in self.containers:
            self.run([self.bed / "standins/store.exe", "delete-key", container])
        for store in {self.name, *self.stores}:
            self.store("forget", store)

    # --- certificates -----------------------------------------------------------------------

    def store(self, *words: str | Path, machine: bool = False) -> str:
        """Look into the certificate stores, or change one that is the test's own."""
        assert words[0] != "reset", "the certificates of this machine are not the test's"
        if words[0] == "add-key":
            self.containers.add(str(words[1]))
        return Windows.store(self, *words, machine=machine)

    def add_certificate(
        self, identity: Identity, store: str, *, machine: bool = False, container: str = ""
    ) -> Certificate:
        """Put a certificate into a store of the user that no program but the test uses."""
        if machine or store in {"Root", "My", "TrustedPublisher"}:
            pytest.skip(f"the test would change the store {store} of this machine")
        self.stores.add(store)
        return Windows.add_certificate(self, identity, store, container=container)


@dataclass(frozen=True, slots=True)
class _Project(Project):
    """A project whose configuration names the test's store, and the target of this machine."""

    store: str = ""

    def generate(self, config: str | None = None) -> str:
        document = tomllib.loads(CONFIG if config is None else config)
        signing = document.setdefault("signing", {})
        if not _ELSEWHERE & signing.keys() and signing.get("mode", "test") != "off":
            signing["store"] = self.store
        if TRIPLE != "x86_64-pc-windows-msvc":
            document["driver"].setdefault("targets", [TRIPLE])
        return Project.generate(self, tomli_w.dumps(document))

    def output(
        self, name: str = "hello.sys", profile: str = "development", target: str = TRIPLE
    ) -> Path:
        return Project.output(self, name, profile, target)

    def verifies(self, image: Path | None = None, *more: str | Path) -> bool:
        image = image or self.sys
        return verifies(image, next(image.parent.glob("*.cer"), self.cer), *more)

    def linked(self, name: str = "hello.dll", profile: str = "debug", target: str = TRIPLE) -> Path:
        return Project.linked(self, name, profile, target)


def _skip(reason: str) -> None:
    pytest.skip(reason)


def _build(bed: Path) -> None:
    """Compile the programs into a bed; this takes half a minute."""
    manifest = REPOSITORY / "tests/windows/standins/Cargo.toml"
    chosen = [word for name in _PROGRAMS for word in ("--bin", name)]
    argv = ["cargo", "build", "--release", "--manifest-path", str(manifest), *chosen]
    env = environment(Path.home())
    subprocess.run([*argv, "--target-dir", bed / "target"], check=True, env=env)
    (bed / "standins").mkdir(parents=True, exist_ok=True)
    for name in _PROGRAMS:
        shutil.copy2(bed / f"target/release/{name}.exe", bed / "standins")


def signtool() -> Path | None:
    """Return the newest signtool of the installed kits for this machine."""
    folder = {"ARM64": "arm64", "AMD64": "x64"}.get(MACHINE, "x86")
    root = Path(os.environ.get("PROGRAMFILES(X86)", r"C:\Program Files (x86)"), "Windows Kits/10")
    programs = root.glob(f"bin/10.*/{folder}/signtool.exe")
    versions = {tuple(map(int, each.parts[-3].split("."))): each for each in programs}
    return versions[max(versions)] if versions else None


# --- what the kernel loads ----------------------------------------------------------------------

_CODE_INTEGRITY = 0x67  # SystemCodeIntegrityInformation (winternl.h)
_TEST_SIGNING = 0x02  # CODEINTEGRITY_OPTION_TESTSIGN


if sys.platform == "win32":

    def obstacle() -> str:
        """Return why this machine loads no test-signed driver; empty if it does."""
        if not ctypes.windll.shell32.IsUserAnAdmin():
            return "the tests do not run as administrator"
        if hasattr(ctypes.windll.ntdll, "wine_get_version"):
            return ""  # Wine's kernel checks no signatures
        # SYSTEM_CODEINTEGRITY_INFORMATION: its own length, and the options that are on.
        information = (ctypes.c_uint32 * 2)(8, 0)
        query = ctypes.windll.ntdll.NtQuerySystemInformation
        status = query(_CODE_INTEGRITY, ctypes.byref(information), 8, None)
        if status != 0:
            return f"NtQuerySystemInformation failed with {status & 0xFFFFFFFF:#x}"
        if not information[1] & _TEST_SIGNING:
            return "test signing is off (bcdedit /set testsigning on, then restart)"
        return ""

else:

    def obstacle() -> str:
        """Return why this machine loads no driver."""
        return "this is not Windows"
