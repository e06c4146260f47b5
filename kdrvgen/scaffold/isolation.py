"""Run `sandbox.py` as a process of its own, which can be ended if a template does not end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kdrvgen.errors import ToolError
from kdrvgen.scaffold.exchange import CPU_SECONDS, Failure, Item, Request, Response

__all__ = ["render"]

_SECONDS = 60
"""The time limit where the system does not limit the processor time, or the process waits."""

_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from kdrvgen.scaffold.sandbox import main; main()"
)
# Windows needs the first one for random numbers; the others say where libraries are.
_KEPT = ("SYSTEMROOT", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


def render(
    items: Sequence[Item], included: Mapping[str, str], variables: Mapping[str, Any]
) -> tuple[list[str | None], list[Failure]]:
    """Return the text of each item, None where its condition is false; or the failures.

    Args:
        items: The texts.
        included: The texts that they can include, by their names.
        variables: The values of names: texts, booleans, integers, lists and dicts of them.

    Raises:
        ToolError: Python cannot be started.
    """
    if not items:
        return [], []
    request: Request = {
        "items": list(items),
        "included": dict(included),
        "variables": dict(variables),
    }
    # -I: neither the current folder nor PYTHONPATH can replace a module. This process's own path
    # leads to the same modules.
    command = [sys.executable, "-I", "-c", _START, json.dumps([*map(_absolute, sys.path)])]
    try:
        done = subprocess.run(  # noqa: S603 - no argument is from the template
            command,
            input=json.dumps(request).encode(),
            env={name: os.environ[name] for name in _KEPT if name in os.environ},
            capture_output=True,
            check=False,
            timeout=_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        return [], [_stopped(items, error.stderr or b"")]
    except OSError as error:
        raise ToolError(f"cannot start {sys.executable}: {error.strerror}.") from error
    if done.returncode == 1 and b"MemoryError" not in done.stderr:
        raise RuntimeError(done.stderr.decode(errors="replace"))  # a bug
    if done.returncode:
        return [], [_stopped(items, done.stderr)]
    response: Response = json.loads(done.stdout)
    return response["results"], response["failures"]


def _absolute(folder: str) -> str:
    return str(Path(folder).absolute()) if folder else str(Path.cwd())


def _stopped(items: Sequence[Item], progress: bytes) -> Failure:
    """Return the failure of the item that was being rendered when the process ended."""
    numbers = [int(word) for word in progress.split() if word.isdigit()]
    number = min(numbers[-1], len(items) - 1) if numbers else 0
    message = f"rendering needs more than {CPU_SECONDS} seconds, or too much memory"
    file = items[number]["file"]
    return {"item": number, "file": file, "line": 0, "is_condition": False, "message": message}
