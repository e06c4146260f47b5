"""Values arrive unchanged through every language they pass: TOML, cargo-make, Rust."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import tomli
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from kdrvgen import Build, Driver, Makefile, Profile, Project, Signing, Toolchain
from kdrvgen.characters import is_invisible
from kdrvgen.rendering import quoting
from kdrvgen.rendering.project import render_own

from .conftest import FindTool

HARD = [
    "$",
    "$$",
    "$$$",
    "${X}",
    "${HOME}",
    "${HOME:x}",
    "${:$}",
    "${:${:$}}",
    "$${HOME}",
    "${",
    "${${HOME}}",
    "{$}",
    "a$",
    "}",
    "${:",
    "$HOME $(id) `id` \\$HOME",
    "%PATH% %%",
    "@@split(X,;)",
    "@@remove-empty(X)",
    "'",
    "''",
    "'''",
    '"',
    '"""',
    "\\",
    "a\\",
    "\\\\n\\u0041",
    "a'b\"c",
    "# no comment",
    "a = b",
    "{{ x }} {% x %} {# x #}",
    "## x",
    "-rf",
    "*?[a-z]~",
    "!x",
    "ünï cødé 日本語 \U0001f600",
    "a\u0301\u200e",
    "; rm x & | < >",
    "x" * 60,
]
BIDIRECTIONAL = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
CHARACTERS = st.characters(
    exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters=BIDIRECTIONAL
)
TEXT = st.text(CHARACTERS, max_size=30) | st.text(
    st.sampled_from(list("${}:'\"\\ aHOME#%@\u00fc")), max_size=20
)


def accepted(field: str) -> st.SearchStrategy[str]:
    """Give texts that the model takes for a field of [signing]."""

    def is_accepted(value: str) -> bool:
        try:
            made = Signing.model_validate({field: in_a_tuple(field, value)})
        except ValidationError:
            return False
        return bool(getattr(made, field))

    texts = st.sampled_from(HARD) | TEXT
    if field == "certificate_file":
        texts = texts.map(lambda text: f"{text}.cer")
    if field == "timestamp_url":
        texts = texts.map(lambda text: f"http://127.0.0.1/{text}")
    return texts.filter(is_accepted)


def in_a_tuple(field: str, value: str) -> str | tuple[str]:
    return (value,) if field == "additional_certificates" else value


SIGNING = {
    "subject": "DRIVER_CERTIFICATE_SUBJECT",
    "store": "DRIVER_CERTIFICATE_STORE",
    "certificate_file": "DRIVER_CERTIFICATE",
    "additional_certificates": "DRIVER_ADDITIONAL_CERTIFICATES",
    "timestamp_url": "DRIVER_TIMESTAMP_SERVER",
    "pfx": "DRIVER_PFX",
}


def tables(fields: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    """Give keyword arguments for `Signing`."""
    return st.fixed_dictionaries({field: accepted(field) for field in fields}).map(
        lambda given: {field: in_a_tuple(field, value) for field, value in given.items()}
    )


IN_TEST = ["subject", "store", "certificate_file", "additional_certificates", "timestamp_url"]
WITH_PFX = ["subject", "store", "additional_certificates", "timestamp_url", "pfx"]


CONDITION = 'condition = { env_not_set = ["NEVER_SET"] }'
OWN = "[tasks.own]\nscript = '''\n{}\n'''"


class OwnTask:
    """Runs the task `own` of a Makefile.toml."""

    def __init__(self, cargo: str, folder: Path) -> None:
        self._cargo = cargo
        self.folder = folder

    def __call__(self, makefile: str, profile: str) -> list[str]:
        """Return the words that the task wrote into the file `printed`."""
        env = {name: value for name, value in os.environ.items() if not name.startswith("DRIVER_")}
        (self.folder / "Makefile.toml").write_text(makefile, encoding="utf-8")
        command = [self._cargo, "make", "--disable-check-for-updates", "--profile", profile, "own"]
        subprocess.run(command, cwd=self.folder, env=env, check=True, capture_output=True)
        return (self.folder / "printed").read_bytes().decode().split("\0")[:-1]


@pytest.fixture(scope="module")
def own_task(tool: FindTool, tmp_path_factory: pytest.TempPathFactory) -> OwnTask:
    return OwnTask(tool("cargo"), tmp_path_factory.mktemp("own"))


@pytest.fixture(scope="module")
def own_task_elsewhere(tool: FindTool, tmp_path_factory: pytest.TempPathFactory) -> OwnTask:
    folder = tmp_path_factory.mktemp("own") / "it's ${HOME} $x %"
    folder.mkdir()
    return OwnTask(tool("cargo"), folder)


def is_argument(value: str) -> bool:
    try:
        Build(args=(value,))
    except ValidationError:
        return False
    return True


def is_feature(value: str) -> bool:
    try:
        Build(features=(value,))
    except ValidationError:
        return False
    return True


FEATURES = st.text(st.sampled_from("aZ0_-+./é日²"), min_size=1, max_size=8) | TEXT


def is_image(value: str) -> bool:
    try:
        Driver(name="a", output_name=value)
    except ValidationError:
        return False
    return True


def is_folder(value: str) -> bool:
    try:
        Driver(name="a", output_dir=value)
    except ValidationError:
        return False
    return "{" not in value


@pytest.mark.slow
@settings(max_examples=60)
@given(
    tables(IN_TEST),
    tables(WITH_PFX),
    st.tuples(
        (st.sampled_from(HARD) | TEXT).filter(is_image),
        (st.sampled_from(HARD) | TEXT).filter(is_folder),
        st.lists((st.sampled_from(HARD) | TEXT).filter(is_argument), min_size=1, max_size=3),
        st.lists(FEATURES.filter(is_feature), max_size=3),
    ),
    st.sampled_from(["development", "production"]),
)
def test_cargo_make_passes_the_values_of_the_configuration(
    own_task_elsewhere: OwnTask,
    shared: dict[str, Any],
    production: dict[str, Any],
    texts: tuple[str, str, list[str], list[str]],
    profile: str,
) -> None:
    output_name, output_dir, arguments, features = texts
    names = ["DRIVER_CARGO_ARGS", "DRIVER_IMAGE", "DRIVER_OUTPUT", "DRIVER_PATH", *SIGNING.values()]
    words = " ".join(f'"${name}"' for name in names)
    project = Project(
        driver=Driver(
            name="a", output_name=output_name, output_dir=f"{output_dir}/{{profile}} {{target}}"
        ),
        build=Build(args=tuple(arguments), features=tuple(features)),
        signing=Signing(**shared),
        profiles={
            "production": Profile(
                build=Build(locked=True), signing=Signing(mode="certificate", **production)
            )
        },
        # cargo-make's own way to run a script fails in such a folder.
        makefile=Makefile(
            tasks={"own": {"command": "sh", "args": ["-c", f"printf '%s\\0' {words} > printed"]}}
        ),
    )
    printed = own_task_elsewhere(render_own(project)[PurePosixPath("Makefile.toml")], profile)
    signing = project.signing_for(profile)
    folder = f"{own_task_elsewhere.folder}/{output_dir}/{profile} x86_64-pc-windows-msvc"
    wanted = {
        "DRIVER_CARGO_ARGS": "\t".join(project.build_for(profile).arguments),
        "DRIVER_IMAGE": f"{output_name}.sys",
        "DRIVER_OUTPUT": folder,
        "DRIVER_PATH": f"{folder}/{output_name}.sys",
        **{variable: getattr(signing, field) for field, variable in SIGNING.items()},
    }
    wanted["DRIVER_ADDITIONAL_CERTIFICATES"] = "\t".join(signing.additional_certificates)
    wanted["DRIVER_CERTIFICATE"] = f"{own_task_elsewhere.folder}/{signing.certificate_file}"
    if profile == "development":
        wanted["DRIVER_PFX"] = ""
    assert dict(zip(names, printed, strict=True)) == wanted


def test_special_characters_survive_the_environment_of_cargo_make(own_task: OwnTask) -> None:
    plain = [f"P{index} = {quoting.cargo_make(text)}" for index, text in enumerate(HARD)]
    words = [f'"$P{index}"' for index in range(len(HARD))]
    script = f"printf '%s\\0' {' '.join(words)} > printed"
    assert own_task("\n".join(["[env]", *plain, OWN.format(script)]), "development") == HARD


def test_special_characters_survive_the_arguments_of_cargo_make(own_task: OwnTask) -> None:
    # cargo-make's functions, `@@name(...)`, are its own in arguments.
    hard = [text for text in HARD if not text.startswith("@@")]
    arguments = ", ".join(quoting.cargo_make(text) for text in hard)
    script = """'printf "%s\\0" "$@" > printed'"""
    task = f'[tasks.own]\ncommand = "sh"\nargs = ["-c", {script}, "sh", {arguments}]'
    assert own_task(task, "development") == hard


def values(text: st.SearchStrategy[str], keys: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    """Give values of TOML, with strings of `text` and tables with `keys`."""
    return st.recursive(
        text
        | st.booleans()
        | st.integers(-(2**63), 2**63 - 1)
        | st.floats(allow_nan=False)
        | st.datetimes()
        | st.dates()
        | st.times(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
        max_leaves=8,
    )


ANY_TEXT = TEXT | st.sampled_from(HARD)
VISIBLE_TEXT = ANY_TEXT.filter(lambda text: not any(map(is_invisible, text)))
VISIBLE_VALUES = values(VISIBLE_TEXT, VISIBLE_TEXT)


@given(values(ANY_TEXT | st.just("a\tb"), TEXT), TEXT)
def test_a_value_on_one_line_is_read_back_as_toml(value: object, key: str) -> None:
    text = f"{quoting.key(key)} = {quoting.toml(value)}\n"
    assert tomli.loads(text) == {key: value}
    assert text.count("\n") == 1
    assert "\t" not in text


def test_toml_has_no_null() -> None:
    with pytest.raises(TypeError):
        quoting.toml(None)


@given(
    env=st.dictionaries(
        st.from_regex(r"MY_[A-Z0-9_.]{1,8}", fullmatch=True), VISIBLE_VALUES, max_size=3
    ),
    tasks=st.dictionaries(
        VISIBLE_TEXT.map(lambda text: f"own-{text}"),
        # Not one of cargo-make's own keys, whose types are checked.
        st.dictionaries(VISIBLE_TEXT.map(lambda text: f"own-{text}"), VISIBLE_VALUES, max_size=3),
        max_size=3,
    ),
    script=st.text(st.sampled_from("'\"\\\n\t ${}#a=[]"), max_size=30),
)
def test_the_users_tables_have_the_same_meaning_in_the_makefile(
    env: dict[str, Any], tasks: dict[str, Any], script: str
) -> None:
    tasks = {**tasks, "own": {"script": script}}
    makefile = tomli.loads(
        render_own(Project(driver=Driver(name="a"), makefile=Makefile(env=env, tasks=tasks)))[
            PurePosixPath("Makefile.toml")
        ]
    )
    assert {name: makefile["env"][name] for name in env} == env
    assert {name: makefile["tasks"][name] for name in tasks} == tasks


def test_a_rust_literal_has_the_original_value(tool: FindTool, tmp_path: Path) -> None:
    texts = [*HARD, *(chr(code) for code in range(1, 0x100)), "a\r\nb\tc\0"]
    literals = ", ".join(quoting.rust(text) for text in texts)
    source = f'fn main() {{ for text in [{literals}] {{ print!("{{text}}\\u{{10ffff}}"); }} }}'
    (tmp_path / "main.rs").write_text(source, encoding="utf-8")
    command = [tool("rustc"), "-Dwarnings", "--edition=2021", "-o", "main", "main.rs"]
    subprocess.run(command, cwd=tmp_path, check=True)
    printed = subprocess.run([tmp_path / "main"], check=True, capture_output=True)
    assert printed.stdout.decode().split("\U0010ffff")[:-1] == texts


def test_a_toolchain_is_selected_by_name() -> None:
    project = Project(driver=Driver(name="a"), toolchain=Toolchain(channel="1.84.0"))
    tasks = tomli.loads(render_own(project)[PurePosixPath("Makefile.toml")])["tasks"]
    assert tasks["build-driver"]["args"][:6] == [
        *("build-driver", "rustup", "run", "1.84.0", "cargo", "build")
    ]


@pytest.mark.parametrize("character", [chr(code) for code in (*range(1, 0x20), 0x22, 0x5C, 0x7F)])
def test_no_control_character_is_written_as_it_is(character: str) -> None:
    for text in (quoting.toml(character), quoting.rust(character)):
        assert text.isprintable()
    assert tomli.loads(f"x = {quoting.toml(character)}") == {"x": character}


@pytest.mark.parametrize(
    ("value", "literal"),
    [
        ("a\nb\r\tc", r'"a\nb\r\tc"'),
        ('C:\\"kits"', r'"C:\\\"kits\""'),
        ("\0\x1b\x7f\x9b", r'"\u{0}\u{1b}\u{7f}\u{9b}"'),
        ("\u00fc $HOME", '"\u00fc $HOME"'),
    ],
)
def test_a_rust_literal_has_the_escapes_of_rust(value: str, literal: str) -> None:
    assert quoting.rust(value) == literal


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("target/", "/target/"),
        ("./my key.pfx", "/my\\ key.pfx"),
        ("a*b?[c]\\", "/a\\*b\\?\\[c]\\\\"),
        ("#x!", "/#x!"),
    ],
)
def test_gitignore_names_one_file(path: str, line: str) -> None:
    assert quoting.gitignore(path) == line


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (
            "a *b* `c` [d](e) <f> & #g | ~h~ !i _j_",
            r"a \*b\* \`c\` \[d\](e) \<f\> \& \#g \| \~h\~ \!i \_j\_",
        ),
        ("- x", r"\- x"),
        ("1. x", r"1\. x"),
        ("12) x", r"12\) x"),
        ("2024 x", "2024 x"),
        ("plain text", "plain text"),
    ],
)
def test_markdown_shows_the_value(value: str, text: str) -> None:
    assert quoting.markdown(value) == text
