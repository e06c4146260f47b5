"""The template `device`: programs talk to it by DeviceIoControl, with good and bad buffers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.bootstrap.conftest import TRIPLES, NewProject, PreparedProject
from tests.bootstrap.kernel import Kernel
from tests.bootstrap.lint import clippy, rustfmt
from tests.pipeline.image import NATIVE, Image
from tests.pipeline.support import Project, run

pytestmark = pytest.mark.slow

PATH = r"\\.\hello"
GNU = "x86_64-pc-windows-gnu"
CAPACITY = 256

# CTL_CODE(FILE_DEVICE_UNKNOWN, function, METHOD_BUFFERED, access), worked out by hand.
SET_MESSAGE = 0x0022A000
GET_MESSAGE = 0x00226004
GET_STATISTICS = 0x00226008

# winerror.h, as the kernel's statuses become it.
ERROR_INVALID_FUNCTION = 1
ERROR_ACCESS_DENIED = 5
ERROR_INVALID_PARAMETER = 87
ERROR_INSUFFICIENT_BUFFER = 122
ERROR_INVALID_USER_BUFFER = 1784


@dataclass(frozen=True, slots=True)
class Device:
    """The loaded driver, and two programs that talk to it."""

    kernel: Kernel
    client: Path
    prober: Path

    def probe(self, *calls: tuple[int | str, bytes, int], access: str = "rw") -> list[str]:
        """Make calls of code, input and room for output; return how each ended."""
        words = [
            f"{code if isinstance(code, str) else f'{code:x}'}:{data.hex()}:{room:x}"
            for code, data, room in calls
        ]
        done = self.kernel.run(self.prober, PATH, access, *words)
        assert done.returncode == 0
        return done.stdout.splitlines()

    def message(self) -> str:
        """Ask for the message."""
        done = self.kernel.run(self.client, "get")
        assert done.returncode == 0
        return done.stdout.removesuffix("\n")


@pytest.fixture(scope="module")
def project(prepared: PreparedProject) -> Project:
    """A project that is signed for all targets."""
    words = ("bootstrap.edition=2024", "allocator=yes")
    return prepared("device", *words, build=lambda project: project.make("sign-all"))


@pytest.fixture(scope="module")
def programs(
    project: Project, kernel: Kernel, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path]:
    """The project's client, and a program for calls that no client makes."""
    argv = ["cargo", "build", "--quiet", "--offline", "--package=hello-client", f"--target={GNU}"]
    done = run(argv, project.folder, project.env | kernel.compiler(GNU))
    assert done.returncode == 0, done.stdout
    client = project.linked("hello-client.exe", target=GNU)
    source = Path(__file__).with_name("probe.rs")
    return client, kernel.compile(source, tmp_path_factory.mktemp("programs") / "probe.exe")


@pytest.fixture(scope="module")
def device(project: Project, programs: tuple[Path, Path], kernel: Kernel) -> Iterator[Device]:
    """The driver, loaded."""
    with kernel.loaded(project.sys, "hello"):
        yield Device(kernel, *programs)


def test_it_is_signed_for_all_targets(project: Project) -> None:
    for triple in TRIPLES:
        path = project.output(target=triple)
        assert Image.read(path).subsystem == NATIVE
        assert project.verifies(path)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("protocol", ("bootstrap.edition=2024", "allocator=yes", "logger=DbgPrint")),
        (
            "long-long-long-long-long-long-long-long-long-long-long-long-long",
            ("bootstrap.edition=2018",),
        ),
    ],
    ids=["2024", "2018"],
)
def test_rustfmt_and_clippy_report_nothing(
    new_project: NewProject, name: str, words: tuple[str, ...]
) -> None:
    project = new_project("device", *words, name=name)

    assert rustfmt(project, edition=words[0].partition("=")[2]) == ""
    assert clippy(project, TRIPLES, "-p", name, "-p", f"{name}-protocol") == ""


def test_the_client_has_no_warnings(project: Project, bed: Path) -> None:
    rustc = bed / "rustc-for-windows"

    assert clippy(project, (GNU,), "-p", "hello-client", rustc=rustc) == ""


def test_the_next_client_reads_the_stored_message(device: Device) -> None:
    for message in ("Grüße, 世界 😀", "", "x" * CAPACITY):
        assert device.kernel.run(device.client, "set", message).returncode == 0
        assert device.message() == message


def test_the_client_writes_and_reads_the_message_as_a_file(device: Device) -> None:
    for message in ("Grüße, 世界 😀", "x" * CAPACITY):
        assert device.kernel.run(device.client, "write", message).returncode == 0
        assert device.kernel.run(device.client, "read").stdout == f"{message}\n"
        assert device.message() == message


def test_a_handle_reads_the_message_once_piece_by_piece(device: Device) -> None:
    device.probe((SET_MESSAGE, b"abcde", 0))

    for _ in range(2):
        answers = device.probe(*[("read", b"", room) for room in (2, 0, 2, 9, 9)])
        assert answers == [
            "ok 2 6162",
            "ok 0 ",
            "ok 2 6364",
            f"ok 1 65{'cc' * 8}",
            f"ok 0 {'cc' * 9}",
        ]


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"x" * (CAPACITY + 1), ERROR_INVALID_USER_BUFFER),
        (b"x" * 0x2000, ERROR_INVALID_USER_BUFFER),
        (b"a\x80b", ERROR_INVALID_PARAMETER),
    ],
    ids=["too long", "much too long", "no text"],
)
def test_an_invalid_write_is_refused_and_changes_nothing(
    device: Device, data: bytes, error: int
) -> None:
    answers = device.probe(("write", b"before", 0), ("write", data, 0), ("read", b"", 6))

    assert answers == ["ok 6 ", f"error {error}", f"ok 6 {b'before'.hex()}"]


def test_a_handle_reads_and_writes_only_with_the_access_it_was_opened_with(device: Device) -> None:
    device.probe((SET_MESSAGE, b"kept", 0))

    assert device.probe(("write", b"new", 0), access="r") == [f"error {ERROR_ACCESS_DENIED}"]
    assert device.probe(("read", b"", 4), access="w") == [f"error {ERROR_ACCESS_DENIED}"]
    assert device.message() == "kept"


def test_four_threads_at_once_never_get_a_mixed_message(device: Device) -> None:
    done = device.kernel.run(device.prober, PATH, "threads", f"{SET_MESSAGE:x}", f"{GET_MESSAGE:x}")

    assert (done.returncode, done.stdout) == (0, "0\n")


def test_the_client_reports_the_error_of_the_driver(device: Device) -> None:
    device.kernel.run(device.client, "set", "before")

    done = device.kernel.run(device.client, "set", "x" * (CAPACITY + 1))

    assert done.returncode == 1
    assert device.message() == "before"


def test_the_client_prints_its_usage_for_an_invalid_command_line(device: Device) -> None:
    assert device.kernel.run(device.client, "sett", "x").returncode == 2


def test_the_statistics_count_successful_requests(device: Device) -> None:
    def counted() -> tuple[int, int]:
        words = device.kernel.run(device.client, "statistics").stdout.split()
        return int(words[1].rstrip(",")), int(words[3])

    was_set, was_got = counted()

    device.probe(
        (SET_MESSAGE, b"one", 0),
        (SET_MESSAGE, b"two", 0),
        (SET_MESSAGE, b"\xff", 0),
        (GET_MESSAGE, b"", 3),
        (GET_MESSAGE, b"", 2),
        ("write", b"four", 0),
        ("read", b"", 3),
        ("read", b"", 3),
    )

    assert counted() == (was_set + 3, was_got + 2)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"x" * (CAPACITY + 1), ERROR_INVALID_USER_BUFFER),
        (b"x" * 0x1000, ERROR_INVALID_USER_BUFFER),
        (b"\xff" * (CAPACITY + 1), ERROR_INVALID_USER_BUFFER),
        (b"\xc3", ERROR_INVALID_PARAMETER),
        (b"a\x80b", ERROR_INVALID_PARAMETER),
        (b"\xed\xa0\x80", ERROR_INVALID_PARAMETER),
    ],
    ids=["too long", "much too long", "too long and no text", "half", "stray", "surrogate"],
)
def test_invalid_input_is_refused_and_changes_nothing(
    device: Device, data: bytes, error: int
) -> None:
    answers = device.probe(
        (SET_MESSAGE, b"before", 0), (SET_MESSAGE, data, 0), (GET_MESSAGE, b"", CAPACITY)
    )

    assert answers[:2] == ["ok 0 ", f"error {error}"]
    assert answers[2] == f"ok 6 {b'before'.hex()}{'cc' * (CAPACITY - 6)}"


def test_no_buffer_at_all_is_an_empty_message(device: Device) -> None:
    answers = device.probe((SET_MESSAGE, b"", 0), (GET_MESSAGE, b"", 0), (GET_MESSAGE, b"", 4))

    assert answers == ["ok 0 ", "ok 0 ", "ok 0 cccccccc"]


@pytest.mark.parametrize("room", [0, 1, 5])
def test_a_too_small_output_buffer_is_refused_and_not_written(device: Device, room: int) -> None:
    answers = device.probe((SET_MESSAGE, b"sixsix", 0), (GET_MESSAGE, b"", room))

    assert answers == ["ok 0 ", f"error {ERROR_INSUFFICIENT_BUFFER}"]


def test_output_is_written_over_the_input_and_not_beyond_its_length(device: Device) -> None:
    # One buffer has both; what lies behind the output stays the program's.
    answers = device.probe((SET_MESSAGE, b"ab", 0), (GET_MESSAGE, b"WXYZ" * 100, 4))

    assert answers == ["ok 0 ", "ok 2 6162cccc"]


@pytest.mark.parametrize(("room", "answered"), [(7, False), (8, True), (9, True)])
def test_a_structure_is_written_whole_or_not_at_all(
    device: Device, room: int, *, answered: bool
) -> None:
    (answers,) = device.probe((GET_STATISTICS, b"", room))

    if answered:
        assert answers.startswith("ok 8 ")
        assert answers.endswith("cc" * (room - 8))
    else:
        assert answers == f"error {ERROR_INSUFFICIENT_BUFFER}"


@pytest.mark.parametrize(
    "code",
    [0x0022200C, GET_MESSAGE & ~0xC000, 0, 0xFFFFFFFF, *(SET_MESSAGE | each for each in (1, 2, 3))],
    ids=hex,
)
def test_an_unknown_control_code_is_refused(device: Device, code: int) -> None:
    assert device.probe((code, b"input", 16)) == [f"error {ERROR_INVALID_FUNCTION}"]


@pytest.fixture(scope="module")
def other(new_project: NewProject) -> Project:
    """A second driver, with a device of its own."""
    return new_project("device", name="other")


def test_unloading_deletes_the_device_and_loading_again_creates_it(
    other: Project, device: Device
) -> None:
    other.make("sign")
    kernel = device.kernel

    for _ in range(2):
        with kernel.loaded(other.output("other.sys"), "other"):
            assert kernel.run(device.prober, r"\\.\other", "rw").returncode == 0
        assert kernel.run(device.prober, r"\\.\other", "rw").returncode == 1


def test_a_start_that_fails_leaves_nothing_behind(other: Project, device: Device) -> None:
    kernel = device.kernel
    # A device of its own, but the link of the driver that is loaded.
    link = r'concat!("\\DosDevices\\", name!())'
    other.edit("protocol/src/lib.rs", link, r'"\\DosDevices\\hello"')
    # Wine takes the device of a driver that does not start away, and Windows does not.
    call = "unsafe { IoDeleteDevice(self.0) }"
    other.edit("kernel/src/device.rs", call, f'crate::log!("device deleted");\n{call}')
    other.make("sign")
    kernel.install(other.output("other.sys"), "other")

    kernel.sc("start", "other")

    assert kernel.state("other") == "STOPPED"
    # Which status it is Wine and Windows see differently.
    deleted, ended = kernel.lines()[-2:]
    assert deleted == "kdrvgen-kernel: device deleted"
    assert ended.startswith("other: not loaded: STATUS_OBJECT_")
    assert device.probe((SET_MESSAGE, b"still here", 0)) == ["ok 0 "]
