"""What the completion scripts of the shells have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from kdrvgen.completion.words import Command, Option, Values

__all__ = ["filled", "with_values"]


def filled(script: str, parts: Mapping[str, str]) -> str:
    """Return a script with a part in place of each mark, such as `@verbs@`."""
    for mark, part in parts.items():
        script = script.replace(mark, part)
    return script


def with_values(commands: Sequence[Command]) -> Iterator[tuple[str, Option, Values]]:
    """Yield each option that has a value, with the verb of its command and the possible values."""
    for command in commands:
        for option in command.options:
            if option.values is not None:
                yield command.verb, option, option.values
