"""What of a file an error may not show: the values of credentials, and comments beside them."""

from __future__ import annotations

import re
import sys
from bisect import bisect_left
from collections.abc import Callable, Iterator

import tomli

from kdrvgen.config.keys import Path
from kdrvgen.config.locator import Node, Scan, scan
from kdrvgen.config.source import Extent, Source
from kdrvgen.config.suggest import ANY, Vocabulary
from kdrvgen.credentials import MASK, holds_credential, is_credential, mask, spans

__all__ = ["hide_in_document", "hide_in_line", "is_below_credential", "mask_file", "shown_path"]

_WORD = re.compile(r"[\w-]+")
_BETWEEN = re.compile(r"""["']?[ \t]*+[=:]?[ \t]*+""")
_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8}))")


def shown_path(path: Path, keys: Vocabulary | None = None) -> Path:
    """Return a path as output may show it.

    The keys below a credential are masked, since they are its value. Those that config.toml
    itself has are shown.

    Args:
        path: The path in the document.
        keys: What the document may hold.
    """
    shown: list[str | int] = []
    is_below = False
    for part in path:
        is_known = keys is not None and isinstance(part, str) and part in keys
        if isinstance(part, int):
            shown.append(part)
        else:
            shown.append(MASK if is_below and not is_known else mask(part))
            is_below = is_below or is_credential(part)
        keys = _vocabulary_below(keys, part)
    return tuple(shown)


def is_below_credential(path: Path) -> bool:
    """Tell whether a value belongs to a credential."""
    return any(isinstance(part, str) and is_credential(part) for part in path)


def hide_in_document(
    source: Source, found: Scan, keys: Vocabulary | None = None, told: tuple[Path, ...] = ()
) -> Source:
    """Return a document that hides its credentials.

    Args:
        source: The document.
        found: Where its keys and values stand.
        keys: What the document may hold.
        told: Paths of further values that are secret.
    """
    named = [node for path in told if (node := found.root.find(path))]
    hidden = [*_credentials(found.root, keys, is_credential)]
    for node in named:
        hidden += filter(None, (node.value,))
        hidden += _credentials(node, None, is_credential, is_below=True)
    hidden += _comments_beside(source, found, hidden)
    hidden += [each for each in found.comments if _has_credential(source.text[slice(*each)])]
    hidden += _spans(source.text, found.root)
    return source.hiding(extent for extent in hidden if extent.start < extent.end)


def mask_file(path: str, text: str) -> str:
    """Return the text of a generated file, or of what stands in its place, without credentials.

    Lines stay lines, so that a diff of two masked texts has the places of the real one. Names of
    variables that hold a credential are shown: the model has made sure that they are names.
    """
    hidden = [Extent(*span) for span in spans(text)]
    source = Source("", text)
    if not path.endswith(".rs"):
        found = scan(text)
        hidden += _credentials(found.root, None, holds_credential)
        hidden += _comments_beside(source, found, hidden)
        hidden += _spans(text, found.root)
        hidden += _after_names(text, found.stop)
    pieces: list[str] = []
    done = 0
    for start, end in source.hiding(hidden).secrets:
        if start < end:
            pieces += text[done:start], re.sub(r"[^\n]+", MASK, text[start:end])
            done = end
    return "".join([*pieces, text[done:]])


def _after_names(text: str, start: int) -> Iterator[Extent]:
    """Yield what may be secret from `start` on, in what is not TOML: whole lines below a header."""
    is_below = False
    for line in re.finditer(r"[^\n]+", text[start:]):
        within = Extent(start + line.start(), start + line.end())
        begin = _first_credential(text, within)
        if line[0].lstrip().startswith("["):
            is_below = begin is not None
        elif is_below or begin is not None:
            yield Extent(within.start if is_below else begin or within.start, within.end)


def _credentials(
    root: Node,
    keys: Vocabulary | None,
    is_named: Callable[[str], bool],
    *,
    is_below: bool = False,
) -> Iterator[Extent]:
    """Yield the values of all credentials, and the keys in those that are tables.

    The empty extent at the end of a credential's own key is for `_comments_beside`.
    """
    waiting = [(root, keys, is_below)]
    while waiting:
        above, known, is_secret = waiting.pop()
        for part, node in above.children.items():
            is_one = isinstance(part, str) and is_named(part)
            if is_secret and node.key and not (known and part in known):
                yield node.key
            if is_one or is_secret:
                yield from (Extent(each.end, each.end) for each in (node.key, node.header) if each)
                if node.value:
                    yield node.value
            below = _vocabulary_below(known, part)
            waiting.append((node, below, is_secret or is_one))


def _vocabulary_below(keys: Vocabulary | None, part: str | int) -> Vocabulary | None:
    if keys is None or isinstance(part, int):
        return keys
    return keys.get(part, keys.get(ANY))


def _comments_beside(source: Source, found: Scan, hidden: list[Extent]) -> list[Extent]:
    """Return the comments on the lines on which something hidden ends."""
    beside = []
    for extent in hidden:
        index = bisect_left(found.comments, extent.end, key=lambda comment: comment.start)
        if index < len(found.comments):
            comment = found.comments[index]
            if comment.start <= source.line_extent(extent.end).end:
                beside.append(comment)
    return beside


def _spans(text: str, root: Node) -> Iterator[Extent]:
    """Yield what is secret whatever its key, also where escapes write it."""
    yield from (Extent(*span) for span in spans(text))
    for part, node in root.walk():
        for extent in (node.key, node.value):
            if extent is None or "\\" not in (written := text[extent.start : extent.end]):
                continue
            value = part if extent is node.key else _decoded(written)
            if isinstance(value, str) and any(spans(value)):
                yield extent


def _decoded(written: str) -> object:
    try:
        return tomli.loads(f"x = {written}")["x"]
    except (ValueError, RecursionError):  # a word of a command line
        return written


def hide_in_line(source: Source, offset: int) -> Source:
    """Return a text that hides what may be secret in the line around `offset`.

    For a text that is not TOML, or only up to there: no tree tells where values end. So a name
    like that of a credential hides the rest of its line, and the whole line is hidden if such a
    name stands before it in the same statement or in its table's header.
    """
    line = source.line_extent(offset)
    hidden = [Extent(*span) for span in spans(source.text[slice(*line)])]
    hidden = [Extent(line.start + start, line.start + end) for start, end in hidden]
    above = scan(source.text[: line.start])
    begun = min([above.stop, *above.open])
    since = Extent(
        source.line_extent(begun).start if begun < line.start else line.start, line.start
    )
    if (
        is_below_credential(above.table)
        or _has_credential(source.text[slice(*since)])
        or _is_hidden_by_escapes(source.text[slice(*line)])
    ):
        hidden.append(line)
    elif (end := _first_credential(source.text, line)) is not None:
        hidden.append(Extent(end, line.end))
    return source.hiding(extent for extent in hidden if extent.start < extent.end)


def _first_credential(text: str, within: Extent) -> int | None:
    """Return where what follows the first name of a credential begins, or None."""
    before, last = "", within.start
    for found in _WORD.finditer(text, *within):
        # `"api key"` and `api.key` are two words.
        is_one_name = not text[last : found.start()].strip(" .")
        if is_credential(found[0]) or (is_one_name and is_credential(f"{before}-{found[0]}")):
            between = _BETWEEN.match(text, found.end(), within.end)
            return between.end() if between else found.end()
        before, last = found[0], found.end()
    return None


def _has_credential(text: str) -> bool:
    text = _ESCAPE.sub(_unescaped, text)
    return _first_credential(text, Extent(0, len(text))) is not None


def _is_hidden_by_escapes(text: str) -> bool:
    """Tell whether a text has a credential in it that only its escapes show."""
    unescaped = _ESCAPE.sub(_unescaped, text)
    return unescaped != text and (_has_credential(unescaped) or any(spans(unescaped)))


def _unescaped(found: re.Match[str]) -> str:
    code = int(found[1] or found[2] or found[3], 16)
    return chr(code) if code <= sys.maxunicode else found[0]
