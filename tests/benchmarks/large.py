"""How long kdrvgen takes for 1 MiB of configuration. See README.md."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

DRIVER = '[driver]\nname = "hello"\n'
SIZE = 1024 * 1024


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, text in _configurations().items():
            config = Path(folder) / "config.toml"
            config.write_text(text, encoding="utf-8")
            _print(f"{name}, {len(text) / SIZE:.2f} MiB", [str(config), "--dry-run"], (0, 3))
        project = Path(folder) / "why"
        project.mkdir()
        tasks = (f'[makefile.tasks.t{i}]\ncommand = "echo"\nargs = ["{i}"]\n' for i in range(1000))
        (project / "config.toml").write_text(DRIVER + "".join(tasks), encoding="utf-8")
        makefile = project / "Makefile.toml"
        _run([str(project / "config.toml")], (0,))
        lines = makefile.read_text(encoding="utf-8").split("\n")
        for wanted in ("[env]", "[tasks.t500]"):
            place = f"{makefile}:{lines.index(wanted) + 1}"
            _print(f"why, 1,000 tasks, line {wanted}", ["why", place], (0,))


def _configurations() -> dict[str, str]:
    return {
        "2,000 profiles": _filled(
            2000,
            lambda i: f'[profiles.p{i}]\ncargo-profile = "dev"\nlinker.args = ["/A{i:0400}"]\n',
        ),
        "2,000 profiles with errors": _filled(
            2000, lambda i: f'[profiles.p{i}]\nlinker.args = ["/A{i:0400}"]\n'
        ),
        "80,000 unknown keys": _filled(80_000, lambda i: f"k{i} = 1\n"),
        "80,000 bad targets": _filled(80_000, lambda i: f'"x{i}",', "targets = [") + "]\n",
    }


def _filled(count: int, part: Callable[[int], str], begin: str = "") -> str:
    return DRIVER + begin + "".join(map(part, range(count)))


def _run(words: list[str], codes: tuple[int, ...]) -> float:
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "kdrvgen", *words], capture_output=True, check=False
    )
    if done.returncode not in codes:
        sys.exit(done.stderr.decode())
    return time.perf_counter() - start


def _print(name: str, words: list[str], codes: tuple[int, ...]) -> None:
    print(f"{name:44}{min(_run(words, codes) for _ in range(3)):6.2f} s")


if __name__ == "__main__":
    main()
