"""`[deploy]`: the driver's service; and the tasks that install the driver package."""

from __future__ import annotations

from collections.abc import Iterator

from kdrvgen.adopt.propose.draft import Draft
from kdrvgen.adopt.read.findings import difference, equivalent
from kdrvgen.adopt.read.installation import Installation
from kdrvgen.adopt.read.service import Service
from kdrvgen.report.finding import Finding

__all__ = ["installation_findings", "propose_service"]


def propose_service(draft: Draft, service: Service | None) -> Iterator[Finding]:
    """Set `[deploy]`, if tasks create the driver's service."""
    if service is None:
        return
    draft.set_text(("deploy", "service"), service.name)
    draft.set_text(("deploy", "start-type"), service.start)
    if "install" in service.tasks.values() or "start" in service.tasks.values():
        yield difference(
            service.image.origin,
            f"the service `{service.name.text}` has its image at {service.image.text}",
            "`install` uses the image in the output folder, and does not change a service with "
            f"another image: run `sc.exe delete {service.name.text}` first",
        )
    yield equivalent(
        service.name.origin,
        "these tasks only call sc for the driver's service: "
        + ", ".join(f"`{name}`" for name in service.tasks),
        "`install`, `start`, `stop` and `uninstall` replace them; `start` first builds, signs and "
        "installs the driver",
    )


def installation_findings(installation: Installation | None) -> Iterator[Finding]:
    """Yield what replaces the tasks that install the package."""
    if installation is None:
        return
    for number in installation.numbers:
        yield difference(
            number.origin,
            f"`{number.text}` is the name that one machine gave the INF",
            "`uninstall-package` finds the package by its provider and catalog",
        )
    yield equivalent(
        installation.origin,
        "these tasks only install or remove the driver package: "
        + ", ".join(f"`{each}`" for each in installation.tasks),
        "`install-package` and `uninstall-package` replace them; `install-package` makes the "
        "package first, and the device if software makes it",
    )
