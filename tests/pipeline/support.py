"""A driver project in a folder of its own, and how a test runs the real tools in it."""

from __future__ import annotations

import os
import re
import select
import shutil
import signal
import subprocess
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

import kdrvgen
from kdrvgen.model import Driver
from kdrvgen.rendering.support import render_kernel
from tests.locking import locked
from tests.program import run_kdrvgen
from tests.tools import need as need  # noqa: PLC0414 - most tests that need tools import it here
from tests.tools import without as without  # noqa: PLC0414 - likewise

REPOSITORY = Path(__file__).parents[2]
EXAMPLE = REPOSITORY / "docs/examples/blog-driver"
X64 = "x86_64-pc-windows-msvc"

CONFIG = """\
[driver]
name = "hello"

[signing]
timestamp-url = ""
"""
"""The smallest project that signs without a network."""


def write_kernel(folder: Path) -> None:
    """Write the crate `kernel`, which the example uses, whatever its config says."""
    driver = Driver(name="hello", kernel_crate=True)
    for path, text in render_kernel(kdrvgen.Project(driver=driver)).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8", newline="\n")


# What would reach into a build from the shell that the tests are started in.
_FOREIGN = re.compile(
    r"(RUSTFLAGS|CARGO_ENCODED_RUSTFLAGS|CARGO_TARGET_.*|CARGO_BUILD_.*|CARGO_MAKE.*|DRIVER_.*"
    r"|CARGO_PROFILE_.*|RUSTC|RUSTC_.*|WINE.*|XDG_.*|GIT_.*)"
)


def environment(home: Path) -> dict[str, str]:
    """Return the environment of a user whose home is `home`, with this machine's toolchain."""
    real = Path.home()
    env = {name: text for name, text in os.environ.items() if not _FOREIGN.fullmatch(name)}
    env |= {
        "HOME": str(home),
        "XDG_DATA_HOME": str(home / "data"),
        "CARGO_HOME": os.environ.get("CARGO_HOME", str(real / ".cargo")),
        "RUSTUP_HOME": os.environ.get("RUSTUP_HOME", str(real / ".rustup")),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(REPOSITORY), env.get("PYTHONPATH")])),
        "CARGO_TERM_COLOR": "never",
        # Most tests build once, and keeping what a second build can use takes a third of the time.
        "CARGO_INCREMENTAL": "0",
        "LC_ALL": "C.UTF-8",
    }
    return env


def run(
    argv: Sequence[str | Path], cwd: Path, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program with both its streams in `stdout`.

    Where a program that is named without its folder is not installed, the test is skipped.
    """
    try:
        return subprocess.run(
            argv,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except FileNotFoundError:
        if Path(argv[0]).name == str(argv[0]):
            need(str(argv[0]))
        raise


def once(factory: pytest.TempPathFactory, name: str, fill: Callable[[Path], object]) -> Path:
    """Return a folder that is filled once for all workers of a run."""
    base = factory.getbasetemp()
    folder = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / name
    with locked(folder.with_suffix(".lock")):
        if not folder.with_suffix(".complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            fill(folder)
            folder.with_suffix(".complete").touch()
    return folder


def copy_program(source: Project, project: Project) -> None:
    """Give a project the pipeline's program of another one.

    It compares the sources that it was compiled from, and they are the same: some seconds less for
    each test.
    """
    shutil.copytree(
        source.target / "kdrvgen",
        project.target / "kdrvgen",
        ignore=shutil.ignore_patterns("state", "*.build"),
    )


_COMPILED = ("build-script-build", "lib-kdrvgen_kernel")
"""How cargo's notes of what it compiled beside the driver are called."""


def copy_compiled(source: Project, project: Project) -> None:
    """Give a project what cargo compiled for another one, without the driver itself.

    Those are the crate `kernel` and the program of build.rs, two thirds of the time of a first
    build. Cargo still decides what it compiles again: by the arguments, and by the times of the
    sources, and only a source that is the same gets the time of the one that was compiled.
    """
    for folder in ("kernel", ".kdrvgen", "build.rs"):
        for path in (source.folder / folder, *(source.folder / folder).rglob("*")):
            twin = project.folder / path.relative_to(source.folder)
            if path.is_file() and twin.is_file() and path.read_bytes() == twin.read_bytes():
                shutil.copystat(path, twin)
    for note in source.target.rglob(".fingerprint/*/dep-*"):
        if note.name.endswith(_COMPILED):
            built = note.parents[2]
            copy = project.target / built.relative_to(source.target)
            unit = note.parent.name  # such as kdrvgen-kernel-cac6be24593cd955
            number = unit.rpartition("-")[2]
            shutil.copytree(note.parent, copy / ".fingerprint" / unit)
            if (built / "build" / unit).exists():
                shutil.copytree(built / "build" / unit, copy / "build" / unit)
            for file in (built / "deps").glob(f"*-{number}.*"):
                (copy / "deps").mkdir(exist_ok=True)
                shutil.copy2(file, copy / "deps")
    shutil.copy2(source.target / ".rustc_info.json", project.target)


@dataclass(frozen=True, slots=True)
class Project:
    """A driver project, and the environment of the user it belongs to."""

    folder: Path
    home: Path
    env: dict[str, str] = field(repr=False)

    def generate(self, config: str | None = None) -> str:
        """Write config.toml, unless it is to stay, and run `python -m kdrvgen` on it."""
        if config is not None:
            (self.folder / "config.toml").write_text(config, encoding="utf-8")
        done = run_kdrvgen("config.toml", cwd=self.folder, env=self.env, merged=True)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def under(self, env: dict[str, str]) -> Project:
        """Return the project as it is with more variables in the environment."""
        return replace(self, env=self.env | env)

    def command(self, *arguments: str) -> list[str]:
        """Return the command line of cargo-make."""
        return ["cargo", "make", "--disable-check-for-updates", *arguments]

    def run(
        self, *arguments: str, cwd: Path | None = None, **env: str
    ) -> subprocess.CompletedProcess[str]:
        """Run cargo-make, however it ends."""
        return run(self.command(*arguments), cwd or self.folder, self.env | env)

    def make(self, *arguments: str, cwd: Path | None = None, **env: str) -> str:
        """Run cargo-make, which succeeds; return its output."""
        done = self.run(*arguments, cwd=cwd, **env)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def fail(self, *arguments: str, cwd: Path | None = None, **env: str) -> str:
        """Run cargo-make, which fails; return its output."""
        done = self.run(*arguments, cwd=cwd, **env)
        assert done.returncode != 0, done.stdout
        return done.stdout

    @property
    def target(self) -> Path:
        """The target directory, unless the environment names another."""
        return self.folder / "target"

    def output(
        self, name: str = "hello.sys", profile: str = "development", target: str = X64
    ) -> Path:
        """Return the path of what the tasks put into DRIVER_OUTPUT."""
        manifest = tomllib.loads((self.folder / "Cargo.toml").read_text("utf-8"))
        package = str(manifest["package"]["name"])
        return self.target / "driver" / package / target / profile / name

    def linked(self, name: str = "hello.dll", profile: str = "debug", target: str = X64) -> Path:
        """Return the path of what cargo leaves."""
        return self.target / target / profile / name

    @property
    def sys(self) -> Path:
        """The development image."""
        return self.output()

    @property
    def dll(self) -> Path:
        """What cargo left for development."""
        return self.linked()

    @property
    def built(self) -> list[Path]:
        """Whatever was made of the driver itself, of any profile and target."""
        return list(self.target.rglob("hello.*"))

    @property
    def cer(self) -> Path:
        """The test certificate that development exports."""
        return self.output("hello.cer")

    def state(self, profile: str = "development", target: str = X64) -> Path:
        """Return the folder of the records of a profile and target."""
        return next(self.target.glob(f"kdrvgen/state/*/{target}/{profile}"))

    @property
    def program(self) -> Path:
        """The program that the tasks run."""
        (program,) = self.target.glob("kdrvgen/*/pipeline")
        return program

    @property
    def certificates(self) -> Path:
        """The user's folder of test certificates."""
        return self.home / "data/kdrvgen/certificates"

    @property
    def identity(self) -> Path:
        """The one test certificate with its key."""
        (identity,) = self.certificates.glob("*.pem")
        return identity

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace text that is there in a file of the project."""
        path = self.folder / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    def depend(self, dependency: str) -> None:
        """Add a line to the dependencies of the driver."""
        self.edit("Cargo.toml", "[dependencies]\n", f"[dependencies]\n{dependency}\n")

    def say(self, word: str) -> None:
        """Make the driver log `word` when it is loaded."""
        path = self.folder / "src/lib.rs"
        text = path.read_text(encoding="utf-8")
        path.write_text(re.sub(r'"loaded[^,]*,', f'"loaded {word},', text), encoding="utf-8")

    def shim(self, program: str, script: str) -> None:
        """Put a shell script of a program's name in front of PATH."""
        folder = self.home / "shims"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / program
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)
        if not self.env["PATH"].startswith(f"{folder}:"):
            self.env["PATH"] = f"{folder}:{self.env['PATH']}"

    def unshim(self) -> None:
        """Take all shims away again."""
        shutil.rmtree(self.home / "shims")

    def record(self, program: str) -> Path:
        """Note each call of a program, which runs as ever; return the file of notes."""
        notes = self.home / f"{program}.calls"
        notes.write_text("", encoding="utf-8")
        real = shutil.which(program, path=self.env["PATH"])
        self.shim(program, f"printf '%s\\n' \"$*\" >> '{notes}'\nexec '{real}' \"$@\"")
        return notes

    def hide(self, *programs: str) -> None:
        """Give the project a PATH on which everything is but these (patterns allowed)."""
        folder = self.home / "path"
        folder.mkdir(parents=True)
        for place in self.env["PATH"].split(":"):
            if not Path(place).is_dir():
                continue
            for entry in Path(place).iterdir():
                link = folder / entry.name
                if not os.path.lexists(link) and not any(entry.match(each) for each in programs):
                    link.symlink_to(entry)
        self.env["PATH"] = str(folder)

    def verify(
        self, image: Path | None = None, *more: str | Path
    ) -> subprocess.CompletedProcess[str]:
        """Let osslsigncode verify an image against the exported certificate."""
        pem = self.home / "exported.pem"
        image = image or self.sys
        exported = next(image.parent.glob("*.cer"), self.cer)
        subprocess.run(
            ["openssl", "x509", "-inform", "DER", "-in", exported, "-out", pem], check=True
        )
        argv = ["osslsigncode", "verify", "-CAfile", pem, *more, "-in", image]
        return run(argv, self.home)

    def verifies(self, image: Path | None = None, *more: str | Path) -> bool:
        """Tell whether an image's signature is of the exported certificate."""
        return self.verify(image, *more).returncode == 0


def together(*projects: Project, task: str = "sign") -> list[str]:
    """Run a task in all of them at once; each succeeds. Return what each printed."""
    running = [
        subprocess.Popen(
            project.command(task),
            cwd=project.folder,
            env=project.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )
        for project in projects
    ]
    outputs = []
    for process in running:
        output, _ = process.communicate()
        assert process.returncode == 0, output
        outputs.append(output)
    return outputs


@dataclass(frozen=True, slots=True)
class Blog(Project):
    """The same driver with the Makefile.toml that people copy."""

    @property
    def sys(self) -> Path:
        """The development image."""
        return self.linked("hello.sys")


@dataclass(frozen=True, slots=True)
class State:
    """What a file is: another one, another time, or other bytes make it unequal."""

    inode: int
    mtime: int
    content: bytes = field(repr=False)

    @classmethod
    def of(cls, path: Path) -> State:
        """Return the state of a file."""
        status = path.stat()
        return cls(status.st_ino, status.st_mtime_ns, path.read_bytes())


class Stall:
    """A named pipe at which a shim says that it was reached, and one at which it waits for ever."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.reached = project.home / "reached"
        self.never = project.home / "never"
        os.mkfifo(self.reached)
        os.mkfifo(self.never)

    @property
    def script(self) -> str:
        """Shell commands that report and never return."""
        return f"echo > '{self.reached}'; read -r _ < '{self.never}'"

    def kill(self, *arguments: str) -> bool:
        """Run cargo-make and kill it where it stalls; return whether it came there."""
        process = self._reach(*arguments)
        if process is None:
            return False
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return True

    def interrupt(self, *arguments: str) -> str:
        """Run cargo-make and press Ctrl+C where it stalls; return what all printed."""
        process = self._reach(*arguments)
        assert process is not None
        os.killpg(process.pid, signal.SIGINT)
        output, _ = process.communicate()
        return output

    def _reach(self, *arguments: str) -> subprocess.Popen[str] | None:
        # Opened for both, so that neither side waits for the other.
        pipe = os.open(self.reached, os.O_RDWR | os.O_NONBLOCK)
        try:
            process = subprocess.Popen(
                self.project.command(*arguments),
                cwd=self.project.folder,
                env=self.project.env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
            while not select.select([pipe], [], [], 0.05)[0]:
                if process.poll() is not None:
                    return None
            return process
        finally:
            os.close(pipe)
