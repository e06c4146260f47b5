"""How long a `cargo make sign` with nothing to do takes, beside its parts. See README.md."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.measure import Command, compare

ROUNDS = 25
EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "blog-driver"
TARGET = "x86_64-pc-windows-msvc"


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        project = folder / "hello"
        shutil.copytree(EXAMPLE, project)
        env = os.environ | {"XDG_DATA_HOME": str(folder / "data")}
        subprocess.run([sys.executable, "-m", "kdrvgen", "config.toml"], cwd=project, check=True)
        subprocess.run(["cargo", "make", "sign"], cwd=project, env=env, check=True)
        (project / "Empty.toml").write_text("[tasks.empty]\n", encoding="utf-8")
        generated = (project / "Makefile.toml").read_text(encoding="utf-8")
        lean = generated.partition("[tasks.")[0] + "[tasks.empty]\n"
        (project / "Lean.toml").write_text(lean, encoding="utf-8")
        linker = {f"CARGO_TARGET_{TARGET.upper().replace('-', '_')}_LINKER": "rust-lld"}
        build = ["cargo", "build", "--package", "hello", "--lib", "--target", TARGET]
        check = ["cargo", "check", "--manifest-path", ".kdrvgen/pipeline/Cargo.toml"]
        check += ["--target", TARGET, "--target-dir", str(folder / "program")]
        times = compare(
            {
                "cargo make sign": Command(["cargo", "make", "sign"], project, env=env),
                "cargo build": Command(build, project, env=env | linker),
                "cargo make, empty task": Command(
                    ["cargo", "make", "--makefile", "Empty.toml", "empty"], project, env=env
                ),
                "cargo make, empty task, our [config] and [env]": Command(
                    ["cargo", "make", "--makefile", "Lean.toml", "empty"], project, env=env
                ),
            },
            ROUNDS,
        )
        compile_program = Command(
            check,
            project,
            before=lambda: shutil.rmtree(folder / "program", ignore_errors=True),
            env=env | {"DRIVER_PIPELINE": str(folder / "pipeline")},
        )
        program_time = compare({"program": compile_program}, 5)["program"]
        doctor = Command([sys.executable, "-m", "kdrvgen", "doctor"], project, env=env)
        doctor_time = compare({"kdrvgen doctor": doctor}, ROUNDS)["kdrvgen doctor"]
    for name, milliseconds in times.items():
        print(f"{name:50}{milliseconds:8.1f} ms")
    sign, build_time = times["cargo make sign"], times["cargo build"]
    for name in list(times)[2:]:
        print(f"cargo make sign ÷ ({name} + cargo build): {sign / (times[name] + build_time):.2f}")
    print(f"first build of the program: {program_time / 1000:.2f} s")
    print(f"kdrvgen doctor: {doctor_time / 1000:.2f} s")


if __name__ == "__main__":
    main()
