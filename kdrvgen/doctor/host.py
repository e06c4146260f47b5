"""The machine as probes see it: its environment, and how a program is run with a time limit."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from kdrvgen.doctor.crypt32 import certificates_of_store

__all__ = ["Answer", "Host", "this_host"]


_LONGEST = 300


class Answer(NamedTuple):
    """How a program ended.

    Attributes:
        code: Its exit code; None when it could not be started or did not end in time.
        text: Standard output and standard error; or why it could not be started.
    """

    code: int | None
    text: str

    @property
    def first_line(self) -> str:
        """The first line that says anything, as long as a message may be."""
        lines = (line.strip() for line in self.text.splitlines())
        return next((line[:_LONGEST] for line in lines if line), "")


@dataclass(frozen=True, slots=True)
class Host:
    """A machine and its user.

    Attributes:
        system: `windows`, `macos`, or `linux` for this and every other POSIX system.
        folder: The project's folder, in which programs are run.
        env: The environment.
        time_limit: Seconds after which a program that was asked something is ended.
        registry: Gives a value of HKEY_LOCAL_MACHINE by key, name and view (64 or 32).
        is_elevated: Whether the user may do what only an administrator may.
        free_bytes: Gives the room on the disk of a folder.
        now: Seconds since 1970.
        certificates: Gives the certificates of a store, in DER, by its name and whether it is the
            machine's; none for a store that does not exist.
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

    @property
    def is_windows(self) -> bool:
        """Whether this is Windows."""
        return self.system == "windows"

    def which(self, program: str) -> str:
        """Return where a program is, by PATH or as a path from the project's folder; "" if not."""
        if os.sep in program or "/" in program:
            path = self.folder / program
            return str(path) if path.is_file() and os.access(path, os.X_OK) else ""
        return shutil.which(program, path=self.env.get("PATH", "")) or ""

    def run(
        self, argv: Sequence[str | Path], env: Mapping[str, str] | None = None, stdin: bytes = b""
    ) -> Answer:
        """Run a program in the project's folder until it ends, or the time limit ends it."""
        program = self.which(str(argv[0]))
        if not program:
            return Answer(None, f"{argv[0]} is not installed")
        # A version of rustup that downloads a toolchain as soon as somebody asks cargo for its own.
        quiet = {"RUSTUP_AUTO_INSTALL": "0", "CARGO_TERM_COLOR": "never"}
        try:
            process = subprocess.Popen(  # noqa: S603 - a tool of the user's own PATH
                [program, *map(str, argv[1:])],
                cwd=self.folder,
                env={**self.env, **quiet, **(env or {})},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=not self.is_windows,
            )
        except OSError as error:
            return Answer(None, f"{program} does not start: {error.strerror or error}")
        try:
            said, _ = process.communicate(stdin, self.time_limit)
        except subprocess.TimeoutExpired:
            _end(process)
            return Answer(None, f"{program} did not answer within {self.time_limit:g} s")
        return Answer(process.returncode, said.decode("utf-8", "replace"))


def this_host(folder: Path, time_limit: float) -> Host:
    """Return the machine that kdrvgen runs on."""
    systems = {"win32": "windows", "darwin": "macos"}
    return Host(
        system=systems.get(sys.platform, "linux"),
        folder=folder,
        env=os.environ,  # on Windows the case of a name does not count
        time_limit=time_limit,
        registry=_registry,
        is_elevated=_is_elevated(),
        free_bytes=lambda path: shutil.disk_usage(path).free,
        now=time.time(),
        certificates=lambda name, is_machine: certificates_of_store(name, machine=is_machine),
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program and what it started."""
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
        wow = winreg.KEY_WOW64_32KEY if view == 32 else winreg.KEY_WOW64_64KEY  # noqa: PLR2004 - bits
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
