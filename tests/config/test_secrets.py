"""No error shows a credential, whatever its key, its place and the kind of error."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

import kdrvgen
from kdrvgen.config.suggest import ANY, Vocabulary, vocabulary
from tests.report.support import FORMS, rendered

SECRET = "Zq7-hunter2"
DRIVER = '[driver]\nname = "hello"\n'
WORDS = [
    "pass",
    "password",
    "passwd",
    "pass-phrase",
    "passphrase",
    "passcode",
    "pwd",
    "pin",
    "pin-code",
    "secret",
    "token",
    "api-key",
    "apikey",
    "credential",
    "credentials",
    "private-key",
    "access-key",
    "client-secret",
    "auth",
    "connection-string",
]
PREFIXES = ["", "pfx-", "my-", "key-store-", "x2-"]
SUFFIXES = ["", "-env", "-2", "-value", "-file"]
# One statement for each kind of error. KEY is the credential's key; the rest of each is wrong.
STATEMENTS = [
    'KEY = "SECRET" # SECRET',
    "KEY = 'SECRET'",
    '[signing]\nKEY = "SECRET" # SECRET',
    'x.KEY = "SECRET" # SECRET',
    'KEY.x = "SECRET" # SECRET',
    'KEY.x.y = ["SECRET"]',
    '[KEY] # SECRET\nx = "SECRET"',
    '[KEY]\n"SECRET" = 1',
    '[KEY."SECRET"]\nx = 1',
    '[[KEY]]\nx = "SECRET"\n[[KEY]]\nx = 1',
    'x = { KEY = "SECRET", y = 1 } # SECRET',
    "x = { y = 1, KEY = ['SECRET'] }",
    'KEY = { "SECRET" = 1 }',
    'KEY = [\n  "a", # SECRET\n  "SECRET",\n] # SECRET\nnope = 1',
    'KEY = """\nSECRET\n""" # SECRET\nnope = 1',
    "KEY = '''SECRET''' # SECRET",
    '[signing]\nmode = { KEY = "SECRET" }',
    '[linker]\nargs = [{ KEY = "SECRET" }] # KEY SECRET',
    'driver.targets = ["x"] # KEY: SECRET',
    '[makefile.env]\nKEY = "SECRET\\u0007"',
    '[makefile.tasks.KEY]\ndependencies = ["SECRET"]',
    '[makefile.tasks.KEY]\nrun_task = "SECRET"\ndescription = ["SECRET"]',
    '[makefile.tasks.a]\nenv.DRIVER_KEY = "SECRET"\nenv."KEY " = "SECRET"',
    '[makefile.tasks.a]\ncondition = "x"\nargs = { KEY = "SECRET" }',
    '[profiles.KEY]\nsigning.mode = "SECRET"\nsigning.certificate-file = "SECRET"',
    '[profiles.KEY]\ncargo-profile = "SECRET!"\n"SECRET" = 1',
    # Not TOML.
    'KEY "SECRET"',
    "KEY SECRET",
    "KEY: SECRET",
    "KEY = SECRET",
    "KEY == SECRET",
    'KEY = "SECRET',
    "KEY = 'SECRET",
    'KEY = "SECRET" x',
    'KEY = "SECRET" "',
    'KEY = "SECRET"; # SECRET',
    'KEY = ["SECRET" "x"]',
    'KEY = ["SECRET"',
    'KEY = [\n  "a",\n  SECRET,\n]',
    'KEY = { x = "SECRET"',
    'KEY = { x = "SECRET", x = "SECRET" }',
    'KEY = { "SECRET" 1 }',
    'KEY = """\nSECRET\n',
    'KEY = """\nSECRET \\q\n"""',
    'KEY = "SECRET \\q"',
    'KEY = "SECRET\x01"',
    'KEY = "SECRET\0"',
    'KEY.x "SECRET"',
    "[KEY]\nx = SECRET y",
    '[KEY]\n"SECRET',
    '[KEY."SECRET"\nx = 1',
    '[KEY]\n"SECRET" = 1\n"SECRET" = 1',
    '[KEY."SECRET"]\n[KEY."SECRET"]',
    'KEY = "SECRET"\nKEY = "SECRET"',
    'KEY = "SECRET"\nKEY.x = 1',
    'x = { KEY = "SECRET", KEY = "SECRET" }',
    "KEY = 2000-99-99 # SECRET",
    "x = {\n",
    "# KEY SECRET \x01",
    'x = "KEY" SECRET',
]


def spellings(key: str) -> Iterator[str]:
    parts = key.split("-")
    pascal = "".join(part.capitalize() for part in parts)
    yield from (key, key.replace("-", "_"), key.upper(), key.replace("-", "_").upper())
    yield from (pascal, pascal[0].lower() + pascal[1:], key.replace("-", ""), key.swapcase())
    yield f'"{key}"'
    yield f"'{key}'"
    yield f'"{key.replace("-", " ")}"'
    yield f'"{key.replace("-", ".")}"'
    yield '"' + "".join(f"\\u{ord(letter):04x}" for letter in key) + '"'


KEYS = st.builds(
    lambda prefix, word, suffix, index: list(spellings(prefix + word + suffix))[index],
    st.sampled_from(PREFIXES),
    st.sampled_from(WORDS),
    st.sampled_from(SUFFIXES),
    st.integers(0, 12),
)


def shown(error: kdrvgen.ConfigError) -> Iterator[str]:
    """Yield every text that can be printed for an error."""
    yield str(error)
    yield repr(error)
    yield repr(error.findings)
    yield "".join(traceback.format_exception(error))
    assert error.__context__ is None
    for form in FORMS:
        yield rendered(error.findings, form)


def assert_hidden(text: str, *secrets: str) -> None:
    with pytest.raises(kdrvgen.ConfigError) as caught:
        kdrvgen.loads(text)
    for output in shown(caught.value):
        for secret in secrets:
            assert secret not in output, f"{text}\n→\n{output}"


def spread(firsts: Sequence[object], seconds: Sequence[object], step: int) -> list[Any]:
    """Return all pairs; only one in `step` is fast, with each first and each second among them.

    All of them are hundreds of tests.
    """
    return [
        pytest.param(first, second, marks=pytest.mark.slow if (row + column) % step else ())
        for row, first in enumerate(firsts)
        for column, second in enumerate(seconds)
    ]


@pytest.mark.slow
@settings(max_examples=1000, deadline=None)
@given(KEYS, st.sampled_from(STATEMENTS), st.sampled_from(["\n", "\r\n"]))
def test_no_error_shows_the_value_of_a_credential(key: str, statement: str, line_end: str) -> None:
    bare, statement = key.strip("\"'"), statement.replace("SECRET", SECRET)
    statement = statement.replace("DRIVER_KEY", f"DRIVER_{key}" if key.isidentifier() else key)
    statement = statement.replace('"KEY', f'"{bare}').replace("KEY", key)
    for text in (f"{statement}\nnope = 1\n{DRIVER}", f"{DRIVER}driver.nope = 1\n{statement}\n"):
        assert_hidden(text.replace("\n", line_end), SECRET)


@pytest.mark.parametrize(("statement", "word"), spread(STATEMENTS, WORDS, 5))
def test_every_kind_of_error_hides_every_credential(statement: str, word: str) -> None:
    text = statement.replace("KEY", word).replace("SECRET", SECRET) + "\n"
    assert_hidden(f"{DRIVER}driver.nope = 1\n{text}", SECRET)


@pytest.mark.parametrize(
    "value",
    [
        f'["{SECRET}"]',
        f'{{ x = "{SECRET}" }}',
        f'"{SECRET}!"',
        f'"{SECRET}',
        f"'{SECRET}' x",
        f'"""\n{SECRET}\n"""',
        "12345678901",
        "[1, 12345678901]",
        f"{'9' * 5000}12345678901",
        f"0x{'f' * 5000}",
    ],
)
@pytest.mark.parametrize("table", ["signing", "profiles.development.signing"])
def test_the_value_of_pfx_password_env_is_hidden(table: str, value: str) -> None:
    text = f"{DRIVER}[{table}]\npfx-password-env = {value} # {SECRET}\n"
    assert_hidden(text, SECRET, "12345678901", "f" * 20)


@pytest.mark.parametrize(
    "key", ["\uff50\uff41\uff53\uff53", "\uff30\uff29\uff2e", "Kennwort", "pass-wort"]
)
def test_a_key_in_wide_letters_or_german_is_a_credential(key: str) -> None:
    assert_hidden(f'{DRIVER}"{key}" = "{SECRET}"\n', SECRET)


def test_an_error_about_pfx_password_env_hides_its_value() -> None:
    assert_hidden(f'{DRIVER}[signing]\npfx-password-env = "hunter2"\n', "hunter2")


def paths(keys: Vocabulary, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, below in keys.items():
        path = (*above, "development" if key == ANY else key)
        if below:
            yield from paths(below, path)
        else:
            yield path


ALL_KEYS = [
    *(path for path in paths(vocabulary(kdrvgen.Project)) if path[-2:] != ("makefile", "env")),
    ("makefile", "env", "X"),
    ("makefile", "tasks", "x", "description"),
    ("nope",),
    ("signing", "nope"),
]


def name_of(value: object) -> str | None:
    return ".".join(value) if isinstance(value, tuple) else None


PINS = [
    "[eToken Base{{SECRET}}]=key",
    "{{SECRET",
    "https://me:SECRET@example.org/x",
    "https://SECRET@example.org",
    "ftp://me:SEC/RET@example.org",
    "\\u007b{SECRET}}",
    "https:\\u002f/me:SECRET@example.org",
]


@pytest.mark.one_in(8)
@pytest.mark.parametrize(("path", "secret"), spread(ALL_KEYS, PINS, len(PINS)), ids=name_of)
def test_a_pin_or_a_password_in_an_address_is_hidden_in_every_key(
    path: tuple[str, ...], secret: str
) -> None:
    key = ".".join(path)
    parts = [SECRET] if "SECRET" in secret else ["me:SEC", "RET@"]
    secret = secret.replace("SECRET", SECRET)
    name = "" if path == ("driver", "name") else 'driver.name = "hello"\n'
    for value in (f'"{secret}"', f'["{secret}"]', f'{{ x = "{secret}" }}', f'[["{secret}"]]'):
        comment = "" if "\\" in secret else secret  # a comment has no escapes
        for text in (
            f"{name}nope = 1\n{key} = {value} # {comment}\n",
            f"{name}{key} = {value} x\n",
        ):
            assert_hidden(text, *parts)


@pytest.mark.parametrize(
    "key",
    ["mapping", "bypass", "compass", "author", "opinion", "pinned", "keyword", "setup-wdk", "key"],
)
def test_an_ordinary_key_is_shown_with_its_value(key: str) -> None:
    with pytest.raises(kdrvgen.ConfigError) as caught:
        kdrvgen.loads(f'{DRIVER}{key} = "shown" # why\n')
    assert f'{key} = "shown" # why' in str(caught.value)


def test_an_error_masks_no_more_than_the_credential() -> None:
    text = (
        f'{DRIVER}[signing]\npfx-pwd = "{SECRET}" # {SECRET}\n'
        f"mod = 1\nkey-container = 'x{{{{{SECRET}}}}}y'\n"
    )
    with pytest.raises(kdrvgen.ConfigError) as caught:
        kdrvgen.loads(text)
    lines = str(caught.value).splitlines()
    assert "  4 | pfx-pwd = ******** ********" in lines
    assert "  5 | mod = 1" in lines
    assert "unknown key `pfx-pwd` in `[signing]`" in str(caught.value)


@pytest.mark.parametrize(
    "statement",
    [f'password = "{SECRET}\xff"', f'[token]\nx = "{SECRET}\xff"', f"# pwd {SECRET}\xff"],
)
def test_a_line_that_is_not_utf_8_hides_its_credential(tmp_path: Path, statement: str) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(statement.encode("latin-1"))
    with pytest.raises(kdrvgen.ConfigError) as caught:
        kdrvgen.load(file)
    for output in shown(caught.value):
        assert SECRET not in output


@pytest.mark.parametrize("value", [f"x{{{{{SECRET}}}}}", f"https://me:{SECRET}@example.org"])
def test_a_validation_error_of_the_model_shows_no_credential(value: str) -> None:
    makers = (
        lambda: kdrvgen.Driver(name=value),
        lambda: kdrvgen.Driver(name="a", output_name=f"<{value}>"),
        lambda: kdrvgen.Linker(args=(value, f"/DRIVER:{value}")),
        lambda: kdrvgen.Signing(timestamp_url=value, subject=f"CN={value}", key_container=value),
        lambda: kdrvgen.Project.model_validate({"driver": {"name": value}, value: {value: 1}}),
    )
    for make in makers:
        with pytest.raises(ValidationError) as caught:
            make()
        assert SECRET not in re.sub(
            r"(?m)^\S.*$", "", str(caught.value)
        )  # the keys are the caller's
