"""What can follow on a command line, from the parsers of argparse."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Command", "Option", "Values", "actions", "commands"]


@dataclass(frozen=True, slots=True)
class Values:
    """The words that an argument can have.

    Attributes:
        words: The known words, in a fixed order.
        has_files: Whether it can be the path of a file or folder.
        has_folders: Whether it can be the path of a folder.
    """

    words: tuple[str, ...] = ()
    has_files: bool = False
    has_folders: bool = False


@dataclass(frozen=True, slots=True)
class Option:
    """An option.

    Attributes:
        names: Its names, such as `-o` and `--output`.
        text: What it does, in one line.
        values: The words that its value can have; None if it has no value.
    """

    names: tuple[str, ...]
    text: str
    values: Values | None


@dataclass(frozen=True, slots=True)
class Command:
    """A command.

    Attributes:
        verb: Its name; "" for the command without one.
        text: What it does, in one line.
        options: Its options.
        values: The words that its positional arguments can have.
    """

    verb: str
    text: str
    options: tuple[Option, ...]
    values: Values


_KINDS: Mapping[str, Values] = {
    "CONFIG": Values(has_files=True),
    "DIR": Values(has_folders=True),
    "FILE": Values(has_files=True),
    "FILE:LINE": Values(has_files=True),
    "IMAGE": Values(has_files=True),
    "NAME": Values(),
    "SECONDS": Values(),
}


def commands(
    parsers: Mapping[str, tuple[str, argparse.ArgumentParser]], known: Mapping[str, Values]
) -> tuple[Command, ...]:
    """Return the commands of the program.

    Args:
        parsers: The description and parser of each verb; "" is the command without one.
        known: The words for arguments without choices, by their names in the help (metavar).

    Raises:
        KeyError: An argument has a name whose words are not known.
    """
    kinds = {**_KINDS, **known}
    return tuple(
        Command(verb, text, tuple(_options(parser, kinds)), _positional(parser, kinds))
        for verb, (text, parser) in parsers.items()
    )


def actions(parser: argparse.ArgumentParser) -> Sequence[argparse.Action]:
    """Return the arguments of a parser, in their order."""
    return parser._actions  # noqa: SLF001 - argparse has no public way to list arguments


def _options(parser: argparse.ArgumentParser, kinds: Mapping[str, Values]) -> Iterator[Option]:
    for action in actions(parser):
        if action.option_strings:
            values = None if action.nargs == 0 else _values(action, kinds)
            text = " ".join((action.help or "").split())
            yield Option(tuple(action.option_strings), text, values)


def _positional(parser: argparse.ArgumentParser, kinds: Mapping[str, Values]) -> Values:
    found = [_values(each, kinds) for each in actions(parser) if not each.option_strings]
    return found[0] if found else Values()


def _values(action: argparse.Action, kinds: Mapping[str, Values]) -> Values:
    if action.choices is not None:
        return Values(tuple(map(str, action.choices)))
    return kinds[str(action.metavar)]
