"""`python -m kdrvgen`, the same program as `kdrvgen`."""

from __future__ import annotations

import sys

from kdrvgen.cli import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
