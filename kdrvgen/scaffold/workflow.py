"""The workflow that checks, builds, verifies and loads the drivers of a repository on GitHub."""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from kdrvgen import __version__
from kdrvgen.characters import visible
from kdrvgen.errors import UsageError
from kdrvgen.model import Project

__all__ = ["WORKFLOW", "workflow"]

WORKFLOW = PurePosixPath(".github/workflows/driver.yml")
"""The workflow's path in the repository: GitHub reads only this folder."""

_FOLDER = Path(__file__).parent / "ci"
_CARGO_MAKE = "0.37.24"
_MOST_JOBS = 256
"""The jobs of one matrix: https://docs.github.com/actions/reference/limits."""

# GitHub's images with test signing on (actions/runner-images). That of 2025 has no WDK. None of
# them runs drivers for 32-bit Windows.
_X64, _X64_WITH_KIT, _ARM64 = "windows-2025", "windows-2022", "windows-11-arm"

_CHECKOUT = """ uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
        with:
          persist-credentials: false"""
_PYTHON = """ uses: actions/setup-python@5fda3b95a4ea91299a34e894583c3862153e4b97 # v7.0.0
        with:
          python-version: "3.13\""""
_CACHE_ACTION = "uses: actions/cache@27d5ce7f107fe9357f9df03efb73ab90386fccae # v5.0.5"
_CACHE = f""" {_CACHE_ACTION}
        with:
          path: |
            ~/.cargo/registry/index
            ~/.cargo/registry/cache
            ~/.cargo/git/db
          key: crates-${{{{ runner.os }}}}-${{{{ hashFiles('**/Cargo.lock') }}}}"""
_CARGO_MAKE_CACHE = f"""
        {_CACHE_ACTION}
        with:"""


class _Runner(NamedTuple):
    """An image of GitHub's and the target triple of its processor."""

    image: str
    target: str


@dataclass(frozen=True, slots=True)
class _Driver:
    """A driver, as the template reads it."""

    name: str
    folder: str
    project: Project

    @property
    def targets(self) -> tuple[str, ...]:
        return self.project.driver.triples

    @property
    def channel(self) -> str:
        return self.project.toolchain.channel

    @property
    def needs_kit(self) -> bool:
        """Whether it is built with a WDK, which only Windows has."""
        wdk, model = self.project.wdk, self.project.driver.model
        return model != "wdm" or wdk.locate not in {"auto", "none"}

    @property
    def loads(self) -> bool:
        """Whether a kernel loads it."""
        return self.project.driver.model != "umdf"

    @property
    def runners(self) -> Iterator[_Runner]:
        """The machines that build it, and load it for their own processor."""
        x64 = _X64_WITH_KIT if self.needs_kit else _X64
        for target in self.targets:
            if target.startswith("aarch64"):
                yield _Runner(_ARM64, target)
            elif target.startswith("x86_64") or not self.loads:
                yield _Runner(x64, target)

    @property
    def output(self) -> str:
        """The folder of the signed images, as a pattern of upload-artifact."""
        driver = self.project.driver
        root = posixpath.normpath(posixpath.join(self.folder, driver.workspace_root or "."))
        made = posixpath.join(root, "target/driver", driver.name)
        if driver.output_dir:
            made = posixpath.join(self.folder, driver.output_dir.partition("{")[0])
        # Source: @actions/glob, README.md, "Patterns".
        return re.sub(r"[*?[]", r"[\g<0>]", posixpath.normpath(made))


def workflow(projects: Mapping[PurePosixPath, Project]) -> str:
    """Return the workflow for the projects in a repository; a pure function of them.

    Args:
        projects: The projects by their folders, relative to the root of the repository.

    Raises:
        UsageError: A folder cannot be in a workflow, or there are too many projects.
    """
    drivers = tuple(_named(projects))
    portable = [driver for driver in drivers if not driver.needs_kit]
    on_windows = [driver for driver in drivers if any(driver.runners)]
    if max(len(portable), sum(len([*driver.runners]) for driver in drivers)) > _MOST_JOBS:
        raise UsageError(
            f"a matrix on GitHub has at most {_MOST_JOBS} jobs, and these are {len(drivers)} "
            "drivers. Name the folders for the workflow: `kdrvgen ci github DIR…`."
        )
    environment = ImmutableSandboxedEnvironment(
        autoescape=False,
        block_end_string="%>",
        block_start_string="<%",
        comment_end_string="#>",
        comment_start_string="<#",
        keep_trailing_newline=True,
        loader=FileSystemLoader(_FOLDER),
        lstrip_blocks=True,
        trim_blocks=True,
        undefined=StrictUndefined,
        variable_end_string=">>",  # `{{` begins an expression of GitHub's
        variable_start_string="<<",
    )
    environment.filters["yaml"] = _yaml
    return environment.get_template("github.yml.j2").render(
        cache=_CACHE,
        cargo_make=_CARGO_MAKE,
        cargo_make_cache=_CARGO_MAKE_CACHE,
        channels={driver.channel for driver in drivers} - {"stable"},
        checkout=_CHECKOUT,
        drivers=drivers,
        loaded=any(driver.loads for driver in on_windows),
        on_windows=on_windows,
        portable=portable,
        python=_PYTHON,
        requirement=f"kdrvgen[verify]=={__version__}",
    )


def _named(projects: Mapping[PurePosixPath, Project]) -> Iterable[_Driver]:
    """Yield the drivers, each with a name that no other has."""
    taken: Counter[str] = Counter()
    for folder, project in projects.items():
        name = project.driver.name
        if visible(str(folder)) != str(folder):
            raise UsageError(
                f"the folder {visible(str(folder))} has an invisible character in its name. Rename "
                "it: nobody would see the character in the workflow."
            )
        taken[name] += 1
        # An artifact's name is unique in a run.
        yield _Driver(f"{name}.{taken[name]}" if taken[name] > 1 else name, str(folder), project)


def _yaml(text: str) -> str:
    """Return a YAML string in which GitHub finds no expression.

    Sources: YAML 1.2.2, section 5.7; https://docs.github.com/actions/learn-github-actions/expressions
    """
    literal = text.replace("${{", "${{ '${{' }}")
    escaped = literal.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
