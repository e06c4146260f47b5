"""The generated Makefile.toml on Windows: in Wine, with cargo-make and signatures that are real."""

from __future__ import annotations

import re
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import tomli_w

from tests.pipeline.support import CONFIG, X64, State
from tests.windows.bed import Windows
from tests.windows.native import TRIPLE
from tests.windows.support import Desk, text

pytestmark = pytest.mark.slow

PLAIN = CONFIG + 'mode = "off"\n'

# --- the day's work ---------------------------------------------------------------------------


def test_signing_makes_one_certificate_and_an_image_that_it_verifies(desk: Desk) -> None:
    desk.make("sign")

    assert desk.verifies()
    assert not desk.sys.samefile(desk.project.dll)
    (signed,) = desk.arguments("signtool")
    assert desk.option("/sha1") == desk.certificate.thumbprint
    assert desk.option("/fd") == "sha256"
    assert "/tr" not in signed
    assert "/t" not in signed


def test_with_nothing_to_do_nothing_is_done(desk: Desk) -> None:
    desk.make("sign")
    before = State.of(desk.sys), State.of(desk.project.dll)
    desk.forget_calls()

    desk.make("sign")

    assert (State.of(desk.sys), State.of(desk.project.dll)) == before
    assert not desk.arguments("signtool")


def test_new_code_is_signed_and_a_lost_or_altered_image_is_made_good(desk: Desk) -> None:
    desk.make("sign")
    first = desk.sys.read_bytes()

    desk.project.say("once more")
    desk.make("sign")
    assert b"once more" in desk.sys.read_bytes()
    assert b"once more" not in first
    assert desk.verifies()

    desk.sys.unlink()
    desk.make("sign")
    assert desk.verifies()

    desk.sys.write_bytes(first)
    desk.make("sign")
    assert b"once more" in desk.sys.read_bytes()
    assert desk.verifies()


def test_another_signing_setting_signs_again_and_links_nothing(desk: Desk) -> None:
    desk.make("sign")
    dll = State.of(desk.project.dll)

    desk.project.generate(CONFIG + 'digest = "sha512"\n')
    desk.make("sign")

    assert desk.option("/fd") == "sha512"
    assert desk.verifies()
    assert State.of(desk.project.dll) == dll


def test_cleaning_removes_the_image_and_leaves_the_certificate(desk: Desk) -> None:
    desk.make("sign")

    desk.make("clean-driver")

    assert not desk.sys.exists()
    assert not desk.project.cer.exists()
    assert desk.certificate.has_key


def test_without_signing_the_image_is_the_dll(desk: Desk) -> None:
    desk.make("sign")
    desk.project.generate(PLAIN)

    assert "not signed" in desk.make("sign")

    assert desk.sys.read_bytes() == desk.project.dll.read_bytes()
    before = State.of(desk.sys)
    desk.make("sign")
    assert State.of(desk.sys) == before
    assert "not signed" in desk.fail("verify")


# --- hooks ------------------------------------------------------------------------------------

HOOKS = "[makefile.hooks]\n" + "".join(
    f'{point} = ["{point} {{{{x}}}}"]\n'
    for point in ("before-build", "after-build", "before-sign", "after-sign")
)


def _noting(point: str, more: str = "") -> str:
    """Return a hook that notes its point and whether there is an image, in cargo-make's shell."""
    return f"""
[makefile.tasks."{point} {{{{x}}}}"]
script_runner = "@duckscript"
script = '''
path = get_env DRIVER_PATH
found = is_file ${{path}}
profile = get_env CARGO_MAKE_PROFILE
appendfile notes "{point} ${{profile}} ${{found}};"
{more}
'''
"""


def test_hooks_run_at_their_points_and_leave_the_image_as_it_is(desk: Desk) -> None:
    notes = desk.project.folder / "notes"
    hooks = HOOKS + _noting("before-build") + _noting("after-build") + _noting("before-sign")
    desk.project.generate(CONFIG + hooks + _noting("after-sign"))

    desk.make("verify")

    assert notes.read_text("utf-8").split(";")[:-1] == [
        "before-build development false",
        "after-build development true",
        "before-sign development true",
        "after-sign development true",
    ]
    assert desk.verifies()

    for point, task in (("after-build", "rename"), ("after-sign", "sign-image")):
        parts = dict.fromkeys(("before-build", "after-build", "before-sign", "after-sign"), "")
        parts[point] = "appendfile ${path} x"
        desk.project.generate(CONFIG + HOOKS + "".join(map(_noting, parts, parts.values())))

        assert f"was changed or removed after the task {task}" in desk.fail("sign")
        assert not desk.sys.exists()


# --- what cannot become a driver --------------------------------------------------------------


def _break_code(desk: Desk) -> None:
    desk.project.edit("src/lib.rs", "fn unload", "fun unload")


def _add_old_cargo_config(desk: Desk) -> None:
    (desk.project.folder / ".cargo/config").touch()


def _nothing(_: Desk) -> None:
    pass


@pytest.mark.parametrize(
    ("prepare", "arguments", "env", "reason"),
    [
        pytest.param(_break_code, ["sign"], {}, "`fun`", id="compile error"),
        pytest.param(
            _nothing,
            ["-e", "DRIVER_TARGET=m68k & x", "build-driver"],
            {},
            "`m68k & x`",
            id="target",
        ),
        pytest.param(_nothing, ["--profile", "night", "build-driver"], {}, "`night`", id="profile"),
        pytest.param(_nothing, ["sign"], {"RUSTFLAGS": "-g"}, "RUSTFLAGS", id="RUSTFLAGS"),
        pytest.param(
            _nothing,
            ["sign"],
            {"CARGO_ENCODED_RUSTFLAGS": "-g"},
            "RUSTFLAGS",
            id="CARGO_ENCODED_RUSTFLAGS",
        ),
        pytest.param(
            _add_old_cargo_config, ["sign"], {}, "delete .cargo/config", id=".cargo/config"
        ),
        pytest.param(
            _nothing,
            ["sign", "--profile", "production"],
            {},
            "cargo make --profile production sign",
            id="options last",
        ),
        pytest.param(_nothing, ["smoke"], {}, "cargo make start", id="smoke"),
    ],
)
def test_what_cannot_become_a_driver_ends_with_the_reason(
    desk: Desk,
    prepare: Callable[[Desk], None],
    arguments: list[str],
    env: dict[str, str],
    reason: str,
) -> None:
    prepare(desk)

    assert reason in desk.fail(*arguments, **env)

    if arguments != ["smoke"]:
        assert not desk.sys.exists()


def test_words_behind_the_task_end_it_before_anything_is_built(desk: Desk) -> None:
    desk.forget_calls()
    for task in ("sign", "stop", "clean-cert", "verify"):
        desk.fail(task, "--profile", "production")
    assert not [words for words in desk.arguments("cargo") if words[0] == "build"]


def test_an_image_that_windows_has_open_ends_with_what_to_do(windows: Windows) -> None:
    desk = Desk.start(windows, PLAIN)
    desk.make("sign")
    before = desk.sys.read_bytes()
    desk.project.say("once more")

    # As Windows has a loaded driver; Wine itself lets it be replaced.
    argv: list[str | Path] = ["hold", windows.path(desk.sys), "cargo", "make", "sign"]
    done = windows.run(argv, desk.project.folder)

    assert done.code != 0
    assert "cannot write" in done.output
    assert "cargo make stop" in done.output
    assert desk.sys.read_bytes() == before
    assert not list(desk.sys.parent.glob(".kdrvgen*"))
    desk.make("sign")
    assert b"once more" in desk.sys.read_bytes()


# --- what is built ----------------------------------------------------------------------------


def test_a_profile_has_flags_of_its_own_and_names_no_folder_of_the_machine(
    windows: Windows,
) -> None:
    own = ['--cfg=a="x y"', "--cfg=b=\"'q' ${HOME} $x & ^ ! # é日 C:\\\\x\""]
    own.append("--cfg=c=\"50% %PATH% %{y} ''' \\\\% \\\\$z\"")
    desk = Desk.start(
        windows,
        CONFIG + f"[profiles.development.linker]\nreproducible = true\nrustflags = {text(own)}\n",
        name="C# & 'my' driver",
    )

    desk.make("build-driver")

    built = next(call for call in desk.arguments("cargo") if call[0] == "build")
    given = tomllib.loads(built[built.index("--config") + 1])
    folder = desk.windows.path(desk.project.folder)
    flags = given["target"][TRIPLE]["rustflags"]
    assert flags[: len(own)] == own
    assert f"--remap-path-prefix={folder}=." in flags
    assert any(re.fullmatch(r"--remap-path-prefix=.*\.cargo=/cargo", flag) for flag in flags)
    assert flags[-1] == "-Clink-arg=/DEBUG:NONE"


def test_every_target_is_signed_and_one_can_be_chosen(desk: Desk) -> None:
    targets = [TRIPLE, "aarch64-pc-windows-msvc" if TRIPLE == X64 else X64]
    desk.project.generate(CONFIG.replace("[signing]", f"targets = {text(targets)}\n[signing]"))
    other = desk.project.output(target=targets[1])

    desk.make("-e", f"DRIVER_TARGET={targets[1]}", "sign")
    assert not desk.sys.exists()
    assert desk.project.verifies(other)
    before = State.of(other)

    desk.make("sign-all")
    assert desk.verifies()
    assert State.of(other) == before


def test_ones_own_tasks_see_where_everything_is(windows: Windows) -> None:
    names = ["DRIVER_OUTPUT", "DRIVER_PATH", "DRIVER_PDB", "DRIVER_CERTIFICATE"]
    config = {
        "driver": {"name": "hello", "output-name": "my & driver (1)"},
        "signing": {"timestamp-url": ""},
        "makefile": {
            "tasks": {
                "show": {
                    "dependencies": ["sign"],
                    "command": "show-args",
                    "args": [f"${{{name}}}" for name in names],
                }
            }
        },
    }
    windows.install_kits()
    desk = Desk.start(windows, tomli_w.dumps(config), name="C# & own é日")

    desk.make("show")

    (shown,) = desk.arguments("show-args")
    output, image, pdb, certificate = map(windows.unix, shown)
    assert output == desk.project.output().parent
    assert image == output / "my & driver (1).sys"
    assert pdb == output / "my & driver (1).pdb"
    assert certificate == output / "my & driver (1).cer"
    for file in (image, pdb, certificate):
        assert file.is_file()


# --- folders of every kind --------------------------------------------------------------------


@pytest.mark.wine
def test_a_project_on_another_drive_is_signed(windows: Windows) -> None:
    windows.install_kits()
    windows.drive("d", windows.home / "drive d")
    desk = Desk.start(windows, name="drive d/my driver é日")

    desk.make("sign")
    desk.make("verify")

    assert desk.verifies()
    (signed,) = desk.arguments("signtool")
    assert signed[-1].startswith("D:\\my driver é日\\")


@pytest.mark.wine
def test_a_target_directory_on_another_drive_is_used(desk: Desk) -> None:
    desk.windows.drive("t", desk.windows.home / "drive t")

    for _ in range(2):
        desk.make("sign", CARGO_TARGET_DIR="T:\\my target/x")

    image = desk.windows.home / f"drive t/my target/x/driver/hello/{X64}/development/hello.sys"
    assert desk.project.verifies(image)
    assert len(desk.arguments("signtool")) == 1
    assert not (desk.project.folder / "target/driver").exists()


@pytest.mark.wine
def test_a_path_longer_than_260_characters_is_signed_and_verified(windows: Windows) -> None:
    windows.install_kits()
    folder = "/".join(["long é日 " + "x" * 40] * 5)
    # The certificate goes elsewhere: Wine does not say what so long a path leads to.
    config = CONFIG.replace("[signing]", f'output-dir = "{folder}"\n[signing]')
    desk = Desk.start(windows, config + 'certificate-file = "test.cer"\n')

    desk.make("sign")
    desk.make("sign")
    desk.make("verify")

    image = desk.project.folder / folder / "hello.sys"
    assert len(windows.path(image)) > 260
    shutil.copy2(desk.project.folder / "test.cer", image.parent)
    assert desk.project.verifies(image)
    (signed,) = desk.arguments("signtool")
    assert len(signed[-1]) < 260
    assert [path.name for path in image.parent.iterdir() if path.name.startswith(".")] == []
    assert not list(windows.prefix.glob("drive_c/users/*/AppData/Local/Temp/.kdrvgen*"))
    desk.make("clean-driver")
    assert not image.exists()


def test_a_drive_that_is_not_there_is_named(windows: Windows) -> None:
    desk = Desk.start(windows)

    output = desk.fail("sign", CARGO_TARGET_DIR="Q:\\gone")

    assert "Q:\\gone" in output, output
    assert "Running Task: rename" not in output


def test_a_variable_that_is_no_unicode_disturbs_no_task(desk: Desk) -> None:
    for task in ("sign", "verify", "clean-driver", "clean-cert"):
        argv: list[str | Path] = ["odd-env", "cargo", "make", "--disable-check-for-updates", task]
        done = desk.windows.run(argv, desk.project.folder)
        assert done.code == 0, done.output
