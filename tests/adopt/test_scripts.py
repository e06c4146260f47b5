"""How adopt reads scripts: conditions of cmd, other scripts, and what remains of a task."""

from __future__ import annotations

import pytest

from kdrvgen.adopt.read.findings import DIFFERENCE, EQUIVALENT, HAZARD, UNKNOWN
from tests.adopt.support import adopted, messages

TRIPLE = "x86_64-pc-windows-msvc"
SIGN = "signtool sign /fd sha256 /n A hello.sys"


def task(name: str, *lines: str) -> str:
    """Return a task with a script."""
    return f"[tasks.{name}]\nscript = '''\n" + "\n".join(lines) + "\n'''\n"


@pytest.mark.parametrize(
    "before",
    [
        "if exist hello.sys",
        "if not exist hello.cat",
        "if defined CI",
        "if not defined CI",
        "if errorlevel 1",
        'if "%CI%"=="true"',
        'if /i "%CI%"=="true"',
        'if /i not "%CI%" == "true"',
        *(f"if %CI% {comparison} 1" for comparison in ("equ", "neq", "lss", "leq", "gtr", "geq")),
        "for %%f in (a b) do",
        'if exist "my file" if "a"=="b"',
        "if exist x ( echo y ) else",
        "if exist x (",
        "cmd /c",
        "cmd /d /c",
        "call",
        "start",
        "@",
        "powershell -ExecutionPolicy Bypass -Command",
        "echo begin &&",
        "verify | find x ||",
    ],
)
def test_the_command_after_a_condition_or_a_launcher_is_read(before: str) -> None:
    end = ")" if before.endswith("(") else ""
    signing = adopted(makefile=task("sign", f"{before} {SIGN} {end}")).project.signing

    assert signing.subject == "A"


def test_a_bracket_after_the_first_word_is_an_argument() -> None:
    adoption = adopted(makefile=task("build-driver", "cargo build ( --release"))

    assert "the task passes `(` to cargo" in str(messages(adoption, DIFFERENCE))


@pytest.mark.parametrize(
    ("command", "role"),
    [
        ("cargo build --release", "build-driver"),
        ("copy hello.dll seen.sys", "rename"),
        ("makecert -r -ss S -n CN=A a.cer", "certificate"),
        (SIGN, "sign"),
    ],
)
@pytest.mark.parametrize("is_alone", [True, False])
def test_a_called_script_replaces_its_call_if_it_signs_or_does_nothing_else(
    command: str, role: str, *, is_alone: bool
) -> None:
    script = command if is_alone else f"{command}\nother thing"

    makefile = task("a", "call all.cmd") + ("" if role == "sign" else task("sign", SIGN))
    tasks = adopted(makefile=makefile, **{"all.cmd": script}).project.makefile.tasks

    is_replaced = is_alone or role == "sign"
    assert tasks["a"] == (
        {"dependencies": (role,)} if is_replaced else {"script": "call all.cmd\n"}
    )
    assert ("a-after" in tasks) == (role == "sign" and not is_alone)


@pytest.mark.parametrize("part", ["pre", "main", "post"])
def test_every_part_of_a_script_table_is_read(part: str) -> None:
    adoption = adopted(makefile=f"[tasks.sign]\nscript = {{ {part} = '{SIGN}' }}\n")

    assert adoption.project.signing.subject == "A"


@pytest.mark.parametrize("name", ["pack.cmd", "missing.cmd"])
def test_a_path_in_the_call_of_another_script_follows_the_image(name: str) -> None:
    folder = f"target\\{TRIPLE}\\debug"
    tasks = adopted(
        makefile=task("rename", f"copy {folder}\\hello.dll {folder}\\hello.sys")
        + task("pack", f"call {name} {folder}\\hello.sys {folder}\\a-very-long-name.inf"),
        **{"pack.cmd": "zip %1"},
    ).project.makefile.tasks

    assert tasks["pack"]["script"] == (
        f'call {name} "%DRIVER_PATH:/=\\%" "%DRIVER_OUTPUT:/=\\%\\a-very-long-name.inf"\n'
    )


def test_a_variable_stays_in_the_call_that_signs_the_other_files() -> None:
    tasks = adopted(
        makefile="[env]\nTOOL = 'tool.exe'\n"
        + task("sign", "signtool sign /fd sha256 /n A %TOOL% hello.sys"),
    ).project.makefile.tasks

    assert tasks["sign-after"]["script"] == "signtool sign /fd sha256 /n A %TOOL%\n"


def test_the_setup_before_a_kept_command_is_kept_and_none_after_it() -> None:
    tasks = adopted(makefile=task("sign", SIGN, "cd x", "notify", "cd y")).project.makefile.tasks

    assert tasks["sign-after"]["script"] == "cd x\nnotify\n"


def test_braces_in_a_command_that_becomes_a_task_are_a_hazard() -> None:
    adoption = adopted(makefile=task("sign", SIGN, "notify ${X}"))

    (hazard,) = [each for each in adoption.findings if "`${X}`" in each.message]
    assert hazard.help == "the task `sign-after` still has it: write `%X%`"


def test_a_variable_of_a_replaced_task_is_reported() -> None:
    adoption = adopted(makefile=task("sign", "set MODE=full", SIGN))

    assert adoption.project.makefile.env["MODE"] == "full"
    (finding,) = [each for each in adoption.findings if "MODE" in each.message]
    assert finding.message == "`sign` sets MODE only for itself"
    assert finding.help == "the proposal sets it for all tasks"


def test_making_the_folder_of_the_image_needs_no_task() -> None:
    makefile = task("rename", "mkdir out", "md other", "copy hello.dll out\\hello.sys")

    project = adopted(makefile=makefile).project

    assert project.driver.output_dir == "out"
    assert {name: each.get("script") for name, each in project.makefile.tasks.items()} == {
        "rename-before": "if not exist other md other\n"
    }


@pytest.mark.parametrize(
    ("verb", "what"),
    [
        *((verb, "fails if an earlier image exists") for verb in ("rename", "ren", "rename-item")),
        ("move-item", "fails if an earlier image exists"),
        *((verb, "removes the .dll") for verb in ("move", "mv")),
        *((verb, "") for verb in ("copy", "cp", "xcopy", "copy-item")),
    ],
)
def test_a_command_that_moves_the_dll_is_a_hazard(verb: str, what: str) -> None:
    adoption = adopted(makefile=task("rename", f"{verb} hello.dll seen.sys"))

    text = str(messages(adoption, HAZARD))
    assert adoption.project.driver.output_name == "seen"
    assert what in text
    assert ("removes the .dll" in text) == bool(what)
    assert ("fails if" in text) == ("fails" in what)


@pytest.mark.parametrize("target", ["hello.bak", "backup\\\\", "hello.sys.txt"])
def test_a_copy_of_the_dll_that_is_no_image_stays_a_task(target: str) -> None:
    project = adopted(makefile=f"[tasks.a]\nscript = ['copy hello.dll {target}']\n").project

    assert project.driver.output_name is None
    assert "copy hello.dll" in str(project.makefile.tasks["a"]["script"])


READ_KEYS = {
    "cwd": "'.'",
    "env": "{ A = 'b' }",
    "dependencies": "[]",
    "run_task": "'x'",
    "alias": "'x'",
    "windows_alias": "'x'",
    "linux_alias": "'x'",
    "mac_alias": "'x'",
    "ignore_errors": "false",
    "toolchain": "'stable'",
    "script_extension": "'cmd'",
    "script_runner": "'@shell'",
    "description": "'x'",
    "category": "'x'",
    "private": "true",
    "workspace": "false",
    "clear": "true",
    "extend": "'x'",
}


@pytest.mark.parametrize("key", [*READ_KEYS, "condition", "watch"])
def test_a_key_that_changes_a_replaced_task_is_reported(key: str) -> None:
    value = READ_KEYS.get(key, "{ platforms = ['linux'] }")
    adoption = adopted(makefile=f"[tasks.sign]\n{key} = {value}\nscript = ['{SIGN}']\n")

    text = f"kdrvgen ignores `{key}` of `sign` and assumes that it always runs"
    assert (text in str(messages(adoption, UNKNOWN))) == (key not in READ_KEYS)


@pytest.mark.parametrize(("built", "used"), [("debug", "release"), ("release", "debug")])
def test_an_image_of_another_profile_is_a_hazard(built: str, used: str) -> None:
    folder = f"target\\{TRIPLE}\\{used}"
    build = "cargo build --release" if built == "release" else "cargo build"
    adoption = adopted(
        makefile=task("sign", build, f"copy {folder}\\hello.dll {folder}\\hello.sys", SIGN)
    )

    message = f"the profile `development` builds {built}, but the image comes from {used}"
    (hazard,) = [each for each in adoption.findings if each.message == message]
    assert hazard.help == "the generated pipeline uses the file that cargo reports"


def test_the_flags_of_a_copied_script_stay_in_it() -> None:
    adoption = adopted(
        makefile="[tasks.a]\nenv = { RUSTFLAGS = '-Cdebuginfo=2' }\nscript = 'cargo doc\\u0020x'\n"
        "[tasks.b]\nenv = { RUSTFLAGS = '-Cdebuginfo=2' }\nscript = ['cargo doc', 'ls']\n"
        "[tasks.c]\nenv = { RUSTFLAGS = '-Cdebuginfo=2' }\nscript_runner = '@duckscript'\n"
        "script = ['x']\n".replace("\\u0020", " ")
    )

    tasks = adoption.project.makefile.tasks
    assert tasks["a"]["script"] == "set RUSTFLAGS=-Cdebuginfo=2\ncargo doc x"
    assert tasks["b"]["script"] == ("set RUSTFLAGS=-Cdebuginfo=2", "cargo doc", "ls")
    assert tasks["c"]["script"] == ("x",)
    assert "`c` sets RUSTFLAGS, which replaces" in str(messages(adoption, DIFFERENCE))
    assert "cargo-make keeps it for later tasks" in str(messages(adoption, EQUIVALENT))


def test_a_missing_dependency_is_left_out() -> None:
    makefile = "[tasks.a]\ndependencies = ['b', 'c']\ncwd = 'd'\n[tasks.b]\ncommand = 'x'\n"
    adoption = adopted(makefile=makefile)

    assert adoption.project.makefile.tasks["a"] == {"dependencies": ("b",), "cwd": "d"}
    (message,) = messages(adoption, DIFFERENCE)
    assert "`a` depends on `c`, which is a task of cargo-make or does not exist" in message


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("build-release", ("build", "--release", "--all-features")),
        ("check", ("check",)),
        ("clean", ("clean",)),
        ("clippy", ("clippy",)),
        ("format", ("fmt",)),
        ("test", ("test", "--all-features")),
    ],
)
def test_a_task_of_cargo_make_that_another_needs_is_added(name: str, args: tuple[str]) -> None:
    makefile = f"[tasks.all]\ndependencies = ['{name}']\n"

    tasks = adopted(makefile=makefile).project.makefile.tasks
    assert tasks[name] == {"command": "cargo", "args": args}
    tasks = adopted(makefile=f"{makefile}[tasks.{name}]\ncwd = 'x'\n").project.makefile.tasks
    assert tasks[name] == {"command": "cargo", "args": args, "cwd": "x"}
    skipping = f"[config]\nskip_core_tasks = true\n{makefile}"
    assert name not in adopted(makefile=skipping).project.makefile.tasks


@pytest.mark.parametrize(
    "work",
    [
        *("command = 'x'", "script = ['x']", "run_task = 'all'", "alias = 'all'"),
        "dependencies = ['all']",
    ],
)
def test_a_task_that_says_what_it_does_inherits_nothing(work: str) -> None:
    tasks = adopted(
        makefile=f"[tasks.all]\ncommand = 'y'\n[tasks.clippy]\n{work}\n"
    ).project.makefile.tasks

    assert len(tasks["clippy"]) == 1


@pytest.mark.parametrize(
    "key", ["command", "script", "run_task", "dependencies", "alias", "extend"]
)
def test_a_task_without_a_refused_value_stays_if_it_still_does_something(key: str) -> None:
    value = "['b']" if key == "dependencies" else "'b'"
    makefile = f"[tasks.b]\ncommand = 'x'\n[tasks.a]\n{key} = {value}\ncwd = 'x\\u0007'\n"

    adoption = adopted(makefile=makefile.replace("'x\\u0007'", '"x\\u0007"'))

    assert [*adoption.project.makefile.tasks["a"]] == [key]
    assert "does not accept this `makefile.tasks.a.cwd`" in str(messages(adoption, DIFFERENCE))


def test_only_the_refused_element_of_an_array_is_removed() -> None:
    makefile = '[tasks.a]\ncommand = "x"\nargs = ["one", "\\u202e", "two", "three"]\n'

    args = adopted(makefile=makefile).project.makefile.tasks["a"]["args"]

    assert args == ("one", "two", "three")
