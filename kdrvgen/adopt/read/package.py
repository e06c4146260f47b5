"""The driver package: the INF that tasks stamp, the catalog, and the files that they put beside."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from kdrvgen.adopt.parse.inf_tools import parse_inf2cat, parse_stampinf
from kdrvgen.adopt.parse.located import Located, Origin
from kdrvgen.adopt.parse.paths import joined
from kdrvgen.adopt.parse.signtool import SignCommand, parse_sign_command
from kdrvgen.adopt.parse.steps import COPIES, DELETES, Action, Step
from kdrvgen.adopt.parse.switches import ToolCall

__all__ = ["Package", "ToolUse", "find_package", "without_package"]

_FOLDER_MAKERS = frozenset({"mkdir", "md", "new-item"})
_FOLDER_REMOVERS = frozenset({"rmdir", "rd", *DELETES})
_PLAIN = re.compile(r"[\w./ -]+", re.ASCII)
_INF = re.compile(r"\.in[fx]$", re.IGNORECASE)
# What `kdrvgen package` puts into each package by itself.
_OWN_FILES = re.compile(r"\.(sys|dll|inf|inx|cat|pdb|map|cer)$", re.IGNORECASE)
_MAKING = frozenset({Action.BUILD, Action.RENAME, Action.CERTIFICATE, Action.SIGN})
_COPY = 2  # words of a plain copy: a source and a target


class ToolUse(NamedTuple):
    """A call of a tool, and where it is."""

    call: ToolCall
    origin: Origin


@dataclass(frozen=True, slots=True)
class Package:
    """The driver package that tasks make.

    Attributes:
        inx: The INF that they stamp, in the project's folder.
        inf: The name of the INF in the package.
        stamp: The call of stampinf, if there is one.
        catalogs: The calls of inf2cat.
        checks: The calls of infverif.
        signature: The call of signtool for the catalog, if there is one.
        folders: The folders that become the package.
        extra_files: Other files of the project that they copy into it.
        tasks: The tasks that only make the package. Others do it after they made the driver.
        other_profiles: The profiles that make it with other arguments than development.
    """

    inx: Located
    inf: str
    stamp: ToolUse | None = None
    catalogs: Sequence[ToolUse] = ()
    checks: Sequence[ToolUse] = ()
    signature: tuple[SignCommand, Origin] | None = None
    folders: frozenset[str] = frozenset()
    extra_files: Sequence[Located] = field(default_factory=list)
    tasks: frozenset[str] = frozenset()
    other_profiles: Sequence[Located] = ()


def find_package(
    steps: Mapping[str, Sequence[Step]], stems: frozenset[str], inx: Located | None
) -> tuple[Package | None, dict[str, list[Step]]]:
    """Find the package, and mark the commands that make it.

    Args:
        steps: The commands of each task.
        stems: The names of the image, the library and so on in lower case, without endings.
        inx: An INF that a tool stamps whose commands are not in the project, if there is one.

    Returns:
        None if no command shows which INF of the project it is; then no command is marked.
    """
    every = [step for each in steps.values() for step in each if step.words]
    stamps = [step for step in every if step.words[0] == "stampinf"]
    catalogs = [step for step in every if step.words[0] == "inf2cat"]
    folders = frozenset(_folders(every, stamps, catalogs))
    inx = next(_stamped(every, stamps), None) or inx or _unstamped(every, catalogs, folders)
    if inx is None:
        return None, without_package(steps)
    names = [parse_stampinf(step.words[1:]).value("f") for step in stamps[:1]]
    inf = re.sub(r"(?i)\.inx$", ".inf", posixpath.basename(joined(None, (*names, inx.text)[0])))
    finder = _Finder(inx, inf, folders, stems | {_stem(inf), _stem(inx.text)})
    marked = {name: finder.marked(each) for name, each in steps.items()}
    signed = (step for step in every if _signs(step))
    only_package = frozenset(
        name
        for name, each in marked.items()
        if (actions := {step.action for step in each}) & {Action.PACKAGE} and not actions & _MAKING
    )
    return Package(
        inx=inx,
        inf=inf,
        stamp=next((ToolUse(parse_stampinf(each.words[1:]), each.origin) for each in stamps), None),
        catalogs=[ToolUse(parse_inf2cat(each.words[1:]), each.origin) for each in catalogs],
        checks=[
            ToolUse(parse_inf2cat(each.words[1:]), each.origin)
            for each in every
            if each.words[0] == "infverif"
        ],
        signature=next(
            ((parse_sign_command(each.words[2:]), each.origin) for each in signed), None
        ),
        folders=folders,
        extra_files=[Located(path, origin) for path, origin in finder.extra.items()],
        tasks=only_package,
    ), marked


def without_package(steps: Mapping[str, Sequence[Step]]) -> dict[str, list[Step]]:
    """Return the steps with none of them a step of making the package."""
    return {
        name: [
            replace(step, action=Action.OTHER) if step.action is Action.PACKAGE else step
            for step in each
        ]
        for name, each in steps.items()
    }


def _signs(step: Step) -> bool:
    return step.action is Action.PACKAGE and step.words[:2] == ("signtool", "sign")


def _folders(
    every: Sequence[Step], stamps: Sequence[Step], catalogs: Sequence[Step]
) -> Iterator[str]:
    """Yield the folders of the package, but not the project's own."""
    named = [
        joined(step.folder, call.value("driver") or call.value("drv"))
        for step in catalogs
        for call in [parse_inf2cat(step.words[1:])]
    ]
    if not named:
        files = [(step, parse_stampinf(step.words[1:]).value("f")) for step in stamps]
        files += [
            (step, name)
            for step in every
            if _signs(step)
            for name in parse_sign_command(step.words[2:]).files
        ]
        named = [posixpath.dirname(joined(step.folder, name)) for step, name in files]
    yield from (each.lower() for each in named if each not in {"", "."})


def _stamped(every: Sequence[Step], stamps: Sequence[Step]) -> Iterator[Located]:
    """Yield the INF files that stampinf changes: the source of a copy to its name, if any.

    Only a file of the project's own folder can be the source.
    """
    copies = {
        posixpath.basename(joined(None, target)).lower(): (step, sources[-1])
        for step in every
        if (parts := _copied(step))
        for sources, target in [parts]
    }
    for step in stamps:
        name = parse_stampinf(step.words[1:]).value("f")
        copier, source = copies.get(posixpath.basename(joined(None, name)).lower(), (step, name))
        path = joined(copier.folder, source)
        if _PLAIN.fullmatch(path) and _INF.search(path) and not path.startswith(".."):
            yield Located(path, step.origin)


def _unstamped(
    every: Sequence[Step], catalogs: Sequence[Step], folders: frozenset[str]
) -> Located | None:
    """Return the INF that a command copies into the folder of the catalog as it is."""
    for step in every if catalogs else ():
        sources, target = _copied(step) or ((), "")
        place = joined(step.folder, target).lower()
        for source in sources:
            path = joined(step.folder, source)
            is_there = {place, posixpath.dirname(place)} & folders
            if is_there and _INF.search(path) and _PLAIN.fullmatch(path) and ".." not in path:
                return Located(path, step.origin)
    return None


def _copied(step: Step) -> tuple[tuple[str, ...], str] | None:
    """Return the sources and the target of a command that copies."""
    files = tuple(word for word in step.words[1:] if not re.match(r"[-/]\w*$|/\w+:", word))
    if step.words[0] not in COPIES or len(files) < _COPY:
        return None
    return files[:-1], files[-1]


def _stem(path: str) -> str:
    return posixpath.splitext(posixpath.basename(path))[0].lower()


class _Finder:
    """Marks the commands that make the package, and collects the other files in it."""

    def __init__(
        self, inx: Located, inf: str, folders: frozenset[str], stems: frozenset[str]
    ) -> None:
        self.inx = inx
        self.inf = inf.lower()
        self.folders = folders
        self.stems = stems
        self.extra: dict[str, Origin] = {}

    def marked(self, steps: Sequence[Step]) -> list[Step]:
        """Return the steps of a task, with the action of those that make the package.

        A task that only makes or deletes its folder does not.
        """
        result = [self._marked(step) for step in steps]
        makes = (step for step in result if step.action is Action.PACKAGE)
        is_maker = any(step.words[0] not in _FOLDER_MAKERS | _FOLDER_REMOVERS for step in makes)
        return result if is_maker else list(steps)

    def _marked(self, step: Step) -> Step:
        is_other = step.action in {Action.OTHER, Action.DELETE} and step.words
        if not is_other or "for" in step.command.condition:
            return step
        return replace(step, action=Action.PACKAGE) if self._makes(step) else step

    def _makes(self, step: Step) -> bool:
        places = [self._place(step, word) for word in step.words[1:] if not _is_switch(word)]
        if step.words[0] in _FOLDER_MAKERS:
            return bool(self.folders.intersection(places))
        if step.words[0] in _FOLDER_REMOVERS:
            return bool(places) and all(self._is_inside(place) for place in places)
        sources, target = _copied(step) or ((), "")
        return bool(sources) and self._copies(step, sources, self._place(step, target))

    def _copies(self, step: Step, sources: Sequence[str], into: str) -> bool:
        """Return whether a command copies files into the package, and collect the others."""
        if len(sources) == 1 and joined(step.folder, sources[0]) == self.inx.text:
            return posixpath.basename(into) == self.inf or into in self.folders
        paths = [joined(step.folder, each) for each in sources if not self._is_own(each)]
        if not self._is_inside(into) or not all(map(_is_plain, paths)):
            return False
        self.extra |= {path: step.origin for path in paths if path not in self.extra}
        return True

    def _is_inside(self, path: str) -> bool:
        return bool({path, posixpath.dirname(path)} & self.folders)

    def _is_own(self, path: str) -> bool:
        found = _OWN_FILES.search(path)
        is_certificate = path.lower().endswith(".cer")
        return found is not None and (is_certificate or _stem(joined(None, path)) in self.stems)

    @staticmethod
    def _place(step: Step, word: str) -> str:
        return joined(step.folder, word).lower()


def _is_switch(word: str) -> bool:
    return re.match(r"[-/]\w*$", word) is not None


def _is_plain(path: str) -> bool:
    """Return whether a path can be one of `package.extra-files`."""
    return bool(_PLAIN.fullmatch(path)) and not path.startswith(("..", "/"))
