"""What the tasks package and submission need besides a signature."""

from __future__ import annotations

from collections.abc import Iterator

from kdrvgen.doctor.check import Check, Remedy
from kdrvgen.doctor.host import Host
from kdrvgen.doctor.probes.sdk import find_tool
from kdrvgen.doctor.tasks import Task
from kdrvgen.model import Project
from kdrvgen.model.tasks import Packing, packing_of
from kdrvgen.report.finding import Finding

__all__ = ["kdrvgen", "submission", "wdk_tools"]

_SUBMISSION = Check("submission", (Task.SUBMISSION,))
_WDK_TOOLS = Check("WDK tools", (Task.PACKAGE, Task.SUBMISSION, Task.SMOKE))
_INSTALL_KIT = Remedy(
    "install the Windows Driver Kit: winget install Microsoft.WindowsWDK.10.0.26100"
)
_OWN_TOOL = Remedy('set package.tool = "kdrvgen", which makes the package on every host')
_INSTALL = Remedy("pip install kdrvgen, and add the folder of its program to PATH")
_OWN_CERTIFICATE = Remedy('use a profile with signing.mode = "certificate": --profile NAME')


def kdrvgen(host: Host, project: Project) -> Iterator[Finding]:
    """Check that the tasks find kdrvgen, unless the tools of the WDK make the package."""
    makes_package = project.package.tool == "kdrvgen"
    tasks = (Task.PACKAGE, Task.SUBMISSION) if makes_package else (Task.SUBMISSION,)
    if makes_package and project.package.is_described:
        tasks = (*tasks, Task.SMOKE)  # it installs the package
    check = Check("kdrvgen", tasks)
    place = host.which("kdrvgen")
    if not place:
        yield check.error("not found on PATH", remedy=_INSTALL)
        return
    answer = host.run((place, "--version"))
    if answer.is_refused:
        yield check.note(answer.text, place)
    elif answer.code != 0:
        yield check.error(f"does not run: {answer.first_line}", place, _INSTALL)
    else:
        yield check.ok(answer.first_line.removeprefix("kdrvgen "), place)


def wdk_tools(host: Host, project: Project) -> Iterator[Finding]:
    """Check that the tasks find the tools of the WDK, if they make the package."""
    if project.package.tool != "wdk":
        return
    if not host.is_windows:
        message = 'package.tool = "wdk" does not run on this system'
        yield _WDK_TOOLS.error(message, remedy=_OWN_TOOL)
        return
    for name in ("stampinf.exe", "inf2cat.exe"):
        if place := find_tool(host, name):
            yield _WDK_TOOLS.ok(name, place)
        else:
            message = f"{name} is not on PATH or in a Windows Driver Kit"
            yield _WDK_TOOLS.error(message, remedy=_INSTALL_KIT)


def submission(_host: Host, project: Project) -> Iterator[Finding]:
    """Check that the configuration describes a submission, and who signs its cabinet."""
    if packing_of(project.package) is not Packing.SUBMISSION:
        advice = "add [package] and [package.submission] to the configuration"
        yield _SUBMISSION.note("the project has no such task", remedy=Remedy(advice))
    for name in project.profiles:
        mode = project.signing_for(name).mode
        if mode == "off":
            message = f'signing.mode of {name} is "off", and the cabinet must be signed'
            yield _SUBMISSION.error(message, remedy=_OWN_CERTIFICATE)
        elif mode == "test":
            message = f"{name} signs with a test certificate, which Partner Center does not accept"
            yield _SUBMISSION.note(message, remedy=_OWN_CERTIFICATE)
