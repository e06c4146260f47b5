"""A Windows to run the generated pipeline in: Wine, cargo-make, stand-ins for the tools."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

INSTALLED_ROOTS = r"HKLM\SOFTWARE\Microsoft\Windows Kits\Installed Roots"

# What would reach in from the shell that the tests are started in; Wine gives it all to Windows.
_KEPT = ("HOME", "PATH", "CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN", "TMPDIR", "CI")

# Programs of Windows that Wine 8 has only as ones that do nothing and report success.
# Wine's sc works, but ends with 0 or 1 and knows no `config`.
_EMPTY_IN_WINE = ("certutil", "fc", "findstr", "sc", "where")
_OVERRIDDEN = ",".join(f"{name}.exe" for name in (*_EMPTY_IN_WINE, "powershell"))

# What Wine says, once in some thousand starts on a busy machine, when it did not start a program
# that is there. Nothing ran then, so that starting it again repeats nothing.
_NOT_STARTED = "ShellExecuteEx failed: Internal error."
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Done:
    """How a program ended and what it said."""

    code: int
    stdout: str
    stderr: str

    @property
    def said(self) -> str:
        """Both streams, standard error last."""
        return self.stdout + self.stderr


def copy_prefix(prepared: Path, prefix: Path) -> None:
    """Copy a prepared prefix by hard links: 700 MB in a tenth of a second, and next to no disk.

    The registry is copied for real, as Wine writes it in place when the file has other links, and
    so is what stand-ins replace.
    """

    def link(source: str, destination: str) -> str:
        if source.endswith(".reg"):
            return shutil.copy2(source, destination)
        os.link(source, destination)
        return destination

    shutil.copytree(prepared, prefix, symlinks=True, copy_function=link)


def _replace(standin: Path, program: Path) -> None:
    program.unlink(missing_ok=True)
    program.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(standin, program)


@dataclass(frozen=True, slots=True)
class Windows:
    """One Windows: a prefix, its drives, and the environment of its user."""

    bed: Path
    prefix: Path
    home: Path
    """Of this test: certificate stores, record of calls, list of Visual Studios."""
    env: dict[str, str] = field(repr=False)

    @classmethod
    def start(cls, bed: Path, prefix: Path) -> Windows:
        """Copy the prepared prefix and put into it what Wine has only as empty programs."""
        copy_prefix((bed / "prefix").resolve(), prefix)
        system = prefix / "drive_c/windows/system32"
        for name in _EMPTY_IN_WINE:
            _replace(bed / f"standins/{name}.exe", system / f"{name}.exe")
        _replace(bed / "standins/powershell.exe", system / "WindowsPowerShell/v1.0/powershell.exe")
        programs = prefix / "drive_c/cargo/bin"
        programs.mkdir(parents=True)
        for name in ("cargo", "rustc", "show-args"):
            shutil.copy2(bed / f"standins/{name}.exe", programs)
        shutil.copy2(bed / "cargo-make/cargo-make.exe", programs)
        windows = cls(bed, prefix, prefix.parent, {})
        # It would end some seconds after the last program, and meet the next one at the door.
        windows._server("-p")
        return windows

    def for_test(self, home: Path) -> Windows:
        """Return the same machine for a user who has no certificates yet."""
        env = {name: os.environ[name] for name in _KEPT if name in os.environ}
        env |= {
            "WINEPREFIX": str(self.prefix),
            "WINEDEBUG": "-all",
            # Programs of its own that Wine would take before the ones that lie there.
            "WINEDLLOVERRIDES": f"mscoree,mshtml=;{_OVERRIDDEN}=n",
            # In front of the PATH of Windows.
            "WINEPATH": r"C:\cargo\bin",
            # Wine gives programs of Linux their arguments in the locale's encoding.
            "LC_ALL": "C.UTF-8",
            "CARGO_TERM_COLOR": "never",
            "KDRVGEN_FAKE_STORE": self.path(home / "stores"),
            "KDRVGEN_FAKE_LOG": self.path(home / "calls"),
            "KDRVGEN_FAKE_VSWHERE": self.path(home / "vswhere"),
        }
        return Windows(self.bed, self.prefix, home, env)

    # --- programs ---------------------------------------------------------------------------

    def run(
        self,
        argv: Sequence[str | Path],
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        timeout: float = 300,
    ) -> Done:
        """Run a program of Windows, a command of cmd or a batch file with `["cmd", "/c", …]`."""
        for _ in range(_ATTEMPTS):
            done = self._run(argv, cwd, env, timeout)
            # Wine's loader that fails says nothing, with its messages turned off.
            is_silent = done.code == 1 and not done.said
            if _NOT_STARTED not in done.stdout and not is_silent:
                break
        return done

    def _run(
        self,
        argv: Sequence[str | Path],
        cwd: Path | None,
        env: Mapping[str, str] | None,
        timeout: float,
    ) -> Done:
        # Files and not pipes: services that Wine starts meanwhile keep the streams open.
        with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
            code = subprocess.run(
                # Wine's loader does not run through a link.
                [(self.bed / "wine").resolve(), *map(str, argv)],
                cwd=cwd or self.home,
                env=self.env | dict(env or {}),
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                timeout=timeout,
                check=False,
            ).returncode
            stdout.seek(0)
            stderr.seek(0)
            said = [
                stream.read().decode("utf-8", "replace").replace("\r\n", "\n")
                for stream in (stdout, stderr)
            ]
        return Done(code, *said)

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
        assert done.code == 0, done.said

    def delete_key(self, key: str) -> None:
        """Remove a key, if there is one, for programs of both kinds."""
        for view in (64, 32):
            self.run(["reg", "delete", key, "/f", f"/reg:{view}"])

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
        """Lay out an SDK and WDK: bin with signtool and makecert, Lib with um and km."""
        for version in versions:
            for architecture in architectures:
                for tool in ("signtool", "makecert"):
                    program = rf"{root}\bin\{version}\{architecture}\{tool}.exe"
                    self.put(program, self.bed / f"standins/{tool}.exe")
                for mode in ("um", "km") if kernel else ("um",):
                    self.put(rf"{root}\Lib\{version}\{mode}\{architecture}\ntoskrnl.lib")
        for view in registry:
            self.set_value(INSTALLED_ROOTS, "KitsRoot10", root + "\\", view)

    def install_visual_studio(
        self,
        path: str = r"C:\Program Files\Microsoft Visual Studio\2022\Community",
        version: str = "17.9.34607.119",
        product: str = "Microsoft.VisualStudio.Product.Community",
    ) -> None:
        """Register an instance with vswhere, which is put into its one fixed place."""
        place = r"C:\Program Files (x86)\Microsoft Visual Studio\Installer\vswhere.exe"
        self.put(place, self.bed / "standins/vswhere.exe")
        self.unix(path).mkdir(parents=True, exist_ok=True)
        with (self.home / "vswhere").open("a", encoding="utf-8") as file:
            file.write(f"{path}\t{version}\t{product}\n")

    def uninstall(self) -> None:
        """Take kits, Visual Studios and certificates off drive C:, and all drives but C: and Z:."""
        users = self.prefix / "drive_c/users"
        for each in (*users.glob("*/AppData/Local/kdrvgen"), *users.glob("*/.nuget")):
            shutil.rmtree(each)
        for folder in ("Program Files", "Program Files (x86)"):
            for name in ("Windows Kits", "Microsoft Visual Studio", "Microsoft SDKs"):
                shutil.rmtree(self.prefix / "drive_c" / folder / name, ignore_errors=True)
        for link in (self.prefix / "dosdevices").glob("?:"):
            if link.name not in ("c:", "z:"):
                link.unlink()
        if INSTALLED_ROOTS.rpartition("\\")[2] in self._registry():
            self.delete_key(INSTALLED_ROOTS)

    def _registry(self) -> str:
        done = self.run(["reg", "query", INSTALLED_ROOTS.rpartition("\\")[0]])
        return done.stdout

    def stop(self) -> None:
        """End all programs of this Windows."""
        self._server("-k")

    def _server(self, option: str) -> None:
        server = (self.bed / "wine").resolve().with_name("wineserver")
        program = str(server) if server.exists() else "wineserver"
        env = os.environ | {"WINEPREFIX": str(self.prefix), "WINEDEBUG": "-all"}
        subprocess.run([program, option], env=env, check=False)

    def certificates(self, store: str = "PrivateCertStore", *, machine: bool = False) -> list[Path]:
        """Return the certificates of a store, each with its key: THUMBPRINT.pem."""
        folder = self.home / "stores" / ("machine" if machine else "user")
        return sorted(
            file
            for each in (folder.iterdir() if folder.exists() else ())
            if each.name.lower() == store.lower()
            for file in each.glob("*.pem")
        )
