"""kdrvgen as a Python library: load, loads, projects in code, render."""

from __future__ import annotations

import copy
import hashlib
import os
import pickle
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import pytest
import tomli_w

import kdrvgen
from kdrvgen import (
    Driver,
    Linker,
    Makefile,
    Profile,
    Project,
    Signing,
    Toolchain,
    Wdk,
    load,
    loads,
    render,
)

ROOT = Path(__file__).parents[2]

CONFIG = """
[driver]
name = "my-driver"
output-name = "My Driver"
targets = ["x86_64-pc-windows-msvc", "aarch64-pc-windows-msvc"]

[toolchain]
channel = "nightly-2025-01-31"
build-std = ["core", "alloc"]

[linker]
preset = "blog-2020"
pre-args = ["/VERSION:1.0"]
reproducible = true

[wdk]
locate = "path"
path = 'C:\\Kits\\10'

[signing]
subject = "Jürgen & Söhne"

[profiles.production]
linker.args = ["/DEBUG"]
signing.mode = "certificate"
signing.pfx = "keys/my key.pfx"
signing.pfx-password-env = "PFX_PASSWORD"

[profiles.staging]
cargo-profile = "release"

[makefile.env]
MY_FLAGS = ["a", "b"]

[makefile.tasks.hello]
command = "echo"
args = ["hello"]
"""


def built_in_code() -> Project:
    return Project(
        driver=Driver(
            name="my-driver",
            output_name="My Driver",
            targets=("x86_64-pc-windows-msvc", "aarch64-pc-windows-msvc"),
        ),
        toolchain=Toolchain(channel="nightly-2025-01-31", build_std=("core", "alloc")),
        linker=Linker(preset="blog-2020", pre_args=("/VERSION:1.0",), reproducible=True),
        wdk=Wdk(locate="path", path=r"C:\Kits\10"),
        signing=Signing(subject="Jürgen & Söhne"),
        profiles={
            "production": Profile(
                linker=Linker(args=("/DEBUG",)),
                signing=Signing(
                    mode="certificate",
                    pfx="keys/my key.pfx",
                    pfx_password_env="PFX_PASSWORD",
                ),
            ),
            "staging": Profile(cargo_profile="release"),
        },
        makefile=Makefile(
            env={"MY_FLAGS": ["a", "b"]},
            tasks={"hello": {"command": "echo", "args": ["hello"]}},
        ),
    )


def as_bytes(texts: Mapping[PurePosixPath, str]) -> dict[str, bytes]:
    return {str(path): text.encode() for path, text in texts.items()}


def test_a_project_in_code_and_the_equivalent_file_are_equal_and_give_the_same_bytes(
    tmp_path: Path,
) -> None:
    path = tmp_path / "config.toml"
    path.write_text(CONFIG, encoding="utf-8")
    assert load(path) == load(str(path)) == loads(CONFIG) == built_in_code()
    read, built = as_bytes(render(load(path))), as_bytes(render(built_in_code()))
    lines = read["Makefile.toml"].splitlines(keepends=True)
    named = [line for line in lines if line.startswith(b"DRIVER_CONFIG")]
    digest = hashlib.sha256(CONFIG.encode()).hexdigest().encode()
    assert named == [
        b'DRIVER_CONFIG = "config.toml"\n',
        b'DRIVER_CONFIG_DIGEST = "sha256:' + digest + b'"\n',
    ]
    body = b"".join(line for line in lines if line not in named)
    assert body.partition(b"\n\n")[2] == built["Makefile.toml"].partition(b"\n\n")[2]
    assert {**read, "Makefile.toml": b""} == {**built, "Makefile.toml": b""}


def test_line_ends_and_a_byte_order_mark_do_not_change_the_result(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(CONFIG, encoding="utf-8")
    texts = render(load(path))
    path.write_bytes(b"\xef\xbb\xbf" + CONFIG.replace("\n", "\r\n").encode())
    assert render(load(path)) == texts


def test_copies_keep_the_file_that_a_project_was_read_from(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(CONFIG, encoding="utf-8")
    project = load(path)
    assert project.read_from is not None
    pickled = pickle.loads(pickle.dumps(project))  # noqa: S301 - our own
    for copied in (project.model_copy(), copy.deepcopy(project), pickled):
        assert render(copied) == render(project)
    assert hash(project) == hash(loads(CONFIG))
    assert loads(CONFIG).read_from is None


def test_a_dumped_project_is_an_equivalent_file() -> None:
    dumped = built_in_code().model_dump(by_alias=True, exclude_unset=True, exclude_none=True)
    assert render(loads(tomli_w.dumps(dumped))) == render(built_in_code())


def test_the_order_of_keys_in_the_file_does_not_matter() -> None:
    one = '[wdk]\nversion = "10.0.1.0"\nlocate = "env"\n[driver]\nmodel = "kmdf"\nname = "a"\n'
    other = '[driver]\nname = "a"\nmodel = "kmdf"\n[wdk]\nlocate = "env"\nversion = "10.0.1.0"\n'
    assert render(loads(one)) == render(loads(other))


def test_the_result_of_render_is_immutable() -> None:
    texts = render(built_in_code())
    with pytest.raises(TypeError):
        texts[PurePosixPath("build.rs")] = ""  # type: ignore[index] # what is refused


def test_render_returns_the_three_generated_files_and_the_support_files() -> None:
    def outside(project: Project) -> set[str]:
        return {str(path) for path in render(project) if path.parts[0] != ".kdrvgen"}

    assert outside(built_in_code()) == {"Makefile.toml", ".cargo/config.toml", "build.rs"}
    old = loads('[driver]\nname = "a"\n[toolchain]\ncargo-config = ".cargo/config"')
    assert outside(old) == {"Makefile.toml", ".cargo/config", "build.rs"}
    assert PurePosixPath(".kdrvgen/pipeline/src/main.rs") in render(old)


@pytest.mark.slow
@pytest.mark.parametrize(
    "surroundings",
    [
        {"TZ": "Asia/Kathmandu", "LANG": "tr_TR.UTF-8", "LC_ALL": "tr_TR.UTF-8"},
        {"PYTHONHASHSEED": "1", "KDRVGEN_NO_CACHE": "1", "LC_ALL": "C", "PYTHONUTF8": "0"},
        {"PYTHONHASHSEED": "4711", "SOURCE_DATE_EPOCH": "0", "HOME": "/nonexistent"},
    ],
)
def test_another_process_elsewhere_renders_the_same_bytes(
    surroundings: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "config.toml"
    path.write_text(CONFIG, encoding="utf-8")
    script = (
        "import sys, kdrvgen\n"
        "for path, text in sorted(kdrvgen.render(kdrvgen.load(sys.argv[1])).items()):\n"
        "    sys.stdout.buffer.write(f'{path}\\n{text}'.encode())\n"
    )
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)],
        cwd=elsewhere,
        env={**os.environ, "PYTHONPATH": str(ROOT), **surroundings},
        capture_output=True,
        check=True,
    )
    here = sorted(render(load(path)).items())
    assert done.stdout == b"".join(f"{path}\n{text}".encode() for path, text in here)


@pytest.mark.slow
def test_every_public_name_can_be_imported() -> None:
    program = "before = {*dir()}\nfrom kdrvgen import *\nprint(*{*dir()} - before)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=True,
        text=True,
    )
    assert {*done.stdout.split()} - {"before"} == {*dir(kdrvgen)}


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'projct'"):
        kdrvgen.projct  # noqa: B018 - looking it up is what fails


def test_importing_it_loads_neither_pydantic_nor_jinja() -> None:
    script = "import sys, kdrvgen; print({'pydantic', 'jinja2'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=True,
        text=True,
    )
    assert done.stdout == "set()\n"


MANIFEST = '[package]\nname = "other"\n[lib]\ncrate-type = ["cdylib"]\n'


def test_generate_and_check_report_contradictions(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[driver]\nname = "hello"\n[signing]\nmode = "off"\nstore = "My"\n', "utf-8")
    (tmp_path / "Cargo.toml").write_text(MANIFEST, "utf-8")
    project = load(path)

    made, checked = kdrvgen.generate(project, tmp_path), kdrvgen.check(project, str(tmp_path))

    unused, name = made.disagreements
    assert (unused.rule, unused.severity) == ("key-unused", "warning")
    assert (unused.key, unused.file) == (("signing", "store"), str(path))
    assert (name.rule, name.severity) == ("cargo-name", "error")
    assert name.key == ("package", "name")
    assert name.file == str(tmp_path / "Cargo.toml")
    assert name.place
    assert name.place.line == 2
    assert [each.place.file for each in name.related] == [str(path)]
    assert checked.disagreements == made.disagreements
    assert not checked.drifted
    (tmp_path / "Cargo.toml").write_text(MANIFEST.replace("other", "hello"), "utf-8")
    assert kdrvgen.check(project, tmp_path).disagreements == (unused,)


@pytest.mark.parametrize("elsewhere", ["built in Python", "changed", "another folder", "gone"])
def test_a_project_without_file_has_disagreements_without_places(
    tmp_path: Path, elsewhere: str
) -> None:
    path = tmp_path / ("a" if elsewhere == "another folder" else "") / "config.toml"
    path.parent.mkdir(exist_ok=True)
    text = '[driver]\nname = "hello"\n[signing]\nmode = "off"\nstore = "My"\n'
    path.write_text(text, "utf-8")
    project = loads(text) if elsewhere == "built in Python" else load(path)
    if elsewhere == "changed":
        path.write_text(f"# more\n{text}", "utf-8")
    if elsewhere == "gone":
        path.unlink()
    (tmp_path / "Cargo.toml").write_text(MANIFEST, "utf-8")

    unused, name = kdrvgen.generate(project, tmp_path).disagreements

    assert (unused.place, unused.key) == (kdrvgen.Place("config.toml"), ("signing", "store"))
    assert name.related == ()
    assert name.place
    assert name.place.line


def test_without_cargo_toml_there_are_no_disagreements(tmp_path: Path) -> None:
    assert kdrvgen.generate(built_in_code(), tmp_path).disagreements == ()
    assert kdrvgen.check(built_in_code(), tmp_path).disagreements == ()


USER_SCRIPT = """
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import kdrvgen
from kdrvgen import Driver, Finding, KdrvgenError, Linker, Profile, Project, Report, Signing

project: Project = Project(
    driver=Driver(name="hello", output_name="Hello", targets=("i686-pc-windows-msvc",)),
    linker=Linker(preset="blog-2020", args=("/DEBUG",)),
    signing=Signing(timestamp_url="", machine_store=True),
    profiles={"production": Profile(signing=Signing(digest="sha384"))},
)
other: Project = kdrvgen.load(Path("config.toml"))
texts: Mapping[PurePosixPath, str] = kdrvgen.render(project)
days: int = project.signing_for("production").validity_days
try:
    report: Report = kdrvgen.generate(project, ".")
    wrong: tuple[Finding, ...] = kdrvgen.check(project, ".").disagreements
    places: list[str] = [f"{each.file}: {each.severity}: {each.message}" for each in wrong]
    adoption: kdrvgen.Adoption = kdrvgen.propose("old")
    missing: list[str] = [each.message for each in kdrvgen.diagnose(None, tasks=["build"])]
    line, reasons = kdrvgen.why("config.toml", "build.rs", 12)
    keys: list[str] = [each.key for each in reasons] + [each.term for each in kdrvgen.explain("x")]
    kdrvgen.eject(["build.rs", *texts], ".")
    schema: dict[str, object] = kdrvgen.schema()
    text: str = kdrvgen.dumps(project) + line.upper() + adoption.text
    pairs = ((Path(path).parent, kdrvgen.load(path)) for path in kdrvgen.find_configs(["drivers"]))
    for folder, result in kdrvgen.generate_all(pairs).items():
        ok: bool = folder.is_dir() and isinstance(result, Report) and not result.refused
    signed: bool = not kdrvgen.verify("hello.sys", trust=["root.pem"]).findings
    report = kdrvgen.bootstrap(Path("."), "hello", config={"bootstrap": {"license": "MIT"}})
except KdrvgenError as error:
    code: int = error.exit_code
"""

WRONG_SCRIPT = """
from kdrvgen import Driver, Linker, Project

Driver(name=1)
Linker(preset="blog")
Project(driver=Driver(name="a")).driver.nmae
"""


PLUGIN = "plugins = pydantic.mypy\n[pydantic-mypy]\ninit_typed = true\n"


@pytest.mark.slow
@pytest.mark.parametrize("plugin", ["", PLUGIN], ids=["plain", "with pydantic's plugin"])
def test_a_users_script_type_checks_strictly(plugin: str, tmp_path: Path) -> None:
    right, wrong = tmp_path / "right.py", tmp_path / "wrong.py"
    right.write_text(USER_SCRIPT, encoding="utf-8")
    wrong.write_text(WRONG_SCRIPT, encoding="utf-8")
    (tmp_path / "mypy.ini").write_text(f"[mypy]\nstrict = true\n{plugin}", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "right.py", "wrong.py"],
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": str(ROOT)},
        capture_output=True,
        check=False,
        text=True,
    )
    errors = [line for line in done.stdout.splitlines() if ": error: " in line]
    assert not [line for line in errors if not line.startswith("wrong.py")], done.stdout
    assert {line.split(":")[1] for line in errors} == {"4", "5", "6"}
    assert (ROOT / "kdrvgen" / "py.typed").is_file()
