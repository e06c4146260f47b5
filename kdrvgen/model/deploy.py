"""`[deploy]`: the Windows service of the driver."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator

from kdrvgen.model.base import Filled, Table, problem

__all__ = ["Deploy"]

_LONGEST_SERVICE_NAME = 256  # CreateServiceW, Microsoft Learn
# Windows itself refuses only slashes. For sc, `=` ends an option, and the others separate fields of
# its output.
_FORBIDDEN = frozenset('<>:"/\\|?*=')


def _service(value: str) -> str:
    if bad := sorted(_FORBIDDEN.intersection(value)):
        raise problem(
            f"a service name cannot contain {' '.join(f'`{character}`' for character in bad)}",
            hint="use letters, digits, `-`, `_` and spaces",
        )
    if len(value) > _LONGEST_SERVICE_NAME:
        raise problem(f"a service name can have at most {_LONGEST_SERVICE_NAME} characters")
    return value


def _start_type(value: object) -> object:
    if value == "boot":
        raise problem(
            "the Windows boot loader finds drivers only in System32\\drivers",
            hint='use `"system"` to start the driver as soon as the kernel runs;'
            " install a boot-start driver with an INF",
        )
    return value


class Deploy(Table):
    """The Windows service of the driver, for the tasks `install` and `start`."""

    service: Annotated[Filled, AfterValidator(_service)] | None = None
    """Name of the service, as in `sc query`. By default the driver's name.

    Change: To test two drivers of the same name side by side.
    Without: The driver's name.
    Source: https://learn.microsoft.com/windows-server/administration/windows-commands/sc-create
    """

    start_type: Annotated[Literal["demand", "auto", "system"], BeforeValidator(_start_type)] = (
        "demand"
    )
    """When Windows starts the driver.

    `demand`: on request, for example by `cargo make start`. `auto`: at every start of Windows.
    `system`: with the kernel. An `auto` or `system` driver that crashes Windows does so at every
    start.

    Change: When the driver must run after each restart. Keep `demand` while it can still crash.
    Without: The driver runs on request.
    Source:
        https://learn.microsoft.com/windows-hardware/drivers/install/specifying-driver-load-order
    """
