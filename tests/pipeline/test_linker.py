"""The linker that is found, its arguments, and the error when there is none."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pipeline.conftest import MakeProject
from tests.pipeline.image import NATIVE, Image
from tests.pipeline.support import CONFIG, X64, Project, run, without

pytestmark = pytest.mark.slow


def _without_rust_lld(project: Project) -> None:
    """Give the project a toolchain such as a distribution's: without a linker of its own."""
    sysroot = Path(run(["rustc", "--print", "sysroot"], project.folder, project.env).stdout.strip())
    tools = sysroot / "bin"
    # docs/setup.sh puts a script there, which names a sysroot itself, for Debian's compiler.
    wrapped = (tools / "rustc").read_bytes().startswith(b"#!")
    rustc = Path("/usr/bin/rustc") if wrapped else tools / "rustc"
    bare = project.home / "toolchain"
    rustlib = bare / "lib/rustlib"
    rustlib.mkdir(parents=True)
    for entry in (sysroot / "lib").iterdir():
        if entry.name != "rustlib":
            (bare / "lib" / entry.name).symlink_to(entry)
    for entry in (sysroot / "lib/rustlib").iterdir():
        if (entry / "lib").is_dir():
            (rustlib / entry.name).mkdir()
            (rustlib / entry.name / "lib").symlink_to(entry / "lib")
    project.hide("lld*", "rust-lld", "ld.lld", "cargo", "rustc")
    project.shim("rustc", f"exec '{rustc}' --sysroot '{bare}' \"$@\"")
    project.shim("cargo", f"exec '{tools}/cargo' \"$@\"")
    project.env.pop("RUSTUP_TOOLCHAIN", None)
    real = shutil.which("cargo-make")
    assert real
    project.shim("cargo-make", f"exec '{real}' \"$@\"")


def _lld() -> str:
    """Return the path of the newest lld-link of LLVM on this machine."""
    for name in ("lld-link", *(f"lld-link-{version}" for version in range(22, 14, -1))):
        if found := shutil.which(name):
            return found
    without("LLVM's lld-link is not installed; `bash docs/setup.sh` installs it")
    raise AssertionError


def _linker_of(project: Project) -> str:
    output = project.make("-v", "build-driver")
    linker = re.search(
        r"^\+ CARGO_TARGET_X86_64_PC_WINDOWS_MSVC_LINKER=(\S+) ", output, re.MULTILINE
    )
    assert linker
    return linker[1]


def test_the_linker_of_the_rust_toolchain_is_taken_first(project: Project) -> None:
    project.hide("lld*", "rust-lld")

    project.make("sign")

    assert _linker_of(project) == "rust-lld"
    assert project.verifies()


@pytest.mark.parametrize("name", ["lld-link", "lld-link-19"])
def test_without_it_llvms_linker_is_found(project: Project, name: str) -> None:
    lld = _lld()
    _without_rust_lld(project)
    project.shim(name, f"exec '{lld}' \"$@\"")

    project.make("verify")

    assert _linker_of(project) == name
    image = Image.read(project.sys)
    assert image.subsystem == NATIVE
    assert ".retplne" not in [section for section, *_ in image.sections()]


def test_without_any_linker_both_are_named(project: Project) -> None:
    _without_rust_lld(project)

    output = project.fail("sign")

    assert "This Rust toolchain has no rust-lld, and LLVM's lld-link is not installed" in output
    assert not project.sys.exists()


def test_a_linker_that_is_installed_later_is_found(project: Project) -> None:
    lld = _lld()
    _without_rust_lld(project)
    project.fail("sign")
    project.shim("lld-link-17", f"exec '{lld}' \"$@\"")

    project.make("sign")

    assert project.verifies()


def test_a_linker_that_was_found_and_is_gone_is_looked_for_again(project: Project) -> None:
    lld = _lld()
    _without_rust_lld(project)
    project.shim("lld-link-17", f"exec '{lld}' \"$@\"")
    project.make("sign")
    (project.home / "shims/lld-link-17").unlink()
    project.shim("lld-link-18", f"exec '{lld}' \"$@\"")
    project.say("again")

    project.make("sign")

    assert b"loaded again" in project.sys.read_bytes()


def test_a_linker_given_by_its_path_is_the_one_that_runs(
    make_project: MakeProject, tmp_path: Path
) -> None:
    program = tmp_path / "my lld-link"
    notes = tmp_path / "notes"
    program.write_text(
        f"#!/bin/sh\necho ran > '{notes}'\nexec '{_lld()}' \"$@\"\n", encoding="utf-8"
    )
    program.chmod(0o755)
    project = make_project(CONFIG + f'[linker]\nprogram = "{program}"\n')

    project.make("verify")

    assert notes.exists()
    assert project.verifies()


def test_linker_program_can_select_lld_link(make_project: MakeProject) -> None:
    lld = _lld()
    project = make_project(CONFIG + '[linker]\nprogram = "lld-link"\n')
    notes = project.home / "notes"
    project.shim("lld-link", f"echo ran > '{notes}'\nexec '{lld}' \"$@\"")

    project.make("sign")

    assert notes.exists()


def test_microsofts_linker_is_refused_on_this_host(make_project: MakeProject) -> None:
    project = make_project(CONFIG + '[linker]\nprogram = "link"\n')

    assert 'linker.program is "link", which exists only on Windows' in project.fail("sign")


def test_a_broken_linker_leaves_no_image(make_project: MakeProject, tmp_path: Path) -> None:
    program = tmp_path / "lld-link"
    program.write_text("#!/bin/sh\necho 'lld: out of order' >&2\nexit 1\n", encoding="utf-8")
    program.chmod(0o755)
    project = make_project(CONFIG + f'[linker]\nprogram = "{program}"\n')

    assert "out of order" in project.fail("sign")
    assert not project.sys.exists()


def test_a_linker_that_makes_an_ordinary_dll_leaves_no_image(project: Project) -> None:
    project.generate(CONFIG + '[linker]\nremove = ["/SUBSYSTEM", "/DRIVER", "/KERNEL"]\n')

    output = project.fail("sign")

    assert "hello.dll: its subsystem is" in output
    assert not project.sys.exists()


def test_the_arguments_of_the_original_blog_make_a_driver_that_loads(
    make_project: MakeProject, smoke: Callable[..., str]
) -> None:
    project = make_project(CONFIG + '[linker]\npreset = "blog-2020"\n')

    assert "smoke: log: hello: loaded" in smoke(project)
    assert ".rustc" not in [name for name, *_ in Image.read(project.sys).sections()]


def test_a_build_script_that_passes_the_arguments_makes_a_driver_that_loads(
    make_project: MakeProject, smoke: Callable[..., str]
) -> None:
    project = make_project(CONFIG + '[linker]\nemit = "build-script"\n')

    assert "was RUNNING" in smoke(project, RUSTFLAGS="-Cdebuginfo=0")


@pytest.mark.parametrize("emit", ["cargo-config", "build-script"])
@pytest.mark.parametrize("profile", ["development", "production"])
def test_reproducible_images_are_the_same_in_every_folder_and_name_none(
    make_project: MakeProject, profile: str, emit: str
) -> None:
    config = CONFIG + f'[linker]\nreproducible = true\nemit = "{emit}"\n'
    images = []
    for name in ("first", 'second & "other" = folder'):
        project = make_project(config, name=name)
        project.edit("src/lib.rs", 'log!("unloaded");', 'log!("unloaded from {}", file!());')
        project.make("--profile", profile, "sign")
        folder = "debug" if profile == "development" else "release"
        image = project.linked("hello.dll", folder).read_bytes()
        assert str(project.folder.parent).encode() not in image
        assert project.verifies(project.output(profile=profile))
        images.append(image)

    assert images[0] == images[1]


@pytest.mark.parametrize("profile", ["development", "production"])
def test_reproducible_images_do_not_depend_on_what_ci_sets(
    make_project: MakeProject, profile: str
) -> None:
    config = CONFIG + "[linker]\nreproducible = true\n"
    kind = "RELEASE" if profile == "production" else "DEV"
    images = set()
    for number, env in enumerate(
        (
            {"CARGO_INCREMENTAL": "0"},
            {"CARGO_INCREMENTAL": "1"},
            {f"CARGO_PROFILE_{kind}_LTO": "off"},
        )
    ):
        project = make_project(config, name=f"project {number}").under(env)
        project.make("--profile", profile, "sign")
        images.add(
            project.linked(profile={"DEV": "debug", "RELEASE": "release"}[kind]).read_bytes()
        )

    assert len(images) == 1


def test_a_reproducible_build_refuses_flags_of_a_configuration_above(
    make_project: MakeProject,
) -> None:
    project = make_project(CONFIG + "[linker]\nreproducible = true\n")
    project.make("sign")
    above = project.folder.parent / ".cargo"
    above.mkdir()
    (above / "config.toml").write_text(
        f'[target.{X64}]\nrustflags = ["-C", "force-frame-pointers=yes"]\n', encoding="utf-8"
    )

    output = project.fail("sign")

    assert "another cargo configuration adds -Cforce-frame-pointers=yes" in output


def test_an_image_for_another_machine_is_refused(make_project: MakeProject) -> None:
    other = "i686-pc-windows-msvc"
    config = CONFIG.replace("[signing]", f'targets = ["{X64}", "{other}"]\n[signing]')
    project = make_project(config)
    project.make("-e", f"DRIVER_TARGET={other}", "rename")
    image = project.home / "other.dll"
    shutil.copy(project.linked(target=other), image)
    program = project.home / "lld-link"
    program.write_text(
        '#!/bin/sh\nfor each; do case "$each" in /OUT:*) out="${each#/OUT:}" ;;\n'
        '@*) out=$(tr -d \'\\000"\' < "${each#@}" | sed -n "s/.*\\/OUT:\\([^\\r]*\\).*/\\1/p") ;;'
        f" esac; done\ncp '{image}' \"$out\"\n",
        encoding="utf-8",
    )
    program.chmod(0o755)
    project.generate(config + f'[linker]\nprogram = "{program}"\n')

    output = project.fail("sign")

    assert f"it is for machine type 0x014c, not for {X64}" in output
    assert not project.sys.exists()
