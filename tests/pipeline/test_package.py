"""`cargo make package`: a signed and complete driver package, or the old one."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from kdrvgen.packaging.catalog.member import member_of
from kdrvgen.packaging.catalog.read import read_catalog
from tests.pipeline.authority import CODE_SIGNING, Authority, Identity
from tests.pipeline.conftest import TARGETS, MakeProject
from tests.pipeline.support import CONFIG, X64, Project, Stall, State, run, together

pytestmark = pytest.mark.slow

DEVICE = '[package]\nkind = "device"\nprovider = "Example"\n'
PACKAGE = f"{CONFIG}\n{DEVICE}"
NAMES = ["hello.cat", "hello.cer", "hello.inf", "hello.pdb", "hello.sys"]
ODD = 'it\'s "50%" $HOME & ü'


def install_kdrvgen(project: Project) -> Path:
    """Put this kdrvgen on the PATH of a project; return the file of its calls."""
    notes = project.home / "kdrvgen.calls"
    notes.write_text("", "utf-8")
    call = f"printf '%s\\n' \"$*\" >> '{notes}'\nexec '{sys.executable}' -m kdrvgen \"$@\""
    project.shim("kdrvgen", call)
    return notes


@pytest.fixture
def packaged(make_project: MakeProject) -> Project:
    """A project with a package, which is not made yet."""
    project = make_project(PACKAGE)
    install_kdrvgen(project)
    return project


def folder(project: Project, target: str = X64, profile: str = "development") -> Path:
    return project.output("package", profile, target)


def contents(project: Project, target: str = X64) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder(project, target).iterdir())}


def states(project: Project) -> dict[str, State]:
    return {path.name: State.of(path) for path in folder(project).iterdir()}


def leftovers(project: Project) -> list[str]:
    return [path.name for path in folder(project).parent.glob(".kdrvgen-*")]


def verify(project: Project, catalog: Path, pem: Path | None = None) -> str:
    """Let osslsigncode verify a catalog, and the image by it; return what it printed."""
    if pem is None:
        pem = project.home / "exported.pem"
        exported = catalog.with_suffix(".cer")
        run(["openssl", "x509", "-inform", "DER", "-in", exported, "-out", pem], project.home)
    argv: list[str | Path] = ["osslsigncode", "verify", "-CAfile", pem]
    alone = run([*argv, "-in", catalog], project.home)
    assert alone.returncode == 0, alone.stdout
    image = next(path for path in catalog.parent.iterdir() if path.suffix in {".sys", ".dll"})
    done = run([*argv, "-catalog", catalog, "-in", image], project.home)
    assert done.returncode == 0, done.stdout
    return alone.stdout


def covers(project: Project, target: str = X64) -> None:
    """Check that the catalog has the digests of the image and of the INF."""
    found = contents(project, target)
    (catalog,) = (data for name, data in found.items() if name.endswith(".cat"))
    for name, data in found.items():
        if name.endswith((".sys", ".inf")):
            assert read_catalog(catalog).has(member_of(name, data)), name


def test_a_package_is_complete_and_its_catalog_is_signed(packaged: Project) -> None:
    output = packaged.make("package")

    assert f"package: {folder(packaged)}\n" in output
    found = contents(packaged)
    assert list(found) == NAMES
    assert found["hello.sys"] == packaged.sys.read_bytes()
    assert packaged.verifies(folder(packaged) / "hello.sys")
    covers(packaged)
    verify(packaged, folder(packaged) / "hello.cat")
    assert leftovers(packaged) == []


def test_with_nothing_to_do_nothing_is_done(packaged: Project) -> None:
    packaged.make("package")
    before, calls = states(packaged), packaged.record("osslsigncode")
    (packaged.home / "kdrvgen.calls").write_text("", "utf-8")

    output = packaged.make("package")

    assert f"package: {folder(packaged)} is up to date" in output
    assert states(packaged) == before
    assert calls.read_text("utf-8") == ""
    assert (packaged.home / "kdrvgen.calls").read_text("utf-8") == ""


def test_only_what_changed_is_made_again(packaged: Project) -> None:
    packaged.make("package")
    first = contents(packaged)

    packaged.say("something else")
    packaged.make("package")
    second = contents(packaged)
    assert b"something else" in second["hello.sys"]
    assert second["hello.inf"] == first["hello.inf"]
    assert second["hello.cat"] != first["hello.cat"]

    packaged.edit("Cargo.toml", 'version = "0.1.0"', 'version = "0.1.7"')
    packaged.make("package")
    assert b",0.1.7.0" in contents(packaged)["hello.inf"]

    packaged.edit("config.toml", 'provider = "Example"', 'provider = "Somebody"')
    packaged.make("package")
    assert b"Somebody" in contents(packaged)["hello.inf"]
    covers(packaged)
    verify(packaged, folder(packaged) / "hello.cat")


def test_an_own_inf_and_the_date_of_the_build_are_in_the_next_package(packaged: Project) -> None:
    packaged.make("package", SOURCE_DATE_EPOCH="1751328000")
    inx = contents(packaged)["hello.inf"].decode("ascii")
    own = packaged.folder / "own.inx"
    own.write_text(inx, "utf-8")
    packaged.generate(f'{CONFIG}\n[package]\ninx = "own.inx"\n')
    packaged.make("package", SOURCE_DATE_EPOCH="1751328000")
    assert b"07/01/2025" in contents(packaged)["hello.inf"]

    packaged.make("package", SOURCE_DATE_EPOCH="1751500800")
    assert b"07/03/2025" in contents(packaged)["hello.inf"]

    own.write_text(inx.replace('"hello"', '"other"'), "utf-8")
    packaged.make("package", SOURCE_DATE_EPOCH="1751500800")
    assert b'"other"' in contents(packaged)["hello.inf"]
    covers(packaged)


def test_another_kdrvgen_makes_the_package_again(packaged: Project) -> None:
    packaged.make("package")
    calls = packaged.home / "kdrvgen.calls"
    calls.write_text("", "utf-8")
    os.utime(packaged.home / "shims/kdrvgen", (0, 0))

    packaged.make("package")

    assert calls.read_text("utf-8").startswith("package ")


def test_two_runs_at_once_sign_the_catalog_once(packaged: Project) -> None:
    packaged.make("package")
    packaged.say("new")
    signed = packaged.home / "signed"
    break_signing(packaged, f"echo once >> '{signed}'; sleep 3")

    together(packaged, packaged, task="package")

    assert signed.read_text("utf-8") == "once\n"
    covers(packaged)
    verify(packaged, folder(packaged) / "hello.cat")


def test_without_the_record_an_equal_package_is_made_again(packaged: Project) -> None:
    packaged.make("package", SOURCE_DATE_EPOCH="1751328000")
    before = contents(packaged)
    (packaged.state() / "packaged").unlink()

    packaged.make("package", SOURCE_DATE_EPOCH="1751328000")

    after = contents(packaged)
    del before["hello.cat"], after["hello.cat"]  # its signature is new
    assert after == before
    verify(packaged, folder(packaged) / "hello.cat")


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_was_changed_or_removed_is_made_again(packaged: Project, name: str) -> None:
    packaged.make("package")
    path = folder(packaged) / name
    original = path.read_bytes()

    path.write_bytes(original[:-1] + b"x")
    packaged.make("package")
    assert path.read_bytes()[-1:] != b"x"
    path.unlink()
    packaged.make("package")

    assert list(contents(packaged)) == NAMES
    covers(packaged)
    verify(packaged, folder(packaged) / "hello.cat")


def test_another_certificate_signs_the_catalog_again(packaged: Project) -> None:
    packaged.make("package")
    before = contents(packaged)["hello.cat"]

    packaged.generate(PACKAGE.replace("[signing]", '[signing]\nsubject = "Other"'))
    packaged.make("package")

    after = contents(packaged)["hello.cat"]
    assert after != before
    assert read_catalog(after).ctl == read_catalog(before).ctl
    assert "CN=Other" in verify(packaged, folder(packaged) / "hello.cat").replace(" = ", "=")


def test_extra_files_are_in_the_package_and_in_the_catalog(packaged: Project) -> None:
    (packaged.folder / "firmware").mkdir()
    (packaged.folder / "firmware/a b.bin").write_bytes(b"one")
    packaged.generate(PACKAGE + 'extra-files = ["firmware/a b.bin"]\n')
    packaged.make("package")
    assert f"package: {folder(packaged)} is up to date" in packaged.make("package")

    (packaged.folder / "firmware/a b.bin").write_bytes(b"two")
    packaged.make("package")
    found = contents(packaged)
    assert found["a b.bin"] == b"two"
    assert read_catalog(found["hello.cat"]).has(member_of("a b.bin", b"two"))

    packaged.generate(PACKAGE)
    packaged.make("package")
    assert list(contents(packaged)) == NAMES


def test_the_map_file_of_the_linker_is_in_the_package(packaged: Project) -> None:
    packaged.generate(PACKAGE + '[linker]\nargs = ["/MAP"]\n')
    packaged.make("package")
    first = contents(packaged)
    assert first["hello.map"] == packaged.linked("deps/hello.map").read_bytes()
    assert b" entry point at " in first["hello.map"]
    assert not read_catalog(first["hello.cat"]).has(member_of("hello.map", first["hello.map"]))

    packaged.say("something much longer, so that addresses differ" * 9)
    packaged.make("package")
    assert contents(packaged)["hello.map"] not in {first["hello.map"], b""}
    assert "is up to date" in packaged.make("package")

    # Cargo keeps the file.
    packaged.generate(PACKAGE)
    packaged.make("package")
    assert packaged.linked("deps/hello.map").exists()
    assert list(contents(packaged)) == NAMES

    mine = packaged.output("hello.map")
    mine.write_text("mine", "utf-8")
    packaged.make("package")
    assert contents(packaged)["hello.map"] == b"mine"


def test_the_version_of_the_workspace_is_in_the_next_package(make_project: MakeProject) -> None:
    project = make_project(None, "workspace/driver")
    root = project.folder.parent / "Cargo.toml"
    workspace = "[workspace]\nresolver = '2'\nmembers = ['driver']\n[workspace.package]\n"
    profiles = "[profile.dev]\npanic = 'abort'\n[profile.release]\npanic = 'abort'\n"
    root.write_text(f"{workspace}version = '1.2.3'\n{profiles}", "utf-8")
    manifest = project.folder / "Cargo.toml"
    text = manifest.read_text("utf-8").replace("[workspace]\n", "").partition("[profile.dev]")[0]
    text = text.replace('version = "0.1.0"', "version.workspace = true", 1)
    manifest.write_text(text, "utf-8")
    # cargo links the driver again, to the same image.
    config = PACKAGE.replace('"hello"\n', '"hello"\nworkspace-root = ".."\n', 1)
    project.generate(config + "[linker]\nreproducible = true\n")
    install_kdrvgen(project)
    project = project.under({"CARGO_TARGET_DIR": str(project.target)})
    project.make("package")
    before = contents(project)
    assert b",1.2.3.0" in before["hello.inf"]

    root.write_text(root.read_text("utf-8").replace("1.2.3", "1.2.4"), "utf-8")
    project.make("package")

    after = contents(project)
    assert b",1.2.4.0" in after["hello.inf"]
    assert after["hello.sys"] == before["hello.sys"]
    covers(project)


# --- failures -----------------------------------------------------------------------------------


def break_signing(project: Project, script: str, extension: str = "cat") -> None:
    """Replace what osslsigncode does with a catalog, or with files of another extension."""
    real = shutil.which("osslsigncode")
    project.shim(
        "osslsigncode", f'case "$*" in *.{extension}*) {script}\n;; esac\nexec {real} "$@"'
    )


@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        ("echo why >&2; exit 1", "osslsigncode did not sign the catalog"),
        ('while [ "$1" != -in ]; do shift; done; cp "$2" "$4"; exit', "did not sign hello.cat"),
        ('while [ "$1" != -out ]; do shift; done; echo x > "$2"; exit', "did not sign hello.cat"),
    ],
)
def test_a_catalog_that_is_not_signed_leaves_the_old_package(
    packaged: Project, broken: str, expected: str
) -> None:
    packaged.make("package")
    before = states(packaged)
    packaged.say("new")
    break_signing(packaged, broken)

    output = packaged.fail("package")

    assert expected in output
    assert states(packaged) == before
    assert leftovers(packaged) == []
    packaged.unshim()
    install_kdrvgen(packaged)
    packaged.make("package")
    covers(packaged)


def test_a_signature_with_another_key_is_refused(packaged: Project) -> None:
    other = Identity.make("DriverCertificate", CODE_SIGNING)
    pem = packaged.home / "other.pem"
    pem.write_bytes(other.certificate_pem() + other.key_pem())
    script = f"""\
while [ "$1" != -in ]; do shift; done
{shutil.which("osslsigncode")} sign -certs '{pem}' -key '{pem}' -in "$2" -out "$4"; exit"""
    break_signing(packaged, script)

    output = packaged.fail("package")

    assert "was not made with the test certificate" in output
    assert not folder(packaged).exists()


def test_a_catalog_that_is_not_in_strict_der_is_refused(packaged: Project) -> None:
    script = f"""\
{shutil.which("osslsigncode")} "$@" || exit
while [ "$1" != -out ]; do shift; done
'{sys.executable}' - "$2" <<'END'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
# 2 bytes for a length that needs 1: the number of the version, and of all above.
at = data.index(bytes([2, 1, 1]))
data[at:at + 3] = bytes([2, 0x81, 1, 1])
for offset in (2, 17, 21):
    length = int.from_bytes(data[offset:offset + 2], "big") + 1
    data[offset:offset + 2] = length.to_bytes(2, "big")
open(sys.argv[1], "wb").write(data)
END
exit"""
    break_signing(packaged, script)

    output = packaged.fail("package")

    assert "hello.cat is not in strict DER: a length is longer than needed" in output
    assert "osslsigncode 2.8 or later" in output
    assert not folder(packaged).exists()


def test_a_tool_that_signs_another_list_is_refused(packaged: Project) -> None:
    script = f"""\
for word; do [ "$last" = -in ] && file=$word; last=$word; done
'{sys.executable}' - "$file" <<'END'
import sys
data = open(sys.argv[1], "rb").read()
old, new = ("hello.sys".encode("utf-16-le"), "jello.sys".encode("utf-16-le"))
assert old in data
open(sys.argv[1], "wb").write(data.replace(old, new))
END
"""
    break_signing(packaged, script)

    output = packaged.fail("package")

    assert "the signing tool changed the list of files in hello.cat" in output
    assert not folder(packaged).exists()


def test_an_error_in_the_own_inf_names_its_line_and_leaves_the_old_package(
    packaged: Project,
) -> None:
    packaged.make("package")
    inx = contents(packaged)["hello.inf"].decode("ascii")
    before = states(packaged)
    (packaged.folder / "my own.inx").write_text(inx.replace("%Provider%\r", "%Nobody%\r"), "utf-8")
    packaged.generate(f'{CONFIG}\n[package]\ninx = "my own.inx"\n')

    output = packaged.fail("package")

    assert "my own.inx:" in output
    assert "Nobody" in output
    assert states(packaged) == before
    (packaged.folder / "my own.inx").write_text(inx, "utf-8")
    packaged.make("package")
    assert b"Provider = %Provider%" in contents(packaged)["hello.inf"]


def test_without_kdrvgen_the_error_says_how_to_get_it(packaged: Project) -> None:
    packaged.unshim()
    packaged.hide("kdrvgen")

    output = packaged.fail("package")

    assert "kdrvgen is not installed" in output
    assert "pip install kdrvgen" in output


def test_the_tools_of_the_kit_exist_only_on_windows(packaged: Project) -> None:
    (packaged.folder / "hello.inx").write_text("", "utf-8")
    packaged.generate(f'{CONFIG}\n[package]\ninx = "hello.inx"\ntool = "wdk"\n')

    output = packaged.fail("package")

    assert 'package.tool is "wdk", whose tools exist only on Windows' in output
    assert not folder(packaged).exists()


def test_a_folder_with_other_files_is_not_replaced(packaged: Project) -> None:
    packaged.make("package")
    (folder(packaged) / "notes.txt").write_text("mine", "utf-8")
    before = states(packaged)

    output = packaged.fail("package")

    assert "notes.txt is not a file of the package" in output
    assert states(packaged) == before
    packaged.make("clean-driver")
    assert list(contents(packaged)) == ["notes.txt"]

    shutil.rmtree(folder(packaged))
    mine = packaged.home / "mine"
    mine.mkdir()
    folder(packaged).symlink_to(mine)
    assert "is not a folder" in packaged.fail("package")
    assert list(mine.iterdir()) == []

    (mine / "hello.inf").write_text("mine", "utf-8")
    packaged.make("clean-driver")
    assert (mine / "hello.inf").read_text("utf-8") == "mine"


def test_a_killed_run_leaves_the_old_package_and_the_next_one_cleans_up(packaged: Project) -> None:
    packaged.make("package")
    before = states(packaged)
    packaged.say("new")
    stall = Stall(packaged)
    break_signing(packaged, stall.script)

    assert stall.kill("package")

    assert states(packaged) == before
    assert leftovers(packaged)
    packaged.unshim()
    install_kdrvgen(packaged)
    packaged.make("package")
    assert leftovers(packaged) == []
    covers(packaged)


# --- configurations -----------------------------------------------------------------------------


def test_hooks_run_before_and_after_the_package(packaged: Project) -> None:
    packaged.generate(
        PACKAGE
        + 'extra-files = ["made.bin"]\n[makefile.hooks]\n'
        + 'before-package = ["make"]\nafter-package = ["list"]\n'
        + "[makefile.tasks.make]\nscript = 'printf made > made.bin'\n"
        + "[makefile.tasks.list]\nscript = 'ls \"$DRIVER_PACKAGE\" > listed'\n"
    )

    packaged.make("package")

    assert contents(packaged)["made.bin"] == b"made"
    listed = (packaged.folder / "listed").read_text("utf-8").split()
    assert sorted(listed) == sorted([*NAMES, "made.bin"])


@pytest.mark.parametrize("script", ['echo >> "$DRIVER_PACKAGE/hello.inf"', "rm $DRIVER_PACKAGE/*"])
def test_a_hook_that_changes_the_package_leaves_none(packaged: Project, script: str) -> None:
    hook = f"[makefile.hooks]\nafter-package = ['a']\n[makefile.tasks.a]\nscript = '''{script}'''\n"
    packaged.generate(PACKAGE + hook)

    output = packaged.fail("package")

    assert "was changed after the task make-package" in output
    assert not folder(packaged).exists()


def test_a_hook_after_the_package_that_changes_the_image_fails(packaged: Project) -> None:
    hook = "[makefile.hooks]\nafter-package = ['a']\n[makefile.tasks.a]\n"
    packaged.generate(PACKAGE + hook + "script = 'echo >> \"$DRIVER_PATH\"'\n")

    output = packaged.fail("package")

    assert "hello.sys was changed or removed after the task sign" in output


def test_each_target_has_a_package_of_its_own(make_project: MakeProject) -> None:
    targets = ", ".join(f'"{target}"' for target in TARGETS)
    config = PACKAGE.replace('"hello"\n', f'"hello"\ntargets = [{targets}]\n', 1)
    project = make_project(config)
    install_kdrvgen(project)

    project.make("package-all")

    machines = dict(zip(TARGETS, (b"amd64", b"x86", b"arm64"), strict=True))
    for target, machine in machines.items():
        covers(project, target)
        assert b"NT" + machine in contents(project, target)["hello.inf"]
        verify(project, folder(project, target) / "hello.cat")


def test_odd_names_reach_the_package_as_they_are(make_project: MakeProject) -> None:
    name = "it's 50% $HOME & ü"
    config = PACKAGE.replace('"hello"\n', f'"hello"\noutput-name = "{name}"\n', 1)
    project = make_project(config + "extra-files = [\"a $x/b 'c' 5%.bin\"]\n", "a 'b' $c")
    install_kdrvgen(project)
    (project.folder / "a $x").mkdir()
    (project.folder / "a $x/b 'c' 5%.bin").write_bytes(b"x")

    project.make("package")
    output = project.make("package")

    assert "package is up to date" in output
    assert set(contents(project)) == {
        *(f"{name}{ending}" for ending in (".cat", ".cer", ".inf", ".pdb", ".sys")),
        "b 'c' 5%.bin",
    }
    covers(project)
    verify(project, folder(project) / f"{name}.cat")


def test_without_signing_the_catalog_has_no_signature(make_project: MakeProject) -> None:
    project = make_project(f'[driver]\nname = "hello"\n[signing]\nmode = "off"\n{DEVICE}')
    install_kdrvgen(project)

    output = project.make("package")

    assert "the image has no signature" in output
    assert not read_catalog(contents(project)["hello.cat"]).is_signed
    covers(project)
    assert "is up to date" in project.make("package")


def test_the_own_certificate_and_a_timestamp_sign_the_catalog(
    make_project: MakeProject, authority: Authority
) -> None:
    identity = Identity.make("My Company", CODE_SIGNING)
    project = make_project(
        '[driver]\nname = "hello"\n[signing]\nmode = "certificate"\npfx = "my own.pfx"\n'
        f'pfx-password-env = "SECRET"\ntimestamp-url = "{authority.url}"\npage-hashes = true\n'
        f"{DEVICE}"
    )
    install_kdrvgen(project)
    (project.folder / "my own.pfx").write_bytes(identity.pfx("p a$$"))
    pem = project.home / "own.pem"
    pem.write_bytes(identity.certificate_pem())

    project.make("package", SECRET="p a$$")

    text = verify(project, folder(project) / "hello.cat", pem)
    assert "My Company" in text
    assert "Timestamp time:" in text
    assert "is up to date" in project.make("package", SECRET="p a$$")
