"""Signing on Windows: whose key, by which options, with what time stamp."""

from __future__ import annotations

import itertools

import pytest

from tests.pipeline.authority import CODE_SIGNING, Identity
from tests.pipeline.support import CONFIG
from tests.windows.support import ODD, OWN, Desk, text

pytestmark = pytest.mark.slow


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
