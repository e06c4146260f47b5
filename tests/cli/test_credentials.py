"""No command shows a credential: in a diff, in the origin of a line, in its own arguments."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from kdrvgen.cli import main

Run = Callable[..., subprocess.CompletedProcess[str]]

SECRET = "Zq7-hunter2"
CONFIG = f"""\
[driver]
name = "hello"
[linker]
rustflags = ["--cfg", "x{{{{{SECRET}}}}}"]
[makefile.env]
PFX_PASSWORD = "{SECRET}"
API_TOKEN = {{ value = "{SECRET}" }}
INDEX = "https://me:{SECRET}@example.org"
PLAIN = "shown"
[makefile.tasks.upload-token]
command = "{SECRET}"
script = '''
line
{SECRET}
'''
"""


def assert_hidden(done: subprocess.CompletedProcess[str]) -> None:
    assert SECRET not in done.stdout + done.stderr


@pytest.mark.one_in(8)
@pytest.mark.parametrize("form", ["human", "json", "github"])
def test_a_diff_hides_credentials(run: Run, project: Path, form: str) -> None:
    config = project / "config.toml"
    config.write_text(CONFIG, "utf-8")
    show = "--diff"
    done = run("config.toml", show, "-v", "--format", form)
    assert_hidden(done)
    assert "PFX_PASSWORD = ********" in done.stdout
    assert "shown" in done.stdout
    run("config.toml")
    config.write_text(CONFIG.replace(SECRET, "another").replace("shown", "changed"), "utf-8")
    done = run("config.toml", show, "--format", form)
    assert_hidden(done)
    assert "another" not in done.stdout + done.stderr
    assert "changed" in done.stdout
    makefile = project / "Makefile.toml"
    for damage in ("x = [\n", ""):
        makefile.write_text(damage + makefile.read_text("utf-8") + "# edited\n", "utf-8")
        assert_hidden(run("config.toml", "--format", form))


@pytest.mark.slow
@pytest.mark.parametrize("form", ["human", "json"])
def test_why_hides_credentials(run: Run, project: Path, form: str) -> None:
    (project / "config.toml").write_text(CONFIG, "utf-8")
    run("config.toml")
    found = 0
    for file in ("Makefile.toml", ".cargo/config.toml", "build.rs"):
        lines = (project / file).read_text("utf-8").split("\n")
        for number, line in enumerate(lines, 1):
            if SECRET in line:
                found += 1
                if found > 3 and form == "json":
                    continue
                done = run("why", f"{file}:{number}", "--format", form)
                assert done.returncode == 0, done.stderr
                assert_hidden(done)
    assert found >= 5


@pytest.mark.slow
@pytest.mark.parametrize("form", ["human", "json", "github"])
@pytest.mark.parametrize(
    "words",
    [
        ["new", "hello", f"signing.pfx-password={SECRET}"],
        ["new", "hello", f"pfx-pwd={SECRET}"],
        ["new", "hello", f"apiKey={SECRET}", "nope=1"],
        ["new", "hello", f"signing.pfx-password-env={SECRET}!"],
        [
            "new",
            "hello",
            f"signing.pfx-password-env={SECRET}",
            f"signing.pfx-password-env={SECRET}",
        ],
        ["new", "hello", f"signing.timestamp-url=https://me:{SECRET}@example.org"],
        ["new", "hello", f"signing.key-container=x{{{{{SECRET}}}}}"],
        ["new", "hello", "other", f"token={SECRET}"],
        ["new", f"x{{{{{SECRET}}}}}"],
        ["config.toml", f"--password={SECRET}"],
        ["config.toml", f"pfx-password={SECRET}"],
        ["explain", f"pin={SECRET}"],
        ["explain", f"https://me:{SECRET}@example.org"],
    ],
    ids=" ".join,
)
def test_an_error_about_the_command_line_hides_credentials(
    run: Run, words: list[str], form: str
) -> None:
    done = run(*words, "--format", form)
    assert done.returncode in {2, 3}, done.stderr
    assert_hidden(done)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["human", "json"])
def test_a_number_with_thousands_of_digits_is_an_error(
    project: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    digits = "9" * 5000
    assert main(["new", "hello", f"signing.validity-days={digits}", "--format", form]) == 3
    for key in ("driver.name", "signing.validity-days", "linker.args", "makefile.env.A", "nope"):
        for value in (
            digits,
            f"0x{digits}",
            f"[0x{digits}]",
            f"{{ x = 0x{digits} }}",
            f"{digits}.0",
        ):
            name = "" if key == "driver.name" else 'driver.name = "hello"\n'
            (project / "config.toml").write_text(f"{name}{key} = {value}\n", "utf-8")
            assert main(["config.toml", "--dry-run", "--format", form]) in {0, 3}
    output = capsys.readouterr()
    assert "Exceeds the limit" not in output.out + output.err
