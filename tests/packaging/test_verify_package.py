"""`kdrvgen verify DIR` checks a driver package: INF, files, catalog and signatures."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import cms, core
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

import kdrvgen
from kdrvgen.cli import main
from kdrvgen.commands.package import make_package
from kdrvgen.inspection.signature import der
from kdrvgen.model.windows_versions import WINDOWS
from kdrvgen.packaging.catalog.member import member_of
from kdrvgen.packaging.catalog.strict import demand_strict
from kdrvgen.packaging.catalog.write import Content, identifier_for, write_catalog
from kdrvgen.packaging.checks import signature
from kdrvgen.packaging.checks.inspect import RULES, inspect_package
from tests.inspection.assembled import assembled, stamp_token
from tests.inspection.structures import with_one_more_value_in
from tests.inspection.support import Fields, patched, stamped_by
from tests.inspection.support import sign as sign_by_tool
from tests.packaging.real import packages
from tests.packaging.signed import signed
from tests.packaging.versioned import versioned
from tests.pipeline.authority import CODE_SIGNING, TIME_STAMPING, Identity
from tests.tools import need

CONFIG = '[driver]\nname = "hello"\n[package]\nkind = "device"\nprovider = "Example"\n'
CONFIG += 'version = "1.2.3.4"\ndate = "2025-07-01"\n'
LISTED = ("hello.inf", "hello.sys")
NOON = dt.datetime(2025, 7, 1, 12, tzinfo=dt.UTC)
Run = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def identity() -> Identity:
    return Identity.make("DriverCertificate", CODE_SIGNING)


@pytest.fixture
def folder(tmp_path: Path, identity: Identity, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package without findings."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.toml").write_text(CONFIG, "utf-8")
    (tmp_path / "hello.sys").write_bytes(assembled(identity))
    (tmp_path / "hello.pdb").write_bytes(b"symbols")
    assert main(["package", "hello.sys", "-q"]) == 0
    sign(tmp_path / "package", identity)
    return tmp_path / "package"


def sign(folder: Path, identity: Identity) -> None:
    catalog = folder / "hello.cat"
    catalog.write_bytes(signed(catalog.read_bytes(), identity))


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def start(*words: str | Path) -> dict[str, Any]:
        capsys.readouterr()
        code = main(["verify", *map(str, words), "--no-config", "--format", "json"])
        document: dict[str, Any] = json.loads(capsys.readouterr().out)
        assert document["exit-code"] == code
        return document

    return start


def of_package(findings: Sequence[Any]) -> list[str]:
    """Return the rules of findings about the package, without those about the image."""
    rules = [each["rule"] if isinstance(each, dict) else each.rule for each in findings]
    return [each for each in rules if each.startswith(("inf-", "package-", "catalog-"))]


def edit(path: Path, old: bytes, new: bytes) -> None:
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new))


def test_a_good_package_has_no_findings(folder: Path, run: Run) -> None:
    document = run(folder)

    assert document["exit-code"] == 0
    assert of_package(document["findings"]) == []
    (package,) = document["packages"]
    assert package["path"] == str(folder)
    (inf,) = package["infs"]
    assert inf["driver-ver"] == "07/01/2025,1.2.3.4"
    assert inf["machines"] == ["amd64"]
    assert inf["files"] == ["hello.sys"]
    assert inf["systems"] == ["_v100_X64_RS3"]
    assert inf["subject"] == "CN=DriverCertificate"


@pytest.mark.parametrize("name", ["package", "package/hello.inf", "package/hello.cat"])
def test_a_package_can_be_named_by_its_folder_its_inf_or_its_catalog(
    folder: Path, run: Run, name: str
) -> None:
    document = run(folder.parent / name)

    assert [Path(each["path"]).name for each in document["packages"]] == ["package"]
    assert bool(document["images"]) == (name == "package")


def test_a_folder_of_images_and_packages_has_both(folder: Path, run: Run) -> None:
    document = run(folder.parent)

    assert [each["path"] for each in document["packages"]] == [str(folder)]
    # The image in the package is the same as that beside it.
    assert [each["path"] for each in document["images"]] == [str(folder.parent / "hello.sys")]

    (folder.parent / "hello.sys").unlink()
    document = run(folder.parent)
    assert [each["path"] for each in document["images"]] == [str(folder / "hello.sys")]


def test_the_umdf_driver_of_a_package_is_checked_as_one(folder: Path, run: Run) -> None:
    config = CONFIG.replace('"hello"\n', '"hello"\nmodel = "umdf"\n').replace('"device"', '"umdf"')
    (folder.parent / "config.toml").write_text(config, "utf-8")
    (folder.parent / "hello.sys").rename(folder.parent / "hello.dll")
    umdf = folder.with_name("umdf")
    assert main(["package", "hello.dll", "-q", "-o", str(umdf)]) == 0
    shutil.copy(umdf / "hello.dll", umdf / "other.dll")  # no driver of the INF

    document = run(umdf)

    assert [each["path"] for each in document["images"]] == [str(umdf / "hello.dll")]
    assert "image-subsystem" in [each["rule"] for each in document["findings"]]
    edit(umdf / "hello.inf", b"UmdfService =", b"Ignored =")
    assert run(umdf)["images"] == []


def test_a_folder_of_images_with_an_inf_alone_is_no_package(folder: Path, run: Run) -> None:
    shutil.copytree(folder.parent, folder.parent / "above/build")
    (folder.parent / "above/build/package/hello.cat").unlink()

    document = run(folder.parent / "above")

    assert document["images"]
    assert "packages" not in document
    # A folder that is named itself is one.
    document = run(folder.parent / "above/build/package")
    assert of_package(document["findings"]) == ["package-catalog-missing"]
    assert document["exit-code"] == 6


def stale_inf(folder: Path, _: Identity) -> None:
    edit(folder / "hello.inf", b"Example", b"Sample!")


def line_ends(folder: Path, _: Identity) -> None:
    edit(folder / "hello.inf", b"\r\n", b"\n")


def stale_image(folder: Path, _: Identity) -> None:
    edit(folder / "hello.sys", b"hello.pdb", b"other.pdb")


def listed_later(folder: Path, _: Identity) -> None:
    edit(folder / "hello.inf", b"hello.sys = 1\r\n", b"hello.sys = 1\r\nmore.bin = 1\r\n")
    edit(folder / "hello.inf", b"[Files]\r\n", b"[Files]\r\nmore.bin\r\n")
    (folder / "more.bin").write_bytes(b"more")


def listed_no_longer(folder: Path, _: Identity) -> None:
    (folder / "more.sys").write_bytes((folder / "hello.sys").read_bytes() + b"1")
    edit(folder / "hello.inf", b"hello.sys", b"more.sys")


def without_file(folder: Path, _: Identity) -> None:
    (folder / "hello.sys").unlink()


def with_more_files(folder: Path, _: Identity) -> None:
    (folder / "more.dll").write_bytes(b"x")
    (folder / "LICENSE.txt").write_bytes(b"x")


def without_signature(folder: Path, _: Identity) -> None:
    main(["package", str(folder.parent / "hello.sys"), "-o", str(folder.parent / "new"), "-q"])
    shutil.copy(folder.parent / "new/hello.cat", folder)


def damaged_signature(folder: Path, _: Identity) -> None:
    data = bytearray((folder / "hello.cat").read_bytes())
    data[-1] ^= 1
    (folder / "hello.cat").write_bytes(data)


def another_signer(folder: Path, _: Identity) -> None:
    sign(folder, Identity.make("Other", CODE_SIGNING))


def expired(folder: Path, _: Identity) -> None:
    old = Identity.make("DriverCertificate", CODE_SIGNING, days=(-30, -1))
    (folder / "hello.sys").write_bytes(assembled(old))
    sign(folder, old)


def truncated(folder: Path, _: Identity) -> None:
    path = folder / "hello.cat"
    path.write_bytes(path.read_bytes()[:-5])


def unsorted(folder: Path, _: Identity) -> None:
    path = folder / "hello.cat"
    data = path.read_bytes()
    kind = der.value(der.SEQUENCE, der.object_id("1.2.840.113549.1.9.3"))[2:]
    at = data.index(kind) - 2
    first = data[at : at + 2 + data[at + 1]]
    second = data[at + len(first) : at + len(first) + 2 + data[at + len(first) + 1]]
    path.write_bytes(data.replace(first + second, second + first))


def signed_out_of_order(folder: Path, identity: Identity) -> None:
    path = folder / "hello.cat"
    path.write_bytes(signed(path.read_bytes(), identity, is_strict=False))


def other_version(folder: Path, identity: Identity) -> None:
    (folder / "hello.sys").write_bytes(versioned(assembled(identity), (1, 2, 3, 5)))
    remake(folder, identity)


def other_machine(folder: Path, _: Identity) -> None:
    edit(folder / "hello.inf", b"NTamd64", b"NTarm64")


def remake(folder: Path, identity: Identity) -> None:
    """Make the package again from the image in it."""
    shutil.copy(folder / "hello.sys", folder.parent / "hello.sys")
    assert main(["package", str(folder.parent / "hello.sys"), "-q"]) == 0
    sign(folder, identity)


def other_system(folder: Path, identity: Identity) -> None:
    config = folder.parent / "config.toml"
    config.write_text(CONFIG.replace("[package]", 'target = "aarch64-pc-windows-msvc"\n[package]'))
    data = bytearray((folder / "hello.sys").read_bytes())
    data[0x7C:0x7E] = b"\x64\xaa"
    (folder.parent / "hello.sys").write_bytes(data)
    main(["package", str(folder.parent / "hello.sys"), "-o", str(folder.parent / "new"), "-q"])
    new = folder.parent / "new"
    inf = (new / "hello.inf").read_bytes().replace(b"NTarm64", b"NTamd64")
    (folder / "hello.inf").write_bytes(inf)
    shutil.copy(new / "hello.cat", folder)
    sign(folder, identity)


@pytest.mark.one_in(8)
@pytest.mark.parametrize(
    ("break_it", "rules"),
    [
        (stale_inf, ["catalog-stale"]),
        (line_ends, ["catalog-stale"]),
        (stale_image, ["catalog-stale"]),
        (listed_later, ["catalog-stale", "catalog-uncovered"]),
        (listed_no_longer, ["catalog-stale", "catalog-uncovered", "package-file-unlisted",
                            "catalog-extra-file"]),
        (without_file, ["package-file-missing"]),
        (with_more_files, ["package-file-unlisted"]),
        (without_signature, ["catalog-unsigned"]),
        (damaged_signature, ["catalog-signature"]),
        (another_signer, ["catalog-signer"]),
        (expired, ["catalog-validity"]),
        (truncated, ["catalog-format"]),
        (unsorted, ["catalog-format", "catalog-signature"]),
        (other_version, ["package-version"]),
        (other_machine, ["package-machine", "catalog-stale", "catalog-systems"]),
        (other_system, ["catalog-stale", "catalog-stale", "catalog-systems"]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)  # fmt: skip
def test_a_broken_package_has_a_finding(
    folder: Path,
    run: Run,
    identity: Identity,
    break_it: Callable[[Path, Identity], None],
    rules: list[str],
) -> None:
    break_it(folder, identity)

    document = run(folder)

    found = of_package(document["findings"])
    order = [each.id for each in RULES]
    assert sorted(found) == sorted(rules)
    assert set(found) <= set(order)
    severities = {each.id: each.severity for each in RULES}
    fails = any(severities[rule] == "error" for rule in found)
    if not any(each["rule"].startswith("image") for each in document["findings"]):
        assert document["exit-code"] == (6 if fails else 0)
    for each in document["findings"]:
        if each["rule"] in found:
            assert each["place"]["file"].startswith(str(folder))
            assert each["help"]


def test_changed_line_ends_are_named(folder: Path, run: Run, identity: Identity) -> None:
    line_ends(folder, identity)

    (finding,) = [each for each in run(folder)["findings"] if each["rule"] == "catalog-stale"]

    assert finding["message"] == "the line ends of `hello.inf` changed after the catalog was made"
    assert "CRLF" in finding["help"]


def test_the_same_version_is_no_finding(folder: Path, run: Run, identity: Identity) -> None:
    (folder / "hello.sys").write_bytes(versioned(assembled(identity), (1, 2, 3, 4)))
    remake(folder, identity)

    assert of_package(run(folder)["findings"]) == []


def test_a_version_with_fewer_numbers_ends_with_zeros(
    folder: Path, run: Run, identity: Identity
) -> None:
    config = folder.parent / "config.toml"
    config.write_text(CONFIG.replace("1.2.3.4", "1.2.0.0"), "utf-8")
    (folder / "hello.sys").write_bytes(versioned(assembled(identity), (1, 2, 0, 0)))
    remake(folder, identity)
    edit(folder / "hello.inf", b",1.2.0.0", b",1.2")

    assert of_package(run(folder)["findings"]) == ["catalog-stale"]


def test_trust_is_checked_against_the_given_certificates(
    folder: Path, run: Run, identity: Identity
) -> None:
    (folder.parent / "own.pem").write_bytes(identity.certificate_pem())
    other = Identity.make("Other", CODE_SIGNING)
    (folder.parent / "other.pem").write_bytes(other.certificate_pem())

    assert of_package(run(folder, "--trust", "own.pem")["findings"]) == []
    assert of_package(run(folder, "--trust", "other.pem")["findings"]) == ["catalog-untrusted"]


def test_an_authority_that_may_not_issue_is_not_trusted(folder: Path, run: Run) -> None:
    end = Identity.make("End", CODE_SIGNING, Identity.make("Root", CODE_SIGNING))
    leaf = Identity.make("Leaf", CODE_SIGNING, end)
    (folder / "hello.sys").write_bytes(assembled(leaf))
    sign(folder, leaf)
    (folder.parent / "end.pem").write_bytes(end.certificate_pem())

    (finding,) = [
        each
        for each in run(folder, "--trust", "end.pem")["findings"]
        if each["rule"].startswith("catalog-")
    ]
    assert finding["rule"] == "catalog-signature"
    assert finding["source"] == "CN=End may not issue certificates"


@pytest.mark.slow
def test_a_timestamp_of_a_catalog_counts_only_from_a_trusted_authority(
    folder: Path, run: Run, identity: Identity
) -> None:
    need("osslsigncode")
    old = Identity.make("Old", CODE_SIGNING, days=(-30, -10))
    (folder / "hello.sys").write_bytes(assembled(old))
    without_signature(folder, identity)
    unsigned = (folder / "hello.cat").rename(folder.parent / "unsigned.cat")
    place = folder.parent

    sign_by_tool(unsigned, place / "early.cat", old, *stamped_by(place, -20))
    (place / "early.pem").write_bytes(old.certificate_pem() + (place / "stamp.pem").read_bytes())
    sign_by_tool(unsigned, place / "late.cat", old, *stamped_by(place, -5))
    (place / "late.pem").write_bytes(old.certificate_pem() + (place / "stamp.pem").read_bytes())

    shutil.copy(place / "early.cat", folder / "hello.cat")
    assert of_package(run(folder)["findings"]) == ["catalog-validity"]
    # The root of the trusted authority is not needed.
    assert of_package(run(folder, "--trust", "early.pem")["findings"]) == ["catalog-unsigned-part"]
    sign_by_tool(unsigned, place / "weak.cat", identity, "-h", "sha1")
    shutil.copy(place / "weak.cat", folder / "hello.cat")
    (finding,) = (x for x in run(folder)["findings"] if x["rule"] == "catalog-signature")
    assert finding["message"] == "the digest algorithm of the catalog's signature is broken"
    shutil.copy(place / "late.cat", folder / "hello.cat")
    assert "catalog-validity" in of_package(run(folder, "--trust", "late.pem")["findings"])


@pytest.mark.slow
def test_one_of_several_signers_of_the_image_is_enough(
    folder: Path, run: Run, identity: Identity
) -> None:
    need("osslsigncode")
    first = folder.parent / "first.sys"
    first.write_bytes(assembled(Identity.make("Other", CODE_SIGNING)))
    sign_by_tool(first, folder.parent / "both.sys", identity, "-nest")
    shutil.copy(folder.parent / "both.sys", folder / "hello.sys")

    assert of_package(run(folder)["findings"]) == []


def test_microsoft_signs_the_catalog_of_an_image_that_others_signed(
    folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "Microsoft Windows Hardware Compatibility Publisher"
    publisher = Identity.make(name, CODE_SIGNING)
    sign(folder, publisher)

    # Anyone can use the name.
    assert of_package(run(folder)["findings"]) == ["catalog-signer"]

    thumbprint = publisher.certificate.fingerprint(hashes.SHA1()).hex().upper()
    monkeypatch.setattr(signature, "MICROSOFT_2010", thumbprint)
    assert of_package(run(folder)["findings"]) == []


def rewritten(folder: Path, change: Callable[[cms.SignedData], object]) -> None:
    """Change the signature of the catalog, without signing it again."""
    info = cms.ContentInfo.load((folder / "hello.cat").read_bytes())
    change(info["content"])
    (folder / "hello.cat").write_bytes(info.dump())


def with_attribute(message: cms.SignedData) -> None:
    value = core.OctetString(b"hidden payload")
    attribute = {"type": "1.3.6.1.4.1.99999.1", "values": [value]}
    message["signer_infos"][0]["unsigned_attrs"] = [attribute]


def with_certificate(message: cms.SignedData) -> None:
    other = Identity.make("Payload", CODE_SIGNING).certificate.public_bytes(Encoding.DER)
    message["certificates"].append(cms.CertificateChoices.load(other))


def with_signer(message: cms.SignedData) -> None:
    message["signer_infos"].append(message["signer_infos"][0].copy())


def with_stamp_of_another(message: cms.SignedData) -> None:
    stamps = Identity.make("Stamps", TIME_STAMPING)
    token = cms.ContentInfo.load(stamp_token(b"another", stamps, b"20240229120000Z"))
    attribute = {"type": "microsoft_time_stamp_token", "values": [token]}
    message["signer_infos"][0]["unsigned_attrs"] = [attribute]


def with_signature_of_another(message: cms.SignedData) -> None:
    other = cms.ContentInfo({"content_type": "signed_data", "content": message.copy()})
    other["content"]["encap_content_info"]["content_type"] = "1.3.6.1.4.1.311.10.2"
    attribute = {"type": "microsoft_nested_signature", "values": [other]}
    message["signer_infos"][0]["unsigned_attrs"] = [attribute]


@pytest.mark.parametrize(
    ("change", "rule", "text"),
    [
        (with_attribute, "catalog-unsigned-part", "unsigned attribute 1.3.6.1.4.1.99999.1, "),
        (with_certificate, "catalog-unsigned-part", "CN=Payload ("),
        (with_signer, "catalog-signature", "it has several signers"),
        (with_stamp_of_another, "catalog-signature", "it belongs to another signature"),
        (with_signature_of_another, "catalog-signature", "it is for another catalog"),
    ],
)
def test_what_the_signer_of_a_catalog_did_not_sign_is_reported(
    folder: Path, run: Run, change: Callable[[cms.SignedData], object], rule: str, text: str
) -> None:
    rewritten(folder, change)

    document = run(folder)

    found = [each for each in document["findings"] if each["rule"] == rule]

    assert any(text in each["source"] for each in found)
    # One good signature suffices.
    is_note = "unsigned" in rule or change is with_signature_of_another
    assert (document["exit-code"] == 0) == is_note


@pytest.mark.slow
def test_a_value_after_the_last_field_of_any_structure_of_a_catalog_is_reported(
    folder: Path,
) -> None:
    catalog = folder / "hello.cat"
    changes = list(with_one_more_value_in(catalog.read_bytes(), b"payload"))
    assert len(changes) > 80
    for changed in changes:
        catalog.write_bytes(changed)
        assert of_package(inspect_package(folder).findings)


def _bare(folder: Path) -> None:
    """Remove the signature of the image, whose digest in the catalog does not cover it."""
    data = (folder / "hello.sys").read_bytes()
    fields = Fields(data)
    bare = patched(data[: fields.table[0]], (fields.security, bytes(8)))
    (folder / "hello.sys").write_bytes(bare)


def test_a_signed_catalog_stands_for_an_image_without_a_signature(
    folder: Path, run: Run, identity: Identity
) -> None:
    _bare(folder)

    document = run(folder)

    (finding,) = (each for each in document["findings"] if each["rule"] == "signature-missing")
    assert finding["severity"] == "note"
    assert "but the signed catalog hello.cat lists it" in finding["message"]
    (image,) = (each for each in document["images"] if each["path"].startswith(str(folder)))
    assert image["loading"]["signed-by"] == "test"
    assert image["loading"]["windows"].endswith("Windows must know the catalog.")

    (folder.parent / "own.pem").write_bytes(identity.certificate_pem())
    other = Identity.make("Other", CODE_SIGNING)
    (folder.parent / "other.pem").write_bytes(other.certificate_pem())
    assert _missing(run(folder, "--trust", "own.pem")) == "note"
    assert _missing(run(folder, "--trust", "other.pem")) == "error"


def _missing(document: dict[str, Any]) -> str:
    """Return the severity of the finding that the image is not signed."""
    (finding,) = (each for each in document["findings"] if each["rule"] == "signature-missing")
    return str(finding["severity"])


@pytest.mark.parametrize(
    "break_it",
    [
        without_signature,
        damaged_signature,
        stale_image,
        truncated,
        expired,
        signed_out_of_order,
    ],
)
def test_a_catalog_that_is_not_good_does_not_stand_for_an_image(
    folder: Path, run: Run, identity: Identity, break_it: Callable[[Path, Identity], None]
) -> None:
    break_it(folder, identity)
    _bare(folder)

    document = run(folder)

    assert _missing(document) == "error"
    assert document["exit-code"] == 6


def test_an_own_image_needs_its_own_signature(folder: Path) -> None:
    _bare(folder)
    config = folder.parent / "config.toml"
    found = kdrvgen.verify(folder / "hello.sys", config=config).findings
    assert [each.severity for each in found if each.rule == "signature-missing"] == ["error"]


def test_the_certificate_of_a_catalog_must_be_for_code(folder: Path, run: Run) -> None:
    other = Identity.make("Stamps", TIME_STAMPING)
    (folder / "hello.sys").write_bytes(assembled(other))
    sign(folder, other)

    assert of_package(run(folder)["findings"]) == ["catalog-signature"]


def test_a_driver_must_be_for_the_machine_that_its_section_is_for(folder: Path, run: Run) -> None:
    models = b"[Models.NTamd64.10.0...16299]\r\n%Device% = Install,Root\\hello\r\n"
    both = b"Models,NTamd64.10.0...16299,NTarm64.10.0...16299"
    edit(folder / "hello.inf", b"Models,NTamd64.10.0...16299", both)
    edit(folder / "hello.inf", models, models + b"\r\n" + models.replace(b"amd64", b"arm64"))
    # The catalog is for the first machine only.
    assert of_package(run(folder)["findings"]) == ["catalog-stale", "catalog-systems"]

    edit(folder / "hello.inf", b"[SourceDisksFiles]", b"[SourceDisksFiles.arm64]")

    (finding,) = [each for each in run(folder)["findings"] if each["rule"] == "package-machine"]
    assert finding["message"] == "`hello.sys` is for amd64, and the INF is for arm64"


def test_a_catalog_needs_the_files_of_its_own_architectures_only(
    folder: Path, run: Run, identity: Identity
) -> None:
    config = folder.parent / "config.toml"
    text = config.read_text("utf-8")
    keys = text.partition("[package]\n")[2].replace('kind = "device"\nprovider = "Example"\n', "")
    more = 'inx = "own.inx"\nextra-files = ["x64.bin", "arm.bin"]\n'
    config.write_text(f'[driver]\nname = "hello"\n[package]\n{more}{keys}', "utf-8")
    for name in ("x64.bin", "arm.bin"):
        (folder.parent / name).write_bytes(name.encode())
    inx = (folder / "hello.inf").read_text("ascii")
    lists = "[SourceDisksFiles.{}]\n{} = 1\n\n[DestinationDirs]"
    for machine, name in (("amd64", "x64.bin"), ("arm64", "arm.bin")):
        inx = inx.replace("[DestinationDirs]", lists.format(machine, name), 1)
    inx = inx.replace("CopyFiles = Files", "CopyFiles = Files,@x64.bin")
    (folder.parent / "own.inx").write_text(inx, "utf-8")

    made = make_package(folder.parent / "hello.sys")

    assert [each.rule for each in made.findings] == ["inf-file-unused"]  # arm.bin
    sign(folder, identity)
    assert of_package(run(folder)["findings"]) == ["inf-file-unused"]
    edit(folder / "hello.inf", b"[SourceDisksFiles.arm64]", b"[SourceDisksFiles.amd64]")
    assert "catalog-uncovered" in of_package(run(folder)["findings"])

    # One INX for the packages of several architectures, which have files of the same names.
    inx = inx.replace("[SourceDisksFiles]\nhello.sys = 1\n", "")
    for machine in ("amd64", "arm64"):
        list_of = f"[SourceDisksFiles.{machine}]\n"
        inx = inx.replace(list_of, f"{list_of}hello.sys = 1\n")
    (folder.parent / "own.inx").write_text(inx, "utf-8")
    config.write_text(config.read_text("utf-8").replace(', "arm.bin"', ""), "utf-8")
    (folder / "arm.bin").unlink()
    made = make_package(folder.parent / "hello.sys")
    assert [each.rule for each in made.findings] == ["inf-file-unused"]
    sign(folder, identity)
    assert of_package(run(folder)["findings"]) == ["inf-file-unused"]


def test_each_catalog_of_an_inf_is_checked(folder: Path, run: Run, identity: Identity) -> None:
    line = b"CatalogFile = hello.cat\r\n"
    edit(folder / "hello.inf", line, line.replace(b"File", b"File.NTamd64") + line)
    models = b"[Models.NTamd64.10.0...16299]\r\n%Device% = Install,Root\\hello\r\n"
    both = b"Models,NTamd64.10.0...16299,NTarm64.10.0...16299"
    edit(folder / "hello.inf", b"Models,NTamd64.10.0...16299", both)
    edit(folder / "hello.inf", models, models + models.replace(b"amd64", b"arm64"))
    # The general one is for the other architecture.
    edit(folder / "hello.inf", b"\r\nCatalogFile = hello.cat", b"\r\nCatalogFile = other.cat")
    for name, build in (("hello.cat", "10_X64"), ("other.cat", "10_RS3_ARM64")):
        members = tuple(member_of(each, (folder / each).read_bytes()) for each in LISTED)
        systems = (WINDOWS[build.lower()],)
        content = Content(members, systems, (), identifier_for(members), NOON)
        (folder / name).write_bytes(signed(write_catalog(content), identity))
    assert of_package(run(folder)["findings"]) == []

    (folder / "other.cat").write_bytes((folder / "hello.cat").read_bytes())
    (finding,) = [each for each in run(folder)["findings"] if each["rule"] == "catalog-systems"]
    assert finding["place"]["file"] == str(folder / "other.cat")
    assert finding["message"] == "the catalog is not for arm64"
    (folder / "other.cat").write_bytes(b"")
    assert of_package(run(folder)["findings"]) == ["catalog-format"]


def test_files_in_folders_of_the_package_are_found(folder: Path, run: Run) -> None:
    (folder / "amd64/sub").mkdir(parents=True)
    (folder / "hello.sys").rename(folder / "amd64/sub/hello.sys")
    edit(folder / "hello.inf", b"hello.sys = 1\r\n", b"hello.sys = 1,sub\r\n")
    edit(folder / "hello.inf", b"1 = %Disk%", b"1 = %Disk%,,,\\amd64")

    assert of_package(run(folder)["findings"]) == ["catalog-stale"]  # of the INF

    (folder / "amd64/sub/hello.sys").unlink()
    assert "package-file-missing" in of_package(run(folder)["findings"])


def test_a_folder_can_be_that_of_one_machine(folder: Path, run: Run) -> None:
    (folder / "amd64").mkdir()
    (folder / "hello.sys").rename(folder / "amd64/hello.sys")
    names = b"[SourceDisksNames]\r\n1 = %Disk%\r\n"
    own = names.replace(b"Names]", b"Names.amd64]").replace(b"%Disk%", b"%Disk%,,,amd64")
    edit(folder / "hello.inf", names, names + own)
    edit(folder / "hello.inf", b"[SourceDisksFiles]", b"[SourceDisksFiles.amd64]")

    assert of_package(run(folder)["findings"]) == ["catalog-stale"]  # of the INF


def test_a_link_is_not_followed(folder: Path, run: Run) -> None:
    secret = folder.parent / "secret.sys"
    (folder / "hello.sys").rename(secret)
    try:
        (folder / "hello.sys").symlink_to(secret)
    except OSError:
        pytest.skip("this system does not allow symbolic links")

    assert "package-file-missing" in of_package(run(folder)["findings"])


def test_a_project_has_its_packages_checked(
    folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = folder.parent / "target/driver/hello/x86_64-pc-windows-msvc/production"
    place.mkdir(parents=True)
    shutil.copytree(folder, place / "package")
    shutil.copy(folder / "hello.sys", place)
    monkeypatch.delenv("CARGO_TARGET_DIR", raising=False)

    document = run()

    assert len(document["images"]) == len(document["packages"]) == 1
    assert of_package(document["findings"]) == []


@pytest.mark.parametrize("form", ["human", "github", "sarif"])
def test_all_formats_have_the_findings(
    folder: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    line_ends(folder, Identity.make("x", CODE_SIGNING))
    capsys.readouterr()

    code = main(["verify", str(folder), "--no-config", "--format", form, "--html", "page.html"])

    output = capsys.readouterr().out
    assert code == 6
    assert "catalog-stale" in output
    page = (folder.parent / "page.html").read_text("utf-8")
    assert "catalog-stale" in page
    assert "the line ends of" in page
    if form == "sarif":
        (log,) = json.loads(output)["runs"]
        known = {each["id"] for each in log["tool"]["driver"]["rules"]}
        assert {each.id for each in RULES} <= known
    if form == "human":
        assert "1 image and 1 package:" in output


def test_python_gets_the_findings(folder: Path) -> None:
    assert kdrvgen.verify_package(folder).findings == ()

    (folder / "hello.sys").unlink()
    found = kdrvgen.verify_package(folder)
    assert of_package(found.findings) == ["package-file-missing"]
    assert [each.path.name for each in found.infs] == ["hello.inf"]

    with pytest.raises(kdrvgen.UsageError, match="so it is not a driver package"):
        kdrvgen.verify_package(folder.parent)
    with pytest.raises(kdrvgen.FileAccessError):
        kdrvgen.verify_package(folder / "missing")


def test_a_folder_without_images_and_packages_is_an_error(tmp_path: Path, run: Run) -> None:
    assert run(tmp_path)["exit-code"] == 2


@pytest.mark.slow
def test_published_packages_are_fresh_and_a_changed_one_is_stale(tmp_path: Path) -> None:
    found = list(packages())
    assert found
    for package in found:
        folder = tmp_path / package.machine
        folder.mkdir()
        (folder / "wintun.sys").write_bytes(package.image)
        (folder / "wintun.inf").write_bytes(package.inf)
        (folder / "wintun.cat").write_bytes(package.catalog)
        demand_strict(package.catalog)
        now = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)

        # Microsoft's timestamps have an attribute certificate, which is a note.
        usual = {"inf-isolation", "catalog-unsigned-part"}
        findings = inspect_package(folder, now=now).findings
        assert {each.rule for each in findings} <= usual
        assert {str(each.severity) for each in findings} == {"note"}

        (folder / "wintun.inf").write_bytes(package.inf.replace(b"\r\n", b"\n"))
        rules = {each.rule for each in inspect_package(folder, now=now).findings}
        assert rules - usual == {"catalog-stale"}


@pytest.mark.slow
def test_a_catalog_that_osslsigncode_signed_has_no_findings(
    folder: Path, run: Run, identity: Identity
) -> None:
    need("osslsigncode")
    without_signature(folder, identity)
    (folder.parent / "own.pem").write_bytes(identity.certificate_pem())
    (folder.parent / "own.key").write_bytes(identity.key_pem())
    unsigned = folder.parent / "unsigned.cat"
    (folder / "hello.cat").rename(unsigned)
    subprocess.run(
        [
            *("osslsigncode", "sign", "-certs", "own.pem", "-key", "own.key", "-h", "sha256"),
            *("-in", unsigned, "-out", folder / "hello.cat"),
        ],
        check=True,
        cwd=folder.parent,
        stdout=subprocess.DEVNULL,
    )

    assert of_package(run(folder)["findings"]) == []
