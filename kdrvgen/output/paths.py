"""Where an output really lies once symbolic links are followed, and which names belong to it.

Part of a run with nothing to change, so it imports only `os`.
"""

from __future__ import annotations

import os

__all__ = ["boundary", "is_within", "resolve", "sibling_of", "temporary"]

# Cargo reads both names, and the one without extension wins: doc.rust-lang.org/cargo/reference/
# config.html, "Hierarchical structure".
_SIBLINGS = {
    ".cargo/config": ".cargo/config.toml",
    ".cargo/config.toml": ".cargo/config",
}


def resolve(root: str, relative: str) -> str:
    """Return where `relative` (with slashes) below `root` lies when all links are followed."""
    return os.path.realpath(os.path.join(root, *relative.split("/")))  # noqa: PTH118 - see above


def boundary(root: str, relative: str) -> str:
    """Return the folder that an output may not lead out of, with all links followed.

    That is the project's folder `root`, and for a support file of a workspace, whose path begins
    with `..`, the folder that those lead to.
    """
    above = [part for part in relative.split("/") if part == ".."]
    return os.path.realpath(os.path.join(root, *above))  # noqa: PTH118 - see above


def is_within(real_root: str, real: str) -> bool:
    """Tell whether `real` lies below `real_root`; both are resolved paths."""
    return real.startswith(real_root.rstrip(os.sep) + os.sep)


def sibling_of(relative: str) -> str | None:
    """Return the output that a tool would read instead of `relative` or ignore because of it."""
    return _SIBLINGS.get(relative)


def temporary(real: str) -> str:
    """Return the name under which the next content of `real` waits to take its place.

    One fixed name for each file: a killed run's left-over is found again without guessing, and
    nothing but that name is ever removed.
    """
    folder, name = os.path.split(real)
    return os.path.join(folder, f".{name}.kdrvgen-new")  # noqa: PTH118 - see above
