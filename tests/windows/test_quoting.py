"""Names, paths and passwords of any characters, on both hosts."""

from __future__ import annotations

import itertools
import os
import re
from dataclasses import dataclass

import pytest
import tomli_w
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from kdrvgen import loads
from kdrvgen.errors import KdrvgenError
from tests.pipeline.authority import CODE_SIGNING, Identity
from tests.windows.bed import Windows
from tests.windows.support import Desk

pytestmark = [pytest.mark.slow, pytest.mark.wine]

# More of them for a long run, and then others each time.
EXAMPLES = os.environ.get("KDRVGEN_EXAMPLES")

# What means something to sh, cmd, TOML, cargo-make or the C runtime, and other scripts.
_FILE = " &^%!'()`$;#=,@~+{}[]-_.aZ0é日"
_TEXT = _FILE + '"<>|\\*?:/'


def _texts(alphabet: str) -> st.SearchStrategy[str]:
    # Whole words that some language replaces are likelier than chance would have them.
    words = [
        "%PATH%",
        "${HOME}",
        "$(id)",
        "%{x}",
        "!PATH!",
        "''",
        "\\\\",
        '\\"',
        "$$",
        "%%",
        "{{x}}",
    ]
    usable = [word for word in words if set(word) <= {*alphabet, *"PATHOMEidx"}]
    parts = st.one_of(st.sampled_from(alphabet), st.sampled_from(usable))
    return st.lists(parts, min_size=1, max_size=12).map("".join)


@dataclass(frozen=True, slots=True)
class Values:
    """What a config, an environment and a folder may hold."""

    folder: str
    subject: str
    store: str
    certificate: str
    chain: str
    pfx: str
    password: str
    query: str


_VALUES = st.builds(
    Values,
    # LLVM's linker, which stands in for link.exe here, writes elsewhere than below a %.
    folder=_texts(_FILE.replace("%", "")),
    subject=_texts(_TEXT),
    store=_texts(_FILE),
    certificate=_texts(_FILE),
    chain=_texts(_FILE),
    pfx=_texts(_FILE),
    password=_texts(_TEXT),
    query=_texts("&%!'();#=,@~+[]$-_.aZ0/?:"),
)


def _config(values: Values, number: int) -> dict[str, object]:
    shared = {
        "additional-certificates": [f"c{values.chain}.cer"],
        "timestamp-url": f"http://127.0.0.1:1/{values.query}",
    }
    return {
        "driver": {"name": "hello"},
        "signing": {
            "subject": f"{number}{values.subject}",
            "store": f"s{values.store}e",
            "certificate-file": f"f{values.certificate}/{values.certificate}.cer",
            **shared,
        },
        "profiles": {
            "development": {"cargo-profile": "dev"},
            "production": {
                "cargo-profile": "dev",
                "signing": {
                    "mode": "certificate",
                    "pfx": f"p{values.pfx}.pfx",
                    "pfx-password-env": "MY_PASSWORD",
                },
            },
        },
    }


_NUMBERS = itertools.count()


@settings(
    max_examples=int(EXAMPLES or 3),
    derandomize=EXAMPLES is None,
    database=None,
    deadline=None,
    phases=[Phase.generate],  # an example takes seconds: a failure is not shrunk
    suppress_health_check=list(HealthCheck),
)
@given(values=_VALUES)
def test_what_the_config_says_is_what_the_tools_are_given_or_it_is_refused(
    windows: Windows, values: Values
) -> None:
    number = next(_NUMBERS)
    config = _config(values, number)
    text = tomli_w.dumps(config)
    refusal = None
    try:
        project = loads(text)
    except KdrvgenError as error:
        refusal = str(error)
    if refusal is not None:
        assert re.search(r"`(signing|profiles)\.[a-z.-]+`", refusal)
        return
    signing = project.signing_for("development")
    own = project.signing_for("production")
    assert signing.certificate_file
    windows.install_kits()
    desk = Desk.start(windows, text, name=f"{number}{values.folder}e")
    folder = desk.project.folder
    chain = Identity.make("chain", CODE_SIGNING).certificate_der()
    (folder / signing.additional_certificates[0]).write_bytes(chain)
    (folder / own.pfx).write_bytes(b"no key")

    desk.forget_calls()
    desk.make("-e", "DRIVER_TIMESTAMP_URL=", "sign")
    # The key file is none: the tool is called, no more.
    desk.fail(
        "--profile",
        "production",
        "-e",
        "DRIVER_TIMESTAMP_URL=",
        "sign",
        MY_PASSWORD=values.password,
    )

    # Another example may have had the same store.
    (made,) = (each for each in windows.certificates(signing.store) if each.name == signing.subject)
    assert (folder / signing.certificate_file).read_bytes() == made.der
    test, release = desk.arguments("signtool")
    for given_words in (test, release):
        options = dict(itertools.pairwise(given_words))
        assert options["/ac"] == windows.path(folder / signing.additional_certificates[0])
        assert given_words[-1].startswith(windows.path(folder) + "\\")
    assert test[test.index("/s") + 1] == signing.store
    assert release[release.index("/f") + 1] == windows.path(folder / own.pfx)
    assert release[release.index("/p") + 1] == values.password

    notes = desk.project.home / "osslsigncode.calls"
    (folder / signing.certificate_file).unlink()
    desk.project.shim(
        "osslsigncode",
        f"printf '%s\\0' \"$@\" > '{notes}'\n"
        f"case \" $* \" in *' -pkcs12 '*) cat > '{notes}.in' ;; esac\nexit 1",
    )
    desk.project.fail("-e", "DRIVER_TIMESTAMP_URL=", "sign")
    assert (folder / signing.certificate_file).is_file()
    desk.project.fail(
        "--profile",
        "production",
        "-e",
        "DRIVER_TIMESTAMP_URL=",
        "sign",
        MY_PASSWORD=values.password,
    )
    words = notes.read_text(encoding="utf-8").split("\0")
    assert words[words.index("-pkcs12") + 1] == str(folder / own.pfx)
    assert desk.project.home.joinpath("osslsigncode.calls.in").read_text() == values.password


def test_a_users_own_script_of_cmd_sees_the_image_and_values_with_all_their_characters(
    windows: Windows,
) -> None:
    # Without the percent sign: Wine's cmd reads what it has put in once more, Windows' does not.
    value = "a & b ^ 50 !x! (y) 'z' <é> |"
    config = {
        "driver": {"name": "hello", "output-name": "my & driver (1)"},
        "signing": {"mode": "off"},
        "makefile": {
            "env": {"MY_VALUE": value},
            "tasks": {
                "show": {
                    "dependencies": ["sign"],
                    "script": 'show-args "%DRIVER_PATH%" "%MY_VALUE%"',
                }
            },
        },
    }
    desk = Desk.start(windows, tomli_w.dumps(config), name="C# & own")

    desk.make("show")

    (shown,) = desk.arguments("show-args")
    image = desk.sys.with_name("my & driver (1).sys")
    # As Makefile.toml writes it: with both kinds of separators, which Windows takes.
    assert desk.windows.unix(shown[0]) == image
    assert shown[1] == value
