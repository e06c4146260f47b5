"""Where scripts have passwords in plain text: in assignments, options and switches of tools."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import TypeAlias

from kdrvgen.credentials import holds_credential, spans

__all__ = ["is_reference", "merged", "secret_spans"]

Span: TypeAlias = tuple[int, int]

_LONGEST = 200  # characters before a pipe

# A word of a command with the quotes around it or in it.
_VALUE = (
    r"""(\\"[^"\\\n]*\\"|"[^"\n]*"|'[^'\n]*'"""
    r"""|(?:\^.|[^\s"'&|;)^])(?:\^.|"[^"\s]*"|[^\s"'&|;)^])*+)"""
)
_NAME = r"([A-Za-z_][\w.-]*+)"
_GAP = r"(?:[ \t]|[\^`\\]\n)++"  # a line may continue here

# Patterns whose first group is a name, which decides, and whose second group is the value.
_NAMED = (
    # cmd's `set`, whose value ends with the command.
    re.compile(rf"(?i)\bset[ \t]+(?:/p[ \t]+)?{_NAME}[ \t]*=((?:\^.|[^&|\n^])*+)"),
    re.compile(rf"""(?i)\bset[ \t]+(?:/p[ \t]+)?"{_NAME}[ \t]*=([^"\n]*)"""),
    # Any other assignment, also `/p:NAME=VALUE` and `$env:NAME = VALUE`.
    re.compile(rf"""(?<![\w.-])-*{_NAME}[}}"']?[ \t]*=(?!=)[ \t]*{_VALUE}"""),
    # A text that names its value: `Authorization: Bearer VALUE`.
    re.compile(
        rf"""(?i)(?<![\w.%$-]){_NAME}["']?:[ \t]+(?:(?:bearer|basic|token|apikey)[ \t]+)?{_VALUE}"""
    ),
    # cargo-make's default value.
    re.compile(rf"\$\{{{_NAME}:([^}}\n]+)"),
    # An option whose value is the next word, or follows a colon.
    re.compile(
        rf"""(?<![^\s"'(])(?:--?|/){_NAME}(?:[ \t]*:[ \t]*|{_GAP})"""
        rf"""(?:pass:)?(?![-/]){_VALUE}"""
    ),
    re.compile(
        r"""(?i)(?:(?<!\$)\benv:|\bset-variable\s+(?:-name\s+)?|\bsetx[ \t]+"""
        rf"""|environmentvariable\(\s*["']){_NAME}"""
        rf"""["']?(?:[ \t]*,[ \t]*|[ \t]+(?:-value[ \t]+)?){_VALUE}"""
    ),
)
# An option such as `--password-stdin` or `--token-url` has no secret.
_ABOUT = re.compile(
    r"(?i)[_-]?(?:stdin|file|path|env|prompt|fd|url|uri|id|name|type|provider|length|thru)$|tokens$"
)

# What is secret by its place, whatever the tool.
_PLACED = (
    re.compile(rf"(?<![\w-])pass:{_VALUE}"),
    re.compile(rf"(?<!\S)-kv[as](?:[ \t]*[:=][ \t]*|{_GAP}){_VALUE}"),
    re.compile(
        r"(?i)\bconvertto-securestring[ \t]*\(?[ \t]*"
        r"(?:-(?:asplaintext|force)(?::\$\w+)?[ \t]+|-s\w*(?:[ \t]+|:[ \t]*))*"
        rf"(?!-){_VALUE}"
    ),
    re.compile(
        rf"(?i)\b(?:network|ps)credential(?:\]::new)?[ \t]*\(?[^,\n()]{{1,200}},[ \t]*{_VALUE}"
    ),
    re.compile(rf"(?i)\bsecurestring(?:\]::new)?[ \t]*\([ \t]*{_VALUE}"),
)
# `for %%p in (VALUE) do signtool … /p %%p`
_LOOP = re.compile(
    rf"(?i)\bfor[ \t]+(?P<name>%%?\w)[ \t]+in[ \t]*\([ \t]*(?P<value>{_VALUE[1:-1]})[ \t]*\)"
    r"[ \t]*do\b"
    r"(?=[^\n]{0,500}?[ \t][-/](?:p|pass|password)[ \t:]+(?P=name)\b)"
)

# Tools, and the arguments of each that are secret.
_TOOLS = (
    (r"sshpass", rf"(?<!\S)-p[ \t]*{_VALUE}"),
    (r"pscp|plink|psftp", rf"(?<!\S)-pw[ \t]+{_VALUE}"),
    (r"psexec(?:64)?|winrs", rf"(?<!\S)[-/]p[:= \t]+{_VALUE}"),
    (r"(?:docker|podman|oras|helm)[ \t]+login", rf"(?<!\S)-p[= \t]+{_VALUE}"),
    (r"7za?|rar|winrar|unzip|mysql", rf"(?<!\S)-h?[pP][ \t]*{_VALUE}"),
    (r"zip", rf"(?<!\S)-P[ \t]*{_VALUE}"),
    (r"schtasks", rf"(?<!\S)/rp[ \t]+{_VALUE}"),
    (r"vmrun", rf"(?<!\S)-[gv]p[ \t]+{_VALUE}"),
    (r"nuget", rf"(?i)(?<!\S)-(?:k|apikey)[ \t]+{_VALUE}"),
    (r"openssl[ \t]+enc", rf"(?<!\S)-[kK][ \t]+{_VALUE}"),
    (r"ssh-keygen", rf"(?<!\S)-[NP][ \t]+{_VALUE}"),
    (
        r"curl|wget|iwr",
        rf"""(?<!\S)(?:-[uU][ \t]*|--(?:proxy-)?user[ \t=]+)["']?[^\s:"']+:{_VALUE}""",
    ),
    (r"net1?[ \t]+user", rf"\buser[ \t]+[^\s/]\S*[ \t]+(?!/){_VALUE}"),
    (r"net1?[ \t]+use", rf"\\\\\S+[ \t]+(?:/user:\S+[ \t]+)?(?!/){_VALUE}"),
    (r"cargo[ \t]+login", rf"\blogin[ \t]+(?!-){_VALUE}"),
    (r"smctl[ \t]+credentials[ \t]+save", rf"(?<=[ \t])(?!-|credentials\b|save\b){_VALUE}"),
)
_TOOL = re.compile(
    rf"(?<![\w.-])(?:{'|'.join(f'(?P<t{at}>{name})' for at, (name, _) in enumerate(_TOOLS))})\b",
    re.IGNORECASE,
)
_OF_TOOL = [re.compile(pattern) for _, pattern in _TOOLS]
# `echo VALUE | docker login --password-stdin`
_PIPED = re.compile(
    rf"(?i)\becho[ \t]+{_VALUE}[ \t]*\|[^\n|&]*(?:--password-stdin|cargo[ \t]+login)"
)
# `VALUE | ConvertTo-SecureString`
_INTO_SECURE = re.compile(r"(?i)\|[ \t]*convertto-securestring")
_LAST_WORD = re.compile(r"""["'][^"'\n]{0,200}["'][ \t]*\Z|[^\s"'=]{1,200}[ \t]*\Z""")

# Programs that sign or handle certificates; `/p`, `-pi` and so on are passwords in their commands.
_SIGNER = re.compile(
    r"signtool|certutil|pvk2pfx|pfx|\.p12|securestring|openssl|osslsigncode|makecert|signcode"
    r"|(?<![\w/-])sign[ \t]+[-/]\w|(?<=[ \t])--[ \t]+(?=[^\n&|;]{0,200}(?<!\S)/p[ \t])",
    re.IGNORECASE,
)
_OF_SIGNER = re.compile(
    rf"""(?i)(?<!\S)(?<!\bset[ \t])["']?[-/](?:p|pi|po|pass|password|pwd|string)"""
    rf"""(?:[ \t]*["']?{_GAP}|[ \t]*[:=][ \t]*){_VALUE}"""
)
# `call sign.cmd a.pfx VALUE`
_CALLED = re.compile(
    rf"(?i)(?:\bcall[ \t]|\.(?:cmd|bat|ps1|sh)\b)[^\n&|;]{{0,500}}\.(?:pfx|p12)[\"']?[ \t]+"
    rf"(?![-/]|\S*[.\\/]){_VALUE}"
)
_COMMAND_END = re.compile(r"""\\?"[^"\n]*"|((?<!\^)[&|]|;|(?<![\^`\\])\n)""")
# In a command of cargo, `-p` names a package, but not among the arguments of what cargo runs.
_CARGO = re.compile(
    r"(?i)[ \t(]*@?(?:call[ \t]+)?(?:cargo|makers|msbuild)(?:\.exe)?[ \t](?:(?![ \t]--[ \t]).)*"
)

# Values that are no text, and PowerShell's expressions, which have no quotes.
_NO_SECRET = re.compile(r"(?i)\W{1,2}|0|true|false|none|null|yes|no")
_EXPRESSION = re.compile(r"\[[\w.]+\](?:::|\$)|(?:ConvertTo|Get|Import|New|Read|Select)-[A-Z]\w+$")

_REFERENCE = re.compile(
    r"(?i)(?:(?:bearer|basic|token|apikey) +)?"
    r"(?:%[^%\s]+%|%%?~?\w|%\*|\$\{[^}]*\}?|\$\(.*+|\$(?:env:)?\w+(?:[.\[(].*+)?|![\w.]+!"
    r"|@@[\w-]+\(.*+|(?:env|file|fd):\S+|stdin|<[\w -]+>)+,?"
)


def is_reference(text: str) -> bool:
    """Return whether a text only names the variable or the file that holds a password."""
    return _REFERENCE.fullmatch(text.strip("\"'\\")) is not None


@lru_cache(maxsize=256)
def secret_spans(text: str) -> tuple[Span, ...]:
    """Return start and end of each password in plain text, without its quotes, in their order.

    Takes time in proportion to the length of the text. Sources: the reference pages of the tools.
    """
    found = {span for span in spans(text) if not _is_template(text, span)}
    for pattern in _NAMED:
        found |= {each.span(2) for each in pattern.finditer(text) if _is_secret(each[1])}
    for pattern in (*_PLACED, _PIPED, _CALLED):
        found |= {each.span(1) for each in pattern.finditer(text)}
    found |= {each.span("value") for each in _LOOP.finditer(text)}
    for each in _INTO_SECURE.finditer(text):
        start = max(0, each.start() - _LONGEST)
        if word := _LAST_WORD.search(text[start : each.start()]):
            found.add((start + word.start(), start + word.end()))
    ends = [each.start() for each in _COMMAND_END.finditer(text) if each[1]]
    for tool, start, end in _tool_commands(text, ends):
        found |= {each.span(1) for each in _OF_TOOL[tool].finditer(text, start, end)}
    for start, end in _signer_commands(text, ends):
        found |= {each.span(1) for each in _OF_SIGNER.finditer(text, start, end)}
    bare = {_without_quotes(text, span) for span in found}
    known = (span for span in bare if span[0] < span[1])
    return (*merged(span for span in known if _is_plain(text, *span)),)


def merged(places: Iterable[Span]) -> list[Span]:
    """Return spans in their order, with those that overlap joined into one."""
    apart: list[Span] = []
    for start, end in sorted(places):
        if apart and start < apart[-1][1]:
            apart[-1] = apart[-1][0], max(end, apart[-1][1])
        else:
            apart.append((start, end))
    return apart


def _is_plain(text: str, start: int, end: int) -> bool:
    """Return whether a value is a password in plain text."""
    value = text[start:end]
    is_quoted = text[start - 1 : start] in {'"', "'"}
    is_code = not is_quoted and _EXPRESSION.match(value)
    return not (is_code or _NO_SECRET.fullmatch(value) or is_reference(value))


def _is_template(text: str, span: Span) -> bool:
    """Return whether `{{…}}` is an expression, as in a Justfile, and no PIN: `[READER{{PIN}}]`."""
    start, end = span
    return text[start - 2 : start] == "{{" and text[end : end + 3] != "}}]"


@lru_cache(maxsize=4096)
def _is_secret(name: str) -> bool:
    return holds_credential(name) and not _ABOUT.search(name)


def _without_quotes(text: str, span: Span) -> Span:
    start, end = span
    outer = "\"'\\ \t" + (")" if "(" not in text[start:end] else "")  # of `(set NAME=VALUE)`
    while start < end and text[start] in "\"'\\ \t":
        start += 1
    while start < end and text[end - 1] in outer:
        end -= 1
    return start, end


def _tool_commands(text: str, ends: list[int]) -> Iterator[tuple[int, int, int]]:
    """Yield a number of `_TOOLS`, and start and end of its arguments, once for each command."""
    last: dict[int, int] = {}
    for match in _TOOL.finditer(text):
        tool = int((match.lastgroup or "t0")[1:])
        at = bisect_right(ends, match.start())
        if last.get(tool) != at:
            last[tool] = at
            yield tool, match.start(), ends[at] if at < len(ends) else len(text)


def _signer_commands(text: str, ends: list[int]) -> Iterator[Span]:
    """Yield start and end of each command that signs or handles certificates, without cargo's."""
    done = 0
    for match in _SIGNER.finditer(text):
        if match.start() < done:
            continue
        at = bisect_right(ends, match.start())
        start = ends[at - 1] + 1 if at else 0
        done = ends[at] if at < len(ends) else len(text)
        cargo = _CARGO.match(text, start, match.start())
        yield (cargo.end() if cargo else start), done
