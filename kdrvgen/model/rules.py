"""Rules between keys: each tells which key is to blame and which others take part."""

from __future__ import annotations

import ntpath
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import astuple, dataclass
from typing import TypeVar

from kdrvgen.model.base import Path, Table
from kdrvgen.model.driver import Driver, Toolchain
from kdrvgen.model.linker import Linker, Wdk
from kdrvgen.model.makefile import GENERATED_TASKS, Makefile
from kdrvgen.model.presets import link_arguments, matches
from kdrvgen.model.profile import Profile
from kdrvgen.model.signing import Signing

__all__ = ["Problem", "Tables", "broken_rules", "merge"]

_T = TypeVar("_T", bound=Table)


@dataclass(frozen=True, slots=True)
class Problem:
    """A broken rule. `path` is the key to blame, `also` the others that take part."""

    path: Path
    message: str
    hint: str = ""
    also: tuple[Path, ...] = ()
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables that are valid on their own; None where one is not."""

    driver: Driver | None = None
    toolchain: Toolchain | None = None
    linker: Linker | None = None
    wdk: Wdk | None = None
    signing: Signing | None = None
    profiles: Mapping[str, Profile] | None = None
    makefile: Makefile | None = None


def merge(base: _T, override: _T) -> _T:
    """Return `base` with the keys that `override` was given."""
    given = {name: getattr(override, name) for name in override.model_fields_set}
    return base.model_copy(update=given) if given else base


def broken_rules(tables: Tables) -> list[Problem]:
    """Return every broken rule whose tables are valid, without repetition."""
    found: dict[tuple[Path, str], Problem] = {}
    for problem in _all(tables):
        found.setdefault((problem.path, problem.message), problem)
    return list(found.values())


def _all(tables: Tables) -> Iterator[Problem]:
    if tables.driver:
        yield from _one_target_key(tables.driver)
        yield from _framework_calls_its_own_entry(tables.driver)
    if tables.toolchain:
        yield from _build_std_needs_nightly(tables.toolchain)
    if tables.wdk:
        yield from _kit_path_fits(tables.wdk)
    if tables.driver and tables.wdk:
        yield from _frameworks_need_a_kit(tables.driver, tables.wdk)
    profiles = tables.profiles or {}
    for name, profile in profiles.items():
        if profile.cargo_profile is None and name not in {"development", "production"}:
            yield Problem(
                ("profiles", name),
                f"the profile `{name}` does not say how cargo builds it",
                hint='add `cargo-profile = "dev"` or `cargo-profile = "release"`',
            )
    if tables.linker:
        for linker, blame in _variants("linker", tables.linker, profiles):
            yield from _linker_arguments_fit(tables.driver, linker, blame)
            if tables.driver:
                yield from _removed_arguments_are_there(tables.driver, linker, blame)
    if tables.makefile:
        yield from _environment_is_the_users(tables.makefile)
        yield from _tasks_are_the_users(tables.makefile)
    if tables.signing:
        for signing, blame in _variants("signing", tables.signing, profiles):
            yield from _certificate_is_one(signing, blame)
            yield from _tool_fits(signing, blame)


_Blame = Callable[..., Path]


def _variants(key: str, base: _T, profiles: Mapping[str, Profile]) -> Iterator[tuple[_T, _Blame]]:
    """Yield the table as it stands and as each profile changes it, with where its keys stand."""
    yield base, lambda field, *rest: (key, field, *rest)
    for name, profile in profiles.items():
        override: _T = getattr(profile, key)
        given = {field.replace("_", "-") for field in override.model_fields_set}
        if given:

            def blame(
                field: str, *rest: str | int, name: str = name, given: set[str] = given
            ) -> Path:
                where: Path = ("profiles", name, key) if field in given else (key,)
                return (*where, field, *rest)

            yield merge(base, override), blame


def _one_target_key(driver: Driver) -> Iterator[Problem]:
    if driver.target is not None and driver.targets is not None:
        yield Problem(
            ("driver", "target"),
            "`target` is a shorthand for `targets`, and both are given",
            hint="keep one of them",
            also=(("driver", "targets"),),
        )


def _framework_calls_its_own_entry(driver: Driver) -> Iterator[Problem]:
    if driver.model != "wdm" and driver.entry_point not in {None, "DriverEntry"}:
        yield Problem(
            ("driver", "entry-point"),
            f"the {driver.model.upper()} framework calls a function named `DriverEntry`",
            hint="leave `entry-point` out and export `DriverEntry`",
            also=(("driver", "model"),),
        )


def _build_std_needs_nightly(toolchain: Toolchain) -> Iterator[Problem]:
    if toolchain.build_std and not toolchain.is_nightly:
        yield Problem(
            ("toolchain", "build-std"),
            f"`build-std` is unstable, and the channel is `{toolchain.channel}`",
            hint='set `channel = "nightly"`, or leave `build-std` out and add the target by rustup',
            also=(("toolchain", "channel"),),
        )


def _kit_path_fits(wdk: Wdk) -> Iterator[Problem]:
    if wdk.locate == "path" and not wdk.path:
        yield Problem(
            ("wdk", "locate"),
            '`locate = "path"` needs `path`',
            hint='such as `path = "C:/Program Files (x86)/Windows Kits/10"`',
        )
    elif wdk.path and wdk.locate != "path":
        yield Problem(
            ("wdk", "path"),
            f'`path` is not looked at with `locate = "{wdk.locate}"`',
            hint='set `locate = "path"`',
            also=(("wdk", "locate"),),
        )
    if wdk.path and not (ntpath.isabs(wdk.path) or posixpath.isabs(wdk.path)):
        yield Problem(("wdk", "path"), "the kit's root is an absolute path")


def _frameworks_need_a_kit(driver: Driver, wdk: Wdk) -> Iterator[Problem]:
    if driver.model != "wdm" and wdk.locate == "none":
        yield Problem(
            ("driver", "model"),
            f"{driver.model.upper()} drivers link the framework's libraries, which come with the WDK",
            hint='`model = "wdm"`, or another `wdk.locate`',
            also=(("wdk", "locate"),),
        )


_KERNEL_SUBSYSTEMS = re.compile(r"NATIVE(,\d+(\.\d+)?)?", re.IGNORECASE)


def _linker_arguments_fit(
    driver: Driver | None, linker: Linker, blame: _Blame
) -> Iterator[Problem]:
    for field in ("pre-args", "args"):
        for index, argument in enumerate(getattr(linker, field.replace("-", "_"))):
            switch, _, value = argument[1:].partition(":")
            if argument[0] not in "/-":
                continue
            match switch.upper():
                case "ENTRY" if linker.preset != "none":
                    yield Problem(
                        blame(field, index),
                        "the preset names the entry point already, and the linker takes one",
                        hint=f'set `driver.entry-point = "{value.partition("@")[0]}"`',
                        also=(("driver", "entry-point"), blame("preset")),
                    )
                case "SUBSYSTEM" if (
                    driver and driver.model != "umdf" and not _KERNEL_SUBSYSTEMS.fullmatch(value)
                ):
                    yield Problem(
                        blame(field, index),
                        f"Windows loads no {driver.model.upper()} driver of subsystem `{value}`",
                        hint="`/SUBSYSTEM:NATIVE`, which the presets have already",
                        also=(("driver", "model"),),
                    )
                case "OUT" | "DLL" | "IMPLIB":
                    yield Problem(
                        blame(field, index),
                        f"rustc itself passes `/{switch.upper()}`, and a second one hides the image "
                        "from the pipeline",
                        hint="`driver.output-name` names the image",
                    )


def _removed_arguments_are_there(
    driver: Driver, linker: Linker, blame: _Blame
) -> Iterator[Problem]:
    whole = linker.model_copy(update={"remove": (), "args": (), "pre_args": ()})
    preset = [
        argument
        for target in driver.triples
        for argument in sum(astuple(link_arguments(driver, whole, target)), ())
    ]
    for index, pattern in enumerate(linker.remove):
        if not any(matches(pattern, argument) for argument in preset):
            yield Problem(
                blame("remove", index),
                f"the preset `{linker.preset}` has no argument `{pattern}`",
                hint=f"it has {', '.join(dict.fromkeys(preset)) or 'none at all'}",
                also=(blame("preset"),),
            )


def _environment_is_the_users(makefile: Makefile) -> Iterator[Problem]:
    for name in makefile.env:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*", name):
            yield Problem(
                ("makefile", "env", name), f"`{name}` is no name of an environment variable"
            )
        elif name.upper().startswith("DRIVER_"):
            yield Problem(
                ("makefile", "env", name),
                "names that begin with DRIVER_ are the generated pipeline's own",
                hint=f"another name, such as `MY_{name}`",
            )


def _tasks_are_the_users(makefile: Makefile) -> Iterator[Problem]:
    for name, task in makefile.tasks.items():
        where: Path = ("makefile", "tasks", name)
        if name in GENERATED_TASKS or re.fullmatch(r"sign-(x86_64|i686|aarch64)", name):
            yield Problem(
                where,
                f"`{name}` is a task of the generated pipeline, and cargo-make would mix the two",
                hint="another name, and that task among its `dependencies`",
            )
        if not isinstance(task, Mapping):
            yield Problem(where, "a task is a table", hint=f"write [makefile.tasks.{name}]")


def _certificate_is_one(signing: Signing, blame: _Blame) -> Iterator[Problem]:
    if signing.thumbprint and signing.pfx:
        yield Problem(
            blame("thumbprint"),
            "`thumbprint` chooses a certificate in a store, `pfx` one in a file; both are given",
            hint="keep one of them",
            also=(blame("pfx"),),
        )
    if signing.pfx_password_env and not signing.pfx:
        yield Problem(
            blame("pfx-password-env"),
            "there is no `pfx` that this password would open",
            hint="add `pfx`, or leave `pfx-password-env` out",
        )
    if signing.mode == "test":
        for field, value in (("pfx", signing.pfx), ("thumbprint", signing.thumbprint)):
            if value:
                yield Problem(
                    blame(field),
                    f'`mode = "test"` makes a certificate of its own and does not look at `{field}`',
                    hint='set `mode = "certificate"`',
                    also=(blame("mode"),),
                )


def _tool_fits(signing: Signing, blame: _Blame) -> Iterator[Problem]:
    if signing.tool == "osslsigncode" and signing.mode == "certificate" and not signing.pfx:
        yield Problem(
            blame("tool"),
            "osslsigncode reads no certificate store of Windows",
            hint='name the certificate by `pfx`, or set `tool = "signtool"`',
            also=(blame("mode"),),
        )
