"""What projects have around the steps of the pipeline stays, in its order, or is reported."""

from __future__ import annotations

from pathlib import Path

import pytest

import kdrvgen
from kdrvgen.adopt import Adoption, adopt, read_project
from kdrvgen.adopt.read.findings import DIFFERENCE, EQUIVALENT, HAZARD, UNKNOWN
from tests.adopt.support import LINKED, MANIFEST, adopted, messages

TRIPLE = "x86_64-pc-windows-msvc"
PIPELINE = f"""\
[tasks.compile]
script = ["cargo build"]
[tasks.rename]
dependencies = ["compile"]
script = ["ren target\\\\{TRIPLE}\\\\debug\\\\hello.dll hello.sys"]
[tasks.sign]
dependencies = ["rename"]
script = ["signtool sign /fd sha256 /n Own target\\\\{TRIPLE}\\\\debug\\\\hello.sys"]
"""


def write(folder: Path, **files: str) -> Path:
    """Write files by their paths, and return their folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder


def read(folder: Path) -> Adoption:
    return adopt(read_project(str(folder)))


def test_commands_between_the_steps_of_one_task_become_hooks_in_their_order() -> None:
    adoption = adopted(
        makefile="""\
[tasks.all]
script = '''
python gen.py
cargo build
copy /y target\\x86_64-pc-windows-msvc\\debug\\hello.dll out\\hello.sys
symstore add
signtool sign /fd sha256 /n Own out\\hello.sys
upload now
'''
"""
    )

    makefile = adoption.project.makefile
    assert makefile.hooks.before_build == ("all-before",)
    assert makefile.hooks.after_build == ("all-after-build",)
    assert makefile.hooks.after_sign == ("all-after",)
    assert makefile.tasks["all-after-build"]["script"] == "symstore add\n"
    assert makefile.tasks["all"]["dependencies"] == ("sign",)
    assert adoption.project.driver.output_dir == "out"
    assert not messages(adoption, UNKNOWN)


def test_a_dependency_of_a_replaced_task_runs_at_the_same_point() -> None:
    makefile = adopted(
        makefile=PIPELINE.replace('["rename"]', '["rename", "catalog"]')
        + "[tasks.catalog]\nscript = ['inf2cat /os:10_X64']\n"
    ).project.makefile

    assert makefile.hooks.before_sign == ("catalog",)


def test_commands_in_one_line_of_toml_keep_their_own_text() -> None:
    makefile = adopted(
        makefile="[tasks.sign]\n"
        "script = ['signtool sign /n A hello.sys', 'first | thing', 'second thing']\n"
    ).project.makefile

    assert makefile.tasks["sign-after"]["script"] == "first | thing\nsecond thing\n"


def test_a_command_after_the_step_in_the_same_line_is_kept() -> None:
    makefile = adopted(
        makefile="[tasks.sign]\nscript = ['signtool sign /n A hello.sys && notify %A% \"b c\"']\n"
    ).project.makefile

    assert makefile.tasks["sign-after"]["script"] == 'notify %A% "b c"\n'


def test_files_that_signtool_signs_with_the_image_are_signed_after_it() -> None:
    adoption = adopted(
        makefile="[tasks.sign]\n"
        "script = ['signtool sign /fd sha256 /n A tool.exe hello.sys \"my files\\\\*.cat\"']\n"
    )

    script = adoption.project.makefile.tasks["sign-after"]["script"]
    assert script == (
        'signtool sign /fd sha256 /n A "my files\\\\*.cat"\n'
        "signtool sign /fd sha256 /n A tool.exe\n"
    )
    assert adoption.project.driver.output_name == "hello"


def test_a_copied_task_finds_the_image_in_its_new_folder() -> None:
    adoption = adopted(
        makefile=PIPELINE
        + f"""\
[tasks.ship]
dependencies = ["sign"]
script = [
    "copy target\\\\{TRIPLE}\\\\debug\\\\hello.sys X:",
    "copy target\\\\{TRIPLE}\\\\debug\\\\tool.exe X:",
]
[tasks.send]
command = "scp"
args = ["target/{TRIPLE}/debug/hello.pdb", "host:"]
"""
    )

    tasks = adoption.project.makefile.tasks
    assert tasks["ship"]["script"] == (
        'copy "%DRIVER_PATH:/=\\%" X:',
        f"copy target\\{TRIPLE}\\debug\\tool.exe X:",
    )
    assert tasks["send"]["args"] == ("${DRIVER_PDB}", "host:")


def test_a_folder_that_depends_on_the_profile_becomes_a_variable_of_the_pipeline() -> None:
    adoption = adopted(
        makefile="""\
[env.development]
OUT = "target/debug"
[env.production]
OUT = "target/release"
[tasks.rename]
script = ["copy %OUT%\\\\hello.dll %OUT%\\\\pack\\\\hello.sys"]
[tasks.catalog]
script = [
    "inf2cat /driver:%OUT%\\\\pack /os:10_X64",
    "copy target\\\\debug\\\\pack\\\\hello.sys X:",
]
"""
    )

    assert adoption.project.driver.output_dir is None
    script = adoption.project.makefile.tasks["catalog"]["script"]
    assert script == (
        'inf2cat /driver:"%DRIVER_OUTPUT:/=\\%" /os:10_X64',
        "copy target\\debug\\pack\\hello.sys X:",
    )


@pytest.mark.parametrize(
    ("reference", "replacement"),
    [
        ("CARGO_MAKE_CRATE_NAME", "DRIVER_NAME"),
        ("CARGO_MAKE_CRATE_TARGET_DIRECTORY", "DRIVER_TARGET_DIR"),
        ("CARGO_MAKE_CARGO_PROFILE", "DRIVER_CARGO_PROFILE"),
        ("CARGO_MAKE_CRATE_VERSION", "CRATE_VERSION"),
        ("CARGO_MAKE_CRATE_FS_NAME", "CRATE_FS_NAME"),
    ],
)
def test_variables_that_cargo_make_no_longer_sets_are_replaced(
    reference: str, replacement: str
) -> None:
    adoption = adopted(
        **{"Cargo.toml": MANIFEST.replace("edition", 'version = "4.5.6"\nedition')},
        makefile=f"[tasks.a]\ncommand = 'echo'\nargs = ['${{{reference}}}']\n"
        f"[tasks.b]\nscript = ['echo %{reference}%']\n",
    )

    tasks, env = adoption.project.makefile.tasks, adoption.project.makefile.env
    assert tasks["a"]["args"] == (f"${{{replacement}}}",)
    assert tasks["b"]["script"] == (f"echo %{replacement}%",)
    own = {"CRATE_VERSION": "4.5.6", "CRATE_FS_NAME": "hello"}
    assert dict(env) == {name: own[name] for name in own if name == replacement}


def test_a_variable_of_cargo_make_without_replacement_is_reported() -> None:
    adoption = adopted(makefile="[tasks.a]\nscript = ['echo %CARGO_MAKE_GIT_BRANCH%']\n")

    assert "`CARGO_MAKE_GIT_BRANCH`, which the generated makefile" in str(
        messages(adoption, UNKNOWN)
    )


def test_flags_for_one_task_stay_in_this_task() -> None:
    adoption = adopted(
        makefile="""\
[tasks.client]
env = { RUSTFLAGS = "-Cdebuginfo=2", A = "b" }
command = "cargo"
args = ["build", "-p", "a b", "${X}"]
[tasks.all]
dependencies = ["client"]
"""
    )

    tasks = adoption.project.makefile.tasks
    assert tasks["client"]["script"] == ("set RUSTFLAGS=-Cdebuginfo=2", 'cargo build -p "a b" %X%')
    assert tasks["client"]["env"] == {"A": "b"}
    assert tasks["all"]["dependencies"] == ("client",)


def test_a_task_keeps_what_config_toml_accepts() -> None:
    tasks = adopted(
        makefile="[tasks.a]\ncommand = 'x'\ncwd = 3\n[tasks.b]\ndependencies = ['a']\n"
    ).project.makefile.tasks

    assert dict(tasks["a"]) == {"command": "x"}
    assert tasks["b"]["dependencies"] == ("a",)


def test_names_in_cargo_make_commands_follow_renamed_tasks() -> None:
    tasks = adopted(
        makefile="""\
[tasks.start]
script = ["net start hello"]
[tasks.demo]
script = ["cargo make -p production start", "cargo make test"]
[tasks.nested]
command = "cargo"
args = ["make", "start"]
"""
    ).project.makefile.tasks

    assert tasks["demo"]["script"][0] == "cargo make -p production own-start"
    assert tasks["nested"]["args"] == ("make", "own-start")
    assert tasks["test"]["args"] == ("test", "--all-features")


def test_a_script_with_the_old_name_of_a_variable_is_reported() -> None:
    adoption = adopted(
        makefile="[env]\nDRIVER_X = '1'\n[tasks.a]\nscript = ['call run.bat']\n",
        **{"run.bat": "echo %DRIVER_X%\n"},
    )

    assert "the script uses `DRIVER_X`, which is `MY_DRIVER_X`" in str(
        messages(adoption, DIFFERENCE)
    )


def test_features_and_locked_become_keys_of_build() -> None:
    adoption = adopted(
        makefile="""\
[env.production]
MORE = "--no-default-features"
[tasks.build]
command = "cargo"
args = ["build", "-F", "a,b", "--locked", "${MORE}"]
"""
    )

    build = adoption.project.build
    assert (build.features, build.locked, build.default_features) == (("a", "b"), True, True)
    assert not adoption.project.profiles["production"].build.default_features


def test_arguments_of_a_task_of_cargo_make_complete_its_command() -> None:
    makefile = adopted(
        makefile="[tasks.test]\nargs = ['test', '--release']\n[tasks.clippy]\nscript = ['x']\n"
    ).project.makefile

    assert makefile.tasks["test"] == {"command": "cargo", "args": ("test", "--release")}
    assert makefile.tasks["clippy"] == {"script": ("x",)}


def test_variables_of_env_files_come_before_those_of_the_makefile() -> None:
    env = adopted(
        makefile='env_files = ["my.env"]\n[env]\nB = "${A}/x"\n[tasks.a]\nscript = ["echo %B%"]\n',
        **{"my.env": '# text\nA="1 2"\nTOKEN=hunter2horse\n'},
    )

    assert list(env.project.makefile.env.items()) == [("A", "1 2"), ("B", "${A}/x")]
    assert "hunter2horse" not in f"{env.annotated}{env.findings}"


def test_the_last_entry_point_counts() -> None:
    adoption = adopted(
        cargo=LINKED.replace("DRIVER", 'ENTRY:One", "-Clink-arg=/DRIVER", "-Clink-arg=/ENTRY:Two')
    )

    assert adoption.project.driver.entry_point == "Two"
    assert "`/ENTRY:One` has no effect" in str(messages(adoption, EQUIVALENT))
    assert not messages(adoption, DIFFERENCE)


def test_own_build_steps_move_to_a_script_of_their_own() -> None:
    adoption = adopted(build="fn main() { bindgen::run(); }")

    assert adoption.project.driver.build_script == "build_own.rs"
    assert any("rename build.rs to build_own.rs" in step for step in adoption.steps)


def test_a_target_of_gnu_is_refused_for_its_linker() -> None:
    with pytest.raises(kdrvgen.ConfigError, match="whose linker is GNU's"):
        adopted(
            cargo='[build]\ntarget = "x86_64-pc-windows-gnu"\n'
            'rustflags = ["-Clink-arg=-Wl,--subsystem,native"]\n'
        )


def test_a_umdf_driver_is_found_by_the_version_in_its_inf() -> None:
    adoption = adopted(
        cargo=f'[build]\ntarget = "{TRIPLE}"\n',
        makefile="""\
[tasks.package]
script = '''
cargo build
copy hello.inx out\\hello.inf
stampinf -f out\\hello.inf -u 2.33.0
inf2cat /driver:out /os:10_X64
signtool sign /fd sha256 /n A out\\hello.dll
'''
""",
    )

    project = adoption.project
    assert (project.driver.model, project.wdk.framework_version) == ("umdf", "2.33")
    assert project.signing.subject == "A"
    assert (project.package.inx, project.package.operating_systems) == ("hello.inx", ("10_X64",))
    assert (project.makefile.tasks, project.makefile.hooks.after_build) == ({}, ())


@pytest.mark.parametrize("inx", ["hello.inx", "..\\\\hello.inx", "C:\\\\inf\\\\hello.inx"])
def test_only_an_inf_of_the_project_is_proposed(inx: str) -> None:
    makefile = f"""\
[tasks.package]
script = [
    "copy {inx} out\\\\hello.inf",
    "stampinf -f out\\\\hello.inf",
    "signtool sign /fd sha256 /n A out\\\\hello.sys",
]
"""
    proposed = adopted(makefile=makefile).project.package.inx
    assert proposed == ("hello.inx" if inx == "hello.inx" else None)


def test_moving_over_an_earlier_image_is_not_reported_as_a_failure() -> None:
    texts = [
        str(messages(adopted(makefile=f"[tasks.a]\nscript = ['{verb} a.dll a.sys']\n"), HAZARD))
        for verb in ("move", "ren")
    ]

    assert ["fails if an earlier" in text for text in texts] == [False, True]


def test_a_shell_variable_in_cmd_is_reported_as_such() -> None:
    adoption = adopted(
        makefile="[env.production]\nF = '--release'\n[tasks.b]\nscript = ['cargo build $F']\n"
    )

    assert "cmd does not expand `$F`" in str(messages(adoption, HAZARD))


def test_braces_that_stay_in_a_copied_script_are_a_remaining_hazard() -> None:
    adoption = adopted(makefile="[tasks.a]\nscript = ['echo ${X}']\n[env]\nX = '1'\n")

    (hazard,) = [each for each in adoption.findings if each.rule == HAZARD]
    assert hazard.severity.name == "WARNING"
    assert "write `%X%`" in hazard.help


@pytest.mark.parametrize("import_", ["use kit::go;", "use kit::{a, go as go2};", "use kit::*;"])
def test_imported_functions_of_a_helper_crate_are_read(import_: str) -> None:
    call = "go2" if "go2" in import_ else "go"
    adoption = adopted(
        cargo="",
        build=f"{import_}\nfn main() {{ {call}(); }}",
        **{
            "Cargo.toml": MANIFEST + "[build-dependencies]\nkit.workspace = true\n"
            '[workspace]\n[workspace.dependencies]\nkit = { path = "kit" }\n',
            "kit/src/lib.rs": 'pub fn go() { println!("cargo:rustc-cdylib-link-arg=/DRIVER"); }',
        },
    )

    assert "/DRIVER" in str(adoption.project.linker)
    assert adoption.project.driver.build_script is None


def test_a_static_library_is_linked_as_its_script_does(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        **{
            "Cargo.toml": MANIFEST.replace("cdylib", "staticlib"),
            "justfile": "go:\n    link /OUT:o.sys /DRIVER /ENTRY:Go hello.lib\n"
            "    signtool sign /n A o.sys\n",
        },
    )

    adoption = read(folder)

    assert adoption.project.driver.output_name == "o"
    assert adoption.project.driver.entry_point == "Go"
    assert adoption.project.signing.subject == "A"
    assert "a static library, which a linker of your own" in str(messages(adoption, DIFFERENCE))


def test_a_script_of_the_workspace_that_signs_the_image_is_read(tmp_path: Path) -> None:
    write(
        tmp_path,
        **{
            "Cargo.toml": '[workspace]\nmembers = ["d"]\n',
            "sign.cmd": "signtool sign /n A target\\hello.sys\n",
            "other.cmd": "signtool sign /n B target\\other.sys\n",
            "d/Cargo.toml": MANIFEST,
            "d/.cargo/config.toml": LINKED,
        },
    )

    assert read(tmp_path / "d").project.signing.subject == "A"


def test_an_excluded_package_is_not_a_member(tmp_path: Path) -> None:
    write(
        tmp_path,
        **{
            "Cargo.toml": '[workspace]\nexclude = ["d"]\n[profile.dev]\npanic = "abort"\n',
            "Makefile.toml": "[tasks.web]\ncommand = 'x'\n",
            "d/Cargo.toml": MANIFEST + '[profile.dev]\npanic = "abort"\n',
            "d/.cargo/config.toml": LINKED,
        },
    )

    adoption = read(tmp_path / "d")

    assert not adoption.project.makefile.tasks
    assert "workspace member" not in str(messages(adoption, HAZARD))


def test_configurations_above_a_package_without_a_workspace_are_read(tmp_path: Path) -> None:
    write(
        tmp_path,
        **{
            "Makefile.toml": "[tasks.web]\ncommand = 'x'\n",
            ".cargo/config.toml": LINKED,
            "rust-toolchain": "nightly-2024-05-01\n",
            "d/Cargo.toml": MANIFEST,
        },
    )

    project = read(tmp_path / "d").project

    assert project.toolchain.channel == "nightly-2024-05-01"
    assert not project.makefile.tasks


def test_a_makefile_in_lower_case_is_read(tmp_path: Path) -> None:
    write(
        tmp_path,
        **{
            "Cargo.toml": MANIFEST,
            ".cargo/config.toml": LINKED,
            "makefile.TOML": "[tasks.web]\ncommand = 'x'\n",
        },
    )

    adoption = read(tmp_path)

    assert "web" in adoption.project.makefile.tasks
    assert "is named makefile.TOML" in str(messages(adoption, DIFFERENCE))


def test_a_cargo_configuration_in_the_wrong_folder_is_reported() -> None:
    adoption = adopted(**{"config.toml": LINKED})

    assert "cargo reads it only in the folder .cargo" in str(messages(adoption, HAZARD))


@pytest.mark.parametrize(
    "command",
    [
        "set PFX_PASS=hunter2horse",
        "ConvertTo-SecureString -String hunter2horse -AsPlainText",
        'ConvertTo-SecureString "hunter2horse" -AsPlainText -Force',
        "openssl pkcs12 -in a.pfx -passin pass:hunter2horse",
        "azuresigntool sign -kvs hunter2horse a.exe",
        "jsign --storepass hunter2horse a.exe",
        "keytool -storepass hunter2horse",
        "pscp -pw hunter2horse a.exe host:",
        "net use \\\\\\\\vm\\\\c hunter2horse /user:x",
    ],
)
def test_a_password_in_any_spelling_is_not_copied(command: str) -> None:
    adoption = adopted(makefile=f"[tasks.a]\nscript = '''\n{command}\nlogin hunter2horse\n'''\n")

    assert "hunter2horse" not in f"{adoption.annotated}{adoption.findings}{adoption.steps}"
    assert "PFX_PASSWORD" in adoption.text


def test_a_password_of_one_letter_is_not_copied() -> None:
    adoption = adopted(makefile="[tasks.a]\nscript = ['signtool sign /f a.pfx /p Q tool.exe']\n")

    assert "/p Q" not in adoption.text
    assert (
        "storepass Z"
        not in adopted(makefile="[tasks.a]\nscript = ['jsign --storepass Z a.exe']\n").text
    )
    assert "/p %PFX_PASSWORD% tool.exe" in adoption.text


@pytest.mark.parametrize("link", ["/proc/version", "../outside.cmd"])
def test_nothing_outside_the_project_is_read(tmp_path: Path, link: str) -> None:
    project = write(
        tmp_path / "p",
        **{
            "Cargo.toml": MANIFEST,
            ".cargo/config.toml": LINKED,
            "Makefile.toml": f"[tasks.a]\nscript = ['call {link}', 'call b.cmd']\n",
        },
    )
    (tmp_path / "outside.cmd").write_text("signtool sign /n Secret hello.sys\n")
    (project / "b.cmd").symlink_to(Path(link) if link.startswith("/") else tmp_path / "outside.cmd")

    snapshot = read_project(str(project))

    assert set(snapshot.files) == {"Cargo.toml", ".cargo/config.toml", "Makefile.toml"}
    assert "leads out of the project" in snapshot.unreadable["b.cmd"]
