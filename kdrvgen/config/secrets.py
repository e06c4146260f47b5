"""Hide what errors must not show: the values of credentials, and the comments beside them."""

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
    """Return a path in the form that output may show.

    The keys below a credential are masked, because they are its value. Keys that config.toml
    defines are shown.

    Args:
        path: The path in the document.
        keys: The keys that the document may have.
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
    """Return whether a value belongs to a credential."""
    return any(isinstance(part, str) and is_credential(part) for part in path)


def hide_in_document(
    source: Source,
    scanned: Scan,
    keys: Vocabulary | None = None,
    secret_paths: tuple[Path, ...] = (),
) -> Source:
    """Return a document that hides its credentials.

    Args:
        source: The document.
        scanned: The positions of its keys and values.
        keys: The keys that the document may have.
        secret_paths: Paths of more values that are secret.
    """
    secret_nodes = [node for path in secret_paths if (node := scanned.root.find(path))]
    hidden = [*_credentials(scanned.root, keys, is_credential)]
    for node in secret_nodes:
        hidden += filter(None, (node.value,))
        hidden += _credentials(node, None, is_credential, is_below=True)
    hidden += _comments_beside(source, scanned, hidden)
    hidden += [
        comment for comment in scanned.comments if _has_credential(source.text[slice(*comment)])
    ]
    hidden += _spans(source.text, scanned.root)
    return source.hiding(extent for extent in hidden if extent.start < extent.end)


def mask_file(path: str, text: str) -> str:
    """Return the text of a generated file, or of the file in its place, without credentials.

    The number of lines stays the same, so that a diff of two masked texts has the same line
    numbers as a diff of the real ones. The names of variables that hold a credential are shown:
    the model has checked that they are names.
    """
    hidden = [Extent(*span) for span in spans(text)]
    source = Source("", text)
    if not path.endswith(".rs"):
        scanned = scan(text)
        hidden += _credentials(scanned.root, None, holds_credential)
        hidden += _comments_beside(source, scanned, hidden)
        hidden += _spans(text, scanned.root)
        hidden += _after_names(text, scanned.stop)
    pieces: list[str] = []
    done = 0
    for start, end in source.hiding(hidden).secrets:
        if start < end:
            pieces += text[done:start], re.sub(r"[^\n]+", MASK, text[start:end])
            done = end
    return "".join([*pieces, text[done:]])


def _after_names(text: str, start: int) -> Iterator[Extent]:
    """Yield what may be secret from `start` on, where the text is not TOML.

    Below a header that names a credential, these are whole lines.
    """
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
    """Yield the values of all credentials, and the keys of those that are tables.

    Also yield an empty extent at the end of a credential's own key, for `_comments_beside`.
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


def _comments_beside(source: Source, scanned: Scan, hidden: list[Extent]) -> list[Extent]:
    """Return the comments on the lines on which something hidden ends."""
    beside = []
    for extent in hidden:
        index = bisect_left(scanned.comments, extent.end, key=lambda comment: comment.start)
        if index < len(scanned.comments):
            comment = scanned.comments[index]
            if comment.start <= source.line_extent(extent.end).end:
                beside.append(comment)
    return beside


def _spans(text: str, root: Node) -> Iterator[Extent]:
    """Yield what is secret whatever its key, also if it is written with escapes."""
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
    """Return a text that hides what may be secret in the line that contains `offset`.

    For a text that is TOML only up to there, or not at all: no tree shows where values end. So a
    name like that of a credential hides the rest of its line. If such a name is before the line, in
    the same statement or in the header of its table, the whole line is hidden.
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
    """Return the offset after the first name of a credential, or None."""
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
    """Return whether a text contains a credential that is written with escapes."""
    unescaped = _ESCAPE.sub(_unescaped, text)
    return unescaped != text and (_has_credential(unescaped) or any(spans(unescaped)))


def _unescaped(found: re.Match[str]) -> str:
    code = int(found[1] or found[2] or found[3], 16)
    return chr(code) if code <= sys.maxunicode else found[0]
