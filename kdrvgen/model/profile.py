"""`[profiles.NAME]`: the settings that are different when cargo-make runs with a profile."""

import re
from typing import Annotated

from pydantic import AfterValidator

from kdrvgen.model.base import Table, Text, problem
from kdrvgen.model.build import Build
from kdrvgen.model.linker import Linker
from kdrvgen.model.names import is_device
from kdrvgen.model.signing import Signing

__all__ = ["Profile", "ProfileName"]


# cargo's own `validate_profile_name` (cargo-util-schemas, restricted_names.rs).
_RESERVED = frozenset(
    {"build", "check", "clean", "config", "doc", "fetch", "fix", "install", "metadata", "package"}
    | {"publish", "report", "root", "run", "rust", "rustc", "rustdoc", "target", "tmp", "uninstall"}
)


def _cargo_profile(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", value):
        raise problem(
            f"`{value}` is not a valid name of a cargo profile", hint="use a name such as `dev`"
        )
    if value in _RESERVED or value.startswith("cargo"):
        raise problem(f"cargo reserves the name `{value}`: it cannot be a profile")
    if value in {"debug", "test", "bench"}:
        raise problem(
            f"cargo does not build a library with the profile `{value}`",
            hint="use `dev`, whose output is in the folder debug"
            if value == "debug"
            else "use `dev` or `release`",
        )
    return value


def _profile_name(value: str) -> str:
    # cargo-make converts the name to lower case (its profile.rs), so it finds no other names.
    if not re.fullmatch(r"[a-z][a-z0-9_-]*", value):
        raise problem(
            f"`{value}` is not a valid name of a cargo-make profile",
            hint="begin with a lower-case letter; use lower-case letters, digits, `-` and `_`",
        )
    if is_device(value):
        raise problem(f"`{value}` is a device in Windows, so a folder cannot have this name")
    return value


ProfileName = Annotated[Text, AfterValidator(_profile_name)]


class Profile(Table):
    """A profile of cargo-make: `cargo make --profile NAME`."""

    cargo_profile: Annotated[Text, AfterValidator(_cargo_profile)] | None = None
    """cargo's profile: `dev` for development, `release` for production.

    Change: For your own profile in Cargo.toml.
    Without: `dev` for development, `release` for production. Other profiles must set it.
    Source: https://doc.rust-lang.org/cargo/reference/profiles.html
    """

    build: Build = Build.model_construct()
    """Keys of `[build]` that differ in this profile.

    Change: For features or arguments of cargo that only this profile has. A key here replaces the
        key of `[build]`, an array as a whole.
    Without: The keys of `[build]`.
    """

    linker: Linker = Linker.model_construct()
    """Keys of `[linker]` that differ in this profile.

    Change: For arguments that only this profile has. A key here replaces the key of `[linker]`, an
        array as a whole.
    Without: The keys of `[linker]`.
    """

    signing: Signing = Signing.model_construct()
    """Keys of `[signing]` that differ in this profile.

    Change: For another certificate, or for no timestamp during development.
    Without: The keys of `[signing]`.
    """
