"""The config.toml that a project begins with: what was chosen, and beside it what else there is."""

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
# What this driver is and how it is built, linked and signed. After a change run
# `kdrvgen config.toml`: Makefile.toml, the cargo configuration and build.rs follow.
#
# A line such as `#key = value` shows the default of a key that is not set. A key without a default
# is described only.
"""
_BEGUN = """\
# How this project was begun. Only `kdrvgen new NAME --config config.toml` reads it: it begins
# another one in the same way.
"""
_PROFILE = """\
# What is different when cargo-make is called with `--profile {name}`: `signing.…`, `linker.…`.
"""
_MAKEFILE = """\
# Your own part of Makefile.toml, handed to cargo-make as it is: `[makefile.env]` takes variables,
# `[makefile.tasks.NAME]` a task. `[makefile.hooks]` has kdrvgen's tasks run such tasks of yours at
# their points: `before-build`, `after-build`, `before-sign`, `after-sign`.
"""


_CARGO_CONFIG = """\
# Your own part of the cargo configuration, handed to cargo as it is. What `cargo vendor` prints
# goes here: `[cargo-config.source.crates-io]`.
"""


def starter(document: Mapping[str, Any], project: Project, schema: str) -> str:
    """Return the text of a config.toml that says `document`, with comments.

    Args:
        document: Tables as TOML has them, valid.
        project: What they describe.
        schema: Where the schema lies, seen from the file: editors find it by the first line.
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
            begun = _without_needless(document.get("bootstrap", {}), project)
            # In the order of the models, whichever answer came first.
            parts.append(_begun({key.name: begun[key.name] for key in group if key.name in begun}))
        else:
            parts.append(_table(table, list(group), document.get(table, {}), project))
    return "\n".join(filter(None, parts))


def _table(table: str, known: list[Key], given: Mapping[str, Any], project: Project) -> str:
    lines = [f"[{table}]"]
    for each in known:
        if each.name in given:
            value = toml(given[each.name])
            mark = ""
        else:
            value = each.default or _derived(table, each.name, project)
            mark = "#"
        if value:
            lines += [*_comment(each), f"{mark}{each.name} = {value}"]
        else:
            lines += _comment(each, f"`{each.name}`: ")
    return "\n".join(lines) + "\n"


def _derived(table: str, name: str, project: Project) -> str:
    """Return the default of a key that other keys decide; empty for none."""
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
    yield from wrap(text, _WIDTH, initial_indent="# ", subsequent_indent="# ")


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


def _without_needless(given: Mapping[str, Any], project: Project) -> dict[str, Any]:
    """Return `[bootstrap]` without defaults that have no effect beside what was chosen."""
    unused = {each.path[-1] for each in keys_without_effect(project) if each.path[0] == "bootstrap"}
    default = Bootstrap().model_dump(by_alias=True)
    return {
        name: value for name, value in given.items() if name not in unused or value != default[name]
    }


def _begun(given: Mapping[str, Any]) -> str:
    if not given:
        return ""
    return _BEGUN + "\n".join(["[bootstrap]", *_dotted(given)]) + "\n"
