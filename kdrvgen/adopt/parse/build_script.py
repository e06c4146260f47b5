"""What a function of build.rs prints for cargo, and which functions it calls."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from kdrvgen.adopt.parse.located import Origin
from kdrvgen.adopt.parse.rust import Function, enclosing_blocks

__all__ = ["Call", "Instruction", "calls", "instructions", "side_effects"]

_MAX_INSTRUCTIONS = 1_000
_PRINT = re.compile(r"\be?print(?:ln)?!\s*\(\s*(?=\")")
_CALL = re.compile(
    r"(?<![\w.:])(?:::)?((?:[A-Za-z_]\w*::)*)([A-Za-z_]\w*)\s*(?:::<[^<>(){};]{0,200}>)?\("
)
_SIDE_EFFECT = re.compile(
    r"\b(?:std::)?(fs::\w+|process::Command|Command)\s*(?:::new)?\s*\(|\b(File::\w+)\s*\("
)

# Functions and attributes without an effect outside of the script.
_HARMLESS = frozenset(
    {
        *("args", "cfg", "var", "var_os"),
        *("default", "from", "new"),  # after a type in `<>`
    }
)
_HARMLESS_PATHS = frozenset(
    {
        *("std", "env", "Path", "PathBuf", "Result", "Option", "String", "RegKey", "winreg"),
        *("failure", "anyhow", "Error", "Vec", "path"),
        *("Box", "Rc", "Arc", "Cow", "OsStr", "OsString", "HashMap", "HashSet"),
        *("BTreeMap", "BTreeSet", "VecDeque", "Duration", "Instant", "thread", "mem", "fmt"),
        *("char", "str", "u8", "u16", "u32", "u64", "usize", "i32", "i64", "bool"),
    }
)
_KEYWORDS = frozenset(
    {
        *("if", "match", "while", "for", "in", "return", "else", "move", "let", "mut", "ref"),
        *("as", "break", "dyn", "fn", "loop", "pub", "unsafe", "where", "yield", "await", "box"),
    }
)


@dataclass(frozen=True, slots=True)
class Instruction:
    """A line `cargo:KEY=VALUE` that a build script prints.

    Attributes:
        key: Its key.
        value: Its value, as the format string has it.
        values: All values that a loop over strings prints; empty if they are computed at run time.
        is_conditional: Whether the script prints it only under a condition.
        origin: Where it is.
    """

    key: str
    value: str
    values: tuple[str, ...]
    is_conditional: bool
    origin: Origin


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a function or macro.

    Attributes:
        path: The text before the name, such as `wdk_build::Config::`.
        name: The name.
        offset: Where it is in the function.
    """

    path: str
    name: str
    offset: int

    @property
    def first(self) -> str:
        """The first part of the path, such as the name of a crate."""
        return self.path.removesuffix("::").partition("::")[0]

    @property
    def is_harmless(self) -> bool:
        """Whether the call has no effect outside of the script."""
        first, name = self.first, self.name
        if first in _HARMLESS_PATHS or (first and first[0].isupper() and name[0].isupper()):
            return True  # of the standard library, or a variant of an enumeration
        # Before a bracket, a keyword or a name in upper case (a variant) is not a call.
        return not first and (name in _HARMLESS or name in _KEYWORDS or name[0].isupper())


def instructions(function: Function) -> Iterator[Instruction]:
    """Yield the instructions for cargo that a function prints.

    Source: the Cargo Book, "Build Scripts", section "Outputs of the Build Script".
    """
    matches = list(islice(_PRINT.finditer(function.code), _MAX_INSTRUCTIONS))
    blocks = enclosing_blocks(function.code, (match.start() for match in matches))
    for match, heads in zip(matches, blocks, strict=True):
        literal = function.literals.get(match.end())
        if literal is None:
            continue
        key, is_assigned, value = literal.text.partition("=")
        if not key.startswith("cargo:") or not is_assigned:
            continue
        loop, is_conditional = _context(heads)
        if "{" in value:
            values = _looped(function, loop, value, match.start())
        else:
            values = () if loop else (value,)
        yield Instruction(
            key.removeprefix("cargo:").removeprefix(":"),
            value,
            values,
            is_conditional,
            function.origin(match.start()),
        )


def calls(function: Function) -> Iterator[Call]:
    """Yield the calls in a function."""
    for match in _CALL.finditer(function.code):
        yield Call(match[1], match[2], match.start())


def side_effects(function: Function) -> Iterator[tuple[str, int]]:
    """Yield each use of files or processes, with its offset."""
    for match in _SIDE_EFFECT.finditer(function.code):
        yield match[1] or match[2], match.start()


def _context(heads: Iterable[str]) -> tuple[str, bool]:
    """Return the head of the innermost loop, or "", and whether one of the heads is a condition."""
    loop, is_conditional = "", False
    for head in heads:
        if re.match(r"for\b", head):
            loop = head
        elif re.search(r"\b(if|match|while)\b|=>\s*$|\belse\b", head):
            is_conditional = True
    return loop, is_conditional


def _looped(function: Function, loop: str, value: str, offset: int) -> tuple[str, ...]:
    """Return what a print in a loop over an array of strings prints; () for any other loop."""
    head = re.match(r"for\s+(\w+)\s+in\s+&?(\w*)", loop)
    if not head or not re.fullmatch(rf"[^{{}}]*\{{(?:{head[1]})?(?::\w*)?\}}[^{{}}]*", value):
        return ()
    if head[2]:
        array = re.search(rf"\blet\s+{head[2]}\b[^=;]*=[^;]*?\[", function.code[:offset])
        start = array.end() if array else -1
    else:
        start = function.code.rfind("[", 0, offset)
    if start < 0:
        return ()
    end = function.code.find("]", start)
    elements = [each for each in function.literals.values() if start <= each.offset < end]
    is_more = re.sub(r'"[^"]*"|[\s,&\[]', "", function.code[start:end])
    before, _, after = re.sub(r"\{[^}]*\}", "\0", value).partition("\0")
    return () if is_more else tuple(f"{before}{each.text}{after}" for each in elements)
