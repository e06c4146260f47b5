"""Where tasks use the image or the package, which the generated pipeline writes elsewhere."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from kdrvgen.adopt.parse.located import Origin
from kdrvgen.adopt.parse.paths import joined, slashes
from kdrvgen.adopt.parse.steps import Step
from kdrvgen.adopt.parse.variables import expand_batch, expand_cargo_make, task_environment
from kdrvgen.adopt.read.facts import Facts

__all__ = ["ImageReferences", "output_folder"]

_WORD = re.compile(r"[^\s\"'|&<>()=;,]+")
_IS_PATH = re.compile(r"[\\/.%$]")
_SWITCH = re.compile(r"[-/]\w+:")
_CARGO_FOLDER = re.compile(r"(^|.*/)target/([^/]+/)?(debug|release)$")
# Files of other crates, which stay in cargo's own folder.
_OF_CARGO = re.compile(r"\.(exe|dll|lib|rlib|d|json|rs|toml|bat|cmd|ps1)$", re.IGNORECASE)
_CARGOS = "CARGO_MAKE_CRATE_TARGET_DIRECTORY"
_MARK = "\0"
_OF_PACKAGE = re.compile(r"\.(inf|cat)$", re.IGNORECASE)
_FOLDERS = frozenset({"DRIVER_OUTPUT", "DRIVER_PACKAGE"})
_MKDIR = 2  # words of a plain `mkdir FOLDER`
_MAX_PARTS = 8


def output_folder(facts: Facts) -> tuple[str, Origin] | None:
    """Return the folder of the image for `driver.output-dir`, if the project has its own one.

    It is the same in all profiles, and neither cargo's nor outside the project.
    """
    images = [profile.image for profile in facts.pipeline.profiles if profile.image]
    folders = {posixpath.dirname(image.text) for image in images}
    if len(folders) != 1 or not all(profile.is_placed for profile in facts.pipeline.profiles):
        return None
    folder = folders.pop()
    triples = [each.text for each in facts.triples]
    for triple in triples:
        folder = folder.replace(f"/{triple}", "/{target}")
    is_inside = folder and not re.search(r"^\.\.|^/|^[A-Za-z]:|[%$!*?]|\.sys(/|$)", folder)
    is_cargos = folder.split("/")[0] == "target"
    is_package = facts.pipeline.package and folder.lower() in facts.pipeline.package.folders
    if not is_inside or is_cargos or is_package or (len(triples) > 1 and "{target}" not in folder):
        return None
    return folder, images[0].origin


@dataclass(frozen=True)
class _Place:
    """Where the image is in one profile, and the variables there."""

    image: str
    values: dict[str, str]
    marked: dict[str, str]
    """The variables with a mark in place of cargo's folder, whose path is absolute."""

    @property
    def folder(self) -> str:
        return posixpath.dirname(self.image)


class ImageReferences:
    """Rewrites paths of the project's image to the variables of the generated pipeline.

    A reference is rewritten only if it leads to the image's folder in every profile.
    """

    def __init__(self, facts: Facts) -> None:
        package = facts.manifest.name.text if facts.manifest.name else ""
        self.count = 0
        self._known: dict[tuple[str, str | None], tuple[str, str, str] | None] = {}
        self.places: list[_Place] = []
        for profile in facts.pipeline.profiles:
            is_known = profile.image and not re.search(r"[%$]", profile.image.text)
            is_known = is_known and profile.is_placed
            if is_known or facts.pipeline.package:
                values = facts.makefile.values(profile.name)
                variables = task_environment(package, profile.name, values)
                marked = task_environment(package, profile.name, {**values, _CARGOS: _MARK})
                image = profile.image.text if is_known and profile.image else ""
                self.places.append(_Place(image, variables, marked))
        self.folders = {place.folder for place in self.places}
        made = facts.pipeline.package
        self.package_folders = made.folders if made else frozenset()
        names = "|".join(re.escape(each) for each in self.package_folders if "/" not in each)
        self._bare = re.compile(rf"(?<![\w./\\-])({names or '(?!)'})(?![\w./\\-])", re.IGNORECASE)
        library = re.escape(facts.manifest.library.text)
        is_wdk_build = made and facts.makefile.wdk
        self.of_wdk_build = re.compile(
            rf"(.*/)?target/([^/]+/)?(debug|release)/{library}_package" if is_wdk_build else "(?!)",
            re.IGNORECASE,
        )
        self.is_kept = output_folder(facts) is not None

    def makes_folder(self, step: Step) -> bool:
        """Return whether a command only makes the image's folder, as the pipeline does itself."""
        if step.words[:1] not in {("mkdir",), ("md",)} or len(step.words) != _MKDIR:
            return False
        return joined(step.folder, step.words[1]) in self.folders

    def old_folder_in(self, script: str) -> str:
        """Return a folder of the image or package that a script names, and that moves; or ""."""
        images = {place.folder for place in self.places if place.folder and not self.is_kept}
        text = slashes(script).lower()
        for folder in sorted(images | self.package_folders):
            if re.search(rf"(?<![\w.-]){re.escape(folder.lower())}/", text):
                return folder
        return ""

    def in_line(self, line: str, folder: str | None) -> str:
        """Return a line of a batch script, which runs in a folder, with other paths."""
        is_other = not self.places or not (_IS_PATH.search(line) or self._bare.search(line))
        if is_other or re.match(r"\s*(cd|chdir|pushd)\b", line):
            return line
        pieces: list[str] = []
        begin = len(line) - len(line.lstrip())
        position = quotes = 0
        for match in _WORD.finditer(line):
            quotes += line.count('"', position, match.start())
            is_command = match.start() == begin and not _IS_PATH.search(match[0])
            new = None if is_command else self._path(match[0], folder)
            pieces.append(line[position : match.start()])
            if new is None:
                pieces.append(match[0])
            else:
                self.count += 1
                switch, variable, rest = new
                path = f"%{variable}:/=\\%{rest}"  # cmd takes `/` as the begin of a switch
                pieces.append(switch + (path if quotes % 2 else f'"{path}"'))
            position = match.end()
        return "".join([*pieces, line[position:]])

    def in_word(self, word: str) -> str:
        """Return an argument of a command, which cargo-make runs, with another path."""
        new = self._path(word, "") if self.places else None
        if new is None:
            return word
        self.count += 1
        switch, variable, rest = new
        return f"{switch}${{{variable}}}{slashes(rest)}"

    def _path(self, word: str, folder: str | None) -> tuple[str, str, str] | None:
        """Return the switch before a path, the variable for its begin, and the rest of it."""
        if (word, folder) not in self._known:
            self._known[word, folder] = self._found(word, folder)
        return self._known[word, folder]

    def _found(self, word: str, folder: str | None) -> tuple[str, str, str] | None:
        if not (_IS_PATH.search(word) or self._bare.fullmatch(word)):
            return None
        switch = match[0] if (match := _SWITCH.match(word)) else ""
        raw = word[len(switch) :]
        for path, rest in _cuts(raw):
            targets = [self._target(path, rest, folder, place) for place in self.places]
            if targets[0] and len(set(targets)) == 1:
                return switch, targets[0], rest if targets[0] in _FOLDERS else ""
        return None

    def _target(self, path: str, rest: str, folder: str | None, place: _Place) -> str | None:
        """Return the variable for a path in one profile."""
        expanded = expand_cargo_make(expand_batch(path, place.values), place.values)
        if folder is None and not expand_batch(path, place.marked).startswith(_MARK):
            return None  # relative to an unknown folder
        full = joined(folder, expanded).lower()
        if variable := self._of_package(full, rest, place):
            return variable
        return None if re.search(r"[%$]", full) else self._of_image(full, rest, place)

    def _of_package(self, full: str, rest: str, place: _Place) -> str | None:
        is_apart = full in self.package_folders and full != place.folder.lower()
        is_in_it = full in self.package_folders and _OF_PACKAGE.search(rest)
        if is_apart or is_in_it or self.of_wdk_build.fullmatch(full):
            return "DRIVER_PACKAGE"
        return None

    def _of_image(self, full: str, rest: str, place: _Place) -> str | None:
        if self.is_kept or not place.image:
            return None
        if not rest:
            stem = posixpath.splitext(place.image)[0].lower()
            known = {place.image.lower(): "DRIVER_PATH", f"{stem}.pdb": "DRIVER_PDB"}
            if full in known:
                return known[full]
        is_cargos = _CARGO_FOLDER.match(place.folder) is not None
        if full != place.folder.lower() or not full or full == ".":
            return None
        if is_cargos and (_OF_CARGO.search(rest) or not rest):
            return None
        return "DRIVER_OUTPUT"


def _cuts(path: str) -> Iterator[tuple[str, str]]:
    """Yield a path whole, and then cut before each of its separators, the last one first."""
    yield path, ""
    places = [match.start() for match in re.finditer(r"[\\/]", path)][-_MAX_PARTS:]
    for place in reversed(places):
        if place:
            yield path[:place], path[place:]
