"""The stamp of a full run, which shows the next run that nothing has changed."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path, PurePosixPath

from kdrvgen import _fastpath
from kdrvgen.output.paths import real_path, resolve, sibling_of, temporary
from kdrvgen.output.plan import Plan
from kdrvgen.pipeline import FOLDER
from kdrvgen.report.files import Status

__all__ = ["Stamp"]


class Stamp:
    """The state of the configuration and of kdrvgen from before the configuration was loaded.

    So an edit during the run does not become part of the stamp.
    """

    def __init__(self, config: Path, root: Path) -> None:
        self._config = str(config)
        self._root = root
        self._place = _fastpath.real_path(str(root)) or str(root.absolute())
        self._seen = _fastpath.content(self._config)
        self._code = _code()
        self._observed: dict[str, bytes | None] = {}

    def observe(self, files: Iterable[PurePosixPath]) -> None:
        """Read files that the run is about to read, and that may be absent.

        The stamp proves these bytes: a change after this moment does not become part of it.

        Args:
            files: Their paths relative to the project's folder.
        """
        for file in files:
            path = self._absolute(file)
            self._observed[path] = _fastpath.content(path)

    def write(self, plan: Plan, brief: Iterable[str], full: Iterable[str]) -> None:
        """Record that nothing is left to do. Does nothing if the stamp cannot be written.

        Args:
            plan: The plan that was applied, or that had nothing to do.
            brief: The lines that a run with nothing to do prints.
            full: The lines that it prints with `-v`.
        """
        folder = _fastpath.cache_folder("stamps")
        if self._seen is None or self._code is None or folder is None:
            return
        contents = dict(self._contents(plan))
        reals = {step.entry.path: step.real for step in plan.steps if step.entry.path in contents}
        try:
            facts = [_line(*fact) for fact in self._facts(reals)]
            texts = ["\n".join(lines).encode("ascii") for lines in (brief, full)]
            claim = b"\n\n".join((b"\n".join(facts), *texts))
        except (OSError, ValueError):  # a loop of links, a name with a line end or not ASCII
            return
        planned = {self._absolute(path): content for path, content in contents.items()}
        known = {**self._observed, **planned}
        proof = _fastpath.prove(self._seen, claim, lambda: self._code, known.get)
        if proof and _fastpath.content(self._config) == self._seen:
            name = _fastpath.stamp_name(self._config, str(self._root))
            _replace(Path(folder, name), proof + b"\n" + claim)

    def _contents(self, plan: Plan) -> Iterator[tuple[PurePosixPath, bytes]]:
        """Yield the content of each file after the plan is applied."""
        for entry, _, found in plan.steps:
            if entry.status in {Status.KEPT, Status.EJECTED}:
                yield entry.path, found or b""
            elif entry.status is not Status.REMOVED:
                yield entry.path, (entry.after or "").encode()

    def _facts(self, reals: Mapping[PurePosixPath, Path]) -> Iterator[tuple[str, ...]]:
        """Yield the facts that `_fastpath.prove` checks.

        Args:
            reals: The path of each output with all links resolved. The plan refuses a link out of
                the project.
        """
        for path, real in reals.items():
            yield "file", self._absolute(path), str(real)
            yield "absent", str(temporary(real))
            if sibling := sibling_of(path):
                yield "absent", self._absolute(sibling)
                yield "absent", str(temporary(resolve(self._root, sibling)))
        supports = {
            PurePosixPath(*path.parts[: path.parts.index(FOLDER) + 1])
            for path in reals
            if FOLDER in path.parts
        }
        for folder in supports:
            yield "folder", self._absolute(folder)
        for name, content in self._observed.items():
            if content is None:
                yield "absent", name
            else:
                yield "file", name, str(real_path(Path(name)))

    def _absolute(self, path: PurePosixPath) -> str:
        return str(Path(self._place, path))


@cache
def _code() -> bytes | None:
    """Return the digest of the code that this process runs, computed once for all projects."""
    return _fastpath.fingerprint()


def _line(*words: str) -> bytes:
    line = b"\t".join(map(os.fsencode, words))
    if b"\n" in line or line.count(b"\t") != len(words) - 1:
        raise ValueError("a name contains a tab or a line end")
    return line


def _replace(path: Path, content: bytes) -> None:
    """Write a file that only this user can read and write, in one step."""
    if len(content) > _fastpath.LARGEST:
        return
    new = path.with_name(f"{path.name}.{os.getpid()}")
    with contextlib.suppress(OSError):
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            new.replace(path)
        except OSError:
            new.unlink(missing_ok=True)
