"""README, CI files and scripts of a repository that call a driver in one of its folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from kdrvgen.adopt import Adoption, adopt, read_project
from kdrvgen.adopt.read.findings import DIFFERENCE, UNKNOWN
from tests.adopt.support import LINKED, MANIFEST

WDK = "[package.metadata.wdk.driver-model]\ndriver-type = 'WDM'\n"
BUILD = "fn main() { wdk_build::configure_wdk_binary_build().unwrap(); }\n"
DRIVER = {
    "driver/Cargo.toml": f"{MANIFEST}{WDK}[build-dependencies]\nwdk-build = '0.5'\n",
    "driver/build.rs": BUILD,
    "driver/hello.inx": "",
    "driver/Makefile.toml": "[config]\nload_script = 'wdk_build::load()'\n",
    ".git/HEAD": "",
}
PLAIN = {
    "driver/Cargo.toml": MANIFEST,
    "driver/.cargo/config.toml": LINKED,
    ".git/HEAD": "",
}


def adopted_in(folder: Path, base: dict[str, str], **files: str) -> Adoption:
    """Adopt the folder `driver` of a repository with more files."""
    for name, text in (base | files).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return adopt(read_project(str(folder / "driver")))


def reported(adoption: Adoption, rule: str, file: str) -> list[str]:
    """Return what a rule reports about a file, as its line and message, and its help."""
    return [
        f"{finding.place.line if finding.place else 0}: {finding.message} | {finding.help}"
        for finding in adoption.findings
        if finding.rule == rule and Path(finding.file).resolve().as_posix().endswith(f"/{file}")
    ]


@pytest.mark.parametrize(
    "file", ["README.md", ".github/workflows/ci.yml", "Justfile", "scripts/build.ps1"]
)
def test_calls_elsewhere_in_the_repository_are_named(tmp_path: Path, file: str) -> None:
    text = "cd driver\n  cargo make default --release\n"

    found = reported(adopted_in(tmp_path, DRIVER, **{file: text}), DIFFERENCE, file)

    assert found == [
        (
            "2: if it is for this driver, `cargo make default --release` does not do the same "
            "with the generated makefile | write `cargo make --profile production package`"
        )
    ]


def test_scripts_below_the_package_and_its_workspace_are_read(tmp_path: Path) -> None:
    workspace = {"Cargo.toml": "[workspace]\nmembers = ['driver']\n"}
    scripts = ["driver/tools/ci/build.ps1", "scripts/ci/make.ps1"]
    call = "cargo make default --release\n"

    adoption = adopted_in(tmp_path, DRIVER, **workspace, **dict.fromkeys(scripts, call))

    assert [len(reported(adoption, DIFFERENCE, each)) for each in scripts] == [1, 1]


@pytest.mark.parametrize(
    ("call", "advice"),
    [
        ("cargo make --cwd driver default", "write `cargo make package`"),
        ("cargo make --cwd ./crates/<driver-name>", "write `cargo make package`"),
        ("cargo make --cwd other default", ""),
        ("cargo make --cwd driver/<name> dist", ""),
        (
            "cargo make default +${{ matrix.rust }} --profile ${{ matrix.profile }}",
            (
                "write `cargo make --profile ${{matrix.profile}} package`; `toolchain.channel` in "
                "config.toml sets the toolchain"
            ),
        ),
    ],
)
def test_the_folder_and_the_placeholders_of_a_call_count(
    tmp_path: Path, call: str, advice: str
) -> None:
    adoption = adopted_in(tmp_path, DRIVER, **{"README.md": f"{call}\n"})

    found = [each.partition(" | ")[2] for each in reported(adoption, DIFFERENCE, "README.md")]
    assert found == ([advice] if advice else [])


def test_a_script_that_uses_the_old_folders_is_named(tmp_path: Path) -> None:
    script = (
        "# target\\debug\\hello.sys\ndir hello.sys\n"
        "copy target\\debug\\hello.sys x\npnputil /add-driver driver\\hello_package\\hello.inf\n"
    )
    adoption = adopted_in(tmp_path, DRIVER, **{"tools/a/install.cmd": script})

    image, package = reported(adoption, DIFFERENCE, "tools/a/install.cmd")
    assert image.startswith("3: this uses the image where it is no longer made")
    assert package.startswith("4: this uses the driver package where it is no longer made")
    assert "target/driver/hello/TRIPLE/PROFILE/package" in package


@pytest.mark.parametrize(
    ("file", "is_reported"),
    [
        ("sign.ps1", True),
        (".github/workflows/build.yml", True),
        ("README.md", False),
        ("app/sign.ps1", False),
        ("target/sign.ps1", False),
        ("a/b/c/d/e/sign.ps1", False),
    ],
)
def test_a_script_that_may_sign_the_driver_is_named(
    tmp_path: Path, file: str, is_reported: bool
) -> None:
    files = {"app/Cargo.toml": MANIFEST, file: '& "$kit\\signtool.exe" sign /a $Target\n'}

    adoption = adopted_in(tmp_path, PLAIN, **files)

    assert adoption.project.signing.mode == "off"
    found = reported(adoption, UNKNOWN, file)
    assert [each.partition(":")[0] for each in found] == (["1"] if is_reported else [])


def test_nothing_above_the_repository_is_read(tmp_path: Path) -> None:
    inner = tmp_path / "inner"

    adoption = adopted_in(inner, DRIVER, **{"../README.md": "cargo make default --release\n"})

    assert (tmp_path / "README.md").exists()
    assert not reported(adoption, DIFFERENCE, "README.md")


TASKS = "[tasks.hello]\ncommand = 'cargo'\nargs = ['build', '--release']\n"


def test_a_makefile_of_another_name_is_read(tmp_path: Path) -> None:
    makefile = f"{TASKS}[tasks.flash]\ncommand = 'flash'\n"

    adoption = adopted_in(tmp_path, PLAIN, **{"driver/Build.toml": makefile})

    assert adoption.project.makefile.tasks["flash"]["command"] == "flash"
    (named,) = reported(adoption, DIFFERENCE, "driver/Build.toml")
    assert "delete this file afterwards" in named


@pytest.mark.parametrize("name", ["Makefile.toml", "A.toml"])
def test_other_makefiles_are_reported(tmp_path: Path, name: str) -> None:
    files = {f"driver/{name}": TASKS, "driver/B.toml": TASKS, "driver/rustfmt.toml": "a = 1\n"}
    files["driver/.cargo/config.toml"] = f"{LINKED}\n{TASKS}"

    adoption = adopted_in(tmp_path, PLAIN, **files)

    (found,) = reported(adoption, UNKNOWN, "driver/B.toml")
    assert "kdrvgen does not read it" in found
    assert len(reported(adoption, UNKNOWN, f"driver/{name}")) == (name == "A.toml")
    assert not reported(adoption, UNKNOWN, "driver/rustfmt.toml")
    of_cargo = reported(adoption, UNKNOWN, "driver/.cargo/config.toml")
    assert not [each for each in of_cargo if "another makefile" in each]


def test_a_makefile_that_is_extended_is_not_another_one(tmp_path: Path) -> None:
    files = {"driver/Makefile.toml": "extend = 'base.toml'\n", "driver/base.toml": TASKS}

    assert not reported(adopted_in(tmp_path, PLAIN, **files), UNKNOWN, "driver/base.toml")
