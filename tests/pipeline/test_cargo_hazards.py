"""What goes wrong between cargo and the Makefile.toml that people copy, and not with ours."""

import re
import shutil
from pathlib import Path

import pytest

from tests.pipeline.conftest import MakeProject
from tests.pipeline.image import NATIVE, Image
from tests.pipeline.support import CONFIG, X64, Project

pytestmark = pytest.mark.slow

X86 = "i686-pc-windows-msvc"


@pytest.fixture
def with_c_start(project: Project, blog: Project, tmp_path: Path) -> tuple[Project, Project]:
    """Both drivers with what an ordinary DLL has of msvcrt.lib: the function it begins with."""
    library = tmp_path / "libraries"
    library.mkdir()
    for name in ("msvcrt.lib", "libcmt.lib"):
        (library / name).write_bytes(b"!<arch>\n")
    for each in (project, blog):
        with (each.folder / "src/lib.rs").open("a", encoding="utf-8") as source:
            source.write(
                '\n#[no_mangle]\nextern "system" fn _DllMainCRTStartup() -> i32 {\n    1\n}\n'
            )
        each.env["LIB"] = str(library)
    return project, blog


def test_blog_signs_an_ordinary_dll_when_rustflags_are_set(
    with_c_start: tuple[Project, Project],
) -> None:
    _, blog = with_c_start

    blog.make("sign", RUSTFLAGS="-Cdebuginfo=0")

    image = Image.read(blog.sys)
    assert image.is_signed
    assert image.subsystem != NATIVE


@pytest.mark.parametrize(
    ("name", "flags"),
    [
        ("RUSTFLAGS", "-Cdebuginfo=0"),
        ("RUSTFLAGS", ""),
        ("CARGO_ENCODED_RUSTFLAGS", "-Cdebuginfo=0"),
        ("CARGO_ENCODED_RUSTFLAGS", ""),
    ],
)
def test_rustflags_in_the_environment_are_refused_or_leave_a_driver(
    with_c_start: tuple[Project, Project], name: str, flags: str
) -> None:
    project, _ = with_c_start

    output = project.under({name: flags}).fail("sign")
    assert "cargo does not pass flags of its configuration" in output
    assert 'linker.emit = "build-script"' in output
    assert not project.sys.exists()

    project.generate(CONFIG + '[linker]\nemit = "build-script"\n')
    project.under({name: flags}).make("sign")
    image = Image.read(project.sys)
    assert image.subsystem == NATIVE
    assert image.entry == image.exports()["driver_entry"]
    assert project.verifies()


@pytest.mark.parametrize(
    ("linker", "message"),
    [
        ("reproducible = true\n", "RUSTFLAGS is set in the environment"),
        (
            '[profiles.development]\nlinker.rustflags = ["--cfg=loud"]\n',
            "RUSTFLAGS is set in the environment",
        ),
        ('rustflags = ["--cfg=loud"]\n', "cargo does not pass flags of its configuration"),
    ],
)
def test_rustflags_that_would_replace_the_configured_ones_are_refused_with_any_emit(
    make_project: MakeProject, linker: str, message: str
) -> None:
    project = make_project(CONFIG + '[linker]\nemit = "build-script"\n' + linker)

    assert message in project.fail("sign", RUSTFLAGS="-Cdebuginfo=0")


def test_blog_takes_the_old_cargo_configuration_without_a_word(blog: Project) -> None:
    (blog.folder / ".cargo/config.toml").write_text("[build]\ntarget = 'i686-pc-windows-msvc'\n")

    blog.make("build-driver")

    assert blog.dll.exists()


def test_an_old_cargo_configuration_that_would_win_is_refused(project: Project) -> None:
    (project.folder / ".cargo/config").write_text("")

    output = project.fail("build-driver")

    assert ".cargo/config exists next to .cargo/config.toml" in output
    assert not project.built


def test_blog_builds_in_debug_when_the_names_of_its_variables_do_not_match(blog: Project) -> None:
    blog.edit("Makefile.toml", 'BUILD_FLAGS = "--release"', 'BUILD_RELEASE = "--release"')
    blog.edit("Makefile.toml", f'"target/{X64}/release"', f'"target/{X64}/debug"')

    output = blog.make("--profile", "production", "sign")

    assert "`dev` profile [unoptimized" in output
    assert Image.read(blog.sys).is_signed


def _workspace(root: Path, *members: Project) -> Path:
    """Make the projects members of a workspace, into which their folders move."""
    root.mkdir()
    names = [member.folder.name for member in members]
    (root / "Cargo.toml").write_text(
        f"[workspace]\nresolver = '2'\nmembers = {names}\n[profile.dev]\npanic = 'abort'\n"
        "[profile.release]\npanic = 'abort'\n"
    )
    for member in members:
        manifest = member.folder / "Cargo.toml"
        text = manifest.read_text(encoding="utf-8").replace("[workspace]\n", "")
        manifest.write_text(text.partition("[profile.dev]")[0], encoding="utf-8")
        shutil.move(member.folder, root / member.folder.name)
    return root


def test_in_the_root_of_a_workspace_the_build_is_refused_and_in_the_member_it_works(
    project: Project, tmp_path: Path
) -> None:
    root = _workspace(tmp_path / "workspace", project)
    member = Project(root / project.folder.name, project.home, project.env)
    makefile = str(member.folder / "Makefile.toml")

    member.fail("--makefile", makefile, "sign", cwd=root)
    assert not (root / "target").exists()

    member.make("verify")
    assert member.verifies()
    assert (root / "target" / X64 / "debug/hello.dll").exists()

    member.sys.unlink()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    member.make("--cwd", str(member.folder), "sign", cwd=elsewhere)
    assert member.verifies()


def test_two_drivers_of_a_workspace_share_a_target_directory(
    make_project: MakeProject, tmp_path: Path
) -> None:
    first = make_project(name="first")
    second = make_project(CONFIG.replace('"hello"', '"second-driver"'), name="second")
    second.edit("Cargo.toml", 'name = "hello"', 'name = "second-driver"')
    # In a workspace, the drivers share the crate.
    shutil.rmtree(second.folder / "kernel")
    second.edit("Cargo.toml", 'path = "kernel"', 'path = "../first/kernel"')
    root = _workspace(tmp_path / "workspace", first, second)

    images = []
    for each, name in ((first, "hello"), (second, "second_driver")):
        member = Project(root / each.folder.name, each.home, each.env)
        member.make("verify")
        image = member.output(f"{name}.sys")
        assert member.verifies(image)
        assert name.replace("_", "-").encode() in image.read_bytes()
        assert (root / "target" / X64 / f"debug/{name}.dll").exists()
        images.append(image.read_bytes())
    assert images[0] != images[1]


@pytest.fixture
def x86_entry_of_one_argument(make_project: MakeProject, blog: Project) -> tuple[Project, Project]:
    """Both drivers for x86, with an entry point that would leave the stack crooked."""
    project = make_project(CONFIG.replace("[signing]", f'target = "{X86}"\n[signing]'))
    blog.edit(".cargo/config", X64, X86)
    for each in (project, blog):
        macro, second = "kernel/src/driver.rs", "registry_path: *const $crate::UnicodeString<'_>,\n"
        each.edit(macro, f"                {second}            ) ->", "            ) ->")
        each.edit(macro, "&*registry_path", '&$crate::unicode_string!("")')
    return project, blog


def test_blog_links_an_x86_entry_of_the_wrong_size(
    x86_entry_of_one_argument: tuple[Project, Project],
) -> None:
    _, blog = x86_entry_of_one_argument

    blog.make("build-driver")

    assert blog.linked("hello.dll", target=X86).exists()


def test_an_x86_entry_of_the_wrong_size_is_not_found_by_the_linker(
    x86_entry_of_one_argument: tuple[Project, Project],
) -> None:
    project, _ = x86_entry_of_one_argument

    assert "driver_entry@8" in project.fail("build-driver")


def test_blog_has_no_release_when_only_dev_aborts_on_panic(blog: Project) -> None:
    blog.edit("Cargo.toml", '[profile.release]\npanic = "abort"\n', "[profile.release]\n")

    assert "panic" in blog.fail("--profile", "production", "build-driver")


def test_both_profiles_abort_on_panic_whatever_cargo_toml_says(project: Project) -> None:
    project.edit("Cargo.toml", '[profile.release]\npanic = "abort"\n', "[profile.release]\n")
    project.edit("Cargo.toml", '[profile.dev]\npanic = "abort"\n', "")

    project.make("sign")
    project.make("--profile", "production", "sign")

    assert project.verifies(project.output(profile="production"))


def test_a_profile_overrides_signing_linker_arguments_and_rustflags(
    make_project: MakeProject,
) -> None:
    project = make_project(
        """\
[driver]
name = "hello"
[signing]
timestamp-url = ""
[profiles.production]
signing.digest = "sha512"
signing.subject = "Production"
linker.args = ["/VERSION:7.3"]
linker.rustflags = ["--cfg=loud"]
[profiles.development]
linker.args = ["/VERSION:2.1"]
"""
    )
    project.edit("src/lib.rs", '"unloaded"', 'if cfg!(loud) { "LOUD" } else { "QUIET" }')
    project.edit("src/lib.rs", "log!(if", 'log!("{}", if')

    project.make("sign")
    assert project.verifies()
    assert "Message digest algorithm  : SHA256" in project.verify().stdout
    project.make("--profile", "production", "sign")

    development = Image.read(project.sys)
    production = Image.read(project.output(profile="production"))
    assert (development.image_version, production.image_version) == ((2, 1), (7, 3))
    assert b"QUIET" in development.data
    assert b"LOUD" not in development.data
    assert b"LOUD" in production.data
    report = project.verify(project.output(profile="production")).stdout
    assert "CN=Production" in report
    assert "Message digest algorithm  : SHA512" in report


def test_a_package_that_leaves_the_build_script_out_is_refused(project: Project) -> None:
    project.edit("Cargo.toml", "publish = false", "publish = false\nbuild = false")

    assert "cargo did not run build.rs" in project.fail("sign")
    assert not project.sys.exists()


def test_a_dependencys_dll_is_not_taken_for_the_driver(project: Project) -> None:
    helper = project.folder / "helper"
    (helper / "src").mkdir(parents=True)
    # As a cdylib it is linked with the driver's arguments, and has to have what these ask for.
    (helper / "src/lib.rs").write_text(
        "#![no_std]\n#[panic_handler]\n"
        "fn panic(_: &core::panic::PanicInfo<'_>) -> ! { loop {} }\n"
        '#[no_mangle]\npub extern "system" fn driver_entry(_: usize, _: usize) -> i32 { 0 }\n',
        encoding="utf-8",
    )
    (helper / "Cargo.toml").write_text(
        '[package]\nname = "helper"\nversion = "0.1.0"\nedition = "2021"\n'
        '[lib]\ncrate-type = ["cdylib", "rlib"]\n',
        encoding="utf-8",
    )
    project.edit("Cargo.toml", 'crate-type = ["cdylib"]', 'crate-type = ["rlib"]')
    project.depend('helper = { path = "helper" }')

    assert "cargo built no DLL" in project.fail("sign")


def test_the_entry_point_of_a_driver_that_is_a_dependency_is_refused(project: Project) -> None:
    """Its build script's argument reaches the final image and comes last (cargo issue 9562)."""
    other = project.folder.parent / "other"
    (other / "src").mkdir(parents=True)
    (other / "build.rs").write_text(
        'fn main() { println!("cargo:rustc-link-arg-cdylib=/ENTRY:other_entry"); }\n', "utf-8"
    )
    (other / "src/lib.rs").write_text(
        "#![no_std]\n#[panic_handler]\n"
        "fn panic(_: &core::panic::PanicInfo<'_>) -> ! { loop {} }\n#[no_mangle]\n"
        'pub extern "system" fn other_entry(_: usize, _: usize) -> i32 { 0 }\n',
        encoding="utf-8",
    )
    project.edit("kernel/src/driver.rs", "#[panic_handler]", "#[allow(dead_code)]")
    (other / "Cargo.toml").write_text(
        '[package]\nname = "other"\nversion = "0.1.0"\nedition = "2021"\n'
        '[lib]\ncrate-type = ["cdylib", "rlib"]\n',
        encoding="utf-8",
    )
    project.depend('other = { path = "../other" }')
    with (project.folder / "src/lib.rs").open("a", encoding="utf-8") as source:
        source.write("\npub use other::other_entry;\n")

    output = project.fail("sign")

    assert "its entry point is other_entry, not driver_entry" in output
    assert not project.sys.exists()


@pytest.mark.parametrize("where", ["environment", "configuration above", "config.toml"])
def test_avx_is_refused_wherever_it_comes_from(project: Project, where: str) -> None:
    flag = "-Ctarget-cpu=x86-64-v3"
    if where == "environment":
        project = project.under({f"CARGO_TARGET_{X64.upper().replace('-', '_')}_RUSTFLAGS": flag})
    elif where == "config.toml":
        project.generate(CONFIG + f'[linker]\nrustflags = ["{flag}"]\n')
    else:
        above = project.folder.parent / ".cargo"
        above.mkdir()
        (above / "config.toml").write_text(
            f'[target.{X64}]\nrustflags = ["{flag}"]\n', encoding="utf-8"
        )

    output = project.fail("sign")

    assert "the driver would be compiled with AVX instructions" in output
    assert "KeSaveExtendedProcessorState" in output
    assert not project.sys.exists()


@pytest.mark.parametrize("profile", ["development", "production"])
def test_an_x86_driver_uses_no_sse(make_project: MakeProject, profile: str) -> None:
    project = make_project(CONFIG.replace("[signing]", f'target = "{X86}"\n[signing]'))
    project.edit("Cargo.toml", "lto = true\n", "")

    output = project.make("--profile", profile, "build-driver")

    assert "SSE" not in output
    assert "XMM" not in output


def test_an_x86_driver_with_sse_is_warned_of(make_project: MakeProject) -> None:
    config = CONFIG.replace("[signing]", f'target = "{X86}"\n[signing]')
    project = make_project(config + '[linker]\nrustflags = ["-Ctarget-feature=+sse,+sse2"]\n')

    output = project.make("build-driver")

    assert "this i686 driver is compiled with SSE" in output
    assert re.search(r"hello\.dll has \d+ instructions that use XMM or MMX registers", output)


def test_the_sse_of_the_precompiled_library_is_warned_of(make_project: MakeProject) -> None:
    project = make_project(CONFIG.replace("[signing]", f'target = "{X86}"\n[signing]'))
    project.edit("Makefile.toml", 'DRIVER_WITHOUT_SSE = "yes"\n', "")

    output = project.make("build-driver")

    assert "is compiled with SSE" not in output
    assert "instructions that use XMM or MMX registers" in output


IMPORT = """
#[link(name = "{module}", kind = "raw-dylib"{more})]
extern "system" {{
    fn {function}() -> u32;
}}
#[no_mangle]
extern "C" fn use_it() -> u32 {{
    unsafe {{ {function}() }}
}}
"""


@pytest.mark.parametrize(
    ("module", "more", "function", "message"),
    [
        ("kernel32", "", "GetTickCount", "the user-mode module `kernel32"),
        ("ntoskrnl.exe", "", "KeQueryTimeIncrement", 'modifiers = "+verbatim"'),
    ],
)
def test_an_import_that_the_kernel_cannot_resolve_is_refused(
    project: Project, module: str, more: str, function: str, message: str
) -> None:
    with (project.folder / "src/lib.rs").open("a", encoding="utf-8") as source:
        source.write(IMPORT.format(module=module, more=more, function=function))

    assert message in project.fail("sign")
    assert not project.sys.exists()


DELAYED = """
#[no_mangle]
extern "system" fn __delayLoadHelper2(_: *const u8, _: *const u8) -> usize {
    0
}
"""


def test_delay_imports_are_refused(project: Project) -> None:
    project.generate(CONFIG + '[linker]\nargs = ["/DELAYLOAD:ntoskrnl.exe"]\n')
    with (project.folder / "src/lib.rs").open("a", encoding="utf-8") as source:
        source.write(DELAYED)

    assert "it has delay imports, which the kernel does not resolve" in project.fail("sign")
    assert not project.sys.exists()


@pytest.mark.parametrize("variable", ["LINK", "_LINK_"])
def test_variables_with_arguments_for_linkers_change_nothing(
    project: Project, variable: str
) -> None:
    project.under({variable: "/ENTRY:nothing /NO-SUCH-ARGUMENT"}).make("verify")

    assert project.verifies()
