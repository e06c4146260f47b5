"""Wine's kernel: loads drivers, shows what they log, runs programs that talk to them."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.windows.bed import copy_prefix

__all__ = ["Kernel"]

# COMPONENT:LEVEL, then what the driver printed.
_LOGGED = re.compile(r":debugstr:vDbgPrintExWithPrefix ([0-9a-f]+:[0-9a-f]+): (.*)")


@dataclass(frozen=True, slots=True)
class Kernel:
    """A Windows of one's own, as tests/windows/setup.sh prepares it.

    Attributes:
        bed: What setup.sh printed.
        prefix: Wine's folder.
        record: Wine's standard error, and so the kernel's log.
        channels: What Wine writes to it: the text of DbgPrint, and perhaps more.
    """

    bed: Path
    prefix: Path
    record: Path
    channels: str = "+debugstr"

    @classmethod
    @contextmanager
    def running(cls, bed: Path, folder: Path, channels: str = "+debugstr") -> Iterator[Kernel]:
        """Copy the prepared prefix into `folder`; in the end, end all programs of this Windows."""
        copy_prefix((bed / "prefix").resolve(), folder / "prefix")
        (folder / "log").touch()
        kernel = cls(bed, folder / "prefix", folder / "log", channels)
        # By itself it ends some seconds after the last program, and the drivers with it.
        try:
            kernel._server("-p")
            yield kernel
        finally:
            kernel._server("-k")

    def run(self, program: str | Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a program of this Windows, however it ends; its messages are in `stdout`."""
        # A file and not a pipe: the services that the first program starts keep it open.
        with (
            self.record.open("ab") as record,
            (self.prefix.parent / "stdout").open("w+b") as output,
        ):
            code = subprocess.run(
                [self.bed / "wine64", program, *arguments],
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=record,
                timeout=120,
                check=False,
            ).returncode
            output.seek(0)
            text = output.read().decode("utf-8", "replace").replace("\r\n", "\n")
        return subprocess.CompletedProcess([str(program), *arguments], code, text)

    def start(self, program: str | Path, *arguments: str) -> subprocess.Popen[str]:
        """Start a program of this Windows, whose output is a pipe."""
        with self.record.open("ab") as record:
            return subprocess.Popen(
                [self.bed / "wine64", program, *arguments],
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=record,
                text=True,
            )

    def sc(self, *words: str) -> str:
        """Run sc.exe and return its output."""
        return self.run("sc", *words).stdout

    def state(self, name: str) -> str:
        """Return the state of a service, such as `RUNNING`."""
        found = re.search(r"STATE *: *\d+ *(\w+)", self.sc("query", name))
        return found[1] if found else "none"

    def install(self, image: Path, name: str) -> None:
        """Make a service of a driver; an older one of this name is replaced."""
        target = self.prefix / f"drive_c/{name}.sys"
        target.write_bytes(image.read_bytes())
        self.sc("delete", name)
        output = self.sc("create", name, "type=", "kernel", "binPath=", rf"C:\{name}.sys")
        assert "FAILED" not in output, output

    @contextmanager
    def loaded(self, image: Path, name: str = "driver") -> Iterator[None]:
        """Have a driver loaded, and unload it."""
        self.install(image, name)
        output = self.sc("start", name)
        assert self.state(name) == "RUNNING", output
        try:
            yield
        finally:
            self.sc("stop", name)
            assert self.state(name) == "STOPPED"

    def lines(self) -> list[str]:
        """Return all that drivers have printed, line by line."""
        return [line for _, line in self.filed_lines()]

    def filed_lines(self) -> list[tuple[str, str]]:
        """Return the same, each line behind its component and level, as in `004d:0003`."""
        text = self.record.read_text(encoding="utf-8", errors="replace")
        return _LOGGED.findall(text)

    def compile(self, source: Path, program: Path) -> Path:
        """Compile a Rust file into a program of this Windows."""
        argv: list[str | Path] = [
            self._rustc,
            "--edition=2021",
            "-Dwarnings",
            "-o",
            program,
            source,
        ]
        subprocess.run(argv, check=True, env=os.environ | {"LC_ALL": "C.UTF-8"})
        return program

    def compiler(self, triple: str) -> dict[str, str]:
        """Return the environment in which cargo builds programs of this Windows."""
        argv: list[str | Path] = [self._rustc, "--print", "sysroot"]
        done = subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True)
        flags = f"--sysroot={done.stdout.strip()} -Clinker=x86_64-w64-mingw32-gcc"
        return {f"CARGO_TARGET_{triple.upper().replace('-', '_')}_RUSTFLAGS": flags}

    @property
    def _rustc(self) -> Path:
        return self.bed / "rustc-for-windows"

    def _server(self, option: str) -> None:
        program = self.bed / "wineserver"
        subprocess.run([program, option], env=self._environment(), check=False)

    def _environment(self) -> dict[str, str]:
        env = {name: text for name, text in os.environ.items() if not name.startswith("WINE")}
        return env | {
            "WINEPREFIX": str(self.prefix),
            "WINEDEBUG": f"-all,{self.channels}",
            "WINEDLLOVERRIDES": "mscoree,mshtml=",
        }
