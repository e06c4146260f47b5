"""A Windows to run the pipeline in: Wine, cargo-make, stand-ins for signtool and cargo."""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.pipeline.authority import Identity
from tests.pipeline.support import Project, environment

INSTALLED_ROOTS = r"HKLM\SOFTWARE\Microsoft\Windows Kits\Installed Roots"

# What would reach in from the shell that the tests are started in; Wine gives it all to Windows.
_KEPT = ("HOME", "PATH", "CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN", "TMPDIR", "CI")


@dataclass(frozen=True, slots=True)
class Done:
    """The exit code and the output of a program."""

    code: int
    stdout: str
    stderr: str

    @property
    def output(self) -> str:
        """Both streams, standard error last."""
        return self.stdout + self.stderr


def copy_prefix(prepared: Path, prefix: Path) -> None:
    """Copy a prepared prefix by hard links: 700 MB in a tenth of a second, and next to no disk.

    The registry is copied for real: Wine writes it in place when the file has other links.
    """

    def link(source: str, destination: str) -> str:
        if source.endswith(".reg"):
            return shutil.copy2(source, destination)
        os.link(source, destination)
        return destination

    shutil.copytree(prepared, prefix, symlinks=True, copy_function=link)


@dataclass(frozen=True, slots=True)
class Windows:
    """One Windows: a prefix, its drives, and the environment of its user."""

    bed: Path
    prefix: Path
    home: Path
    """Of this test: projects, record of calls."""
    env: dict[str, str] = field(repr=False)
    program: Path
    """The pipeline's program, compiled for Windows; made when a project first needs it."""

    is_real: ClassVar[bool] = False
    """Whether this is Windows itself, and not Wine."""
    architecture: ClassVar[str] = "AMD64"
    """What PROCESSOR_ARCHITECTURE says."""

    @classmethod
    @contextmanager
    def running(cls, bed: Path, prefix: Path, program: Path) -> Iterator[Windows]:
        """Copy the prepared prefix and put cargo and cargo-make into it; end all in the end."""
        copy_prefix((bed / "prefix").resolve(), prefix)
        programs = prefix / "drive_c/cargo/bin"
        programs.mkdir(parents=True)
        for name in ("cargo", "rustc", "show-args", "odd-env", "hold"):
            shutil.copy2(bed / f"standins/{name}.exe", programs)
        shutil.copy2(bed / "cargo-make/cargo-make.exe", programs)
        windows = cls(bed, prefix, prefix.parent, {}, program)
        # It would end some seconds after the last program, and meet the next one at the door.
        try:
            windows._server("-p")
            yield windows
        finally:
            windows._server("-k")

    def for_test(self, home: Path) -> Windows:
        """Return the same machine for a user who has no certificates yet."""
        env = {name: os.environ[name] for name in _KEPT if name in os.environ}
        env |= {
            "WINEPREFIX": str(self.prefix),
            "WINEDEBUG": "-all",
            "WINEDLLOVERRIDES": "mscoree,mshtml=",
            # In front of the PATH of Windows.
            "WINEPATH": r"C:\cargo\bin",
            # Wine gives programs of Linux their arguments in the locale's encoding.
            "LC_ALL": "C.UTF-8",
            "CARGO_TERM_COLOR": "never",
            "CARGO_INCREMENTAL": "0",  # as in tests/pipeline
            "KDRVGEN_FAKE_LOG": self.path(home / "calls"),
            "KDRVGEN_BED_RUSTC": str(self.bed / "rustc-for-programs"),
        }
        return Windows(self.bed, self.prefix, home, env, self.program)

    @property
    def own_store(self) -> str:
        """The certificate store that the projects of a test use."""
        return "PrivateCertStore"

    @property
    def local_app_data(self) -> Path:
        """The user's folder for data of programs."""
        (user,) = self.prefix.glob("drive_c/users/*/AppData/Local")
        return user

    def project(self, folder: Path) -> Project:
        """Return the project in a folder, for a user whose home is that of the test."""
        return Project(folder, self.home, environment(self.home))

    # --- programs ---------------------------------------------------------------------------

    def command(self, argv: Sequence[str | Path], env: Mapping[str, str]) -> list[str | Path]:
        """Return the command line that runs a program of this Windows in an environment."""
        del env
        return [self.bed / "wine64", *map(str, argv)]

    def run(
        self,
        argv: Sequence[str | Path],
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        timeout: float = 300,
    ) -> Done:
        """Run a program of Windows, a command of cmd or a batch file with `["cmd", "/c", …]`."""
        code, *streams = self._bytes(argv, cwd, env, timeout)
        output = [stream.decode("utf-8", "replace").replace("\r\n", "\n") for stream in streams]
        return Done(code, *output)

    def raw(self, argv: Sequence[str | Path], cwd: Path, env: Mapping[str, str]) -> bytes:
        """Run a program, however it ends; return what it wrote to both streams."""
        _, stdout, stderr = self._bytes(argv, cwd, env, 300)
        return stdout + stderr

    def _bytes(
        self,
        argv: Sequence[str | Path],
        cwd: Path | None,
        env: Mapping[str, str] | None,
        timeout: float,
    ) -> tuple[int, bytes, bytes]:
        # Files and not pipes: services that Wine starts meanwhile keep the streams open.
        with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
            full = self.env | dict(env or {})
            code = subprocess.run(
                self.command(argv, full),
                cwd=cwd or self.home,
                env=full,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                timeout=timeout,
                check=False,
            ).returncode
            stdout.seek(0)
            stderr.seek(0)
            return code, stdout.read(), stderr.read()

    def make(self, *arguments: str, cwd: Path, **env: str) -> Done:
        """Run `cargo make` in a project, however it ends."""
        argv = ["cargo", "make", "--disable-check-for-updates", *arguments]
        return self.run(argv, cwd, env)

    def batch(self, script: str, cwd: Path | None = None, **env: str) -> Done:
        """Run lines of cmd as cargo-make does: LF line ends, `cmd /C` on a file."""
        file = self.home / "script.bat"
        file.write_text(f"@echo off\n{script}\n", encoding="utf-8", newline="")
        return self.run(["cmd.exe", "/C", self.path(file)], cwd, env)

    def compile(self, source: Path, program: Path, *arguments: str, edition: str = "2021") -> None:
        """Compile a Rust file, such as a build.rs, into a program of this Windows."""
        subprocess.run(
            [
                self.bed / "rustc-for-windows",
                f"--edition={edition}",
                *arguments,
                "-o",
                program,
                source,
            ],
            check=True,
            env=os.environ | {"LC_ALL": "C.UTF-8"},
        )

    def calls(self, program: str | None = None) -> list[dict[str, Any]]:
        """Return the record of the stand-ins' calls: program, argv, cwd, line."""
        log = self.home / "calls"
        lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
        calls = [json.loads(line) for line in lines]
        return [call for call in calls if program in (None, call["program"])]

    @contextmanager
    def judging(self) -> Iterator[dict[str, str]]:
        """Have KDRVGEN_FAKE_TRUST say what Windows finds of a signature; yield the environment."""
        library = self.prefix / "drive_c/windows/system32/wintrust.dll"
        aside = library.with_name("wintrust.aside")
        library.rename(aside)
        shutil.copy2(self.bed / "standins/wintrust.dll", library)
        try:
            yield {"WINEDLLOVERRIDES": "mscoree,mshtml=;wintrust=n"}
        finally:
            library.unlink()
            aside.rename(library)

    # --- files and registry -----------------------------------------------------------------

    def path(self, file: Path) -> str:
        """Return how Windows names a file of Linux: on its own drive, else on Z:."""
        for link in sorted((self.prefix / "dosdevices").glob("?:")):
            root = link.resolve()
            if link.name != "z:" and file.is_relative_to(root):
                return f"{link.name.upper()}\\" + str(file.relative_to(root)).replace("/", "\\")
        return "Z:" + str(file).replace("/", "\\")

    def unix(self, path: str) -> Path:
        r"""Return the file that a path such as `C:\a\b` names."""
        drive, rest = path[:2].lower(), path[2:].replace("\\", "/").strip("/")
        return (self.prefix / "dosdevices" / drive).resolve() / rest

    def drive(self, letter: str, folder: Path) -> None:
        """Give a folder a drive letter."""
        folder.mkdir(parents=True, exist_ok=True)
        link = self.prefix / "dosdevices" / f"{letter.lower()}:"
        link.unlink(missing_ok=True)
        link.symlink_to(folder)

    def put(self, path: str, content: bytes | str | Path = b"") -> Path:
        """Write a file, or copy one, making its folders; return it."""
        file = self.unix(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Path):
            shutil.copy2(content, file)
        else:
            file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    def set_value(self, key: str, name: str, text: str, view: int = 64) -> None:
        """Write a string value, for programs of 64 or of 32 bits."""
        done = self.run(
            ["reg", "add", key, "/v", name, "/t", "REG_SZ", "/d", text, "/f", f"/reg:{view}"]
        )
        assert done.code == 0, done.output

    def set_root(self, root: str | None, views: Sequence[int] = (64, 32)) -> None:
        """Write where the kits are, for programs of 64 and of 32 bits; None: remove the key.

        Importing a file starts one program, and not one for each view.
        """
        part = INSTALLED_ROOTS.removeprefix("HKLM\\SOFTWARE\\")
        lines = ["Windows Registry Editor Version 5.00", ""]
        for view in views:
            branch = "" if view == 64 else "Wow6432Node\\"  # what programs of 32 bits are given
            lines.append(f"[{'-' * (root is None)}HKEY_LOCAL_MACHINE\\SOFTWARE\\{branch}{part}]")
            if root is not None:
                escaped = root.replace("\\", "\\\\")
                lines.append(f'"KitsRoot10"="{escaped}"')
        file = self.home / "kits.reg"
        file.write_text("\r\n".join([*lines, ""]), encoding="utf-16", newline="")
        done = self.run(["reg", "import", self.path(file)])
        assert done.code == 0, done.output

    # --- what a developer has installed -----------------------------------------------------

    def install_kits(
        self,
        root: str = r"C:\Program Files (x86)\Windows Kits\10",
        versions: Sequence[str] = ("10.0.22621.0",),
        *,
        architectures: Sequence[str] = ("x86", "x64", "arm64"),
        kernel: bool = True,
        registry: Sequence[int] = (64, 32),
    ) -> None:
        """Lay out an SDK and WDK: bin with signtool, Lib with um and km."""
        for version in versions:
            for architecture in architectures:
                program = rf"{root}\bin\{version}\{architecture}\signtool.exe"
                self.put(program, self.bed / "standins/signtool.exe")
                for mode in ("um", "km") if kernel else ("um",):
                    self.put(rf"{root}\Lib\{version}\{mode}\{architecture}\ntoskrnl.lib")
        if registry:
            self.set_root(root + "\\", registry)

    def uninstall(self) -> None:
        """Take kits and certificates off this Windows, and all drives but C: and Z:."""
        users = self.prefix / "drive_c/users"
        for each in (*users.glob("*/AppData/Local/kdrvgen"), *users.glob("*/.nuget")):
            shutil.rmtree(each)
        for folder in ("Program Files", "Program Files (x86)"):
            for name in ("Windows Kits", "Microsoft Visual Studio", "Microsoft SDKs"):
                shutil.rmtree(self.prefix / "drive_c" / folder / name, ignore_errors=True)
        for link in (self.prefix / "dosdevices").glob("?:"):
            if link.name not in ("c:", "z:"):
                link.unlink()
        self.set_root(None)
        self.store("reset")

    def _server(self, option: str) -> None:
        env = os.environ | {"WINEPREFIX": str(self.prefix), "WINEDEBUG": "-all"}
        subprocess.run([self.bed / "wineserver", option], env=env, check=False)

    # --- certificates -----------------------------------------------------------------------

    def store(self, *words: str | Path, machine: bool = False) -> str:
        """Run the bed's program for Wine's certificate stores; return what it printed."""
        program = self.bed / "standins/store.exe"
        done = self.run([program, *(["--machine"] if machine else []), *words])
        assert done.code == 0, done.output
        return done.stdout

    def certificates(self, store: str = "", *, machine: bool = False) -> list[Certificate]:
        """Return the certificates of a store, by default of the test's own."""
        lines = self.store("list", store or self.own_store, machine=machine).splitlines()
        return [Certificate.read(line) for line in lines]

    def add_certificate(
        self, identity: Identity, store: str, *, machine: bool = False, container: str = ""
    ) -> Certificate:
        """Put a certificate into a store, and its key into a container, if one is named."""
        files = self.home / "import.cer", self.home / "import.key"
        files[0].write_bytes(identity.certificate.public_bytes(serialization.Encoding.DER))
        files[1].write_bytes(private_key_blob(identity.key))
        words = [container, self.path(files[1])] if container else []
        self.store("add", store, self.path(files[0]), *words, machine=machine)
        thumbprint = identity.certificate.fingerprint(hashes.SHA1()).hex()
        (added,) = (
            each
            for each in self.certificates(store, machine=machine)
            if each.thumbprint == thumbprint
        )
        return added


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate in a store of Windows."""

    thumbprint: str
    name: str
    friendly_name: str
    container: str
    has_key: bool
    der: bytes = field(repr=False)

    @classmethod
    def read(cls, line: str) -> Certificate:
        """Read a line of the bed's program."""
        thumbprint, name, friendly_name, container, has_key, digits = line.split("\t")
        der = bytes.fromhex(digits)
        return cls(thumbprint, name, friendly_name, container, has_key == "true", der)


def private_key_blob(key: rsa.RSAPrivateKey) -> bytes:
    """Return a key as CryptImportKey takes it (Microsoft Learn, "RSA/Schannel Key BLOBs")."""
    numbers = key.private_numbers()
    public = numbers.public_numbers
    size = key.key_size // 8
    parts = [
        (public.n, size),
        *((number, size // 2) for number in (numbers.p, numbers.q, numbers.dmp1, numbers.dmq1)),
        (numbers.iqmp, size // 2),
        (numbers.d, size),
    ]
    calg_rsa_sign = 0x2400
    header = struct.pack("<BBHI4sII", 7, 2, 0, calg_rsa_sign, b"RSA2", key.key_size, public.e)
    return header + b"".join(number.to_bytes(length, "little") for number, length in parts)
