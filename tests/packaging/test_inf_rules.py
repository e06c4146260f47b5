"""Each rule finds its mistake in an INF, at its place, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

import kdrvgen
from kdrvgen.packaging.rules import RULES
from kdrvgen.report.finding import Severity
from tests.packaging.inf_examples import DEVICE, PRIMITIVE, findings, line_of

DOCS = Path(kdrvgen.__file__).parent.parent / "docs"


class Case(NamedTuple):
    rule: str
    old: str
    new: str
    place: str = ""
    base: str = DEVICE


GUID = "{4d36e97d-e325-11ce-bfc1-08002be10318}"
SERVICES = "AddService = hello,0x00000002,Service,Log"
BINARY = r"ServiceBinary = %13%\hello.sys"
CASES = [
    Case("inf-syntax", '"Hello"', '"Hello', '"Hello'),
    Case("inf-syntax", "[Files]", "[Files", "[Files"),
    Case("inf-syntax", "[Files]\n", "[Files] hello.sys\n", "[Files]"),
    Case("inf-syntax", "\n[Version]", "hello\n[Version]", "hello"),
    Case("inf-string-undefined", 'Device = "Hello"\n', "", "%Device%"),
    Case("inf-variable", "0x00010001,42", "0x00010001,$ARCH$", "$ARCH$"),
    Case("inf-signature", "$Windows NT$", "$Windows$", "Signature"),
    Case("inf-signature", "$Windows NT$", "$CHICAGO$", "Signature"),
    Case("inf-provider", '"Example"', '"Microsoft"', "Provider"),
    Case("inf-catalog-missing", "CatalogFile = hello.cat\n", "", "[Version]"),
    Case("inf-directive-missing", "Class = System\n", "", "[Version]"),
    Case("inf-directive-missing", f"ClassGuid = {GUID}\n", "", "[Version]"),
    Case("inf-directive-missing", "Provider = %Provider%\n", "", "[Version]"),
    Case("inf-directive-missing", "DriverVer = 06/30/2025,1.2.3.4\n", "", "[Version]"),
    Case("inf-catalog-name", "hello.cat", r"x64\hello.cat", "CatalogFile"),
    Case("inf-catalog-name", "hello.cat", "hello.cab", "CatalogFile"),
    Case("inf-catalog-twice", "PnpL", "CatalogFile = other.cat\nPnpL", "CatalogFile = other"),
    Case("inf-driver-version", ",1.2.3.4", ",1.2.3.65536", "DriverVer"),
    Case("inf-driver-version", ",1.2.3.4", ",1.2.3.4.5", "DriverVer"),
    Case("inf-driver-version", ",1.2.3.4", "", "DriverVer"),
    Case("inf-driver-date", "06/30/2025", "06/31/2025", "DriverVer"),
    Case("inf-driver-date", "06/30/2025", "2025-06-30", "DriverVer"),
    Case("inf-date-future", "06/30/2025", "07/01/2025", "DriverVer"),
    Case("inf-class-guid", GUID, GUID.strip("{}"), "ClassGuid"),
    Case("inf-class-mismatch", GUID, GUID.replace("7d-", "7e-"), "ClassGuid"),
    Case("inf-class-mismatch", "Class = System", "Class = Hello", "Class = Hello"),
    Case("inf-class-install", "[Files]", "[ClassInstall32]\nAddReg = Registry\n[Files]"),
    Case("inf-pnp-lockdown", "PnpLockdown = 1\n", "", "[Version]"),
    Case("inf-pnp-lockdown", "PnpLockdown = 1\n", "PnpLockdown = 0\n", "PnpLockdown"),
    Case("inf-section-missing", "CopyFiles = Files", "CopyFiles = Files,More", "CopyFiles"),
    Case("inf-section-missing", "AddReg = Registry", "AddReg = Register", "AddReg"),
    Case("inf-section-unused", "[Strings]", "[Other]\na = b\n[Strings]", "[Other]"),
    Case("inf-section-undefined", "Files = 13", "Files = 13\nMore = 13", "More"),
    Case("inf-no-device", r",Root\hello", "", "[Manufacturer]"),
    Case("inf-two-kinds", "[Files]", "[DefaultInstall.NTamd64]\n[Files]", "[Default"),
    Case("inf-service-missing", "0x00000002", "0x00000000", "[Install.NT.Services]"),
    Case("inf-service-inbox", BINARY, r"ServiceBinary = %12%\WUDFRd.sys", "ServiceBinary"),
    Case("inf-service-binary", BINARY, r"ServiceBinary = %13%\other.sys", "ServiceBinary"),
    Case("inf-service-path", BINARY, r"ServiceBinary = hello.sys", "ServiceBinary"),
    Case("inf-service-registry", BINARY, f"{BINARY}\nAddReg = Registry", "HKR,,Answer"),
    Case(
        "inf-service-registry",
        f"{BINARY}\n",
        f'{BINARY}\nAddReg = More\n[More]\nHKR,"Parameters2",A,,b\nHKR,parameters\\x,A,,b\n',
        'HKR,"Parameters2"',
    ),
    Case("inf-uninstall", "[Serv", "[DefaultUninstall.NTamd64]\n[Serv", "[DefaultUn", PRIMITIVE),
    Case(
        "inf-uninstall",
        "[Serv",
        "[DefaultUninstall.NTamd64]\nLegacyUninstall = 0\n[Serv",
        "[DefaultUn",
        PRIMITIVE,
    ),
    Case("inf-undecorated", "[Serv", "[DefaultInstall]\n[Serv", "[DefaultInstall]", PRIMITIVE),
    Case("inf-architecture", "NTamd64.10.0...16299", "NT.10.0...16299", "%Provider% ="),
    Case("inf-catalog-listed", "hello.sys = 1", "hello.sys = 1\nHello.cat = 1", "Hello.cat"),
    Case("inf-folder-missing", "DefaultDestDir = 13\nFiles = 13", "", "hello.sys\n\n[Ser"),
    Case("inf-service-incomplete", "StartType = 3\n", "", "[Service]"),
    Case("inf-registry-root", "HKR,,Answer", "HKLM,Software,Answer", "HKLM"),
    Case("inf-file-unlisted", "[Files]\nhello.sys", "[Files]\nhello.sys\nmore.dll", "more.dll"),
    Case("inf-file-unused", "hello.sys = 1", "hello.sys = 1\nmore.dll = 1", "more.dll"),
    Case("inf-disk-undefined", "hello.sys = 1", "hello.sys = 2", "hello.sys = 2"),
    Case(
        "inf-file-conflict",
        "[SourceDisksFiles]\nhello.sys = 1",
        "[SourceDisksFiles]\nhello.sys = 1\nother.sys = 1\n[Files]\nhello.sys,other.sys",
        "hello.sys\n\n[Service]",
    ),
    Case("inf-folder", "\nFiles = 13", "\nFiles = 24", "Files = 24"),
    Case("inf-isolation", "\nFiles = 13", "\nFiles = 12", "Files = 12"),
    Case("inf-driver-store", "10.0...16299", "10.0...15063", "%Device%"),
    Case("inf-primitive", ".NTamd64.10.0...18362", "", "[DefaultInstall]", PRIMITIVE),
    Case("inf-undecorated", "[Serv", "[DefaultUninstall]\n[Serv", "[DefaultUn", PRIMITIVE),
]


@pytest.mark.parametrize("text", [DEVICE, PRIMITIVE], ids=["device", "primitive"])
def test_a_good_inf_has_no_findings(text: str) -> None:
    assert findings(text) == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}-{case.new[:20]!r}")
def test_a_mistake_is_found_at_its_place(case: Case) -> None:
    assert case.old in case.base
    text = case.base.replace(case.old, case.new)

    found = [each for each in findings(text) if each.rule == case.rule]

    assert found
    place = found[0].place
    assert place
    if case.place:
        assert place.line == line_of(text, case.place)
        assert place.column
        assert place.excerpt
    assert found[0].help


def test_one_mistake_causes_one_finding() -> None:
    several = {"inf-primitive", "inf-driver-store", "inf-undecorated", "inf-two-kinds"}
    consequences = {"inf-file-conflict", "inf-section-missing", "inf-syntax", "inf-no-device"}
    for case in CASES:
        found = {each.rule for each in findings(case.base.replace(case.old, case.new))}
        if case.rule not in several | consequences:
            assert found == {case.rule}, case


def test_every_rule_has_a_case_and_a_row_in_the_documentation() -> None:
    tested = {case.rule for case in CASES} | {"inf-encoding", "inf-code-page", "inf-class-reserved"}
    page = (DOCS / "package.md").read_text("utf-8")
    for each in RULES:
        assert each.rule.id in tested
        number = str(each.number or "")
        assert f"| `{each.rule.id}` | {number} | {each.rule.severity} |" in page, each.rule.id
    assert len({each.rule.id for each in RULES}) == len(RULES)


def test_utf_8_is_reported_and_utf_16_is_not() -> None:
    text = DEVICE.replace('"Hello"', '"Hällo"')

    assert findings(b"\xff\xfe" + text.encode("utf-16-le")) == []
    for data in (text.encode(), b"\xef\xbb\xbf" + text.encode(), text.encode("utf-16-be")):
        assert "inf-encoding" in {each.rule for each in findings(data)}


def test_ansi_is_in_doubt_where_windows_reads_more_than_ascii() -> None:
    text = DEVICE.replace('"Hello"', '"Hällo"')

    (found,) = findings(text.encode("cp1252"))

    assert (found.rule, found.severity) == ("inf-code-page", Severity.WARNING)
    assert found.message.startswith("`ä`")
    assert found.place
    assert found.place.line == text[: text.index("Hällo")].count("\n") + 1
    assert findings(f"; © Example\n{DEVICE}".encode("cp1252")) == []


@pytest.mark.parametrize(
    ("variable", "advice"),
    [("$arch$", "write `$ARCH$`"), ("$UMDFVERSION$", 'with `driver.model = "umdf"`')],
)
def test_a_variable_that_is_left_has_the_advice_for_it(variable: str, advice: str) -> None:
    (found,) = findings(DEVICE.replace('"Hello"', f'"{variable}"'))

    assert found.rule == "inf-variable"
    assert advice in found.help


def test_a_class_of_microsoft_is_reserved() -> None:
    text = DEVICE.replace("Class = System", "Class = Sample")
    text = text.replace(
        "4d36e97d-e325-11ce-bfc1-08002be10318", "78a1c341-4539-11d3-b88d-00c04fad5171"
    )

    (found,) = findings(text)

    assert (found.rule, found.severity) == ("inf-class-reserved", Severity.ERROR)
    assert "1284" in found.message


def test_a_section_of_an_included_inf_is_not_missed() -> None:
    text = DEVICE.replace("AddReg = Registry", "AddReg = Other\nInclude = other.inf")

    assert [each.rule for each in findings(text)] == ["inf-section-unused"]


def test_a_misspelt_section_is_suggested() -> None:
    (found, unused) = findings(DEVICE.replace("AddReg = Registry", "AddReg = Regisry"))

    assert "did you mean `[Registry]`?" in found.help
    assert unused.rule == "inf-section-unused"
