"""Which names cargo, rustc and Windows take, and which they reserve."""

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
# Crates of the sysroot: a driver so named hides the one that it needs itself. The rest are folders
# that cargo makes in the target directory; `cargo new` refuses them too.
_TAKEN_CRATES = frozenset(
    {"alloc", "build", "compiler_builtins", "core", "deps", "examples", "incremental"}
    | {"proc_macro", "std", "test"}
)


def is_device(name: str) -> bool:
    """Tell whether Windows takes a file name, with or without ending, for a device."""
    return name.partition(".")[0].rstrip().lower() in _DEVICES


def is_feature(name: str) -> bool:
    """Tell whether cargo takes a name for a feature, or for one of a dependency: `log/std`."""
    # cargo's own `validate_feature_name` (cargo-util-schemas, restricted_names.rs).
    return re.fullmatch(r"\w[\w+.-]*(/\w[\w+.-]*)?", name) is not None


def _package_name(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,63}", value):
        raise problem(
            f"`{value}` is no Cargo package name",
            hint="a letter, then letters, digits, `-` or `_`; 64 at most",
        )
    crate = value.replace("-", "_").lower()
    if is_device(value):
        raise problem(
            f"`{value}` is a device in Windows, so that no file can be called `{value}.sys`",
            hint=f"another name, such as `{value}-driver`",
        )
    if crate in _KEYWORDS or crate in _TAKEN_CRATES:
        kind = "a keyword of Rust" if crate in _KEYWORDS else "a name that Rust or cargo has taken"
        raise problem(f"`{value}` is {kind}", hint=f"another name, such as `{value}-driver`")
    return value


PackageName = Annotated[Text, AfterValidator(_package_name)]
"""The name of a Cargo package whose library can be a driver."""


def _file_name(value: str) -> str:
    if bad := sorted(_FORBIDDEN.intersection(value)):
        raise problem(
            f"Windows allows no {' '.join(f'`{character}`' for character in bad)} in a file name"
        )
    if value[-1] == "." or value.startswith("-") or len(value.encode()) > _LONGEST_FILE_NAME:
        raise problem("a file name may not end with a dot, begin with `-` or exceed 200 bytes")
    if is_device(value):
        raise problem(f"`{value}` is a device in Windows, not a file")
    return value


FileName = Annotated[Filled, AfterValidator(_file_name)]
"""A file name, without folder, that Windows, Linux and macOS take."""


def _identifier(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", value):
        raise problem(
            f"`{value}` is no function name",
            hint="the name as in Rust's source, without decoration: letters, digits and `_`",
        )
    return value


Identifier = Annotated[Text, AfterValidator(_identifier)]
"""The name of an exported function."""


def _environment_name(value: str) -> str:
    if value and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", value):
        raise problem(
            "this must be the name of an environment variable",
            hint="letters, digits and `_`; the secret itself goes into that variable, never here",
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
            hint="a path from the project folder, without `..`",
        )
    if "\\" in value:
        raise problem(
            "`\\` divides paths on Windows only", hint=f"write `{value.replace(chr(92), '/')}`"
        )
    for part in parts:
        if not part.strip(". ") or part != part.strip():
            raise problem(
                f"`{value}` has a folder without a name, or with a blank at an end of it",
                hint="such as `certificates/Driver.cer`",
            )
        _file_name(part)
    return value


RelativePath = Annotated[Filled, AfterValidator(_relative_path)]
"""A file below the project folder, divided by `/`."""
