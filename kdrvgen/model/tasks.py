"""The tasks that kdrvgen generates, and the settings that each of them needs."""

import enum
from collections.abc import Collection
from typing import NamedTuple

from kdrvgen.model.base import Path
from kdrvgen.model.package import Package

__all__ = [
    "ALL_TASKS",
    "GENERATED_TASKS",
    "PACKAGE_TASKS",
    "SUBMISSION_TASKS",
    "Missing",
    "Packing",
    "generated_tasks",
    "missing",
    "packing_of",
    "reserved_tasks",
    "tasks_that_run",
]


_ALWAYS = frozenset(
    {"build-driver", "clean-driver", "default", "install", "pipeline", "rename", "sign", "smoke"}
    | {"start", "stop", "uninstall", "verify", "windows"}
)
_WITH_TEST_CERTIFICATE = frozenset({"certificate", "clean-cert", "trust-certificate"})
_WITH_SEVERAL_TARGETS = frozenset({"sign-all"})
# If hooks follow its step, a task depends on a task that does the step, and on the hooks.
_WITH_HOOKS = {"after-build": "rename-image", "after-sign": "sign-image"}
_MAKE_PACKAGE = "make-package"
_PACKAGE_ALL = "package-all"
_SUBMISSION_ALL = "submission-all"

GENERATED_TASKS = (
    _ALWAYS | _WITH_TEST_CERTIFICATE | _WITH_SEVERAL_TARGETS | frozenset(_WITH_HOOKS.values())
)
"""The names of the tasks that kdrvgen can generate for every driver. The user's tasks cannot have
them.
"""

PACKAGE_TASKS = frozenset(
    {"package", _MAKE_PACKAGE, _PACKAGE_ALL, "install-package", "uninstall-package"}
    | {"windows-host"}
)
"""The names of the tasks for a driver package. With `[package]`, the user's tasks cannot have them.
"""


SUBMISSION_TASKS = frozenset({"submission", _SUBMISSION_ALL})
"""The names of the tasks for Microsoft's Partner Center. With `[package.submission]`, the user's
tasks cannot have them.
"""

ALL_TASKS = GENERATED_TASKS | PACKAGE_TASKS | SUBMISSION_TASKS
"""The names of all tasks that kdrvgen can generate."""


class Packing(enum.IntEnum):
    """What a configuration describes besides the image. Each includes those before it."""

    NOTHING = 0
    PACKAGE = 1
    SUBMISSION = 2


def packing_of(package: Package) -> Packing:
    """Return what a configuration describes besides the image."""
    if not package.is_described:
        return Packing.NOTHING
    return Packing.PACKAGE if package.submission is None else Packing.SUBMISSION


def reserved_tasks(packing: Packing) -> frozenset[str]:
    """Return the names that the user's tasks cannot have.

    Args:
        packing: What the configuration describes besides the image.
    """
    names = GENERATED_TASKS
    if packing >= Packing.PACKAGE:
        names |= PACKAGE_TASKS
    if packing >= Packing.SUBMISSION:
        names |= SUBMISSION_TASKS
    return names


class Missing(NamedTuple):
    """Why a configuration does not generate a task.

    Attributes:
        reason: The reason in the configuration.
        hint: What to do.
        keys: The keys that are the reason.
    """

    reason: str
    hint: str
    keys: tuple[Path, ...]


_STEPS = ("build-driver", "rename-image", "rename", "sign-image", "sign")
_BEHIND_SIGN = frozenset({"default", "install", "sign-all", "smoke", "start", "verify"})
_BEHIND_PACKAGE = SUBMISSION_TASKS | {"package", _PACKAGE_ALL, "install-package", "smoke"}
_FIRST_WITH = {
    "before-build": "build-driver",
    "after-build": "rename",
    "before-sign": "sign-image",
    "after-sign": "sign",
}


def tasks_that_run(point: str) -> frozenset[str]:
    """Return the names of the generated tasks that run the hooks at `point`.

    Args:
        point: A key of `[makefile.hooks]`.
    """
    if point == "after-package":
        return _BEHIND_PACKAGE
    if point == "before-package":
        return _BEHIND_PACKAGE | {_MAKE_PACKAGE}
    steps = _STEPS[_STEPS.index(_FIRST_WITH[point]) :]
    return _BEHIND_SIGN.union(steps, _BEHIND_PACKAGE, {_MAKE_PACKAGE})


def generated_tasks(
    triples: Collection[str],
    modes: Collection[str],
    points: Collection[str],
    packing: Packing = Packing.NOTHING,
) -> frozenset[str]:
    """Return the names of the tasks that a configuration generates.

    Args:
        triples: The target triples.
        modes: `signing.mode` of every profile.
        points: The keys of `[makefile.hooks]` that name hooks.
        packing: What the configuration describes besides the image.
    """
    names = set(_ALWAYS)
    if packing >= Packing.PACKAGE:
        names |= PACKAGE_TASKS
        if "after-package" not in points:
            names.remove(_MAKE_PACKAGE)
    if packing >= Packing.SUBMISSION:
        names |= SUBMISSION_TASKS
    names.update(task for point, task in _WITH_HOOKS.items() if point in points)
    if "test" in modes:
        names |= _WITH_TEST_CERTIFICATE
    if len(triples) > 1:
        names |= _WITH_SEVERAL_TARGETS
    else:
        names -= {_PACKAGE_ALL, _SUBMISSION_ALL}
    return frozenset(names)


def missing(
    name: str,
    triples: Collection[str],
    modes: Collection[str],
    points: Collection[str],
    packing: Packing = Packing.NOTHING,
) -> Missing | None:
    """Return why a configuration does not generate the task `name`, or None if it does.

    Args:
        name: One of `ALL_TASKS`.
        triples: The target triples.
        modes: `signing.mode` of every profile.
        points: The keys of `[makefile.hooks]` that name hooks.
        packing: What the configuration describes besides the image.
    """
    if name in generated_tasks(triples, modes, points, packing):
        return None
    if name in PACKAGE_TASKS | SUBMISSION_TASKS and packing < Packing.PACKAGE:
        return Missing(
            "`[package]` does not describe a driver package",
            'add `[package]` with `kind = "device"` and `provider = "Your organization"`',
            (("package", "kind"),),
        )
    if name in SUBMISSION_TASKS and packing < Packing.SUBMISSION:
        return Missing(
            "`[package.submission]` is missing",
            'add `[package.submission]` with `name = "Your product"`',
            (("package", "submission"),),
        )
    for point, task in {**_WITH_HOOKS, "after-package": _MAKE_PACKAGE}.items():
        if name == task:
            instead = "package" if name == _MAKE_PACKAGE else name.removesuffix("-image")
            return Missing(
                f"`makefile.hooks.{point}` has no hook",
                f"use `{instead}` here",
                (("makefile", "hooks", point),),
            )
    if name in _WITH_TEST_CERTIFICATE:
        return Missing(
            "no profile signs with a test certificate",
            'remove it here, or set `mode = "test"` in `[signing]` or in a profile',
            (("signing", "mode"),),
        )
    return Missing(
        "`driver.targets` has only one target",
        f"use `{name.removesuffix('-all')}` here, or list several targets in `driver.targets`",
        (("driver", "targets"), ("driver", "target")),
    )
