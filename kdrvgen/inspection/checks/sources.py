"""The sources of the rules: the pages that document what Windows requires of a driver image."""

from __future__ import annotations

__all__ = [
    "AUTHENTICODE",
    "BOUND_IMPORTS",
    "DELAY_LOAD",
    "DRIVER",
    "DYNAMIC_BASE",
    "HVCI",
    "INTEGRITY_CHECK",
    "KERNEL_SIGNING",
    "NX_COMPAT",
    "PAGEABLE",
    "PDB_PATH",
    "PE_FORMAT",
    "PE_SIGNATURE",
    "REPRODUCIBLE",
    "RETPOLINE",
    "SIGNTOOL",
    "TEST_CERTIFICATE",
    "TEST_SIGNING",
    "TIMESTAMPING",
    "UMDF",
]

_LEARN = "https://learn.microsoft.com"
_LINKER = f"{_LEARN}/cpp/build/reference"
_DRIVERS = f"{_LEARN}/windows-hardware/drivers"

PE_FORMAT = f"{_LEARN}/windows/win32/debug/pe-format"
PE_SIGNATURE = f"{PE_FORMAT}#the-attribute-certificate-table-image-only"
BOUND_IMPORTS = f"{PE_FORMAT}#optional-header-data-directories-image-only"
AUTHENTICODE = f"{_DRIVERS}/install/authenticode"
DELAY_LOAD = f"{_LINKER}/linker-support-for-delay-loaded-dlls"
DRIVER = f"{_LINKER}/driver-windows-nt-kernel-mode-driver"
DYNAMIC_BASE = f"{_LINKER}/dynamicbase-use-address-space-layout-randomization"
HVCI = f"{_LEARN}/windows-hardware/test/hlk/testref/driver-compatibility-with-device-guard"
INTEGRITY_CHECK = f"{_LINKER}/integritycheck-require-signature-check"
KERNEL_SIGNING = (
    f"{_DRIVERS}/install/kernel-mode-code-signing-requirements--windows-vista-and-later-"
)
NX_COMPAT = f"{_LINKER}/nxcompat-compatible-with-data-execution-prevention"
PAGEABLE = f"{_DRIVERS}/kernel/when-should-code-and-data-be-pageable-"
PDB_PATH = f"{_LINKER}/pdbaltpath-use-alternate-pdb-path"
REPRODUCIBLE = "LLVM's lld/COFF/Options.td, /Brepro"
RETPOLINE = "https://github.com/microsoft/windows-drivers-rs/issues/182"
SIGNTOOL = f"{_LEARN}/windows/win32/seccrypto/signtool"
TEST_CERTIFICATE = f"{_DRIVERS}/install/makecert-test-certificate"
TEST_SIGNING = f"{_DRIVERS}/install/the-testsigning-boot-configuration-option"
TIMESTAMPING = f"{_LEARN}/windows/win32/seccrypto/time-stamping-authenticode-signatures"
UMDF = f"{_DRIVERS}/wdf/getting-started-with-umdf-version-2"
