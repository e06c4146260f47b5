"""A program that kills runs at each of their steps: killed_run.py FOLDER.

FOLDER holds `before` (a project) and `texts.json`. For n = 1, 2, … it copies `before` to n and lets
a process that is about to write there end before its n-th system call that changes something; a
write is ended in its middle. It stops after the first run that came through.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from kdrvgen.output.writer import write

KILLED = 77
STEPS = ("open", "write", "fsync", "fchmod", "close", "mkdir", "link", "replace", "unlink", "rmdir")


def main(folder: Path) -> None:
    texts = {
        PurePosixPath(path): text
        for path, text in json.loads((folder / "texts.json").read_text("utf-8")).items()
    }
    number = 0
    code = KILLED
    while code == KILLED:
        number += 1
        root = folder / str(number)
        shutil.copytree(folder / "before", root)
        child = os.fork()
        if not child:
            _run(texts, root, number)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    sys.stdout.write(f"{number} {code}\n")


def _run(texts: dict[PurePosixPath, str], root: Path, number: int) -> None:
    left = [number]
    for name in STEPS:
        setattr(os, name, _deadly(name, getattr(os, name), left))
    write(texts, root)
    os._exit(0)


def _deadly(name: str, real: Callable[..., object], left: list[int]) -> Callable[..., object]:
    def step(*arguments: object, **options: object) -> object:
        left[0] -= 1
        if not left[0]:
            if name == "write":
                descriptor, content = arguments
                assert isinstance(content, memoryview)
                real(descriptor, content[: len(content) // 2])
            os._exit(KILLED)
        return real(*arguments, **options)

    return step


if __name__ == "__main__":
    main(Path(sys.argv[1]))
