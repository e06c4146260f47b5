"""`[deploy]`: the name and the start type of the driver's service."""

from __future__ import annotations

from collections.abc import Iterator

from kdrvgen.adopt.propose.draft import Draft
from kdrvgen.adopt.read.findings import difference, equivalent
from kdrvgen.adopt.read.service import Service
from kdrvgen.report.finding import Finding

__all__ = ["propose_service"]


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
            f"another image: run `sc delete {service.name.text}` first",
        )
    yield equivalent(
        service.name.origin,
        "these tasks only call sc for the driver's service: "
        + ", ".join(f"`{name}`" for name in service.tasks),
        "`install`, `start`, `stop` and `uninstall` replace them; `start` first builds, signs and "
        "installs the driver",
    )
