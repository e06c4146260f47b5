"""`kdrvgen package` makes the folder of a driver package."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import kdrvgen
from kdrvgen.cli import main
from kdrvgen.packaging.catalog.member import member_of
from kdrvgen.packaging.catalog.read import read_catalog
from tests.inspection.assembled import assembled
from tests.pipeline.authority import CODE_SIGNING, Identity

CONFIG = '[driver]\nname = "hello"\n[package]\nkind = "device"\nprovider = "Example"\n'
CARGO = '[package]\nname = "hello"\nversion = "0.3.1-rc.1"\n'
ARM64 = 'target = "aarch64-pc-windows-msvc"'
DATE = "1751328000"  # 2025-07-01
NAMES = ["hello.cat", "hello.cer", "hello.inf", "hello.pdb", "hello.sys"]
OWN_INF = (
    '[Version]\nSignature = "$Windows NT$"\nClass = System\n'
    "ClassGuid = {4d36e97d-e325-11ce-bfc1-08002be10318}\nProvider = Example\nPnpLockdown = 1\n"
    '[SourceDisksNames]\n1 = "Disk"\n[SourceDisksFiles]\nhello.sys = 1\n'
    "[DestinationDirs]\nDefaultDestDir = 13\n[Manufacturer]\n"
    "Example = M,NT$ARCH$.10.0...16299\n"
    "[M.NT$ARCH$.10.0...16299]\nHello = I,Root\\hello\n[I.NT]\nCopyFiles = @hello.sys\n"
    "[I.NT.Services]\nAddService = hello,2,S\n[S]\nServiceType = 1\nStartType = 3\n"
    "ErrorControl = 1\nServiceBinary = %13%\\hello.sys\n"
)
Run = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def image() -> bytes:
    return assembled(Identity.make("DriverCertificate", CODE_SIGNING))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, image: bytes) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", DATE)
    (tmp_path / "config.toml").write_text(CONFIG, "utf-8")
    (tmp_path / "Cargo.toml").write_text(CARGO, "utf-8")
    (tmp_path / "out").mkdir()
    (tmp_path / "out/hello.sys").write_bytes(image)
    (tmp_path / "out/hello.pdb").write_bytes(b"symbols")
    (tmp_path / "out/hello.cer").write_bytes(b"certificate")
    return tmp_path


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def start(*words: str, image: str = "out/hello.sys") -> dict[str, Any]:
        code = main(["package", *filter(None, [image]), *words, "--format", "json"])
        document: dict[str, Any] = json.loads(capsys.readouterr().out)
        assert document["exit-code"] == code
        return document

    return start


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def rules(document: dict[str, Any]) -> list[str]:
    return [each["rule"] for each in document["findings"]]


def test_a_package_has_image_inf_catalog_symbols_and_certificate(project: Path, run: Run) -> None:
    document = run()

    found = contents(project / "out/package")
    assert (document["exit-code"], document["findings"]) == (0, [])
    assert list(found) == NAMES
    assert {row["status"] for row in document["files"]} == {"created"}
    assert found["hello.sys"] == (project / "out/hello.sys").read_bytes()
    assert b"DriverVer = 07/01/2025,0.3.1.0\r\n" in found["hello.inf"]
    assert b"\n" not in found["hello.inf"].replace(b"\r\n", b"")
    catalog = read_catalog(found["hello.cat"])
    for name in ("hello.sys", "hello.inf"):
        assert catalog.has(member_of(name, found[name]))
    assert b"250701000000Z" in found["hello.cat"]


def test_with_nothing_to_do_nothing_is_done(project: Path, run: Run) -> None:
    run()
    before = {path: path.stat().st_mtime_ns for path in (project / "out/package").iterdir()}

    document = run()

    assert {row["status"] for row in document["files"]} == {"unchanged"}
    assert before == {path: path.stat().st_mtime_ns for path in (project / "out/package").iterdir()}


def test_the_same_input_gives_the_same_bytes(project: Path, run: Run) -> None:
    run("-o", "a/one")
    run("-o", "b/two")

    assert contents(project / "a/one") == contents(project / "b/two")


def test_only_a_new_day_makes_no_new_package(
    project: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run()
    before = contents(project / "out/package")
    monkeypatch.delenv("SOURCE_DATE_EPOCH")

    assert {row["status"] for row in run()["files"]} == {"unchanged"}
    (project / "Cargo.toml").write_text(CARGO.replace("0.3.1", "0.3.2"), "utf-8")
    run()

    after = contents(project / "out/package")
    assert b"07/01/2025" in before["hello.inf"]
    assert b"07/01/2025" not in after["hello.inf"]
    assert b",0.3.2.0" in after["hello.inf"]


def test_a_signed_catalog_stays_while_its_list_does(project: Path, run: Run) -> None:
    run()
    path = project / "out/package/hello.cat"
    # What signing changes: the set of signers, here an octet string in it.
    data = path.read_bytes()
    assert data.endswith(b"\x31\0")
    lengths = [(2, 2), (17, 2), (21, 2)]
    signed = bytearray(data[:-1] + b"\2\4\0")
    for offset, size in lengths:
        number = int.from_bytes(signed[offset : offset + size], "big") + 2
        signed[offset : offset + size] = number.to_bytes(size, "big")
    assert read_catalog(bytes(signed)).is_signed
    path.write_bytes(signed)

    assert {row["status"] for row in run()["files"]} == {"unchanged"}
    assert path.read_bytes() == bytes(signed)

    (project / "config.toml").write_text(CONFIG.replace("Example", "Other"), "utf-8")
    run()
    assert not read_catalog(path.read_bytes()).is_signed


def test_the_folder_can_be_the_current_one(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "empty").mkdir()
    monkeypatch.chdir(project / "empty")

    assert main(["package", "../out/hello.sys", "-o", "."]) == 0

    assert list(contents(project / "empty")) == NAMES


def test_a_dry_run_writes_nothing(project: Path, run: Run) -> None:
    document = run("--dry-run")

    assert {row["status"] for row in document["files"]} == {"created"}
    assert not (project / "out/package").exists()


def test_an_own_inf_is_stamped_and_its_mistakes_have_its_lines(project: Path, run: Run) -> None:
    (project / "config.toml").write_text('[driver]\nname = "hello"\n[package]\ninx = "h.inx"\n')
    run("-o", "generated")
    text = OWN_INF
    (project / "h.inx").write_text(text, "utf-8")

    assert run()["findings"] == []
    inf = (project / "out/package/hello.inf").read_text("utf-8")
    assert "CatalogFile = hello.cat" in inf
    assert "[M.NTamd64.10.0...16299]" in inf
    before = contents(project / "out/package")

    (project / "h.inx").write_text(text.replace("hello,2,S", "hello,2,X"), "utf-8")
    document = run()

    assert document["exit-code"] == 6
    assert rules(document) == ["inf-section-missing", "inf-section-unused", "verification"]
    place = document["findings"][0]["place"]
    assert (place["file"], place["line"]) == ("h.inx", 20)
    assert contents(project / "out/package") == before


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("hello.sys = 1\n", "hello.sys = 1,x64\n", "package-file-missing"),
        ("hello.sys = 1\n", "hello.sys = 1\nother.dll = 1\n", "package-file-missing"),
        ("NT$ARCH$", "NTx86", "package-machine"),
        ("Class =", "CatalogFile.NTamd64 = other.cat\nClass =", "package-catalog-missing"),
        ("Hello =", "H\u20acllo =", "inf-encoding"),
    ],
)
def test_an_own_inf_that_does_not_fit_the_package_makes_none(
    project: Path, run: Run, old: str, new: str, rule: str
) -> None:
    (project / "config.toml").write_text('[driver]\nname = "hello"\n[package]\ninx = "h.inx"\n')
    (project / "h.inx").write_text(OWN_INF.replace(old, new), "utf-8")

    document = run()

    errors = [each["rule"] for each in document["findings"] if each["severity"] == "error"]
    assert rule in errors
    assert set(errors) <= {rule, "inf-file-unused", "verification"}
    assert not (project / "out/package").exists()


def test_an_own_inf_can_list_itself(project: Path, run: Run) -> None:
    (project / "config.toml").write_text('[driver]\nname = "hello"\n[package]\ninx = "h.inx"\n')
    listed = OWN_INF.replace("hello.sys = 1\n", "hello.sys = 1\nhello.inf = 1\n")
    (project / "h.inx").write_text(listed, "utf-8")

    assert rules(run()) == ["inf-file-unused"]


def test_an_own_inf_in_ansi_is_written_in_utf_16_unless_a_character_is_lost(
    project: Path, run: Run
) -> None:
    (project / "config.toml").write_text('[driver]\nname = "hello"\n[package]\ninx = "h.inx"\n')
    text = OWN_INF.replace("Hello = I", '"H\xe9llo" = I').encode("cp1252")
    (project / "h.inx").write_bytes(text)

    assert rules(run()) == ["inf-code-page"]
    assert "Héllo" in (project / "out/package/hello.inf").read_text("utf-16")

    (project / "h.inx").write_bytes(text.replace(b"\xe9", b"\x81"))
    assert rules(run()) == ["inf-encoding", "inf-code-page", "verification"]

    # In UTF-16, U+FFFD is a character like others.
    wide = OWN_INF.replace("Hello = I", '"H\ufffdllo" = I').encode("utf-16")
    (project / "h.inx").write_bytes(wide)
    assert rules(run()) == []

    # Nobody reads a comment.
    (project / "h.inx").write_bytes(b"; \x81\n" + OWN_INF.encode())
    assert rules(run()) == []


@pytest.mark.parametrize("table", ["package", "workspace"])
def test_an_own_inf_has_the_framework_that_wdk_build_reads_from_cargo_toml(
    project: Path, run: Run, table: str
) -> None:
    (project / "config.toml").write_text(
        '[driver]\nname = "hello"\nmodel = "kmdf"\n[wdk]\nlocate = "wdk-build"\n'
        '[package]\ninx = "h.inx"\n'
    )
    (project / "Cargo.toml").write_text(
        f"{CARGO}[{table}.metadata.wdk.driver-model]\n"
        "kmdf-version-major = 1\ntarget-kmdf-version-minor = 31\n"
    )
    (project / "h.inx").write_text(f"{OWN_INF}; for $KMDFVERSION$\n", "utf-8")

    assert run()["findings"] == []
    assert "; for 1.31\r\n" in (project / "out/package/hello.inf").read_bytes().decode()

    (project / "Cargo.toml").write_text(CARGO, "utf-8")
    (finding,) = run()["findings"]
    assert finding["rule"] == "package-framework"
    assert "`target-kmdf-version-minor` in Cargo.toml" in finding["help"]


@pytest.mark.parametrize(
    ("model", "kind", "version"), [("kmdf", "device", "1.15"), ("umdf", "umdf", "2.15.0")]
)
def test_a_version_of_the_framework_that_nobody_set_is_a_warning(
    project: Path, run: Run, model: str, kind: str, version: str
) -> None:
    config = project / "config.toml"
    package = f'[package]\nkind = "{kind}"\nprovider = "Example"\n'
    config.write_text(f'[driver]\nname = "hello"\nmodel = "{model}"\n{package}', "utf-8")
    if model == "umdf":
        (project / "out/hello.sys").rename(project / "out/hello.dll")
    image = f"out/hello.{'dll' if model == 'umdf' else 'sys'}"

    (finding,) = run(image=image)["findings"]

    assert (finding["rule"], finding["severity"]) == ("package-framework", "warning")
    assert f"{model.upper()} {version}" in finding["message"]
    set_version = f'[wdk]\nframework-version = "{version[:4]}"\n'
    config.write_text(config.read_text("utf-8") + set_version, "utf-8")
    assert run(image=image)["findings"] == []


def test_an_own_inf_without_the_frameworks_version_needs_none(project: Path, run: Run) -> None:
    config = '[driver]\nname = "hello"\nmodel = "kmdf"\n[package]\ninx = "h.inx"\n'
    (project / "config.toml").write_text(config, "utf-8")
    (project / "h.inx").write_text(OWN_INF, "utf-8")
    assert run()["findings"] == []

    (project / "h.inx").write_text(f"{OWN_INF}; for $KMDFVERSION$\n", "utf-8")
    assert [each["rule"] for each in run()["findings"]] == ["package-framework"]


def test_a_file_that_the_inf_lists_must_be_in_the_package(project: Path, run: Run) -> None:
    (project / "config.toml").write_text(f'{CONFIG}extra-files = ["data/more.bin"]\n', "utf-8")

    assert run()["exit-code"] == 8

    (project / "data").mkdir()
    (project / "data/more.bin").write_bytes(b"more")
    run()
    found = contents(project / "out/package")
    assert read_catalog(found["hello.cat"]).has(member_of("more.bin", b"more"))


@pytest.mark.parametrize(
    ("config", "code", "message"),
    [
        ('[driver]\nname = "hello"\n', 3, "no `[package]`"),
        (CONFIG.replace('"hello"', '"other"'), 2, "other.sys"),
        (f"{CONFIG}[driver.x]\n", 3, "unknown table"),
        (CONFIG.replace('"hello"', f'"hello"\n{ARM64}'), 2, "not a target"),
        (f'{CONFIG}date = "2999-01-01"\n', 6, "in the future"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_reported(
    project: Path, run: Run, config: str, code: int, message: str
) -> None:
    (project / "config.toml").write_text(config, "utf-8")

    document = run()

    assert document["exit-code"] == code
    assert message in " ".join(each["message"] for each in document["findings"])
    assert not (project / "out/package").exists()


def test_the_version_must_fit_into_an_inf(project: Path, run: Run) -> None:
    (project / "Cargo.toml").write_text(CARGO.replace("0.3.1", "0.3.70000"), "utf-8")
    document = run()

    assert (document["exit-code"], rules(document)) == (3, ["cargo-version"])
    assert document["findings"][0]["place"]["line"] == 3


def test_an_image_without_signature_is_a_warning(project: Path, run: Run, image: bytes) -> None:
    data = bytearray(image)
    data[0x78 + 24 + 112 + 32 : 0x78 + 24 + 112 + 40] = bytes(8)
    (project / "out/hello.sys").write_bytes(data)

    assert rules(run()) == ["package-unsigned"]
    assert (project / "out/package/hello.sys").exists()


def test_a_folder_with_other_files_is_left_alone(project: Path, run: Run) -> None:
    folder = project / "out/package"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine", "utf-8")

    document = run()

    assert document["exit-code"] == 2
    assert "mine.txt" in document["findings"][0]["message"]
    assert list(contents(folder)) == ["mine.txt"]


def test_a_failure_leaves_the_old_package(
    project: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run()
    before = contents(project / "out/package")
    (project / "config.toml").write_text(CONFIG.replace("Example", "Other"), "utf-8")
    rename = Path.rename

    def failing(self: Path, target: Path) -> Path:
        if self.name.endswith("-new"):
            raise OSError(28, "No space left on device")
        return rename(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", failing)
        assert run()["exit-code"] == 8

    assert contents(project / "out/package") == before
    assert sorted(path.name for path in (project / "out").iterdir()) == [
        "hello.cer", "hello.pdb", "hello.sys", "package",
    ]  # fmt: skip
    (project / "out/.package.kdrvgen-new").mkdir()  # as after a run that was killed
    assert run()["exit-code"] == 0
    assert not (project / "out/.package.kdrvgen-new").exists()


def test_without_an_image_the_one_that_the_project_has_built_is_meant(
    project: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "src").mkdir()
    monkeypatch.chdir(project / "src")
    assert "no image was built yet" in run(image="")["findings"][0]["message"]

    outputs = project / "target/driver/hello/x86_64-pc-windows-msvc"
    outputs.mkdir(parents=True)
    (project / "out").rename(outputs / "development")
    assert [row["path"] for row in run(image="")["files"]] == [
        str(Path("../target/driver/hello/x86_64-pc-windows-msvc/development/package", name))
        for name in NAMES
    ]

    shutil.copytree(outputs / "development", outputs / "production")
    document = run(image="")
    assert document["exit-code"] == 2
    message = document["findings"][0]["message"]
    assert message.startswith("there are 2 images: name one of ")
    assert str(Path("x86_64-pc-windows-msvc/production/hello.sys")) in message


def test_python_gets_the_findings_and_the_files(project: Path) -> None:
    made = kdrvgen.make_package("out/hello.sys", dry_run=True)

    assert [name for name, _ in made.files] == NAMES
    assert {status for _, status in made.files} == {kdrvgen.Status.CREATED}
    assert not made.folder.exists()

    (project / "config.toml").write_text(f'{CONFIG}date = "2999-01-01"\n', "utf-8")
    made = kdrvgen.make_package("out/hello.sys")
    assert made.files == ()
    assert [each.rule for each in made.findings] == ["inf-date-future"]
    assert not made.folder.exists()


def test_a_wrong_date_in_the_environment_is_reported(
    project: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")

    assert run()["exit-code"] == 2
    assert not (project / "out/package").exists()


def test_a_file_behind_a_link_out_of_the_project_is_not_read(project: Path, run: Run) -> None:
    (project / "config.toml").write_text(f'{CONFIG}extra-files = ["more.bin"]\n', "utf-8")
    try:
        (project / "more.bin").symlink_to(Path(__file__))
    except OSError:
        pytest.skip("this system does not allow symbolic links")

    assert run()["exit-code"] == 2
