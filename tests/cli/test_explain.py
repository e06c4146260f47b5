"""`kdrvgen explain`: the explanations of keys, switches and terms."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import tomli

import kdrvgen
from kdrvgen.lexicon import entries, look_up
from kdrvgen.model.reference import keys
from kdrvgen.pipeline import support_files
from kdrvgen.rendering.arguments import known_arguments
from kdrvgen.rendering.environment import environment
from kdrvgen.rendering.flags import target_plan
from tests.cli.conftest import Run

GOLDEN = sorted((Path(__file__).parents[1] / "rendering/golden").glob("*/config.toml"))


@pytest.mark.parametrize(
    ("word", "term", "text"),
    [
        ("linker.args", "linker.args", "default: []"),
        ("entry-point", "driver.entry-point", "driver_entry"),
        ("profiles.lab.signing.digest", "signing.digest", 'default: "sha256"'),
        ("profiles.lab.cargo-profile", "profiles.NAME.cargo-profile", "release"),
        ("linker.args[0]", "linker.args", "preset"),
        ("/INTEGRITYCHECK", "/INTEGRITYCHECK", "passed by preset `kernel` and `blog-2020`"),
        ("-integritycheck", "/INTEGRITYCHECK", "STATUS_ACCESS_DENIED"),
        ("/MAP", "/MAP", "not passed"),
        ("/opt:ref,icf", "/OPT", "equal functions"),
        ("/SUBSYSTEM:WINDOWS", "/SUBSYSTEM:WINDOWS", "UMDF"),
        ("/SUBSYSTEM:NATIVE", "/SUBSYSTEM", "kernel"),
        ("-Clink-arg=/ENTRY:begin", "/ENTRY", "driver.entry-point"),
        ("/fd", "signtool /fd", "signing.digest"),
        ("signtool /tr", "signtool /tr", "RFC 3161"),
        ("-readpass", "osslsigncode -readpass", "pipe"),
        ("skip_core_tasks", "skip_core_tasks", "cargo-make"),
        ("cargo:rustc-link-lib", "cargo:rustc-link-lib", "wdk.libraries"),
    ],
)
def test_a_word_is_explained_with_its_default(run: Run, word: str, term: str, text: str) -> None:
    done = run("explain", "--", word)

    assert done.returncode == 0
    assert done.stdout.startswith(term)
    assert text in " ".join(done.stdout.split())
    document = json.loads(run("explain", "--format", "json", "--", word).stdout)
    assert document["terms"][0]["term"] == term


def test_a_word_with_several_meanings_gets_all_explanations(run: Run) -> None:
    output = run("explain", "rustflags").stdout

    assert "linker.rustflags (key of config.toml)" in output
    assert "rustflags (cargo and rustc)" in output


def test_without_a_word_all_terms_are_listed(run: Run) -> None:
    output = " ".join(run("explain").stdout.split())

    assert [term for term in entries() if term not in output] == []


@pytest.mark.parametrize(
    ("word", "near"),
    [("/INTEGRITYCHEK", "/INTEGRITYCHECK"), ("digst", "signing.digest"), ("sginging.mode", "mode")],
)
def test_an_unknown_word_is_an_error_with_a_suggestion(run: Run, word: str, near: str) -> None:
    done = run("explain", word)

    assert done.returncode == 2
    assert near in done.stderr


def test_a_word_unlike_all_terms_gets_no_suggestion(run: Run) -> None:
    done = run("explain", "quux")

    assert done.returncode == 2
    assert "Did you mean" not in done.stderr


def test_every_key_has_an_entry() -> None:
    assert {key.path for key in keys()} <= set(entries())


def test_every_entry_has_complete_sentences_and_a_source() -> None:
    incomplete = [
        entry.term
        for entry in entries().values()
        if not all(text.endswith((".", "?")) for text in (entry.does, entry.change, entry.without))
        or not (entry.source or entry.kind == "key of config.toml")
    ]
    assert incomplete == []


def test_every_linker_argument_of_the_generated_files_is_explained() -> None:
    assert [each for each in known_arguments() if not look_up(each)] == []


@pytest.mark.parametrize("config", GOLDEN, ids=lambda path: path.parent.name)
def test_every_term_of_a_generated_file_is_explained(config: Path) -> None:
    # The terms in [cargo-config] are those of cargo.
    project = kdrvgen.load(config).model_copy(update={"cargo_config": {}})
    for path, text in kdrvgen.render(project).items():
        words = set(re.findall(r"cargo:[a-z-]+", text)) - {"cargo:rustc-env"}
        if path.name == "Makefile.toml":
            own = tomli.loads(config.read_text(encoding="utf-8")).get("makefile", {})
            makefile = tomli.loads(text)
            words |= set(makefile["config"])
            for name, task in makefile["tasks"].items():
                if name not in own.get("tasks", {}):
                    words |= {key for key in task if key not in {"windows", "linux", "mac"}}
        elif path.parent.name == ".cargo":
            found = tomli.loads(text)
            for target in found.get("target", {}).values():
                flags = target.get("rustflags", [])
                words |= {flag for flag in flags if "link-arg" in flag} | set(target)
            words |= {f"build.{key}" for key in found["build"]} | set(found.get("unstable", {}))
        assert [word for word in words if not look_up(word)] == []


def test_every_variable_of_the_tasks_is_explained() -> None:
    project = kdrvgen.load(GOLDEN[0])
    found = environment(project, [target_plan(project, each) for each in project.driver.triples])
    assert [name for name in found.places if name not in entries()] == []


@pytest.mark.parametrize(
    ("tool", "switch"),
    [("signtool", r'"(/[a-z][a-z0-9]*)"'), ("osslsigncode", r'"(-[A-Za-z][A-Za-z0-9-]*)"')],
)
def test_every_switch_that_the_pipeline_passes_is_explained(tool: str, switch: str) -> None:
    sources = {path.as_posix(): text for path, text in support_files().items()}
    texts = [
        text for path, text in sources.items() if path.endswith((f"/{tool}.rs", "verify/unix.rs"))
    ]
    passed = {found for text in texts for found in re.findall(switch, text)}

    assert [each for each in sorted(passed) if f"{tool} {each}" not in entries()] == []
