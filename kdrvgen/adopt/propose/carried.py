"""A task that stays the project's own, and what changes in it with the pipeline around it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from kdrvgen.adopt.parse.located import Origin
from kdrvgen.adopt.parse.steps import Step
from kdrvgen.adopt.parse.toml_values import TomlValue, joined_strings
from kdrvgen.adopt.propose.references import ImageReferences
from kdrvgen.adopt.read.environment import FLAG_VARIABLES
from kdrvgen.adopt.read.findings import difference, equivalent, hazard
from kdrvgen.adopt.read.make_task import MakeTask
from kdrvgen.report.finding import Finding

__all__ = ["carried", "unexpanded"]

_BRACED = re.compile(r"\$\{(\w+)\}")


def carried(
    table: Mapping[str, TomlValue],
    task: MakeTask,
    steps: Sequence[Step],
    references: ImageReferences,
) -> tuple[dict[str, TomlValue], list[Finding]]:
    """Return a copied task with the new paths of the image, and what changes.

    Args:
        table: Its keys.
        task: The task in the makefile.
        steps: Its commands.
        references: The paths of the image.
    """
    result = dict(table)
    findings: list[Finding] = []
    before = references.count
    if not task.keys.get("script_runner"):
        folders = {step.command.number: step.folder for step in steps if not step.is_called}
        result |= _with_paths(result, folders, references)
        windows = result.get("windows")
        if isinstance(windows, dict):
            result["windows"] = {**windows, **_with_paths(windows, folders, references)}
        findings += unexpanded(task.origin, task.name, joined_strings(result.get("script")))
    if references.count > before:
        message = f"`{task.name}` uses files of the driver in the project's old folder"
        remedy = (
            "the copied task uses DRIVER_PATH, DRIVER_OUTPUT and DRIVER_PACKAGE of the generated "
            "pipeline"
        )
        findings.append(equivalent(task.origin, message, remedy))
    flags, flag_findings = _with_flags(result, task)
    return flags, [*findings, *flag_findings]


def unexpanded(origin: Origin, name: str, script: str) -> Iterator[Finding]:
    """Yield a hazard for each `${NAME}` in a script that cmd runs."""
    for variable in dict.fromkeys(_BRACED.findall(script)):
        yield hazard(
            origin,
            f"cmd does not expand `${{{variable}}}`, and cargo-make does not expand it in scripts",
            f"the task `{name}` still has it: write `%{variable}%`",
            is_avoided=False,
        )


def _with_paths(
    table: Mapping[str, TomlValue], folders: Mapping[int, str | None], references: ImageReferences
) -> dict[str, TomlValue]:
    """Return the keys of a task whose paths change."""
    changed: dict[str, TomlValue] = {}
    script, args = table.get("script"), table.get("args")
    if isinstance(script, str):
        lines = script.split("\n")
        new = [_line(line, at, folders, references) for at, line in enumerate(lines, 1)]
        changed["script"] = "\n".join(new)
    elif isinstance(script, list) and all(isinstance(line, str) for line in script):
        changed["script"] = [
            _line(line, at, folders, references) for at, line in enumerate(script, 1)
        ]
    if isinstance(args, list):
        changed["args"] = [
            references.in_word(each) if isinstance(each, str) else each for each in args
        ]
    return changed


def _line(
    line: str, number: int, folders: Mapping[int, str | None], references: ImageReferences
) -> str:
    return references.in_line(line, folders.get(number, ""))


def _with_flags(
    table: dict[str, TomlValue], task: MakeTask
) -> tuple[dict[str, TomlValue], list[Finding]]:
    """Return a task that sets RUSTFLAGS only for its own commands.

    cargo-make keeps the `env` of a task for the tasks after it, and the pipeline rejects these
    variables: they replace the flags that make a driver.
    """
    env = table.get("env")
    if not isinstance(env, Mapping):
        return table, []
    flags = {
        name: text
        for name, text in env.items()
        if name.upper() in FLAG_VARIABLES and isinstance(text, str)
    }
    if not flags:
        return table, []
    origin = task.where("env", next(iter(flags)))
    rest = {name: value for name, value in env.items() if name not in flags}
    others = {key: value for key, value in table.items() if key != "env"}
    result = {**others, **({"env": rest} if rest else {})}
    lines = [f"set {name}={text}" for name, text in flags.items()]
    script = result.get("script")
    if isinstance(result.get("command"), str):
        args = result.pop("args", [])
        words = [result.pop("command"), *(args if isinstance(args, list) else [])]
        result["script"] = [*lines, " ".join(_quoted(str(word)) for word in words)]
    elif isinstance(script, list) and not table.get("script_runner"):
        result["script"] = [*lines, *script]
    elif isinstance(script, str) and not table.get("script_runner"):
        result["script"] = "\n".join([*lines, script])
    else:
        message = f"`{task.name}` sets {', '.join(flags)}, which replaces the flags of the driver"
        return result, [difference(origin, message, "the proposal leaves it out")]
    message = f"`{task.name}` sets {', '.join(flags)}, and cargo-make keeps it for later tasks"
    return result, [equivalent(origin, message, "its script sets it only for its own commands")]


def _quoted(word: str) -> str:
    word = re.sub(r"\$\{(\w+)\}", r"%\1%", word)
    return f'"{word}"' if re.search(r"[\s&|<>]", word) else word
