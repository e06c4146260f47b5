"""The standard streams: their encoding, their colours, their progress line, and closed pipes."""

from __future__ import annotations

import contextlib
import functools
import io
import os
import sys
import unicodedata
from importlib import import_module
from pathlib import Path
from typing import TextIO

from kdrvgen.characters import defused

__all__ = ["Console", "open_standard_streams", "silence"]


_USUAL_WIDTH = 80


class Console:
    """Standard output, standard error and, at a terminal, standard input.

    Attributes:
        color: `auto`, `always` or `never`.
    """

    def __init__(self, color: str = "auto") -> None:
        self.color = color
        self._shown = 0  # the columns of the progress line
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(encoding=_encoding(), errors="backslashreplace")

    @property
    def out(self) -> TextIO | None:
        """Standard output; None if the process was started without one."""
        return sys.stdout

    @property
    def err(self) -> TextIO | None:
        """Standard error; None if the process was started without one."""
        return sys.stderr

    def print(self, stream: TextIO | None, text: str) -> None:
        """Write text so that a CI runner finds no command in it."""
        self.write(stream, defused(text))

    def write(self, stream: TextIO | None, text: str) -> None:
        """Write text unchanged, without a line end.

        What was written to the other stream comes before it, also where both lead to one file.
        """
        if self._shown:
            self.progress("")
        if stream is self.err and self.out is not None:
            with contextlib.suppress(OSError):  # what remains fails again at the end of the run
                self.out.flush()
        if stream is not None:
            stream.write(text)

    def progress(self, text: str) -> None:
        """Replace the progress line on standard error, if that is a terminal; "" erases it.

        The line needs no escape sequence: it is overwritten with blanks. It is shorter than the
        terminal is wide, because a carriage return does not undo a line break.
        """
        stream = self.err
        if stream is None or not (self._shown or (text and _is_live(stream))):
            return
        line, columns = _cut(defused(text), _width(stream) - 1)
        blank = " " * (self._shown - columns)
        stream.write(f"\r{line}{blank}\r{line}" if line else f"\r{' ' * self._shown}\r")
        stream.flush()
        self._shown = columns

    def flush(self) -> None:
        """Flush the buffers of both streams."""
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()

    def paint(self, text: str, style: str, stream: TextIO | None) -> str:
        """Return text in an ANSI style such as `31;1`, if the stream has colours."""
        return f"\x1b[{style}m{text}\x1b[0m" if style and self.is_colored(stream) else text

    def is_colored(self, stream: TextIO | None) -> bool:
        """Return whether output to a stream has colours."""
        if self.color != "auto" or stream is None:
            return self.color == "always"
        # no-color.org: any value but the empty one.
        plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
        return not plain and stream.isatty() and _shows_escapes(stream)

    @property
    def is_terminal(self) -> bool:
        """Whether standard input and output are a terminal."""
        return all(stream and stream.isatty() for stream in (sys.stdin, sys.stdout))

    def read_line(self, prompt: str) -> str:
        """Return the line that the user types after the prompt.

        Raises:
            KeyboardInterrupt: Ctrl-C, or the end of the input.
        """
        with contextlib.suppress(ImportError):
            import_module("readline")  # `input` then supports line editing
        if isinstance(sys.stdin, io.TextIOWrapper):
            sys.stdin.reconfigure(errors="surrogateescape")  # the model reports it
        try:
            return input(defused(prompt))
        except (EOFError, KeyboardInterrupt):
            self.print(sys.stdout, "\n")
            raise KeyboardInterrupt from None


def _encoding() -> str | None:
    """Return the encoding of the output; None for the one that Python has chosen.

    On Windows, Python writes to files and pipes in the ANSI code page, which lacks most characters
    and is not that of a console.
    """
    if sys.platform == "win32" and "PYTHONIOENCODING" not in os.environ:
        return "utf-8"
    return None


if sys.platform == "win32":
    import msvcrt

    _VIRTUAL_TERMINAL = 0x0004  # ENABLE_VIRTUAL_TERMINAL_PROCESSING

    @functools.cache
    def _shows_escapes(stream: TextIO) -> bool:
        """Turn on the escape sequences of a console; return whether it has them.

        Source: Microsoft Learn, "Console Virtual Terminal Sequences".
        """
        ctypes = import_module("ctypes")  # takes some milliseconds
        kernel32 = ctypes.WinDLL("kernel32")
        console = ctypes.c_void_p(msvcrt.get_osfhandle(stream.fileno()))
        mode = ctypes.c_uint32()
        if not kernel32.GetConsoleMode(console, ctypes.byref(mode)):
            return False  # another device, such as NUL
        wanted = mode.value | _VIRTUAL_TERMINAL
        return wanted == mode.value or bool(kernel32.SetConsoleMode(console, wanted))

else:

    def _shows_escapes(stream: TextIO) -> bool:
        """Return True: terminals of other systems interpret escape sequences."""
        del stream
        return True


def _is_live(stream: TextIO) -> bool:
    """Return whether a person looks at a stream that can overwrite a line."""
    # Runners of CI set CI; some of them give a program a terminal and store what it prints.
    is_log = os.environ.get("CI") or os.environ.get("TERM") == "dumb"
    return not is_log and stream.isatty()


def _width(stream: TextIO) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns or _USUAL_WIDTH
    except (OSError, ValueError):
        return _USUAL_WIDTH


def _cut(text: str, width: int) -> tuple[str, int]:
    """Return the beginning of a text that fits into a width, and its own width in columns."""
    columns = 0
    for index, character in enumerate(text):
        # Unicode Standard Annex #11: wide and fullwidth characters take two columns.
        wide = 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1
        if columns + wide > width:
            return text[:index], columns
        columns += wide
    return text, columns


def open_standard_streams() -> None:
    """Open the standard streams that the caller closed (`>&-`).

    Otherwise a file that kdrvgen opens later would get descriptor 1, and output would go into it.
    """
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            mode = "r" if name == "stdin" else "w"
            flags = os.O_RDONLY if mode == "r" else os.O_WRONLY
            setattr(sys, name, os.fdopen(os.open(os.devnull, flags), mode, encoding="utf-8"))


def silence() -> None:
    """Discard the interpreter's last flush, which would print an error of its own."""
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        for stream in (sys.stdout, sys.stderr):
            try:
                os.dup2(nowhere.fileno(), stream.fileno())
            except (AttributeError, OSError, ValueError):  # no stream, or not a file
                continue
