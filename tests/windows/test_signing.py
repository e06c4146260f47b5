"""Signing on Windows: whose key, by which options, with what timestamp."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pipeline.authority import CODE_SIGNING, Authority, Identity
from tests.pipeline.support import CONFIG
from tests.windows.bed import private_key_blob
from tests.windows.support import ODD, OWN, Desk, text

pytestmark = pytest.mark.slow

PROVIDER = "eToken Base & Provider (50%) é"
PROVIDERS = r"HKLM\SOFTWARE\Microsoft\Cryptography\Defaults\Provider"
CONTAINER = "key ^ of 'mine' é #1"


def test_a_refusal_of_signtool_leaves_no_image_that_looks_signed(desk: Desk) -> None:
    desk.make("sign")
    desk.project.generate(OWN + 'subject = "Nobody"\n')

    output = desk.fail("sign")

    assert "No certificates were found" in output
    assert "did not sign" in output
    assert not desk.is_signed()
    assert [path.name for path in desk.sys.parent.glob("*.sys")] == ["hello.sys"]
    desk.project.generate(CONFIG)
    desk.make("sign")
    assert desk.verifies()


def test_it_is_taken_by_its_thumbprint(desk: Desk) -> None:
    _, thumbprint, public = desk.own()
    desk.own()
    desk.project.generate(OWN + f'thumbprint = "{thumbprint}"\n')

    desk.make("sign")

    assert desk.verifies(public)
    assert desk.option("/sha1").lower() == thumbprint


@pytest.mark.wine
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
    output = desk.make("--loglevel", "verbose", "sign", **env)

    assert desk.verifies(public)
    if password:
        assert desk.option("/p") == password
        assert password not in output
        files = [path for path in desk.project.folder.rglob("*") if path.is_file()]
        assert not [path for path in files if password.encode() in path.read_bytes()]


def test_a_password_or_a_file_that_is_missing_is_named(desk: Desk) -> None:
    desk.project.generate(OWN + 'pfx = "my.pfx"\npfx-password-env = "MY_PASSWORD"\n')
    missing = desk.windows.path(desk.project.folder / "my.pfx")
    assert f"signing.pfx: {missing} does not exist" in desk.fail("sign")

    (desk.project.folder / "my.pfx").touch()
    assert "the environment variable MY_PASSWORD is not set" in desk.fail("sign")

    output = desk.fail("sign", MY_PASSWORD="no-such-secret")
    assert "did not sign" in output
    assert "no-such-secret" not in output
    assert not desk.is_signed()


def test_further_certificates_and_page_hashes_reach_signtool(desk: Desk) -> None:
    _, thumbprint, public = desk.own()
    names = ["ca & root.pem", "zwei #2.cer"]
    root, other, last = (Identity.make(name, CODE_SIGNING) for name in ("root", "other", "last"))
    chain = b"of the chain\r\n" + root.certificate_pem() + other.certificate_pem()
    (desk.project.folder / names[0]).write_bytes(chain)
    (desk.project.folder / names[1]).write_bytes(last.certificate_der())
    listed = ", ".join(map(text, names))
    desk.project.generate(
        OWN
        + f'thumbprint = "{thumbprint}"\npage-hashes = true\nadditional-certificates = [{listed}]\n'
    )

    desk.make("sign")

    (signed,) = desk.arguments("signtool")
    given = [value for name, value in itertools.pairwise(signed) if name == "/ac"]
    assert [value.rpartition("-")[2] for value in given[:2]] == ["additional.cer"] * 2
    assert given[2:] == [desk.windows.path(desk.project.folder / names[1])]
    assert "/ph" in signed
    assert desk.verifies(public)
    image = desk.sys.read_bytes()
    assert all(each.certificate_der() in image for each in (root, other, last))

    (desk.project.folder / names[0]).write_bytes(Identity.make("x", CODE_SIGNING).certificate_pem())
    desk.make("sign")
    assert len(desk.arguments("signtool")) == 2

    (desk.project.folder / names[1]).unlink()
    missing = desk.windows.path(desk.project.folder / names[1])
    assert f"{missing} does not exist" in desk.fail("sign")
    assert not desk.is_signed()

    (desk.project.folder / names[1]).write_bytes(b"nonsense")
    assert f"signing.additional-certificates: {missing} is not a certificate" in desk.fail("sign")


@pytest.mark.wine
@pytest.mark.parametrize(("protocol", "switch"), [("rfc3161", "/tr"), ("authenticode", "/t")])
def test_without_a_timestamp_the_task_says_how_to_go_on(
    desk: Desk, protocol: str, switch: str
) -> None:
    url = "http://127.0.0.1:1/stamp?a=1&b=2#c"
    desk.project.generate(
        CONFIG.replace('timestamp-url = ""', f'timestamp-url = "{url}"')
        + f'timestamp-protocol = "{protocol}"\ndigest = "sha384"\n'
    )

    output = desk.fail("sign")

    assert f"{url} sent no timestamp in 6 attempts" in output
    assert "timestamp server" in output  # as signtool says it
    assert "cargo make -e DRIVER_TIMESTAMP_URL= sign" in output
    assert desk.option(switch) == url
    assert not desk.is_signed()
    calls = desk.arguments("signtool")
    assert [words[0] for words in calls] == ["sign", *["timestamp"] * 6]
    assert ("/td" in calls[-1]) == (switch == "/tr")

    desk.make("-e", "DRIVER_TIMESTAMP_URL=", "sign")
    assert desk.verifies()


@pytest.mark.wine
def test_what_signtool_prints_arrives_byte_for_byte(desk: Desk) -> None:
    desk.project.generate(OWN + 'subject = "Nobody"\n')
    odd = bytes([0x84, 0xFF, 0x80, 0xE9, 0x0A])

    raw = desk.windows.raw(
        ["cargo", "make", "sign"], desk.project.folder, {"KDRVGEN_FAKE_BYTES": odd.hex()}
    )

    assert odd in raw


def test_an_unusual_image_name_and_subject_reach_signtool(desk: Desk) -> None:
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
def provider(desk: Desk) -> Iterator[Desk]:
    """A cryptographic provider of another name, as a token's driver installs it."""
    key = rf"{PROVIDERS}\{PROVIDER}"
    known = rf"{PROVIDERS}\Microsoft Enhanced RSA and AES Cryptographic Provider"
    done = desk.windows.run(["reg", "copy", known, key, "/s", "/f"])
    if done.code != 0:
        for name, kind, data in (
            ("Image Path", "REG_SZ", "rsaenh.dll"),
            ("Signature", "REG_BINARY", "DEADBEEF"),
            ("Type", "REG_DWORD", "24"),
        ):
            argv = ["reg", "add", key, "/v", name, "/t", kind, "/d", data, "/f"]
            assert desk.windows.run(argv).code == 0
    yield desk
    desk.windows.run(["reg", "delete", key, "/f"])


def put_key(desk: Desk, container: str) -> str:
    """Put a key into a container of the provider; return the config for its certificate."""
    own = Identity.make("My Company", CODE_SIGNING)
    blob = desk.windows.home / "own.key"
    blob.write_bytes(private_key_blob(own.key))
    desk.windows.store("add-key", container, desk.windows.path(blob), PROVIDER)
    (desk.project.folder / "own #1.cer").write_bytes(own.certificate_pem())
    return OWN + f'public-certificate = "own #1.cer"\ncsp = "{PROVIDER}"\n'


@pytest.mark.wine
def test_the_key_is_taken_from_a_provider_by_its_name(provider: Desk) -> None:
    desk = provider
    config = put_key(desk, CONTAINER)
    desk.project.generate(config + f'key-container = "{CONTAINER}"\n')

    desk.make("sign")

    assert desk.verifies(desk.project.folder / "own #1.cer")
    assert [desk.option(name) for name in ("/csp", "/kc")] == [PROVIDER, CONTAINER]
    desk.make("sign")
    assert len(desk.arguments("signtool")) == 1

    desk.project.generate(config + 'key-container = "another"\n')
    assert "did not sign" in desk.fail("sign")
    assert not desk.is_signed()


@pytest.mark.wine
def test_a_keys_name_with_a_pin_comes_from_the_environment_and_is_kept_nowhere(
    provider: Desk,
) -> None:
    desk = provider
    secret = "[Reader{{no & such % PIN}}]=key"
    desk.project.generate(put_key(desk, secret) + 'key-container-env = "MY_KEY"\n')
    output = desk.fail("sign")
    assert "signing.key-container-env: the environment variable MY_KEY is not set" in output
    assert not desk.is_signed()

    output = desk.make("--loglevel", "verbose", "sign", MY_KEY=secret)

    assert desk.option("/kc") == secret
    assert "/kc ***" in output
    assert secret not in output
    files = [path for path in desk.project.folder.rglob("*") if path.is_file()]
    assert not [path for path in files if secret.encode() in path.read_bytes()]


@pytest.mark.wine
def test_a_library_signs_in_a_cloud(desk: Desk) -> None:
    own, thumbprint, public = desk.own()
    cloud = desk.windows.home / "cloud.pem"
    cloud.write_bytes(own.key_pem() + own.certificate_pem())
    desk.windows.env["KDRVGEN_FAKE_CLOUD"] = desk.windows.path(cloud)
    names = {"dlib": "C:\\\\cloud & co\\\\Sign.Dlib.dll", "dmdf": "account #1.json"}
    desk.windows.put(r"C:\cloud & co\Sign.Dlib.dll")
    config = OWN + "".join(f'{key} = "{value}"\n' for key, value in names.items())
    desk.project.generate(config)
    metadata = desk.project.folder / "account #1.json"
    missing = desk.windows.path(metadata)
    assert f"signing.dmdf: {missing} does not exist" in desk.fail("sign")
    metadata.write_text("{}")

    desk.make("sign")

    assert desk.verifies(public)
    assert desk.option("/dlib") == r"C:\cloud & co\Sign.Dlib.dll"
    assert desk.option("/dmdf") == desk.windows.path(metadata)
    assert not {"/f", "/s", "/n", "/sha1"} & set(desk.arguments("signtool")[-1])

    metadata.write_text('{"account": 2}')
    desk.project.generate(config + f'thumbprint = "{thumbprint}"\n')
    desk.make("sign")
    assert desk.option("/sha1").lower() == thumbprint

    (desk.project.folder / "own.cer").write_bytes(public.read_bytes())
    desk.project.generate(config + 'public-certificate = "own.cer"\n')
    desk.make("sign")
    assert desk.option("/f") == desk.windows.path(desk.project.folder / "own.cer")
    desk.make("sign")
    assert len(desk.arguments("signtool")) == 3


# --- timestamps -------------------------------------------------------------------------------


@pytest.mark.wine
@pytest.mark.parametrize("protocol", ["rfc3161", "authenticode"])
def test_a_timestamp_is_added_in_a_step_of_its_own(
    desk: Desk, tmp_path: Path, protocol: str
) -> None:
    (tmp_path / "authority").mkdir()
    with Authority.start(tmp_path / "authority") as authority:
        config = CONFIG.replace('timestamp-url = ""', f'timestamp-url = "{authority.url}"')
        desk.project.generate(config + f'timestamp-protocol = "{protocol}"\n')

        output = desk.make("sign")

        assert f"timestamp by {authority.url}" in output
        signed, stamped = desk.arguments("signtool")
        assert {"/tr", "/t", "/td"}.isdisjoint(signed)
        assert stamped[:2] == ["timestamp", "/v"]
        if protocol == "rfc3161":
            assert (desk.option("/tr"), desk.option("/td")) == (authority.url, "sha256")
        else:
            assert desk.option("/t") == authority.url
        report = desk.project.verify(None, "-TSA-CAfile", authority.roots)
        assert "Timestamp Server Signature verification: ok" in report.stdout
        desk.make("verify")


def test_the_tool_of_other_hosts_cannot_use_a_store(desk: Desk) -> None:
    desk.project.generate(CONFIG + 'tool = "osslsigncode"\n')

    assert "osslsigncode" in desk.fail("sign")

    assert not desk.is_signed()
    assert not desk.arguments("signtool")
