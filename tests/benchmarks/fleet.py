"""How long one call takes for many drivers, and how much memory. See README.md."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

SIZES = (125, 250, 500, 1000)
SINGLE = 25
ROUNDS = 3
MEBIBYTE = 1024


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for number in range(max(SIZES)):
            _driver(root, number)
        times: dict[tuple[str, int], list[float]] = {}
        memory: dict[tuple[str, int], int] = {}
        for _ in range(ROUNDS):
            for count in SIZES:
                for number in range(count):
                    shutil.rmtree(root / _name(number))
                    _driver(root, number)
                words = [_name(number) for number in range(count)]
                for mode in ("generate", "check"):
                    options = ["--check"] if mode == "check" else []
                    each, peak = _measured(root, [*options, *words])
                    times.setdefault((mode, count), []).append(each / count)
                    memory[mode, count] = max(peak, memory.get((mode, count), 0))
            single = [_measured(root, ["--check", _name(number)])[0] for number in range(SINGLE)]
            times.setdefault(("check", 1), []).append(statistics.median(single))
    print(f"{'':34}{'ms each':>9}{'ratio':>8}{'MiB':>7}")
    for (mode, count), found in times.items():
        each = statistics.median(found)
        ratio = each / statistics.median(times[mode, SIZES[0]])
        name = f"{mode}, {count} drivers" if count > 1 else f"{mode}, one call for each"
        kept = f"{memory[mode, count] / MEBIBYTE:7.0f}" if count > 1 else ""
        print(f"{name:34}{each * 1000:9.1f}{ratio:8.2f}{kept}")


def _name(number: int) -> str:
    return f"drivers/d{number:04}"


def _driver(root: Path, number: int) -> None:
    folder = root / _name(number)
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text(f'[driver]\nname = "d{number}"\n', "utf-8")


def _measured(root: Path, words: Sequence[str]) -> tuple[float, int]:
    """Return the seconds that a run takes, and the peak of its resident memory in KiB."""
    env = {**os.environ, "KDRVGEN_NO_CACHE": "1"}  # each run does all of its work
    start = time.perf_counter()
    command = [sys.executable, "-m", "kdrvgen", "--quiet", *words]
    process = subprocess.Popen(command, cwd=root, env=env)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"kdrvgen exited with {process.returncode}")
    return time.perf_counter() - start, usage.ru_maxrss


if __name__ == "__main__":
    main()
