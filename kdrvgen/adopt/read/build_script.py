"""build.rs: what it prints for cargo, how it finds a kit, and what else it does. It is not run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from kdrvgen.adopt.parse.build_script import Instruction, calls, instructions, side_effects
from kdrvgen.adopt.parse.located import Located, Origin
from kdrvgen.adopt.parse.paths import slashes
from kdrvgen.adopt.parse.rust import Function, parse_functions
from kdrvgen.adopt.read.findings import DIFFERENCE, difference, equivalent, hazard, unknown
from kdrvgen.adopt.read.manifest import Manifest
from kdrvgen.adopt.read.snapshot import Snapshot
from kdrvgen.report.finding import Finding

__all__ = ["BuildScript", "read_build_script"]

_MAX_LENGTH = 100_000
_USE = re.compile(r"^\s*(?:pub\s+)?use\s+(?:::)?(\w+)::([^;]{1,2000});", re.MULTILINE)
_IMPORTED = re.compile(r"(\w+)(?:\s+as\s+(\w+))?\s*(?=[,}]|$)")
_WDK_MODEL = re.compile(r"\bDriverConfig::(WDM|KMDF|UMDF)(?:Config)?\b", re.IGNORECASE)
_LIBRARY_BUILD = re.compile(r"\bconfigure_(?:wdk_)?library_build\w*")
_KIT_PATH = re.compile(
    r"(.*[\\/]Windows Kits[\\/]10)[\\/]lib[\\/](10\.[\d.]+)[\\/]km[\\/]", re.IGNORECASE
)
_KIT_ROOT = re.compile(r"([A-Za-z]:.*[\\/]Windows Kits[\\/]10)[\\/]?", re.IGNORECASE)
_ARGUMENT_KEYS = frozenset({"rustc-link-arg", "rustc-link-arg-cdylib", "rustc-cdylib-link-arg"})
_ENVIRONMENT = frozenset({"set_var", "remove_var"})
_NEUTRAL_KEYS = frozenset({"rerun-if-changed", "rerun-if-env-changed", "warning"})

_Functions: TypeAlias = Mapping[str, Sequence[Function]]


@dataclass(frozen=True, slots=True)
class BuildScript:
    """What build.rs does.

    Attributes:
        arguments: Linker arguments.
        libraries: Libraries that it links.
        registry: Where it looks for the kit in the registry.
        environment: Where it looks for the kit in the environment.
        kit: The root of a kit with a fixed path.
        kit_version: The version of that kit, if that is fixed too.
        wdk: Where it calls Microsoft's wdk-build.
        wdk_model: The driver model that it passes to wdk-build.
        is_unread: Whether it exists and could not be read.
        own_steps: Where it does something that the generated build.rs does not do.
    """

    arguments: tuple[Located, ...] = ()
    libraries: tuple[Located, ...] = ()
    registry: Origin | None = None
    environment: Origin | None = None
    kit: Located | None = None
    kit_version: Located | None = None
    wdk: Origin | None = None
    wdk_model: Located | None = None
    is_unread: bool = False
    own_steps: tuple[Origin, ...] = ()


def read_build_script(snapshot: Snapshot, manifest: Manifest) -> tuple[BuildScript, list[Finding]]:
    """Read the build script, and the library crates of the project that it calls."""
    path = manifest.script
    if path is None:
        return BuildScript(), []
    if path in snapshot.unreadable:
        return BuildScript(is_unread=True), [unknown(Origin(path), snapshot.unreadable[path])]
    if len(snapshot.files[path]) > _MAX_LENGTH:
        message = (
            f"the file is longer than {_MAX_LENGTH:,} characters, and kdrvgen does not read it"
        )
        return BuildScript(is_unread=True), [unknown(Origin(path), message)]
    return _Reader(snapshot, manifest).read(path)


class _Reader:
    def __init__(self, snapshot: Snapshot, manifest: Manifest) -> None:
        self.snapshot = snapshot
        self.helpers = manifest.helpers
        self.script = BuildScript()
        self.findings: list[Finding] = []
        self.actions: dict[str, dict[str, list[Origin]]] = {}
        self.computed_searches: list[Origin] = []
        self.textual_versions: list[Origin] = []
        self.wdk_build_names: set[str] = set()
        self.imports: dict[str, tuple[str, str]] = {}

    def read(self, path: str) -> tuple[BuildScript, list[Finding]]:
        source = self.snapshot.files[path]
        crates: dict[str, _Functions] = {
            crate: parse_functions(file, self.snapshot.files[file])
            for crate, file in self.helpers.items()
            if len(self.snapshot.files[file]) <= _MAX_LENGTH
        }
        crates[""] = parse_functions(path, source)
        for crate, imported in _USE.findall(source):
            if crate == "wdk_build":
                self.wdk_build_names |= set(re.findall(r"\w+", imported))
            elif crate in crates:
                names = _IMPORTED.findall(imported)
                self.imports |= {alias or name: (crate, name) for name, alias in names}
                if re.search(r"\*\s*}?\s*$", imported):
                    self.imports |= {name: (crate, name) for name in crates[crate]}
        mains = crates[""].get("main", ())
        if len(mains) != 1:
            self.findings.append(_no_single_main(path, mains))
            return BuildScript(is_unread=True), self.findings
        self._follow(crates)
        script = self.script
        self.findings += map(_own_steps, self.actions.values())
        self.findings += [
            _textual_version(origin, is_avoided=not (script.wdk and script.own_steps))
            for origin in self.textual_versions
        ]
        if script.wdk or not (script.registry or script.environment or script.kit):
            self.findings += [
                unknown(
                    origin,
                    "the script computes a folder for the linker at run time",
                    "`linker.args` accepts a fixed folder as /LIBPATH:FOLDER",
                )
                for origin in self.computed_searches
            ]
        return self.script, self.findings

    def _follow(self, crates: Mapping[str, _Functions]) -> None:
        """Read `main` and the functions that it calls."""
        waiting, done = [("", "main")], set()
        while waiting:
            crate, name = waiting.pop(0)
            if (crate, name) in done:
                continue
            done.add((crate, name))
            for function in crates[crate].get(name, ()):
                self._kits(function)
                for instruction in instructions(function):
                    self._instruction(instruction)
                waiting += self._calls(function, crate, crates)

    def _instruction(self, instruction: Instruction) -> None:
        key, origin = instruction.key, instruction.origin
        if key in _ARGUMENT_KEYS or key == "rustc-link-lib":
            self._linked(instruction)
        elif key == "rustc-link-search":
            self._search(instruction.value, origin)
        elif key not in _NEUTRAL_KEYS:
            self._other(origin, f"prints `cargo:{key}`")

    def _linked(self, instruction: Instruction) -> None:
        key, origin = instruction.key, instruction.origin
        if instruction.is_conditional or not instruction.values:
            why = (
                "is under a condition" if instruction.is_conditional else "is computed at run time"
            )
            message = f"`{key}` {why}, and kdrvgen does not evaluate it"
            self.findings.append(unknown(origin, message))
        elif key == "rustc-link-lib":
            names = (value.rpartition("=")[2] for value in instruction.values)
            libraries = (Located(name, origin) for name in names)
            self.script = replace(self.script, libraries=(*self.script.libraries, *libraries))
        else:
            arguments = (Located(value, origin) for value in instruction.values)
            self.script = replace(self.script, arguments=(*self.script.arguments, *arguments))

    def _search(self, value: str, origin: Origin) -> None:
        folder = value.removeprefix("native=").removeprefix("all=")
        if match := _KIT_PATH.match(folder):
            self.script = replace(self.script, kit_version=Located(match[2], origin))
            self._fixed_kit(match[1], origin)
        elif "{" in folder:
            self.computed_searches.append(origin)
        else:
            message = f"the build script adds {folder} to the folders of the linker"
            self.findings.append(unknown(origin, message, "`linker.args` accepts /LIBPATH:FOLDER"))

    def _fixed_kit(self, root: str, origin: Origin) -> None:
        self.script = replace(self.script, kit=Located(slashes(root), origin))
        self.findings.append(
            hazard(
                origin,
                "the path of the kit is fixed, and other machines have another path",
                "the proposal keeps it; remove `locate`, `path` and `version` from `[wdk]` to find "
                "the kit on each machine",
                is_avoided=False,
            )
        )

    def _kits(self, function: Function) -> None:
        for offset, literal in function.literals.items():
            origin = function.origin(offset)
            if "KitsRoot10" in literal.text and self.script.registry is None:
                self.script = replace(self.script, registry=origin)
            if match := _KIT_ROOT.fullmatch(literal.text):
                self._fixed_kit(match[1], origin)
            if literal.text == "WDKContentRoot" and self.script.environment is None:
                self.script = replace(self.script, environment=origin)
            if literal.text == "um" and not any(each.rule == DIFFERENCE for each in self.findings):
                self.findings.append(
                    difference(
                        origin,
                        "the build script also looks for the user-mode libraries of the kit",
                        "the generated build.rs does not",
                    )
                )
        texts = {literal.text.lower() for literal in function.literals.values()}
        if "lib" in texts and (newest := re.search(r"\.max\s*\(\s*\)", function.code)):
            self.textual_versions.append(function.origin(newest.start()))

    def _calls(
        self, function: Function, crate: str, crates: Mapping[str, _Functions]
    ) -> Iterator[tuple[str, str]]:
        """Yield the functions of the project that a function calls, as crate and name.

        Reports the other calls, unless they have no effect outside of the script.
        """
        effects = {offset: name for name, offset in side_effects(function)}
        for offset, name in effects.items():
            self._other(function.origin(offset), f"uses `{name}`")
        if model := _WDK_MODEL.search(function.code):
            located = Located(model[1].lower(), function.origin(model.start()))
            self.script = replace(self.script, wdk_model=located)
        if library := _LIBRARY_BUILD.search(function.code):
            self._other(function.origin(library.start()), f"calls `{library[0]}`")
        for call in calls(function):
            first, name = call.first, call.name
            if name in _ENVIRONMENT and first in {"", "env", "std"}:
                self._variable(function, call.offset)
            elif first == "wdk_build" or (first or name) in self.wdk_build_names:
                if library:
                    continue
                wdk = self.script.wdk or function.origin(call.offset)
                self.script = replace(self.script, wdk=wdk)
            elif target := self._target(first, name, crate, crates):
                yield target
            elif not call.is_harmless and call.offset not in effects:
                self._other(function.origin(call.offset), f"calls `{call.path}{name}`")

    def _target(
        self, first: str, name: str, crate: str, crates: Mapping[str, _Functions]
    ) -> tuple[str, str] | None:
        """Return the function of the project that a call runs, as crate and name."""
        if first in {"", "self", "crate"} and name in crates[crate]:
            return crate, name
        if first and name in crates.get(first, ()):
            return first, name
        return self.imports.get(name) if not first and not crate else None

    def _variable(self, function: Function, offset: int) -> None:
        """Report a variable that the script sets for itself and the crates that it calls."""
        texts = [each.text for each in function.literals.values() if each.offset > offset][:2]
        if texts == ["CARGO_CFG_TARGET_FEATURE", "crt-static"]:
            self.findings.append(
                equivalent(
                    function.origin(offset),
                    "the build script tells wdk-build that the runtime is static",
                    '`wdk.locate = "wdk-build"` passes the flag that makes it static',
                )
            )
        else:
            name = f" {texts[0]}" if texts else ""
            self._other(function.origin(offset), f"changes the environment variable{name}")

    def _other(self, origin: Origin, action: str) -> None:
        """Note what the script does and the generated one does not."""
        self.actions.setdefault(origin.file, {}).setdefault(action, []).append(origin)
        self.script = replace(self.script, own_steps=(*self.script.own_steps, origin))


def _own_steps(actions: Mapping[str, Sequence[Origin]]) -> Finding:
    """Return the finding about all that one file does and the generated build script does not."""
    lines = {action: sorted({each.line for each in found}) for action, found in actions.items()}
    first = min((each for found in actions.values() for each in found), key=lambda each: each.line)
    remedy = "the proposal keeps it as `driver.build-script`: see the steps at the end"
    if len(lines) == 1:
        message = f"the build script {next(iter(lines))}, and the generated one does not"
        return unknown(first, message, remedy)
    parts = [
        f"{action} (line{'s' * (len(numbers) > 1)} {', '.join(map(str, numbers))})"
        for action, numbers in sorted(lines.items(), key=lambda each: each[1])
    ]
    message = f"the build script does more than the generated one: it {', '.join(parts)}"
    return unknown(first, message, remedy)


def _textual_version(origin: Origin, *, is_avoided: bool) -> Finding:
    """Return the hazard of a script that compares versions of the kit as text.

    With wdk-build, only own steps of the script look for the kit, and the project keeps these.
    """
    kept = "compare them as numbers: your own build script keeps this code"
    return hazard(
        origin,
        "kit versions are compared as text, so that 10.0.9 is newer than 10.0.10",
        "the generated build.rs compares them as numbers" if is_avoided else kept,
        is_avoided=is_avoided,
    )


def _no_single_main(path: str, mains: Sequence[Function]) -> Finding:
    if mains:
        message = "`#[cfg]` selects one of several `fn main`: kdrvgen does not read the script"
        return unknown(mains[0].origin(0), message)
    return unknown(Origin(path), "the script has no `fn main`, so kdrvgen does not read it")
