"""The config.toml of a new project: the chosen settings, and comments about all other keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from textwrap import wrap
from typing import Any

import tomli_w

from kdrvgen import __version__
from kdrvgen.model import Bootstrap, Project
from kdrvgen.model.effect_rules import keys_without_effect
from kdrvgen.model.reference import Key, keys
from kdrvgen.rendering.quoting import key, toml

__all__ = ["starter"]

_WIDTH = 100
_PROFILES = "profiles.NAME"
_HEAD = """\
# The settings to build, link and sign this driver. After a change, run `kdrvgen config.toml` to
# update Makefile.toml, the cargo configuration and build.rs.
#
# A line such as `#key = value` shows the default of a key that is not set. A key without a default
# has only a description.
"""
_BEGUN = """\
# The answers that this project was created with. Only `kdrvgen new NAME --config config.toml` reads
# them, to create another project like it.
"""
_PROFILE = """\
# Settings for `cargo make --profile {name}`, such as `signing.…` and `linker.…`.
"""
_MAKEFILE = """\
# Your own part of Makefile.toml, written unchanged: variables go into `[makefile.env]`, a task goes
# into `[makefile.tasks.NAME]`. With `[makefile.hooks]`, kdrvgen's tasks run your own tasks at these
# points: `before-build`, `after-build`, `before-sign`, `after-sign`, `before-package`,
# `after-package`.
"""


_CARGO_CONFIG = """\
# Your own part of the cargo configuration, written unchanged. For example, the output of
# `cargo vendor` goes into `[cargo-config.source.crates-io]`.
"""


def starter(document: Mapping[str, Any], project: Project, schema: str) -> str:
    """Return the text of a config.toml with the settings of `document` and comments.

    Args:
        document: Valid TOML tables.
        project: The project that they describe.
        schema: The path from the file to the schema, for editors, which read it in the first line.
    """
    parts = [f"#:schema {schema}\n{_HEAD}"]
    for table, group in groupby(keys(), key=lambda each: each.table):
        if not table:
            (each,) = group
            is_version = each.name == "kdrvgen-version"
            parts.append(
                _version(each, document.get(each.name))
                if is_version
                else _cargo_config(document.get(each.name, {}))
            )
        elif table == "makefile":
            parts.append(_makefile(document.get("makefile", {})))
        elif table == "makefile.hooks":
            continue  # a part of `[makefile]`
        elif table == _PROFILES:
            given = document.get("profiles", {})
            parts += [_profile(name, given.get(name, {}), project) for name in project.profiles]
        elif table == "bootstrap":
            begun = _without_unused(document.get("bootstrap", {}), project)
            # In the order of the models, not of the answers.
            parts.append(_begun({key.name: begun[key.name] for key in group if key.name in begun}))
        else:
            parts.append(_table(table, list(group), _given(table, document), project))
    return "\n".join(filter(None, parts))


def _given(table: str, document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the settings of a table, which can be in another one: `driver.version-info`."""
    for name in table.split("."):
        document = document.get(name, {})
    return document


def _table(table: str, known: list[Key], given: Mapping[str, Any], project: Project) -> str:
    # A table without defaults has an effect even if it is empty.
    is_hidden = not given and not _has_defaults(table, project)
    lines = [f"{'#' if is_hidden else ''}[{table}]"]
    for each in known:
        mark = "#"
        if each.name in given:
            value = toml(given[each.name])
            mark = ""
        elif is_hidden:  # a line without its mark would be in the table above
            value = ""
        else:
            value = each.default or _derived(table, each.name, project)
        if value:
            lines += [*_comment(each), f"{mark}{each.name} = {value}"]
        else:
            lines += _comment(each, f"`{each.name}`: ")
    return "\n".join(lines) + "\n"


def _has_defaults(table: str, project: Project) -> bool:
    """Return whether a project has the values of a table that its configuration leaves out."""
    value: Any = project
    for name in table.split("."):
        value = getattr(value, name.replace("-", "_"))
    return value is not None


def _derived(table: str, name: str, project: Project) -> str:
    """Return the default of a key that depends on other keys; empty for other keys."""
    driver = project.driver
    found: dict[tuple[str, str], object] = {
        ("driver", "output-name"): driver.library,
        ("driver", "entry-point"): driver.entry,
        ("deploy", "service"): driver.name,
    }
    if driver.target is None:
        found["driver", "targets"] = driver.triples
    servers = {project.signing_for(profile).timestamp_server for profile in project.profiles}
    if len(servers) == 1:
        (found["signing", "timestamp-url"],) = servers
    value = found.get((table, name))
    return "" if value is None else toml(value)


def _comment(each: Key, name: str = "") -> Iterator[str]:
    text = name + each.text.partition("\n\n")[0].replace("\n", " ")
    if each.values.startswith('"'):
        text += f" One of {each.values}."
    yield from wrap(
        text, _WIDTH, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False
    )


def _profile(name: str, given: Mapping[str, Any], project: Project) -> str:
    lines = [f"[profiles.{name}]"]
    if "cargo-profile" not in given:
        lines.append(f"#cargo-profile = {toml(project.profiles[name].cargo_profile or '')}")
    return _PROFILE.format(name=name) + "\n".join([*lines, *_dotted(given)]) + "\n"


def _dotted(table: Mapping[str, Any], above: str = "") -> Iterator[str]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _dotted(value, f"{above}{key(name)}.")
        else:
            yield f"{above}{key(name)} = {toml(value)}"


def _makefile(given: Mapping[str, Any]) -> str:
    return _MAKEFILE + tomli_w.dumps({"makefile": given})


def _cargo_config(given: Mapping[str, Any]) -> str:
    return _CARGO_CONFIG + tomli_w.dumps({"cargo-config": given})


def _version(each: Key, given: str | None) -> str:
    value = toml(given or f">={__version__}")
    return "\n".join([*_comment(each), f"{'' if given else '#'}{each.name} = {value}"]) + "\n"


def _without_unused(given: Mapping[str, Any], project: Project) -> dict[str, Any]:
    """Return `[bootstrap]` without defaults that have no effect with the chosen options."""
    unused = {each.path[-1] for each in keys_without_effect(project) if each.path[0] == "bootstrap"}
    default = Bootstrap().model_dump(by_alias=True)
    return {
        name: value for name, value in given.items() if name not in unused or value != default[name]
    }


def _begun(given: Mapping[str, Any]) -> str:
    if not given:
        return ""
    return _BEGUN + "\n".join(["[bootstrap]", *_dotted(given)]) + "\n"
