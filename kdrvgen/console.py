"""The streams that the program prints to: their encoding, their colours, and pipes that close.

Part of a run with nothing to change, so it imports at its top only what is there anyway.
"""

from __future__ import annotations

import io
import os
import sys

from kdrvgen.characters import defused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

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
        import contextlib  # noqa: PLC0415 - most commands ask nothing

        with contextlib.suppress(ImportError):
            import readline  # noqa: F401, PLC0415 - has `input` edit the line
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
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115 - for the whole run; pathlib costs a no-op run 5 ms


def silence() -> None:
    """Let the interpreter's last flush go nowhere; it would print an error of its own."""
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123 - nothing is written
        for stream in (sys.stdout, sys.stderr):
            try:
                os.dup2(nowhere.fileno(), stream.fileno())
            except (AttributeError, OSError, ValueError):  # no such stream, or not a file
                continue
