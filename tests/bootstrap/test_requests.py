"""The drivers of docs/requests.md and docs/files.md, in Wine's kernel."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.bootstrap.conftest import TRIPLES, NewProject, PreparedProject
from tests.bootstrap.frames import frames
from tests.bootstrap.kernel import Kernel
from tests.bootstrap.lint import clippy, rustfmt
from tests.pipeline.image import Image
from tests.pipeline.support import REPOSITORY, Project

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent / "blocks"

# winerror.h
ERROR_NOT_READY = 21
ERROR_OPERATION_ABORTED = 995
ERROR_INVALID_USER_BUFFER = 1784


def example(page: str) -> str:
    """Return the driver on a page of the documentation."""
    text = (REPOSITORY / "docs" / page).read_text(encoding="utf-8")
    (block,) = re.finditer(r"^```rust\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return block[1]


def with_example(project: Project, page: str) -> None:
    """Make the driver of a page that of the project, and build it for all targets."""
    (project.folder / "src/lib.rs").write_text(example(page), encoding="utf-8")
    project.make("sign-all")
    project.make("--profile", "production", "-e", "DRIVER_TIMESTAMP_URL=", "sign")


@pytest.fixture(scope="module")
def mailbox(prepared: PreparedProject) -> Project:
    """The driver of requests.md."""
    return prepared("minimal", name="mailbox", build=lambda it: with_example(it, "requests.md"))


@pytest.fixture(scope="module")
def counter(prepared: PreparedProject) -> Project:
    """The driver of files.md."""
    return prepared("minimal", name="counter", build=lambda it: with_example(it, "files.md"))


@pytest.mark.parametrize("edition", ["2021", "2024"])
@pytest.mark.parametrize("page", ["requests.md", "files.md"])
def test_rustfmt_and_clippy_report_nothing(
    new_project: NewProject, page: str, edition: str
) -> None:
    project = new_project("minimal", f"bootstrap.edition={edition}", name="example")
    (project.folder / "src/lib.rs").write_text(example(page), encoding="utf-8")

    assert rustfmt(project, edition=edition) == ""
    assert clippy(project, TRIPLES) == ""


def test_no_function_of_the_examples_has_a_large_frame(mailbox: Project, counter: Project) -> None:
    for project, name in ((mailbox, "mailbox.sys"), (counter, "counter.sys")):
        for profile in ("development", "production"):
            assert max(frames(project.output(name, profile)).values()) <= 2048


@pytest.mark.parametrize("triple", TRIPLES)
def test_the_examples_import_only_functions_of_the_kernel(
    mailbox: Project, counter: Project, triple: str
) -> None:
    imports = Image.read(mailbox.output("mailbox.sys", target=triple)).imports()
    assert {"IoReleaseCancelSpinLock", "MmMapLockedPagesSpecifyCache"} <= imports["ntoskrnl.exe"]
    imports = Image.read(counter.output("counter.sys", target=triple)).imports()
    assert {"ZwCreateFile", "IoFileObjectType"} <= imports["ntoskrnl.exe"]


@dataclass(frozen=True, slots=True)
class Programs:
    """The loaded driver, and a program that talks to it."""

    kernel: Kernel
    program: Path

    def lines(self, *words: str) -> list[str]:
        """Run the program, and return what it prints."""
        done = self.kernel.run(self.program, *words)
        assert done.returncode == 0, done.stdout
        return done.stdout.splitlines()

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start the program, and return it after its first line."""
        process = self.kernel.start(self.program, *words)
        assert process.stdout
        assert process.stdout.readline().strip() == "waiting"
        return process


@pytest.fixture(scope="module")
def program(kernel: Kernel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program that talks to the mailbox."""
    return kernel.compile(HERE / "mailbox.rs", tmp_path_factory.mktemp("program") / "mailbox.exe")


@pytest.fixture(scope="module", params=["Buffered", "Direct"])
def programs(
    request: pytest.FixtureRequest,
    mailbox: Project,
    new_project: NewProject,
    program: Path,
    kernel: Kernel,
) -> Iterator[Programs]:
    """The mailbox with each kind of transfer, loaded."""
    project = mailbox
    if request.param == "Direct":
        project = new_project("minimal", name="mailbox")
        text = example("requests.md").replace("Transfer::Buffered", "Transfer::Direct")
        (project.folder / "src/lib.rs").write_text(text, encoding="utf-8")
        project.make("sign")
    with kernel.loaded(project.output("mailbox.sys"), "mailbox"):
        yield Programs(kernel, program)


def test_a_program_reads_what_another_one_writes(programs: Programs) -> None:
    assert programs.lines("write", "Grüße") == ["wrote 7"]
    assert programs.lines("write", "again") == [f"error {ERROR_NOT_READY}"]
    assert programs.lines("read", "20") == ["Grüße true"]


@pytest.mark.parametrize("length", [0, 129, 5000])
def test_a_letter_that_does_not_fit_is_refused(programs: Programs, length: int) -> None:
    assert programs.lines("write", "x" * length) == [f"error {ERROR_INVALID_USER_BUFFER}"]


def test_a_short_buffer_gets_the_beginning(programs: Programs) -> None:
    assert programs.lines("write", "x" * 128) == ["wrote 128"]
    assert programs.lines("read", "5") == ["xxxxx true"]


def test_a_cancelled_read_ends_and_the_others_wait_on(programs: Programs) -> None:
    assert programs.lines("cancel") == [
        f"error {ERROR_OPERATION_ABORTED}",
        "first true",
        "third true",
    ]


def test_four_threads_at_once_lose_no_letter(programs: Programs) -> None:
    assert programs.lines("threads") == [f"sum {sum(range(300))}"]


def test_a_program_that_ends_cancels_its_requests(programs: Programs) -> None:
    programs.lines("abandon")
    # The abandoned read does not take the letter.
    assert programs.lines("write", "kept") == ["wrote 4"]
    assert programs.lines("read", "4") == ["kept true"]


def test_each_open_file_has_a_value_of_its_own(programs: Programs) -> None:
    before = len(programs.kernel.lines())

    programs.lines("write", "one")
    programs.lines("read", "9")

    lines = programs.kernel.lines()[before:]
    assert lines == ["mailbox: closed after 0 letters", "mailbox: closed after 1 letters"]


def test_a_request_that_waits_is_cancelled_when_the_driver_is_unloaded(
    mailbox: Project, program: Path, bed: Path, tmp_path: Path
) -> None:
    with Kernel.running(bed, tmp_path) as kernel:
        programs = Programs(kernel, program)
        image = mailbox.output("mailbox.sys", "production")
        with kernel.loaded(image, "mailbox"):
            process = programs.start("hold")
        output, _ = process.communicate(timeout=60)
        # Wine unloads a driver whose device is open, which Windows does not.
        assert output.startswith("error ")
        with kernel.loaded(image, "mailbox"):
            assert programs.lines("write", "again") == ["wrote 5"]


def test_a_driver_counts_its_starts_in_a_file(counter: Project, kernel: Kernel) -> None:
    before = len(kernel.lines())
    for profile in ("development", "production"):
        with kernel.loaded(counter.output("counter.sys", profile), "counter"):
            pass

    lines = [line.removeprefix("counter: ") for line in kernel.lines()[before:]]
    assert [line for line in lines if not line.startswith("the object is at 0x")] == [
        "start 1, and the file has 4 bytes",
        "a file and no event: true",
        "start 2, and the file has 4 bytes",
        "a file and no event: true",
    ]
    file = kernel.prefix / "drive_c/starts.bin"
    assert file.read_bytes() == (2).to_bytes(4, "little")
