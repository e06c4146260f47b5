"""The reports about images that break a rule, whole: golden/*.txt.

KDRVGEN_UPDATE_GOLDEN=1 writes them.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from tests.inspection.assembled import assembled, checksum_of
from tests.inspection.cases import CLEAN, GROUPS, stamped_by
from tests.inspection.support import Fields, Verify, long, patched, with_table
from tests.pipeline.authority import CODE_SIGNING, TIME_STAMPING, Identity

GOLDEN = Path(__file__).with_name("golden")


@pytest.fixture(scope="module")
def identity() -> Identity:
    return Identity.make("DriverCertificate", CODE_SIGNING)


@pytest.mark.one_in(8)
@pytest.mark.parametrize("group", GROUPS)
def test_a_report_is_as_the_golden_one(
    group: str,
    identity: Identity,
    tmp_path: Path,
    verify: Verify,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "none"))
    usual: set[str] = set()
    parts = []
    for name, (before, after, config) in {"clean": CLEAN, **GROUPS[group]}.items():
        Path("hello.sys").write_bytes(_with_checksum(after(assembled(identity, before)), name))
        Path("config.toml").write_text(config, "utf-8")
        words = ["--config", "config.toml"] if config else ["--no-config"]
        result = verify("hello.sys", *words)
        found = _constant(result.out).strip().split("\n\n")
        parts.append("\n\n".join([f"## {name}", *(each for each in found if each not in usual)]))
        usual = usual or set(found[:-1])
    text = "\n\n\n".join(parts) + "\n"
    _compare(GOLDEN / f"{group}.txt", text)


def test_the_data_for_programs_is_as_the_golden_one(
    identity: Identity, tmp_path: Path, verify: Verify, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    image = stamped_by(TIME_STAMPING)(assembled(identity))
    Path("hello.sys").write_bytes(image)
    Path("none.sys").write_bytes(with_table(image, b""))
    Path("no.sys").write_bytes(b"no image")

    result = verify("hello.sys", "none.sys", "no.sys", "--no-config", "--format", "json")

    text = re.sub(r"\b[0-9a-f]{64}\b", "DIGEST", _constant(result.out))
    text = re.sub(r"DAYT\d\d:\d\d:\d\d", "DAYT00:00:00", text)
    _compare(GOLDEN / "images.json", json.dumps(json.loads(text)["images"], indent=2) + "\n")


def _compare(path: Path, text: str) -> None:
    if os.environ.get("KDRVGEN_UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    assert text == path.read_text("utf-8")


def _with_checksum(image: bytes, name: str) -> bytes:
    """Correct the checksum, unless the case is about it."""
    if "checksum" in name or len(image) < 0x100:
        return image
    return patched(image, (Fields(image).optional + 64, long(checksum_of(image))))


def _constant(text: str) -> str:
    """Replace what differs in each run: digests and days."""
    text = re.sub(r"\b[0-9A-F]{40}\b", "THUMBPRINT", text)
    text = re.sub(r"\([0-9A-F]{1,39}…", "(THUMBPRINT…", text)
    text = re.sub(r"\b[0-9a-f]{16}…", "DIGEST…", text)
    text = re.sub(r"\d+ bytes, SHA-256", "SIZE bytes, SHA-256", text)
    text = re.sub(r"(CheckSum: 0x1234, expected) 0x[0-9A-F]+", r"\1 SUM", text)
    return re.sub(r"\d{4}-\d\d-\d\d(?! (is|if))", _day, text)


def _day(match: re.Match[str]) -> str:
    # Days in sentences about Windows stay.
    return match[0] if match[0] == "2015-07-29" else "DAY"
