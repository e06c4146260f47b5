"""What Windows lets load: test signing, Secure Boot, memory integrity, an administrator's rights.

bcdedit wants an administrator, and speaks the language of Windows. The registry has what is in
force now, for everybody.
"""

from __future__ import annotations

from collections.abc import Iterator

from kdrvgen.doctor.host import Host
from kdrvgen.doctor.tasks import Task, outcome
from kdrvgen.model import Project
from kdrvgen.report.finding import Finding, Severity

__all__ = ["deployment"]

_DEPLOY = (Task.DEPLOY,)
_CONTROL = r"SYSTEM\CurrentControlSet\Control"
_SECURE_BOOT = rf"{_CONTROL}\SecureBoot\State"
_HVCI = rf"{_CONTROL}\DeviceGuard\Scenarios\HypervisorEnforcedCodeIntegrity"


def deployment(host: Host, project: Project) -> Iterator[Finding]:
    """Judge whether this Windows would load the driver."""
    if not host.is_windows:
        yield outcome(
            "Windows",
            Severity.ERROR,
            "only Windows has services for drivers",
            _DEPLOY,
            advice="to try the driver in Wine: cargo make smoke",
        )
        return
    yield from _signatures(host, project)
    yield _memory_integrity(host)
    yield outcome(
        "administrator",
        Severity.OK if host.is_elevated else Severity.ERROR,
        "this terminal is one's" if host.is_elevated else "this terminal is not one's",
        _DEPLOY,
        advice="" if host.is_elevated else 'open a terminal by "Run as administrator"',
    )


def _signatures(host: Host, project: Project) -> Iterator[Finding]:
    # What the boot loader handed over to the kernel, in the words of bcdedit.
    options = str(host.registry(_CONTROL, "SystemStartOptions", 64) or "")
    testing = "TESTSIGNING" in options.upper().split()
    secure = host.registry(_SECURE_BOOT, "UEFISecureBootEnabled", 64) == 1
    needed = any(project.signing_for(name).mode == "test" for name in project.profiles)
    place = f"HKLM\\{_CONTROL}, SystemStartOptions"
    if testing:
        yield outcome("test signing", Severity.OK, "is on", _DEPLOY, place)
    elif needed:
        yield outcome(
            "test signing",
            Severity.ERROR,
            "is off: Windows refuses a test certificate",
            _DEPLOY,
            place,
            ("switch Secure Boot off in the firmware; then " if secure else "")
            + "as administrator: bcdedit /set testsigning on, and restart Windows",
        )
    else:
        yield outcome(
            "test signing",
            Severity.NOTE,
            "is off: Windows wants a signature that ends in Microsoft's",
            _DEPLOY,
            place,
            "have Microsoft sign the driver, or try it with test signing on",
        )
    yield outcome(
        "Secure Boot",
        Severity.NOTE if secure else Severity.OK,
        "is on: with it there is no test signing" if secure else "is off",
        _DEPLOY,
        f"HKLM\\{_SECURE_BOOT}",
    )


def _memory_integrity(host: Host) -> Finding:
    enabled = host.registry(_HVCI, "Enabled", 64) == 1
    return outcome(
        "memory integrity",
        Severity.NOTE if enabled else Severity.OK,
        "HVCI is on: no section may be both writable and executable" if enabled else "HVCI is off",
        _DEPLOY,
        f"HKLM\\{_HVCI}",
    )
