"""Whether Windows loads the driver: test signing, Secure Boot, memory integrity, administrator.

The settings come from the registry: bcdedit needs an administrator, and its output is translated.
"""

from __future__ import annotations

from collections.abc import Iterator

from kdrvgen.doctor.check import Check, Remedy
from kdrvgen.doctor.host import Host
from kdrvgen.doctor.tasks import Task
from kdrvgen.model import Project
from kdrvgen.report.finding import Finding

__all__ = ["deployment"]

_DEPLOY = (Task.DEPLOY,)
_WINDOWS = Check("Windows", _DEPLOY)
_ADMINISTRATOR = Check("administrator", _DEPLOY)
_TEST_SIGNING = Check("test signing", _DEPLOY)
_SECURE_BOOT = Check("Secure Boot", _DEPLOY)
_MEMORY_INTEGRITY = Check("memory integrity", _DEPLOY)

_CONTROL_KEY = r"SYSTEM\CurrentControlSet\Control"
_SECURE_BOOT_KEY = rf"{_CONTROL_KEY}\SecureBoot\State"
_HVCI_KEY = rf"{_CONTROL_KEY}\DeviceGuard\Scenarios\HypervisorEnforcedCodeIntegrity"


def deployment(host: Host, project: Project) -> Iterator[Finding]:
    """Check whether this Windows would load the driver."""
    if not host.is_windows:
        yield _WINDOWS.error(
            "drivers are deployed on Windows only",
            remedy=Remedy("to load the driver in Wine: cargo make smoke"),
        )
        return
    yield from _signatures(host, project)
    yield _memory_integrity(host)
    if host.is_elevated:
        yield _ADMINISTRATOR.ok("running as administrator")
    else:
        yield _ADMINISTRATOR.error(
            "not running as administrator",
            remedy=Remedy('open a terminal with "Run as administrator"'),
        )


def _signatures(host: Host, project: Project) -> Iterator[Finding]:
    # The options that the boot loader passed to the kernel, as bcdedit names them.
    options = str(host.registry(_CONTROL_KEY, "SystemStartOptions", 64) or "")
    secure = host.registry(_SECURE_BOOT_KEY, "UEFISecureBootEnabled", 64) == 1
    place = f"HKLM\\{_CONTROL_KEY}, SystemStartOptions"
    if "TESTSIGNING" in options.upper().split():
        yield _TEST_SIGNING.ok("is on", place)
    elif any(project.signing_for(name).mode == "test" for name in project.profiles):
        first = "turn Secure Boot off in the firmware; then " if secure else ""
        yield _TEST_SIGNING.error(
            "is off; Windows refuses a driver that is signed with a test certificate",
            place,
            Remedy(f"{first}as administrator: bcdedit /set testsigning on, and restart Windows"),
        )
    else:
        yield _TEST_SIGNING.note(
            "is off; Windows loads only drivers that Microsoft has signed",
            place,
            Remedy("have Microsoft sign the driver, or turn test signing on to try it"),
        )
    state = "is on; test signing requires it to be off" if secure else "is off"
    place = f"HKLM\\{_SECURE_BOOT_KEY}"
    yield _SECURE_BOOT.note(state, place) if secure else _SECURE_BOOT.ok(state, place)


def _memory_integrity(host: Host) -> Finding:
    place = f"HKLM\\{_HVCI_KEY}"
    if host.registry(_HVCI_KEY, "Enabled", 64) == 1:
        message = "HVCI is on; it refuses a driver with a section that is writable and executable"
        return _MEMORY_INTEGRITY.note(message, place)
    return _MEMORY_INTEGRITY.ok("HVCI is off", place)
