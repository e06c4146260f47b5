"""The bytes of an INF file: Windows reads ANSI text, or UTF-16 with a byte order mark."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Decoded", "decode", "encode"]

_ANSI = "cp1252"
_MARKS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}


class Decoded(NamedTuple):
    """The text of an INF file.

    Attributes:
        text: The text without byte order mark; its line ends are those of the file.
        encoding: The name of Python's codec; `cp1252` for ANSI.
        has_mark: Whether the file begins with a byte order mark.
        flaw: Why Windows reads other characters than the author wrote; "" if it reads the same.
    """

    text: str
    encoding: str
    has_mark: bool
    flaw: str

    @property
    def is_ansi(self) -> bool:
        """Whether the file is ANSI: its text is read as Windows-1252."""
        return self.encoding == _ANSI and not self.flaw


def decode(data: bytes) -> Decoded:
    """Return the text of an INF file, whatever the bytes are.

    Source: Microsoft Learn, "General Syntax Rules for INF Files"; InfVerif reports 1003 for UTF-8.
    """
    for mark, encoding in _MARKS.items():
        if data.startswith(mark):
            rest = data[len(mark) :]
            text = rest.decode(encoding, "replace")
            flaw = "" if encoding == "utf-16-le" else f"the file is {encoding.upper()}"
            if not flaw and text.encode(encoding, "surrogatepass") != rest:
                flaw = "the file is damaged UTF-16"
            return Decoded(text, encoding, has_mark=True, flaw=flaw)
    if b"\0" in data:
        if data.count(b"\0") > len(data) // 4:
            text = data.decode("utf-16-le", "replace")
            flaw = "the file is UTF-16 without byte order mark"
            return Decoded(text, "utf-16-le", has_mark=False, flaw=flaw)
        text = data.decode(_ANSI, "replace")
        return Decoded(text, _ANSI, has_mark=False, flaw="the file contains NUL bytes")
    flaw = "" if data.isascii() or not _is_utf_8(data) else "the file is UTF-8"
    return Decoded(data.decode(_ANSI, "replace"), _ANSI, has_mark=False, flaw=flaw)


def encode(text: str, *, as_utf_16: bool = False) -> bytes:
    """Return the bytes of an INF file with CRLF line ends: ASCII, or UTF-16LE with its mark.

    Args:
        text: The text with LF or CRLF line ends.
        as_utf_16: Whether to write UTF-16 even if the text is ASCII.
    """
    lines = text.replace("\r\n", "\n").replace("\n", "\r\n")
    if lines.isascii() and not as_utf_16:
        return lines.encode("ascii")
    return b"\xff\xfe" + lines.encode("utf-16-le", "surrogatepass")


def _is_utf_8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
