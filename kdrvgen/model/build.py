"""`[build]`: which parts of the package cargo builds, and how."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from kdrvgen.model.base import Filled, Table, problem
from kdrvgen.model.names import is_feature

__all__ = ["Build"]

# The options that the pipeline passes itself, or that would build something else, each with the key
# to use instead. Source: `cargo build --help` of cargo 1.95.
_PROFILE = "set `cargo-profile` in `[profiles.NAME]`"
_ONE_LIBRARY = "leave it out: the pipeline builds the library of this package"
_CONFIG = "set it in `[cargo-config]`"
_FEATURES = "set `features` in `[build]`"
_TARGET_DIR = "set CARGO_TARGET_DIR in the environment"
_OWN_OPTIONS = {
    "--target": "set `targets` in `[driver]`",
    "--profile": _PROFILE,
    "--release": _PROFILE,
    "--message-format": "leave it out: the pipeline reads cargo's messages",
    "--manifest-path": _ONE_LIBRARY,
    "--target-dir": _TARGET_DIR,
    "--config": _CONFIG,
    "--features": _FEATURES,
    "--no-default-features": "set `default-features = false` in `[build]`",
    "--locked": "set `locked = true` in `[build]`",
    "-r": _PROFILE,
    "-F": _FEATURES,
    "-C": "leave it out: cargo runs in the folder of the driver",
} | dict.fromkeys(
    (
        *("-p", "--package", "--workspace", "--all", "--exclude", "--all-targets", "--lib"),
        *("--bin", "--bins", "--example", "--examples", "--test", "--tests"),
        *("--bench", "--benches"),
    ),
    _ONE_LIBRARY,
)
_LETTERS_WITH_VALUE = "jFpCZ"


def _feature(value: str) -> str:
    if not is_feature(value):
        raise problem(
            f"`{value}` is not a valid feature name",
            hint="write one name in each element, such as `logging` or `log/std`",
        )
    return value


def _argument(value: str) -> str:
    if re.fullmatch(r"(-Z)?build-std(-features)?(=.*)?", value):
        raise problem("the pipeline sets `build-std` itself", hint="set `toolchain.build-std`")
    if value.startswith("@@"):
        raise problem("cargo-make would run this as a function", hint="cargo has no such argument")
    if value == "--":
        raise problem(
            "`cargo build` does not pass arguments on to rustc", hint="set `linker.rustflags`"
        )
    for option in _options(value):
        if hint := _OWN_OPTIONS.get(option):
            # Do not show the whole argument: the part after `=` may be a credential.
            raise problem(f"the pipeline passes `{option}` itself", hint=hint)
    return value


def _options(value: str) -> list[str]:
    """Return the options in an argument: `-v` and `-r` for `-vr`."""
    if value.startswith("--"):
        return [value.partition("=")[0]]
    if not value.startswith("-"):
        return []
    found = []
    for letter in value[1:]:
        found.append(f"-{letter}")
        if letter in _LETTERS_WITH_VALUE:
            break
    return found


class Build(Table):
    """The parts of the package that cargo builds, and how."""

    features: tuple[Annotated[Filled, AfterValidator(_feature)], ...] = ()
    """Features of the package to build with, besides its default ones.

    Change: To build parts that Cargo.toml declares under `[features]`. A profile can have its own:
        `build.features` in `[profiles.NAME]`.
    Without: Only the default features.
    Source: https://doc.rust-lang.org/cargo/reference/features.html
    """

    default_features: Annotated[bool, Field(strict=True)] = True
    """Build the package's default features.

    Change: To `false` to build only the features of `build.features`.
    Without: The features that `default` lists in Cargo.toml are built.
    Source: https://doc.rust-lang.org/cargo/reference/features.html#the-default-feature
    """

    locked: Annotated[bool, Field(strict=True)] = False
    """Fail if Cargo.lock is missing or out of date.

    Change: To `true` for builds that must use exactly the versions in Cargo.lock, such as those of
        `[profiles.production]`.
    Without: cargo updates Cargo.lock when Cargo.toml requires it.
    Source: https://doc.rust-lang.org/cargo/commands/cargo-build.html#manifest-options
    """

    args: tuple[Annotated[Filled, AfterValidator(_argument)], ...] = ()
    """Further arguments of `cargo build`, one for each element.

    Options that the pipeline passes itself are errors, such as `--target` or `--release`.

    Change: For options that have no key, such as `--offline`, `--timings` or `-j4`.
    Without: cargo gets no further arguments.
    Source: https://doc.rust-lang.org/cargo/commands/cargo-build.html
    """

    @property
    def arguments(self) -> tuple[str, ...]:
        """The arguments of `cargo build` for these keys."""
        return (
            *(("--features", ",".join(self.features)) if self.features else ()),
            *(() if self.default_features else ("--no-default-features",)),
            *(("--locked",) if self.locked else ()),
            *self.args,
        )
