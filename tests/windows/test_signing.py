"""Signing on Windows: whose key, by which options, with what time stamp."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from tests.pipeline.authority import CODE_SIGNING, Authority, Identity
from tests.pipeline.support import CONFIG
from tests.windows.support import ODD, OWN, Desk, text

pytestmark = pytest.mark.slow

PROVIDER = "eToken Base & Provider (50%)"
CONTAINER = "key ^ of 'mine' é #1"


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


# --- a key that is elsewhere ------------------------------------------------------------------


@pytest.fixture
def token(desk: Desk) -> tuple[Desk, str]:
    """A certificate in a file, and its key with a provider; and the configuration of both."""
    own, _, public = desk.own()
    place = desk.windows.home / f"stores/keys/{PROVIDER}/{CONTAINER}.pem"
    place.parent.mkdir(parents=True)
    place.write_bytes(own.key_pem())
    (desk.project.folder / "own #1.cer").write_bytes(public.read_bytes())
    return desk, OWN + f'public-certificate = "own #1.cer"\ncsp = "{PROVIDER}"\n'


def test_the_key_is_taken_from_a_provider_by_its_name(token: tuple[Desk, str]) -> None:
    desk, config = token
    desk.project.generate(config + f'key-container = "{CONTAINER}"\n')

    desk.make("sign")

    assert desk.verifies(desk.project.folder / "own #1.cer")
    assert [desk.option(name) for name in ("/csp", "/kc")] == [PROVIDER, CONTAINER]
    desk.make("sign")
    assert len(desk.arguments("signtool")) == 1

    desk.project.generate(config + 'key-container = "another"\n')
    assert "did not sign" in desk.fail("sign")
    assert not desk.is_signed()


def test_a_keys_name_with_a_pin_comes_from_the_environment_and_is_kept_nowhere(
    token: tuple[Desk, str],
) -> None:
    desk, config = token
    secret = "[Reader{{no & such % PIN}}]=key"  # noqa: S105 - opens nothing
    (desk.windows.home / f"stores/keys/{PROVIDER}/{CONTAINER}.pem").rename(
        desk.windows.home / f"stores/keys/{PROVIDER}/{secret}.pem"
    )
    desk.project.generate(config + 'key-container-env = "MY_KEY"\n')
    assert "signing.key-container-env: MY_KEY is not set" in desk.fail("sign")
    assert not desk.is_signed()

    said = desk.make("--loglevel", "verbose", "sign", MY_KEY=secret)

    assert desk.option("/kc") == secret
    assert secret not in said
    files = [path for path in desk.project.folder.rglob("*") if path.is_file()]
    assert not [path for path in files if secret.encode() in path.read_bytes()]


def test_a_library_signs_in_a_cloud(desk: Desk) -> None:
    own, thumbprint, public = desk.own()
    (desk.windows.home / "stores/cloud.pem").write_bytes(own.key_pem() + own.certificate_pem())
    names = {"dlib": "C:\\\\cloud & co\\\\Sign.Dlib.dll", "dmdf": "account #1.json"}
    desk.windows.put(r"C:\cloud & co\Sign.Dlib.dll")
    config = OWN + "".join(f'{key} = "{value}"\n' for key, value in names.items())
    desk.project.generate(config)
    assert "signing.dmdf: there is no file account #1.json" in desk.fail("sign")
    metadata = desk.project.folder / "account #1.json"
    metadata.write_text("{}")

    desk.make("sign")

    assert desk.verifies(public)
    assert desk.option("/dlib") == r"C:\cloud & co\Sign.Dlib.dll"
    assert desk.option("/dmdf") == "account #1.json"
    assert not {"/f", "/s", "/n", "/sha1"} & set(desk.arguments("signtool")[-1])

    metadata.write_text('{"account": 2}')
    desk.project.generate(config + f'thumbprint = "{thumbprint}"\n')
    desk.make("sign")
    assert desk.option("/sha1").lower() == thumbprint

    (desk.project.folder / "own.cer").write_bytes(public.read_bytes())
    desk.project.generate(config + 'public-certificate = "own.cer"\n')
    desk.make("sign")
    assert desk.option("/f") == "own.cer"
    desk.make("sign")
    assert len(desk.arguments("signtool")) == 3


# --- time stamps and verification -------------------------------------------------------------


def _stamped(url: str, more: str = "") -> str:
    return CONFIG.replace('timestamp-url = ""', f'timestamp-url = "{url}"') + more


def test_a_time_stamp_is_in_the_signature_and_verifies_when_its_root_is_trusted(
    desk: Desk, tmp_path: Path
) -> None:
    (tmp_path / "authority").mkdir()
    with Authority.start(tmp_path / "authority") as authority:
        desk.project.generate(_stamped(authority.url))
        desk.make("sign")
        assert desk.option("/tr") == authority.url
        assert desk.option("/td") == "sha256"
        report = desk.project.verify(None, "-TSA-CAfile", authority.roots)
        assert "Timestamp Server Signature verification: ok" in report.stdout

        desk.make("trust-certificate")
        desk.windows.run(["certutil", "-user", "-addstore", "Root", authority.roots])
        assert desk.windows.path(desk.sys) in desk.make("verify")

        desk.project.generate(_stamped(authority.url, 'timestamp-protocol = "authenticode"\n'))
        desk.make("sign")
        assert desk.option("/t") == authority.url
        assert "/td" not in desk.arguments("signtool")[-1]
        report = desk.project.verify(None, "-TSA-CAfile", authority.roots)
        assert "Timestamp Server Signature verification: ok" in report.stdout


def test_an_image_signed_without_the_time_stamp_that_was_wanted_is_not_kept(desk: Desk) -> None:
    desk.project.generate(_stamped("http://127.0.0.1:1/"))

    said = desk.fail("sign", KDRVGEN_FAKE_TIMESTAMP_WARNING="1")

    assert "it ended with 2" in said
    assert not desk.is_signed()


def test_verifying_wants_the_test_certificate_trusted_by_a_task_of_its_own(desk: Desk) -> None:
    assert "cargo make trust-certificate" in desk.fail("verify")

    desk.make("trust-certificate")
    desk.make("verify")

    assert desk.arguments("signtool")[-1][:3] == ["verify", "/v", "/pa"]
    for store in ("Root", "TrustedPublisher"):
        assert len(desk.windows.certificates(store)) == 1


def test_nothing_is_signed_by_the_tool_of_other_hosts(desk: Desk) -> None:
    desk.project.generate(CONFIG + 'tool = "osslsigncode"\n')

    assert "osslsigncode" in desk.fail("sign")

    assert not desk.is_signed()
    assert not desk.arguments("signtool")
