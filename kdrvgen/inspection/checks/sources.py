"""The sources of the rules: the pages that document what Windows requires of a driver image."""

from __future__ import annotations

__all__ = [
    "AUTHENTICODE",
    "BOUND_IMPORTS",
    "CROSS_CERTIFICATES",
    "CROSS_SIGNING",
    "DELAY_LOAD",
    "DRIVER",
    "DYNAMIC_BASE",
    "EXTENDED_STATE",
    "FLOATING_POINT",
    "HVCI",
    "INTEGRITY_CHECK",
    "KERNEL_FUNCTIONS",
    "KERNEL_SIGNING",
    "KERNEL_STACK",
    "NX_COMPAT",
    "OB_CALLBACKS",
    "PAGEABLE",
    "PATH_VALIDATION",
    "PDB_PATH",
    "PE_FORMAT",
    "PE_SIGNATURE",
    "RAW_DYLIB",
    "REPRODUCIBLE",
    "RETPOLINE",
    "SIGNING_OFFERINGS",
    "SIGNTOOL",
    "TEST_CERTIFICATE",
    "TEST_SIGNING",
    "TIMESTAMPING",
    "UMDF",
    "UNSIGNED_ATTRIBUTES",
]

_LEARN = "https://learn.microsoft.com"
_LINKER = f"{_LEARN}/cpp/build/reference"
_DRIVERS = f"{_LEARN}/windows-hardware/drivers"

PE_FORMAT = f"{_LEARN}/windows/win32/debug/pe-format"
PE_SIGNATURE = f"{PE_FORMAT}#the-attribute-certificate-table-image-only"
BOUND_IMPORTS = f"{PE_FORMAT}#optional-header-data-directories-image-only"
AUTHENTICODE = f"{_DRIVERS}/install/authenticode"
CROSS_CERTIFICATES = f"{_DRIVERS}/install/cross-certificates-for-kernel-mode-code-signing"
CROSS_SIGNING = f"{_DRIVERS}/install/kernel-mode-code-signing-policy--windows-vista-and-later-"
DELAY_LOAD = f"{_LINKER}/linker-support-for-delay-loaded-dlls"
DRIVER = f"{_LINKER}/driver-windows-nt-kernel-mode-driver"
DYNAMIC_BASE = f"{_LINKER}/dynamicbase-use-address-space-layout-randomization"
EXTENDED_STATE = f"{_DRIVERS}/kernel/using-extended-processor-features-in-windows-drivers"
FLOATING_POINT = f"{_DRIVERS}/kernel/using-floating-point-in-a-wdm-driver"
HVCI = f"{_LEARN}/windows-hardware/test/hlk/testref/driver-compatibility-with-device-guard"
INTEGRITY_CHECK = f"{_LINKER}/integritycheck-require-signature-check"
KERNEL_SIGNING = (
    f"{_DRIVERS}/install/kernel-mode-code-signing-requirements--windows-vista-and-later-"
)
KERNEL_FUNCTIONS = f"{_DRIVERS}/ddi/_kernel/"
KERNEL_STACK = f"{_DRIVERS}/kernel/using-the-kernel-stack"
NX_COMPAT = f"{_LINKER}/nxcompat-compatible-with-data-execution-prevention"
OB_CALLBACKS = f"{_DRIVERS}/ddi/wdm/nf-wdm-obregistercallbacks"
PAGEABLE = f"{_DRIVERS}/kernel/when-should-code-and-data-be-pageable-"
PATH_VALIDATION = "https://www.rfc-editor.org/rfc/rfc5280#section-6.1"
PDB_PATH = f"{_LINKER}/pdbaltpath-use-alternate-pdb-path"
RAW_DYLIB = (
    "https://doc.rust-lang.org/reference/items/external-blocks.html#linking-modifiers-verbatim"
)
REPRODUCIBLE = "LLVM's lld/COFF/Options.td, /Brepro"
RETPOLINE = "https://github.com/microsoft/windows-drivers-rs/issues/182"
SIGNING_OFFERINGS = f"{_DRIVERS}/dashboard/driver-signing-offerings"
SIGNTOOL = f"{_LEARN}/windows/win32/seccrypto/signtool"
TEST_CERTIFICATE = f"{_DRIVERS}/install/makecert-test-certificate"
TEST_SIGNING = f"{_DRIVERS}/install/the-testsigning-boot-configuration-option"
TIMESTAMPING = f"{_LEARN}/windows/win32/seccrypto/time-stamping-authenticode-signatures"
UNSIGNED_ATTRIBUTES = "https://www.rfc-editor.org/rfc/rfc5652#section-5.3"
UMDF = f"{_DRIVERS}/wdf/getting-started-with-umdf-version-2"
