"""The streams that the program prints to: their encoding, their colours, and pipes that close."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import TextIO

from kdrvgen.characters import defused

__all__ = ["Console", "open_standard_streams", "silence"]


class Console:
    """Standard output, standard error and, where a person sits at it, standard input.

    Attributes:
        color: `auto`, `always` or `never`.
    """

    def __init__(self, color: str = "auto") -> None:
        self.color = color
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")

    @property
    def out(self) -> TextIO | None:
        """Standard output; a process may be started without one."""
        return sys.stdout

    @property
    def err(self) -> TextIO | None:
        """Standard error, likewise."""
        return sys.stderr

    def print(self, stream: TextIO | None, text: str) -> None:
        """Write text for people, in which a runner finds no commands to itself."""
        self.write(stream, defused(text))

    def write(self, stream: TextIO | None, text: str) -> None:
        """Write text as it is. Adds no line end."""
        if stream is not None:
            stream.write(text)

    def flush(self) -> None:
        """Write what is still in memory."""
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()

    def paint(self, text: str, style: str, stream: TextIO | None) -> str:
        """Return text in a style of ANSI's, such as `31;1`, if the stream is to have colours."""
        return f"\x1b[{style}m{text}\x1b[0m" if style and self.is_colored(stream) else text

    def is_colored(self, stream: TextIO | None) -> bool:
        """Return whether a stream is to have colours."""
        if self.color != "auto" or stream is None:
            return self.color == "always"
        # no-color.org: any value but the empty one.
        plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
        return not plain and stream.isatty()

    @property
    def is_terminal(self) -> bool:
        """Whether a person can read what is printed, and answer."""
        return all(stream and stream.isatty() for stream in (sys.stdin, sys.stdout))

    def read_line(self, prompt: str) -> str:
        """Return a line that a person types behind the prompt.

        Raises:
            KeyboardInterrupt: There is none: Ctrl-C, or the end of the input.
        """
        with contextlib.suppress(ImportError):
            import_module("readline")  # has `input` edit the line
        if isinstance(sys.stdin, io.TextIOWrapper):
            sys.stdin.reconfigure(errors="surrogateescape")  # the model says what is wrong with it
        try:
            return input(defused(prompt))
        except (EOFError, KeyboardInterrupt):
            self.print(sys.stdout, "\n")
            raise KeyboardInterrupt from None


def open_standard_streams() -> None:
    """Open what the caller closed (`>&-`), so that it can be used and stays what it is.

    A file that kdrvgen opens later would get the free number 1, and what is printed would go there.
    """
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            mode = "r" if name == "stdin" else "w"
            flags = os.O_RDONLY if mode == "r" else os.O_WRONLY
            setattr(sys, name, os.fdopen(os.open(os.devnull, flags), mode, encoding="utf-8"))


def silence() -> None:
    """Let the interpreter's last flush go nowhere; it would print an error of its own."""
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        for stream in (sys.stdout, sys.stderr):
            try:
                os.dup2(nowhere.fileno(), stream.fileno())
            except (AttributeError, OSError, ValueError):  # no such stream, or not a file
                continue
