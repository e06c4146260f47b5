"""What adopt makes of each command, option and key that it knows."""

from __future__ import annotations

import pytest

from kdrvgen.adopt.read.findings import DIFFERENCE, EQUIVALENT, HAZARD, UNKNOWN
from tests.adopt.support import LINKED, MANIFEST, adopted, messages

TRIPLE = "x86_64-pc-windows-msvc"
SIGN = "signtool sign /fd sha256 /n A hello.sys"
ROLES = {
    "build-driver": "cargo build",
    "rename": "copy hello.dll hello.sys",
    "certificate": "makecert -r -ss S -n CN=A a.cer",
    "sign": SIGN,
}


def task(name: str, *lines: str) -> str:
    return f"[tasks.{name}]\nscript = '''\n" + "\n".join(lines) + "\n'''\n"


@pytest.mark.parametrize(
    "command",
    [
        *("@echo off", "echo a", "echo.", "setlocal enabledelayedexpansion", "endlocal", "exit 1"),
        *("pause", "title x", "cls", "write-host x", "timeout 5", "exit /b %ERRORLEVEL%"),
        *("del hello.sys", "erase /q hello.sys", "rm -f hello.sys", "remove-item hello.sys"),
        *("rem x", "REM", ":: x", "# x"),
    ],
)
def test_a_command_that_only_prints_or_cleans_up_needs_no_task(command: str) -> None:
    adoption = adopted(makefile=task("sign", command, SIGN, command))

    assert not adoption.project.makefile.tasks
    assert "does more than make the driver" not in str(messages(adoption, EQUIVALENT))


@pytest.mark.parametrize("command", ["del out.pdb", "del a.sys a.cat", "del", "erase *.*"])
def test_deleting_something_else_stays_a_task(command: str) -> None:
    tasks = adopted(makefile=task("sign", command, SIGN)).project.makefile.tasks

    assert tasks["sign-before"]["script"] == f"{command}\n"


@pytest.mark.parametrize(
    ("before", "folder"),
    [
        ("cd out", "out"),
        ("chdir out", "out"),
        ("pushd out", "out"),
        ("Set-Location out", "out"),
        ("cd /d out", "out"),
        ("cd out\\deep\\..", "out"),
        ("cd", None),
        ("pushd out\npopd", None),
        ("pushd out\npushd deep\npopd", "out"),
        ("popd", None),
        ("cd C:\\out", None),
        ("cd %OUT%", None),
        ("cd $OUT", None),
        ("cd /out", None),
        ("cd out\ncd ..", None),
        ("cd out & cd deep", "out/deep"),
    ],
)
def test_a_script_runs_in_the_folder_that_it_changes_to(before: str, folder: str | None) -> None:
    project = adopted(makefile=task("rename", *before.split("\n"), "copy a.dll seen.sys")).project

    assert project.driver.output_name == "seen"
    assert project.driver.output_dir == folder


@pytest.mark.parametrize(
    "script",
    [
        "vcvars64.bat",
        "vcvarsall.bat x64",
        "VsDevCmd.bat",
        "LaunchBuildEnv.cmd",
        "SetupBuildEnv.cmd",
    ],
)
def test_the_developer_environment_is_not_needed(script: str) -> None:
    adoption = adopted(makefile=task("sign", f'call "C:\\Kits\\{script}"', SIGN))

    assert "sets up the developer environment" in str(messages(adoption, EQUIVALENT))
    assert not adoption.project.makefile.tasks
    adoption = adopted(
        makefile=task("sign", f'call "C:\\Microsoft Visual Studio\\2022\\VC\\{script}"', SIGN)
    )
    assert "the path contains one edition of Visual Studio" in str(messages(adoption, HAZARD))


@pytest.mark.parametrize(
    "switch",
    [
        *("n", "ss", "sr", "a", "eku", "len", "m", "b", "e", "sv", "sk", "sky", "sp", "sy", "cy"),
        *("d", "i", "ic", "ik", "iky", "in", "ip", "ir", "is", "iv", "l", "nscp"),
    ],
)
def test_the_value_of_a_switch_of_makecert_is_not_its_file(switch: str) -> None:
    makefile = task("sign", f"makecert -r a.cer -{switch} b.cer", SIGN.replace("/n A", "/a"))
    adoption = adopted(makefile=makefile)

    assert adoption.project.signing.mode == "test"
    assert adoption.project.signing.certificate_file == "a.cer"


@pytest.mark.parametrize(
    ("variable", "value"),
    {
        "CARGO_MAKE_CRATE_NAME": "my-driver",
        "CARGO_MAKE_CRATE_FS_NAME": "my_driver",
        "CARGO_MAKE_PROFILE": "development",
        "CARGO_MAKE_CARGO_PROFILE": "dev",
        "CARGO_MAKE_CRATE_TARGET_DIRECTORY": "target",
    }.items(),
)
def test_a_variable_of_cargo_make_has_its_value_in_a_script(variable: str, value: str) -> None:
    manifest = MANIFEST.replace("hello", "my-driver")
    project = adopted(
        makefile=task("rename", f"copy a.dll x-%{variable}%.sys"), **{"Cargo.toml": manifest}
    ).project

    assert project.driver.output_name == f"x-{value}"


@pytest.mark.parametrize(
    "condition",
    [
        *("windows", 'target_os = "windows"', 'target_family="windows"', 'target_env = "msvc"'),
        'all(windows, target_env = "msvc")',
    ],
)
def test_flags_for_windows_are_flags_of_the_driver(condition: str) -> None:
    flags = (
        f"[target.'cfg({condition})']\n"
        "rustflags = ['-Clink-arg=/DRIVER', '-Clink-arg=/ENTRY:Seen']\n"
    )

    assert adopted(cargo=LINKED + flags).project.driver.entry_point == "Seen"
    other = adopted(cargo=LINKED + flags.replace("cfg(", "cfg(not(").replace(")'", "))'"))
    assert "does not evaluate" in str(messages(other, UNKNOWN))
    assert other.project.driver.entry_point != "Seen"


PLAIN = {
    "cwd": "'.'",
    "env": "{ A = 'b' }",
    "dependencies": "[]",
    "ignore_errors": "true",
    "script_extension": "'cmd'",
    "description": "'x'",
    "category": "'x'",
    "private": "true",
    "workspace": "false",
    "clear": "true",
}


@pytest.mark.parametrize("key", [*PLAIN, "condition", "toolchain"])
def test_a_service_task_with_a_key_that_matters_stays(key: str) -> None:
    makefile = (
        f"[tasks.load]\n{key} = {PLAIN.get(key, '{ }')}\n"
        "script = ['sc create Seen type= kernel binPath= hello.sys']\n"
    )

    tasks = adopted(makefile=makefile).project.makefile.tasks

    assert ("script" in tasks["load"]) == (key not in PLAIN)


@pytest.mark.parametrize(
    ("role", "before", "after"),
    [
        ("build-driver", "before-build", "after-build"),
        ("rename", "after-build", "after-build"),
        ("certificate", "before-sign", "before-sign"),
        ("sign", "before-sign", "after-sign"),
    ],
)
def test_what_surrounds_a_step_runs_at_its_point(role: str, before: str, after: str) -> None:
    others = "".join(task(f"other-{name}", ROLES[name]) for name in ROLES if name != role)
    makefile = (
        task("own", "first thing", ROLES[role], "last thing")
        + "dependencies = ['needed']\n[tasks.needed]\ncommand = 'x'\n"
        + others
    )

    project = adopted(makefile=makefile).project

    hooks = project.makefile.hooks.model_dump(by_alias=True)
    points = {name: point for point, names in hooks.items() for name in names or ()}
    inner = f"own-{after}" if role != "sign" else "own-after"
    assert points["own-before"] == before
    assert points["needed"] == before
    assert points.get("own-after", points.get(inner)) == after
    scripts = [each.get("script") for each in project.makefile.tasks.values()]
    assert {"first thing\n", "last thing\n"} <= {*scripts}
    assert project.makefile.tasks["own"] == {"dependencies": (role,)}


@pytest.mark.parametrize(
    "call",
    [
        *("cargo make", "cargo.exe make", "makers", "makers.exe", "cargo make -p production"),
        *("cargo make --profile production", "cargo make --profile=production", "makers -e A=b"),
        *("makers --env A=b -l info", "makers --loglevel info", "cargo make --no-workspace"),
        "cargo make --quiet",
    ],
)
def test_a_script_runs_a_renamed_task_by_its_new_name(call: str) -> None:
    makefile = task("start", "x") + task("a", f"{call} start", f"echo {call}")

    script = adopted(makefile=makefile).project.makefile.tasks["a"]["script"]

    assert script == f"{call} own-start\necho {call}\n"


@pytest.mark.parametrize(("command", "args"), [("cargo", ["make", "start"]), ("makers", ["start"])])
def test_a_command_runs_a_renamed_task_by_its_new_name(command: str, args: list[str]) -> None:
    makefile = task("start", "x") + f"[tasks.a]\ncommand = '{command}'\nargs = {args}\n"

    tasks = adopted(makefile=makefile).project.makefile.tasks

    assert tasks["a"]["args"] == (*args[:-1], "own-start")
    other = task("start", "x") + f"[tasks.a]\ncommand = 'other'\nargs = {args}\n"
    assert adopted(makefile=other).project.makefile.tasks["a"]["args"] == tuple(args)


@pytest.mark.parametrize(
    "key", ["dependencies", "alias", "run_task", "windows_alias", "linux_alias", "mac_alias"]
)
def test_a_key_that_names_tasks_follows_their_new_names(key: str) -> None:
    value = "['start', { name = 'start' }]" if key == "dependencies" else "'start'"
    makefile = task("start", "x") + f"[tasks.a]\n{key} = {value}\ncommand = 'x'\n"

    tasks = adopted(makefile=makefile).project.makefile.tasks

    assert "own-start" in str(tasks["a"][key])


@pytest.mark.parametrize(
    ("flags", "pre", "post"),
    [
        ("-C link-arg=/A -Clink-arg=/B", "", "/A /B"),
        ("--codegen link-arg=/A --codegen=link_arg=/B", "", "/A /B"),
        ("-Z pre-link-arg=/A -Zpre-link-arg=/B", "/A /B", ""),
    ],
)
def test_each_spelling_of_a_linker_argument_is_read(flags: str, pre: str, post: str) -> None:
    cargo = f"[build]\ntarget = '{TRIPLE}'\nrustflags = '-Clink-arg=/DRIVER {flags}'\n"
    project = adopted(cargo=cargo).project

    assert project.linker.pre_args == tuple(pre.split())
    assert project.linker.args == ("/DRIVER", *post.split())


def test_several_linker_arguments_in_one_flag_are_read() -> None:
    cargo = (
        f"[build]\ntarget = '{TRIPLE}'\n"
        "rustflags = ['-C', 'link-args=/DRIVER /A', '-Zpre-link-args=/B /C']\n"
    )
    project = adopted(cargo=cargo).project

    assert project.linker.pre_args == ("/B", "/C")
    assert project.linker.args == ("/DRIVER", "/A")


@pytest.mark.parametrize(
    "flag",
    [
        *("-L x", "-l x", "--cfg a", "--check-cfg cfg(a)", "--cap-lints warn", "-A dead_code"),
        *("-W unused", "-D warnings", "-F unsafe_code", "-C debuginfo=2", "-Cdebuginfo=2", "-g"),
    ],
)
def test_another_flag_of_rustc_is_kept_with_its_value(flag: str) -> None:
    words = ", ".join(f'"{word}"' for word in flag.split())
    cargo = f'[build]\ntarget = "{TRIPLE}"\nrustflags = [{words}, "-Clink-arg=/DRIVER"]\n'

    project = adopted(cargo=cargo).project

    assert project.linker.rustflags == tuple(flag.split())
    assert project.linker.args == ("/DRIVER",)


@pytest.mark.parametrize(
    "flag", ["--out-dir", "-o", "--target", "--crate-type", "--crate-name", "--emit"]
)
def test_a_flag_that_cargo_sets_is_left_out(flag: str) -> None:
    cargo = f'[build]\ntarget = "{TRIPLE}"\nrustflags = ["{flag}", "x", "-Clink-arg=/DRIVER"]\n'

    adoption = adopted(cargo=cargo)

    assert not adoption.project.linker.rustflags
    assert f"cargo itself sets `{flag}`" in str(messages(adoption, DIFFERENCE))


@pytest.mark.parametrize(
    ("text", "channel"),
    [
        ("nightly", "nightly"),
        ("nightly-2024-05-01", "nightly-2024-05-01"),
        ("1.80", "1.80"),
        ("1.80.1-x86_64-pc-windows-msvc", "1.80.1"),
        ("beta-x86_64-pc-windows-gnu", "beta"),
        ("nightly-2024-05-01-x86_64-pc-windows-msvc", "nightly-2024-05-01"),
        ("[toolchain]\nchannel = 'beta'\n", "beta"),
    ],
)
def test_the_channel_of_a_toolchain_file_is_read(text: str, channel: str) -> None:
    adoption = adopted(**{"rust-toolchain": text})

    assert adoption.project.toolchain.channel == channel
    names_host = "the channel names a host" in str(messages(adoption, DIFFERENCE))
    assert names_host == ("-pc-" in text)


@pytest.mark.parametrize(
    "switches",
    [
        *("-c", "-Command", "-ExecutionPolicy Bypass -c", "-ep Bypass -NoProfile -c"),
        *("-ex Bypass -c", "-Version 5.1 -c", "-InputFormat None -c", "-NoLogo"),
    ],
)
def test_a_command_of_powershell_is_read(switches: str) -> None:
    for shell in ("powershell", "pwsh", "powershell.exe"):
        project = adopted(makefile=task("sign", f"{shell} {switches} {SIGN}")).project
        assert project.signing.subject == "A"


@pytest.mark.parametrize("switches", ["-File", "-f", "-ExecutionPolicy Bypass -File", ""])
@pytest.mark.parametrize("name", ["sign.ps1", "sign.cmd", "sign.bat", "sign.sh"])
def test_a_script_of_powershell_is_read(switches: str, name: str) -> None:
    project = adopted(
        makefile=task("sign", f"powershell {switches} {name}"), **{name: SIGN}
    ).project

    assert project.signing.subject == "A"
