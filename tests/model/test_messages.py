"""What an error of a rule names and advises."""

from __future__ import annotations

import pytest

import kdrvgen

ARM64 = 'target = "aarch64-pc-windows-msvc"'
CARGOS = 'add `cargo-profile = "dev"` or `cargo-profile = "release"`'


def findings(text: str) -> list[tuple[str, str, str]]:
    """Return the key, the message and the help of each error of a configuration."""
    head = "" if "driver" in text else '[driver]\nname = "hello"\n'
    with pytest.raises(kdrvgen.ConfigError) as caught:
        kdrvgen.loads(head + text)
    return [
        (".".join(map(str, each.key)), each.message, each.help) for each in caught.value.findings
    ]


CASES = {
    '[deploy]\nservice = "a/b:c"': (
        "deploy.service",
        "`deploy.service`: a service name cannot contain `/` `:`",
        "use letters, digits, `-`, `_` and spaces",
    ),
    '[package]\nprovider = "x"': (
        "package.provider",
        "`package.provider`: this key needs `kind`, the kind of the package",
        'add `kind = "device"`, "primitive", "minifilter" or "umdf"; or `inx`',
    ),
    "[profiles.dev]": (
        "profiles.dev",
        "`profiles.dev`: the profile `dev` has no `cargo-profile`",
        f"did you mean `development`? `dev` is cargo's name; otherwise {CARGOS}",
    ),
    "[profiles.debug]": (
        "profiles.debug",
        "`profiles.debug`: the profile `debug` has no `cargo-profile`",
        f"did you mean `development`? `debug` is cargo's name; otherwise {CARGOS}",
    ),
    f'[signing]\nmode = "test"\nthumbprint = "{"a" * 40}"': (
        "signing.thumbprint",
        '`signing.thumbprint`: `mode = "test"` makes its own certificate and ignores `thumbprint`',
        'set `mode = "certificate"`',
    ),
}


@pytest.mark.parametrize("text", CASES)
def test_an_error_has_its_key_its_message_and_a_help(text: str) -> None:
    assert findings(text) == [CASES[text]]


@pytest.mark.parametrize(
    ("written", "triple"),
    [
        *((name, "x86_64-pc-windows-msvc") for name in ("x64", "amd64", "win64", "x86_64")),
        *((name, "i686-pc-windows-msvc") for name in ("x86", "i386", "win32", "i686")),
        *((name, "aarch64-pc-windows-msvc") for name in ("arm64", "aarch64", "ARM64")),
    ],
)
def test_the_name_of_an_architecture_leads_to_its_triple(written: str, triple: str) -> None:
    ((_, _, help_),) = findings(f'[driver]\nname = "a"\ntarget = "{written}"')
    assert help_.startswith(f'did you mean "{triple}"?')


@pytest.mark.parametrize(
    ("tables", "builds"),
    [
        ('[driver]\nname = "a"\nmodel = "umdf"\n[package]\nkind = "umdf"\n', (21999, 22000)),
        ('[driver]\nname = "a"\n[package]\nkind = "primitive"\n', (18361, 18362)),
        (
            '[driver]\nname = "a"\ntarget = "i686-pc-windows-msvc"\n[package]\nkind = "device"\n',
            (22000, 21999),
        ),
        (f'[driver]\nname = "a"\n{ARM64}\n[package]\nkind = "device"\n', (16298, 16299)),
    ],
)
def test_the_oldest_build_is_one_that_has_the_package(tables: str, builds: tuple[int, int]) -> None:
    refused, accepted = builds
    text = f'{tables}provider = "Example"\nminimum-build = '
    assert [key for key, _, _ in findings(f"{text}{refused}")] == ["package.minimum-build"]
    assert kdrvgen.loads(f"{text}{accepted}").package.minimum_build == accepted


def test_a_key_of_a_profile_is_named_with_the_profile() -> None:
    def blamed(signing: str, profile: str) -> str:
        text = f"[signing]\n{signing}\n[profiles.production.signing]\n{profile}\n"
        (found,) = (key for key, message, _ in findings(text) if "both name the key" in message)
        return found

    both = 'key-container = "x"', 'key-container-env = "Y"'
    assert blamed(*both) == "signing.key-container"
    assert blamed(*reversed(both)) == "profiles.production.signing.key-container"


def test_an_address_is_shown_unless_it_can_have_a_password() -> None:
    with pytest.raises(kdrvgen.ConfigError, match=r'url = "ftp://example\.org"'):
        kdrvgen.loads('[driver]\nname = "a"\n[signing]\ntimestamp-url = "ftp://example.org"')
    with pytest.raises(kdrvgen.ConfigError) as caught:
        kdrvgen.loads('[driver]\nname = "a"\n[signing]\ntimestamp-url = "ftp://me:x7@b.org"')
    assert "x7" not in str(caught.value)


def test_a_table_shows_its_keys_without_those_of_pydantic() -> None:
    names = set(dir(kdrvgen.Driver))
    assert {"entry", "image", "model_fields_set"} <= names
    assert not names & {"model_config", "model_post_init"}
