"""The tasks that install the driver package on this machine, or remove it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kdrvgen.adopt.parse.located import Located, Origin
from kdrvgen.adopt.parse.paths import joined
from kdrvgen.adopt.parse.steps import Action, Step
from kdrvgen.adopt.read.make_task import MakeTask
from kdrvgen.adopt.read.service import PLAIN_KEYS, keep_closed

__all__ = ["INSTALL_TASKS", "Installation", "find_installation"]

INSTALL_TASKS = frozenset({"install-package", "uninstall-package"})
"""The generated tasks that install and remove the package."""

_OEM = re.compile(r"oem\d+\.inf", re.ASCII)
# Switches of pnputil, also those of before Windows 10 version 1607. Source: Learn, "PnPUtil Command
# Syntax".
_ADDS = frozenset({"/add-driver", "-a"})
_INSTALLING = ({"/install"}, {"-i"})
_DELETES = frozenset({"/delete-driver", "-d"})
_DELETE_OPTIONS = frozenset({"/uninstall", "/force", "-f"})


@dataclass(frozen=True, slots=True)
class Installation:
    """The tasks that only install or remove the package.

    Attributes:
        tasks: Each task with the generated task that replaces it.
        origin: Where the first of them is.
        numbers: The names of INF files that Windows gave on one machine, such as `oem5.inf`.
    """

    tasks: Mapping[str, str]
    origin: Origin
    numbers: Sequence[Located] = ()


def find_installation(
    tasks: Mapping[str, MakeTask],
    steps: Mapping[str, Sequence[Step]],
    roles: Mapping[str, str],
    inf: str,
) -> Installation | None:
    """Find the tasks that install the package of an INF, or remove it.

    Args:
        tasks: All tasks.
        steps: The commands of each task.
        roles: The tasks that make the driver or its package.
        inf: The name of the INF in the package.
    """
    found: dict[str, str] = {}
    for name, task in tasks.items():
        work = [step for step in steps[name] if step.action is not Action.PRINT]
        kinds = {_task_for(step, inf.lower()) for step in work}
        if name not in roles and len(kinds) == 1 and task.keys.keys() <= PLAIN_KEYS:
            found[name] = kinds.pop()
    found = {name: kind for name, kind in found.items() if kind}
    keep_closed(found, tasks, roles)
    numbers = [
        Located(word, step.origin)
        for name in found
        for step in steps[name]
        for word in step.words
        if _OEM.fullmatch(word.lower())
    ]
    origin = tasks[next(iter(found))].origin if found else None
    return Installation(found, origin, numbers) if origin else None


def _task_for(step: Step, inf: str) -> str:
    """Return the generated task for a command; "" if there is none."""
    if step.command.condition or step.command.operator not in {"", "&", "&&"}:
        return ""
    program, *arguments = (word.lower() for word in step.words or ("",))
    files = [posixpath.basename(joined(None, each)) for each in arguments if ".inf" in each]
    is_own = files == [inf]
    switches = {each for each in arguments if each[:1] in {"/", "-"}}
    if program == "pnputil":
        if is_own and switches & _ADDS and switches - _ADDS in _INSTALLING:
            return "install-package"
        is_number = len(files) == 1 and _OEM.fullmatch(files[0]) is not None
        rest = switches - _DELETES
        if (is_own or is_number) and rest < switches and rest <= _DELETE_OPTIONS:
            return "uninstall-package"
    elif program == "devcon" and arguments[:1] in (["install"], ["update"]):
        return "install-package" if is_own else ""
    elif program == "rundll32" and is_own:
        return _section(arguments)
    return ""


def _section(arguments: Sequence[str]) -> str:
    """Return the generated task for a section that `InstallHinfSection` installs."""
    match [re.sub(r".*,", "", word) for word in arguments]:
        case ["installhinfsection", "defaultinstall", *_]:
            return "install-package"
        case ["installhinfsection", "defaultuninstall", *_]:
            return "uninstall-package"
    return ""
