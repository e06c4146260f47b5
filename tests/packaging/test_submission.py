"""`kdrvgen submission` makes a cabinet and requests for Microsoft's Partner Center."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import kdrvgen
from kdrvgen.cli import main
from kdrvgen.packaging.cabinet import read_cabinet
from tests.inspection.assembled import assembled
from tests.packaging.signed import signed
from tests.pipeline.authority import CODE_SIGNING, Identity
from tests.tools import need

CONFIG = (
    '[driver]\nname = "hello"\ntargets = ["x86_64-pc-windows-msvc", "aarch64-pc-windows-msvc"]\n'
)
CONFIG += (
    '[package]\nkind = "device"\nprovider = "Example"\nversion = "1.2.3.4"\ndate = "2025-07-01"\n'
)
MACHINE = 0x7C  # the offset in an image of `assembled`
NAMES = ["hello.cab", "product.json", "submission.json"]
Run = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def image() -> bytes:
    return assembled(Identity.make("DriverCertificate", CODE_SIGNING))


@pytest.fixture
def project(tmp_path: Path, image: bytes, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a package for x64 and one for ARM64."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.toml").write_text(CONFIG, "utf-8")
    arm64 = bytearray(image)
    arm64[MACHINE : MACHINE + 2] = b"\x64\xaa"
    for name, data in (("x64", image), ("arm64", bytes(arm64))):
        folder = tmp_path / "out" / name
        folder.mkdir(parents=True)
        (folder / "hello.sys").write_bytes(data)
        (folder / "hello.pdb").write_bytes(b"symbols of " + name.encode())
        (folder / "hello.cer").write_bytes(b"certificate")
        assert main(["package", str(folder / "hello.sys"), "-q"]) == 0
    return tmp_path


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def start(*words: str) -> dict[str, Any]:
        capsys.readouterr()
        code = main(["submission", *words, "--format", "json"])
        document: dict[str, Any] = json.loads(capsys.readouterr().out)
        assert document["exit-code"] == code
        return document

    return start


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def rules(document: dict[str, Any]) -> list[str]:
    return [each["rule"] for each in document["findings"]]


def configure(project: Path, text: str) -> None:
    (project / "config.toml").write_text(CONFIG + text, "utf-8")


def package(project: Path, source: str, name: str) -> Path:
    """Make a package of another name from an image; return its folder."""
    text = CONFIG.replace('"hello"', f'"hello"\noutput-name = "{name}"')
    (project / f"{name}.toml").write_text(text, "utf-8")
    folder = project / "out" / name
    shutil.copytree(project / "out" / source, folder, ignore=shutil.ignore_patterns("package"))
    for file in list(folder.iterdir()):
        file.rename(file.with_stem(name))
    words = ["package", str(folder / f"{name}.sys"), "-q", "--config", f"{name}.toml"]
    assert main(words) == 0
    return folder / "package"


def repackage(project: Path, change: Callable[[str], str]) -> None:
    """Make the package for x64 again, from its INF with a change."""
    text = (project / "out/x64/package/hello.inf").read_text("ascii")
    (project / "own.inx").write_text(change(text), "ascii")
    head = CONFIG.partition("[package]")[0]
    own = '[package]\ninx = "own.inx"\nversion = "1.2.3.4"\ndate = "2025-07-01"\n'
    (project / "config.toml").write_text(head + own, "utf-8")
    assert main(["package", "out/x64/hello.sys", "-q"]) == 0


def folders_in(cabinet: Path) -> list[str]:
    names = read_cabinet(cabinet.read_bytes())
    return list(dict.fromkeys(name.split("\\")[0] for name in names))


def date_of(cabinet: Path) -> tuple[int, int, int]:
    """Return the date of the first file in a cabinet (Microsoft Cabinet Format, CFFILE)."""
    (day,) = struct.unpack_from("<H", cabinet.read_bytes(), 36 + 8 + 10)
    return 1980 + (day >> 9), day >> 5 & 15, day & 31


def test_a_submission_is_a_cabinet_with_one_folder_and_two_requests(
    project: Path, run: Run
) -> None:
    document = run("out/x64/package")

    assert (document["exit-code"], document["findings"]) == (0, [])
    assert {row["status"] for row in document["files"]} == {"created"}
    found = contents(project / "out/x64/submission")
    assert list(found) == NAMES
    package = contents(project / "out/x64/package")
    assert read_cabinet(found["hello.cab"]) == {
        f"hello\\{name}": package[name]
        for name in ("hello.cat", "hello.inf", "hello.pdb", "hello.sys")
    }
    product = json.loads(found["product.json"])
    assert product["productName"] == "hello"
    assert product["testHarness"] == "attestation"
    assert product["requestedSignatures"][0] == "WINDOWS_v100_X64_RS3_FULL"
    assert product["requestedSignatures"][-1] == "WINDOWS_v100_X64_GE_FULL"
    assert product["selectedProductTypes"]["windows_v100_RS3"] == "Unclassified"
    assert json.loads(found["submission.json"]) == {"name": "hello", "type": "initial"}


def test_the_keys_of_the_configuration_go_into_the_request(project: Path, run: Run) -> None:
    configure(
        project,
        'display-name = "Not this"\n[package.submission]\nname = "Hello Ünique"\n'
        "test-signing = true\n"
        'signatures = ["WINDOWS_v100_ARM64_GE_FULL", "WINDOWS_v100_SERVER_X64_RS5_FULL",'
        ' "WINDOWS_v100_TH2_FULL", "WINDOWS_7_X64"]\n'
        'device-type = "external"\nmarketing-names = ["Hi"]\n',
    )
    run("out/x64/package")

    text = (project / "out/x64/submission/product.json").read_text("utf-8")
    assert json.loads(text) == {
        "productName": "Hello Ünique",
        "testHarness": "attestation",
        "deviceMetadataIds": [],
        "deviceType": "external",
        "isTestSign": True,
        "isFlightSign": False,
        "marketingNames": ["Hi"],
        "selectedProductTypes": {
            "windows_v100_GE": "Unclassified",
            "windows_v100Server_RS5": "Unclassified",
            "windows_v100": "Unclassified",
        },
        "requestedSignatures": [
            "WINDOWS_v100_ARM64_GE_FULL",
            "WINDOWS_v100_SERVER_X64_RS5_FULL",
            "WINDOWS_v100_TH2_FULL",
            "WINDOWS_7_X64",
        ],
        "additionalAttributes": {},
    }


@pytest.mark.parametrize(
    ("build", "first"), [(10240, "TH1"), (16299, "RS3"), (19041, "VB"), (26100, "GE")]
)
def test_the_signatures_begin_with_the_oldest_windows(
    project: Path, run: Run, build: int, first: str
) -> None:
    text = CONFIG.replace(', "aarch64-pc-windows-msvc"', "") + f"minimum-build = {build}\n"
    (project / "config.toml").write_text(text, "utf-8")
    assert main(["package", "out/x64/hello.sys", "-q"]) == 0
    run("out/x64/package")

    product = json.loads((project / "out/x64/submission/product.json").read_text("utf-8"))
    assert product["requestedSignatures"][0] == f"WINDOWS_v100_X64_{first}_FULL"


def test_the_oldest_of_several_versions_of_windows_counts(project: Path, run: Run) -> None:
    decoration, newer = "NTamd64.10.0...16299", "NTamd64.10.0...22000"
    models = f"[Models.{decoration}]\n%Device% = Install,Root\\hello\n"

    def with_both(text: str) -> str:
        assert models in text
        more = models.replace(decoration, newer)
        return text.replace(f"Models,{decoration}", f"Models,{decoration},{newer}").replace(
            models, f"{models}\n{more}"
        )

    repackage(project, with_both)
    run("out/x64/package")

    product = json.loads((project / "out/x64/submission/product.json").read_text("utf-8"))
    assert product["requestedSignatures"][0] == "WINDOWS_v100_X64_RS3_FULL"


def test_the_same_packages_give_the_same_bytes(project: Path, run: Run) -> None:
    run("out/x64/package", "-o", "one")
    shutil.copytree(project / "out/x64/package", project / "copy")
    run("copy", "-o", "two")

    assert contents(project / "one") == contents(project / "two")


def test_with_nothing_to_do_nothing_is_done(project: Path, run: Run) -> None:
    run("out/x64/package")
    folder = project / "out/x64/submission"
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}

    assert {row["status"] for row in run("out/x64/package")["files"]} == {"unchanged"}
    assert before == {path: path.stat().st_mtime_ns for path in folder.iterdir()}


@pytest.mark.slow
def test_a_signed_cabinet_stays_while_its_files_do(project: Path, run: Run) -> None:
    need("osslsigncode", "cabextract")
    run("out/x64/package")
    folder = project / "out/x64/submission"
    identity = Identity.make("EV", CODE_SIGNING)
    (project / "own.pem").write_bytes(identity.certificate_pem())
    (project / "own.key").write_bytes(identity.key_pem())
    (folder / "hello.cab").rename(project / "unsigned.cab")
    sign = ["osslsigncode", "sign", "-certs", "own.pem", "-key", "own.key", "-in", "unsigned.cab"]
    subprocess.run([*sign, "-out", folder / "hello.cab"], check=True, capture_output=True)
    before = contents(folder)

    assert {row["status"] for row in run("out/x64/package")["files"]} == {"unchanged"}
    assert contents(folder) == before
    subprocess.run(
        ["cabextract", "-q", "-d", "restored", folder / "hello.cab"],
        check=True,
        capture_output=True,
    )
    assert {path.name for path in (project / "restored").iterdir()} == {"hello"}
    assert (project / "restored/hello/hello.sys").read_bytes() == (
        project / "out/x64/hello.sys"
    ).read_bytes()

    (project / "out/x64/package/hello.pdb").write_bytes(b"other")
    statuses = {Path(row["path"]).name: row["status"] for row in run("out/x64/package")["files"]}
    assert statuses["hello.cab"] == "updated"


def test_packages_of_several_architectures_are_refused(project: Path, run: Run) -> None:
    document = run("out/x64/package", "out/arm64/package")

    assert document["exit-code"] == 6
    assert rules(document) == ["submission-architectures", "verification"]
    assert not (project / "out/x64/submission").exists()

    run("out/arm64/package")
    product = json.loads((project / "out/arm64/submission/product.json").read_text("utf-8"))
    assert all("_ARM64_" in each for each in product["requestedSignatures"])


def test_a_folder_for_more_architectures_than_another_is_refused(project: Path, run: Run) -> None:
    both = project / "both"
    shutil.copytree(project / "out/x64/package", both)
    shutil.copytree(package(project, "arm64", "other"), both, dirs_exist_ok=True)
    assert rules(run("both")) == []

    document = run("both", "out/x64/package", "-o", "sub")

    assert rules(document) == ["submission-architectures", "verification"]
    assert "for amd64, and " in document["findings"][0]["message"]
    assert "is for amd64, arm64" in document["findings"][0]["message"]


def test_the_files_have_the_date_of_the_newest_driver(project: Path, run: Run) -> None:
    shutil.copytree(project / "out/x64/package", project / "newer")
    (project / "config.toml").write_text(CONFIG.replace("2025-07-01", "2025-06-30"), "utf-8")
    assert main(["package", "out/x64/hello.sys", "-q"]) == 0

    run("newer", "out/x64/package", "-o", "one")
    run("out/x64/package", "newer", "-o", "two")

    assert date_of(project / "one/hello.cab") == (2025, 7, 1)
    assert date_of(project / "two/hello.cab") == (2025, 7, 1)


def test_without_a_name_of_its_own_a_product_has_the_name_that_people_see(
    project: Path, run: Run
) -> None:
    configure(project, 'display-name = "Hello Device"\n')
    run("out/x64/package")

    folder = project / "out/x64/submission"
    assert json.loads((folder / "product.json").read_text("utf-8"))["productName"] == "Hello Device"
    assert json.loads((folder / "submission.json").read_text("utf-8"))["name"] == "Hello Device"


def test_several_packages_have_folders_of_their_own(project: Path, run: Run) -> None:
    for name in ("second", "third"):
        shutil.copytree(project / "out/x64/package", project / name)

    run("out/x64/package", "second", "third", "-o", "sub")

    assert folders_in(project / "sub/hello.cab") == ["hello", "hello-amd64", "hello-2"]
    names = read_cabinet((project / "sub/hello.cab").read_bytes())
    assert all(name.count("\\") == 1 for name in names)


def test_folders_whose_names_differ_only_in_case_are_kept_apart(project: Path, run: Run) -> None:
    package(project, "x64", "Hello")

    run("out/Hello/package", "out/x64/package", "-o", "sub")

    assert folders_in(project / "sub/hello.cab") == ["Hello", "hello-amd64"]


def test_the_name_of_a_folder_is_short_and_plain(project: Path, run: Run) -> None:
    stem = "Mein Tr" + "y" * 60
    text = CONFIG.replace('"hello"', f'"hello"\noutput-name = "{stem}"')
    (project / "config.toml").write_text(text, "utf-8")
    (project / "out/x64/hello.sys").rename(project / f"out/x64/{stem}.sys")
    shutil.rmtree(project / "out/x64/package")
    assert main(["package", f"out/x64/{stem}.sys", "-q"]) == 0

    run("out/x64/package")

    (cabinet,) = (project / "out/x64/submission").glob("*.cab")
    (folder,) = {name.split("\\")[0] for name in read_cabinet(cabinet.read_bytes())}
    assert folder == ("Mein_Tr" + "y" * 60)[:39]


def test_a_file_name_with_special_characters_is_refused(project: Path, run: Run) -> None:
    configure(project, 'extra-files = ["dätä.bin"]\n')
    (project / "dätä.bin").write_bytes(b"x")
    assert main(["package", "out/x64/hello.sys", "-q", "-o", "other"]) == 0

    document = run("other")

    assert rules(document) == ["submission-file-name", "verification"]
    assert "dätä.bin" in document["findings"][0]["message"]


def test_a_driver_without_symbols_is_a_warning(project: Path, run: Run) -> None:
    (project / "out/x64/package/hello.pdb").unlink()

    document = run("out/x64/package")

    assert (document["exit-code"], rules(document)) == (0, ["submission-symbols"])
    assert document["findings"][0]["severity"] == "warning"


def test_symbols_are_found_beside_a_driver_in_a_folder(project: Path, run: Run) -> None:
    folder = project / "out/x64/package"
    (folder / "amd64").mkdir()
    for name in ("hello.sys", "hello.pdb"):
        (folder / name).rename(folder / "amd64" / name)
    inf = folder / "hello.inf"
    inf.write_bytes(inf.read_bytes().replace(b"1 = %Disk%", b"1 = %Disk%,,,\\amd64"))

    assert rules(run("out/x64/package")) == ["catalog-stale", "verification"]  # of the INF


def test_an_inf_that_windows_refuses_is_not_submitted(project: Path, run: Run) -> None:
    inf = project / "out/x64/package/hello.inf"
    inf.write_bytes(inf.read_bytes().replace(b"Provider = %Provider%\r\n", b""))

    found = rules(run("out/x64/package"))

    assert "inf-directive-missing" in found
    assert not (project / "out/x64/submission").exists()


@pytest.mark.parametrize(
    ("name", "rule"),
    [("hello.sys", "package-file-missing"), ("hello.cat", "package-catalog-missing")],
)
def test_a_package_must_be_complete(project: Path, run: Run, name: str, rule: str) -> None:
    (project / "out/x64/package" / name).unlink()

    document = run("out/x64/package")

    assert document["exit-code"] == 6
    assert rule in rules(document)
    assert not (project / "out/x64/submission").exists()


def test_a_stale_package_is_refused(project: Path, run: Run) -> None:
    path = project / "out/x64/package/hello.inf"
    path.write_bytes(path.read_bytes().replace(b"Example", b"Sample!"))

    assert rules(run("out/x64/package")) == ["catalog-stale", "verification"]


def test_a_signed_catalog_is_submitted_as_it_is(project: Path, run: Run) -> None:
    path = project / "out/x64/package/hello.cat"
    path.write_bytes(signed(path.read_bytes(), Identity.make("EV", CODE_SIGNING)))

    assert run("out/x64/package")["exit-code"] == 0
    found = read_cabinet((project / "out/x64/submission/hello.cab").read_bytes())
    assert found["hello\\hello.cat"] == path.read_bytes()


def test_a_dry_run_writes_nothing(project: Path, run: Run) -> None:
    assert {row["status"] for row in run("out/x64/package", "--dry-run")["files"]} == {"created"}
    assert not (project / "out/x64/submission").exists()


def test_a_folder_with_other_files_is_left_alone(project: Path, run: Run) -> None:
    folder = project / "out/x64/submission"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine", "utf-8")

    assert run("out/x64/package")["exit-code"] == 2
    assert list(contents(folder)) == ["mine.txt"]


@pytest.mark.usefixtures("project")
def test_a_folder_without_inf_is_no_package(run: Run) -> None:
    document = run("out/x64")

    assert document["exit-code"] == 2
    assert "no *.inf" in document["findings"][0]["message"]
    assert run("missing")["exit-code"] == 8


def test_without_a_package_the_one_that_the_project_has_made_is_meant(
    project: Path, run: Run
) -> None:
    outputs = project / "target/driver/hello/x86_64-pc-windows-msvc"
    outputs.mkdir(parents=True)
    shutil.copytree(project / "out/x64", outputs / "development")
    (outputs / "development/package").rename(project / "made")
    message = run()["findings"][0]["message"]
    assert message.startswith("no driver package was made yet")

    (project / "made").rename(outputs / "development/package")
    folder = Path("target/driver/hello/x86_64-pc-windows-msvc/development/submission")
    assert [row["path"] for row in run()["files"]] == [str(folder / name) for name in NAMES]


@pytest.mark.usefixtures("project")
def test_python_gets_the_findings_and_the_files() -> None:
    made = kdrvgen.make_submission(["out/x64/package"], dry_run=True)

    assert [name for name, _ in made.files] == NAMES
    assert made.findings == ()
    assert not made.folder.exists()
    with pytest.raises(kdrvgen.UsageError):
        kdrvgen.make_submission([])
    assert kdrvgen.make_submission(["out/x64/package", "out/arm64/package"]).files == ()


@pytest.mark.parametrize(
    "text",
    ['signatures = ["10_X64"]', 'name = ""', f'name = "{"x" * 256}"', 'device-type = "both"',
     'signatures = ["WINDOWS_\\"x"]', "test-signing = 1"],
)  # fmt: skip
def test_a_value_that_does_not_fit_is_reported(text: str) -> None:
    with pytest.raises(kdrvgen.ConfigError):
        kdrvgen.loads(f"{CONFIG}[package.submission]\n{text}\n")
