"""Rules about machine code, and about functions that an older kernel does not have."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import kdrvgen
from tests.inspection.assembled import assembled
from tests.inspection.support import Fields, imported, long, patched, rules, short
from tests.inspection.test_comparison import BASE
from tests.pipeline.authority import CODE_SIGNING, Identity
from tests.pipeline.support import Project, need

FUNCTION = 0x410  # the offset of the listed function, of three bytes
PACKAGE = '[package]\nkind = "device"\nprovider = "Me"\n'


@pytest.fixture(scope="module")
def plain() -> bytes:
    return assembled(Identity.make("DriverCertificate", CODE_SIGNING))


def _found(path: Path, data: bytes, config: Path | None = None) -> dict[str, str]:
    path.write_bytes(data)
    return rules(path, config=config, least="warning")


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (b"\xc5\xf8\x77", "vzeroupper"),
        (b"\xc5\xfc\x28\xc1", "vmovaps ymm0, ymm1"),
        (b"\x62\xf1\x7c\x48\x28\xc1", "vmovaps zmm0, zmm1"),
        (b"\xc4\xe2\x7d\x18\x00", "vbroadcastss ymm0, dword ptr [rax]"),
    ],
)
def test_avx_on_x64_is_reported(plain: bytes, tmp_path: Path, code: bytes, text: str) -> None:
    # .pdata lists the function's end.
    end = plain.index((0x1010).to_bytes(4, "little") + (0x1013).to_bytes(4, "little")) + 4
    data = patched(plain, (FUNCTION, code), (end, (0x1010 + len(code)).to_bytes(4, "little")))
    assert _found(tmp_path / "a.sys", data)["code-avx"] == f"`{text}` at 0x1010"


def test_bytes_of_avx_inside_another_instruction_are_not_reported(
    plain: bytes, tmp_path: Path
) -> None:
    # xorps xmm0, xmm0; mov rax, imm64; ret
    code = b"\x0f\x57\xc0\x48\xb8\xc5\xf8\x77\xc5\xfc\x28\xc1\x90\xc3"
    end = plain.index((0x1010).to_bytes(4, "little") + (0x1013).to_bytes(4, "little")) + 4
    data = patched(plain, (FUNCTION, code), (end, (0x1010 + len(code)).to_bytes(4, "little")))
    assert "code-avx" not in _found(tmp_path / "a.sys", data)


def test_sse_on_x64_is_not_reported(plain: bytes, tmp_path: Path) -> None:
    data = patched(plain, (FUNCTION, b"\x0f\x57\xc0"))  # xorps xmm0, xmm0
    assert "code-avx" not in _found(tmp_path / "a.sys", data)


def test_an_import_of_chkstk_is_a_large_frame(plain: bytes, tmp_path: Path) -> None:
    found = _found(tmp_path / "a.sys", plain.replace(b"DbgPrint", b"__chkstk"))
    assert found["code-large-frame"] == "__chkstk"
    assert "code-large-frame" not in _found(tmp_path / "b.sys", plain)


SOURCE = """
#include <ntddk.h>
static float values[64];
NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path)
{
    (void)path;
    for (int i = 0; i < 64; i++)
        values[i] = values[i] * 3 + (float)driver->Flags;
    return values[7] > 1 ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}
"""


def _compiled(folder: Path, machine: str, *flags: str) -> Path:
    compiler = f"{machine}-w64-mingw32-gcc"
    need(compiler)
    (folder / "driver.c").write_text(SOURCE, encoding="utf-8")
    entry = "DriverEntry" if machine == "x86_64" else "_DriverEntry@8"
    argv = [compiler, "-O3", *flags, "-nostdlib", "-shared", "driver.c", "-o", "driver.sys"]
    argv += ["-I/usr/share/mingw-w64/include/ddk", "-Wl,--subsystem,native", f"-Wl,--entry,{entry}"]
    done = subprocess.run(argv, cwd=folder, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder / "driver.sys"


@pytest.mark.slow
@pytest.mark.parametrize("flag", ["-mavx", "-mavx2", "-mavx512f"])
def test_code_that_a_compiler_vectorized_with_avx_is_reported(tmp_path: Path, flag: str) -> None:
    assert "code-avx" in rules(_compiled(tmp_path, "x86_64", flag), least="warning")


@pytest.mark.slow
def test_code_that_a_compiler_made_without_avx_is_not_reported(tmp_path: Path) -> None:
    assert "code-avx" not in rules(_compiled(tmp_path, "x86_64"), least="warning")


@pytest.mark.slow
def test_sse_on_x86_is_reported(driver: Project, tmp_path: Path) -> None:
    """The driver's own code has none: kdrvgen compiles it without SSE."""
    image = driver.output(target="i686-pc-windows-msvc")
    assert "code-sse" not in rules(image)
    inspection = kdrvgen.verify(image)
    assert inspection.image
    entry = inspection.image.headers.entry_point
    section = inspection.image.section_at(entry)
    assert section
    offset = entry - section.address + section.offset
    path = tmp_path / "sse.sys"
    # movups xmm0, [eax]; a call of it, behind a jump over a byte that is no code
    path.write_bytes(patched(image.read_bytes(), (offset, b"\xeb\x01\x0f\x0f\x10\x00\xc3")))
    assert rules(path, least="warning")["code-sse"] == (
        f"`movups xmm0, xmmword ptr [eax]` at 0x{entry + 3:X}"
    )


@pytest.mark.parametrize("module", [b"hal.dll.dll", b"cng.sys.dll"])
def test_a_raw_dylib_without_verbatim_is_named_as_such(
    plain: bytes, tmp_path: Path, module: bytes
) -> None:
    data = plain.replace(b"ntoskrnl.exe", module.ljust(12, b"\0"))
    found = _found(tmp_path / "a.sys", data)
    assert module[:-4].decode() in found["import-without-verbatim"]
    assert "import-user-mode" not in found


def test_ntoskrnl_without_verbatim_is_named_as_such(plain: bytes, tmp_path: Path) -> None:
    at = plain.index(b"ntoskrnl.exe\0")
    data = patched(plain, (at, b"ntoskrnl.exe.dll"))
    (finding,) = (
        each
        for each in _verified(tmp_path / "a.sys", data)
        if each.rule == "import-without-verbatim"
    )
    assert finding.source == "import table: ntoskrnl.exe.dll, which should be ntoskrnl.exe"
    assert 'modifiers = "+verbatim"' in finding.help


def _verified(path: Path, data: bytes) -> tuple[kdrvgen.Finding, ...]:
    path.write_bytes(data)
    return kdrvgen.verify(path).findings


def test_a_function_that_the_oldest_windows_lacks_is_reported(plain: bytes, tmp_path: Path) -> None:
    data = plain.replace(b"DbgPrint", b"MmMapMdl")  # since Windows 10 version 1709
    config = tmp_path / "config.toml"
    for build, is_reported in ((10240, True), (16299, False)):
        config.write_text(f"{BASE}{PACKAGE}minimum-build = {build}\n", "utf-8")
        found = _found(tmp_path / "a.sys", data, config)
        assert ("import-newer-windows" in found) is is_reported
        if is_reported:
            assert "MmMapMdl: since Windows 10 version 1709" in found["import-newer-windows"]
    assert "import-newer-windows" not in _found(tmp_path / "a.sys", data)
    assert "import-newer-windows" in rules(tmp_path / "a.sys")


@pytest.mark.parametrize(
    ("function", "build", "windows"),
    [
        ("PoFxRegisterDevice", 9200, "Windows 8"),
        ("IoQueryFullDriverPath", 9600, "Windows 8.1"),
        ("IoAllocateIrpEx", 10240, "Windows 10"),
        ("IoGetSiloParameters", 14393, "Windows 10 version 1607"),
        ("NtQueryInformationByName", 15063, "Windows 10 version 1703"),
        ("PsGetParentSilo", 16299, "Windows 10 version 1709"),
        ("IoGetDriverDirectory", 17134, "Windows 10 version 1803"),
        ("IoRemoveLinkShareAccessEx", 18362, "Windows 10 version 1903"),
        ("ExAllocatePool2", 19041, "Windows 10 version 2004"),
        ("NtCopyFileChunk", 22621, "Windows 11 version 22H2"),
    ],
)
def test_the_first_windows_with_a_function_is_named(
    plain: bytes, tmp_path: Path, function: str, build: int, windows: str
) -> None:
    path = tmp_path / "a.sys"
    path.write_bytes(imported(function.encode())(plain))
    assert rules(path)["import-newer-windows"] == f"{function}: since {windows} (build {build})"


def _on_x86(plain: bytes, code: bytes, *patches: tuple[int, bytes]) -> bytes:
    """Return an image for x86 with this code at its entry point."""
    at = Fields(plain)
    size = (at.section(0) + 8, long(0x100))
    return patched(plain, (at.coff + 4, short(0x14C)), (FUNCTION, code), size, *patches)


XORPS = b"\x0f\x57\xc0\xc3"  # xorps xmm0, xmm0; ret


@pytest.mark.parametrize(
    "end", [b"\xc3", b"\xcb", b"\xcf", b"\xcc", b"\xf4", b"\x0f\x0b", b"\xff\xe0", b"\xeb\xfe"]
)
def test_bytes_behind_the_end_of_a_function_are_not_code(
    plain: bytes, tmp_path: Path, end: bytes
) -> None:
    """After ret, retf, iretd, int3, hlt, ud2, jmp eax, and a jump to itself."""
    data = _on_x86(plain, end + XORPS)
    assert "code-sse" not in _found(tmp_path / "a.sys", data)


@pytest.mark.parametrize(
    ("code", "place"),
    [
        (XORPS, 0x1010),
        (b"\x75\x01\xc3" + XORPS, 0x1013),  # jne
        (b"\xe8\x01\0\0\0\xc3" + XORPS, 0x1016),  # call
        (b"\xe2\x01\xc3" + XORPS, 0x1013),  # loop
        (b"\x68\x16\x10\x01\0\xc3" + XORPS, 0x1016),  # push 0x11016, a callback
        (b"\x90" * 100 + XORPS, 0x1074),  # more than is decoded at once
    ],
)
def test_code_is_followed_from_the_entry_point(
    plain: bytes, tmp_path: Path, code: bytes, place: int
) -> None:
    base = (Fields(plain).optional + 24, (0x10000).to_bytes(8, "little"))
    data = _on_x86(plain, code, base)
    assert _found(tmp_path / "a.sys", data)["code-sse"] == f"`xorps xmm0, xmm0` at 0x{place:X}"


def test_code_is_followed_from_exports(plain: bytes, tmp_path: Path) -> None:
    """The export is at 0x1010, the entry point before it."""
    data = _on_x86(plain, XORPS, (Fields(plain).optional + 16, long(0x1000)))
    assert _found(tmp_path / "a.sys", data)["code-sse"].endswith("at 0x1010")


# Modules that drivers import from, of the kernel and of the stacks of file systems, storage,
# networks, USB, audio, graphics, buses and Hyper-V.
MODULES = """
    ntoskrnl.exe ntkrnlpa.exe hal.dll ci.dll bootvid.dll kdcom.dll pshed.dll clfs.sys ksecdd.sys
    cng.sys tbs.sys werkernel.sys msrpc.sys wpprecorder.sys pmfilesystem.sys
    ext-ms-win-ntos-ksr-l1-1-0.dll
    wdfldr.sys wdf01000.sys wmilib.sys acpiex.sys cea.sys fltmgr.sys fileinfo.sys
    rdbss.sys mrxsmb.sys volmgrx.sys partmgr.sys mountmgr.sys storport.sys scsiport.sys
    ataport.sys classpnp.sys ndis.sys netio.sys tdi.sys tcpip.sys http.sys fwpkclnt.sys
    wfplwfs.sys msnetioquic.sys netadaptercx.sys wificx.sys mbbcx.sys irda.sys bthport.sys
    hidclass.sys hidparse.sys vhf.sys usbd.sys usbport.sys usbrpm.sys usbcamd2.sys ucx01000.sys
    udecx.sys ufx01000.sys urscx01000.sys ucmcx.sys ucmtcpcicx.sys ks.sys drmk.sys portcls.sys
    stream.sys dxgkrnl.sys dxapi.sys videoprt.sys watchdog.sys win32k.sys win32kbase.sys
    win32kfull.sys pcmcia.sys pciidex.sys battc.sys smclib.sys spbcx.sys gpioclx.sys msgpioclx.sys
    sercx.sys sercx2.sys winhv.sys winhvr.sys vmbkmcl.sys vmbkmclr.sys
"""


def test_modules_of_windows_are_known(plain: bytes, tmp_path: Path) -> None:
    unknown = []
    for module in MODULES.split():
        name, table = (0x780, module.encode() + b"\0"), plain.index(long(0x2060))
        (tmp_path / "a.sys").write_bytes(patched(plain, name, (table, long(0x2180))))
        found = rules(tmp_path / "a.sys")
        if {"import-user-mode", "import-unknown-module", "import-without-verbatim"} & {*found}:
            unknown.append(module)
    assert unknown == []
