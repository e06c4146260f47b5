"""The tasks that kdrvgen generates, and the settings that each of them needs."""

from collections.abc import Collection
from typing import NamedTuple

from kdrvgen.model.base import Path

__all__ = ["GENERATED_TASKS", "Missing", "generated_tasks", "missing", "tasks_that_run"]


_ALWAYS = frozenset(
    {"build-driver", "clean-driver", "default", "install", "pipeline", "rename", "sign", "smoke"}
    | {"start", "stop", "uninstall", "verify", "windows"}
)
_WITH_TEST_CERTIFICATE = frozenset({"certificate", "clean-cert", "trust-certificate"})
_WITH_SEVERAL_TARGETS = frozenset({"sign-all"})
# If hooks follow its step, a task depends on a task that does the step, and on the hooks.
_WITH_HOOKS = {"after-build": "rename-image", "after-sign": "sign-image"}

GENERATED_TASKS = (
    _ALWAYS | _WITH_TEST_CERTIFICATE | _WITH_SEVERAL_TARGETS | frozenset(_WITH_HOOKS.values())
)
"""The names of all tasks that kdrvgen can generate. The user's tasks cannot have them."""


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
    return _BEHIND_SIGN.union(_STEPS[_STEPS.index(_FIRST_WITH[point]) :])


def generated_tasks(
    triples: Collection[str], modes: Collection[str], points: Collection[str]
) -> frozenset[str]:
    """Return the names of the tasks that a configuration generates.

    Args:
        triples: The target triples.
        modes: `signing.mode` of every profile.
        points: The keys of `[makefile.hooks]` that name hooks.
    """
    names = set(_ALWAYS)
    names.update(task for point, task in _WITH_HOOKS.items() if point in points)
    if "test" in modes:
        names |= _WITH_TEST_CERTIFICATE
    if len(triples) > 1:
        names |= _WITH_SEVERAL_TARGETS
    return frozenset(names)


def missing(
    name: str, triples: Collection[str], modes: Collection[str], points: Collection[str]
) -> Missing | None:
    """Return why a configuration does not generate the task `name`, or None if it does.

    Args:
        name: One of `GENERATED_TASKS`.
        triples: The target triples.
        modes: `signing.mode` of every profile.
        points: The keys of `[makefile.hooks]` that name hooks.
    """
    if name in generated_tasks(triples, modes, points):
        return None
    for point, task in _WITH_HOOKS.items():
        if name == task:
            return Missing(
                f"`makefile.hooks.{point}` has no hook",
                f"use `{name.removesuffix('-image')}` here",
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
        "use `sign` here, or list several targets in `driver.targets`",
        (("driver", "targets"), ("driver", "target")),
    )
