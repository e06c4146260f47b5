"""`python -m kdrvgen`, the same program as `kdrvgen`."""

from __future__ import annotations

import gc
import sys

# Nearly everything a run allocates lives until its end: looking for garbage at Python's usual rate
# finds none and costs a tenth of the time.
gc.set_threshold(100_000, 50, 50)

from kdrvgen.cli import main  # noqa: E402 - the imports are what the threshold is for

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
