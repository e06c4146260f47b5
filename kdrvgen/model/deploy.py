"""`[deploy]`: the service by which Windows knows the driver."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator

from kdrvgen.model.base import Filled, Table, problem

__all__ = ["Deploy"]

_LONGEST_SERVICE_NAME = 256  # CreateServiceW, Microsoft Learn
# Windows itself refuses slashes only; sc takes `=` for an option's end, and the others stand
# between the fields of what it prints.
_FORBIDDEN = frozenset('<>:"/\\|?*=')


def _service(value: str) -> str:
    if bad := sorted(_FORBIDDEN.intersection(value)):
        raise problem(
            f"the name of a service has no {' '.join(f'`{character}`' for character in bad)}",
            hint="letters, digits, `-`, `_` and blanks are safe",
        )
    if len(value) > _LONGEST_SERVICE_NAME:
        raise problem(f"the name of a service has {_LONGEST_SERVICE_NAME} characters at most")
    return value


def _start_type(value: object) -> object:
    if value == "boot":
        raise problem(
            "Windows' boot loader finds no driver outside of its own folder System32\\drivers",
            hint='`"system"` starts the driver as soon as the kernel runs;'
            " a driver for the boot loader is installed by an INF",
        )
    return value


class Deploy(Table):
    """The service by which Windows knows the driver, for the tasks `install` and `start`."""

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
