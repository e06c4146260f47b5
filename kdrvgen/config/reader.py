"""Read a configuration file as text, or report why this is not possible."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from kdrvgen.config.secrets import hide_in_line
from kdrvgen.config.source import Extent, Source
from kdrvgen.errors import ConfigError
from kdrvgen.report.finding import Finding, Place
from kdrvgen.spelling import nearest

__all__ = ["CONFIG_NAMES", "LARGEST", "read", "read_bytes", "to_text"]

CONFIG_NAMES = ("kdrvgen.toml", "config.toml")
"""The file names that kdrvgen looks for. No other program uses the first one."""

LARGEST = 1024 * 1024
"""The maximum size of a configuration in bytes. Real ones have a few thousand."""

_UTF8_HINT = (
    "save it as UTF-8; in PowerShell: `(Get-Content {name}) | Set-Content -Encoding utf8 {name}`"
)


def read(path: str | os.PathLike[str]) -> str:
    """Read a configuration file. Raises ConfigError if it is not a UTF-8 text file."""
    return to_text(read_bytes(path), os.fspath(path))


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """Return a file's bytes. Never waits for a device or a pipe.

    Raises:
        ConfigError: The file is missing, unreadable, too large, or not a regular file.
    """
    name = os.fspath(path)
    try:
        if not name:
            raise ConfigError([_finding(name, "the configuration's file name is empty")])
        mode = Path(name).stat().st_mode
        if problem := _irregular(name, mode):
            raise ConfigError([problem])
        data = _read_bytes(name)
    except ValueError as error:
        raise ConfigError([_finding(name, "a file name cannot contain a NUL character")]) from error
    except FileNotFoundError as error:
        raise ConfigError([_finding(name, "the file does not exist", _similar(name))]) from error
    except OSError as error:
        why = error.strerror or "the system gives no reason"
        raise ConfigError([_finding(name, f"the file cannot be read: {why}")]) from error
    if len(data) > LARGEST:
        message = f"the file is larger than {LARGEST // 1024} KiB, the limit for a configuration"
        raise ConfigError([_finding(name, message)])
    return data


def _irregular(name: str, mode: int) -> Finding | None:
    if stat.S_ISDIR(mode):
        inside = (Path(name, each) for each in CONFIG_NAMES)
        found = next((path for path in inside if path.is_file()), None)
        hint = f"pass the file in it: {found}" if found else "pass a file"
        return _finding(name, "this is a folder, not a configuration file", hint)
    if not stat.S_ISREG(mode):
        return _finding(name, "this is a device or a pipe, not a file", "pass a regular file")
    return None


def _read_bytes(name: str) -> bytes:
    # The file may have been replaced by a pipe in the meantime. Opening that would block.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(name, flags), "rb") as file:
        return file.read(LARGEST + 1) or b""


def _similar(name: str) -> str:
    """Return a hint that suggests a file with a similar name.

    Windows hides the `.txt` of `config.toml.txt`.
    """
    path = Path(name)
    try:
        others = [entry.name for entry in os.scandir(path.parent) if entry.is_file()]
    except (OSError, ValueError):
        return ""
    candidates = {other for other in others if other.endswith((".toml", ".toml.txt"))}
    near = (
        f"{path.name}.txt" if f"{path.name}.txt" in candidates else nearest(path.name, candidates)
    )
    if not near and path.suffix != ".toml" and f"{path.name}.toml" in candidates:
        near = f"{path.name}.toml"
    return f"did you mean {path.with_name(near)}?" if near and path.name else ""


def _finding(name: str, message: str, hint: str = "", rule: str = "toml-unreadable") -> Finding:

    return Finding(rule, message, Place(os.fsdecode(name)), help=hint)


def to_text(data: bytes, name: str) -> str:
    """Decode a configuration file's bytes. Raises ConfigError if they are not UTF-8 text."""
    if encoding := _other_unicode(data):
        hint = _UTF8_HINT.format(name=name)
        message = f"the file is encoded as {encoding}, but TOML must be UTF-8"
        raise ConfigError([_finding(name, message, hint, "toml-encoding")])
    failure: UnicodeDecodeError | None = None
    text = ""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        failure = error
    if failure:  # raised outside of the handler: Python's error shows the whole file
        raise ConfigError([_bad_byte(failure, name)])
    if "\0" in text:
        raise ConfigError([_nul(text, name)])
    return text


def _nul(text: str, name: str) -> Finding:

    source = Source.of(text, name)
    at = source.text.index("\0")
    message = "NUL character: this is not a text file"
    return _finding_at(source, at, 1, message)


def _other_unicode(data: bytes) -> str:
    """Detect the encoding by its byte order mark, or by the zero bytes beside ASCII characters."""
    if data.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
        return "UTF-32"
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "UTF-16"
    head = data[:64]
    zeros = [sum(not byte for byte in head[first::2]) for first in (0, 1)]
    most, fewest = max(zeros), min(zeros)
    return "UTF-16" if len(head) > 1 and not fewest and most * 2 > len(head) // 2 else ""


def _bad_byte(error: UnicodeDecodeError, name: str) -> Finding:
    """Return a finding at the first byte that is not UTF-8, shown as an escape."""
    # `error.start` counts from after the byte order mark, which `utf-8-sig` skips.
    good = error.object[: error.start].decode()
    bad = error.object[error.start : error.start + 1].decode(errors="backslashreplace")
    rest = error.object[error.start + 1 :].decode(errors="backslashreplace")

    source = Source.of(good + bad + rest, name)
    message = f"the byte 0x{error.object[error.start]:02X} is not UTF-8"
    hint = "save the file as UTF-8; it may use an older Windows encoding"
    return _finding_at(source, len(good.replace("\r\n", "\n")), len(bad), message, hint)


def _finding_at(source: Source, at: int, length: int, message: str, hint: str = "") -> Finding:

    place = hide_in_line(source, at).place(Extent(at, at + length))
    return Finding("toml-encoding", message, place, help=hint)
