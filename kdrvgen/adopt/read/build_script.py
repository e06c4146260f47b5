"""build.rs: what it tells cargo, whether it looks for a kit, and what else it does.

It is read, not run: what is not one of the things known here is said, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from kdrvgen.adopt.parse.located import Origin, Said
from kdrvgen.adopt.parse.rust import Function, blocks_around, functions
from kdrvgen.adopt.read.findings import DIFFERENCE, difference, hazard, unknown
from kdrvgen.adopt.read.manifest import Manifest
from kdrvgen.adopt.read.snapshot import Snapshot
from kdrvgen.report.finding import Finding

__all__ = ["BuildScript", "read_build_script"]

_LONGEST = 100_000
_MOST_PRINTS = 1_000
_PRINT = re.compile(r"\be?print(?:ln)?!\s*\(\s*(?=\")")
_CALL = re.compile(r"(?<![\w.])((?:[A-Za-z_]\w*::)*)([A-Za-z_]\w*)\s*(?:::<[^>()]*>)?\(")
_USE = re.compile(r"^\s*(?:pub\s+)?use\s+wdk_build::([^;]+);", re.MULTILINE)
_WDK_MODEL = re.compile(r"\bDriverConfig::(WDM|KMDF|UMDF)(?:Config)?\b", re.IGNORECASE)
_LIBRARY_BUILD = re.compile(r"\bconfigure_(?:wdk_)?library_build\w*")
_KIT_PATH = re.compile(
    r"(.*[\\/]Windows Kits[\\/]10)[\\/]lib[\\/](10\.[\d.]+)[\\/]km[\\/]", re.IGNORECASE
)
_KIT_ROOT = re.compile(r"([A-Za-z]:.*[\\/]Windows Kits[\\/]10)[\\/]?", re.IGNORECASE)
_FLAG_KEYS = frozenset({"rustc-link-arg", "rustc-link-arg-cdylib", "rustc-cdylib-link-arg"})
_SILENT_KEYS = frozenset({"rerun-if-changed", "rerun-if-env-changed", "warning"})

# Calls that change nothing outside of the script: the standard library's on values and paths.
_HARMLESS = frozenset(
    """Some None Ok Err Box Error String PathBuf Path Vec var var_os env from new predef format_err
    default expect unwrap anyhow main args matches assert debug_assert cfg include_str""".split()  # noqa: SIM905 - words
)
_HARMLESS_CRATES = frozenset(
    "std env Path PathBuf Result Option String RegKey winreg failure anyhow Error Vec path".split()  # noqa: SIM905 - likewise
)
_ACTING = re.compile(
    r"\b(?:std::)?(fs::\w+|process::Command|Command)\s*(?:::new)?\s*\(|\b(File::\w+)\s*\("
)


@dataclass(frozen=True, slots=True)
class BuildScript:
    """What build.rs does.

    Attributes:
        arguments: Arguments for the linker.
        libraries: Libraries that it links.
        registry: Where it asks the registry for the kit, if it does.
        environment: Where it asks the environment for the kit, if it does.
        kit: Root of a kit whose path is written out.
        kit_version: The version of it, if that is written out too.
        wdk: Where it has Microsoft's wdk-build do all, if it does.
        wdk_model: The driver model that it tells wdk-build, if it does.
        is_unclear: Whether it is there and could not be read.
    """

    arguments: tuple[Said, ...] = ()
    libraries: tuple[Said, ...] = ()
    registry: Origin | None = None
    environment: Origin | None = None
    kit: Said | None = None
    kit_version: Said | None = None
    wdk: Origin | None = None
    wdk_model: Said | None = None
    is_unclear: bool = False


def read_build_script(snapshot: Snapshot, manifest: Manifest) -> tuple[BuildScript, list[Finding]]:
    """Read the build script, and the library crates of the project that it calls."""
    path = manifest.script
    if path is None:
        return BuildScript(), []
    if path in snapshot.unreadable:
        told = unknown(Origin(path), snapshot.unreadable[path])
        return BuildScript(is_unclear=True), [told]
    if len(snapshot.files[path]) > _LONGEST:
        told = unknown(Origin(path), "it is too long to be read here")
        return BuildScript(is_unclear=True), [told]
    return _Reader(snapshot, manifest).read(path)


class _Reader:
    def __init__(self, snapshot: Snapshot, manifest: Manifest) -> None:
        self.snapshot = snapshot
        self.helpers = manifest.helpers
        self.script = BuildScript()
        self.findings: list[Finding] = []
        self.searches: list[Origin] = []
        self.of_wdk_build: set[str] = set()

    def read(self, path: str) -> tuple[BuildScript, list[Finding]]:
        known = {
            crate: functions(file, self.snapshot.files[file])
            for crate, file in self.helpers.items()
            if len(self.snapshot.files[file]) <= _LONGEST
        }
        local = functions(path, self.snapshot.files[path])
        for found in _USE.findall(self.snapshot.files[path]):
            self.of_wdk_build |= set(re.findall(r"\w+", found))
        if len(local.get("main", ())) != 1:
            mains = local.get("main", ())
            told = "`#[cfg]` chooses between several" if mains else "there is no"
            origin = mains[0].origin(0) if mains else Origin(path)
            self.findings.append(unknown(origin, f"{told} `fn main`: the build script is not read"))
            return BuildScript(is_unclear=True), self.findings
        waiting, done = [("", "main")], set()
        while waiting:
            crate, name = waiting.pop(0)
            if (crate, name) in done:
                continue
            done.add((crate, name))
            home = known[crate] if crate else local
            for body in home[name]:
                self._body(body)
                waiting += self._calls(body, crate, home, known)
        script = self.script
        if not (script.registry or script.environment or script.wdk or script.kit):
            self.findings += [
                unknown(origin, "the linker is sent to a folder that is found when this runs")
                for origin in self.searches
            ]
        return self.script, self.findings

    def _body(self, body: Function) -> None:
        self._kits(body)
        for found in islice(_PRINT.finditer(body.code), _MOST_PRINTS):
            literal = body.literals.get(found.end())
            if literal is None:
                continue
            key, is_told, value = literal.text.partition("=")
            if not key.startswith("cargo:") or not is_told:
                continue
            origin = body.origin(found.start())
            name = key.removeprefix("cargo:").removeprefix(":")
            self._tell(name, value, origin, body, found.start())

    def _tell(self, key: str, value: str, origin: Origin, body: Function, at: int) -> None:
        values = [value]
        loop, conditions = _surroundings(body.code, at)
        if "{" in value and key in _FLAG_KEYS | {"rustc-link-lib"}:
            values = _looped(body, loop, value, at)
        elif "{" in value and key in {"rustc-link-search", *_SILENT_KEYS}:
            values = []
        if key in _FLAG_KEYS | {"rustc-link-lib"}:
            if not values or conditions or (loop and "{" not in value):
                why = "depends on a condition" if conditions else "is put together when it runs"
                self.findings.append(unknown(origin, f"`{key}` {why}: it is not worked out here"))
                return
            said = tuple(Said(each, origin) for each in values)
            if key == "rustc-link-lib":
                bare = tuple(Said(each.text.rpartition("=")[2], origin) for each in said)
                self.script = replace(self.script, libraries=(*self.script.libraries, *bare))
            else:
                self.script = replace(self.script, arguments=(*self.script.arguments, *said))
        elif key == "rustc-link-search":
            self._search(value, origin)
        elif key not in _SILENT_KEYS:
            self.findings.append(
                unknown(origin, f"the build script tells cargo `{key}`: the generated one does not")
            )

    def _search(self, value: str, origin: Origin) -> None:
        folder = value.removeprefix("native=").removeprefix("all=")
        if found := _KIT_PATH.match(folder):
            self.script = replace(self.script, kit_version=Said(found[2], origin))
            self._kit(found[1], origin)
        elif "{" in folder:
            self.searches.append(origin)
        else:
            told = f"the build script has the linker look into {folder}"
            self.findings.append(unknown(origin, told, "`linker.args` takes /LIBPATH:…"))

    def _kit(self, root: str, origin: Origin) -> None:
        self.script = replace(self.script, kit=Said(root.replace("\\", "/"), origin))
        self.findings.append(
            hazard(
                origin,
                "the kit's folder is written out: it is another one on the next machine",
                "`wdk.locate` finds it; `path` keeps this one as long as config.toml says so",
                cured=False,
            )
        )

    def _kits(self, body: Function) -> None:
        for at, literal in body.literals.items():
            origin = body.origin(at)
            if "KitsRoot10" in literal.text and self.script.registry is None:
                self.script = replace(self.script, registry=origin)
            if found := _KIT_ROOT.fullmatch(literal.text):
                self._kit(found[1], origin)
            if literal.text == "WDKContentRoot" and self.script.environment is None:
                self.script = replace(self.script, environment=origin)
            if literal.text == "um" and not any(each.rule == DIFFERENCE for each in self.findings):
                self.findings.append(
                    difference(origin, "the kit's user-mode libraries are looked for too", "")
                )
        if '"lib"' in _with_literals(body).lower() and (
            found := re.search(r"\.max\s*\(\s*\)", body.code)
        ):
            self.findings.append(
                hazard(
                    body.origin(found.start()),
                    "the newest kit is picked as text: 10.0.9 comes after 10.0.10",
                    "versions are compared by their numbers",
                )
            )

    def _calls(
        self,
        body: Function,
        crate: str,
        home: Mapping[str, Sequence[Function]],
        known: Mapping[str, Mapping[str, Sequence[Function]]],
    ) -> Iterator[tuple[str, str]]:
        """Yield the functions of the project that are called; say which others are."""
        for found in _ACTING.finditer(body.code):
            self._strange(body, found.start(), f"uses `{found[1] or found[2]}`")
        if model := _WDK_MODEL.search(body.code):
            said = Said(model[1].lower(), body.origin(model.start()))
            self.script = replace(self.script, wdk_model=said)
        if library := _LIBRARY_BUILD.search(body.code):
            self._strange(body, library.start(), f"calls `{library[0]}`")
        for found in _CALL.finditer(body.code):
            prefix, name = found[1].removesuffix("::"), found[2]
            first = prefix.partition("::")[0]
            if first == "wdk_build" or (first or name) in self.of_wdk_build:
                if library:
                    continue
                wdk = self.script.wdk or body.origin(found.start())
                self.script = replace(self.script, wdk=wdk)
            elif first in {"", "self", "crate"} and name in home:
                yield crate, name
            elif first in known and name in known[first]:
                yield first, name
            elif not _is_harmless(first, name):
                self._strange(body, found.start(), f"calls `{found[1]}{name}`")

    def _strange(self, body: Function, at: int, what: str) -> None:
        told = f"the build script {what}: the generated one does not"
        self.findings.append(unknown(body.origin(at), told))


def _is_harmless(crate: str, name: str) -> bool:
    """Tell whether a call does nothing outside of the script."""
    if crate in _HARMLESS_CRATES or (crate and crate[0].isupper() and name[0].isupper()):
        return True  # of the standard library, or a variant of an enumeration
    return not crate and (name in _HARMLESS or _is_word(name))


def _is_word(name: str) -> bool:
    """Tell whether a name before a bracket is a word of the language or a variant, not a call."""
    return name in {"if", "match", "while", "for", "in", "return", "else", "move"} or (
        name[0].isupper()
    )


def _with_literals(body: Function) -> str:
    return " ".join(f'"{literal.text}"' for literal in body.literals.values())


def _surroundings(code: str, at: int) -> tuple[str, list[str]]:
    """Return the loop around an offset, if one, and the conditions on which it is reached."""
    loop, conditions = "", list[str]()
    for header in blocks_around(code, at):
        if re.match(r"for\b", header):
            loop = header
        elif re.search(r"\b(if|match|while)\b|=>\s*$|\belse\b", header):
            conditions.append(header)
    return loop, conditions


def _looped(body: Function, loop: str, value: str, at: int) -> list[str]:
    """Return what a print in a loop over an array of strings says; nothing if it is another."""
    found = re.match(r"for\s+(\w+)\s+in\s+&?(\w*)", loop)
    if not found or not re.fullmatch(rf"[^{{}}]*\{{(?:{found[1]})?(?::\w*)?\}}[^{{}}]*", value):
        return []
    if found[2]:
        begins = re.search(rf"\blet\s+{found[2]}\b[^=;]*=[^;]*?\[", body.code[:at])
        first = begins.end() if begins else -1
    else:
        first = body.code.rfind("[", 0, at)
    if first < 0:
        return []
    last = body.code.find("]", first)
    inside = [each for each in body.literals.values() if first <= each.at < last]
    rest = re.sub(r'"[^"]*"|[\s,&\[]', "", body.code[first:last])
    before, _, after = re.sub(r"\{[^}]*\}", "\0", value).partition("\0")
    return [] if rest else [f"{before}{each.text}{after}" for each in inside]
