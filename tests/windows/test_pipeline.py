"""The generated Makefile.toml on Windows: in Wine, with cargo-make and signatures that are real."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable

import pytest

from tests.pipeline.support import CONFIG, X64, State
from tests.windows.bed import Windows
from tests.windows.support import Desk, text

pytestmark = pytest.mark.slow

# --- the day's work ---------------------------------------------------------------------------


def test_signing_makes_one_certificate_and_an_image_that_it_verifies(first_day: Desk) -> None:
    first_day.make("sign")

    assert first_day.verifies()
    assert not first_day.sys.samefile(first_day.project.dll)
    (certificate,) = first_day.windows.certificates()
    (made,) = first_day.arguments("makecert")
    assert made[made.index("-eku") + 1] == "1.3.6.1.5.5.7.3.3"
    (signed,) = first_day.arguments("signtool")
    assert first_day.option("/sha1").lower() == certificate.stem
    assert first_day.option("/fd") == "sha256"
    assert "/tr" not in signed
    assert "/t" not in signed


def test_with_nothing_to_do_nothing_is_done(desk: Desk) -> None:
    desk.make("sign")
    before = State.of(desk.sys), State.of(desk.project.dll)
    desk.forget_calls()

    desk.make("sign")

    assert (State.of(desk.sys), State.of(desk.project.dll)) == before
    assert not desk.arguments("signtool") + desk.arguments("makecert")


def test_new_code_is_signed_and_a_lost_or_altered_image_is_made_good(desk: Desk) -> None:
    desk.make("sign")
    first = desk.sys.read_bytes()

    desk.project.say("once more")
    desk.make("sign")
    second = desk.sys.read_bytes()
    assert b"once more" in second
    assert b"once more" not in first
    assert desk.verifies()

    desk.sys.unlink()
    desk.make("sign")
    assert desk.verifies()

    desk.sys.write_bytes(first)
    desk.make("sign")
    assert b"once more" in desk.sys.read_bytes()
    assert desk.verifies()
    assert not desk.arguments("makecert")


def test_another_signing_setting_signs_again_and_links_nothing(desk: Desk) -> None:
    desk.make("sign")
    dll = State.of(desk.project.dll)

    desk.project.generate(CONFIG + 'digest = "sha512"\n')
    desk.make("sign")

    assert desk.option("/fd") == "sha512"
    assert desk.verifies()
    assert State.of(desk.project.dll) == dll


def test_cleaning_removes_image_and_build_and_leaves_the_certificate(desk: Desk) -> None:
    desk.make("sign")

    desk.make("clean-driver")

    assert not desk.sys.exists()
    assert not desk.project.dll.exists()
    assert len(desk.windows.certificates()) == 1


def test_without_signing_the_image_is_the_dll(desk: Desk) -> None:
    desk.make("sign")
    desk.project.generate(CONFIG + 'mode = "off"\n')

    assert "not signed" in desk.make("sign")

    assert desk.sys.read_bytes() == desk.project.dll.read_bytes()
    before = State.of(desk.sys)
    desk.make("sign")
    assert State.of(desk.sys) == before
    assert "not signed" in desk.fail("verify")


# --- what cannot become a driver --------------------------------------------------------------


def _break_code(desk: Desk) -> None:
    desk.project.edit("src/lib.rs", "unsafe extern", "unsafe extrn")


def _add_old_cargo_config(desk: Desk) -> None:
    (desk.project.folder / ".cargo/config").touch()


def _nothing(_: Desk) -> None:
    pass


@pytest.mark.parametrize(
    ("prepare", "arguments", "env", "reason"),
    [
        pytest.param(_break_code, ["sign"], {}, "extrn", id="compile error"),
        pytest.param(
            _nothing, ["-e", "DRIVER_TARGET=m68k & x", "sign"], {}, "'m68k & x'", id="target"
        ),
        pytest.param(_nothing, ["--profile", "night", "sign"], {}, "'night'", id="profile"),
        pytest.param(_nothing, ["sign"], {"RUSTFLAGS": "-g"}, "RUSTFLAGS", id="RUSTFLAGS"),
        pytest.param(
            _nothing,
            ["sign"],
            {"CARGO_ENCODED_RUSTFLAGS": "-g"},
            "RUSTFLAGS",
            id="CARGO_ENCODED_RUSTFLAGS",
        ),
        pytest.param(_add_old_cargo_config, ["sign"], {}, "delete the former", id=".cargo/config"),
        pytest.param(
            _nothing,
            ["sign", "--profile", "production"],
            {},
            "cargo make --profile production sign",
            id="options last",
        ),
    ],
)
def test_what_cannot_become_a_driver_ends_with_the_reason(
    windows: Windows,
    prepare: Callable[[Desk], None],
    arguments: list[str],
    env: dict[str, str],
    reason: str,
) -> None:
    desk = Desk.start(windows)
    prepare(desk)

    assert reason in desk.fail(*arguments, **env)

    assert not desk.sys.exists()


def test_an_image_that_windows_has_loaded_ends_with_what_to_do(desk: Desk) -> None:
    desk.make("sign")
    loaded = desk.sys.read_bytes()
    path = desk.windows.path(desk.sys)
    try:
        for words in (["create", "hello", "type=", "kernel", "binPath=", path], ["start", "hello"]):
            done = desk.windows.run(["sc", *words])
            assert done.code == 0, done.said
        desk.project.say("once more")

        assert "cargo make stop" in desk.fail("sign")

        assert desk.sys.read_bytes() == loaded
    finally:
        desk.windows.run(["sc", "stop", "hello"])
        desk.windows.run(["sc", "delete", "hello"])
    desk.make("sign")
    assert desk.verifies()


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
    flags = given["target"][X64]["rustflags"]
    assert flags[:-2] == [*own, f"--remap-path-prefix={folder}=."]
    assert re.fullmatch(r"--remap-path-prefix=.*\.cargo=/cargo", flags[-2])
    assert flags[-1] == "-Clink-arg=/DEBUG:NONE"


def test_every_target_is_signed_and_one_may_be_asked_for(desk: Desk) -> None:
    targets = [X64, "aarch64-pc-windows-msvc"]
    desk.project.generate(CONFIG.replace("[signing]", f"targets = {text(targets)}\n[signing]"))
    arm = desk.project.built(target=targets[1])

    desk.make("-e", f"DRIVER_TARGET={targets[1]}", "sign")
    assert not desk.sys.exists()
    assert desk.project.verifies(arm)
    before = State.of(arm)

    desk.make("sign-all")
    assert desk.verifies()
    assert State.of(arm) == before
