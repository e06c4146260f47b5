"""Generated projects, to be read: golden/minimal whole, the others as differences from it.

`KDRVGEN_UPDATE_GOLDEN=1 pytest tests/rendering/test_golden.py` writes them again; read the diff.
Digests are left out of the differences.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import tomli

from kdrvgen import Project, load
from kdrvgen.model.presets import link_arguments
from kdrvgen.rendering.arguments import purpose
from kdrvgen.rendering.project import render_own
from kdrvgen.report.diff import unified

GOLDEN = Path(__file__).parent / "golden"
NAMES = sorted(path.parent.name for path in GOLDEN.glob("*/config.toml"))
WHOLE = "minimal"


def project(name: str) -> Project:
    return load(GOLDEN / name / "config.toml")


def texts(name: str) -> Mapping[str, str]:
    return {path.as_posix(): text for path, text in render_own(project(name)).items()}


def differences(name: str) -> str:
    """Return how a project's files differ from the whole one's, in one text."""
    pairs = zip(sorted(texts(WHOLE).items()), sorted(texts(name).items()), strict=True)
    found = (unified(path, old, new) for (_, old), (path, new) in pairs)
    return re.sub(r"sha256:[0-9a-f]{64}", "sha256:…", "".join(found))


def tables(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return Makefile.toml and the cargo configuration as TOML's own reader sees them."""
    found = texts(name)
    cargo = next(text for path, text in found.items() if path.startswith(".cargo/"))
    return tomli.loads(found["Makefile.toml"]), tomli.loads(cargo)


def expanded(value: str) -> str:
    """Return a value as cargo-make expands it, when it holds no variable but the nameless one."""
    return value.replace("${:$}", "$")


def expected(file: Path, text: str) -> str:
    if os.environ.get("KDRVGEN_UPDATE_GOLDEN"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="\n")
    return file.read_bytes().decode()


def test_the_whole_project_is_the_reviewed_golden_file() -> None:
    found = texts(WHOLE)
    for path, text in found.items():
        assert text == expected(GOLDEN / WHOLE / path, text), "KDRVGEN_UPDATE_GOLDEN=1"
    assert len(found["Makefile.toml"].splitlines()) <= 150
    assert len(found["build.rs"].splitlines()) <= 70


@pytest.mark.parametrize("name", sorted({*NAMES} - {WHOLE}))
def test_another_project_differs_as_in_the_reviewed_golden_file(name: str) -> None:
    text = differences(name)
    assert text == expected(GOLDEN / name / "difference.diff", text), "KDRVGEN_UPDATE_GOLDEN=1"


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
def test_every_linker_argument_of_a_preset_has_a_comment(name: str) -> None:
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
    assert expanded(env["DRIVER_IMAGE"]) == given.driver.image
    assert expanded(env["DRIVER_PATH"]) == f"${{DRIVER_OUTPUT}}/{given.driver.image}"
    assert {"default", "build-driver", "rename", "sign", "verify", "smoke"} <= set(tasks)
    assert tasks["default"]["dependencies"] == ["sign"]
    assert set(given.makefile.tasks) <= set(tasks)
    for profile, table in given.profiles.items():
        merged = {**env, **env[profile]}
        merged |= dict.fromkeys(merged["DRIVER_UNSET"].split(), "")
        signing = given.signing_for(profile)
        assert merged["DRIVER_CARGO_PROFILE"] == table.cargo_profile
        assert merged["DRIVER_SIGNING"] == signing.mode
        assert merged["DRIVER_LINKER"] == given.linker_for(profile).program
        if signing.mode != "off":
            assert merged["DRIVER_DIGEST"] == signing.digest
            assert expanded(merged["DRIVER_TIMESTAMP_SERVER"]) == signing.timestamp_server
        if signing.mode == "test":
            assert expanded(merged["DRIVER_CERTIFICATE_SUBJECT"]) == signing.subject
        if signing.mode == "certificate":
            assert merged["DRIVER_PFX"] == signing.pfx
            assert merged["DRIVER_PFX_PASSWORD_ENV"] == signing.pfx_password_env


@pytest.mark.parametrize("name", NAMES)
def test_every_task_runs_the_program_and_no_task_is_a_script(name: str) -> None:
    makefile, _ = tables(name)
    own = set(project(name).makefile.tasks)
    tasks = {task: table for task, table in makefile["tasks"].items() if task not in own}
    for task, table in tasks.items():
        assert not {"script", "script_runner"} & set(table), task
        if task not in {"default", "pipeline"}:
            assert table["command"] == "${DRIVER_PIPELINE}"
            assert table["args"][0] == task
            assert set(table["dependencies"]) <= set(tasks)


@pytest.mark.parametrize("name", NAMES)
def test_a_variable_that_a_profile_lacks_does_not_come_from_the_environment(name: str) -> None:
    makefile, _ = tables(name)
    env = makefile["env"]
    profiles = {each: {**env, **env[each]} for each in project(name).profiles}
    named = {
        profile: {variable for variable in merged if variable.startswith("DRIVER_")}
        | set(merged["DRIVER_UNSET"].split())
        for profile, merged in profiles.items()
    }
    for profile, merged in profiles.items():
        assert named[profile] == set().union(*named.values())
        assert not set(merged["DRIVER_UNSET"].split()) & set(merged)


@pytest.mark.parametrize("name", NAMES)
def test_the_cargo_configuration_has_the_meaning_of_the_configuration(name: str) -> None:
    given = project(name)
    _, cargo = tables(name)
    assert cargo["build"]["target"] == given.driver.triples[0]
    own = given.cargo_config.get("target", {}).keys() - set(given.driver.triples)
    written = {name: table for name, table in cargo.get("target", {}).items() if name not in own}
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
        if triple.startswith("i686") and given.linker.preset == "kernel":
            own.add("-Ctarget-feature=-sse,-sse2")
        assert set(flags) - set(wanted) <= own


def test_a_kernel_driver_never_unwinds() -> None:
    _, cargo = tables("minimal")
    assert cargo["profile"] == {"dev": {"panic": "abort"}, "release": {"panic": "abort"}}


def test_pre_args_are_flags_of_rustc_on_nightly_and_come_first_on_stable() -> None:
    _, nightly = tables("blog-2020-nightly")
    _, stable = tables("blog-2020-stable")
    on_nightly = nightly["target"]["x86_64-pc-windows-msvc"]["rustflags"]
    on_stable = stable["target"]["x86_64-pc-windows-msvc"]["rustflags"]
    assert on_nightly[:2] == ["-Zpre-link-arg=/NOLOGO", "-Zpre-link-arg=/NXCOMPAT"]
    assert on_stable[:2] == ["-Clink-arg=/NOLOGO", "-Clink-arg=/NXCOMPAT"]
    assert [flag.partition("=")[2] for flag in on_nightly] == [
        flag.partition("=")[2] for flag in on_stable
    ]


def test_the_file_for_old_cargo_has_the_same_content() -> None:
    found = texts("old-cargo")
    assert ".cargo/config" in found
    assert ".cargo/config.toml" not in found
