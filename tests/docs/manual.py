"""The manual page in roff (man(7)), from the parsers of the commands."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from textwrap import wrap

from kdrvgen import __version__
from kdrvgen.commands import DEFAULT, VERBS
from kdrvgen.commands.parser import EPILOG, parser_of
from kdrvgen.completion.words import actions

__all__ = ["manual"]

_ENVIRONMENT = {
    "NO_COLOR": "Any value but the empty one turns colours off.",
    "CI": "Any value but the empty one turns progress off.",
    "TERM": "With the value dumb, there are no colours and no progress.",
    "KDRVGEN_NO_CACHE": "With the value 1, kdrvgen keeps no digests between runs.",
    "XDG_CACHE_HOME": "The folder of the cache; by default ~/.cache.",
}
_FILES = {
    "config.toml, kdrvgen.toml": "The configuration of a driver.",
    "Makefile.toml, .cargo/config.toml, build.rs, .kdrvgen": "The files that kdrvgen generates.",
}


def manual(date: str) -> str:
    """Return the manual page.

    Args:
        date: The day of the release, as YYYY-MM-DD.
    """
    return "\n".join(_lines(date)) + "\n"


def _lines(date: str) -> Iterator[str]:
    yield f'.TH KDRVGEN 1 "{date}" "kdrvgen {__version__}" "User Commands"'
    yield ".SH NAME"
    yield "kdrvgen \\- set up, build and sign Windows kernel drivers written in Rust"
    yield ".SH SYNOPSIS"
    yield from _usage("", parser_of(DEFAULT))
    for verb in VERBS:
        yield ".br"
        yield from _usage(verb, parser_of(verb))
    yield ".SH DESCRIPTION"
    yield _text(
        "kdrvgen writes Makefile.toml, the cargo configuration and build.rs of a kernel driver "
        "from one config.toml. cargo make then builds, signs and checks the driver without it."
    )
    yield ".PP"
    yield "Without a command, kdrvgen generates the files of a project:"
    yield from _arguments(parser_of(DEFAULT), is_whole=True)
    yield ".SH COMMANDS"
    yield "Every command also has the options"
    yield ".BR \\-\\-format ,"
    yield ".BR \\-\\-color ,"
    yield ".BR \\-q ,"
    yield ".B \\-v"
    yield "and"
    yield ".BR \\-\\-version ."
    for verb, text in VERBS.items():
        yield f".SS {verb}"
        yield _text(text[:1].upper() + text[1:] + ".")
        yield from _arguments(parser_of(verb), is_whole=False)
    yield ".SH EXIT STATUS"
    codes = EPILOG.partition("exit codes:\n")[2].partition("\nexamples:")[0]
    for code, meaning in re.findall(r"^  (\d)  (.*(?:\n     .*)*)", codes, re.MULTILINE):
        yield from _item(f".B {code}", " ".join(meaning.split()))
    for title, members in (("ENVIRONMENT", _ENVIRONMENT), ("FILES", _FILES)):
        yield f".SH {title}"
        for name, text in members.items():
            yield from _item(f".I {_text(name)}", text)
    yield ".SH EXAMPLES"
    examples = EPILOG.partition("examples:\n")[2]
    for command, meaning in re.findall(r"^  (\S.*?)  +(.*(?:\n {30,}.*)*)", examples, re.MULTILINE):
        yield from _item(f".B {_text(command)}", " ".join(meaning.split()))
    yield ".SH SEE ALSO"
    yield ".BR cargo (1),"
    yield ".BR osslsigncode (1)"


def _usage(verb: str, parser: argparse.ArgumentParser) -> Iterator[str]:
    yield f".B kdrvgen{' ' + verb if verb else ''}"
    yield "[\\fIoptions\\fR]"
    for action in actions(parser):
        if not action.option_strings:
            name = f"\\fI{_text(str(action.metavar))}\\fR"
            many = " \\&..." if action.nargs == "*" else ""
            yield f"[{name}{many}]" if action.nargs else name


def _arguments(parser: argparse.ArgumentParser, *, is_whole: bool) -> Iterator[str]:
    common = {"--help", "--format", "--color", "--quiet", "--verbose", "--version"}
    for action in actions(parser):
        names = action.option_strings
        if names and not is_whole and common & set(names):
            continue
        value = action.metavar or "|".join(map(str, action.choices or ()))
        if not names:
            head = f".I {_text(str(value))}"
        else:
            shown = ", ".join(f"\\fB{_text(name)}\\fR" for name in names)
            head = f"{shown} \\fI{_text(str(value))}\\fR" if action.nargs != 0 else shown
        yield from _item(head, " ".join((action.help or "").split()))


def _item(head: str, text: str) -> Iterator[str]:
    yield ".TP"
    yield head
    yield _text(text[:1].upper() + text[1:].removesuffix(".") + ".")


def _text(text: str) -> str:
    """Return plain text in roff: groff(7), "Escape sequences"."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("…", "...")
    lines = wrap(escaped, 78, break_long_words=False, break_on_hyphens=False)
    return "\n".join(re.sub(r"^(?=[.'])", r"\\&", line) for line in lines)
