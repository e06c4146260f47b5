"""Which linker arguments and flags stand where, when profiles differ: order is never lost."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Any, Final

import pytest
import tomli
from hypothesis import given
from hypothesis import strategies as st

from kdrvgen import Driver, Linker, Profile, Project, Toolchain
from kdrvgen.model.presets import link_arguments
from kdrvgen.rendering.project import render_own

X64: Final = "x86_64-pc-windows-msvc"
MAKEFILE, CARGO, SCRIPT = (
    PurePosixPath(path) for path in ("Makefile.toml", ".cargo/config.toml", "build.rs")
)


def flags_of(project: Project, profile: str) -> tuple[list[str], list[str], list[str]]:
    """Return x86_64's flags in the cargo configuration, in build.rs and on the command line."""
    texts = render_own(project)
    cargo = tomli.loads(texts[CARGO])
    configured = cargo.get("target", {}).get(X64, {}).get("rustflags", [])
    group = re.compile(r"(?ms)^        \(&\[\n(.*?)^        \], &\[\n(.*?)^        \]\),")
    script = [
        tomli.loads(f"x = {literal}")["x"]
        for places, arguments in group.findall(texts[SCRIPT])
        if f'("{X64}", "{profile}")' in places
        for literal in re.findall(r'^ *("(?:[^"\\]|\\.)*"),', arguments, re.MULTILINE)
    ]
    env = tomli.loads(texts[MAKEFILE])["env"]
    command = {**env, **env[profile]}.get("DRIVER_RUSTFLAGS_X86_64", "")
    return configured, script, [flag for flag in command.replace("${:$}", "$").split("\t") if flag]


def project(base: Linker, production: dict[str, Any], channel: str = "stable") -> Project:
    return Project(
        driver=Driver(name="a"),
        toolchain=Toolchain(channel=channel),
        linker=base,
        profiles={"production": Profile(linker=Linker(**production))},
    )


def test_shared_arguments_are_only_in_the_cargo_configuration() -> None:
    configured, script, command = flags_of(project(Linker(args=("/DEBUG",)), {}), "production")
    assert configured[0] == "-Clink-arg=/DRIVER"
    assert configured[-1] == "-Clink-arg=/DEBUG"
    assert (script, command) == ([], [])


def test_arguments_of_one_profile_are_in_build_rs() -> None:
    given = project(Linker(), {"args": ("/DEBUG", "/MAP")})
    assert flags_of(given, "production")[1] == ["/DEBUG", "/MAP"]
    assert flags_of(given, "development")[1] == []
    assert flags_of(given, "production")[0] == flags_of(given, "development")[0]


def test_an_argument_removed_in_one_profile_stays_in_the_others() -> None:
    given = project(Linker(), {"remove": ("/INTEGRITYCHECK",)})
    configured, script, _ = flags_of(given, "production")
    assert "-Clink-arg=/INTEGRITYCHECK" not in configured
    assert "/INTEGRITYCHECK" not in script
    assert "/INTEGRITYCHECK" in flags_of(given, "development")[1]


def test_with_emit_build_script_nothing_depends_on_rustflags() -> None:
    configured, script, command = flags_of(project(Linker(emit="build-script"), {}), "production")
    assert (configured, command) == ([], [])
    assert script[0] == "/DRIVER"


def test_a_flag_and_its_value_stay_together() -> None:
    base = Linker(rustflags=("-C", "opt-level=1", "--cfg", "x"))
    given = project(base, {"rustflags": ("-C", "opt-level=3", "--cfg", "x")})
    for profile, level in (("development", "1"), ("production", "3")):
        configured, _, command = flags_of(given, profile)
        assert "-C" not in configured
        assert command == ["-C", f"opt-level={level}", "--cfg", "x"]


def test_on_nightly_arguments_before_the_objects_stay_before_them() -> None:
    given = project(Linker(preset="blog-2020"), {"pre_args": ("/VERSION:2.0",)}, "nightly")
    configured, script, command = flags_of(given, "production")
    assert configured[0] == "-Zpre-link-arg=/NOLOGO"
    assert command == ["-Zpre-link-arg=/VERSION:2.0"]
    assert script == []


ARGUMENTS = st.lists(
    st.sampled_from(["/DEBUG", "/MAP", "/OPT:REF", "/OPT:NOREF", '/A:"q" \\', "/B:ü"]), max_size=4
)
LINKERS = st.fixed_dictionaries(
    {},
    optional={
        "args": ARGUMENTS.map(tuple),
        "pre_args": ARGUMENTS.map(tuple),
        "preset": st.sampled_from(["kernel", "blog-2020", "none"]),
        "emit": st.sampled_from(["cargo-config", "build-script"]),
        "reproducible": st.booleans(),
        "rustflags": st.lists(
            st.sampled_from(["-g", "-Clto", "--cfg=it's", "--cfg=a''b"]), max_size=3
        ).map(tuple),
    },
)


@pytest.mark.parametrize("channel", ["stable", "nightly"])
@given(base=LINKERS, production=LINKERS)
def test_each_profile_gets_its_own_arguments_in_their_order(
    channel: str, base: dict[str, Any], production: dict[str, Any]
) -> None:
    made = project(Linker(**base), production, channel)
    for profile in ("development", "production"):
        linker = made.linker_for(profile)
        wanted = link_arguments(made.driver, linker, X64)
        configured, script, command = flags_of(made, profile)
        flags = [*configured, *command]
        before = [flag[15:] for flag in flags if flag.startswith("-Zpre-link-arg=")]
        after = [flag[11:] for flag in flags if flag.startswith("-Clink-arg=")] + script
        other = [flag for flag in flags if "link-arg=" not in flag]
        if channel == "nightly":
            assert (before, after) == (list(wanted.pre), list(wanted.post))
        else:
            assert (before, after) == ([], [*wanted.pre, *wanted.post])
        assert other == list(linker.rustflags)
