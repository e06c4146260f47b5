"""Linker arguments and other flags for rustc: which ones count, and which keys give them."""

from __future__ import annotations

import pytest

from kdrvgen.adopt import Snapshot
from kdrvgen.adopt import adopt as propose
from kdrvgen.adopt.read.findings import DIFFERENCE, HAZARD
from tests.adopt.support import LINKED, MANIFEST, adopted, messages


@pytest.mark.parametrize(
    "flags",
    [
        '["-Z", "pre-link-arg=/DRIVER", "-C", "link-arg=/MAP"]',
        '["-Zpre-link-arg=/DRIVER", "-Clink-arg=/MAP"]',
        '["-Z", "pre-link-args=/DRIVER", "-C", "link-args=/MAP"]',
        '["--codegen", "link-arg=/MAP", "-Z", "pre_link_arg=/DRIVER"]',
        '["--codegen=link_arg=/MAP", "-Zpre_link_args=/DRIVER"]',
        '"-Z pre-link-arg=/DRIVER -C link-arg=/MAP"',
    ],
)
def test_every_form_of_a_linker_argument_is_read(flags: str) -> None:
    project = adopted(cargo=f"[build]\nrustflags = {flags}\n").project

    assert project.toolchain.channel == "nightly"
    assert project.linker.pre_args == ("/DRIVER",)
    assert project.linker.args == ("/MAP",)


def test_target_flags_replace_build_flags() -> None:
    project = adopted(
        cargo='[build]\nrustflags = ["-Clink-arg=/FORCE"]\n'
        "[target.'cfg(target_os = \"windows\")']\n"
        'rustflags = ["-Clink-arg=/DRIVER"]\n'
    ).project

    assert project.linker.args == ("/DRIVER",)


def test_cargo_config_without_extension_wins() -> None:
    adoption = adopted(**{".cargo/config": LINKED.replace("/DRIVER", "/DRIVER:WDM")})

    assert adoption.project.linker.args == ("/DRIVER:WDM",)
    assert adoption.project.toolchain.cargo_config == ".cargo/config.toml"
    assert any(
        "cargo reads .cargo/config and ignores this file" in message
        for message in messages(adoption, HAZARD)
    )
    assert adoption.steps == ("delete .cargo/config: cargo reads it instead of .cargo/config.toml",)


def test_flags_of_folders_above_come_first() -> None:
    adoption = propose(
        Snapshot(
            {
                "Cargo.toml": MANIFEST,
                "../Cargo.toml": '[workspace]\nmembers = ["hello"]\n',
                ".cargo/config.toml": '[build]\nrustflags = ["-Clink-arg=/DRIVER"]\n',
                "../.cargo/config": '[build]\nrustflags = ["-Clink-arg=/KERNEL"]\n',
            }
        )
    )

    assert adoption.project.linker.args == ("/KERNEL", "/DRIVER")


def test_linker_arguments_in_the_environment_replace_all_other_flags() -> None:
    adoption = adopted(makefile='[env]\nRUSTFLAGS = "-Clink-arg=/SUBSYSTEM:NATIVE"\n')

    assert adoption.project.linker.args == ("/SUBSYSTEM:NATIVE",)
    assert "RUSTFLAGS" not in adoption.project.makefile.env
    assert any("RUSTFLAGS in the environment" in message for message in messages(adoption, HAZARD))


@pytest.mark.parametrize(
    ("makefile", "line"),
    [
        ('[env]\nRUSTFLAGS = "{}"\n[tasks.build-driver]\nscript = ["cargo build"]\n', 2),
        ('[env.development]\nRUSTFLAGS = "{}"\n[tasks.sign]\nscript = ["cargo build"]\n', 2),
        ('[tasks.b]\nscript = ["cargo build"]\n[tasks.b.env]\nRUSTFLAGS = "{}"\n', 4),
        ('[tasks.b]\nscript = [\n"set RUSTFLAGS={}",\n"cargo build",\n]\n', 3),
        ('[env]\nCARGO_ENCODED_RUSTFLAGS = "{}"\nRUSTFLAGS = "-Cfrom=other"\n', 2),
    ],
    ids=["env", "profile", "task", "script", "encoded"],
)
def test_other_flags_in_the_environment_are_added_to_the_linker_arguments(
    makefile: str, line: int
) -> None:
    adoption = adopted(makefile=makefile.replace("{}", "-Ccontrol-flow-guard"))

    assert adoption.project.linker.args == ("/DRIVER",)
    assert adoption.project.linker.rustflags == ("-Ccontrol-flow-guard",)
    assert not adoption.project.makefile.env
    reported = [
        message
        for message in messages(adoption, HAZARD)
        if "in the environment replaces" in message
    ]
    assert reported[0].startswith(f"Makefile.toml:{line} ")


def test_flags_of_one_profile_are_left_out_and_reported() -> None:
    adoption = adopted(makefile='[env.production]\nRUSTFLAGS = "-Ccontrol-flow-guard"\n')

    assert adoption.project.linker.rustflags == ()
    assert "production" not in adoption.project.makefile.env
    reported = [message for message in messages(adoption, HAZARD) if "`production` only" in message]
    assert [message.partition(" ")[0] for message in reported] == ["Makefile.toml:2"]


BLOG = (
    "/NOLOGO /NXCOMPAT /NODEFAULTLIB /SUBSYSTEM:NATIVE /DRIVER /DYNAMICBASE /MANIFEST:NO",
    "/OPT:REF,ICF /ENTRY:driver_entry /MERGE:.edata=.rdata /MERGE:.rustc=.data /INTEGRITYCHECK",
)


KERNEL = (
    "/DRIVER /KERNEL /SUBSYSTEM:NATIVE /ENTRY:driver_entry /NODEFAULTLIB /INTEGRITYCHECK "
    "/DYNAMICBASE /MANIFEST:NO /RELEASE /IGNORE:4257 /IGNORE:4216"
)


@pytest.mark.parametrize(
    ("pre", "post", "keys"),
    [
        (*BLOG, ("blog-2020", "", "", "")),
        (f"{BLOG[0]} /VERSION:1", BLOG[1], ("blog-2020", "/VERSION:1", "", "")),
        (BLOG[0], BLOG[1].removeprefix("/OPT:REF,ICF"), ("blog-2020", "", "", "/OPT:REF,ICF")),
        ("", f"{BLOG[0]} {BLOG[1]}", ("blog-2020", "", "", "")),
        ("", f"{KERNEL} /MAP", ("kernel", "", "/MAP", "")),
        ("/MAP", KERNEL, ("kernel", "/MAP", "", "")),
        ("", "/DRIVER /ENTRY:driver_entry", ("none", "", "/DRIVER /ENTRY:driver_entry", "")),
        ("", KERNEL.replace("/DRIVER", "-driver"), ("kernel", "", "", "")),
    ],
)
def test_the_preset_that_needs_the_fewest_other_keys_is_chosen(
    pre: str, post: str, keys: tuple[str, str, str, str]
) -> None:
    flags = [f"-Zpre-link-arg={argument}" for argument in pre.split()]
    flags += [f"-Clink-arg={argument}" for argument in post.split()]

    adoption = adopted(cargo=f"[build]\nrustflags = {flags!r}\n")

    linker = adoption.project.linker
    lists = (" ".join(words) for words in (linker.pre_args, linker.args, linker.remove))
    assert (linker.preset, *lists) == keys


def test_values_that_config_toml_does_not_accept_are_left_out_and_reported() -> None:
    adoption = adopted(
        cargo=LINKED.replace('"-C', '"-Clink-arg=/IMPLIB:x.lib", "-C'),
        makefile='[tasks.odd]\nargs = 7\n[tasks.fine]\nscript = ["echo"]\n',
    )

    assert adoption.project.linker.args == ("/DRIVER",)
    assert list(adoption.project.makefile.tasks) == ["fine"]
    reported = messages(adoption, DIFFERENCE)
    assert any(
        message.startswith(".cargo/config.toml:3 ") and "/IMPLIB" in message for message in reported
    )
    assert any(message.startswith("Makefile.toml:2 ") and "args" in message for message in reported)


def test_encoded_flags_in_the_environment_are_divided_by_unit_separators() -> None:
    flags = "-Clink-arg=/DRIVER\\u001f-Clink-arg=/PDBALTPATH:a b.pdb"

    project = adopted(makefile=f'[env]\nCARGO_ENCODED_RUSTFLAGS = "{flags}"\n').project

    assert project.linker.args == ("/DRIVER", "/PDBALTPATH:a b.pdb")
