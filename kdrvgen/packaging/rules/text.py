"""Rules for the text of an INF file: encoding, syntax and string tokens."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kdrvgen.packaging.inf.document import Field, Inf
from kdrvgen.packaging.rules.rule import InfRule, violation
from kdrvgen.packaging.rules.structure import Structure
from kdrvgen.report.finding import Finding, Rule, Severity

__all__ = ["RULES", "check"]

_SYNTAX = (
    "https://learn.microsoft.com/windows-hardware/drivers/install/"
    "general-syntax-rules-for-inf-files"
)
_STAMP = "https://learn.microsoft.com/windows-hardware/drivers/devtest/stampinf-command-options"

_ENCODING = InfRule(
    Rule(
        "inf-encoding",
        Severity.ERROR,
        "the file is neither ANSI nor UTF-16 with a byte order mark",
        "Windows would read other characters.",
        _SYNTAX,
    ),
    1003,
)
_BROKEN = InfRule(
    Rule("inf-syntax", Severity.ERROR, "the text does not follow the syntax of INF", "", _SYNTAX),
    1002,
)
_UNDEFINED = InfRule(
    Rule(
        "inf-string-undefined",
        Severity.ERROR,
        "`[Strings]` does not define a `%token%`",
        "Windows leaves the token as it is.",
        _SYNTAX,
    ),
    1235,
)
_UNSTAMPED = InfRule(
    Rule(
        "inf-variable",
        Severity.ERROR,
        "a variable for stampinf, such as `$ARCH$`, is left in the file",
        "The file was not stamped.",
        _STAMP,
    ),
    1274,
)
_CODE_PAGE = InfRule(
    Rule(
        "inf-code-page",
        Severity.WARNING,
        "an ANSI file has characters that are not in ASCII",
        "Windows reads them in its own code page, which is not the same everywhere.",
        _SYNTAX,
    )
)
RULES = (_ENCODING, _CODE_PAGE, _BROKEN, _UNDEFINED, _UNSTAMPED)
"""The rules of this module."""

_VARIABLE = re.compile(
    r"\$(ARCH|KMDFVERSION|KMDFCOINSTALLERVERSION|UMDFVERSION|UMDFCOINSTALLERVERSION)\$",
    re.IGNORECASE,
)


def check(structure: Structure) -> Iterator[Finding]:
    """Yield what is wrong with the text."""
    inf = structure.inf
    if inf.encoding_flaw:
        advice = "save it as UTF-16 LE with a byte order mark, or with ASCII characters only"
        yield violation(_ENCODING, inf, None, inf.encoding_flaw, advice)
    yield from _code_page(inf)
    for flaw in inf.flaws:
        severity = Severity.WARNING if flaw.is_harmless else Severity.ERROR
        yield violation(_BROKEN, inf, flaw, flaw.message, flaw.help).as_severe_as(severity)
    yield from _tokens(structure)


def _code_page(inf: Inf) -> Iterator[Finding]:
    """Yield the first field of an ANSI file that is not in ASCII."""
    field = next((each for _, each in inf.fields() if not each.text.isascii()), None)
    if inf.is_ansi and field:
        character = next(each for each in field.text if not each.isascii())
        message = f"`{character}` is not in ASCII, and the file is ANSI"
        advice = "save it as UTF-16 LE with a byte order mark; kdrvgen reads it as Windows-1252"
        yield violation(_CODE_PAGE, inf, field, message, advice)


def _tokens(structure: Structure) -> Iterator[Finding]:
    inf = structure.inf
    for section in inf.sections.values():
        yield from _unstamped(inf, Field(section.name, section.extent))
    for section, field in inf.fields():
        yield from _unstamped(inf, field)
        key = section.name.lower()
        is_text = key.partition(".")[0] == "strings"
        for token in () if is_text else inf.tokens(field.text):
            if token.lower() not in inf.strings and key in structure.used:
                advice = f'add `{token} = "…"` to `[Strings]`; write `%%` for one `%`'
                message = f"`%{token}%` is not defined in `[Strings]`"
                yield violation(_UNDEFINED, inf, field, message, advice)


def _unstamped(inf: Inf, field: Field) -> Iterator[Finding]:
    if found := _VARIABLE.search(field.text):
        name, kind = found[0], found[1][:4].upper()
        advice = "`kdrvgen package` replaces it, as stampinf does"
        if name != name.upper():
            advice = f"write `{name.upper()}`"
        elif kind in {"KMDF", "UMDF"}:
            advice += f', in a project with `driver.model = "{kind.lower()}"`'
        yield violation(_UNSTAMPED, inf, field, f"`{name}` was not replaced", advice)
