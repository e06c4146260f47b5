"""`[bootstrap]`: how a project was begun, so that another one can be begun in the same way."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from kdrvgen.model.base import Table, Text, problem

__all__ = ["Bootstrap"]


def _pool_tag(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9]{4}", value, re.ASCII):
        raise problem(
            f"`{value}` is no pool tag", hint="four ASCII letters or digits, such as `Hell`"
        )
    return value


def _template(value: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9-]*", value, re.ASCII):
        raise problem(f"`{value}` is no template", hint="`kdrvgen new --list-templates`")
    return value


_StrictBool = Annotated[bool, Field(strict=True)]


class Bootstrap(Table):
    """What `kdrvgen new` was asked for. Only `kdrvgen new --config` reads it again."""

    template: Annotated[Text, AfterValidator(_template)] = "minimal"
    """The template that the project was made from.

    Change: Only for another project: what is there stays as it is.
    Without: `minimal`.
    """

    allocator: _StrictBool = True
    """Whether the driver has a global allocator, and so `alloc`'s collections.

    Change: For a driver that needs no `Vec`, `Box` or `String`.
    Without: What the template has.
    Source: https://learn.microsoft.com/windows-hardware/drivers/ddi/wdm/nf-wdm-exallocatepool2
    """

    pool_tag: Annotated[Text, AfterValidator(_pool_tag)] | None = None
    """The tag of the allocator's memory, four ASCII letters or digits.

    By default made from the driver's name.

    Change: When another driver of yours has the same: tools such as poolmon tell memory apart
        by it.
    Without: Four letters of the name.
    Source: https://learn.microsoft.com/windows-hardware/drivers/devtest/poolmon
    """

    logger: Literal["DbgPrint", "DbgPrintEx"] = "DbgPrintEx"
    """The kernel's function that the log goes through.

    Change: To `DbgPrint` for a log that no filter holds back.
    Without: `DbgPrintEx`, whose messages are filtered by component and level.
    Source:
        https://learn.microsoft.com/windows-hardware/drivers/debugger/reading-and-filtering-debugging-messages
    """

    log_component: Literal[
        "IHVDRIVER", "IHVVIDEO", "IHVAUDIO", "IHVNETWORK", "IHVSTREAMING", "IHVBUS"
    ] = "IHVDRIVER"
    """The component that `DbgPrintEx` filters by: the middle of its `DPFLTR_…_ID`.

    Change: To the component that is nearest to the driver's device.
    Without: `IHVDRIVER`, for drivers of all kinds.
    Source: https://learn.microsoft.com/windows-hardware/drivers/ddi/wdm/nf-wdm-dbgprintex
    """

    log_level: Literal["error", "warning", "trace", "info"] = "info"
    """The level that `DbgPrintEx` filters by; by default Windows shows `error` only.

    Change: To `error` for messages that shall be seen without a change of the filter.
    Without: `info`.
    Source:
        https://learn.microsoft.com/windows-hardware/drivers/debugger/reading-and-filtering-debugging-messages
    """

    git: _StrictBool = False
    """Whether the project begins as a Git repository.

    Change: When the project shall begin as a repository.
    Without: No repository is made.
    """

    vscode: _StrictBool = False
    """Whether the project has tasks for Visual Studio Code.

    Change: For a team that works in Visual Studio Code.
    Without: No such tasks are written.
    Source: https://code.visualstudio.com/docs/editor/tasks
    """
