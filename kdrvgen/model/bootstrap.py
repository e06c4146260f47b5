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
    """The template that the project was made from."""

    allocator: _StrictBool = True
    """Whether the driver has a global allocator, and so `alloc`'s collections."""

    pool_tag: Annotated[Text, AfterValidator(_pool_tag)] | None = None
    """The tag of the allocator's memory, four ASCII letters or digits.

    By default made from the driver's name.
    """

    logger: Literal["DbgPrint", "DbgPrintEx"] = "DbgPrintEx"
    """The kernel's function that the log goes through."""

    log_component: Literal[
        "IHVDRIVER", "IHVVIDEO", "IHVAUDIO", "IHVNETWORK", "IHVSTREAMING", "IHVBUS"
    ] = "IHVDRIVER"
    """The component that `DbgPrintEx` filters by: the middle of its `DPFLTR_…_ID`."""

    log_level: Literal["error", "warning", "trace", "info"] = "info"
    """The level that `DbgPrintEx` filters by; by default Windows shows `error` only."""

    git: _StrictBool = False
    """Whether the project begins as a Git repository."""

    vscode: _StrictBool = False
    """Whether the project has tasks for Visual Studio Code."""
