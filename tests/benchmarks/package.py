"""How long `cargo make package` takes for a driver of 5 MB, beside bare tools. See README.md."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.measure import Command, compare
from tests.pipeline.support import write_kernel

ROUNDS = 15
EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "blog-driver"
TARGET = "x86_64-pc-windows-msvc"
SIZE = 5_000_000
PACKAGE = '\n[package]\nkind = "device"\nprovider = "Example"\n'


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        project = folder / "hello"
        env = _prepare(folder, project)
        made = project / f"target/driver/hello/{TARGET}/development"
        state = next(project.glob(f"target/kdrvgen/state/*/{TARGET}/development"))
        dll = next(project.glob(f"target/{TARGET}/debug/hello.dll"))
        key = next((folder / "data").rglob("*.pem"))
        package = made / "package"

        def forget() -> None:
            shutil.rmtree(package, ignore_errors=True)
            for file in (made / "hello.sys", state / "signed", state / "packaged"):
                file.unlink(missing_ok=True)

        unsigned = folder / "unsigned"
        kdrvgen = [sys.executable, "-m", "kdrvgen", "package", str(made / "hello.sys")]
        subprocess.run([*kdrvgen, "-o", str(unsigned), "-q"], env=env, cwd=project, check=True)
        sign = f"osslsigncode sign -certs '{key}' -key '{key}' -h sha256"
        bare = f"rm -f a.sys a.cat; {sign} -in '{dll}' -out a.sys && "
        bare += f"{sign} -in '{unsigned}/hello.cat' -out a.cat"
        times = compare(
            {
                "cargo make package, nothing to do": _make("package", project, env),
                "cargo make sign, nothing to do": _make("sign", project, env),
            },
            ROUNDS,
        )
        times |= compare(
            {
                "cargo make package, signing all again": Command(
                    _words("package"), project, before=forget, env=env
                ),
                "kdrvgen package, a new folder": Command(
                    [*kdrvgen, "-o", str(folder / "new"), "-q"],
                    project,
                    before=lambda: shutil.rmtree(folder / "new", ignore_errors=True),
                    env=env,
                ),
                "osslsigncode sign, image and catalog": Command(
                    ["sh", "-c", bare], folder, env=env
                ),
            },
            ROUNDS,
        )
    for name, milliseconds in times.items():
        print(f"{name:50}{milliseconds:8.1f} ms")


def _prepare(folder: Path, project: Path) -> dict[str, str]:
    """Make and package the driver; return the environment."""
    shutil.copytree(EXAMPLE, project, ignore=shutil.ignore_patterns("target", ".cargo"))
    write_kernel(project)
    config = (project / "config.toml").read_text(encoding="utf-8")
    (project / "config.toml").write_text(config + PACKAGE, encoding="utf-8")
    (project / "src/data.bin").write_bytes(random.Random(1).randbytes(SIZE))
    with (project / "src/lib.rs").open("a", encoding="utf-8") as source:
        source.write(f'#[used]\nstatic DATA: [u8; {SIZE}] = *include_bytes!("data.bin");\n')
    programs = folder / "bin"
    programs.mkdir()
    script = f"#!/bin/sh\nexec '{sys.executable}' -m kdrvgen \"$@\"\n"
    (programs / "kdrvgen").write_text(script, encoding="utf-8")
    (programs / "kdrvgen").chmod(0o755)
    env = os.environ | {
        "XDG_DATA_HOME": str(folder / "data"),
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    subprocess.run([sys.executable, "-m", "kdrvgen", "config.toml"], cwd=project, check=True)
    subprocess.run(_words("package"), cwd=project, env=env, check=True)
    return env


def _words(task: str) -> list[str]:
    return ["cargo", "make", "--disable-check-for-updates", task]


def _make(task: str, project: Path, env: dict[str, str]) -> Command:
    return Command(_words(task), project, env=env)


if __name__ == "__main__":
    main()
