"""Whole generated projects, to be read: golden/NAME/config.toml and what comes of it.

`KDRVGEN_UPDATE_GOLDEN=1 pytest tests/rendering/test_golden.py` writes them anew; read the diff.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import tomli

from kdrvgen import Project, load, render
from kdrvgen.model.presets import link_arguments
from kdrvgen.rendering.arguments import purpose

GOLDEN = Path(__file__).parent / "golden"
NAMES = sorted(path.parent.name for path in GOLDEN.glob("*/config.toml"))


def project(name: str) -> Project:
    return load(GOLDEN / name / "config.toml")


def texts(name: str) -> Mapping[str, str]:
    return {path.as_posix(): text for path, text in render(project(name)).items()}


def tables(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return Makefile.toml and the cargo configuration as TOML's own reader sees them."""
    found = texts(name)
    cargo = next(text for path, text in found.items() if path.startswith(".cargo/"))
    return tomli.loads(found["Makefile.toml"]), tomli.loads(cargo)


def expanded(value: str) -> str:
    """Return a value as cargo-make expands it, when it holds no variable but the nameless one."""
    return value.replace("${:$}", "$")


@pytest.mark.parametrize("name", NAMES)
def test_the_generated_project_is_the_one_that_was_read_and_found_good(name: str) -> None:
    folder = GOLDEN / name
    found = texts(name)
    if os.environ.get("KDRVGEN_UPDATE_GOLDEN"):
        for path, text in found.items():
            (folder / path).parent.mkdir(exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8", newline="\n")
    kept = {
        path.relative_to(folder).as_posix(): path.read_bytes().decode()
        for path in folder.rglob("*")
        if (path.is_file() and path.name != "config.toml") or path.parent.name == ".cargo"
    }
    assert found == kept, "KDRVGEN_UPDATE_GOLDEN=1 writes them anew"


@pytest.mark.parametrize("name", NAMES)
def test_the_text_is_tidy(name: str) -> None:
    for path, text in texts(name).items():
        assert text.endswith("\n"), path
        assert not text.endswith("\n\n"), path
        assert "\r" not in text, path
        assert "\n\n\n" not in text, path
        assert not re.search(r"[ \t]$", text, re.MULTILINE), path
        assert "\t" not in text, path


@pytest.mark.parametrize("name", NAMES)
def test_every_linker_argument_of_a_preset_says_what_it_is_for(name: str) -> None:
    given = project(name)
    found = texts(name)
    cargo, script = (
        next(text for p, text in found.items() if p.startswith(".cargo")),
        found["build.rs"],
    )
    own = {*given.linker.args, *given.linker.pre_args}
    for triple in given.driver.triples:
        wdk_build = given.wdk.is_wdk_builds
        arguments = link_arguments(given.driver, given.linker, triple, by_wdk_build=wdk_build)
        for argument in (*arguments.pre, *arguments.post):
            assert argument in cargo + script
            if argument not in own:
                assert purpose(argument), argument
            if purpose(argument):
                line = re.compile(
                    rf'^ *"(-Clink-arg=|-Zpre-link-arg=)?{re.escape(argument)}", *(#|//) '
                    rf"{re.escape(purpose(argument))}$",
                    re.MULTILINE,
                )
                assert line.search(cargo + script), argument


@pytest.mark.parametrize("name", NAMES)
def test_makefile_has_the_meaning_of_the_configuration(name: str) -> None:
    given = project(name)
    makefile, _ = tables(name)
    env, tasks = makefile["env"], makefile["tasks"]
    assert makefile["config"]["skip_core_tasks"] is True
    assert makefile["config"]["default_to_workspace"] is False
    assert env["DRIVER_TRIPLE"] == f"${{DRIVER_TARGET:{given.driver.triples[0]}}}"
    assert env["DRIVER_IMAGE"].rpartition("/")[2] == given.driver.image
    assert {"default", "build-driver", "rename", "sign", "verify", "smoke"} <= set(tasks)
    assert tasks["default"]["dependencies"] == ["sign"]
    assert set(given.makefile.tasks) <= set(tasks)
    for profile, table in given.profiles.items():
        merged = {**env, **env[profile]}
        signing = given.signing_for(profile)
        assert merged["DRIVER_CARGO_PROFILE"] == table.cargo_profile
        assert merged["DRIVER_SIGNING"] == signing.mode
        assert merged["DRIVER_LINKER"] == given.linker_for(profile).program
        if signing.mode != "off":
            assert merged["DRIVER_DIGEST"] == signing.digest
            assert expanded(merged["DRIVER_TIMESTAMP_SERVER"]) == signing.timestamp_url
        if signing.mode == "test":
            assert expanded(merged["DRIVER_CERTIFICATE_SUBJECT"]) == signing.subject
        if signing.mode == "certificate":
            assert merged["DRIVER_PFX"] == signing.pfx
            assert merged["DRIVER_PFX_PASSWORD_ENV"] == signing.pfx_password_env


@pytest.mark.parametrize("name", NAMES)
def test_the_cargo_configuration_has_the_meaning_of_the_configuration(name: str) -> None:
    given = project(name)
    _, cargo = tables(name)
    assert cargo["build"]["target"] == given.driver.triples[0]
    written = cargo.get("target", {})
    assert list(written) == [triple for triple in given.driver.triples if triple in written]
    if given.toolchain.build_std:
        assert cargo["unstable"]["build-std"] == list(given.toolchain.build_std)
    else:
        assert "unstable" not in cargo
    for triple in given.driver.triples:
        flags = written.get(triple, {}).get("rustflags", [])
        before = "-Zpre-link-arg=" if given.toolchain.is_nightly else "-Clink-arg="
        linker = given.linker_for("development")
        wdk_build = given.wdk.is_wdk_builds
        found = link_arguments(given.driver, linker, triple, by_wdk_build=wdk_build)
        wanted = [f"{before}{argument}" for argument in found.pre]
        if given.linker.emit == "cargo-config":
            wanted += [f"-Clink-arg={argument}" for argument in found.post]
        elif not given.toolchain.is_nightly:
            wanted = []
        shared = [flag for flag in flags if flag in wanted]
        assert shared == wanted[: len(shared)]
        own = {*given.linker.rustflags, *(["-Ctarget-feature=+crt-static"] if wdk_build else [])}
        assert set(flags) - set(wanted) <= own


def test_a_kernel_driver_never_unwinds() -> None:
    _, cargo = tables("minimal")
    assert cargo["profile"] == {"dev": {"panic": "abort"}, "release": {"panic": "abort"}}


def test_pre_link_arguments_are_rustcs_on_nightly_and_the_first_on_stable() -> None:
    _, nightly = tables("blog-2020-nightly")
    _, stable = tables("blog-2020-stable")
    on_nightly = nightly["target"]["x86_64-pc-windows-msvc"]["rustflags"]
    on_stable = stable["target"]["x86_64-pc-windows-msvc"]["rustflags"]
    assert on_nightly[:2] == ["-Zpre-link-arg=/NOLOGO", "-Zpre-link-arg=/NXCOMPAT"]
    assert on_stable[:2] == ["-Clink-arg=/NOLOGO", "-Clink-arg=/NXCOMPAT"]
    assert [flag.partition("=")[2] for flag in on_nightly] == [
        flag.partition("=")[2] for flag in on_stable
    ]


def test_old_cargos_file_holds_what_the_new_one_would() -> None:
    found = texts("old-cargo")
    assert ".cargo/config" in found
    assert ".cargo/config.toml" not in found
