"""What the commands of a task do to a driver: build it, rename it, make a certificate, sign it."""

from __future__ import annotations

import enum
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from kdrvgen.adopt.parse.batch import Command, commands
from kdrvgen.adopt.parse.located import Origin, Said
from kdrvgen.adopt.parse.variables import expand_batch, expand_cargo_make, expand_shell
from kdrvgen.adopt.read.findings import unknown
from kdrvgen.adopt.read.makefile import MakeTask
from kdrvgen.adopt.read.snapshot import Snapshot, beside
from kdrvgen.report.finding import Finding

__all__ = ["Act", "Step", "steps_of"]

_SCRIPT = re.compile(r"\.(bat|cmd|ps1|sh)$", re.IGNORECASE)
_DEEPEST = 6


class Act(enum.Enum):
    """What one command does."""

    BUILD = enum.auto()
    IMAGE = enum.auto()
    """Makes the .sys of the .dll."""
    CERTIFICATE = enum.auto()
    SIGN = enum.auto()
    TIDY = enum.auto()
    """Removes a .sys of earlier, which the generated pipeline does by itself."""
    SETTING = enum.auto()
    """Changes where or with what the next commands run: `cd`, `set`, vcvars."""
    TALK = enum.auto()
    OTHER = enum.auto()


@dataclass(frozen=True, slots=True)
class Step:
    """A command of a task, understood as far as it is.

    Attributes:
        act: What it does.
        words: Its words, expanded, without `call` and the like; the program's name is bare.
        command: The command as it stands in the script.
        folder: Where it runs, from the project's folder; None if that cannot be told.
        program: The program as it is written.
        is_called: Whether it stands in a script that was called from the task.
    """

    act: Act
    words: tuple[str, ...]
    command: Command
    folder: str | None
    program: str = ""
    is_called: bool = False

    @property
    def origin(self) -> Origin:
        """Where it stands."""
        return self.command.origin


def steps_of(
    snapshot: Snapshot, task: MakeTask, values: Mapping[str, str]
) -> tuple[list[Step], list[Finding]]:
    """Return what a task does on Windows, with the variables of one profile.

    Scripts that it calls are read in its place.
    """
    own = task.keys.get("env")
    if isinstance(own, Mapping):
        texts = {name: text for name, text in own.items() if isinstance(text, str)}
        values = {
            **values,
            **{name: expand_cargo_make(text, values) for name, text in texts.items()},
        }
    reader = _Reader(snapshot, values)
    folder: str | None = ""
    if "cwd" in task.keys:
        folder = _moved("", expand_cargo_make(str(task.keys["cwd"]), values))
    found = list(reader.task(task, folder))
    return found, reader.findings


class _Reader:
    def __init__(self, snapshot: Snapshot, values: Mapping[str, str]) -> None:
        self.snapshot = snapshot
        self.values = dict(values)
        self.findings: list[Finding] = []

    def task(self, task: MakeTask, folder: str | None) -> Iterator[Step]:
        runner = str(task.keys.get("script_runner", "")).lower()
        script = task.keys.get("script")
        if isinstance(task.keys.get("command"), str):
            yield from self._command_of(task, folder)
        elif isinstance(script, Mapping):
            yield from self._script_table(task, script, folder)
        elif runner.startswith("@") and runner != "@shell":
            told = f'`script_runner = "{runner}"` is a language that is not read here'
            self.findings.append(unknown(task.where("script_runner"), told))
            yield from self._opaque(task)
        elif script is not None:
            yield from self._run(task.strings("script"), folder, None, 0)

    def _opaque(self, task: MakeTask) -> Iterator[Step]:
        for line in task.strings("script")[:1]:
            yield Step(Act.OTHER, (), Command((), line.origin, line=line.text), None)

    def _command_of(self, task: MakeTask, folder: str | None) -> Iterator[Step]:
        said = task.strings("args")
        words = [str(task.keys["command"]), *(each.text for each in said)]
        words = [expand_cargo_make(word, self.values) for word in words]
        command = Command(tuple(words), task.where("command"), line=" ".join(words))
        yield from self._step(command, folder, 0)

    def _script_table(
        self, task: MakeTask, script: Mapping[str, object], folder: str | None
    ) -> Iterator[Step]:
        origin = task.where("script")
        if isinstance(script.get("file"), str):
            words = ("call", expand_cargo_make(str(script["file"]), self.values))
            yield from self._step(Command(words, origin), folder, 0)
            return
        for part in ("pre", "main", "post"):
            if isinstance(script.get(part), str):
                lines = [Said(line, origin) for line in str(script[part]).split("\n")]
                yield from self._run(lines, folder, None, 0)

    def _run(
        self,
        lines: Sequence[Said],
        folder: str | None,
        arguments: Sequence[str] | None,
        depth: int,
    ) -> Iterator[Step]:
        expanded = [
            Said(expand_batch(each.text, self.values, arguments), each.origin) for each in lines
        ]
        stack: list[str | None] = []
        written = _whole_lines(lines)
        for parsed in commands(expanded):
            command = replace(parsed, line=written.get(parsed.origin, parsed.line))
            for step in self._step(command, folder, depth):
                folder = _after(step, folder, stack)
                yield step

    def _step(self, command: Command, folder: str | None, depth: int) -> Iterator[Step]:
        words = [word for word in command.words if word]
        while words and words[0].lower() in {"call", "start", "exec", "sudo", "&", ".", "cmd"}:
            is_shell = words.pop(0).lower() == "cmd"
            while is_shell and words and words[0].startswith("/"):
                words.pop(0)
        if not words:
            return
        program = words[0]
        name = posixpath.basename(program.replace("\\", "/")).lower().removesuffix(".exe")
        name = name.strip("%$")  # a variable of the tool's name, which has no value here
        if name in {"powershell", "pwsh"}:
            yield from self._powershell(words[1:], command, folder, depth)
            return
        if _SCRIPT.search(name) and not _is_vcvars(name):
            yield from self._called(words, command, folder, depth)
            return
        bare = (name, *words[1:])
        yield Step(_act(bare, folder), bare, command, folder, program, bool(depth))

    def _powershell(
        self, words: Sequence[str], command: Command, folder: str | None, depth: int
    ) -> Iterator[Step]:
        rest = list(words)
        while rest and rest[0].startswith("-"):
            switch = rest.pop(0).lower()
            if switch in {"-c", "-command", "-file", "-f"}:
                break
            if switch in {"-executionpolicy", "-ep", "-ex", "-version", "-inputformat"} and rest:
                rest.pop(0)
        if rest and _SCRIPT.search(rest[0].split()[0] if rest[0].split() else ""):
            yield from self._called([*rest[0].split(), *rest[1:]], command, folder, depth)
            return
        text = " ".join(rest)
        inner = [
            Command(each.words, command.origin, command.condition, command.chained, command.line)
            for each in commands([Said(part, command.origin) for part in text.split(";")])
        ]
        if depth < _DEEPEST and inner:
            for each in inner:
                yield from self._step(each, folder, depth + 1)
        else:
            yield Step(Act.OTHER, ("powershell", *words), command, folder)

    def _called(
        self, words: Sequence[str], command: Command, folder: str | None, depth: int
    ) -> Iterator[Step]:
        path = words[0].replace("\\", "/").removeprefix("/")
        at = posixpath.normpath(path if folder is None else posixpath.join(folder, path))
        place = self.snapshot.find(at, posixpath.normpath(path))
        if place is None or depth >= _DEEPEST:
            yield Step(Act.OTHER, tuple(words), command, folder, words[0], bool(depth))
            return
        lines = [
            Said(line, Origin(place, number))
            for number, line in enumerate(self.snapshot.files[place].split("\n"), 1)
        ]
        if place.lower().endswith((".ps1", ".sh")):
            lines = [
                Said(_as_batch(expand_shell(each.text, self.values)), each.origin) for each in lines
            ]
        inner = list(self._run(lines, folder, tuple(words[1:]), depth + 1))
        acts = {each.act for each in inner}
        if Act.SIGN in acts or (acts & _PIPELINE and Act.OTHER not in acts):
            yield from inner
        else:
            yield Step(Act.OTHER, tuple(words), command, folder, words[0], bool(depth))


def _as_batch(line: str) -> str:
    """Return a line of sh or PowerShell as cmd would have it: quotes and continuations."""
    line = re.sub(r"^\s*\$\w+\s*=\s*(?=[A-Za-z&])", "", line)
    line = re.sub(r"'([^'\n]*)'", r'"\1"', line)
    return re.sub(r"[`\\]\s*$", "^", line)


def _whole_lines(lines: Sequence[Said]) -> dict[Origin, str]:
    """Return lines as they are written, each with those that `^` adds to it, by where it begins."""
    found: dict[Origin, str] = {}
    begun: Origin | None = None
    for line in lines:
        first = begun or line.origin
        found[first] = f"{found[first]}\n{line.text}" if begun else line.text
        begun = first if line.text.endswith("^") else None
    return found


_PIPELINE = frozenset({Act.BUILD, Act.IMAGE, Act.CERTIFICATE, Act.SIGN})


def _after(step: Step, folder: str | None, stack: list[str | None]) -> str | None:
    """Return where the next command of the script runs."""
    match step.words:
        case ("popd", *_):
            return stack.pop() if stack else folder
        case ("cd" | "chdir" | "pushd" | "set-location", *rest):
            if step.words[0] == "pushd":
                stack.append(folder)
            path = [word for word in rest if word.lower() != "/d"]
            return _moved(folder, path[0]) if path else folder
    return folder


def _moved(folder: str | None, path: str) -> str | None:
    path = path.replace("\\", "/")
    if folder is None or "%" in path or "$" in path or re.match(r"/|[A-Za-z]:", path):
        return None
    moved = beside(f"{folder}/x" if folder else "x", path)
    return "" if moved == "." else moved


def _is_vcvars(name: str) -> bool:
    return re.match(r"vc(vars|varsall)|vsdevcmd|launchbuildenv|setupbuildenv", name) is not None


_BUILDS = frozenset({"b", "build", "rustc", "xbuild"})
_COPIES = frozenset("rename ren move mv copy cp xcopy rename-item move-item copy-item".split())  # noqa: SIM905 - words
_REMOVES = frozenset("del erase rm remove-item".split())  # noqa: SIM905 - words
_TALKS = frozenset("echo echo. setlocal endlocal exit pause title cls write-host timeout".split())  # noqa: SIM905 - words


def _act(words: Sequence[str], folder: str | None) -> Act:  # noqa: PLR0911 - one answer each
    name, rest = words[0], [word.lower() for word in words[1:]]
    files = [word for word in rest if not re.match(r"[-/]", word)]
    if name == "cargo":
        verb = next((word for word in rest if not word.startswith("+")), "")
        is_told = re.search(r" (-p|--package|--manifest-path)\b", " ".join(rest))
        return Act.BUILD if verb in _BUILDS and (folder == "" or is_told) else Act.OTHER
    if name in _COPIES and len(files) > 1 and files[0].endswith(".dll"):
        return Act.IMAGE if files[1].endswith(".sys") else Act.OTHER
    if name in _REMOVES and files and all(each.endswith(".sys") for each in files):
        return Act.TIDY
    if name in {"makecert", "new-selfsignedcertificate"}:
        return Act.CERTIFICATE
    if name == "signtool" and rest[:1] == ["sign"]:
        is_other = files[-1:] and re.search(r"\.(exe|cat|dll|msi|cab|ps1)$", files[-1])
        return Act.OTHER if is_other else Act.SIGN
    if name in {"cd", "chdir", "pushd", "popd", "set", "set-location"} or _is_vcvars(name):
        return Act.SETTING
    return Act.TALK if name in _TALKS else Act.OTHER
