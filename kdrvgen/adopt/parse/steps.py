"""What one command of a script does to a driver: build it, rename it, sign it and so on."""

from __future__ import annotations

import enum
import re
from collections.abc import Sequence
from dataclasses import dataclass

from kdrvgen.adopt.parse.batch import Command
from kdrvgen.adopt.parse.cargo_build import BUILD_COMMANDS
from kdrvgen.adopt.parse.located import Origin
from kdrvgen.adopt.parse.paths import beside, slashes
from kdrvgen.adopt.parse.signtool import parse_sign_command

__all__ = [
    "COPIES",
    "DELETES",
    "Action",
    "Step",
    "action_of",
    "folder_after",
    "is_image",
    "is_vcvars",
    "linked_image",
    "links_image",
    "may_sign_image",
    "moved",
    "signed_groups",
]


class Action(enum.Enum):
    """What one command does."""

    BUILD = enum.auto()
    RENAME = enum.auto()
    """Makes the .sys from the .dll."""
    CERTIFICATE = enum.auto()
    SIGN = enum.auto()
    DELETE = enum.auto()
    """Deletes an earlier .sys or its signature, which the generated pipeline replaces."""
    PACKAGE = enum.auto()
    """Makes the driver package: INF, catalog, and the folder of both."""
    DEPLOY = enum.auto()
    """Installs the package, or handles a service. Only reading a script needs it."""
    SETUP = enum.auto()
    """Changes the folder or the environment of the next commands: `cd`, `set`, vcvars."""
    PRINT = enum.auto()
    OTHER = enum.auto()


@dataclass(frozen=True, slots=True)
class Step:
    """A command of a task, and what it does.

    Attributes:
        action: What it does.
        words: Its words, expanded, without `call` and the like. The program's name has no folder.
        command: The command as the script has it.
        folder: Where it runs, relative to the project's folder; None if that is unknown.
        program: The program as the script has it.
        is_called: Whether it is in a script that the task calls.
    """

    action: Action
    words: tuple[str, ...]
    command: Command
    folder: str | None
    program: str = ""
    is_called: bool = False

    @property
    def origin(self) -> Origin:
        """Where the command is."""
        return self.command.origin


_CHANGES_FOLDER = frozenset({"cd", "chdir", "pushd", "set-location"})
COPIES = frozenset(
    {
        *("rename", "ren", "move", "mv", "copy", "cp", "xcopy"),
        *("rename-item", "move-item", "copy-item"),
    }
)
_LINKERS = frozenset({("link",), ("lld-link",), ("rust-lld",)})
"""Programs that copy or move files."""
DELETES = frozenset({"del", "erase", "rm", "remove-item"})
"""Programs that delete files."""
_INF_TOOLS = frozenset({"stampinf", "inf2cat", "infverif"})
_VARIABLE = re.compile(r"%\w+%|\$\{?[\w:]+\}?")
_ACTIONS = {
    **dict.fromkeys(("sc", "pnputil", "devcon"), Action.DEPLOY),
    **dict.fromkeys(("makecert", "new-selfsignedcertificate"), Action.CERTIFICATE),
    **dict.fromkeys((*_CHANGES_FOLDER, "popd", "set"), Action.SETUP),
    **dict.fromkeys(
        (
            *("echo", "echo.", "setlocal", "endlocal", "exit", "pause", "title", "cls"),
            *("write-host", "timeout"),
        ),
        Action.PRINT,
    ),
}


def action_of(words: Sequence[str], folder: str | None) -> Action:
    """Return what a command does.

    Args:
        words: Its words, with the bare name of the program in lower case.
        folder: Where it runs, relative to the project's folder.
    """
    name, arguments = words[0], [word.lower() for word in words[1:]]
    files = [word for word in arguments if not re.match(r"[-/]", word)]
    action = Action.SETUP if is_vcvars(name) else _ACTIONS.get(name, Action.OTHER)
    if name == "cargo" and _builds(arguments, folder):
        action = Action.BUILD
    elif name in COPIES and _makes_image(files):
        action = Action.RENAME
    elif _removes(name, arguments) and _are_images(files[name == "signtool" :]):
        action = Action.DELETE
    elif name == "rundll32" and "installhinfsection" in " ".join(arguments):
        action = Action.DEPLOY
    elif name in _INF_TOOLS or (name == "signtool" and _is_about_catalogs(arguments)):
        action = Action.PACKAGE
    elif name == "signtool" and arguments[:1] == ["sign"] and not _signs_other(files):
        action = Action.SIGN
    return action


def _is_variable(word: str) -> bool:
    """Return whether a word is a variable alone, which may have switches."""
    return _VARIABLE.fullmatch(word) is not None


def _is_about_catalogs(arguments: Sequence[str]) -> bool:
    """Return whether signtool signs or verifies only catalogs."""
    files = [file for file in parse_sign_command(arguments[1:]).files if not _is_variable(file)]
    is_catalog = bool(files) and all(file.endswith(".cat") for file in files)
    return arguments[:1] in (["sign"], ["verify"]) and is_catalog


def _builds(arguments: Sequence[str], folder: str | None) -> bool:
    subcommand = next((word for word in arguments if not word.startswith("+")), "")
    names_package = re.search(r" (-p|--package|--manifest-path)\b", " ".join(arguments))
    return subcommand in BUILD_COMMANDS and (folder == "" or names_package is not None)


def _are_images(files: Sequence[str]) -> bool:
    return bool(files) and all(map(is_image, files))


def _removes(name: str, arguments: Sequence[str]) -> bool:
    """Return whether a command deletes files, or their signatures."""
    return name in DELETES or (name == "signtool" and arguments[:1] == ["remove"])


def _makes_image(files: Sequence[str]) -> bool:
    match files:
        case [source, target, *_]:
            return source.endswith(".dll") and target.endswith(".sys")
    return False


_NO_IMAGE = re.compile(r"\.(exe|cat|msi|cab|ps1|cer)$", re.IGNORECASE)
_OTHER_SIGNED = re.compile(r"\.(exe|cat|dll|msi|cab|ps1|cer)$", re.IGNORECASE)


def _signs_other(files: Sequence[str]) -> bool:
    is_other = bool(files) and _OTHER_SIGNED.search(files[-1]) is not None
    return is_other and not any(map(is_image, files))


def is_image(word: str) -> bool:
    """Return whether an argument is the path of a driver in the kernel."""
    return word.lower().endswith(".sys")


def links_image(step: Step) -> bool:
    """Return whether a command is a linker that makes a .sys."""
    return step.words[:1] in _LINKERS and bool(linked_image(step))


def may_sign_image(step: Step) -> bool:
    """Return whether a command that is not known to sign the image signs a file that may be it."""
    if step.action is not Action.OTHER or step.words[:2] != ("signtool", "sign"):
        return False
    files = parse_sign_command(step.words[2:]).files
    return any(not _NO_IMAGE.search(file) and not _is_variable(file) for file in files)


def linked_image(step: Step) -> str:
    """Return the .sys that a linker makes, or ""."""
    outputs = (word[5:] for word in step.words if word[:5].lower() in {"/out:", "-out:"})
    return next((each for each in outputs if each.lower().endswith(".sys")), "")


def signed_groups(words: Sequence[str]) -> list[list[str]]:
    """Return the files of one call of `signtool sign`: images, catalogs, and the others.

    Returns:
        Empty if the call signs files of one kind only.
    """
    files = parse_sign_command(words[2:]).files if words[:2] == ("signtool", "sign") else ()
    groups: dict[str, list[str]] = {"image": [], "catalog": [], "": []}
    for file in (each for each in files if not _is_variable(each)):
        is_catalog = file.lower().endswith(".cat")
        groups["image" if is_image(file) else "catalog" if is_catalog else ""].append(file)
    kinds = [group for group in groups.values() if group]
    return kinds if len(kinds) > 1 else []


def is_vcvars(name: str) -> bool:
    """Return whether a script sets up the developer environment of Visual Studio."""
    return re.match(r"vc(vars|varsall)|vsdevcmd|launchbuildenv|setupbuildenv", name) is not None


def folder_after(step: Step, folder: str | None, stack: list[str | None]) -> str | None:
    """Return where the next command of the script runs.

    Args:
        step: The command before.
        folder: Where that command runs.
        stack: The folders that `pushd` keeps; this function changes it.
    """
    name, *arguments = step.words or ("",)
    if name == "popd":
        return stack.pop() if stack else folder
    if name not in _CHANGES_FOLDER:
        return folder
    if name == "pushd":
        stack.append(folder)
    target = next((word for word in arguments if word.lower() != "/d"), None)
    return folder if target is None else moved(folder, target)


def moved(folder: str | None, path: str) -> str | None:
    """Return the folder that `cd PATH` changes to; None if that is unknown."""
    path = slashes(path)
    if folder is None or "%" in path or "$" in path or re.match(r"/|[A-Za-z]:", path):
        return None
    target = beside(f"{folder}/x" if folder else "x", path)
    return "" if target == "." else target
