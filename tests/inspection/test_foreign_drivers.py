"""Drivers from other projects and compilers."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import lief
import pytest

import kdrvgen
from kdrvgen.inspection.pe.headers import checksum
from kdrvgen.inspection.signature.digest import image_digest
from tests.inspection.support import rules
from tests.pipeline.support import need, without

pytestmark = pytest.mark.slow

WINE = Path("/usr/lib/x86_64-linux-gnu/wine")

SOURCE = r"""
#include <ntddk.h>

static VOID unload(PDRIVER_OBJECT driver) { (void)driver; }

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path)
{
    (void)path;
    driver->DriverUnload = unload;
    DbgPrint("hello\n");
    return STATUS_SUCCESS;
}
"""


@pytest.fixture(scope="module")
def wine() -> list[Path]:
    found = sorted(WINE.rglob("*.sys"))
    if not found:
        without("Wine's drivers are not installed; `bash docs/setup.sh` installs them")
    return found


def test_drivers_of_wine_are_valid_images_without_a_signature(wine: list[Path]) -> None:
    for path in wine:
        found = rules(path)

        assert "signature-missing" in found, path
        assert not {"image-format", "image-truncated", "image-layout"} & found.keys(), path


def test_digests_and_checksums_agree_with_lief(wine: list[Path]) -> None:
    for path in wine:
        data = path.read_bytes()
        image = kdrvgen.verify(path).image
        binary = lief.PE.parse(str(path))
        assert image
        assert binary

        assert image_digest(image.headers, data, "sha256") == binary.authentihash_sha256
        assert checksum(image.headers, data) == binary.compute_checksum()


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A driver in C, compiled by mingw-w64: with default flags, and with good ones."""
    need("x86_64-w64-mingw32-gcc")
    folder = tmp_path_factory.mktemp("compiled")
    (folder / "driver.c").write_text(SOURCE, encoding="utf-8")
    include = "/usr/share/mingw-w64/include/ddk"
    common = ["x86_64-w64-mingw32-gcc", "-O2", "-nostdlib", "-shared", f"-I{include}", "driver.c"]
    common += ["-Wl,--subsystem,native", "-Wl,--entry,DriverEntry"]
    images = {"plain": [], "good": ["-s", "-Wl,--dynamicbase,--nxcompat,--forceinteg"]}
    for name, more in images.items():
        argv = [*common, *more, "-o", f"{name}.sys", "-lntoskrnl", "-lhal"]
        done = subprocess.run(argv, cwd=folder, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    return {name: folder / f"{name}.sys" for name in images}


def test_the_flags_that_mingw_leaves_out_are_reported(
    compiled: dict[str, Path],
) -> None:
    plain, good = rules(compiled["plain"]), rules(compiled["good"])

    assert "image-integrity-check" in plain
    assert not {"image-integrity-check", "image-dynamic-base", "image-nx-compat"} & good.keys()
    for found in (plain, good):
        assert "signature-missing" in found
        assert "section-paged" in found
        assert not {"image-format", "image-entry-point", "image-checksum"} & found.keys()
        assert not {"import-user-mode", "import-unknown-module"} & found.keys()


def test_an_endless_device_is_an_error(tmp_path: Path) -> None:
    link = tmp_path / "endless.sys"
    link.symlink_to("/dev/zero")
    before = os.times().user

    with pytest.raises(kdrvgen.FileAccessError):
        kdrvgen.verify(link)

    assert os.times().user - before < 5
