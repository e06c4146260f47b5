"""The task `verify`, and the look at each new signature: by WinVerifyTrust.

Wine's own one is executed. It trusts every root and looks at no timestamp; what it never says, a
library in its place says (faults/wintrust.c).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pipeline.authority import CODE_SIGNING, Identity
from tests.pipeline.image import Image
from tests.pipeline.support import CONFIG, run
from tests.windows.support import OWN, Desk

pytestmark = pytest.mark.slow

# Without the task `sign`, which makes good what was done to the image.
LOOK = """
[makefile.tasks.look]
dependencies = ["build-driver"]
command = "${DRIVER_PIPELINE}"
args = ["verify"]
"""

UNTRUSTED_ROOT = "800B0109"
BAD_DIGEST = "80096010"
EXPIRED = "800B0101"
NO_SIGNATURE = "800B0100"
BAD_TIMESTAMP = "80096005"


@pytest.fixture
def signed(desk: Desk) -> Desk:
    """A signed image, and a task that looks at it."""
    desk.project.generate(CONFIG + LOOK)
    desk.make("sign")
    return desk


@pytest.fixture
def faked(signed: Desk) -> Iterator[Desk]:
    """The same, where KDRVGEN_FAKE_TRUST is the result of Windows' check."""
    with signed.windows.judging() as env:
        signed.windows.env.update(env)
        yield signed


def flip(desk: Desk, at: int) -> None:
    data = bytearray(desk.sys.read_bytes())
    data[at] ^= 1
    desk.sys.write_bytes(data)


def test_what_was_signed_verifies(signed: Desk) -> None:
    assert f"verify: {signed.windows.path(signed.sys)}" in signed.make("look")
    assert f"verify: {signed.windows.path(signed.sys)}" in signed.make("verify")


def test_an_image_that_was_altered_does_not_verify(signed: Desk) -> None:
    sections = Image.read(signed.sys).sections()
    flip(signed, sections[0][2] + 8)

    output = signed.fail("look")

    assert "is not the linked image" in output


@pytest.mark.wine
@pytest.mark.parametrize("back", [16, 300], ids=["signed digest", "attributes"])
def test_a_signature_that_was_altered_does_not_verify(signed: Desk, back: int) -> None:
    offset, size = Image.read(signed.sys).signature
    flip(signed, offset + size - back)
    # The checksum is that of the file again, as if a signing tool had done it.
    run(["osslsigncode", "extract-signature", "-in", signed.sys, "-out", "x"], signed.windows.home)
    data = bytearray(signed.sys.read_bytes())
    header = Image.read(signed.sys).header
    data[header + 88 : header + 92] = bytes(4)
    total = sum(int.from_bytes(data[at : at + 2], "little") for at in range(0, len(data), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    data[header + 88 : header + 92] = (total + len(data)).to_bytes(4, "little")
    signed.sys.write_bytes(data)

    output = signed.fail("look")

    assert "verify: error: the signature of" in output or "no readable signature" in output


def test_an_image_without_a_signature_does_not_verify(signed: Desk) -> None:
    signed.sys.write_bytes(signed.project.dll.read_bytes())

    assert "is not the linked image with a signature" in signed.fail("look")


@pytest.mark.wine
def test_a_signature_by_another_certificate_does_not_verify(signed: Desk) -> None:
    other = Identity.make("DriverCertificate", CODE_SIGNING)
    home = signed.windows.home
    (home / "other.pem").write_bytes(other.key_pem() + other.certificate_pem())
    signed.sys.unlink()
    argv: list[str | Path] = [
        "osslsigncode",
        "sign",
        "-certs",
        home / "other.pem",
        "-key",
        home / "other.pem",
    ]
    argv += ["-h", "sha256", "-in", signed.project.dll, "-out", signed.sys]
    assert run(argv, home).returncode == 0

    assert "was not made with the test certificate" in signed.fail("look")


# --- what Windows says ------------------------------------------------------------------------


def test_our_own_root_need_not_be_trusted(faked: Desk) -> None:
    output = faked.make("look", KDRVGEN_FAKE_TRUST=UNTRUSTED_ROOT)

    assert "the test certificate, which this machine does not trust" in output
    assert "does not trust" not in faked.make("look", KDRVGEN_FAKE_TRUST="0")


@pytest.mark.parametrize("code", [BAD_DIGEST, EXPIRED, NO_SIGNATURE, "800B010A", "80070005"])
def test_every_other_code_fails_with_its_number_and_meaning(faked: Desk, code: str) -> None:
    output = faked.fail("look", KDRVGEN_FAKE_TRUST=code)

    assert "the signature of" in output
    assert f"(error 0x{code})" in output


@pytest.mark.parametrize("code", ["0", UNTRUSTED_ROOT])
def test_a_timestamp_that_is_wrong_fails_whatever_the_signature_is(faked: Desk, code: str) -> None:
    output = faked.fail("look", KDRVGEN_FAKE_TRUST=f"{code},{BAD_TIMESTAMP}")

    assert "its timestamp: " in output
    assert f"(error 0x{BAD_TIMESTAMP})" in output
    output = faked.fail("look", KDRVGEN_FAKE_TRUST=f"{code},{UNTRUSTED_ROOT}")
    assert "its timestamp: " in output


@pytest.mark.wine
def test_the_users_certificate_signs_and_must_be_trusted_to_verify(
    faked: Desk,
) -> None:
    _, thumbprint, public = faked.own()
    faked.project.generate(OWN + f'thumbprint = "{thumbprint}"\n' + LOOK)

    faked.make("sign", KDRVGEN_FAKE_TRUST=UNTRUSTED_ROOT)

    assert faked.verifies(public)
    output = faked.fail("verify", KDRVGEN_FAKE_TRUST=UNTRUSTED_ROOT)
    assert f"(error 0x{UNTRUSTED_ROOT})" in output
    assert "store Root" in output
    faked.make("verify", KDRVGEN_FAKE_TRUST="0")


@pytest.mark.parametrize(
    "code", [BAD_DIGEST, EXPIRED, NO_SIGNATURE, f"0,{BAD_TIMESTAMP}", "800B0111", "800B0004"]
)
def test_a_new_signature_that_is_bad_is_never_put_in_place(faked: Desk, code: str) -> None:
    faked.project.say("once more")

    output = faked.fail("sign", KDRVGEN_FAKE_TRUST=code)

    assert "the new signature is invalid" in output
    assert not faked.is_signed()
    faked.make("sign", KDRVGEN_FAKE_TRUST=UNTRUSTED_ROOT)
    assert faked.verifies()


# --- kdrvgen ----------------------------------------------------------------------------------

# What the task calls, and how it ends, in the place of a kdrvgen with its libraries.
KDRVGEN = r"""
fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    println!("called: {} 50% of ${{HOME}}", words.join("|"));
    std::process::exit(std::env::var("KDRVGEN_FAKE_EXIT").unwrap().parse().unwrap());
}
"""


@pytest.mark.wine
def test_where_kdrvgen_is_installed_its_findings_end_the_task(signed: Desk) -> None:
    source = signed.windows.home / "kdrvgen.rs"
    source.write_text(KDRVGEN, encoding="utf-8")
    signed.windows.compile(source, signed.windows.put(r"C:\on path\kdrvgen.exe"))
    path = r"C:\cargo\bin;C:\on path"
    image = signed.windows.path(signed.sys)

    found = signed.fail("verify", WINEPATH=path, KDRVGEN_FAKE_EXIT="6")

    words = f"called: verify|-q|--config|config.toml|--profile|development|{image}"
    assert f"{words} 50% of ${{HOME}}" in found
    assert "kdrvgen verify found errors in" in found
    assert f"verify: {image}" in signed.make("verify", WINEPATH=path, KDRVGEN_FAKE_EXIT="0")
    assert "exit code 7" in signed.fail("verify", WINEPATH=path, KDRVGEN_FAKE_EXIT="7")
    once = signed.make(
        "-e", "DRIVER_TIMESTAMP_URL=", "verify", WINEPATH=path, KDRVGEN_FAKE_EXIT="6"
    )
    assert f"verify: {image}" in once
