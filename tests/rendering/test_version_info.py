"""`[driver.version-info]`: the resource that build.rs writes is that of a resource compiler."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from kdrvgen import ConfigError, Project, loads
from kdrvgen.rendering.project import render_own

from .build_scripts import ARM64, BUILD, X64, flags, project, put
from .conftest import FindTool

Run = Callable[..., subprocess.CompletedProcess[str]]
Build = Callable[[Project, tuple[tuple[str, str], ...]], Path]

CARGO = {
    "CARGO_PKG_NAME": "hello",
    "CARGO_PKG_VERSION": "1.22.333-rc.1",
    "CARGO_PKG_VERSION_PRE": "rc.1",
    "CARGO_PKG_AUTHORS": "Ann <ann@example.com>:Jürgen Ö",
    "CARGO_PKG_DESCRIPTION": 'Says "hello"\n  to\tall 😀',
}
EMPTY = "[driver.version-info]\n"
OWN = EMPTY + 'company = "C"\nproduct = "P\\\\n"\ndescription = "D"\ncopyright = "© \\"E\\""\n'
PACKAGE = '[package]\nkind = "device"\nprovider = "Provider"\nversion = "9.8.65535.6"\n'
TEXTS = {
    "CompanyName": "Ann, Jürgen Ö",
    "FileDescription": 'Says "hello" to all 😀',
    "FileVersion": "1.22.333.0",
    "InternalName": "a.sys",
    "OriginalFilename": "a.sys",
    "ProductName": "hello",
    "ProductVersion": "1.22.333-rc.1",
}
OWN_TEXTS = {
    "CompanyName": "C",
    "FileDescription": "D",
    "FileVersion": "1.22.333.0",
    "InternalName": "a.sys",
    "LegalCopyright": '© "E"',
    "OriginalFilename": "a.sys",
    "ProductName": "P\\n",
    "ProductVersion": "1.22.333-rc.1",
}
# As a minimal Cargo.toml leaves them.
BARE = {"CARGO_PKG_AUTHORS": "", "CARGO_PKG_DESCRIPTION": "", "CARGO_PKG_VERSION_PRE": ""}
BARE |= {"CARGO_PKG_VERSION": "1.22.333"}
BARE_TEXTS = {
    "FileDescription": "hello",
    "FileVersion": "1.22.333.0",
    "InternalName": "a.sys",
    "OriginalFilename": "a.sys",
    "ProductName": "hello",
    "ProductVersion": "1.22.333",
}

PACKAGE_TEXTS = {"CompanyName": "Provider", "FileVersion": "9.8.65535.6"}
LONGEST = {"FileDescription": "é" * 255}


@pytest.fixture(scope="module")
def build(tool: FindTool, tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Compile the build script of a project, with the variables that cargo sets."""
    rustc = tool("rustc")

    @cache
    def compiled(given: Project, cargo: tuple[tuple[str, str], ...]) -> Path:
        folder = tmp_path_factory.mktemp("build")
        program = folder / "build"
        command = [rustc, "--edition=2021", "-Dwarnings", "-o", str(program)]
        command.append(str(put(given, folder)))
        subprocess.run(command, check=True, env={"PATH": os.environ["PATH"], **dict(cargo)})
        return program

    return compiled


@pytest.fixture
def run(build: Build, tmp_path: Path) -> Run:
    def start(
        text: str, driver: str = "", target: str = X64, out: Path | None = None, **cargo: str
    ) -> subprocess.CompletedProcess[str]:
        given = project(text, driver)
        output = out or tmp_path / "out with é"
        (tmp_path / "out with é").mkdir(exist_ok=True)
        cargos = {"TARGET": target, "CARGO_ENCODED_RUSTFLAGS": flags(given, target)}
        return subprocess.run(
            [build(given, tuple({**CARGO, **cargo}.items()))],
            env={"PATH": os.environ["PATH"], "OUT_DIR": str(output), **cargos},
            capture_output=True,
            check=False,
            text=True,
        )

    return start


def script(
    texts: dict[str, str],
    numbers: str = "1,22,333,0",
    *,
    flags: int = 2,
    kind: tuple[int, int] = (3, 7),
) -> str:
    """Return the source of the resource for a resource compiler."""
    values = "".join(
        'VALUE "{}", "{}"\n'.format(name, text.replace("\\", "\\\\").replace('"', '""'))
        for name, text in texts.items()
    )
    return (
        f"1 VERSIONINFO\nFILEVERSION {numbers}\nPRODUCTVERSION {numbers}\nFILEFLAGSMASK 0x3f\n"
        f"FILEFLAGS {flags}\nFILEOS 0x40004\nFILETYPE {kind[0]}\nFILESUBTYPE {kind[1]}\n"
        f'{{\nBLOCK "StringFileInfo"\n{{\nBLOCK "040904B0"\n{{\n{values}}}\n}}\n'
        'BLOCK "VarFileInfo"\n{\nVALUE "Translation", 0x409, 0x4B0\n}\n}\n'
    )


@pytest.fixture
def compiled(tool: FindTool, tmp_path: Path) -> Callable[[str], bytes]:
    """Return what a resource compiler makes of a source."""

    def start(source: str) -> bytes:
        (tmp_path / "version.rc").write_text(source, "utf-8")
        output = tmp_path / "expected.res"
        command = [tool("llvm-rc"), "/C", "65001", "/FO", str(output), str(tmp_path / "version.rc")]
        subprocess.run(command, check=True)
        return output.read_bytes()

    return start


@pytest.mark.parametrize(
    ("text", "env", "source"),
    [
        (EMPTY, {}, script(TEXTS)),
        (EMPTY, BARE, script(BARE_TEXTS, flags=0)),
        (OWN, {}, script(OWN_TEXTS)),
        (EMPTY + PACKAGE, {}, script(TEXTS | PACKAGE_TEXTS, "9,8,65535,6")),
        (EMPTY, {"CARGO_PKG_DESCRIPTION": "é" * 255}, script(TEXTS | LONGEST)),
    ],
    ids=["cargo", "bare", "own", "package", "longest"],
)
def test_the_resource_has_the_bytes_of_a_resource_compiler(
    run: Run, compiled: Callable[[str], bytes], text: str, env: dict[str, str], source: str
) -> None:
    done = run(text, **env)

    assert done.returncode == 0, done.stderr
    (path,) = re.findall(r"^cargo:rustc-link-arg-cdylib=(.*\.res)$", done.stdout, re.MULTILINE)
    assert Path(path).read_bytes() == compiled(source)


def test_a_umdf_driver_is_a_dll(run: Run, compiled: Callable[[str], bytes], tmp_path: Path) -> None:
    run(EMPTY, 'model = "umdf"')  # fails afterwards: there is no kit

    texts = TEXTS | {"InternalName": "a.dll", "OriginalFilename": "a.dll"}
    found = (tmp_path / "out with é/version.res").read_bytes()
    assert found == compiled(script(texts, kind=(2, 0)))


def test_a_build_for_another_host_has_no_resource(run: Run, tmp_path: Path) -> None:
    done = run(EMPTY, target="x86_64-unknown-linux-gnu")

    assert done.returncode == 0
    assert ".res" not in done.stdout
    assert not list((tmp_path / "out with é").iterdir())


def test_without_the_table_build_rs_has_nothing_of_it() -> None:
    assert "version_info" not in render_own(project())[BUILD]
    assert "version_info" in render_own(project(EMPTY))[BUILD]
    assert "version_info" in render_own(project(EMPTY, f'target = "{ARM64}"'))[BUILD]


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ({"CARGO_PKG_VERSION": "70000.0.0"},
         "the version 70000.0.0 in Cargo.toml"),
        ({"CARGO_PKG_DESCRIPTION": "😀" * 128}, "FileDescription of the version resource"),
        ({"CARGO_PKG_AUTHORS": "x" * 256}, "CompanyName of the version resource"),
    ],
    ids=["version", "description", "authors"],
)  # fmt: skip
def test_what_does_not_fit_ends_the_build(run: Run, env: dict[str, str], message: str) -> None:
    done = run(EMPTY, **env)

    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert message in done.stderr
    assert "config.toml" in done.stderr
    assert "version.res" not in done.stdout


def test_a_folder_that_cannot_be_written_ends_the_build(run: Run, tmp_path: Path) -> None:
    done = run(EMPTY, out=tmp_path / "missing")

    assert done.returncode == 1
    assert "error: cannot write" in done.stderr


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ('"a\\u0000b"', "character 2 is U+0000, a control character"),
        ('"a\\nb"', "U+000A"),
        ('""', "the value is empty"),
        (f'"{"x" * 256}"', "at most 255 characters"),
        (f'"{"😀" * 128}"', "at most 255 characters"),
        ("5", "must be a string"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("key", ["company", "product", "description", "copyright"])
def test_a_text_that_does_not_fit_is_reported(key: str, value: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loads(f'[driver]\nname = "a"\n{EMPTY}{key} = {value}\n')

    (finding,) = caught.value.findings
    assert message in finding.message
    assert finding.place
    assert finding.place.line == 4


def test_the_longest_text_is_accepted() -> None:
    given = loads(f'[driver]\nname = "a"\n{EMPTY}company = "{"😀" * 127}x"\n')
    assert given.driver.version_info
    assert given.driver.version_info.company == "😀" * 127 + "x"


@pytest.mark.slow
@pytest.mark.parametrize("edition", ["2018", "2021"])
def test_rustc_1_63_compiles_it(tmp_path: Path, edition: str) -> None:
    old = os.environ.get("KDRVGEN_OLD_RUST")
    if not old:
        pytest.skip(
            "KDRVGEN_OLD_RUST is not set; `bash tests/run.sh` unpacks Rust 1.63 on a Debian 12"
        )
    source = put(project(OWN), tmp_path)
    libraries = f"{old}/usr/lib/x86_64-linux-gnu:{old}/usr/lib"
    subprocess.run(
        [f"{old}/usr/bin/rustc", f"--edition={edition}", "-Dwarnings", "--emit=metadata", source],
        env={"PATH": os.environ["PATH"], "LD_LIBRARY_PATH": libraries},
        cwd=tmp_path,
        check=True,
    )
