"""The completion scripts in the shells themselves."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bootstrap.support import kdrvgen_process
from tests.tools import need

if sys.platform == "win32":
    pytest.skip("there are no pseudo-terminals", allow_module_level=True)

from tests.completion.shell import arguments

pytestmark = pytest.mark.slow

SHELLS = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
}
CASES = {
    "a command": ("doc\t", ["doctor"]),
    "the only file": ("conf\t", ["config.toml"]),
    "an option": ("--dif\t", ["--diff"]),
    "an option of a command": ("doctor --net\t", ["doctor", "--network"]),
    "a value": ("config.toml --format j\t", ["config.toml", "--format", "json"]),
    "a value behind an equals sign": ("--format=j\t", ["--format=json"]),
    "a value of a command only": ("verify --format s\t", ["verify", "--format", "sarif"]),
    "a template": ("new hello --tem\tdev\t", ["new", "hello", "--template", "device"]),
    "a folder as a template": (
        "new hello --template ./m\t",
        ["new", "hello", "--template", "./mine/"],
    ),
    "a key and its value": ("new hello alloc\ty\t", ["new", "hello", "allocator=yes"]),
    "a target": (
        "new hello driver.targets=x\t",
        ["new", "hello", "driver.targets=x86_64-pc-windows-msvc"],
    ),
    "a term": ("explain linker.pre-\t", ["explain", "linker.pre-args"]),
    "a linker argument": ("explain /INTEGR\t", ["explain", "/INTEGRITYCHECK"]),
    "a file": ("eject mine/tem\t", ["eject", "mine/template.toml"]),
    "a file with a blank": ("eject my\\ d\t", ["eject", "my driver.toml"]),
    "a folder": ("adopt mi\t", ["adopt", "mine/"]),
    "a shell": ("completion po\t", ["completion", "powershell"]),
    "no file where none is expected": ("schema conf\t", ["schema", "conf"]),
    "no file for a name": ("doctor --profile conf\t", ["doctor", "--profile", "conf"]),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "mine").mkdir(parents=True)
    for name in ("config.toml", "my driver.toml", "mine/template.toml"):
        (folder / name).write_text("", "utf-8")
    return folder


def script_for(shell: str, folder: Path) -> Path:
    done = kdrvgen_process("completion", shell, cwd=folder)
    assert done.returncode == 0, done.stderr
    script = folder.parent / f"kdrvgen.{shell}"
    begin = "autoload -U compinit && compinit -u -D\n" if shell == "zsh" else ""
    script.write_text(begin + done.stdout, "utf-8")
    return script


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("shell", SHELLS)
def test_the_tab_key_completes(shell: str, case: str, folder: Path) -> None:
    need(shell)
    typed, expected = CASES[case]
    found = arguments(SHELLS[shell], script_for(shell, folder), typed, folder)
    # zsh removes the slash of a folder again when the line ends.
    assert [each.rstrip("/") for each in found] == [each.rstrip("/") for each in expected]


FISH = {
    "": {"doctor", "new", "config.toml", "mine/"},
    "--dif": {"--diff"},
    "doctor --net": {"--network"},
    "--format j": {"json"},
    "--format=j": {"--format=json"},
    "verify --format s": {"sarif"},
    "new hello --template dev": {"device"},
    "new hello --template ./m": {"./mine/"},
    "new hello alloc": {"allocator="},
    "new hello allocator=": {"allocator=yes", "allocator=no"},
    "new hello driver.targets=x": {"driver.targets=x86_64-pc-windows-msvc"},
    "explain linker.pre-": {"linker.pre-args"},
    "explain /INTEGR": {"/INTEGRITYCHECK"},
    "eject mine/tem": {"mine/template.toml"},
    "adopt mi": {"mine/"},
    "completion po": {"powershell"},
    "schema conf": set(),
    "doctor --profile conf": set(),
}


@pytest.mark.parametrize("typed", FISH)
def test_fish_offers(typed: str, folder: Path) -> None:
    need("fish")
    script = script_for("fish", folder)
    done = subprocess.run(
        ["fish", "--no-config", "-c", f"source {script}; complete -C 'kdrvgen {typed}'"],
        capture_output=True,
        check=True,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder.parent), "LC_ALL": "C"},
        text=True,
    )
    offered = {line.partition("\t")[0] for line in done.stdout.splitlines()}
    assert offered >= FISH[typed] if not typed else offered == FISH[typed], done.stderr


def test_zsh_finds_the_script_as_a_file_in_its_path(folder: Path) -> None:
    need("zsh")
    site = folder.parent / "site"
    site.mkdir()
    done = kdrvgen_process("completion", "zsh", cwd=folder)
    (site / "_kdrvgen").write_text(done.stdout, "utf-8")
    begin = folder.parent / "begin"
    begin.write_text(f"fpath=({site} $fpath)\nautoload -U compinit && compinit -u -D\n", "utf-8")
    assert arguments(SHELLS["zsh"], begin, "doc\t --net\t", folder) == ["doctor", "--network"]
