"""`python -m kdrvgen`, the same program as `kdrvgen`."""

from __future__ import annotations

import gc
import os
import sys

# Nearly everything a run allocates lives until its end: looking for garbage at Python's usual rate
# finds none and costs a tenth of the time.
gc.set_threshold(100_000, 50, 50)

from kdrvgen.cli import main  # noqa: E402 - the imports are what the threshold is for

TYPE_CHECKING = False  # see kdrvgen/__init__.py
if TYPE_CHECKING:
    from typing import NoReturn

__all__ = ["main", "run"]


def run() -> NoReturn:
    """Run the program and end the process with its exit code.

    All files are closed by then, and nothing waits for the interpreter's end; taking its modules
    apart one by one would be a sixth of the time of a run.
    """
    code = main()
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):  # told of already, or closed
            continue
    os._exit(code)


if __name__ == "__main__":
    run()
