"""Features of public projects that a proposal must keep, and describe correctly."""

from __future__ import annotations

from pathlib import Path

import pytest

from kdrvgen.adopt import Adoption, read_project
from kdrvgen.adopt import adopt as propose
from kdrvgen.adopt.read.findings import DIFFERENCE, EQUIVALENT, HAZARD, UNKNOWN
from kdrvgen.errors import ConfigError
from tests.adopt.support import LINKED, MANIFEST, adopted, messages

WDK = MANIFEST + "[build-dependencies]\nwdk-build = '0.5'\n"
SIGN = "signtool sign /fd sha256 /n A"


def _read(folder: Path, **files: str) -> Adoption:
    for name, text in ({"Cargo.toml": MANIFEST, ".cargo/config.toml": LINKED} | files).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return propose(read_project(str(folder)))


@pytest.mark.parametrize("line", ["let (_a, _b) = f();", "let mut _x = f();", "loop { break (); }"])
def test_a_keyword_before_a_bracket_is_not_a_call(line: str) -> None:
    adoption = adopted(build=f"fn f() -> (u8, u8) {{ (1, 2) }}\nfn main() {{ {line} }}\n")

    assert not messages(adoption, UNKNOWN)


def test_a_helper_crate_beside_the_package_is_read_in_its_repository(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    helper = tmp_path / "kit/src/lib.rs"
    helper.parent.mkdir(parents=True)
    helper.write_text('pub fn go() { println!("cargo:rustc-link-arg=/DRIVER"); }', "utf-8")
    files = {
        "Cargo.toml": MANIFEST + '[build-dependencies]\nkit = { path = "../kit" }\n',
        ".cargo/config.toml": "",
        "build.rs": "fn main() { kit::go(); }",
    }

    adoption = _read(tmp_path / "driver", **files)

    assert adoption.project.linker.args == ("/DRIVER",)
    assert not messages(adoption, UNKNOWN)


def test_a_build_script_that_claims_a_static_runtime_is_reported() -> None:
    build = 'fn main() {{ std::env::set_var("{}", "{}"); wdk_build::configure_wdk_binary_build() }}'
    claimed = build.format("CARGO_CFG_TARGET_FEATURE", "crt-static")

    claim = adopted(build=claimed, **{"Cargo.toml": WDK})
    other = adopted(build=build.format("CC", "clang-cl"), **{"Cargo.toml": WDK})

    assert "that the runtime is static" in str(messages(claim, EQUIVALENT))
    assert claim.project.driver.build_script is None
    assert "changes the environment variable CC" in str(messages(other, UNKNOWN))
    assert other.project.driver.build_script == "build_own.rs"


def test_a_variable_after_a_rewritten_path_is_kept() -> None:
    makefile = """\
[env]
OUT = "target/x86_64-pc-windows-msvc/debug"
SERVICE = "hello"
[tasks.rename]
script = ["cd %OUT%", "copy %SERVICE%.dll %SERVICE%.sys"]
[tasks.load]
script = ["sc create x binPath= %OUT%/%SERVICE% type= kernel"]
"""

    proposed = adopted(makefile=makefile).project.makefile

    assert proposed.env["SERVICE"] == "hello"
    assert "DRIVER_OUTPUT" in str(proposed.tasks["load"]["script"])


MAPPED = """\
[env.DIR]
source = "${CARGO_MAKE_CARGO_PROFILE}"
default_value = "${TARGET}/release"
mapping = { dev = "${TARGET}/debug" }
[env]
TARGET = "${CARGO_MAKE_CRATE_TARGET_DIRECTORY}"
[tasks.rename]
script = ['cd "%DIR%" || exit /b', 'copy /Y hello.dll package\\hello.sys']
[tasks.zip]
cwd = "${CARGO_MAKE_WORKSPACE_WORKING_DIRECTORY}"
script = ['tar -cf x.tar %DIR%\\package\\hello.xml']
[tasks.other]
cwd = "${CARGO_MAKE_WORKSPACE_WORKING_DIRECTORY}"
script = ['tar -cf x.tar target\\debug\\package\\hello.xml']
""".replace("\\\\", "\\")


def test_a_folder_that_a_mapping_gives_is_known() -> None:
    project = adopted(makefile=MAPPED).project
    tasks = project.makefile.tasks

    assert project.driver.output_dir is None  # it is in cargo's folder
    assert list(tasks["zip"]["script"]) == ['tar -cf x.tar "%DRIVER_OUTPUT:/=\\%\\hello.xml"']
    assert list(tasks["other"]["script"]) == ["tar -cf x.tar target\\debug\\package\\hello.xml"]


def test_the_folder_of_an_image_that_is_not_known_is_reported() -> None:
    makefile = "[tasks.r]\nscript = ['cd %WHERE%', 'copy hello.dll package\\hello.sys']\n"

    adoption = adopted(makefile=makefile)

    assert adoption.project.driver.output_dir is None
    assert "does not know the folder" in str(messages(adoption, UNKNOWN))


def test_functions_and_the_host_in_arguments_of_cargo_are_expanded() -> None:
    makefile = """\
[env.development]
FLAG = ""
[env.production]
FLAG = "--release"
[tasks.build]
args = [
    "build", "--target", "${CARGO_MAKE_RUST_TARGET_TRIPLE}",
    "@@remove-empty(FLAG)", "--features", "vlan",
]
"""
    adoption = adopted(makefile=makefile, cargo=LINKED.replace("target =", "#"))

    assert adoption.project.driver.targets == ("x86_64-pc-windows-msvc",)
    assert adoption.project.build.features == ("vlan",)
    assert adoption.project.profiles["production"].cargo_profile == "release"
    assert not messages(adoption, HAZARD)


def test_an_unknown_value_of_an_option_is_reported_and_takes_no_other_argument() -> None:
    adoption = adopted(makefile="[tasks.b]\nscript = ['cargo build --target %X% --features f']\n")

    assert adoption.project.build.features == ("f",)
    assert "`--target %X%`" in str(messages(adoption, DIFFERENCE))


def test_flags_with_a_condition_count_as_set() -> None:
    flags = (
        '{ value = "-Clink-arg=/DRIVER -Clink-arg=/MAP", condition = { env_not_set = ["NO_MAP"] } }'
    )
    task = "[tasks.b]\ncommand = 'cargo'\nargs = ['build']\n"

    adoption = adopted(makefile=f"{task}env = {{ RUSTFLAGS = {flags} }}\n")

    assert "/MAP" in adoption.project.linker.args


@pytest.mark.parametrize(
    ("setting", "pfx"),
    [
        ("set PFX=own.pfx", "own.pfx"),
        ('@set "PFX=own.pfx"', "own.pfx"),
        ("set DIR=keys\nset PFX=%DIR%\\own.pfx", "keys/own.pfx"),
        ("set PFX=a.pfx\nif defined CI set PFX=b.pfx", "%PFX%"),
        ("if defined CI (\n  set PFX=b.pfx\n)", "%PFX%"),
    ],
)
def test_a_script_knows_the_variables_that_it_sets(setting: str, pfx: str) -> None:
    call = "signtool sign /fd sha256 /f %PFX% /p %PASS% hello.sys"

    adoption = adopted(**{"sign.cmd": f"{setting}\nset PASS=geheim\n{call}\n"})

    assert str(adoption.project.signing.pfx) == pfx
    assert "a password in plain text" in str(messages(adoption, HAZARD))
    assert "geheim" not in adoption.annotated + str(adoption.findings)


def test_other_commands_of_a_script_that_signs_are_reported() -> None:
    script = f"echo x\nsigntool remove /s hello.sys\n{SIGN} hello.sys\nrobocopy . dist hello.sys\n"

    reported = str(messages(adopted(**{"sign.cmd": script}), DIFFERENCE))

    assert "also runs `robocopy`, and" in reported


def test_a_call_of_signtool_whose_file_is_not_known_stays_and_is_reported() -> None:
    makefile = f"""\
[tasks.sign]
script = ["makecert -r -ss S -n CN=A a.cer", "{SIGN} %FILE%.dll"]
[tasks.dist]
dependencies = ["sign"]
"""
    adoption = adopted(makefile=makefile)

    assert "own-sign" in adoption.project.makefile.tasks
    assert adoption.project.makefile.tasks["dist"]["dependencies"] == ("own-sign",)
    assert "does not see what this call" in str(messages(adoption, UNKNOWN))
    assert "no task that signs" not in adoption.annotated


def test_a_target_specification_with_the_linker_arguments_is_the_reason_of_a_refusal(
    tmp_path: Path,
) -> None:
    target = '{\n"llvm-target": "x86_64-pc-windows-msvc",\n"pre-link-args": ["/DRIVER"]\n}\n'

    with pytest.raises(ConfigError) as raised:
        _read(tmp_path, **{".cargo/config.toml": "", "x86_64-kernel.json": target})

    (finding,) = raised.value.findings
    assert "a target specification of its own, x86_64-kernel.json" in finding.message
    assert finding.place is not None
    assert finding.place.line == 3


def test_a_script_that_links_the_driver_is_read_without_a_call_of_signtool() -> None:
    script = (
        "@set OUT=bin\nset FLAGS=/DRIVER /ENTRY:Go\nlink.exe %FLAGS% hello.lib /OUT:%OUT%\\o.sys"
    )

    project = adopted(cargo="", **{"build.cmd": script}).project

    assert (project.driver.output_name, project.driver.entry_point) == ("o", "Go")


def test_the_makefile_of_wdk_build_is_known_by_its_text_too() -> None:
    adoption = adopted(
        makefile='extend = "kit/rust-driver-makefile.toml"\n',
        build="fn main() { wdk_build::configure_wdk_binary_build() }",
        **{
            "kit/rust-driver-makefile.toml": "[tasks.x]\nscript = 'wdk_build::cargo_make::go()'\n",
            "Cargo.toml": WDK,
        },
    )

    assert "does not load wdk-build's makefile" in str(messages(adoption, DIFFERENCE))
    assert "x" not in adoption.project.makefile.tasks


def test_signing_a_copy_of_the_image_is_reported() -> None:
    folder = "target\\\\debug\\\\"
    commands = f'"copy {folder}hello.dll {folder}hello.sys", "{SIGN} dist/hello.sys"'
    makefile = f"[tasks.sign]\nscript = [{commands}]\n"
    same = makefile.replace("dist/", "target/debug/")

    assert "signs dist/hello.sys, a copy" in str(messages(adopted(makefile=makefile), DIFFERENCE))
    assert "a copy" not in str(messages(adopted(makefile=same), DIFFERENCE))


@pytest.mark.parametrize(
    ("alias", "is_reported"),
    [
        ('"run --package xtask --"', True),
        ('["run", "-p", "xtask"]', True),
        ('"build --release"', False),
        ('"run --release"', False),
    ],
)
def test_an_alias_that_runs_a_program_of_the_project_is_reported(
    alias: str, is_reported: bool
) -> None:
    adoption = adopted(cargo=f"{LINKED}[alias]\nxtask = {alias}\n")

    reported = "`cargo xtask` runs a program" in str(messages(adoption, UNKNOWN))
    assert reported is is_reported


def test_a_variable_with_switches_of_signtool_is_reported_and_is_no_file() -> None:
    adoption = adopted(makefile=f"[tasks.sign]\nscript = ['{SIGN} %MORE% out/hello.sys']\n")

    assert adoption.project.signing.subject == "A"
    assert "signtool gets %MORE%" in str(messages(adoption, UNKNOWN))
    assert "sign-after" not in adoption.project.makefile.tasks


def test_a_link_to_cargo_make_in_a_readme_is_not_a_call() -> None:
    readme = "Install cargo make: https://cargo-make.example\nThen `cargo make`\n"
    makefile = "[tasks.default]\nalias = 'go'\n[tasks.go]\ncommand = 'x'\n"

    reported = messages(adopted(makefile=makefile, **{"README.md": readme}), DIFFERENCE)

    assert not any(each.startswith("README.md:1 ") for each in reported)
    assert any(each.startswith("README.md:2 ") for each in reported)
