"""Hooks in real runs: where they run, what they see, and what they must not do."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pipeline.conftest import TARGETS, MakeProject
from tests.pipeline.image import Image
from tests.pipeline.support import CONFIG, X64, Project, State, run

pytestmark = pytest.mark.slow

POINTS = ("before-build", "after-build", "before-sign", "after-sign")
NOTE = r"""
state=none
if [ -e "$DRIVER_PATH" ]; then
    state=unsigned
    ! osslsigncode extract-signature -in "$DRIVER_PATH" -out x >/dev/null 2>&1 || state=signed
    rm -f x
fi
[ ! -e "$DRIVER_CERTIFICATE" ] || state="$state+certificate"
[ "$DRIVER_PATH" = "$DRIVER_OUTPUT/$DRIVER_IMAGE" ] || state=elsewhere
echo "{point} $DRIVER_TRIPLE $CARGO_MAKE_PROFILE $state" >> notes
"""


def hooks(**scripts: str) -> str:
    """Return tables with a hook for each point, whose script is given (`before_build=…`)."""
    named = {point.replace("_", "-"): script for point, script in scripts.items()}
    lists = "".join(f'{point} = ["the {point} hook"]\n' for point in named)
    tasks = "".join(
        f"[makefile.tasks.\"the {point} hook\"]\nscript = '''\nset -eu\n{script}\n'''\n"
        for point, script in named.items()
    )
    return f"\n[makefile.hooks]\n{lists}{tasks}"


def noting(**scripts: str) -> str:
    """Return hooks at every point that note what they see, and some that then do more."""
    return hooks(
        **{
            name: NOTE.replace("{point}", name.replace("_", "-")) + scripts.get(name, "")
            for name in (point.replace("-", "_") for point in POINTS)
        }
    )


def notes(project: Project) -> list[str]:
    """Return the lines that the hooks wrote since the last call."""
    path = project.folder / "notes"
    text = path.read_text("utf-8") if path.exists() else ""
    path.unlink(missing_ok=True)
    return text.splitlines()


def changing(project: Project, **scripts: str) -> None:
    """Give the project these hooks instead of those that it has."""
    project.generate(CONFIG + hooks(**scripts))


def test_each_hook_runs_once_at_its_point_and_sees_what_is_there(
    make_project: MakeProject,
) -> None:
    generate = "[ -e src/number.rs ] || echo 'pub const NUMBER: u32 = 7;' > src/number.rs"
    project = make_project(CONFIG + noting(before_build=generate))
    with (project.folder / "src/lib.rs").open("a", encoding="utf-8") as source:
        source.write("mod number;\nconst _: () = assert!(number::NUMBER == 7);\n")

    project.make("verify")  # `sign` is one of its dependencies

    assert notes(project) == [
        f"before-build {X64} development none",
        f"after-build {X64} development unsigned",
        f"before-sign {X64} development unsigned+certificate",
        f"after-sign {X64} development signed+certificate",
    ]
    assert project.verifies()
    image = State.of(project.sys)

    output = project.make("sign")

    assert "is up to date" in output
    assert [line.split()[0] for line in notes(project)] == list(POINTS)
    assert State.of(project.sys) == image

    project.make("rename")
    assert [line.split()[0] for line in notes(project)] == ["before-build", "after-build"]


def test_sign_all_runs_the_hooks_for_each_target(make_project: MakeProject) -> None:
    targets = ", ".join(f'"{target}"' for target in TARGETS)
    config = CONFIG.replace("[driver]", f"[driver]\ntargets = [{targets}]")
    project = make_project(config + noting())

    project.make("--profile", "production", "sign-all")

    assert notes(project) == [
        f"{point} {target} production {state}"
        for target in TARGETS
        for point, state in zip(
            POINTS,
            ("none", "unsigned", "unsigned+certificate", "signed+certificate"),
            strict=True,
        )
    ]


def test_a_hook_that_fails_ends_the_run(project: Project) -> None:
    for index, point in enumerate(POINTS):
        project.generate(CONFIG + noting(**{point.replace("-", "_"): "exit 9"}))

        project.fail("sign")

        assert [line.split()[0] for line in notes(project)] == list(POINTS[: index + 1])
        is_signed = project.sys.exists() and Image.read(project.sys).is_signed
        assert is_signed is (point == "after-sign")
        assert project.dll.exists() is (point != "before-build")


CHANGES = {
    "a byte more": 'printf x >> "$DRIVER_PATH"',
    "another checksum": (
        'header=$(od -An -tu4 -j60 -N4 "$DRIVER_PATH")\n'
        'printf xxxx | dd of="$DRIVER_PATH" bs=1 seek=$((header + 88)) conv=notrunc 2>/dev/null'
    ),
    "another file": 'cp Cargo.toml "$DRIVER_PATH"',
    "a link": 'mv "$DRIVER_PATH" away.sys; ln -s "$PWD/away.sys" "$DRIVER_PATH"',
    "no file": 'rm "$DRIVER_PATH"',
    "a signature": (
        "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=x -keyout k -out c 2>/dev/null\n"
        'osslsigncode sign -key k -certs c -in "$DRIVER_PATH" -out x.sys >/dev/null\n'
        'mv x.sys "$DRIVER_PATH"'
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_an_image_that_a_hook_changed_is_not_signed(project: Project, change: str) -> None:
    for point in ("before_sign", "after_build"):
        changing(project, **{point: change})
        for _ in range(2):
            output = project.fail("sign")

            assert "hello.sys was changed or removed after the task rename" in output
            assert "a hook" in output
            assert not project.sys.is_symlink()
            # Nobody's changes stay: what is there is what was linked.
            assert not project.sys.exists() or project.sys.read_bytes() == project.dll.read_bytes()

    project.generate(CONFIG)
    project.make("sign")
    assert project.verifies()


def test_an_image_that_a_hook_changed_is_refused_without_signing_too(project: Project) -> None:
    off = CONFIG + '[profiles.development]\nsigning.mode = "off"\n'
    project.generate(off + hooks(after_build='printf x >> "$DRIVER_PATH"'))
    assert "was changed or removed after the task rename" in project.fail("sign")
    assert not project.sys.exists()

    project.generate(off + hooks(after_sign='printf x >> "$DRIVER_PATH"'))
    assert "was changed or removed after the task sign-image" in project.fail("sign")

    project.generate(off + hooks(after_sign='test -e "$DRIVER_PATH"'))
    project.make("sign")
    assert project.sys.read_bytes() == project.dll.read_bytes()


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_an_image_that_a_hook_changed_after_signing_ends_the_run(
    project: Project, change: str
) -> None:
    changing(project, after_sign=change.replace("openssl req", "rm -f x.sys; openssl req"))

    for task in ("sign", "sign", "verify"):
        output = project.fail(task)

        assert "hello.sys was changed or removed after the task sign-image" in output
        assert not project.sys.exists() or not Image.read(project.sys).is_signed

    project.generate(CONFIG)
    project.make("sign")
    assert project.verifies()


def test_an_image_that_was_signed_before_is_not_replaced_by_a_hooks(project: Project) -> None:
    project.make("sign")
    changing(project, before_sign=CHANGES["a signature"].replace("sign -key", "sign -nest -key"))

    assert "was changed or removed after the task rename" in project.fail("sign")
    assert not project.sys.exists() or not Image.read(project.sys).is_signed


def test_a_dll_that_a_hook_changed_is_never_signed(project: Project) -> None:
    # In place, so that cargo's own copy, a hard link, changes with it.
    change = 'printf xxxx | dd of="{}" bs=1 seek=78 conv=notrunc 2>/dev/null'.replace(
        "{}", "target/$DRIVER_TRIPLE/debug/hello.dll"
    )
    changing(project, after_build=change)

    output = project.fail("sign")

    assert "hello.dll was changed after the task build-driver linked it" in output
    assert not project.sys.exists()
    # The same change once more would leave the DLL as it is.
    for arguments in (["sign"], ["clean-driver"], ["sign"]):
        done = project.run(*arguments)
    output = done.stdout
    assert done.returncode != 0
    assert "was changed after it was linked, in an earlier run" in output

    project.generate(CONFIG)
    assert "was changed after it was linked, in an earlier run" in project.fail("sign")
    (command,) = (
        line.partition("again: ")[2] for line in output.splitlines() if "cargo clean" in line
    )
    assert run(command.split(), project.folder, project.env).returncode == 0
    project.make("sign")
    assert project.verifies()
    assert b"xxxx" not in project.sys.read_bytes()[:100]
    project.make("sign")


def test_a_dll_that_was_refused_is_taken_when_the_linker_made_it(project: Project) -> None:
    config = CONFIG + "[linker]\nreproducible = true\n"
    project.generate(config)
    project.say("first")
    project.make("sign")
    (project.folder / "first.dll").write_bytes(project.dll.read_bytes())
    project.say("second")
    copy = 'cat first.dll > "target/$DRIVER_TRIPLE/debug/hello.dll"'
    project.generate(config + hooks(after_build=copy))
    assert "was changed after the task build-driver" in project.fail("sign")
    assert "in an earlier run" in project.fail("sign")

    project.generate(config)
    project.say("first")
    for _ in range(2):
        project.make("sign")
        assert project.dll.read_bytes() == (project.folder / "first.dll").read_bytes()


def test_a_hook_cannot_pass_a_changed_dll_off_as_the_image(project: Project) -> None:
    changing(
        project,
        after_build="dll=target/$DRIVER_TRIPLE/debug/hello.dll\n"
        'printf xxxx | dd of="$dll" bs=1 seek=78 conv=notrunc 2>/dev/null\n'
        'cp "$dll" "$DRIVER_PATH"',
    )
    for _ in range(2):
        project.fail("sign")
        assert not project.sys.exists() or not Image.read(project.sys).is_signed


def test_a_run_reports_that_another_run_built_again(project: Project) -> None:
    lib = project.folder / "src/lib.rs"
    project.say("yesterday")
    changing(
        project,
        before_sign=f"[ -e overtaken ] || {{ touch overtaken\nsed -i s/yesterday/today/ '{lib}'\n"
        "cargo make build-driver > /dev/null 2>&1; }",
    )

    output = project.fail("sign")

    assert "another run built" in output
    project.make("sign")
    assert b"loaded today" in project.sys.read_bytes()
    assert project.verifies()


def test_names_of_hooks_reach_cargo_make_as_they_are(
    make_project: MakeProject, tmp_path: Path
) -> None:
    names = ["a \"b\" 'c'", "${HOME} ${:$}", "{{ x }} {% y %}", "-rf;", "a:b\\c #d"]
    written = [name.replace("\\", "\\\\").replace('"', '\\"') for name in names]
    listed = ", ".join(f'"{name}"' for name in written)
    tasks = "".join(
        f'[makefile.tasks."{name}"]\nscript = "echo {index} >> \'{tmp_path}/ran\'"\n'
        for index, name in enumerate(written)
    )
    project = make_project(f"{CONFIG}[makefile.hooks]\nafter-build = [{listed}]\n{tasks}")

    project.make("rename")

    assert (tmp_path / "ran").read_text("utf-8").split() == ["0", "1", "2", "3", "4"]
