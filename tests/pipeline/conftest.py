"""Projects to run the pipeline in; what takes long is made once and copied."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest

from tests.pipeline.authority import Authority
from tests.pipeline.support import (
    CONFIG,
    EXAMPLE,
    X64,
    Blog,
    Project,
    copy_compiled,
    copy_program,
    environment,
    need,
    once,
    run,
    without,
    write_kernel,
)

TARGETS = (X64, "i686-pc-windows-msvc", "aarch64-pc-windows-msvc")


class MakeProject(Protocol):
    """Makes a project from the example driver."""

    def __call__(
        self,
        config: str | None = CONFIG,
        name: str = "project",
        home: Path | None = None,
        *,
        without_program: bool = False,
    ) -> Project:
        """Copy the example, give it a config (None: its own), generate.

        The pipeline's program is there already, and what cargo compiles beside the driver, unless
        it is to be `without_program`.
        """


@pytest.fixture(scope="session", autouse=True)
def _tools(tmp_path_factory: pytest.TempPathFactory) -> None:
    need("cargo", "rustc", "cargo-make", "osslsigncode", "openssl")
    env = environment(tmp_path_factory.mktemp("home"))
    sysroot = run(["rustc", "--print", "sysroot"], Path("/"), env).stdout.strip()
    for target in TARGETS:
        if not Path(sysroot, "lib/rustlib", target, "lib").is_dir():
            machines = ",".join(each.partition("-")[0] for each in TARGETS)
            without(
                f"the Rust target {target} is not installed; "
                f"`bash docs/setup.sh --targets {machines}` installs it"
            )


def _copy_example(folder: Path) -> None:
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("target", ".cargo"))
    for generated in ("Makefile.toml", "build.rs", "Cargo.lock"):
        (folder / generated).unlink(missing_ok=True)
    write_kernel(folder)


@pytest.fixture(scope="session")
def signed_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which the certificate of the default subject was made by the pipeline."""

    def fill(home: Path) -> None:
        project = Project(home / "project", home, environment(home))
        _copy_example(project.folder)
        project.generate(CONFIG)
        project.make("sign")
        project.make("--profile", "production", "build-driver")

    return once(tmp_path_factory, "signed-once", fill)


@pytest.fixture
def new_user(tmp_path: Path) -> Path:
    """The home of somebody who has no certificate yet."""
    home = tmp_path / "home"
    home.mkdir()
    return home


@pytest.fixture
def make_project(tmp_path: Path, signed_once: Path) -> MakeProject:
    """Make projects of a user who has the test certificate already."""

    def make(
        config: str | None = CONFIG,
        name: str = "project",
        home: Path | None = None,
        *,
        without_program: bool = False,
    ) -> Project:
        if home is None:
            home = tmp_path / "home"
            shutil.copytree(signed_once / "data", home / "data", dirs_exist_ok=True)
        project = Project(tmp_path / name, home, environment(home))
        _copy_example(project.folder)
        project.generate(config)
        if not without_program:
            made = Project(signed_once / "project", signed_once, {})
            copy_program(made, project)
            copy_compiled(made, project)
        return project

    return make


@pytest.fixture
def project(make_project: MakeProject) -> Project:
    """A project that nothing was done in yet."""
    return make_project()


@pytest.fixture
def blog(tmp_path: Path) -> Blog:
    """The same driver with the Makefile.toml that people copy."""
    home = tmp_path / "blog-home"
    home.mkdir()
    project = Blog(tmp_path / "blog", home, environment(home))
    _copy_example(project.folder)
    shutil.copytree(Path(__file__).parent / "blog", project.folder, dirs_exist_ok=True)
    return project


@pytest.fixture(scope="session")
def _wine_prefix(tmp_path_factory: pytest.TempPathFactory, signed_once: Path) -> Path:
    if not any(map(shutil.which, ("wine64", "/usr/lib/wine/wine64", "wine"))):
        without("Wine is not installed; `bash docs/setup.sh` installs it")

    def fill(folder: Path) -> None:
        home = folder / "home"
        shutil.copytree(signed_once / "data", home / "data")
        project = Project(folder / "project", home, environment(home))
        _copy_example(project.folder)
        project.generate(CONFIG)
        copy_program(Project(signed_once / "project", signed_once, {}), project)
        project.make("smoke")

    return once(tmp_path_factory, "wine-once", fill) / "home/.cache/kdrvgen/smoke/wine"


@pytest.fixture
def put_wine(_wine_prefix: Path) -> Callable[[Project], None]:
    """Give a project's user the folder of Wine that the task smoke would set up in ten seconds."""

    def link(source: str, destination: str) -> str:
        # Wine writes its registry in place when the file has other links.
        if source.endswith(".reg"):
            return str(shutil.copy2(source, destination))
        os.link(source, destination)
        return destination

    def put(project: Project) -> None:
        prefix = project.home / ".cache/kdrvgen/smoke/wine"
        if not prefix.exists():
            shutil.copytree(_wine_prefix, prefix, symlinks=True, copy_function=link)

    return put


@pytest.fixture
def smoke(put_wine: Callable[[Project], None]) -> Callable[..., str]:
    """Run `cargo make smoke`."""

    def smoke(project: Project, *arguments: str, profile: str = "development", **env: str) -> str:
        put_wine(project)
        return project.under(env).make("--profile", profile, *arguments, "smoke")

    return smoke


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    """An RFC 3161 time stamp authority on loopback."""
    with Authority.start(tmp_path_factory.mktemp("authority")) as authority:
        yield authority


@pytest.fixture
def closed_port() -> int:
    """A port of loopback at which nobody listens."""
    import socket  # noqa: PLC0415 - only this fixture needs it

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
