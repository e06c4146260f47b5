"""The generated Makefile.toml on Windows: in Wine, with cargo-make and signatures that are real."""

from __future__ import annotations

import itertools
import re
import time
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pipeline.authority import CODE_SIGNING, Identity
from tests.pipeline.support import CONFIG, X64, State
from tests.windows.bed import INSTALLED_ROOTS, Windows
from tests.windows.support import OWN, Desk, text

pytestmark = pytest.mark.slow

KITS = r"C:\Program Files (x86)\Windows Kits\10"


@pytest.fixture
def first_day(windows: Windows) -> Desk:
    """A project beside a Windows with the kits, and no certificate yet."""
    windows.install_kits()
    return Desk.start(windows)


@pytest.fixture(scope="session")
def _made_once() -> dict[str, bytes]:
    """The files of a test certificate: what takes long is made once for each worker."""
    return {}


@pytest.fixture
def desk(first_day: Desk, _made_once: dict[str, bytes]) -> Desk:
    """The same on a later day: the test certificate was made."""
    folders = first_day.windows.home / "stores", first_day.records
    if not _made_once:
        first_day.make("certificate")
        for folder in folders:
            for path in folder.rglob("*.*"):
                _made_once[str(path.relative_to(folder))] = path.read_bytes()
        first_day.forget_calls()
    for name, content in _made_once.items():
        path = folders[len(Path(name).parts) == 1] / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return first_day


# --- the day's work ---------------------------------------------------------------------------


def test_signing_makes_one_certificate_and_an_image_that_it_verifies(first_day: Desk) -> None:
    first_day.make("sign")

    assert first_day.verifies()
    assert not first_day.sys.samefile(first_day.project.dll)
    (certificate,) = first_day.windows.certificates()
    (made,) = first_day.arguments("makecert")
    assert made[made.index("-eku") + 1] == "1.3.6.1.5.5.7.3.3"
    (signed,) = first_day.arguments("signtool")
    assert first_day.option("/sha1").lower() == certificate.stem
    assert first_day.option("/fd") == "sha256"
    assert "/tr" not in signed
    assert "/t" not in signed


def test_with_nothing_to_do_nothing_is_done(desk: Desk) -> None:
    desk.make("sign")
    before = State.of(desk.sys), State.of(desk.project.dll)
    desk.forget_calls()

    desk.make("sign")

    assert (State.of(desk.sys), State.of(desk.project.dll)) == before
    assert not desk.arguments("signtool") + desk.arguments("makecert")


def test_new_code_is_signed_and_a_lost_or_altered_image_is_made_good(desk: Desk) -> None:
    desk.make("sign")
    first = desk.sys.read_bytes()

    desk.project.say("once more")
    desk.make("sign")
    second = desk.sys.read_bytes()
    assert b"once more" in second
    assert b"once more" not in first
    assert desk.verifies()

    desk.sys.unlink()
    desk.make("sign")
    assert desk.verifies()

    desk.sys.write_bytes(first)
    desk.make("sign")
    assert b"once more" in desk.sys.read_bytes()
    assert desk.verifies()
    assert not desk.arguments("makecert")


def test_another_signing_setting_signs_again_and_links_nothing(desk: Desk) -> None:
    desk.make("sign")
    dll = State.of(desk.project.dll)

    desk.project.generate(CONFIG + 'digest = "sha512"\n')
    desk.make("sign")

    assert desk.option("/fd") == "sha512"
    assert desk.verifies()
    assert State.of(desk.project.dll) == dll


def test_verifying_wants_the_test_certificate_trusted_by_a_task_of_its_own(desk: Desk) -> None:
    assert "cargo make trust-certificate" in desk.fail("verify")

    desk.make("trust-certificate")
    desk.make("verify")

    for store in ("Root", "TrustedPublisher"):
        assert len(desk.windows.certificates(store)) == 1


def test_cleaning_removes_image_and_build_and_leaves_the_certificate(desk: Desk) -> None:
    desk.make("sign")

    desk.make("clean-driver")

    assert not desk.sys.exists()
    assert not desk.project.dll.exists()
    assert len(desk.windows.certificates()) == 1


def test_without_signing_the_image_is_the_dll(desk: Desk) -> None:
    desk.make("sign")
    desk.project.generate(CONFIG + 'mode = "off"\n')

    assert "not signed" in desk.make("sign")

    assert desk.sys.read_bytes() == desk.project.dll.read_bytes()
    before = State.of(desk.sys)
    desk.make("sign")
    assert State.of(desk.sys) == before
    assert "not signed" in desk.fail("verify")


# --- what cannot become a driver --------------------------------------------------------------


def _break_code(desk: Desk) -> None:
    desk.project.edit("src/lib.rs", "unsafe extern", "unsafe extrn")


def _add_old_cargo_config(desk: Desk) -> None:
    (desk.project.folder / ".cargo/config").touch()


def _nothing(_: Desk) -> None:
    pass


@pytest.mark.parametrize(
    ("prepare", "arguments", "env", "reason"),
    [
        pytest.param(_break_code, ["sign"], {}, "extrn", id="compile error"),
        pytest.param(
            _nothing, ["-e", "DRIVER_TARGET=m68k & x", "sign"], {}, "'m68k & x'", id="target"
        ),
        pytest.param(_nothing, ["--profile", "night", "sign"], {}, "'night'", id="profile"),
        pytest.param(_nothing, ["sign"], {"RUSTFLAGS": "-g"}, "RUSTFLAGS", id="RUSTFLAGS"),
        pytest.param(
            _nothing,
            ["sign"],
            {"CARGO_ENCODED_RUSTFLAGS": "-g"},
            "RUSTFLAGS",
            id="CARGO_ENCODED_RUSTFLAGS",
        ),
        pytest.param(_add_old_cargo_config, ["sign"], {}, "delete the former", id=".cargo/config"),
        pytest.param(
            _nothing,
            ["sign", "--profile", "production"],
            {},
            "cargo make --profile production sign",
            id="options last",
        ),
    ],
)
def test_what_cannot_become_a_driver_ends_with_the_reason(
    windows: Windows,
    prepare: Callable[[Desk], None],
    arguments: list[str],
    env: dict[str, str],
    reason: str,
) -> None:
    desk = Desk.start(windows)
    prepare(desk)

    assert reason in desk.fail(*arguments, **env)

    assert not desk.sys.exists()


def test_an_image_that_windows_has_loaded_ends_with_what_to_do(desk: Desk) -> None:
    desk.make("sign")
    loaded = desk.sys.read_bytes()
    path = desk.windows.path(desk.sys)
    try:
        for words in (["create", "hello", "type=", "kernel", "binPath=", path], ["start", "hello"]):
            done = desk.windows.run(["sc", *words])
            assert done.code == 0, done.said
        desk.project.say("once more")

        assert "cargo make stop" in desk.fail("sign")

        assert desk.sys.read_bytes() == loaded
    finally:
        desk.windows.run(["sc", "stop", "hello"])
        desk.windows.run(["sc", "delete", "hello"])
    desk.make("sign")
    assert desk.verifies()


# --- signtool, where it is and what it says ---------------------------------------------------


def test_without_signtool_every_place_looked_in_is_named(windows: Windows) -> None:
    desk = Desk.start(windows, OWN)
    windows.set_value(INSTALLED_ROOTS, "KitsRoot10", "D:\\kits\\", view=64)

    said = desk.fail("sign", WDKContentRoot=r"E:\WDK")

    for place in ("PATH", "E:\\WDK", "D:\\kits", "32-bit registry (none)"):
        assert place in said
    assert "Signing Tools for Desktop Apps" in said
    assert not desk.is_signed()


def test_a_refusal_of_signtool_leaves_no_image_that_looks_signed(desk: Desk) -> None:
    desk.make("sign")
    desk.project.generate(OWN + 'subject = "Nobody"\n')

    said = desk.fail("sign")

    assert "No certificates were found" in said
    assert "did not sign" in said
    assert not desk.is_signed()
    assert [path.name for path in desk.sys.parent.glob("*.sys")] == ["hello.sys"]
    desk.project.generate(CONFIG)
    desk.make("sign")
    assert desk.verifies()


def test_the_newest_kit_is_taken_by_its_numbers(windows: Windows) -> None:
    windows.install_kits(versions=["10.0.9.0", "10.0.22621.0", "10.0.10240.0"])
    windows.put(KITS + r"\bin\10.0.99999.0\x86\signtool.exe", "for another architecture")
    windows.put(KITS + r"\bin\10.0.old.copy\x64\signtool.exe", "not a version")
    desk = Desk.start(windows)

    desk.make("sign")

    assert r"10.0.22621.0\x64" in desk.places("signtool")[0]


def test_kits_are_found_on_another_drive_in_the_32_bit_registry(windows: Windows) -> None:
    windows.drive("d", windows.home / "drive d")
    windows.install_kits(r"D:\my kits (10)", registry=[32])
    desk = Desk.start(windows)

    desk.make("sign")

    assert desk.places("signtool")[0].startswith("d:\\my kits (10)\\bin")


def test_kits_are_found_by_the_environment(windows: Windows) -> None:
    windows.install_kits(r"C:\WDK & more", registry=[])
    desk = Desk.start(windows)

    desk.make("sign", WDKContentRoot="C:\\WDK & more\\")

    assert desk.places("signtool")[0].startswith("c:\\wdk & more\\")


def test_signtool_on_the_path_comes_first_and_needs_no_kit(desk: Desk) -> None:
    for tool in ("signtool", "makecert"):
        desk.windows.put(rf"C:\tools\{tool}.exe", desk.windows.bed / f"standins/{tool}.exe")

    desk.make("sign", WINEPATH=r"C:\cargo\bin;C:\tools")

    assert desk.places("signtool") == [r"c:\tools\signtool.exe"]


# --- the test certificate ---------------------------------------------------------------------


def test_a_certificate_gone_from_the_store_is_made_again(desk: Desk) -> None:
    desk.make("sign")
    (old,) = desk.windows.certificates()
    old.unlink()

    desk.make("sign")

    (new,) = desk.windows.certificates()
    assert new.stem != old.stem
    assert desk.verifies()


def test_an_expired_certificate_is_replaced_and_leaves_the_store(first_day: Desk) -> None:
    first_day.make("sign")
    (old,) = first_day.windows.certificates()
    (record,) = first_day.records.glob("*.txt")
    thumbprint, until = record.read_text(encoding="utf-8").split()
    assert 364 * 86400 < int(until) / 1000 - time.time() < 366 * 86400
    record.write_text(f"{thumbprint} {int(time.time() - 60) * 1000}", encoding="utf-8")

    first_day.make("sign")

    (new,) = first_day.windows.certificates()
    assert new.stem != old.stem
    assert first_day.verifies()


def test_profiles_and_projects_share_the_certificate_of_one_subject(desk: Desk) -> None:
    desk.make("sign")
    desk.make("--profile", "production", "-e", "DRIVER_TIMESTAMP_URL=", "sign")
    other = Desk.start(desk.windows, name="other")
    other.make("sign")

    assert len(desk.windows.certificates()) == 1
    assert other.verifies()


def test_a_store_of_the_machine_is_asked_and_written_to(first_day: Desk) -> None:
    first_day.project.generate(CONFIG + "machine-store = true\n")

    first_day.make("sign")
    first_day.make("sign")

    assert len(first_day.windows.certificates(machine=True)) == 1
    assert not first_day.windows.certificates()
    (signed,) = first_day.arguments("signtool")
    assert "/sm" in signed


def test_when_makecert_fails_the_old_image_does_not_stay_signed(desk: Desk) -> None:
    desk.make("sign")
    (certificate,) = desk.windows.certificates()
    certificate.unlink()
    blocked = desk.windows.home / "stores/user/PrivateCertStore"
    blocked.rmdir()
    blocked.write_text("no folder", encoding="utf-8")

    said = desk.fail("sign")

    assert "made no certificate CN=DriverCertificate" in said
    assert not desk.is_signed()
    blocked.unlink()
    desk.make("sign")
    assert desk.verifies()


def test_a_thumbprint_is_found_in_output_of_any_language_and_age(first_day: Desk) -> None:
    first_day.make("sign", KDRVGEN_FAKE_LANGUAGE="de", KDRVGEN_FAKE_HASH_SPACES="1")

    assert first_day.verifies()


def test_without_makecert_powershell_is_given_a_script_that_its_grammar_takes(
    first_day: Desk,
) -> None:
    tree_sitter = pytest.importorskip("tree_sitter")
    grammar = pytest.importorskip("tree_sitter_powershell")
    for program in first_day.windows.unix(KITS).rglob("makecert.exe"):
        program.unlink()

    assert "PowerShell made no certificate" in first_day.fail("sign")

    script = first_day.option("-Command", "powershell")
    assert "New-SelfSignedCertificate" in script
    parser = tree_sitter.Parser(tree_sitter.Language(grammar.language()))
    assert not parser.parse(script.encode()).root_node.has_error
    assert parser.parse(script.replace(")", "", 1).encode()).root_node.has_error


# --- a certificate of one's own ---------------------------------------------------------------


def test_it_is_taken_by_its_thumbprint(desk: Desk) -> None:
    _, thumbprint, public = desk.own()
    desk.own("My Company")
    desk.project.generate(OWN + f'thumbprint = "{thumbprint}"\n')

    desk.make("sign")

    assert desk.verifies(public)
    assert not desk.arguments("makecert")


def test_it_is_taken_by_its_subject_from_a_store_of_the_machine(desk: Desk) -> None:
    _, _, public = desk.own("My Company", "My", machine=True)
    desk.project.generate(OWN + 'subject = "My Company"\nstore = "My"\nmachine-store = true\n')

    desk.make("sign")

    assert desk.verifies(public)


@pytest.mark.parametrize("password", ['pass & "word" 100% ^ ! ${HOME} ü#\'', ""])
def test_it_is_taken_from_a_file_whose_password_is_kept_nowhere(desk: Desk, password: str) -> None:
    own, _, public = desk.own()
    (desk.project.folder / "my own #1.pfx").write_bytes(own.pfx(password))
    secret = 'pfx-password-env = "MY_PASSWORD"\n' if password else ""
    desk.project.generate(OWN + f'pfx = "my own #1.pfx"\n{secret}')

    env = {"MY_PASSWORD": password} if password else {}
    said = desk.make("--loglevel", "verbose", "sign", **env)

    assert desk.verifies(public)
    if password:
        assert desk.option("/p") == password
        assert password not in said
        files = [path for path in desk.project.folder.rglob("*") if path.is_file()]
        assert not [path for path in files if password.encode() in path.read_bytes()]


def test_a_password_or_a_file_that_is_missing_is_named(desk: Desk) -> None:
    desk.project.generate(OWN + 'pfx = "my.pfx"\npfx-password-env = "MY_PASSWORD"\n')
    assert "there is no file my.pfx" in desk.fail("sign")

    (desk.project.folder / "my.pfx").touch()
    assert "MY_PASSWORD is not set" in desk.fail("sign")

    said = desk.fail("sign", MY_PASSWORD="no-such-secret")  # noqa: S106 - opens nothing
    assert "did not sign" in said
    assert "no-such-secret" not in said
    assert not desk.is_signed()


def test_further_certificates_and_page_hashes_reach_signtool(desk: Desk) -> None:
    _, thumbprint, public = desk.own()
    names = ["ca & root.pem", "zwei #2.pem"]
    for name in names:
        other = Identity.make(name, CODE_SIGNING)
        (desk.project.folder / name).write_bytes(other.certificate_pem())
    listed = ", ".join(map(text, names))
    desk.project.generate(
        OWN
        + f'thumbprint = "{thumbprint}"\npage-hashes = true\nadditional-certificates = [{listed}]\n'
    )

    desk.make("sign")

    (signed,) = desk.arguments("signtool")
    given = [value for name, value in itertools.pairwise(signed) if name == "/ac"]
    assert given == names
    assert "/ph" in signed
    assert desk.verifies(public)

    (desk.project.folder / names[0]).write_bytes(Identity.make("x", CODE_SIGNING).certificate_pem())
    desk.make("sign")
    assert len(desk.arguments("signtool")) == 2

    (desk.project.folder / names[1]).unlink()
    assert f"there is no file {names[1]}" in desk.fail("sign")
    assert not desk.is_signed()


def test_no_time_stamp_says_how_to_go_on_without(desk: Desk) -> None:
    url = "http://127.0.0.1:1/stamp?a=1&b=2#c"
    for protocol, switch in (("rfc3161", "/tr"), ("authenticode", "/t")):
        desk.project.generate(
            CONFIG.replace('timestamp-url = ""', f'timestamp-url = "{url}"')
            + f'timestamp-protocol = "{protocol}"\ndigest = "sha384"\n'
        )

        said = desk.fail("sign")

        assert "-e DRIVER_TIMESTAMP_URL= sign" in said
        assert desk.option(switch) == url
        assert not desk.is_signed()
        assert ("/td" in desk.arguments("signtool")[-1]) == (switch == "/tr")

    desk.make("-e", "DRIVER_TIMESTAMP_URL=", "sign")
    assert desk.verifies()


# --- names ------------------------------------------------------------------------------------

ODD = "a & b ^ 50% %PATH% ! x!y 'q' (z) ${HOME} é日 #1"


def test_odd_names_arrive_as_they_stand_in_the_config(windows: Windows) -> None:
    windows.install_kits()
    folder = "C# & 'my' (own) driver! ^ é日"
    subject = ODD + ' "quoted"'
    file = ODD.replace("$", "S") + ".cer"
    desk = Desk.start(
        windows,
        CONFIG
        + f"subject = {text(subject)}\nstore = {text(ODD)}\ncertificate-file = {text(file)}\n",
        name=folder,
    )

    desk.make("sign")
    desk.make("sign")

    assert desk.option("-n", "makecert") == 'CN="' + subject.replace('"', '""') + '"'
    assert desk.option("-ss", "makecert") == ODD
    assert desk.option("/s") == ODD
    assert len(desk.windows.certificates(ODD)) == 1
    assert len(desk.arguments("signtool")) == 1
    assert (desk.project.folder / file).exists()
    assert desk.arguments("signtool")[0][-1].startswith(desk.windows.path(desk.project.folder))


def test_an_odd_image_name_and_subject_of_ones_own_arrive(desk: Desk) -> None:
    name = "my & driver é (1) ^ !"
    desk.project.generate(
        OWN.replace("[signing]", f"output-name = {text(name)}\n[signing]")
        + f"subject = {text(ODD)}\n"
    )
    desk.own(ODD)

    desk.make("sign")

    assert desk.option("/n") == ODD
    assert (desk.sys.parent / f"{name}.sys").exists()


# --- what is built ----------------------------------------------------------------------------


def test_a_profile_has_flags_of_its_own_and_names_no_folder_of_the_machine(
    windows: Windows,
) -> None:
    own = ['--cfg=a="x y"', "--cfg=b=\"'q' ${HOME} $x & ^ ! # é日 C:\\\\x\""]
    own.append("--cfg=c=\"50% %PATH% %{y} ''' \\\\% \\\\$z\"")
    desk = Desk.start(
        windows,
        CONFIG + f"[profiles.development.linker]\nreproducible = true\nrustflags = {text(own)}\n",
        name="C# & 'my' driver",
    )

    desk.make("build-driver")

    built = next(call for call in desk.arguments("cargo") if call[0] == "build")
    given = tomllib.loads(built[built.index("--config") + 1])
    folder = desk.windows.path(desk.project.folder)
    flags = given["target"][X64]["rustflags"]
    assert flags[:-2] == [*own, f"--remap-path-prefix={folder}=."]
    assert re.fullmatch(r"--remap-path-prefix=.*\.cargo=/cargo", flags[-2])
    assert flags[-1] == "-Clink-arg=/DEBUG:NONE"


def test_every_target_is_signed_and_one_may_be_asked_for(desk: Desk) -> None:
    targets = [X64, "aarch64-pc-windows-msvc"]
    desk.project.generate(CONFIG.replace("[signing]", f"targets = {text(targets)}\n[signing]"))
    arm = desk.project.built(target=targets[1])

    desk.make("-e", f"DRIVER_TARGET={targets[1]}", "sign")
    assert not desk.sys.exists()
    assert desk.project.verifies(arm)
    before = State.of(arm)

    desk.make("sign-all")
    assert desk.verifies()
    assert State.of(arm) == before
