"""What rustfmt, rustc and clippy have to say about a project."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.pipeline.support import Project, run

__all__ = ["clippy", "rustfmt"]


def rustfmt(project: Project, edition: str = "2021") -> str:
    """Return what rustfmt would change, in the crates' roots and all their modules."""
    roots = [*project.folder.rglob("src/lib.rs"), *project.folder.rglob("src/main.rs")]
    argv: list[str | Path] = ["rustfmt", "--check", f"--edition={edition}", *roots]
    return _warnings(project, argv)


def clippy(
    project: Project, triples: Iterable[str], *options: str, rustc: str | Path = "rustc"
) -> str:
    """Return the warnings of rustc and clippy for some targets, whose libraries `rustc` has."""
    # clippy-driver of a distribution does not ask rustc where the libraries of targets are.
    sysroot = run([rustc, "--print", "sysroot"], project.folder, project.env).stdout.strip()
    targets = [word for triple in triples for word in ("--target", triple)]
    argv = ["cargo", "clippy", "--offline", "--quiet", *targets, *options, "--", "-Dwarnings"]
    return _warnings(project.under({"SYSROOT": sysroot}), argv)


def _warnings(project: Project, argv: Sequence[str | Path]) -> str:
    done = run(argv, project.folder, project.env)
    return done.stdout or ("" if done.returncode == 0 else f"it ended with {done.returncode}")
