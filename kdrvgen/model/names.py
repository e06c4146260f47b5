"""The names that cargo, rustc and Windows accept, and those that they reserve."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

from kdrvgen.model.base import Filled, Text, problem

__all__ = [
    "EnvironmentName",
    "FileName",
    "Identifier",
    "PackageName",
    "RelativePath",
    "is_device",
    "is_feature",
]

# https://learn.microsoft.com/windows/win32/fileio/naming-a-file
_DEVICES = frozenset(
    {"con", "prn", "aux", "nul", "conin$", "conout$"}
    | {f"{port}{number}" for port in ("com", "lpt") for number in "0123456789¹²³"}
)
_FORBIDDEN = frozenset('<>:"/\\|?*')
_LONGEST_FILE_NAME = 200

# https://doc.rust-lang.org/reference/keywords.html
_KEYWORDS = frozenset(
    {"abstract", "as", "async", "await", "become", "box", "break", "const", "continue"}
    | {"crate", "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen"}
    | {"if", "impl", "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override"}
    | {"priv", "pub", "ref", "return", "self", "static", "struct", "super", "trait", "true"}
    | {"try", "type", "typeof", "unsafe", "unsized", "use", "virtual", "where", "while"}
    | {"yield"}
)
# Crates of the sysroot: a driver with such a name hides the crate that it needs. The rest are
# folders that cargo creates in the target directory; `cargo new` refuses them too.
_TAKEN_CRATES = frozenset(
    {"alloc", "build", "compiler_builtins", "core", "deps", "examples", "incremental"}
    | {"proc_macro", "std", "test"}
)


def is_device(name: str) -> bool:
    """Return whether Windows reads a file name, with or without extension, as a device."""
    return name.partition(".")[0].rstrip().lower() in _DEVICES


def is_feature(name: str) -> bool:
    """Return whether a name is valid for a feature, or for one of a dependency: `log/std`."""
    # cargo's own `validate_feature_name` (cargo-util-schemas, restricted_names.rs).
    return re.fullmatch(r"\w[\w+.-]*(/\w[\w+.-]*)?", name) is not None


def _package_name(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,63}", value):
        raise problem(
            f"`{value}` is not a valid Cargo package name",
            hint="begin with a letter; use letters, digits, `-` and `_`, at most 64",
        )
    crate = value.replace("-", "_").lower()
    if is_device(value):
        raise problem(
            f"`{value}` is a device in Windows, so a file cannot be named `{value}.sys`",
            hint=f"use another name, such as `{value}-driver`",
        )
    if crate in _KEYWORDS or crate in _TAKEN_CRATES:
        kind = "a keyword of Rust" if crate in _KEYWORDS else "reserved by Rust or cargo"
        raise problem(f"`{value}` is {kind}", hint=f"use another name, such as `{value}-driver`")
    return value


PackageName = Annotated[Text, AfterValidator(_package_name)]
"""The name of a Cargo package whose library can be a driver."""


def _file_name(value: str) -> str:
    if bad := sorted(_FORBIDDEN.intersection(value)):
        listed = " ".join(f"`{character}`" for character in bad)
        raise problem(f"Windows does not allow {listed} in a file name")
    if value[-1] == "." or value.startswith("-") or len(value.encode()) > _LONGEST_FILE_NAME:
        raise problem("a file name must not end with a dot, begin with `-` or exceed 200 bytes")
    if is_device(value):
        raise problem(f"`{value}` is a device in Windows, not a file")
    return value


FileName = Annotated[Filled, AfterValidator(_file_name)]
"""A file name, without folder, that Windows, Linux and macOS accept."""


def _identifier(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", value):
        raise problem(
            f"`{value}` is not a valid function name",
            hint="write the name as in the Rust source, undecorated: letters, digits and `_`",
        )
    return value


Identifier = Annotated[Text, AfterValidator(_identifier)]
"""The name of an exported function."""


def _environment_name(value: str) -> str:
    if value and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", value):
        raise problem(
            "this must be the name of an environment variable",
            hint="use letters, digits and `_`; put the secret into that variable, never here",
            secret=True,
        )
    return value


EnvironmentName = Annotated[Text, AfterValidator(_environment_name)]
"""The name of an environment variable, or empty."""


def _relative_path(value: str) -> str:
    parts = value.replace("\\", "/").split("/")
    if ".." in parts or value[0] in "/\\~" or re.match(r"[A-Za-z]:", value):
        raise problem(
            f"`{value}` leads out of the project folder",
            hint="write a path relative to the project folder, without `..`",
        )
    if "\\" in value:
        raise problem(
            "`\\` separates folders only on Windows", hint=f"write `{value.replace(chr(92), '/')}`"
        )
    for part in parts:
        if not part.strip(". ") or part != part.strip():
            raise problem(
                f"`{value}` has a folder without a name, or with a space at an end of its name",
                hint="write a path such as `certificates/Driver.cer`",
            )
        _file_name(part)
    return value


RelativePath = Annotated[Filled, AfterValidator(_relative_path)]
"""A path below the project folder, with `/` between folders."""
