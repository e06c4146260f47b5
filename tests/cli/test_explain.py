"""`kdrvgen explain`: the explanations of keys, switches and terms."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import tomli

import kdrvgen
from kdrvgen.commands.explain import explain
from kdrvgen.inspection.checks import RULES
from kdrvgen.lexicon import Term, entries, look_up
from kdrvgen.lexicon.rules import host_rules
from kdrvgen.lexicon.windows import find_error, windows_errors
from kdrvgen.model.reference import keys
from kdrvgen.packaging.checks.inspect import RULES as PACKAGE_RULES
from kdrvgen.packaging.submission import RULES as SUBMISSION_RULES
from kdrvgen.pipeline import support_files
from kdrvgen.rendering.arguments import known_arguments
from kdrvgen.rendering.environment import environment
from kdrvgen.rendering.flags import target_plan
from tests.cli.conftest import Run

GOLDEN = sorted((Path(__file__).parents[1] / "rendering/golden").glob("*/config.toml"))


@pytest.mark.one_in(8)
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


@pytest.mark.slow
def test_without_a_word_all_terms_are_listed(run: Run) -> None:
    output = " ".join(run("explain").stdout.split())

    assert [term for term in entries() if term not in output] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("word", "near"),
    [("/INTEGRITYCHEK", "/INTEGRITYCHECK"), ("digst", "signing.digest"), ("sginging.mode", "mode")],
)
def test_an_unknown_word_is_an_error_with_a_suggestion(run: Run, word: str, near: str) -> None:
    done = run("explain", word)

    assert done.returncode == 2
    assert near in done.stderr


@pytest.mark.parametrize("word", [":x", "=x", ":", "[]"])
def test_a_word_that_begins_with_a_separator_is_unknown(run: Run, word: str) -> None:
    done = run("explain", word)

    assert (done.returncode, done.stdout) == (2, "")
    assert f"`{word}` is unknown" in done.stderr


@pytest.mark.slow
def test_a_word_unlike_all_terms_gets_no_suggestion(run: Run) -> None:
    done = run("explain", "quux")

    assert done.returncode == 2
    assert "Did you mean" not in done.stderr


def test_every_key_has_an_entry() -> None:
    assert {key.path for key in keys()} <= set(entries())


def _texts_of(entry: Term) -> Iterator[str]:
    """Yield the texts that an entry must have."""
    yield entry.does
    if entry.kind not in {"task", "rule of findings"}:
        yield entry.change
        if entry.kind != "Windows error":
            yield entry.without


def test_every_entry_has_complete_sentences_and_a_source() -> None:
    incomplete = [
        entry.term
        for entry in entries().values()
        if not all(text.endswith((".", "?")) for text in _texts_of(entry))
        or not (entry.source or entry.kind in {"key of config.toml", "rule of findings"})
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


# --- errors of Windows ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "number"),
    [
        ("577", "577"),
        ("0x241", "577"),
        ("0x0241", "577"),
        ("0xC0000428", "577"),
        ("0xc0000428", "577"),
        ("c0000428", ""),
        ("3221226536", "577"),
        ("-1073740760", "577"),
        ("0x80070241", "577"),
        ("-2147024319", "577"),
        ("0xC0000428L", "577"),
        ("ERROR_INVALID_IMAGE_HASH", "577"),
        ("status_invalid_image_hash", "577"),
        ("error 577", "577"),
        ("Error: 577", "577"),
        ("code 31", "31"),
        ("1275", "1275"),
        ("0xC000036B", "1275"),
        ("STATUS_DRIVER_BLOCKED", "1275"),
        ("998", "998"),
        ("1058", "1058"),
        ("3", "3"),
        ("0x800B0109", "0x800B0109"),
        ("0x800b0109", "0x800B0109"),
        ("-2146762487", "0x800B0109"),
        ("578", ""),
        ("0x577", ""),
        ("0xC0000429", ""),
        ("error", ""),
    ],
)
def test_an_error_of_windows_is_known_by_its_names_and_numbers(word: str, number: str) -> None:
    found = find_error(word)
    assert (found.number if found else "") == number


def test_an_error_is_explained_with_the_kernels_number_and_what_to_do(run: Run) -> None:
    output = run("explain", "0xC0000428").stdout

    assert output.startswith("577 (Windows error)\n  Windows does not trust the signature.\n")
    assert "also: ERROR_INVALID_IMAGE_HASH, 0xC0000428 STATUS_INVALID_IMAGE_HASH" in output
    assert "what to do: Turn test signing on, or have" in output
    assert "](" not in output
    (term,) = json.loads(run("explain", "31", "--format", "json").stdout)["terms"]
    assert term["change"] == "Read the log of the driver."


def test_errors_have_unique_names_and_ascending_numbers() -> None:
    names = [name for each in windows_errors().values() for name in each.names]
    assert len(names) == len(set(names))
    numbers = [int(number, 0) for number in windows_errors()]
    assert numbers == sorted(numbers)
    for error in windows_errors().values():
        assert all(re.fullmatch("0x[0-9A-F]{8} STATUS_[A-Z_]+", each) for each in error.kernel)


@pytest.mark.slow
@pytest.mark.parametrize("number", ["4242", "0xC0001234"])
def test_an_unknown_number_is_an_error_that_names_the_tool_of_windows(
    run: Run, number: str
) -> None:
    done = run("explain", number)

    assert done.returncode == 2
    assert f"`net helpmsg {number}` prints its text" in done.stderr


# --- tasks and rules --------------------------------------------------------------------------


def test_every_task_of_a_generated_makefile_is_explained() -> None:
    for config in GOLDEN:
        project = kdrvgen.load(config)
        texts = {path.name: text for path, text in kdrvgen.render(project).items()}
        made = tomli.loads(texts["Makefile.toml"])["tasks"]
        own = {*project.makefile.tasks}
        public = [name for name, task in made.items() if not task.get("private")]
        for name in public:
            assert name in own or f"cargo make {name}" in entries(), name


def test_a_task_is_explained_with_what_runs_before_it(run: Run) -> None:
    for word in ("sign", "cargo make sign"):
        output = " ".join(run("explain", word).stdout.split())
        assert "cargo make sign (task) Sign hello.sys if it or the settings changed." in output
        assert "It runs rename first." in output


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("cargo-panic", "A cargo profile unwinds on a panic."),
        ("refused", "Writing would overwrite your own files or edits."),
        ("host-flags-for-rustc", "What `kdrvgen doctor` checks: `RUSTFLAGS` and similar variables"),
        ("image-format", "The file is not a PE image. Windows loads only images in"),
        ("inf-encoding", ""),
        ("catalog-stale", "A file changed after the catalog was made. The catalog has another"),
        ("package-version", "The version in `DriverVer` is not the file version of the driver."),
        ("submission-size", "The files are too large for a cabinet."),
    ],
)
def test_a_rule_of_a_finding_is_explained(run: Run, rule: str, text: str) -> None:
    done = run("explain", rule)

    assert done.returncode == 0
    assert done.stdout.startswith(f"{rule} (rule of findings)\n")
    assert text in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    ("word", "terms"),
    [
        ("[host-cargo-make]", ["host-cargo-make"]),
        ("[image-format]", ["image-format"]),
        ("flags for rustc", ["host-flags-for-rustc"]),
        ("Secure Boot", ["host-secure-boot"]),
        ("certificate", ["cargo make certificate", "host-certificate"]),
    ],
)
def test_a_finding_is_explained_by_the_name_that_its_line_shows(
    word: str, terms: list[str]
) -> None:
    assert [entry.term for entry in explain(word)] == terms


def test_a_finding_of_doctor_is_explained_with_its_reason_and_what_to_do(run: Run) -> None:
    output = " ".join(run("explain", "memory integrity").stdout.split())

    assert output.startswith("host-memory-integrity (rule of findings) What `kdrvgen doctor`")
    assert "It refuses drivers with a section that is writable and executable." in output
    assert "what to do: Nothing, unless `kdrvgen verify` reports such a section." in output


@pytest.mark.slow
def test_all_rules_of_images_packages_and_submissions_are_listed(run: Run) -> None:
    listed = set(re.findall(r"[\w-]+", run("explain").stdout))
    assert {rule.id for rule in (*RULES, *PACKAGE_RULES, *SUBMISSION_RULES)} <= listed


def test_every_check_of_doctor_is_explained() -> None:
    names = set()
    for file in (Path(kdrvgen.__file__).parent / "doctor").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "Check":
                name = node.args[0]
                if isinstance(name, ast.Constant):
                    names.add(name.value)
    assert names == {rule.name for rule in host_rules().values()}
    incomplete = [rule.name for rule in host_rules().values() if not rule.why.endswith(".")]
    assert incomplete == []
