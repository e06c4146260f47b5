"""How long `kdrvgen verify` takes, and how much memory. See README.md."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.inspection.assembled import assembled
from tests.pipeline.authority import CODE_SIGNING, Identity

SIZE = 100 << 20


def main() -> None:
    small = assembled(Identity.make("DriverCertificate", CODE_SIGNING))
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "small.sys").write_bytes(small)
        (folder / "large.sys").write_bytes(small + bytes(SIZE - len(small)))
        (folder / "many").mkdir()
        for number in range(1000):
            (folder / "many" / f"{number}.sys").write_bytes(small)
        for name, rounds in (("small.sys", 5), ("large.sys", 3), ("many", 1)):
            seconds = min(_run(folder / name) for _ in range(rounds))
            # The children's maximum; the images come in the order of their sizes.
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10
            print(f"{name:12}{seconds:6.2f} s, memory of the largest run so far {peak} MiB")


def _run(path: Path) -> float:
    argv = [sys.executable, "-m", "kdrvgen", "verify", "--no-config", "-q", str(path)]
    start = time.perf_counter()
    subprocess.run(argv, capture_output=True, check=False)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
