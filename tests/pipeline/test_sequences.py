"""Random sequences of edits, settings, damage, kills and runs: exit code 0 is always true."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.pipeline.conftest import MakeProject
from tests.pipeline.image import NATIVE, Image
from tests.pipeline.support import Project, copy_program, environment, run

pytestmark = pytest.mark.slow

SEQUENCES = int(os.environ.get("KDRVGEN_SEQUENCES", "40"))
STEPS = 4
TARGETS = {"x86_64": 0x8664, "i686": 0x14C, "aarch64": 0xAA64}
PROFILES = ("development", "production")


class Bench:
    """A project, and what its files say at the moment."""

    def __init__(self, project: Project, seed: int) -> None:
        self.project = project
        self.random = random.Random(seed)
        self.word = "start"
        self.settings = {"digest": "sha256", "subject": "One", "version": "1.0"}
        self.profile = "development"
        self.target = "x86_64"
        self.done: list[str] = []
        self.say("start")
        self.generate()

    @property
    def triple(self) -> str:
        return f"{self.target}-pc-windows-msvc"

    @property
    def image(self) -> Path:
        return self.project.output(profile=self.profile, target=self.triple)

    def note(self, text: str) -> None:
        self.done.append(text)

    def say(self, word: str) -> None:
        self.word = word
        self.project.say(f"<{word}>")

    def generate(self) -> None:
        targets = ", ".join(f'"{name}-pc-windows-msvc"' for name in TARGETS)
        self.project.generate(
            f'[driver]\nname = "hello"\ntargets = [{targets}]\n'
            f'[signing]\ntimestamp-url = ""\ndigest = "{self.settings["digest"]}"\n'
            f'subject = "{self.settings["subject"]}"\n'
            f'[linker]\nargs = ["/VERSION:{self.settings["version"]}"]\n'
        )

    # --- what a step may do -----------------------------------------------------------------

    def edit(self) -> None:
        self.say(f"word {self.random.randrange(10**9)}")
        self.note(f"edit: {self.word}")

    def change_a_setting(self) -> None:
        key, values = self.random.choice(
            [
                ("digest", ("sha256", "sha384", "sha512")),
                ("subject", ("One", "Two")),
                ("version", ("1.0", "2.5", "7.3")),
            ]
        )
        self.settings[key] = self.random.choice(values)
        self.generate()
        self.note(f"{key} = {self.settings[key]}")

    def switch(self) -> None:
        self.profile = self.random.choice(PROFILES)
        self.target = self.random.choice(list(TARGETS))
        self.note(f"{self.profile} for {self.target}")

    def damage(self) -> None:
        """Spoil a file that the tasks made: any of them, in any way that leaves a file there."""
        places = [
            path
            for folder in ("kdrvgen/state", "driver")
            for path in sorted((self.project.target / folder).rglob("*"))
            if path.is_file() and not path.is_symlink()
        ]
        places += sorted(self.project.certificates.glob("*.pem"))
        if not places:
            return
        path = self.random.choice(places)
        data = path.read_bytes()
        how = self.random.choice(["remove", "empty", "cut", "garbage", "flip", "other", "link"])
        path.unlink()
        if how == "empty":
            path.write_bytes(b"")
        elif how == "cut":
            path.write_bytes(data[: len(data) // 2])
        elif how == "garbage":
            path.write_bytes(self.random.randbytes(200))
        elif how == "flip" and data:
            spoilt = bytearray(data)
            spoilt[self.random.randrange(len(spoilt))] ^= 1 << self.random.randrange(8)
            path.write_bytes(spoilt)
        elif how == "other":
            other = self.random.choice([*places, self.project.folder / "Cargo.toml"])
            path.write_bytes(other.read_bytes() if other.exists() else b"")
        elif how == "link" and path.suffix != ".pem":
            bait = self.project.folder / "bait"
            bait.write_bytes(data)
            path.symlink_to(bait)
        if path.suffix == ".pem" and path.exists():
            path.chmod(0o600)
        self.note(f"{how} {path.relative_to(self.project.folder.parent)}")

    def lose_the_build_of_the_program(self) -> None:
        program = self.project.program
        shutil.rmtree(program.with_name("pipeline.build"), ignore_errors=True)
        program.touch()
        self.note("the program's build is gone")

    def kill_a_run(self) -> None:
        process = subprocess.Popen(
            self.command(),
            cwd=self.project.folder,
            env=self.project.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        seconds = self.random.uniform(0.02, 0.7)
        time.sleep(seconds)
        number = self.random.choice([signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
        with contextlib.suppress(ProcessLookupError):  # it has ended already
            os.killpg(process.pid, number)
        process.wait()
        self.note(f"{number.name} after {seconds:.2f} s")

    def two_at_once(self) -> None:
        both = [
            subprocess.Popen(
                self.command(),
                cwd=self.project.folder,
                env=self.project.env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            for _ in range(2)
        ]
        for process in both:
            output, _ = process.communicate()
            assert process.returncode == 0, self.report(output)
        self.note("two at once")
        self.check("")

    # --- what must hold ---------------------------------------------------------------------

    def command(self) -> list[str]:
        return self.project.command(
            "--profile", self.profile, "-e", f"DRIVER_TARGET={self.triple}", "sign"
        )

    def sign(self) -> None:
        done = run(self.command(), self.project.folder, self.project.env)
        assert done.returncode == 0, self.report(done.stdout)
        self.note(f"sign: {self.profile} {self.target}")
        self.check(done.stdout)

    def check(self, output: str) -> None:
        image = Image.read(self.image)
        major, minor = self.settings["version"].split(".")
        entries = {name.strip("_").partition("@")[0]: at for name, at in image.exports().items()}
        truth = {
            "code": f"loaded <{self.word}>".encode() in image.data,
            "one code only": image.data.count(b"loaded <") == 1,
            "machine": image.machine == TARGETS[self.target],
            "subsystem": image.subsystem == NATIVE,
            "entry point": image.entry == entries["driver_entry"],
            "settings of the linker": image.image_version == (int(major), int(minor)),
            "no link": self.image.stat().st_nlink == 1 and not self.image.is_symlink(),
        }
        report = self.project.verify(self.image)
        truth["signature"] = report.returncode == 0
        truth["subject"] = f"CN={self.settings['subject']}" in report.stdout
        algorithm = f"Message digest algorithm  : {self.settings['digest'].upper()}"
        truth["digest"] = algorithm in report.stdout
        left = [path.name for path in self.image.parent.iterdir() if path.name.startswith(".")]
        truth["nothing left over"] = not left
        assert all(truth.values()), f"{truth}\n{self.report(output)}\n{report.stdout}"

    def report(self, output: str) -> str:
        return "\n".join([*self.done, output])

    def step(self) -> None:
        action = self.random.choice(
            [
                self.edit,
                self.change_a_setting,
                self.switch,
                self.damage,
                self.damage,
                self.kill_a_run,
                self.two_at_once,
                self.lose_the_build_of_the_program,
            ]
        )
        action()


@pytest.fixture(scope="session")
def workshop_of_all(tmp_path_factory: pytest.TempPathFactory, signed_once: Path) -> Project:
    """One project for all sequences of a worker: most of the time is compiling."""
    home = tmp_path_factory.mktemp("workshop")
    shutil.copytree(signed_once / "data", home / "data")
    project = Project(home / "project", home, environment(home))
    shutil.copytree(
        signed_once / "project", project.folder, ignore=shutil.ignore_patterns("target")
    )
    shutil.copytree(project.certificates, project.certificates.with_name("unspoilt"))
    copy_program(Project(signed_once / "project", signed_once, {}), project)
    return project


@pytest.fixture
def workshop(workshop_of_all: Project) -> Project:
    """The project as at the start: only cargo's own work is kept."""
    project = workshop_of_all
    for left in ("driver", "kdrvgen/state"):
        shutil.rmtree(project.target / left, ignore_errors=True)
    shutil.rmtree(project.certificates)
    shutil.copytree(project.certificates.with_name("unspoilt"), project.certificates)
    return project


@pytest.mark.parametrize("seed", range(SEQUENCES))
def test_exit_code_0_means_that_code_entry_point_settings_and_signature_are_right(
    workshop: Project, seed: int
) -> None:
    bench = Bench(workshop, seed)
    for _ in range(STEPS):
        bench.step()
        bench.sign()


def test_a_project_made_for_sequences_is_like_any_other(make_project: MakeProject) -> None:
    bench = Bench(make_project(), 0)
    bench.sign()
    bench.say("other")
    with pytest.raises(AssertionError):
        bench.check("")
