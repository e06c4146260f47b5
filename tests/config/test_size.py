"""A large configuration takes time in proportion to its size, and its report has a few pages."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from types import FrameType

import pytest

import kdrvgen
from kdrvgen.commands.why import why
from tests.report.support import rendered

DRIVER = '[driver]\nname = "hello"\n'
MANY_ERRORS: dict[str, Callable[[int], str]] = {
    "profiles": lambda n: DRIVER + "".join(f"[profiles.p{i}]\n" for i in range(n)),
    "profiles and unknown keys": lambda n: (
        "".join(f"k{i} = 1\n" for i in range(n))
        + DRIVER
        + "".join(f"[profiles.p{i}]\n" for i in range(n))
    ),
    "unknown keys": lambda n: DRIVER + "".join(f"k{i} = 1\n" for i in range(n)),
    "bad targets": lambda n: DRIVER + "targets = [" + '"x",' * n + "]\n",
    "tasks": lambda n: (
        DRIVER + "".join(f'[makefile.tasks.t{i}]\nalias = "sign-all"\n' for i in range(n))
    ),
    "hooks": lambda n: (
        f"{DRIVER}[makefile.hooks]\nafter-sign = {[f't{i}' for i in range(n)]}\n"
        + "".join(
            f'[makefile.tasks.t{i}]\nextend = "t{i + 1}"\ndependencies = ["t{i + 1}", "sign"]\n'
            for i in range(n)
        )
    ),
    "unknown hooks": lambda n: (
        f"{DRIVER}[makefile.hooks]\nafter-sign = {[f'h{i}' for i in range(n)]}\n"
        + "".join(f"[makefile.tasks.t{i}]\n" for i in range(n))
    ),
    "credentials": lambda n: (
        f"{DRIVER}x = {{ {', '.join(f'password{i} = 1' for i in range(n))} }}\n"
        + "".join(f'token{i} = "{{{{1}}}}" # x\n' for i in range(n))
    ),
}
VALID: dict[str, Callable[[int], str]] = {
    "profiles": lambda n: (
        DRIVER
        + "".join(
            f'[profiles.p{i}]\ncargo-profile = "dev"\nsigning.subject = "s{i}"\n' for i in range(n)
        )
    ),
    "tasks": lambda n: (
        DRIVER + "".join(f'[makefile.tasks.t{i}]\nalias = "sign"\n' for i in range(n))
    ),
    "hooks": lambda n: (
        f"{DRIVER}[makefile.hooks]\nafter-sign = {[f't{i}' for i in range(n)]}\n"
        + "".join(
            f'[makefile.tasks.t{i}]\nextend = "t{i + 1}"\ndependencies = ["t{i + 1}"]\n'
            for i in range(n - 1)
        )
        + f"[makefile.tasks.t{n - 1}]\n"
    ),
}


def steps(work: Callable[[], object]) -> int:
    """Return the number of function calls: a measure of time that is the same in every run."""
    count = 0

    def seen(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        del frame, argument
        count += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(seen)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


def assert_grows_with(size: int, work: Callable[[int], object]) -> None:
    work(size)  # caches and imports
    small = steps(lambda: work(size))
    assert steps(lambda: work(4 * size)) < 6 * small


def error_of(text: str) -> kdrvgen.ConfigError:
    with pytest.raises(kdrvgen.ConfigError) as caught:
        kdrvgen.loads(text)
    assert str(caught.value)
    return caught.value


@pytest.mark.slow
@pytest.mark.parametrize("kind", MANY_ERRORS)
def test_many_errors_take_time_in_proportion(kind: str) -> None:
    assert_grows_with(300, lambda size: error_of(MANY_ERRORS[kind](size)))


@pytest.mark.one_in(8)
@pytest.mark.parametrize("kind", VALID)
def test_many_entries_take_time_in_proportion(kind: str) -> None:
    assert_grows_with(100, lambda size: kdrvgen.render(kdrvgen.loads(VALID[kind](size))))


@pytest.mark.slow
def test_why_renders_no_more_often_for_more_tasks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered = 0

    def counted(project: kdrvgen.Project) -> Mapping[PurePosixPath, str]:
        nonlocal rendered
        rendered += 1
        return kdrvgen.render(project)

    monkeypatch.setattr("kdrvgen.rendering.origin.render_own", counted)

    def renderings(size: int) -> int:
        nonlocal rendered
        config = tmp_path / f"{size}.toml"
        config.write_text(VALID["tasks"](size), encoding="utf-8")
        makefile = kdrvgen.render(kdrvgen.load(config))[PurePosixPath("Makefile.toml")]
        line = makefile.split("\n").index(f"[tasks.t{size // 3}]") + 1
        rendered = 0
        _, reasons = why(config, PurePosixPath("Makefile.toml"), line)
        assert [reason.key for reason in reasons] == [f"makefile.tasks.t{size // 3}"]
        return rendered

    few = renderings(2)
    assert renderings(256) <= few + 2 * 8  # two halves for each power of two


@pytest.mark.parametrize("kind", ["unknown keys", "bad targets"])
def test_the_first_hundred_errors_are_shown_and_the_others_counted(kind: str) -> None:
    error = error_of(MANY_ERRORS[kind](1234))
    assert (len(error.findings), error.omitted) == (100, 1134)
    lines = [found.place.line or 0 for found in error.findings if found.place]
    assert lines == sorted(lines)
    assert str(error).endswith("\n1234 errors in config.toml; only the first 100 are shown\n")
    assert str(error).count(": error: ") == 100


def test_every_format_counts_the_errors_that_it_does_not_show() -> None:
    error = error_of(MANY_ERRORS["unknown keys"](150))
    document = json.loads(rendered(error.findings, "json", error.omitted))
    assert (len(document["findings"]), document["omitted"]) == (100, 50)
    commands = rendered(error.findings, "github", error.omitted).splitlines()
    assert len(commands) == 101
    assert commands[-1] == "::error file=config.toml::not shown: 50 more errors"


def test_a_hundred_errors_are_all_shown() -> None:
    error = error_of(MANY_ERRORS["unknown keys"](100))
    assert (len(error.findings), error.omitted) == (100, 0)
    assert str(error).endswith("\n100 errors in config.toml\n")
