"""Render a template to the content of every file of a new project."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from types import MappingProxyType, SimpleNamespace
from typing import Any

from jinja2.sandbox import ImmutableSandboxedEnvironment

from kdrvgen.errors import ConfigError, UsageError
from kdrvgen.kernel import KERNEL_FOLDER, SHARED_KERNEL_FOLDER
from kdrvgen.model import Project
from kdrvgen.model.base import TomlValue
from kdrvgen.model.project import ReadFrom
from kdrvgen.model.schema import FILE_NAME, schema_text
from kdrvgen.rendering import quoting
from kdrvgen.rendering.jinja import sandbox
from kdrvgen.rendering.project import render as render_generated
from kdrvgen.report.finding import Finding, Place
from kdrvgen.scaffold import own_render
from kdrvgen.scaffold.answers import pool_tag
from kdrvgen.scaffold.merge import merged
from kdrvgen.scaffold.starter_config import starter
from kdrvgen.scaffold.template import Template

__all__ = ["render", "values_of"]


def render(
    template: Template, document: Mapping[str, Any], *, has_schema_above: bool = False
) -> Mapping[PurePosixPath, bytes]:
    """Return every file of a new project; a pure function of template, answers and version.

    Args:
        template: The template.
        document: The TOML tables of a valid config.toml, including `driver.name`.
        has_schema_above: Whether the root of the project's workspace has the schema.

    Returns:
        The contents, by their paths from the project's folder, in the order of the paths. Texts
        have LF line ends. For a member of a workspace above, what it shares with the workspace's
        other drivers is left out.

    Raises:
        ConfigError: A user's template is at fault.
        UsageError: `driver.workspace-root` is set, and the template cannot join a workspace.
    """
    project = Project.model_validate(document, by_alias=True, by_name=False)
    environment = _environment()
    variables = _variables(project, template)
    own = None
    if template.own:
        own = own_render.render(template.own, values_of(template, project))
        members = own.members
    else:
        members = tuple(
            _filled(member.config, environment, variables) for member in template.members
        )
    found = {} if has_schema_above else {PurePosixPath(FILE_NAME): schema_text().encode()}
    schema_folder = f"{project.driver.workspace_root}/" if has_schema_above else ""
    for folder, each in _documents(template, document, members):
        found |= _configured(folder, each, schema_folder)
    _check_membership(template, project)
    if own:
        _check_own(own, found)
        found |= own.files
    for file in template.files:
        if own and (str(file.path) in own.left_out or file.path in own.files):
            continue
        if file.when and not environment.compile_expression(file.when, undefined_to_none=False)(
            **vars(variables["options"]), **variables
        ):
            continue
        content = file.source.read_bytes()
        if file.is_rendered:
            text = environment.from_string(content.decode()).render(variables)
            content = text.encode()
        found[file.path] = content
    return MappingProxyType(dict(sorted(found.items())))


def _documents(
    template: Template,
    document: Mapping[str, Any],
    members: Sequence[Mapping[str, Any]],
) -> Iterator[tuple[PurePosixPath, Mapping[str, Any]]]:
    """Yield the document of each config.toml of the project, with its folder."""
    if template.root:
        yield PurePosixPath(), document
    for number, (member, config) in enumerate(zip(template.members, members, strict=True)):
        is_first = not template.root and number == 0
        own = dict(document)
        if not is_first:
            # Two drivers cannot share an image or a service, and a project is created once.
            own = {key: value for key, value in document.items() if key != "bootstrap"}
            for table, key in (("driver", "output-name"), ("deploy", "service")):
                own[table] = {
                    name: value for name, value in document.get(table, {}).items() if name != key
                }
        folder = PurePosixPath(member.path)
        in_workspace = {"driver": {"workspace-root": "/".join([".."] * len(folder.parts))}}
        yield folder, merged(own, in_workspace, config)


def _check_own(own: own_render.Rendered, generated: Mapping[PurePosixPath, bytes]) -> None:
    """Check that a user's template does not have a file that kdrvgen writes.

    Raises:
        ConfigError: It has one.
    """
    names = {str(path).lower() for path in generated}
    findings = [
        Finding(
            "template-file",
            f"kdrvgen writes `{path}` itself",
            Place(own.sources[path]),
            help="remove the file; its settings go into `[config]` of template.toml",
        )
        for path in own.files
        if str(path).lower() in names
    ]
    if findings:
        raise ConfigError(findings)


def _check_membership(template: Template, project: Project) -> None:
    if project.driver.workspace_root and not template.joins_workspace:
        raise UsageError(
            f"a project of the template `{template.name}` cannot be a member of a workspace: it "
            "has a workspace of its own. Leave out driver.workspace-root."
        )


def _configured(
    folder: PurePosixPath, document: Mapping[str, Any], schema_folder: str
) -> dict[PurePosixPath, bytes]:
    """Return config.toml and the files generated from it below the project, for one driver."""
    project = Project.model_validate(document, by_alias=True, by_name=False)
    up = schema_folder or "../" * len(folder.parts) or "./"
    config = starter(document, project, f"{up}{FILE_NAME}")
    read = project.as_read_from(ReadFrom.of("config.toml", config))
    texts = {PurePosixPath("config.toml"): config, **render_generated(read)}
    found = {
        PurePosixPath(posixpath.normpath(folder / path)): text.encode()
        for path, text in texts.items()
    }
    return {path: content for path, content in found.items() if path.parts[0] != ".."}


def values_of(template: Template, project: Project) -> dict[str, Any]:
    """Return the values of the names that a user's template can use, as plain data."""
    return own_render.variables(
        project, _folders(template), _kernel_folder(project, template), _pool_tag(project)
    )


def _folders(template: Template) -> list[str]:
    return [*(["."] if template.root else []), *(member.path for member in template.members)]


def _pool_tag(project: Project) -> str:
    return project.bootstrap.pool_tag or pool_tag(project.driver.name)


def _variables(project: Project, template: Template) -> dict[str, Any]:
    bootstrap = project.bootstrap
    options = {name: getattr(bootstrap, name) for name in type(bootstrap).model_fields}
    options["pool_tag"] = _pool_tag(project)
    return {
        "project": project,
        "driver": project.driver,
        "toolchain": project.toolchain,
        "lib": project.driver.library,
        "options": SimpleNamespace(**options),
        "folders": _folders(template),
        "kernel_folder": _kernel_folder(project, template),
    }


def _kernel_folder(project: Project, template: Template) -> str:
    """Return the folder of the crate `kernel`, from the new project; "" without one."""
    if not project.driver.kernel_crate:
        return ""
    if root := project.driver.workspace_root:
        return f"{root}/{SHARED_KERNEL_FOLDER}"
    return KERNEL_FOLDER if template.root else SHARED_KERNEL_FOLDER


def _filled(
    value: TomlValue,
    environment: ImmutableSandboxedEnvironment,
    variables: Mapping[str, Any],
) -> TomlValue:
    match value:
        case str():
            return environment.from_string(value).render(variables)
        case Mapping():
            return {key: _filled(each, environment, variables) for key, each in value.items()}
        case list():
            return [_filled(each, environment, variables) for each in value]
    return value


def _environment() -> ImmutableSandboxedEnvironment:
    environment = sandbox()
    environment.filters |= {"gitignore": quoting.gitignore, "markdown": quoting.markdown}
    return environment
