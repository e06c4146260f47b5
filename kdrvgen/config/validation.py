"""Translate the model's errors into TOML's terms, each at its place in the file."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pydantic_core import ErrorDetails

from kdrvgen.config.keys import Path, dotted, shortened
from kdrvgen.config.locator import Node, Scan, scan
from kdrvgen.config.secrets import hide_in_document, is_below_credential, shown_path
from kdrvgen.config.source import Extent, Source
from kdrvgen.config.suggest import ANY, Vocabulary, for_key, for_value
from kdrvgen.credentials import MASK, is_credential, mask
from kdrvgen.errors import MOST_ERRORS
from kdrvgen.model.bootstrap import PACKAGE_KEYS
from kdrvgen.report.finding import Finding, Place, Related

__all__ = ["Explained", "explain"]

_EXPECTED = {
    "string_type": "a string",
    "string_unicode": "a string of Unicode characters",
    "bool_type": "true or false",
    "int_type": "an integer",
    "int_from_float": "an integer",
    "float_type": "a number",
    "tuple_type": "an array",
    "list_type": "an array",
    "dict_type": "a table",
    "mapping_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
}
_TABLE_EXPECTED = {kind for kind, expected in _EXPECTED.items() if expected == "a table"}
_BOUND = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("more than", "gt"),
    "less_than_equal": ("at most", "le"),
    "less_than": ("less than", "lt"),
}
_LONGEST_VALUE = 60
_RULES = {"extra_forbidden": "key-unknown", "missing": "key-missing"}


class Explained(NamedTuple):
    """The findings of a file, in its order, and the number of errors that are left out."""

    findings: list[Finding]
    omitted: int


def explain(
    source: Source,
    errors: Sequence[ErrorDetails],
    keys: Vocabulary,
    scanned: Scan | None = None,
) -> Explained:
    """Return a finding for each of pydantic's line errors, up to `MOST_ERRORS`.

    Args:
        source: The file; tomli accepts it.
        errors: `pydantic.ValidationError.errors()`; their `loc` are paths in the file.
        keys: The keys that the document may have, for suggestions.
        scanned: The positions of keys and values, if the source is not a TOML file.
    """
    scanned = scanned or scan(source.text)
    secret_paths = tuple(
        _path(error["loc"]) for error in errors if error.get("ctx", {}).get("secret")
    )
    source = hide_in_document(source, scanned, keys, secret_paths)
    placed = sorted(
        ((_blamed(scanned.root, error), error) for error in errors),
        key=lambda pair: (pair[0] is not None, pair[0] or Extent(0, 0)),
    )
    translator = _Translator(source, scanned.root, keys)
    return Explained(
        [translator.finding(error, extent) for extent, error in placed[:MOST_ERRORS]],
        max(0, len(placed) - MOST_ERRORS),
    )


def _path(loc: Path) -> Path:
    """Return the path without pydantic's mark for an error in a key itself."""
    return loc[:-1] if loc[-1:] == ("[key]",) else loc


def _blamed(root: Node, error: ErrorDetails) -> Extent | None:
    """Return what to underline: an unknown key, the table of a missing key, or else the value."""
    path = _path(error["loc"])
    if error["type"] == "missing":
        above = root.find(path[:-1])
        return (above.header or above.value or above.key) if above else None
    node = root.find(path)
    while node is None and path:
        # The value comes from a default or another key: blame the nearest node in the file.
        path = path[:-1]
        node = root.find(path)
    if node is None or error["type"] == "extra_forbidden" or error["loc"][-1:] == ("[key]",):
        return (node.key or node.header or node.value) if node else None
    return node.value or node.header or node.key


class _Translator:
    """Translates the errors of one file."""

    def __init__(self, source: Source, root: Node, keys: Vocabulary) -> None:
        self.source = source
        self.root = root
        self.keys = keys

    def finding(self, error: ErrorDetails, extent: Extent | None) -> Finding:
        path = _path(error["loc"])
        message, hint = self._message_and_hint(error, path)
        also = error.get("ctx", {}).get("also", ()) if error["type"] == "kdrvgen" else ()
        return Finding(
            rule=_RULES.get(
                error["type"], "key-type" if error["type"] in _EXPECTED else "key-value"
            ),
            message=mask(message),
            place=self.source.place(extent) if extent else Place(self.source.name),
            help=mask(hint),
            key=shown_path(path, self.keys),
            related=tuple(self._related(also)),
        )

    def _dotted(self, path: Path) -> str:
        return dotted(shown_path(path, self.keys))

    def _last(self, path: Path) -> str:
        return dotted(shown_path(path, self.keys)[-1:])

    def _related(self, paths: Sequence[Path]) -> list[Related]:
        found = []
        for path in paths:
            node = self.root.find(path)
            extent = node and (node.value or node.header or node.key)
            if extent:
                message = f"`{self._dotted(path)}` is set here"
                found.append(Related(message, self.source.place(extent)))
        return found

    def _message_and_hint(  # noqa: PLR0911 - one case for each kind of error
        self, error: ErrorDetails, path: Path
    ) -> tuple[str, str]:
        """Return the message and the hint."""
        kind, context, name = error["type"], error.get("ctx", {}), f"`{self._dotted(path)}`"
        if kind == "kdrvgen":
            message, hint = self._by_rule(path, context)
            return f"{name}: {shortened(message)}", shortened(hint)
        if kind == "extra_forbidden":
            return self._unknown(path, error["input"])
        if kind == "missing":
            return self._missing(path)
        if kind == "literal_error":
            return self._choice(path, error["input"], context["expected"])
        if kind in _EXPECTED:
            message = f"{name} must be {_EXPECTED[kind]}, but it is {_kind(error['input'])}"
            return message, self._rewrite(kind, path)
        if kind in _BOUND:
            words, key = _BOUND[kind]
            return f"{name} must be {words} {context[key]}", ""
        # A type of a newer pydantic: its own message is better than none.
        return f"{name}: {error['msg'].removeprefix('Value error, ')}", ""

    def _by_rule(self, path: Path, context: Mapping[str, Any]) -> tuple[str, str]:
        """Return a rule's message and hint, without the value if it belongs to a credential.

        The model writes values in backquotes. Messages that the model marks as secret contain no
        value, and neither do those about its own keys for credentials.
        """
        message, hint = mask(context["message"]), mask(context.get("hint", ""))
        if context.get("secret") or not self._is_below_unknown_credential(path):
            return message, hint
        return re.sub(r"`.*`", MASK, message, flags=re.DOTALL), ""

    def _is_below_unknown_credential(self, path: Path) -> bool:
        keys: Vocabulary | None = self.keys
        for part in path:
            if isinstance(part, int):
                continue
            if is_credential(part) and not (keys and part in keys):
                return True
            keys = keys.get(part, keys.get(ANY)) if keys else None
        return False

    def _unknown(self, path: Path, value: object) -> tuple[str, str]:
        if path[:1] == ("driver",) and path[1] in PACKAGE_KEYS:
            return self._moved(str(path[1]))
        node, table = self.root.find(path), self.root.find(path[:-1])
        present = table.children.keys() if table else ()
        hint = "" if is_below_credential(path[:-1]) else for_key(self.keys, path, present)
        if isinstance(value, Mapping) and node and node.value is None:
            return f"unknown table `[{self._dotted(path)}]`", hint
        where = f"in `[{self._dotted(path[:-1])}]`" if path[1:] else "outside of any table"
        return f"unknown key `{self._last(path)}` {where}", hint

    def _moved(self, key: str) -> tuple[str, str]:
        """Return the message and hint for a key that belongs in Cargo.toml only."""
        message = f"`driver.{key}` is not a key of this file: it belongs in Cargo.toml"
        here = f"set `{key}` under `[package]` in Cargo.toml, and delete it here"
        return message, f"{here}\nfor a new project, `kdrvgen new` reads `bootstrap.{key}`"

    def _missing(self, path: Path) -> tuple[str, str]:
        if not path[1:]:
            hint = '[driver]\nname = "hello"' if path == ("driver",) else ""
            return f"the table `[{self._dotted(path)}]` is missing", hint and f"add\n{hint}"
        hint = 'add it, such as `name = "hello"`' if path == ("driver", "name") else ""
        return f"the key `{self._last(path)}` is missing in `[{self._dotted(path[:-1])}]`", hint

    def _choice(self, path: Path, value: object, expected: str) -> tuple[str, str]:
        allowed = re.findall(r"'([^']*)'", expected)
        listed = ", ".join(f'"{one}"' for one in allowed)
        if not isinstance(value, str):
            return (
                f"`{self._dotted(path)}` must be a string, but it is {_kind(value)}",
                f"use one of {listed}",
            )
        shown = self._shown_value(path, value)
        near = for_value(value, allowed) if MASK not in shown else ""
        hint = "\n".join(filter(None, (near, f"use one of {listed}" if allowed[1:] else "")))
        if not allowed[1:]:
            hint = f"the only value is {listed}"
        return f"`{self._dotted(path)}` cannot be {shown}", hint

    def _shown_value(self, path: Path, value: str) -> str:
        node = self.root.find(path)
        is_hidden = node and node.value and MASK in self.source.shown(node.value)
        if is_hidden or is_below_credential(path) or MASK in mask(value):
            return MASK
        return f'"{shortened(value)}"'

    def _rewrite(self, kind: str, path: Path) -> str:
        """Return a hint with the corrected value, where there is only one way to correct it."""
        node = self.root.find(path)
        if node and node.last and kind in _TABLE_EXPECTED:
            return f"write `[{self._dotted(path)}]`, with single brackets"
        if node is None or node.value is None or not path or is_below_credential(path):
            return ""
        written = self.source.shown(node.value)
        if MASK in written or "\n" in written or len(written) > _LONGEST_VALUE:
            return ""
        key = "" if isinstance(path[-1], int) else f"{self._last(path)} = "
        return _rewritten(kind, key, written)


_BOOLEANS = {
    **dict.fromkeys(("true", "yes", "on", "1"), "true"),
    **dict.fromkeys(("false", "no", "off", "0"), "false"),
}


def _rewritten(kind: str, key: str, written: str) -> str:
    bare = written.strip("\"'")
    if kind == "string_type" and written[0] not in "[{\"'":
        return f'quote it: `{key}"{written}"`'
    if kind in {"tuple_type", "list_type"} and written[0] in "\"'":
        return f"put it in brackets: `{key}[{written}]`"
    if kind == "bool_type" and bare.lower() in _BOOLEANS:
        return f"write `{key}{_BOOLEANS[bare.lower()]}`"
    if kind == "int_type" and bare.isascii() and bare.isdigit():
        return f"remove the quotes: `{key}{int(bare)}`"
    return ""


_KINDS = (
    (str, "a string"),
    (bool, "a boolean"),
    (int, "an integer"),
    (float, "a float"),
    (Mapping, "a table"),
    (list, "an array"),
    (dt.datetime, "a date and time"),
    (dt.date, "a date"),
    (dt.time, "a time"),
)
"""TOML's types as tomli returns them, subtypes first: in Python, a bool is an int."""


def _kind(value: object) -> str:
    return next((name for kind, name in _KINDS if isinstance(value, kind)), "another type")
