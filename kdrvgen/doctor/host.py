"""The machine that the probes check: its environment, and running a program with a time limit."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from kdrvgen.doctor.crypt32 import certificates_of_store
from kdrvgen.output.paths import is_within, real_path

__all__ = ["Answer", "Host", "refused", "this_host"]

_LONGEST_LINE = 300
_REGISTRY_VIEW_32 = 32
_FIRST_STATUS = 0x8000_0000


class Answer(NamedTuple):
    """How a program ended.

    Attributes:
        code: Its exit code; None if it could not be started or did not end in time.
        text: Standard output and standard error, or why the program could not be started.
        is_refused: Whether doctor did not run it, because it belongs to the project.
    """

    code: int | None
    text: str
    is_refused: bool = False

    @property
    def first_line(self) -> str:
        """The first line that is not empty, cut to the length of a message; or the exit code."""
        lines = (line.strip() for line in self.text.splitlines())
        # NTSTATUS errors, by which Windows ends a program, are written in hexadecimal.
        is_status = self.code is not None and self.code >= _FIRST_STATUS
        code = f"exit code 0x{self.code:X}" if is_status else f"exit code {self.code}"
        return next((line[:_LONGEST_LINE] for line in lines if line), code)


@dataclass(frozen=True, slots=True)
class Host:
    """A machine and its user.

    Attributes:
        system: `windows`, `macos`, or `linux` for this and every other POSIX system.
        folder: The project's folder. Programs do not run there: some read its files.
        env: The environment.
        time_limit: Seconds after which a program is ended.
        registry: Returns a value of HKEY_LOCAL_MACHINE by key, name and view (64 or 32).
        is_elevated: Whether the user is root or runs as administrator.
        free_bytes: Returns the free bytes on the disk of a folder.
        now: Seconds since 1970.
        certificates: Returns the certificates of a store, in DER, by its name and whether it is
            the machine's; none if the store does not exist.
        roots: The folders of the project. A program in them is never run.
        is_writable: Returns whether the user can create files in a folder.
        can_link: Returns whether files in a folder can have a second name (hard links).
    """

    system: str
    folder: Path
    env: Mapping[str, str] = field(repr=False)
    time_limit: float
    registry: Callable[[str, str, int], str | int | None]
    is_elevated: bool
    free_bytes: Callable[[Path], int]
    now: float
    certificates: Callable[[str, bool], Sequence[bytes]] = lambda _name, _is_machine: ()
    roots: tuple[Path, ...] = ()
    is_writable: Callable[[Path], bool] = lambda _folder: True
    can_link: Callable[[Path], bool] = lambda _folder: True

    @property
    def is_windows(self) -> bool:
        """Whether this is Windows."""
        return self.system == "windows"

    def user_folder(self, variable: str, below_home: str) -> Path | None:
        """Return a folder of the user (XDG Base Directory Specification); None without HOME.

        Args:
            variable: The variable that names it; a relative path is ignored.
            below_home: Where it is by default.
        """
        own, home = (Path(self.env.get(name, "")) for name in (variable, "HOME"))
        if own.is_absolute():
            return own
        return home / below_home if home.is_absolute() else None

    @property
    def path(self) -> tuple[Path, ...]:
        """The folders of PATH, without relative ones: they would lead into the project."""
        names = self.env.get("PATH", "").split(os.pathsep)
        return tuple(Path(name) for name in names if Path(name).is_absolute())

    @property
    def safe_env(self) -> dict[str, str]:
        """The environment for the programs that doctor runs: without paths in the project.

        Programs start others, and load libraries and modules that variables name, such as those of
        LD_LIBRARY_PATH and OPENSSL_CONF.
        """
        env = {name: value for name, value in self.env.items() if not self._leads_here(value)}
        path = (str(folder) for folder in self.path if not self.holds(str(folder)))
        return {**env, "PATH": os.pathsep.join(path)}

    def _leads_here(self, value: str) -> bool:
        paths = (part.strip() for part in re.split(rf"[\s{os.pathsep}]", value) if os.sep in part)
        return any(Path(path).is_absolute() and self.holds(path) for path in (value, *paths))

    @property
    def neutral_folder(self) -> Path:
        """A folder in which programs run: it has no files that rustup, cargo or Windows reads."""
        return Path(self.env.get("SystemRoot") or self.folder.anchor)

    def which(self, program: str) -> str:
        """Return the path of a program; "" if it does not exist.

        Unlike `shutil.which`, it never searches the current folder, as Windows does.

        Args:
            program: A name on PATH, or a path that starts at the project's folder.
        """
        name = f"{program}.exe" if self.is_windows and not Path(program).suffix else program
        is_path = os.sep in program or "/" in program
        candidates = [folder / name for folder in ((self.folder,) if is_path else self.path)]
        return next((str(path) for path in candidates if _is_program(path)), "")

    def holds(self, path: str) -> bool:
        """Return whether a path, or the file that it links to, is in the project."""
        places = {Path(path), real_path(Path(path))}
        roots = {*self.roots, *map(real_path, self.roots)}
        return any(is_within(root, place) for root in roots for place in places)

    def run(
        self, argv: Sequence[str | Path], env: Mapping[str, str] | None = None, stdin: bytes = b""
    ) -> Answer:
        """Run a program outside of the project's folder; end it at the time limit.

        A program in the project is not run.
        """
        program = self.which(str(argv[0]))
        if not program:
            return Answer(None, f"{argv[0]} is not installed")
        if self.holds(program):
            return refused(f"{program} is in the project")
        # Without it, some versions of rustup download a toolchain when `cargo --version` runs.
        quiet = {"RUSTUP_AUTO_INSTALL": "0", "CARGO_TERM_COLOR": "never"}
        try:
            process = subprocess.Popen(  # noqa: S603 - a tool on the user's PATH
                [program, *map(str, argv[1:])],
                cwd=self.neutral_folder,
                env={**self.safe_env, **quiet, **(env or {})},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=not self.is_windows,
            )
        except OSError as error:
            return Answer(None, f"{program} does not start: {error.strerror or error}")
        try:
            output, _ = process.communicate(stdin, self.time_limit)
        except subprocess.TimeoutExpired:
            _end(process)
            return Answer(None, f"{program} did not answer within {self.time_limit:g} s")
        return Answer(process.returncode, output.decode("utf-8", "replace"))


def refused(reason: str) -> Answer:
    """Return the answer of a program that doctor does not run."""
    return Answer(None, f"not run, because {reason}", is_refused=True)


def _is_program(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


def this_host(folder: Path, time_limit: float, roots: tuple[Path, ...] = ()) -> Host:
    """Return the machine that kdrvgen runs on.

    Args:
        folder: The project's folder.
        time_limit: Seconds after which a program is ended.
        roots: The folders of the project; none if there is no project.
    """
    systems = {"win32": "windows", "darwin": "macos"}
    return Host(
        system=systems.get(sys.platform, "linux"),
        folder=folder,
        env=os.environ,  # on Windows its names ignore case
        time_limit=time_limit,
        registry=_registry,
        is_elevated=_is_elevated(),
        free_bytes=lambda path: shutil.disk_usage(path).free,
        now=time.time(),
        certificates=lambda name, is_machine: certificates_of_store(name, machine=is_machine),
        roots=roots,
        is_writable=lambda path: os.access(path, os.W_OK | os.X_OK),
        can_link=_can_link,
    )


def _can_link(folder: Path) -> bool:
    """Return whether a file in a folder can have a second name; removes both again."""
    try:
        with tempfile.TemporaryDirectory(prefix=".kdrvgen-", dir=folder) as own:
            first = Path(own, "first")
            first.touch()
            Path(own, "second").hardlink_to(first)
    except (NotImplementedError, OSError):
        return False
    return True


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program and its children."""
    if sys.platform == "win32":
        process.kill()
    else:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
    for stream in (process.stdin, process.stdout):
        if stream:
            stream.close()
    process.wait()


if sys.platform == "win32":
    import ctypes
    import winreg

    def _registry(key: str, name: str, view: int = 64) -> str | int | None:
        is_32 = view == _REGISTRY_VIEW_32
        wow = winreg.KEY_WOW64_32KEY if is_32 else winreg.KEY_WOW64_64KEY
        try:
            with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, key, 0, winreg.KEY_READ | wow) as opened:
                value, _ = winreg.QueryValueEx(opened, name)
        except OSError:
            return None
        return value if isinstance(value, (str, int)) else None

    def _is_elevated() -> bool:
        return bool(ctypes.windll.shell32.IsUserAnAdmin())

else:

    def _registry(key: str, name: str, view: int = 64) -> str | int | None:
        del key, name, view
        return None

    def _is_elevated() -> bool:
        return os.geteuid() == 0
