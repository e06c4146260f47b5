"""The commands that a task of cargo-make runs on Windows, with those of the scripts it calls."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from kdrvgen.adopt.parse.batch import Command, parse_commands, whole_lines
from kdrvgen.adopt.parse.located import Located, Origin
from kdrvgen.adopt.parse.paths import slashes
from kdrvgen.adopt.parse.steps import (
    Action,
    Step,
    action_of,
    folder_after,
    is_vcvars,
    links_image,
    moved,
    signed_groups,
)
from kdrvgen.adopt.parse.variables import (
    Mapped,
    expand_argument,
    expand_batch,
    expand_cargo_make,
    expand_shell,
)
from kdrvgen.adopt.read.env_file import Variable
from kdrvgen.adopt.read.findings import unknown
from kdrvgen.adopt.read.make_task import MakeTask
from kdrvgen.adopt.read.snapshot import Snapshot
from kdrvgen.report.finding import Finding

__all__ = ["read_steps"]

_SCRIPT = re.compile(r"\.(bat|cmd|ps1|sh)$", re.IGNORECASE)
_TOOL_SUFFIX = re.compile(r"[_-](path|exe|cmd|tool)$")
_MAX_DEPTH = 6
_MAX_LENGTH = 100_000
_MAX_VALUE = 4096
# `set "NAME=VALUE"` and `set NAME=VALUE`; after anything else in the line it is conditional.
_SET = re.compile(
    r"(?:^[ \t@]*|(?<=[\s&|(@]))set[ \t]+"
    r"(?:\"([^\"=]+)=([^\"]*)\"|([^\"=/\s][^=\s]*)=([^&|)]*))",
    re.IGNORECASE,
)
# Words before the program that a command runs.
_LAUNCHERS = frozenset({"call", "start", "exec", "sudo", "&", ".", "cmd"})
_POWERSHELL_CODE = frozenset({"-c", "-command", "-file", "-f"})
_POWERSHELL_WITH_VALUE = frozenset({"-executionpolicy", "-ep", "-ex", "-version", "-inputformat"})
_DRIVER_ACTIONS = frozenset(
    {Action.BUILD, Action.RENAME, Action.CERTIFICATE, Action.SIGN, Action.DEPLOY}
)


def read_steps(
    snapshot: Snapshot, task: MakeTask, values: Mapping[str, str]
) -> tuple[list[Step], list[Finding]]:
    """Return the commands that a task runs on Windows, with the variables of one profile.

    The commands of a script replace its call if the script signs or makes a package, or only
    handles the driver.
    """
    reader = _Reader(snapshot, {**values, **_own_values(task, values)})
    folder: str | None = ""
    if "cwd" in task.keys:
        folder = moved("", expand_cargo_make(str(task.keys["cwd"]), values))
    steps = [
        replace(step, action=Action.OTHER) if step.action is Action.DEPLOY else step
        for step in reader.task(task, folder)
    ]
    return steps, reader.findings


def _own_values(task: MakeTask, values: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that a task sets for itself, as far as they are known."""
    env = task.keys.get("env")
    own: dict[str, str] = {}
    for name, value in env.items() if isinstance(env, Mapping) else ():
        text = value if isinstance(value, str) else None
        known = Variable(name, value, text, task.origin).known
        text = known.value(values) if isinstance(known, Mapped) else known
        if text is not None:
            own[name] = expand_cargo_make(text, values)
    return own


class _Reader:
    def __init__(self, snapshot: Snapshot, values: Mapping[str, str]) -> None:
        self.snapshot = snapshot
        self.values = dict(values)
        self.findings: list[Finding] = []
        self.count = 1  # of the lines of all scripts

    def task(self, task: MakeTask, folder: str | None) -> Iterator[Step]:
        runner = str(task.keys.get("script_runner", "")).lower()
        script = task.keys.get("script")
        if isinstance(task.keys.get("command"), str):
            yield from self._command(task, folder)
        elif isinstance(script, Mapping):
            yield from self._script_table(task, script, folder)
        elif runner.startswith("@") and runner != "@shell":
            message = f'kdrvgen does not read scripts with `script_runner = "{runner}"`'
            self.findings.append(unknown(task.where("script_runner"), message))
            yield from self._unread_script(task)
        elif isinstance(script, str) and len(script) > _MAX_LENGTH:
            yield self._skipped(task.where("script"))
        elif script is not None:
            yield from self._lines(task.strings("script"), folder, None, 0)

    def _unread_script(self, task: MakeTask) -> Iterator[Step]:
        for line in task.strings("script")[:1]:
            yield Step(Action.OTHER, (), Command((), line.origin, line=line.text), None)

    def _command(self, task: MakeTask, folder: str | None) -> Iterator[Step]:
        words = [str(task.keys["command"]), *(each.text for each in task.strings("args"))]
        words = [each for word in words for each in expand_argument(word, self.values)]
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
                lines = [Located(line, origin) for line in str(script[part]).split("\n")]
                yield from self._lines(lines, folder, None, 0)

    def _skipped(self, origin: Origin) -> Step:
        message = f"the script is longer than {_MAX_LENGTH:,} characters: kdrvgen skips it"
        self.findings.append(unknown(origin, message))
        return Step(Action.OTHER, (), Command((), origin), None)

    def _lines(
        self,
        lines: Sequence[Located],
        folder: str | None,
        arguments: Sequence[str] | None,
        depth: int,
    ) -> Iterator[Step]:
        if sum(len(line.text) + 1 for line in lines) > _MAX_LENGTH:
            yield self._skipped(lines[0].origin)
            return
        # By numbers, because two lines of an array may be in one line of TOML.
        first, self.count = self.count, self.count + len(lines)
        numbered = [Located(line.text, Origin("", first + i)) for i, line in enumerate(lines)]
        expanded = list(self._expanded(numbered, arguments))
        whole = whole_lines(numbered)
        commands, unexpanded = parse_commands(expanded), parse_commands(numbered)
        is_alike = [each.origin for each in commands] == [each.origin for each in unexpanded]
        stack: list[str | None] = []
        for index, parsed in enumerate(commands):
            number = parsed.origin.line
            command = replace(
                parsed,
                origin=lines[number - first].origin,
                line=whole.get(parsed.origin, parsed.line),
                source=unexpanded[index].source if is_alike else "",
                number=number,
            )
            for step in self._step(command, folder, depth):
                folder = folder_after(step, folder, stack)
                yield step

    def _expanded(
        self, lines: Sequence[Located], arguments: Sequence[str] | None
    ) -> Iterator[Located]:
        """Yield the lines with the values of variables, also of those that the script sets."""
        depth = 0
        for text, origin in lines:
            line = expand_batch(text, self.values, arguments)
            yield Located(line if len(line) <= _MAX_LENGTH else text, origin)
            for match in _SET.finditer(line):
                name, value = (match[1] or match[3]).strip(), match[2] or match[4] or ""
                is_known = not depth and not match.start() and len(value) <= _MAX_VALUE
                for old in [old for old in self.values if old.upper() == name.upper()]:
                    del self.values[old]
                if is_known:
                    self.values[name] = value
            depth += line.count("(") - line.count(")")

    def _step(self, command: Command, folder: str | None, depth: int) -> Iterator[Step]:
        words = [word for word in command.words if word]
        while words and words[0].lower() in _LAUNCHERS:
            is_shell = words.pop(0).lower() == "cmd"
            while is_shell and words and words[0].startswith("/"):
                words.pop(0)
        if not words:
            return
        program = words[0]
        name = posixpath.basename(slashes(program)).lower().removesuffix(".exe")
        if name[:1] in {"%", "$"}:  # a variable named like the tool, which has no value here
            name = _TOOL_SUFFIX.sub("", name.strip("%$"))
        if name in {"powershell", "pwsh"}:
            yield from self._powershell(words[1:], command, folder, depth)
            return
        if _SCRIPT.search(name) and not is_vcvars(name):
            yield from self._called_script(words, command, folder, depth)
            return
        bare = (name, *words[1:])
        groups = signed_groups(bare)
        if not groups:
            yield Step(action_of(bare, folder), bare, command, folder, program, bool(depth))
        # One call signs the image, the catalog, and other files that stay a task of the project.
        for index, group in enumerate(groups):
            unsigned = {file for each in groups for file in each if each is not group}
            part = tuple(word for word in bare if word not in unsigned)
            source = _source_of(command, words, part[1:])
            whole = command if index == 0 else replace(command, source=source, line=source)
            yield Step(action_of(part, folder), part, whole, folder, program, bool(depth))

    def _powershell(
        self, words: Sequence[str], command: Command, folder: str | None, depth: int
    ) -> Iterator[Step]:
        rest = list(words)
        while rest and rest[0].startswith("-"):
            switch = rest.pop(0).lower()
            if switch in _POWERSHELL_CODE:
                break
            if switch in _POWERSHELL_WITH_VALUE and rest:
                rest.pop(0)
        if rest and _SCRIPT.search(rest[0].split()[0] if rest[0].split() else ""):
            yield from self._called_script([*rest[0].split(), *rest[1:]], command, folder, depth)
            return
        statements = [Located(part, command.origin) for part in " ".join(rest).split(";")]
        inner = [replace(command, words=each.words) for each in parse_commands(statements)]
        if depth < _MAX_DEPTH and inner:
            for each in inner:
                yield from self._step(each, folder, depth + 1)
        else:
            yield Step(Action.OTHER, ("powershell", *words), command, folder)

    def _called_script(
        self, words: Sequence[str], command: Command, folder: str | None, depth: int
    ) -> Iterator[Step]:
        path = slashes(words[0]).removeprefix("/")
        in_folder = posixpath.normpath(path if folder is None else posixpath.join(folder, path))
        file = self.snapshot.find(in_folder, posixpath.normpath(path))
        if file is None or depth >= _MAX_DEPTH:
            yield Step(Action.OTHER, tuple(words), command, folder, words[0], bool(depth))
            return
        lines = [
            Located(line, Origin(file, number))
            for number, line in enumerate(self.snapshot.files[file].split("\n"), 1)
        ]
        if file.lower().endswith((".ps1", ".sh")):
            lines = [
                Located(_as_batch(expand_shell(line.text, self.values)), line.origin)
                for line in lines
            ]
        inner = list(self._lines(lines, folder, tuple(words[1:]), depth + 1))
        actions = {step.action for step in inner}
        is_plain = actions & _DRIVER_ACTIONS and Action.OTHER not in actions
        is_made = actions & {Action.SIGN, Action.PACKAGE} or any(map(links_image, inner))
        if is_plain or is_made:
            yield from inner
        else:
            yield Step(Action.OTHER, tuple(words), command, folder, words[0], bool(depth))


def _source_of(command: Command, words: Sequence[str], kept: Sequence[str]) -> str:
    """Return the text of a command with only some of its arguments."""
    unexpanded = [each.words for each in parse_commands([Located(command.source, command.origin)])]
    texts = list(words)
    if len(unexpanded) == 1 and unexpanded[0][-len(words) :] != () and command.source:
        texts = list(unexpanded[0][-len(words) :])
    remaining = list(kept)
    pieces = [texts[0]]
    for word, text in zip(words[1:], texts[1:], strict=False):
        if remaining and word == remaining[0]:
            remaining.pop(0)
            pieces.append(text)
    return " ".join(f'"{piece}"' if " " in piece else piece for piece in pieces)


def _as_batch(line: str) -> str:
    """Return a line of sh or PowerShell with the quotes and continuations of cmd."""
    line = re.sub(r"^\s*\$\w+\s*=\s*(?=[A-Za-z&])", "", line)
    line = re.sub(r"'([^'\n]*)'", r'"\1"', line)
    return re.sub(r"[`\\]\s*$", "^", line)
