"""`kdrvgen CONFIG` and its modes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest

from kdrvgen.cli import main
from kdrvgen.pipeline import support_files
from kdrvgen.rendering.header import seal_support, unseal
from tests.program import run_kdrvgen
from tests.tools import need

Run = Callable[..., subprocess.CompletedProcess[str]]
OUTPUTS = (".cargo/config.toml", "Makefile.toml", "build.rs")
SUPPORT = tuple(f".kdrvgen/{path}" for path in support_files())
SUMMED = ".kdrvgen/"


def listed(word: str) -> str:
    return "".join(f"{word:9}  {path}\n" for path in sorted((*OUTPUTS, SUMMED)))


def test_one_line_is_printed_for_each_file(run: Run) -> None:
    first = run("config.toml")
    assert (first.returncode, first.stdout, first.stderr) == (0, listed("created"), "")
    second = run("config.toml")
    assert (second.returncode, second.stdout, second.stderr) == (0, listed("unchanged"), "")


def test_quiet_prints_nothing_on_success(run: Run) -> None:
    done = run("config.toml", "-q")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_files_are_beside_the_configuration_or_in_the_output_folder(
    run: Run, project: Path, tmp_path: Path
) -> None:
    assert run(project / "config.toml", cwd=tmp_path).returncode == 0
    assert (project / "build.rs").exists()
    assert run("config.toml", "-o", "../other").returncode == 0
    for path in OUTPUTS:
        assert (tmp_path / "other" / path).read_bytes() == (project / path).read_bytes()


def test_github_obeys_no_line_of_a_diff(run: Run, project: Path) -> None:
    run("config.toml")
    with (project / "build.rs").open("a", encoding="utf-8") as file:
        file.write("::error::x\n")
    tokens = set()
    for _ in range(2):
        done = run("config.toml", "--check", "--format", "github")
        found = re.search(r"(?ms)^::stop-commands::(\w{16,})\n(.*?)^::\1::$", done.stdout)
        assert found
        assert "-::error::x\n" in found[2]
        assert "error::x" not in done.stdout.replace(found[0], "")
        tokens.add(found[1])
    assert len(tokens) == 2


def test_check_reports_missing_files_and_writes_nothing(run: Run, project: Path) -> None:
    done = run("config.toml", "--check")
    assert done.returncode == 4
    assert done.stdout == listed("create")
    assert "Run `kdrvgen config.toml`" in done.stderr
    whole = run("config.toml", "--check", "-v").stdout
    assert "\n--- /dev/null\n+++ b/.cargo/config.toml\n" in whole
    assert [path.name for path in project.iterdir()] == ["config.toml"]


def test_check_succeeds_after_a_run_and_with_windows_line_ends(run: Run, project: Path) -> None:
    run("config.toml")
    assert run("config.toml", "--check").returncode == 0
    for path in (*OUTPUTS, *SUPPORT):
        file = project / path
        file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    for _ in range(2):  # found out, then known
        done = run("config.toml", "--check")
        assert (done.returncode, done.stdout) == (0, listed("kept"))


def test_check_reports_an_edited_file(run: Run, project: Path) -> None:
    run("config.toml")
    with (project / "build.rs").open("a", encoding="utf-8") as file:
        file.write("// mine\n")
    done = run("config.toml", "--check")
    assert done.returncode == 4
    assert "refuse     build.rs (edited by hand since kdrvgen wrote it)\n" in done.stdout
    assert "\n-// mine\n" in done.stdout


def test_check_finds_a_stale_cargo_configuration_of_its_own(run: Run, project: Path) -> None:
    config = project / "config.toml"
    before = config.read_text("utf-8")
    config.write_text(before + '[toolchain]\ncargo-config = ".cargo/config"\n', "utf-8")
    run("config.toml")
    stale = (project / ".cargo" / "config").read_text("utf-8")
    config.write_text(before, "utf-8")
    run("config.toml")
    assert not (project / ".cargo" / "config").exists()
    (project / ".cargo" / "config").write_text(stale, "utf-8")
    done = run("config.toml", "--check")
    assert done.returncode == 4
    assert "remove     .cargo/config (" in done.stdout


@pytest.mark.slow
def test_diff_prints_what_patch_applies_and_nothing_else(run: Run, project: Path) -> None:
    need("patch")
    run("config.toml")
    config = project / "config.toml"
    config.write_text(config.read_text("utf-8").replace("hello", "other"), "utf-8")
    done = run("config.toml", "--diff")
    assert done.returncode == 0
    assert done.stdout.startswith("--- a/")
    before = {path: (project / path).read_bytes() for path in OUTPUTS}
    subprocess.run(["patch", "-p1", "-s"], input=done.stdout, text=True, check=True, cwd=project)
    assert before != {path: (project / path).read_bytes() for path in OUTPUTS}
    assert run("config.toml", "--check").returncode == 0
    assert run("config.toml", "--diff").stdout == ""


def lines_of(project: Path, path: str) -> int:
    return (project / path).read_text("utf-8").count("\n")


def test_the_first_diff_has_a_line_for_each_new_file(run: Run, project: Path) -> None:
    first, quiet, whole = (run("config.toml", "--diff", *more) for more in ((), ("-q",), ("-v",)))
    assert [path.name for path in project.iterdir()] == ["config.toml"]
    run("config.toml")
    support = [path for path in project.joinpath(".kdrvgen").rglob("*") if path.is_file()]
    total = sum(path.read_text("utf-8").count("\n") for path in support)
    summary = (
        f"create     .cargo/config.toml ({lines_of(project, '.cargo/config.toml')} lines)\n"
        f"create     .kdrvgen/ ({len(support)} files, {total} lines)\n"
        f"create     Makefile.toml ({lines_of(project, 'Makefile.toml')} lines)\n"
        f"create     build.rs ({lines_of(project, 'build.rs')} lines)\n"
    )
    assert first.stdout == f"{summary}-v shows the lines of these files\n"
    assert quiet.stdout == summary
    assert whole.stdout.startswith("create     .kdrvgen/ (")
    assert re.findall(r"(?m)^\+\+\+ b/(.*)$", whole.stdout) == [
        ".cargo/config.toml",
        "Makefile.toml",
        "build.rs",
    ]


@pytest.mark.parametrize(("kept", "is_short"), [(10, True), (11, False)])
def test_a_diff_has_one_line_for_a_file_that_keeps_less_than_half_of_its_lines(
    run: Run, project: Path, kept: int, *, is_short: bool
) -> None:
    run("config.toml")
    build = project / "build.rs"
    own = "".join(f"// {number}\n" for number in range(11))
    after = build.read_text("utf-8")
    build.write_text("".join(after.splitlines(keepends=True)[3 : 3 + kept]) + own, "utf-8")
    added = after.count("\n") - kept
    done = run("config.toml", "--diff")
    line = f"refuse     build.rs (not written by kdrvgen: {added} lines replace 11)\n"
    assert (line in done.stdout) == is_short
    assert ("-// 10\n" in done.stdout) != is_short
    for words in (("--diff", "-v"), ("--check",)):
        assert "-// 10\n" in run("config.toml", *words).stdout


def test_a_diff_in_json_has_all_lines(run: Run, project: Path) -> None:
    (project / "build.rs").write_text("fn main() {}\n", "utf-8")
    document = json.loads(run("config.toml", "--diff", "--format", "json").stdout)
    diffs = {each["path"]: (each["status"], each["diff"]) for each in document["files"]}
    assert diffs["build.rs"][0] == "refused"
    assert "-fn main() {}\n" in diffs["build.rs"][1]
    assert diffs["Makefile.toml"][0] == "created"
    assert diffs["Makefile.toml"][1].startswith("--- /dev/null\n+++ b/Makefile.toml\n")


def test_dry_run_lists_changes_and_has_the_exit_code_of_a_run(run: Run, project: Path) -> None:
    done = run("config.toml", "--dry-run")
    assert (done.returncode, done.stdout) == (0, listed("create"))
    (project / "build.rs").write_text("fn main() {}\n", "utf-8")
    done = run("config.toml", "--dry-run")
    assert done.returncode == 5
    assert "refuse     build.rs (not written by kdrvgen)\n" in done.stdout
    assert sorted(path.name for path in project.iterdir()) == ["build.rs", "config.toml"]


def test_a_foreign_file_is_refused_with_a_summary_until_force_is_given(
    run: Run, project: Path
) -> None:
    (project / "build.rs").write_text("fn main() {} // mine\n", "utf-8")
    done = run("config.toml")
    assert done.returncode == 5
    assert "mine" not in done.stdout + done.stderr
    reason = r"build\.rs: not written by kdrvgen; kdrvgen would add \d+ lines and remove 1 line\n"
    assert re.search(f"{reason}--diff -v shows the lines", done.stderr)
    assert "\n-fn main() {} // mine\n" in run("config.toml", "--diff", "-v").stdout
    assert "--force" in done.stderr
    assert not (project / "Makefile.toml").exists()
    assert run("config.toml", "--force").returncode == 0
    assert "mine" not in (project / "build.rs").read_text("utf-8")


def test_every_run_warns_about_a_foreign_cargo_configuration(run: Run, project: Path) -> None:
    (project / ".cargo").mkdir()
    (project / ".cargo" / "config").write_text("[build]\n", "utf-8")
    for _ in range(3):
        done = run("config.toml", "-q")
        assert done.returncode == 0
        assert done.stderr.startswith(".cargo/config: warning: not written by kdrvgen, and cargo")


def test_ejected_files_are_not_changed_by_later_runs(run: Run, project: Path) -> None:
    run("config.toml")
    (project / "build.rs").write_bytes(
        (project / "build.rs").read_bytes().replace(b"\n", b"\r\n") + b"// mine\r\n"
    )
    done = run("eject", "config.toml")
    assert done.returncode == 0
    assert "updated    build.rs (yours now)\n" in done.stdout
    for path in (*OUTPUTS, *SUPPORT):
        assert "kdrvgen-digest" not in (project / path).read_text("utf-8")
    assert (project / "build.rs").read_bytes().startswith(b"// Ejected from kdrvgen: ")
    assert (project / "build.rs").read_bytes().endswith(b"\r\n// mine\r\n")
    assert b"\n" not in (project / "build.rs").read_bytes().replace(b"\r\n", b"")
    assert run("eject", "config.toml").stdout.count("(yours already)") == 4
    before = {path: (project / path).read_bytes() for path in (*OUTPUTS, *SUPPORT)}
    for words in ((), ("--check",), ("--force",), ("--diff",)):
        assert run("config.toml", *words).returncode == 0
    assert before == {path: (project / path).read_bytes() for path in (*OUTPUTS, *SUPPORT)}


@pytest.mark.slow
def test_an_ejected_file_is_not_changed_and_the_others_are_updated(run: Run, project: Path) -> None:
    run("config.toml")
    (project / "src").mkdir()
    done = run("eject", "../build.rs", "../.cargo/config.toml", cwd=project / "src")
    assert (done.returncode, done.stdout.count("(yours now)")) == (0, 2)
    mine = (project / "build.rs").read_text("utf-8") + "// mine\n"
    for content in (mine, "// my license\n\n" + mine, "\ufeff" + mine.replace("\n", "\r\n")):
        (project / "build.rs").write_text(content, "utf-8", newline="")
        (project / "config.toml").write_text('[driver]\nname = "hello"\n', "utf-8")
        assert "ejected    build.rs\n" in run("config.toml").stdout
        assert run("config.toml", "--check").returncode == 0
        assert "ejected    build.rs\n" in run("config.toml").stdout  # nothing has changed
        (project / "config.toml").write_text('[driver]\nname = "other"\n', "utf-8")
        assert "updated    Makefile.toml\n" in run("config.toml", "--force").stdout
        assert (project / "build.rs").read_bytes() == content.encode()

    (project / "build.rs").unlink()
    assert "created    build.rs\n" in run("config.toml").stdout
    assert run("why", ".cargo/config.toml:5").returncode == 2


def test_a_folder_is_ejected_with_the_generated_files_in_it(run: Run, project: Path) -> None:
    assert run("config.toml").returncode == 0
    (project / "notes.txt").write_text("mine\n", "utf-8")
    assert run("eject", ".kdrvgen").stdout == "updated    .kdrvgen/ (yours now)\n"
    assert "Ejected from kdrvgen" in (project / ".kdrvgen" / "kit.rs").read_text("utf-8")
    assert "ejected    .kdrvgen/\n" in run("config.toml", "--check").stdout
    assert "updated    build.rs (yours now)\n" in run("eject", ".").stdout
    assert (project / "notes.txt").read_text("utf-8") == "mine\n"


def test_a_folder_without_generated_files_is_reported(run: Run, project: Path) -> None:
    (project / "src").mkdir()
    done = run("eject", "src")
    assert done.returncode == 2
    assert "kdrvgen does not generate src from config.toml" in done.stderr
    (project / "config.toml").rename(project / "other.toml")
    assert "name one with --config" in run("eject", "src").stderr


def test_a_file_in_another_folder_is_named_by_its_path_in_the_project(project: Path) -> None:
    (project / "src").mkdir()
    done = run_kdrvgen("eject", "build.rs", cwd=project / "src")
    assert done.returncode == 2
    assert "does not generate src/build.rs from ../config.toml" in done.stderr


def test_a_folder_whose_generated_files_are_missing_is_reported(run: Run, project: Path) -> None:
    (project / ".kdrvgen").mkdir()
    done = run("eject", ".kdrvgen")
    assert done.returncode == 2
    assert "kdrvgen does not generate .kdrvgen from config.toml" in done.stderr


def test_the_users_own_file_is_refused_until_it_is_ejected(run: Run, project: Path) -> None:
    (project / "build.rs").write_text("fn main() {}\n", "utf-8")
    assert run("config.toml").returncode == 5
    assert run("eject", "build.rs").returncode == 0
    assert (project / "build.rs").read_text("utf-8").endswith("\n\nfn main() {}\n")
    assert run("config.toml").returncode == 0
    assert run("config.toml", "--check").returncode == 0


def test_headers_and_messages_name_the_configuration_by_its_name(run: Run, project: Path) -> None:
    (project / "config.toml").rename(project / "kdrvgen.toml")
    (project / "src").mkdir()
    assert run("src", "-o", "elsewhere").returncode == 2
    assert run("kdrvgen.toml").returncode == 0
    for path in OUTPUTS:
        text = (project / path).read_text("utf-8")
        assert "from kdrvgen.toml: change that file, then run `kdrvgen kdrvgen.toml`." in text
        assert not re.search(r"(?<!\.cargo/)config\.toml", text.replace('"config.toml"', ""))
    lines = (project / "Makefile.toml").read_text("utf-8").split("\n")
    line = lines.index('DRIVER_NAME = "hello"') + 1
    assert "kdrvgen.toml:2" in run("why", f"Makefile.toml:{line}").stdout
    assert run("eject", "build.rs").returncode == 0
    (project / "Makefile.toml").write_text("mine\n", "utf-8")
    assert "`kdrvgen kdrvgen.toml --force`" in run("kdrvgen.toml", "--check").stderr


def test_an_ejected_makefile_does_not_name_the_configuration(run: Run, project: Path) -> None:
    run("config.toml")
    assert run("eject", "Makefile.toml").returncode == 0
    text = (project / "Makefile.toml").read_text("utf-8")
    assert "DRIVER_CONFIG" not in text
    assert tomllib.loads(text)["env"]["DRIVER_NAME"] == "hello"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["src/lib.rs"],
            "kdrvgen does not generate src/lib.rs from config.toml. It generates .cargo/",
        ),
        (["build.rs", "config.toml"], "kdrvgen does not generate config.toml"),
        (["Makefile.toml"], "Makefile.toml does not exist: run `kdrvgen config.toml` first"),
        (["../Makefile.toml"], "../Makefile.toml does not exist"),
    ],
)
def test_a_file_that_cannot_be_ejected_is_reported(
    run: Run, project: Path, words: list[str], message: str
) -> None:
    (project / "build.rs").write_text("fn main() {}\n", "utf-8")
    done = run("eject", *words)
    assert done.returncode == 2
    assert message in done.stderr
    assert (project / "build.rs").read_text("utf-8") == "fn main() {}\n"


@pytest.mark.slow
def test_eight_runs_at_once_all_succeed_and_leave_no_litter(project: Path) -> None:
    runs = [
        subprocess.Popen(
            [sys.executable, "-m", "kdrvgen", "config.toml"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(8)
    ]
    outcomes = [(*each.communicate(), each.returncode) for each in runs]
    assert [(errors, code) for _, errors, code in outcomes] == [("", 0)] * 8
    assert sorted(out for out, _, _ in outcomes) == [listed("created")] + [listed("unchanged")] * 7
    found = {p.relative_to(project).as_posix() for p in project.rglob("*") if p.is_file()}
    assert found == {"config.toml", *OUTPUTS, *SUPPORT}


@pytest.mark.slow
def test_a_full_disk_changes_nothing(run: Run, project: Path) -> None:
    run("config.toml", "-o", "../full")
    saved = project.parent / "full"
    files = {path: (saved / path).read_bytes() for path in (*OUTPUTS, *SUPPORT)}
    script = (
        "mount -t tmpfs -o size=4m none ../full || exit 99\n"
        "cp -r ../saved/. ../full && sed -i s/hello/other/ config.toml\n"
        "cat /dev/zero 2>/dev/null >../full/ballast\n"
        '"$0" -m kdrvgen config.toml -o ../full; echo "exit $?"\n'
        "rm ../full/ballast; cp -rT ../full ../after\n"
    )
    (project.parent / "full").rename(project.parent / "saved")
    (project.parent / "full").mkdir()
    need("unshare")
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script, sys.executable],
        capture_output=True,
        check=False,
        text=True,
    )
    if done.returncode == 99 or "unshare" in done.stderr:
        pytest.skip("this machine lets nobody mount a small disk")
    assert done.stdout == "exit 8\n"
    assert "No space left on device. Nothing was changed. Free space" in done.stderr
    after = project.parent / "after"
    found = {
        p.relative_to(after).as_posix(): p.read_bytes() for p in after.rglob("*") if p.is_file()
    }
    assert found == files


def test_json_is_one_document_for_success_and_failure(run: Run, project: Path) -> None:
    done = json.loads(run("config.toml", "--format", "json").stdout)
    assert done["exit-code"] == 0
    assert [(file["path"], file["status"]) for file in done["files"]] == [
        (path, "created") for path in sorted((*OUTPUTS, *SUPPORT), key=PurePosixPath)
    ]
    assert json.loads(run("config.toml", "--format", "json").stdout)["files"][0] == {
        "path": ".cargo/config.toml",
        "status": "unchanged",
        "reason": "",
    }
    (project / "build.rs").write_text("mine\n", "utf-8")
    failed = run("config.toml", "--format", "json")
    document = json.loads(failed.stdout)
    assert (failed.returncode, document["exit-code"], failed.stderr) == (5, 5, "")
    assert document["files"][-1]["diff"].startswith("--- a/build.rs\n")
    first, last = document["findings"]
    assert (first["rule"], first["message"]) == ("refused-file", "not written by kdrvgen")
    assert first["place"] == {"file": "build.rs", "line": None, "column": None}
    assert (last["rule"], last["place"]) == ("refused", None)
    (project / "config.toml").write_text("[driver]\nnmae = 'x'\n", "utf-8")
    document = json.loads(run("config.toml", "--format", "json").stdout)
    assert document["exit-code"] == 3
    assert {found["place"]["file"] for found in document["findings"]} == {"config.toml"}
    document = json.loads(run("config.toml", "--chek", "--format=json").stdout)
    assert document["exit-code"] == 2


def test_github_gets_an_annotation_for_each_file_and_no_command_from_a_file(
    run: Run, project: Path
) -> None:
    (project / "build.rs").write_text("::error::gotcha\n", "utf-8")
    lines = run("config.toml", "--check", "--format", "github").stdout.splitlines()
    assert "::error file=build.rs::not written by kdrvgen" in lines
    assert "::error file=Makefile.toml::does not match the configuration" in lines
    stop = next(n for n, line in enumerate(lines) if "--- a/build.rs" in line) - 1
    assert lines[stop].startswith("::stop-commands::")
    token = lines[stop].removeprefix("::stop-commands::")
    inside = lines[stop + 1 : lines.index(f"::{token}::", stop)]
    assert "-::error::gotcha" in inside
    (project / "config.toml").write_text("[driver]\nnmae = 'x'\n", "utf-8")
    assert "::error file=config.toml,line=2," in run("config.toml", "--format", "github").stdout


def test_color_is_used_on_terminals_and_on_request(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    del project
    monkeypatch.setenv("TERM", "xterm")
    assert main(["config.toml"]) == 0
    assert "\x1b" not in capsys.readouterr().out
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    assert main(["config.toml"]) == 0
    assert capsys.readouterr().out.startswith("\x1b[2munchanged\x1b[0m  .cargo/config.toml\n")
    monkeypatch.setenv("NO_COLOR", "1")
    assert main(["config.toml"]) == 0
    assert "\x1b" not in capsys.readouterr().out
    assert main(["config.toml", "--color", "always"]) == 0
    assert "\x1b" in capsys.readouterr().out


def test_a_diff_escapes_control_characters(run: Run, project: Path) -> None:
    (project / "build.rs").write_text("\x1b]0;gotcha\x07\n", "utf-8")
    done = run("config.toml", "--diff", "-v", "--color", "never")
    assert "-\\x1b]0;gotcha\\x07\n" in done.stdout


@pytest.mark.parametrize("output", OUTPUTS)
def test_the_configuration_itself_is_never_overwritten(
    run: Run, project: Path, output: str
) -> None:
    config = (project / "config.toml").read_bytes()
    (project / output).parent.mkdir(exist_ok=True)
    (project / output).symlink_to(project / "config.toml")
    done = run("config.toml", "--force")
    assert (done.returncode, "would overwrite the configuration" in done.stderr) == (2, True)
    assert (project / "config.toml").read_bytes() == config


def test_check_does_not_advise_a_run_that_would_be_refused(run: Run, project: Path) -> None:
    run("config.toml")
    (project / "build.rs").write_text("fn main() {}\n", "utf-8")
    done = run("config.toml", "--check")
    assert (done.returncode, "--force" in done.stderr) == (4, True)


def test_check_finds_an_edit_whose_digest_fits(run: Run, project: Path) -> None:
    run("config.toml")
    kit = project / ".kdrvgen" / "kit.rs"
    kit.write_text(seal_support(unseal(kit.read_text("utf-8")) + "// mine\n", "//"), "utf-8")
    done = run("config.toml", "--check")
    assert done.returncode == 4
    assert "\n-// mine\n" in done.stdout


def test_check_shows_no_whole_support_file(run: Run) -> None:
    assert "/dev/null\n+++ b/.kdrvgen" not in run("config.toml", "--check").stdout


def test_every_support_file_is_listed_on_request_and_a_refused_one_always(
    run: Run, project: Path
) -> None:
    run("config.toml")
    assert "unchanged  .kdrvgen/kit.rs\n" in run("config.toml", "-v").stdout
    with (project / ".kdrvgen" / "kit.rs").open("a", encoding="utf-8") as file:
        file.write("// mine\n")
    done = run("config.toml")
    assert done.returncode == 5
    assert "refuse     .kdrvgen/kit.rs (edited by hand since kdrvgen wrote it)\n" in done.stdout
    assert "unchanged  .kdrvgen/\n" in done.stdout


def test_an_unknown_file_in_the_support_folder_is_a_warning_and_fails_a_check(
    run: Run, project: Path
) -> None:
    run("config.toml")
    (project / ".kdrvgen" / "notes.txt").write_text("mine\n", "utf-8")
    for _ in range(2):
        done = run("config.toml")
        assert done.returncode == 0
        assert done.stderr.startswith(".kdrvgen/notes.txt: warning: does not belong")
    done = run("config.toml", "--check", "--format", "github")
    assert done.returncode == 4
    assert "::error file=.kdrvgen/notes.txt::does not belong" in done.stdout
    assert "Move away" in run("config.toml", "--check").stderr
    assert (project / ".kdrvgen" / "notes.txt").read_text("utf-8") == "mine\n"


def test_a_workspace_root_that_is_not_a_workspace_is_an_error(run: Run, project: Path) -> None:
    config = project / "config.toml"
    config.write_text('[driver]\nname = "hello"\nworkspace-root = ".."\n', "utf-8")
    for text in (None, "[package]\n", "[workspace"):
        if text is not None:
            (project.parent / "Cargo.toml").write_text(text, "utf-8")
        done = run("config.toml")
        assert done.returncode == 3
        assert "config.toml:3:18: error: `workspace-root` is not the root of a Cargo" in done.stderr
    assert not (project / "build.rs").exists()


def test_the_drivers_of_a_workspace_share_its_support_files(run: Run, project: Path) -> None:
    root = project.parent
    (root / "Cargo.toml").write_text("[workspace]\n", "utf-8")
    for name in ("project", "other"):
        (root / name).mkdir(exist_ok=True)
        text = f'[driver]\nname = "{name}"\nworkspace-root = ".."\n'
        (root / name / "config.toml").write_text(text, "utf-8")
    assert "created    ../.kdrvgen/\n" in run("config.toml").stdout
    assert "unchanged  ../.kdrvgen/\n" in run("../other/config.toml").stdout
    assert not (project / ".kdrvgen").exists()
    assert run("config.toml", "--check").returncode == 0

    assert run("eject", "config.toml").stdout.count("(yours now)") == len(OUTPUTS)
    assert run("../other/config.toml", "--check").returncode == 0
    assert (
        "the other drivers of"
        in run("eject", "../.kdrvgen/kit.rs", "--config", "config.toml").stderr
    )

    (root / "Cargo.toml").write_text("", "utf-8")
    assert run("../other/config.toml").returncode == 3


def test_the_crate_kernel_is_written_checked_and_ejected(run: Run, project: Path) -> None:
    config = project / "config.toml"
    config.write_text('[driver]\nname = "hello"\nkernel-crate = true\n', "utf-8")
    assert "created    kernel/\n" in run("config.toml").stdout
    lock = project / "kernel/src/lock.rs"
    generated = lock.read_text("utf-8")
    assert "`kdrvgen eject FILE` makes a file yours" in generated

    lock.write_text(f"{generated}// mine\n", "utf-8")
    done = run("config.toml")
    assert done.returncode == 5
    assert "refuse     kernel/src/lock.rs (edited by hand since kdrvgen wrote it)\n" in done.stdout
    assert run("eject", "kernel/src/lock.rs").returncode == 0
    assert run("config.toml", "--check").returncode == 0

    run("eject", "kernel")
    assert (project / "kernel/Cargo.toml").read_text("utf-8").startswith("# Ejected from kdrvgen")
    (project / "kernel/src/lib.rs").write_text("// Ejected from kdrvgen\n", "utf-8")
    assert run("config.toml", "--check").returncode == 0
    assert "does not generate" in run("eject", "kernels").stderr


def test_the_drivers_of_a_workspace_share_the_crate_kernel(run: Run, project: Path) -> None:
    (project.parent / "Cargo.toml").write_text("[workspace]\n", "utf-8")
    config = project / "config.toml"
    text = '[driver]\nname = "hello"\nkernel-crate = true\nworkspace-root = ".."\n'
    config.write_text(text, "utf-8")
    assert "created    ../crates/kernel/\n" in run("config.toml").stdout
    lock = project.parent / "crates/kernel/src/lock.rs"

    done = run("eject", "../crates/kernel/src/lock.rs", "--config", "config.toml")

    assert "../crates/kernel/src/lock.rs (yours now)" in done.stdout
    assert lock.read_text("utf-8").startswith("// Ejected from kdrvgen")
    assert run("config.toml", "--check").returncode == 0


def test_ejecting_the_folder_of_a_workspace_leaves_the_shared_support_files(
    run: Run, project: Path
) -> None:
    root = project.parent
    (root / "Cargo.toml").write_text('[workspace]\nmembers = ["project"]\n', "utf-8")
    text = '[driver]\nname = "hello"\nworkspace-root = ".."\nkernel-crate = true\n'
    (project / "config.toml").write_text(text, "utf-8")
    assert run("config.toml").returncode == 0

    done = run("eject", "..", "--config", "config.toml")

    assert done.returncode == 0, done.stderr
    assert "Ejected from kdrvgen" in (root / "crates/kernel/src/lib.rs").read_text("utf-8")
    shared = [path for path in (root / ".kdrvgen").rglob("*") if path.is_file()]
    assert shared
    for path in shared:
        assert "Ejected from kdrvgen" not in path.read_text("utf-8"), path
    assert run("config.toml", "--check").returncode == 0
    for folder in ("../.kdrvgen", "../.kdrvgen/pipeline"):
        done = run("eject", folder, "--config", "config.toml")
        assert done.returncode == 2
        assert "cannot be ejected: the other drivers of the workspace use it" in done.stderr
