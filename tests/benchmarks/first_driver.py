"""How long it takes to make a signed driver: a new one, and again after an edit. See README.md."""

from __future__ import annotations

import itertools
import os
import shutil
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.measure import Command, compare

ROUNDS = 5
KDRVGEN = [sys.executable, "-m", "kdrvgen"]
TARGET = "x86_64-pc-windows-msvc"


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        times = compare(_commands(folder), ROUNDS)
    for name, milliseconds in times.items():
        print(f"{name:50}{milliseconds / 1000:8.2f} s")
    first = times["kdrvgen new"] + times["cargo make sign, first"]
    print(f"{'new project to signed driver (two commands)':50}{first / 1000:8.2f} s")
    for case in ("first", "after an edit"):
        ratio = times[f"cargo make sign, {case}"] / times[f"cargo build, {case}"]
        print(f"cargo make sign ÷ cargo build, {case}: {ratio:.2f}")


def _commands(folder: Path) -> dict[str, Command]:
    project, bare = folder / "hello", folder / "bare"
    env = os.environ | {"XDG_DATA_HOME": str(folder / "data")}
    linker = {f"CARGO_TARGET_{TARGET.upper().replace('-', '_')}_LINKER": "rust-lld"}
    sign, build = ["cargo", "make", "sign"], ["cargo", "build", "--lib", "--target", TARGET]
    numbers = itertools.count()

    def remove() -> None:
        for place in (project, bare, folder / "data"):
            shutil.rmtree(place, ignore_errors=True)

    def copy() -> None:
        shutil.copytree(project, bare, ignore=shutil.ignore_patterns("target"))

    def edit(place: Path) -> None:
        with (place / "src/lib.rs").open("a", encoding="utf-8") as file:
            file.write(f"/// An edit.\npub const EDIT_{next(numbers)}: u32 = 0;\n")

    return {
        "kdrvgen new": Command([*KDRVGEN, "new", "hello", "--no-input"], folder, remove, env),
        "cargo make sign, first": Command(sign, project, env=env),
        "cargo build, first": Command(build, bare, copy, env | linker),
        "cargo make sign, after an edit": Command(sign, project, lambda: edit(project), env),
        "cargo build, after an edit": Command(build, bare, lambda: edit(bare), env | linker),
    }


if __name__ == "__main__":
    main()
