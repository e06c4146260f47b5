"""`[cargo-config]`: which parts of a cargo configuration it contains, and which are reported."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import tomli
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st

import kdrvgen
from kdrvgen.adopt import Adoption, Snapshot, read_project
from kdrvgen.adopt import adopt as propose
from kdrvgen.adopt.read.findings import UNKNOWN
from kdrvgen.cli import main
from tests.adopt.conftest import Adopt
from tests.examples import examples

MANIFEST = '[package]\nname = "hello"\nedition = "2021"\n[lib]\ncrate-type = ["cdylib"]\n'
LINKED = """\
[build]
target = "x86_64-pc-windows-msvc"
rustflags = ["-Clink-arg=/DRIVER", "-Clink-arg=/SUBSYSTEM:NATIVE"]
"""
VENDORED = """
[source.crates-io]
replace-with = "vendored-sources"

[source.vendored-sources]
directory = "vendor"
"""
OWN = """
[registries.ours]
index = "sparse+https://example.org/index/"

[net]
offline = true
retry = 3

[net.ssh]
known-hosts = ["example.org ssh-ed25519 AAAA"]

[http]
proxy = "proxy:3128"

[alias]
xtask = "run --package xtask --"
own = ["check", "--target", "x86_64-unknown-linux-gnu"]

[env]
LIBCLANG_PATH = "C:/llvm"
BINDINGS = { value = "bindings", relative = true, force = true }

[profile.dev]
panic = "abort"
opt-level = 1

[profile.dev.package."*"]
debug = false

[target.x86_64-unknown-linux-gnu]
linker = "clang"
rustflags = ["-Cdebuginfo=0"]

[target.'cfg(unix)']
runner = "run.sh"

[patch.crates-io]
log = { path = "vendor/log" }
"""


def adopted(text: str, name: str = ".cargo/config.toml") -> Adoption:
    return propose(Snapshot({"Cargo.toml": MANIFEST, name: LINKED + text}))


def own_part(adoption: Adoption) -> dict[str, Any]:
    own: dict[str, Any] = tomli.loads(adoption.text).get("cargo-config", {})
    return own


def rendered(adoption: Adoption) -> dict[str, Any]:
    text = kdrvgen.render(adoption.project)[PurePosixPath(".cargo/config.toml")]
    return tomli.loads(text)


def test_the_output_of_cargo_vendor_is_copied() -> None:
    adoption = adopted(VENDORED)
    assert own_part(adoption) == tomli.loads(VENDORED)
    assert not [finding for finding in adoption.findings if finding.rule == UNKNOWN]
    assert VENDORED.replace("[", "[cargo-config.") in adoption.text


def test_cargo_reads_the_same_from_the_generated_file() -> None:
    before = tomli.loads(LINKED + OWN)
    after = rendered(adopted(OWN))
    del before["build"]["rustflags"], after["target"]["x86_64-pc-windows-msvc"]
    after["profile"].pop("release")
    assert after == before


def test_values_with_their_own_keys_are_not_repeated() -> None:
    text = (
        '[target.x86_64-pc-windows-msvc]\nlinker = "lld-link"\nrustflags = ["-Clink-arg=/DRIVER"]\n'
        "[target.i686-pc-windows-msvc]\nrustflags = ['-Cdebuginfo=1']\n"
    )
    adoption = adopted(text)
    assert own_part(adoption) == {}
    assert adoption.project.linker.program == "lld-link"
    assert not any(
        "config.toml does not accept" in finding.message for finding in adoption.findings
    )
    assert any("`i686-pc-windows-msvc`" in finding.message for finding in adoption.findings)


@pytest.mark.parametrize("name", [".cargo/config", ".cargo/config.toml"])
def test_each_line_shows_where_it_comes_from(name: str) -> None:
    lines = adopted(VENDORED, name).annotated.split("\n")
    assert f'replace-with = "vendored-sources"  # from {name}:6' in lines


def test_a_generated_project_has_the_same_cargo_configuration_as_before(
    project: Callable[..., Path], adopt: Adopt, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = project(cargo=LINKED + OWN + VENDORED)
    file = folder / ".cargo/config.toml"
    before = tomli.loads(file.read_text("utf-8"))

    assert adopt(folder).code == 0
    assert main([str(folder / "config.toml"), "--force"]) == 0

    after = tomli.loads(file.read_text("utf-8"))
    flags = after["target"].pop("x86_64-pc-windows-msvc")["rustflags"]
    assert [flag for flag in before["build"].pop("rustflags") if flag not in flags] == []
    assert after["profile"].pop("release") == {"panic": "abort"}
    assert after == before
    assert main([str(folder / "config.toml"), "--check"]) == 0
    capsys.readouterr()


@pytest.mark.one_in(8)
@pytest.mark.parametrize(
    "text",
    [
        '[registry]\ntoken = "correct-horse"\n',
        '[registries.ours]\ntoken = "correct-horse"\n',
        '[registries.ours]\nsecret-key = "correct-horse"\n',
        '[registries."a b"]\napi-key = "correct-horse"\n',
        '[registries.ours]\nindex = "https://me:correct-horse@example.org/index"\n',
        '[registries.ours]\nindex = "https://correct-horse@example.org/index"\n',
        '[http]\nproxy = "me:correct-horse@proxy:3128"\n',
        '[env]\nPFX_PASSWORD = "correct-horse"\n',
        '[env]\nAPI_TOKEN = { value = "correct-horse", force = true }\n',
        '[alias]\npublish-it = "publish --token correct-horse -- https://a:correct-horse@b"\n',
        '[alias]\nfetch-it = ["fetch", "--config", "https://me:correct-horse@example.org/a"]\n',
        '[env]\nINDEX = { value = "https://me:correct-horse@example.org/a", force = true }\n',
        '[alias]\npublish-it = "publish --token correct-horse"\n',
        '[alias]\npublish-it = ["publish", "--token", "correct-horse"]\n',
        '[alias]\npublish-it = ["publish", "--token=correct-horse"]\n',
        "[target.'cfg(windows)']\nrunner = 'run.cmd --password correct-horse'\n",
        '[env]\nRUN = { value = "run.cmd --password correct-horse", force = true }\n',
        '[patch."https://me:correct-horse@example.org/a"]\nlog = { path = "log" }\n',
        '[patch."https://me:correct-horse@example.org/a".log]\npath = "log"\nversion = "1"\n',
        '[unstable]\nkey = "[token{{correct-horse}}]=name"\n',
    ],
)
def test_a_credential_is_neither_copied_nor_printed(
    project: Callable[..., Path], adopt: Adopt, text: str
) -> None:
    folder = project(cargo=LINKED + VENDORED + text)
    for words in (["--dry-run"], ["--dry-run", "--format", "json"], ["--format", "github"]):
        answer = adopt(folder, *words)
        assert answer.code == 0
        assert "correct-horse" not in answer.out + answer.err
        assert "in plain text" in answer.out
    written = (folder / "config.toml").read_text("utf-8")
    assert "correct-horse" not in written
    assert "vendored-sources" in written


def test_a_password_of_the_makefile_is_not_copied_from_the_cargo_configuration(
    project: Callable[..., Path], adopt: Adopt
) -> None:
    makefile = "[tasks.sign]\nscript = 'signtool sign /f a.pfx /p correct-horse hello.sys'\n"
    folder = project(cargo=f'{LINKED}[env]\nOWN = "correct-horse"\n', makefile=makefile)
    answer = adopt(folder)
    assert "correct-horse" not in answer.out + (folder / "config.toml").read_text("utf-8")


def test_a_token_beside_a_syntax_error_is_hidden(
    project: Callable[..., Path], adopt: Adopt
) -> None:
    folder = project(cargo='[registry]\ntoken = "correct-horse" x\n')
    answer = adopt(folder)
    assert answer.code == 3
    assert "correct-horse" not in answer.err


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('[registry]\nglobal-credential-providers = ["cargo:token"]\n', "registry"),
        ('[registries.a]\ncredential-provider = "cargo:token"\n', "registries.a"),
        ('[profile.dev.package.secret-service]\nopt-level = "s"\n', "profile.dev.package"),
        ('[alias]\npin = "update --precise"\n', "alias"),
        ('[alias]\nown = ["run", "--token", "--quiet"]\n', "alias"),
        ("[target.'cfg(windows)']\nrunner = 'run.cmd --password %PASSWORD%'\n", "target"),
        ('[env]\nPFX_PASSWORD_ENV = "OTHER"\n', "env"),
    ],
)
def test_names_and_values_that_only_resemble_credentials_are_copied(text: str, path: str) -> None:
    before, after = tomli.loads(text), own_part(adopted(text))
    for part in path.split("."):
        before, after = before[part], after[part]
    assert after == before


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('include = "more.toml"\n', "`cargo-config.include`"),
        ('[env]\nLINK = "/DEBUG"\n', "`cargo-config.env.LINK`"),
        ("[target.'cfg(unix)']\nlinker = 'cc'\n", "would merge this"),
        ('[profile.dev]\nrustflags = ["-g"]\n', "kdrvgen sets this key itself"),
        ('[profile.dev]\npanic = "unwind"\n', "proposal does not contain `profile.dev.panic`"),
        ('[profile.lab]\npanic = "abort"\n', "proposal does not contain `profile.lab.panic`"),
        ("[term]\nodd = 1.5\n", "cargo does not accept this value of `term.odd`"),
        ("[term]\nodd = nan\n", "cargo does not accept this value of `term.odd`"),
        ("[term]\nodd = [1979-05-27]\n", "cargo does not accept this value of `term.odd`"),
        ('[term."a\\u202eb"]\nodd = 1\nmore = 1\n', "U+202E"),
    ],
)
def test_values_that_are_not_accepted_are_reported(text: str, message: str) -> None:
    files = {"Cargo.toml": MANIFEST, ".cargo/config.toml": text + LINKED + VENDORED}
    adoption = propose(Snapshot(files))
    assert any(message in finding.message for finding in adoption.findings)
    assert own_part(adoption) == tomli.loads(VENDORED)


def test_settings_of_a_folder_above_are_not_copied() -> None:
    adoption = propose(
        Snapshot(
            {
                "Cargo.toml": MANIFEST,
                ".cargo/config.toml": LINKED,
                "../Cargo.toml": '[workspace]\nmembers = ["hello"]\n',
                "../.cargo/config.toml": VENDORED,
            }
        )
    )
    assert own_part(adoption) == {}


WORDS = st.sampled_from(
    [
        *("build", "source", "env", "target", "profile", "dev", "token", "unstable", "http"),
        *("a", "a.b", "a b", "", "é", "'", '"', "\\", "#", "panic", "rustflags", "linker"),
        *("cfg(unix)", "cfg(windows)", "x86_64-pc-windows-msvc", "i686-pc-windows-msvc", "include"),
        *("a\u202eb", "https://a:b@c", "x" * 300, "paths", "[key]", "\t"),
    ]
)
VALUES = st.recursive(
    WORDS | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.slow
@settings(max_examples=examples(200), deadline=None)
@given(st.dictionaries(WORDS, VALUES, max_size=5))
def test_any_cargo_configuration_is_copied_or_reported(table: dict[str, Any]) -> None:
    table |= {"build": tomli.loads(LINKED)["build"]}
    files = {"Cargo.toml": MANIFEST, ".cargo/config.toml": tomli_w.dumps(table)}

    adoption = propose(Snapshot(files))

    assert kdrvgen.loads(adoption.text) == adoption.project
    assert kdrvgen.loads(adoption.annotated) == adoption.project
    after = rendered(adoption)
    for path, value in leaves(own_part(adoption)):
        assert at(table, path) == at(after, path) == value


def leaves(
    table: dict[str, Any], above: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], object]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from leaves(value, (*above, key))
        else:
            yield (*above, key), value


def at(table: dict[str, Any], path: tuple[str, ...]) -> object:
    value: Any = table
    for part in path:
        value = value[part]
    return value


def test_the_cargo_configuration_on_disk_is_read(project: Callable[..., Path]) -> None:
    folder = project(cargo=LINKED + VENDORED)
    assert own_part(propose(read_project(str(folder)))) == tomli.loads(VENDORED)


def test_carriage_returns_on_disk_do_not_count(project: Callable[..., Path]) -> None:
    folder = project(cargo=LINKED + VENDORED)
    before = propose(read_project(str(folder)))
    for path in (folder / "Cargo.toml", folder / ".cargo/config.toml"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    snapshot = read_project(str(folder))
    assert "\r" not in "".join(snapshot.files.values())
    assert propose(snapshot) == before


def test_a_variable_with_options_stays_on_one_line() -> None:
    text = '[env]\nBINDINGS = { value = "bindings", force = true }\n'
    assert 'BINDINGS = { value = "bindings", force = true }' in adopted(text).text
