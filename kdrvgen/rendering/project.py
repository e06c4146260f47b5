"""Render a project to the texts of all generated files."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import PurePosixPath
from types import MappingProxyType

from jinja2 import PackageLoader
from jinja2.sandbox import ImmutableSandboxedEnvironment

from kdrvgen.model import Project
from kdrvgen.rendering import quoting
from kdrvgen.rendering.arguments import purpose
from kdrvgen.rendering.header import seal
from kdrvgen.rendering.jinja import sandbox
from kdrvgen.rendering.makefile import own_tasks
from kdrvgen.rendering.plan import plan
from kdrvgen.rendering.support import render_support

__all__ = ["render", "render_own"]


def render(project: Project) -> Mapping[PurePosixPath, str]:
    """Return every generated file of a project.

    A pure function of the project and of kdrvgen's version, independent of clock and host.

    Returns:
        The whole texts, with LF line ends, by their paths from the project folder. With
        `driver.workspace-root`, the paths of support files begin with `..`.
    """
    return MappingProxyType({**render_own(project), **render_support(project)})


def render_own(project: Project) -> Mapping[PurePosixPath, str]:
    """Return the files that depend on the project: all except the support files."""
    variables, config = plan(project), project.config_name
    texts = {
        PurePosixPath("Makefile.toml"): seal(
            _environment().get_template("Makefile.toml.j2").render(variables), "#", config
        ),
        PurePosixPath(project.toolchain.cargo_config): seal(
            _environment().get_template("cargo-config.toml.j2").render(variables), "#", config
        ),
        PurePosixPath("build.rs"): seal(
            _environment().get_template("build.rs.j2").render(variables), "//", config
        ),
    }
    return MappingProxyType(texts)


@cache
def _environment() -> ImmutableSandboxedEnvironment:
    environment = sandbox(PackageLoader("kdrvgen.rendering"))
    environment.filters |= {"cargo_make": quoting.cargo_make, "purpose": purpose}
    environment.globals["own_tasks"] = own_tasks
    return environment
