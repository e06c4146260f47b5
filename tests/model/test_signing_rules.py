"""Rules of `[signing]`: one certificate, one key, and a tool that can use both."""

from __future__ import annotations

import itertools

import pytest

from .support import also, dotted, is_accepted, refusal, refusals

THUMBPRINT = f'thumbprint = "{"0" * 40}"'
PROVIDER = 'csp = "Provider"\nkey-container = "key"\npublic-certificate = "own.cer"'

# Settings that are complete and valid.
WAYS = {
    "thumbprint": THUMBPRINT,
    "pfx": 'pfx = "own.pfx"',
    "csp": PROVIDER,
    "dlib": 'dlib = "cloud.dll"\ndmdf = "account.json"',
}


def own(*lines: str) -> str:
    return "\n".join(['[signing]\nmode = "certificate"', *lines])


def test_a_password_without_a_pfx_is_refused() -> None:
    line = refusal('[signing]\nmode = "certificate"\npfx-password-env = "SECRET"')
    assert dotted(line) == "signing.pfx-password-env"


@pytest.mark.parametrize(("key", "value"), [("pfx", "a.pfx"), ("thumbprint", "0" * 40)])
def test_a_certificate_is_refused_in_test_mode(key: str, value: str) -> None:
    line = refusal(f'[signing]\n{key} = "{value}"')
    assert (dotted(line), also(line)) == (f"signing.{key}", {"signing.mode"})


def test_osslsigncode_requires_the_certificate_in_a_file() -> None:
    line = refusal('[signing]\ntool = "osslsigncode"\nmode = "certificate"')
    assert (dotted(line), also(line)) == ("signing.tool", {"signing.mode"})


@pytest.mark.parametrize("way", WAYS.values())
def test_each_way_to_a_key_is_enough(way: str) -> None:
    assert is_accepted(own(way))


@pytest.mark.parametrize(
    "more",
    [
        'dlib = "cloud.dll"\npublic-certificate = "own.cer"',
        f'dlib = "cloud.dll"\n{THUMBPRINT}',
        'csp = "Provider"\nkey-container-env = "MY_KEY"\npublic-certificate = "own.cer"',
    ],
)
def test_a_library_accepts_a_certificate_and_a_provider_a_key_from_a_variable(
    more: str,
) -> None:
    assert is_accepted(own(more))


@pytest.mark.parametrize(
    ("first", "second"),
    [pair for pair in itertools.combinations(WAYS, 2) if pair != ("thumbprint", "dlib")],
)
def test_two_ways_to_a_key_are_refused_together(first: str, second: str) -> None:
    found = refusals(own(WAYS[first], WAYS[second]))
    blamed = {(dotted(line), *also(line)) for line in found}
    assert (f"signing.{first}", f"signing.{second}") in blamed


@pytest.mark.parametrize("certificate", [THUMBPRINT, 'pfx = "own.pfx"'])
def test_a_public_certificate_is_refused_beside_another_one(certificate: str) -> None:
    found = refusals(own(certificate, 'dlib = "cloud.dll"', 'public-certificate = "own.cer"'))
    assert any("signing.public-certificate" in also(line) for line in found)


@pytest.mark.parametrize(
    ("lines", "key", "missing"),
    [
        ('dmdf = "account.json"', "dmdf", {"dlib"}),
        ('key-container = "key"', "key-container", {"csp"}),
        ('key-container-env = "KEY"', "key-container-env", {"csp"}),
        ('public-certificate = "own.cer"', "public-certificate", {"csp", "dlib"}),
        ('csp = "Provider"\nkey-container = "key"', "csp", {"public-certificate"}),
        (
            'csp = "Provider"\npublic-certificate = "own.cer"',
            "csp",
            {"key-container", "key-container-env"},
        ),
    ],
)
def test_an_incomplete_setting_names_the_missing_keys(
    lines: str, key: str, missing: set[str]
) -> None:
    line = refusal(own(lines))
    assert (dotted(line), also(line)) == (
        f"signing.{key}",
        {f"signing.{each}" for each in missing},
    )


def test_two_keys_for_the_name_of_the_key_are_refused() -> None:
    line = refusal(own(PROVIDER, 'key-container-env = "MY_KEY"'))
    assert (dotted(line), also(line)) == ("signing.key-container", {"signing.key-container-env"})


def test_a_pin_in_the_name_of_a_key_is_refused_and_not_shown() -> None:
    line = refusal(own(PROVIDER.replace('"key"', '"[Reader{{12345}}]=key"')))
    assert dotted(line) == "signing.key-container"
    assert "`key-container-env`" in line["ctx"]["hint"]
    assert line["ctx"]["secret"]
    assert "12345" not in line["msg"] + line["ctx"]["hint"]


@pytest.mark.parametrize("lines", ['dlib = "a.dll"', PROVIDER])
def test_a_signing_key_is_refused_in_test_mode(lines: str) -> None:
    assert any("signing.mode" in also(line) for line in refusals(f"[signing]\n{lines}"))


@pytest.mark.parametrize("lines", [WAYS["csp"], WAYS["dlib"]])
def test_osslsigncode_refuses_a_provider(lines: str) -> None:
    line = refusal(own(lines, 'tool = "osslsigncode"'))
    assert (dotted(line), also(line)) == ("signing.tool", {"signing.mode"})


def test_a_signtool_path_must_be_a_windows_program_that_is_used() -> None:
    assert is_accepted("[signing]\nsigntool = 'C:\\kits\\SignTool.EXE'")
    assert dotted(refusal('[signing]\nsigntool = "C:/kits"')) == "signing.signtool"
    line = refusal('[signing]\nsigntool = "C:/kits/signtool.exe"\ntool = "osslsigncode"')
    assert (dotted(line), also(line)) == ("signing.signtool", {"signing.tool"})
