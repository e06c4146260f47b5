"""An error about a file of the project names the file and the place in it."""

from __future__ import annotations

import pytest

import kdrvgen
from kdrvgen.adopt import Snapshot, adopt
from tests.report.support import span

CARGO = (
    '[package]\nname = "x"\nversion = "0.1.0"\nedition = "2021"\n[lib]\ncrate-type = ["cdylib"]\n'
)
SETTINGS = """\
[build]
target = "x86_64-pc-windows-msvc"
rustflags = ["-C", "link-arg=/DRIVER", "-C", "link-arg=/SUBSYSTEM:NATIVE"]
"""
FILES = {"Cargo.toml": CARGO, ".cargo/config.toml": SETTINGS, "Makefile.toml": "[tasks]\n"}


@pytest.mark.parametrize(
    ("makefile", "line"),
    [
        ("[env]\nX = " + "[" * 18 + "]" * 18, 2),
        ('[tasks.a]\nscript = "x\\u200by"\n', 2),
        ('[tasks."a\\u200b"]\nscript = "x"\n', 1),
        ('[env]\nA = "1"\n"A\\u200b" = "1"\n', 3),
        ('[env]\nX = "\\u0007"\n', 2),
        ('[tasks.a]\nargs = ["x", "\\u202e"]\n', 2),
    ],
)
def test_values_that_config_toml_does_not_accept_are_reported_at_their_places(
    makefile: str, line: int
) -> None:
    findings = adopt(Snapshot({**FILES, "Makefile.toml": makefile})).findings
    place = findings[0].place
    assert place
    assert (place.file, place.line) == ("Makefile.toml", line)


@pytest.mark.parametrize("file", list(FILES))
@pytest.mark.parametrize("damage", [f"x = 0x{'f' * 5000}", f"x = {'9' * 5000}", "x = ", "x = 'a"])
def test_an_error_names_its_file(file: str, damage: str) -> None:
    with pytest.raises(kdrvgen.ConfigError) as caught:
        adopt(Snapshot({**FILES, file: f"{damage}\n{FILES[file]}"}))
    (finding,) = caught.value.findings
    assert finding.file == file
    assert finding.place
    assert finding.place.line == 1


def test_an_unsupported_target_is_an_error_at_its_place() -> None:
    settings = SETTINGS.replace("x86_64-pc-windows-msvc", "wasm32-unknown-unknown")
    with pytest.raises(kdrvgen.ConfigError) as caught:
        adopt(Snapshot({**FILES, ".cargo/config.toml": settings}))
    (finding,) = caught.value.findings
    assert (finding.file, span(finding)) == (".cargo/config.toml", (2, 11, 22))
    assert finding.message.startswith("the target is `wasm32-unknown-unknown`")
