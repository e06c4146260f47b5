"""Records the terminal session of README.md: `python docs/terminal.py` writes its picture.

The commands run in a new home, with the tools on the PATH (`docs/setup.sh --env`). The picture,
docs/_static/session.svg, shows their output, without the lines of cargo and cargo-make, and with
`~` for that home.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

__all__ = ["PICTURE", "record", "svg"]

PICTURE = Path(__file__).parent / "_static/session.svg"
_WIDTH = 106
_OF_CARGO_MAKE = "[cargo-make]"
_COMMANDS = (
    "kdrvgen new hello --no-input --quiet && cd hello",
    "cargo make sign",
    "cargo make smoke",
    "kdrvgen verify",
    "sed -i 's/^locate = /lokate = /' config.toml && kdrvgen --color always",
)
_THEME = TerminalTheme(
    (22, 24, 28),
    (236, 239, 244),
    [
        (92, 99, 112),
        (255, 123, 114),
        (126, 231, 135),
        (240, 200, 120),
        (121, 184, 255),
        (210, 168, 255),
        (118, 227, 234),
        (236, 239, 244),
    ],
)
# As the library's own, without the fonts that it loads from a server.
_FORMAT = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">
<title>A driver is created, signed, loaded in Wine and verified</title>
<style>
.{unique_id}-matrix {{
  font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: {char_height}px;
  line-height: {line_height}px;
  font-variant-east-asian: full-width;
}}
.{unique_id}-title {{ font-family: sans-serif; font-size: 18px; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def record(environment: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines of the session, with escape sequences for colors.

    Args:
        environment: The environment of the commands; HOME and the folders below it are replaced.
    """
    with tempfile.TemporaryDirectory() as scratch:
        home = folder = Path(scratch).resolve()
        own = {"HOME": str(home), "XDG_DATA_HOME": "", "CARGO_TERM_QUIET": "true"}
        for command in _COMMANDS:
            yield f"\x1b[32m$\x1b[0m \x1b[1m{command}\x1b[0m"
            done = subprocess.run(
                ["bash", "-c", f'{command}\npwd >"$HOME/.place"'],
                cwd=folder,
                env={**environment, **own},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                encoding="utf-8",
                check=False,
            )
            folder = Path((home / ".place").read_text(encoding="utf-8").strip())
            for line in done.stdout.replace(str(home), "~").splitlines():
                if line.strip() and not line.startswith(_OF_CARGO_MAKE):
                    yield line


def svg(lines: list[str]) -> str:
    """Return the picture of a terminal with these lines."""
    console = Console(
        record=True, width=_WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor"
    )
    for line in lines:
        console.print(Text.from_ansi(line), highlight=False)
    picture = console.export_svg(
        title="kdrvgen", theme=_THEME, code_format=_FORMAT, unique_id="session"
    )
    return re.sub(r"[ \t]+$", "", picture, flags=re.MULTILINE)


if __name__ == "__main__":
    real = Path.home()
    tools = {
        "CARGO_HOME": os.environ.get("CARGO_HOME", str(real / ".cargo")),
        "RUSTUP_HOME": os.environ.get("RUSTUP_HOME", str(real / ".rustup")),
    }
    PICTURE.write_text(svg(list(record({**os.environ, **tools}))), encoding="utf-8")
    sys.stdout.write(f"wrote {PICTURE}\n")
