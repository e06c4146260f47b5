"""What building and loading a new project takes, made once for each worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest

from tests.bootstrap.kernel import Kernel
from tests.bootstrap.lint import clippy
from tests.bootstrap.support import bootstrap
from tests.pipeline.support import Project, copy_compiled, copy_program, environment, need, once
from tests.tools import path_in

TRIPLES = ("x86_64-pc-windows-msvc", "i686-pc-windows-msvc", "aarch64-pc-windows-msvc")
_TARGETS = f"driver.targets={list(TRIPLES)}".replace("'", '"')


class NewProject(Protocol):
    """Begins a project."""

    def __call__(
        self, template: str, *words: str, name: str = "hello", where: Path | None = None
    ) -> Project:
        """Have `kdrvgen new` make one, for all targets, that is signed without a network."""


class PreparedProject(Protocol):
    """Begins a project and builds it, or finds it built."""

    def __call__(
        self, template: str, *words: str, name: str = "hello", build: Callable[[Project], object]
    ) -> Project:
        """Have `kdrvgen new` make one, and `build` build it."""


@pytest.fixture(scope="session")
def bed() -> Path:
    """Return what tests/windows/setup.sh made: Wine, and a compiler for its programs."""
    return path_in("KDRVGEN_WINDOWS", "Wine, and a compiler for its programs")


@pytest.fixture(scope="session")
def kernel(bed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """Wine's kernel, with nothing in it."""
    with Kernel.running(bed, tmp_path_factory.mktemp("kernel")) as kernel:
        yield kernel


@pytest.fixture(scope="session")
def _home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a user's home, where the first signature leaves a certificate for all others."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def new_project(tmp_path_factory: pytest.TempPathFactory, _home: Path) -> NewProject:
    """Begin projects of a user with all the tools.

    The pipeline's program is there already, and what cargo compiles beside the driver.
    """
    need("cargo", "rustc", "cargo-make", "osslsigncode", "openssl", "rustfmt", "clippy-driver")

    def compile_all(where: Path) -> None:
        folder = bootstrap(where, "minimal", _TARGETS)
        project = Project(folder, _home, environment(_home))
        for triple in TRIPLES:
            project.make("build-driver", DRIVER_TARGET=triple)
        assert clippy(project, TRIPLES) == ""

    folder = once(tmp_path_factory, "compiled-once", compile_all) / "hello"
    compiled = Project(folder, _home, {})

    def begin(
        template: str, *words: str, name: str = "hello", where: Path | None = None
    ) -> Project:
        where = where or tmp_path_factory.mktemp(template)
        folder = bootstrap(where, template, _TARGETS, "signing.timestamp-url=", *words, name=name)
        project = Project(folder, _home, environment(_home))
        copy_program(compiled, project)
        copy_compiled(compiled, project)
        return project

    return begin


@pytest.fixture(scope="session")
def prepared(
    tmp_path_factory: pytest.TempPathFactory, new_project: NewProject, _home: Path
) -> PreparedProject:
    """Begin and build projects that no test changes, once for all workers."""

    def prepare(
        template: str, *words: str, name: str = "hello", build: Callable[[Project], object]
    ) -> Project:
        made = once(
            tmp_path_factory,
            f"{template}-{name}",
            lambda where: build(new_project(template, *words, name=name, where=where)),
        )
        return Project(made / name, _home, environment(_home))

    return prepare
