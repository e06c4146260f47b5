"""What goes wrong with the Makefile.toml that people copy, and does not with the generated one."""

import shutil
from pathlib import Path

import pytest

from pipeline.authority import CODE_SIGNING, Identity
from pipeline.conftest import MakeProject
from pipeline.image import NATIVE, Image
from pipeline.support import CONFIG, X64, Project

pytestmark = pytest.mark.slow


def _deps(project: Project) -> Path:
    return project.built("deps/hello.dll")


def test_blog_signs_the_old_code_again_after_an_edit(blog: Project) -> None:
    blog.say("first")
    blog.make("sign")
    blog.say("second")

    blog.make("sign")

    assert b"loaded first" in blog.sys.read_bytes()
    assert b"loaded second" in blog.dll.read_bytes()


def test_after_an_edit_the_new_code_is_signed(project: Project) -> None:
    project.say("first")
    project.make("sign")
    project.say("second")

    project.make("sign")

    assert b"loaded second" in project.sys.read_bytes()
    assert b"loaded first" not in project.sys.read_bytes()
    assert project.verifies()


def test_blog_signs_in_cargos_own_cached_file(blog: Project) -> None:
    blog.make("sign")

    assert blog.sys.samefile(_deps(blog))
    assert Image.read(_deps(blog)).is_signed


def test_the_image_is_no_link_to_what_cargo_keeps(project: Project) -> None:
    project.make("sign")

    assert project.sys.stat().st_nlink == 1
    assert not Image.read(_deps(project)).is_signed
    assert not Image.read(project.dll).is_signed
    assert Image.read(project.sys).is_signed


def _expire(project: Project) -> None:
    """Put a certificate of yesterday in the place of the user's."""
    old = Identity.make("DriverCertificate", CODE_SIGNING, days=(-30, -1))
    until = int(old.certificate.not_valid_after_utc.timestamp())
    first, _, _ = project.identity.read_text(encoding="utf-8").partition("\n")
    words = first.split(" ")
    words[3] = str(until)
    pem = " ".join(words).encode() + b"\n" + old.key_pem() + old.certificate_pem()
    project.identity.write_bytes(pem)


def test_blog_signs_by_an_expired_certificate_when_no_new_one_can_be_made(blog: Project) -> None:
    blog.make("sign")
    store = blog.home / "PrivateCertStore"
    old = Identity.make("DriverCertificate", CODE_SIGNING, days=(-30, -1))
    (store / "DriverCertificate.key").write_bytes(old.key_pem())
    (store / "DriverCertificate.crt").write_bytes(old.certificate_pem())
    (blog.folder / "DriverCertificate.cer").unlink()
    blog.shim("openssl", "echo 'no entropy' >&2; exit 1")

    blog.make("sign")

    assert Image.read(blog.sys).is_signed


@pytest.mark.parametrize("how", ["failing", "missing"])
def test_without_a_new_certificate_nothing_looks_signed(project: Project, how: str) -> None:
    project.make("sign")
    _expire(project)
    if how == "failing":
        project.shim("openssl", "echo 'no entropy' >&2; exit 1")
    else:
        project.hide("openssl")

    said = project.fail("sign")

    assert ("no entropy" if how == "failing" else "openssl is not installed") in said
    assert not project.sys.exists() or not Image.read(project.sys).is_signed


@pytest.mark.parametrize("how", ["failing", "missing"])
def test_a_first_run_without_a_certificate_tool_signs_nothing(
    make_project: MakeProject, new_user: Path, how: str
) -> None:
    project = make_project(home=new_user)
    if how == "failing":
        project.shim("openssl", "echo 'no entropy' >&2; exit 1")
    else:
        project.hide("openssl")

    said = project.fail("sign")

    assert ("no entropy" if how == "failing" else "openssl is not installed") in said
    assert not project.sys.exists() or not Image.read(project.sys).is_signed
    assert not (project.folder / "DriverCertificate.cer").exists()
    assert not list(new_user.rglob("*.pem"))


@pytest.mark.parametrize("how", ["failing", "missing"])
def test_without_a_signing_tool_nothing_looks_signed(project: Project, how: str) -> None:
    project.make("sign")
    project.generate(CONFIG + 'digest = "sha384"\n')
    if how == "failing":
        project.shim("osslsigncode", "echo 'out of order'; exit 1")
    else:
        project.hide("osslsigncode")

    said = project.fail("sign")

    assert ("out of order" if how == "failing" else "osslsigncode is not installed") in said
    assert not Image.read(project.sys).is_signed


def test_a_signing_tool_that_leaves_half_a_file_leaves_nothing_that_looks_signed(
    project: Project,
) -> None:
    project.shim("osslsigncode", 'for last; do :; done; echo half > "$last"; exit 1')

    project.fail("sign")

    assert not Image.read(project.sys).is_signed


def test_an_expired_certificate_is_made_again_and_signs_again(project: Project) -> None:
    project.make("sign")
    before = project.sys.read_bytes()
    _expire(project)
    project.certificates.joinpath("probe").touch()

    said = project.make("verify")

    assert "certificate: made CN=DriverCertificate" in said
    assert project.sys.read_bytes() != before
    assert project.verifies()


def test_blog_trusts_a_committed_certificate_whose_key_is_elsewhere(blog: Project) -> None:
    other = Identity.make("DriverCertificate", CODE_SIGNING)
    (blog.folder / "DriverCertificate.cer").write_bytes(other.certificate_pem())

    blog.fail("sign")


def test_a_committed_certificate_whose_key_is_elsewhere_is_replaced(project: Project) -> None:
    other = Identity.make("DriverCertificate", CODE_SIGNING)
    (project.folder / "DriverCertificate.cer").write_bytes(other.certificate_pem())

    project.make("sign")

    assert project.verifies()


def test_projects_of_one_store_and_subject_share_a_certificate(
    make_project: MakeProject, new_user: Path
) -> None:
    first = make_project(name="first", home=new_user)
    second = make_project(name="second", home=new_user)
    other = make_project(CONFIG + 'store = "Another"\n', name="third", home=new_user)

    assert "certificate: made" in first.make("sign")
    assert "certificate: made" not in second.make("sign")
    exported = (first.folder / "DriverCertificate.cer").read_bytes()
    assert (second.folder / "DriverCertificate.cer").read_bytes() == exported
    assert "certificate: made" in other.make("sign")
    assert (other.folder / "DriverCertificate.cer").read_bytes() != exported


@pytest.fixture
def with_c_start(project: Project, blog: Project) -> tuple[Project, Project]:
    """Both drivers with the function that an ordinary DLL begins with, as msvcrt.lib has it."""
    for each in (project, blog):
        with (each.folder / "src/lib.rs").open("a", encoding="utf-8") as source:
            source.write(
                '\n#[no_mangle]\nextern "system" fn _DllMainCRTStartup() -> i32 {\n    1\n}\n'
            )
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

    said = project.fail("sign", **{name: flags})
    assert "RUSTFLAGS in the environment would replace the flags" in said
    assert 'linker.emit = "build-script"' in said
    assert not project.sys.exists()

    project.generate(CONFIG + '[linker]\nemit = "build-script"\n')
    project.make("sign", **{name: flags})
    image = Image.read(project.sys)
    assert image.subsystem == NATIVE
    assert image.entry == image.exports()["driver_entry"]
    assert project.verifies()


@pytest.mark.parametrize(
    "linker",
    [
        "reproducible = true\n",
        'rustflags = ["--cfg=loud"]\n',
        '[profiles.development]\nlinker.rustflags = ["--cfg=loud"]\n',
    ],
)
def test_rustflags_that_would_replace_the_configured_ones_are_refused_with_any_emit(
    make_project: MakeProject, linker: str
) -> None:
    project = make_project(CONFIG + '[linker]\nemit = "build-script"\n' + linker)

    assert "RUSTFLAGS in the environment" in project.fail("sign", RUSTFLAGS="-Cdebuginfo=0")


def test_blog_takes_the_old_cargo_configuration_without_a_word(blog: Project) -> None:
    (blog.folder / ".cargo/config.toml").write_text("[build]\ntarget = 'i686-pc-windows-msvc'\n")

    blog.make("build-driver")

    assert blog.dll.exists()


def test_an_old_cargo_configuration_that_would_win_is_refused(project: Project) -> None:
    (project.folder / ".cargo/config").write_text("")

    said = project.fail("build-driver")

    assert ".cargo/config wins over .cargo/config.toml" in said
    assert not (project.folder / "target").exists()


def test_blog_builds_in_debug_when_the_names_of_its_variables_do_not_match(blog: Project) -> None:
    blog.edit("Makefile.toml", 'BUILD_FLAGS = "--release"', 'BUILD_RELEASE = "--release"')
    blog.edit("Makefile.toml", f'"target/{X64}/release"', f'"target/{X64}/debug"')

    said = blog.make("--profile", "production", "sign")

    assert "`dev` profile [unoptimized" in said
    assert Image.read(blog.sys).is_signed


def test_blog_builds_nothing_in_the_root_of_a_workspace(blog: Project, tmp_path: Path) -> None:
    root = _workspace(tmp_path / "workspace", blog)

    said = blog.run("--cwd", str(root), "--makefile", str(blog.folder / "Makefile.toml"), "sign")

    assert said.returncode != 0


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

    said = member.fail("--makefile", makefile, "sign", cwd=root)
    assert "run cargo make in the driver's own folder" in said
    assert not (root / "target").exists()

    member.make("verify")
    image = root / "target" / X64 / "debug/hello.sys"
    assert member.verifies(image)

    image.unlink()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    member.make("--cwd", str(member.folder), "sign", cwd=elsewhere)
    assert member.verifies(image)


def test_two_drivers_of_a_workspace_share_a_target_directory(
    make_project: MakeProject, tmp_path: Path
) -> None:
    first = make_project(name="first")
    second = make_project(CONFIG.replace('"hello"', '"second-driver"'), name="second")
    second.edit("Cargo.toml", 'name = "hello"', 'name = "second-driver"')
    root = _workspace(tmp_path / "workspace", first, second)
    built = root / "target" / X64 / "debug"

    for each, name in ((first, "hello"), (second, "second_driver")):
        member = Project(root / each.folder.name, each.home, each.env)
        member.make("verify")
        assert member.verifies(built / f"{name}.sys")
        assert f"{name.replace('_', '-')}: ".encode() not in b"" and (built / f"{name}.dll").exists()
    assert (built / "hello.sys").read_bytes() != (built / "second_driver.sys").read_bytes()


def test_blog_does_not_link_for_x86(blog: Project) -> None:
    blog.edit(".cargo/config", "x86_64-pc", "i686-pc")

    blog.fail("build-driver")


def test_blog_has_no_release_when_only_dev_aborts_on_panic(blog: Project) -> None:
    blog.edit("Cargo.toml", '[profile.release]\npanic = "abort"\n', "[profile.release]\n")

    assert "panic" in blog.fail("--profile", "production", "build-driver")


def test_both_profiles_abort_on_panic_whatever_cargo_toml_says(project: Project) -> None:
    project.edit("Cargo.toml", '[profile.release]\npanic = "abort"\n', "[profile.release]\n")
    project.edit("Cargo.toml", '[profile.dev]\npanic = "abort"\n', "")

    project.make("sign")
    project.make("--profile", "production", "sign")

    assert project.verifies(project.built(profile="release"))


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
    project.edit("src/lib.rs", 'log!(if', 'log!("{}", if')

    project.make("sign")
    assert project.verifies()
    assert "Hash Algorithm: sha256" in project.verify().stdout.replace("  ", " ") or (
        "SHA256" in project.verify().stdout.upper()
    )
    project.make("--profile", "production", "sign")

    development = Image.read(project.sys)
    production = Image.read(project.built(profile="release"))
    assert (development.image_version, production.image_version) == ((2, 1), (7, 3))
    assert b"QUIET" in development.data
    assert b"LOUD" not in development.data
    assert b"LOUD" in production.data
    report = project.verify(project.built(profile="release")).stdout
    assert "CN=Production" in report
    assert "SHA512" in report.upper()
