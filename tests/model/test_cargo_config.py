"""`[cargo-config]`: the keys that are written unchanged, and those that are refused."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

import pytest
import tomli

from kdrvgen.model import Project
from kdrvgen.model.project import ReadFrom
from kdrvgen.rendering.project import render_own

from .support import dotted, is_accepted, project, refusal, refusals

VENDOR = """
[cargo-config.source.crates-io]
replace-with = "vendored-sources"

[cargo-config.source.vendored-sources]
directory = "vendor"
"""


def written(found: Project) -> dict[str, Any]:
    return tomli.loads(render_own(found)[PurePosixPath(".cargo/config.toml")])


def test_the_output_of_cargo_vendor_is_in_the_cargo_configuration() -> None:
    assert written(project(VENDOR)) == written(project()) | {
        "source": {
            "crates-io": {"replace-with": "vendored-sources"},
            "vendored-sources": {"directory": "vendor"},
        }
    }


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("[cargo-config.build]\njobs = 2\n", "build.jobs"),
        ("[cargo-config.profile.dev]\npackage.a.debug = 1\n", "profile.dev.package.a.debug"),
        ("[cargo-config.profile.lab]\nlto = true\n", "profile.lab.lto"),
        (
            '[cargo-config.target.x86_64-pc-windows-msvc]\nrunner = "wine"\n',
            "target.x86_64-pc-windows-msvc.runner",
        ),
        (
            '[cargo-config.target.x86_64-unknown-linux-gnu]\nlinker = "cc"\n',
            "target.x86_64-unknown-linux-gnu.linker",
        ),
        ("[cargo-config.unstable]\ngc = true\n", "unstable.gc"),
        ('[cargo-config]\npaths = ["a"]\n', "paths"),
    ],
)
def test_keys_beside_those_of_kdrvgen_are_added(text: str, path: str) -> None:
    found: Any = written(project(text))
    for part in path.split("."):
        found = found[part]
    before = written(project())
    after = written(project(text))
    assert after["build"]["target"] == before["build"]["target"]
    assert after["profile"]["dev"]["panic"] == "abort"
    triple = "x86_64-pc-windows-msvc"
    assert after["target"][triple]["rustflags"] == before["target"][triple]["rustflags"]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ('build.target = "x"', "targets"),
        ('build.rustflags = ["x"]', "linker.rustflags"),
        ('target.x86_64-pc-windows-msvc.rustflags = ["x"]', "linker.rustflags"),
        ('target.x86_64-pc-windows-msvc.linker = "x"', "linker.program"),
        ("target.'cfg(windows)'.rustflags = ['x']", "linker.rustflags"),
        ("target.'cfg(all())'.linker = 'x'", "use its triple"),
        ('profile.dev.panic = "abort"', "cannot unwind"),
        ('profile.lab.panic = "unwind"', "cannot unwind"),
        ('profile.dev.rustflags = ["x"]', "linker.rustflags"),
        ('unstable.build-std = ["core"]', "toolchain.build-std"),
        ('unstable.build-std-features = ["x"]', "toolchain.build-std"),
        ('include = "x.toml"', "copy"),
        ("jobs = 4", "[cargo-config.jobs]"),
        ("profile.dev = 1", "[cargo-config.profile.NAME]"),
        ("target.x86_64-pc-windows-msvc = []", "[cargo-config.target.NAME]"),
        ('env.LINK = "/DEBUG"', "linker.args"),
        ('env.DRIVER_NAME = "x"', "MY_DRIVER_NAME"),
        ('env.CARGO_MAKE_PROFILE = "x"', "MY_CARGO_MAKE_PROFILE"),
    ],
)
def test_a_key_that_kdrvgen_sets_is_refused(text: str, hint: str) -> None:
    line = refusal(f"[cargo-config]\n{text}\n")
    assert hint in line["ctx"]["hint"]
    assert dotted(line).startswith("cargo-config.")


def test_settings_of_other_targets_and_user_mode_are_accepted() -> None:
    other = "[cargo-config]\ntarget.i686-pc-windows-msvc.linker = 'x'\n"
    assert is_accepted(other)
    assert not is_accepted(other, 'target = "i686-pc-windows-msvc"')
    assert is_accepted('[cargo-config]\nprofile.dev.panic = "unwind"\n', 'model = "umdf"')


@pytest.mark.parametrize(
    "text",
    [
        'registries.ours.token = "hunter2"',
        'registry.token = "hunter2"',
        'registries."a b".secret-key = "hunter2"',
        'http.proxy = "me:hunter2@proxy:3128"',
        'source.a.registry = "https://me:hunter2@example.org"',
        'source.a.registry = "https://hunter2@example.org"',
        'patch."https://x:hunter2@example.org/a".b.path = "c"',
        'alias.a = ["x", "ftp://me:hunter2@example.org"]',
    ],
)
def test_a_credential_is_refused_and_not_shown(text: str) -> None:
    (line,) = refusals(f"[cargo-config]\n{text}\n")
    assert "hunter2" not in line["msg"] + line["ctx"]["hint"]
    assert line["ctx"]["secret"]


@pytest.mark.parametrize(
    "text",
    [
        'source.a.registry = "ssh://git@example.org/index"',
        'source.a.registry = "sparse+https://example.org:8080/@scope/"',
        'registry.global-credential-providers = ["cargo:token"]',
        'http.proxy = "proxy:3128"',
    ],
)
def test_addresses_without_a_password_are_accepted(text: str) -> None:
    assert is_accepted(f"[cargo-config]\n{text}\n")


def test_rules_are_checked_beside_errors_of_other_keys() -> None:
    found = {dotted(line) for line in refusals('[cargo-config]\nbuild.target = "x"\n[x]\n')}
    assert found == {"cargo-config.build.target", "x"}


def test_comments_use_the_file_name_of_the_configuration() -> None:
    found = project("[cargo-config.build]\njobs = 2\n[cargo-config.net]\nretry = 1\n")
    text = render_own(found.as_read_from(ReadFrom.of("kdrvgen.toml", "")))[
        PurePosixPath(".cargo/config.toml")
    ]
    assert text.count("# [cargo-config] of kdrvgen.toml\n") == 2
    assert " config.toml" not in text
