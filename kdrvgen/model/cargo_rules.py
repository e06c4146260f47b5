"""Rules on `[cargo-config]`: its keys must not conflict with the keys that kdrvgen sets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kdrvgen.model.base import Path
from kdrvgen.model.driver import Driver
from kdrvgen.model.problems import Problem, own_variables

__all__ = ["cargo_rules"]

_NO_TABLES = frozenset({"paths", "target-applies-to-host"})
_TABLES_OF_TABLES = frozenset({"profile", "target"})
_RUSTFLAGS = "set `linker.rustflags`"


def cargo_rules(config: Mapping[str, Any], driver: Driver | None) -> Iterator[Problem]:
    """Yield the broken rules of `[cargo-config]`."""
    where: Path = ("cargo-config",)
    for name, value in config.items():
        if name == "include":
            yield Problem(
                (*where, name),
                "cargo would read a file that kdrvgen does not check",
                hint="copy the content of the file into `[cargo-config]`",
            )
        else:
            yield from _is_table(name, value)
    for (table, key), hint in _OWN_KEYS.items():
        if key in _table(config, table):
            yield _clash((*where, table, key), hint)
    yield from _flags_of_targets(_table(config, "target"), driver)
    yield from _profiles(_table(config, "profile"), driver)
    environment = _table(config, "env")
    yield from own_variables(environment, (*where, "env"))
    for name in environment:
        if name.upper().startswith("KDRVGEN_"):
            yield Problem(
                (*where, "env", name), "names that begin with KDRVGEN_ are reserved for kdrvgen"
            )


_OWN_KEYS = {
    ("build", "target"): "set `targets` in `[driver]`",
    ("build", "rustflags"): _RUSTFLAGS,
    ("unstable", "build-std"): "set `toolchain.build-std`",
    ("unstable", "build-std-features"): "leave it out: `toolchain.build-std` sets it",
}


def _flags_of_targets(targets: Mapping[str, Any], driver: Driver | None) -> Iterator[Problem]:
    hints = {"rustflags": _RUSTFLAGS, "linker": "set `linker.program`"}
    for target, table in targets.items():
        for key, hint in hints.items():
            if not isinstance(table, Mapping) or key not in table:
                continue
            path: Path = ("cargo-config", "target", target, key)
            if driver and target in driver.triples:
                yield _clash(path, hint, also=(("driver", "targets"), ("driver", "target")))
            elif target.startswith("cfg("):
                yield Problem(
                    path,
                    "cargo would merge this into the settings that make the image a driver",
                    hint="for the host, use its triple, "
                    f"such as `x86_64-unknown-linux-gnu`; for the driver, {hint}",
                )


def _profiles(profiles: Mapping[str, Any], driver: Driver | None) -> Iterator[Problem]:
    for name, table in profiles.items():
        if not isinstance(table, Mapping):
            continue
        path: Path = ("cargo-config", "profile", name)
        if "panic" in table and driver and driver.model != "umdf":
            hint = "leave it out: the kernel cannot unwind"
            yield _clash((*path, "panic"), hint, also=(("driver", "model"),))
        if "rustflags" in table:
            hint = "set `linker.rustflags` in `[profiles.NAME]`"
            yield _clash((*path, "rustflags"), hint)


def _is_table(name: str, value: object) -> Iterator[Problem]:
    """Yield each value in the place of a table, also of a table that kdrvgen writes too."""
    path: Path = ("cargo-config", name)
    message = "cargo expects a table here"
    if not isinstance(value, Mapping):
        if name not in _NO_TABLES:
            yield Problem(path, message, hint=f"write `[cargo-config.{name}]`")
    elif name in _TABLES_OF_TABLES:
        for key, member in value.items():
            if not isinstance(member, Mapping):
                yield Problem((*path, key), message, hint=f"write `[cargo-config.{name}.NAME]`")


def _clash(path: Path, hint: str, also: tuple[Path, ...] = ()) -> Problem:
    return Problem(path, "kdrvgen sets this key itself", hint=hint, also=also)


def _table(config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = config.get(name)
    return found if isinstance(found, Mapping) else {}
