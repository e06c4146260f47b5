"""The tasks that kdrvgen generates, and what a configuration must say for each of them."""

from collections.abc import Collection
from typing import NamedTuple, get_args

from kdrvgen.model.base import Path
from kdrvgen.model.driver import Target

__all__ = ["GENERATED_TASKS", "Missing", "architecture", "generated_tasks", "missing"]


def architecture(triple: str) -> str:
    """Return the first part of a target triple: `x86_64`."""
    return triple.partition("-")[0]


_ALWAYS = frozenset(
    {"build-driver", "clean-driver", "default", "find-kit-tool", "install", "rename", "service"}
    | {"sign", "smoke", "start", "stop", "uninstall", "verify"}
)
_WITH_TEST_CERTIFICATE = frozenset({"certificate", "clean-cert", "trust-certificate"})
_WITH_SEVERAL_TARGETS = frozenset({"sign-all"})
_OF_TARGETS = frozenset(f"sign-{architecture(triple)}" for triple in get_args(Target))

GENERATED_TASKS = _ALWAYS | _WITH_TEST_CERTIFICATE | _WITH_SEVERAL_TARGETS | _OF_TARGETS
"""Names of all tasks that kdrvgen generates in any configuration. Own tasks cannot have them."""


class Missing(NamedTuple):
    """Why a configuration does not generate a task.

    Attributes:
        reason: What the configuration says instead.
        hint: What to do.
        keys: The keys that decide.
    """

    reason: str
    hint: str
    keys: tuple[Path, ...]


def generated_tasks(triples: Collection[str], modes: Collection[str]) -> frozenset[str]:
    """Return the names of the tasks that a configuration generates.

    Args:
        triples: The target triples.
        modes: `signing.mode` of every profile.
    """
    names = set(_ALWAYS)
    if "test" in modes:
        names |= _WITH_TEST_CERTIFICATE
    if len(triples) > 1:
        names |= _WITH_SEVERAL_TARGETS | {f"sign-{architecture(triple)}" for triple in triples}
    return frozenset(names)


def missing(name: str, triples: Collection[str], modes: Collection[str]) -> Missing | None:
    """Return why a configuration does not generate the task `name`, or None if it does.

    Args:
        name: One of `GENERATED_TASKS`.
        triples: The target triples.
        modes: `signing.mode` of every profile.
    """
    if name in generated_tasks(triples, modes):
        return None
    if name in _WITH_TEST_CERTIFICATE:
        return Missing(
            "no profile signs with a test certificate",
            'remove it here, or set `mode = "test"` in `[signing]` or in a profile',
            (("signing", "mode"),),
        )
    if len(triples) > 1:
        return Missing(
            f"the targets are {', '.join(triples)}",
            "remove it here, or add its target to `driver.targets`",
            (("driver", "targets"),),
        )
    return Missing(
        "there is only one target",
        "use `sign` here, or list several targets in `driver.targets`",
        (("driver", "targets"), ("driver", "target")),
    )
