"""`[bootstrap]`: the answers that a project was created with, to create another one like it."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from kdrvgen.model.base import Dumped, FrozenTable, Table, Text, problem, refuse_controls

__all__ = ["PACKAGE_KEYS", "Answer", "Bootstrap"]

PACKAGE_KEYS = ("version", "description", "authors", "license", "edition")
"""Keys that every template writes once, to `[package]` in Cargo.toml."""

# https://semver.org, "Is there a suggested regular expression"; without its groups.
_SEMVER = (
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)"
    r"(-(0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)(\.(0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*))*)?"
    r"(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?"
)


def _version(value: str) -> str:
    if not re.fullmatch(_SEMVER, value, re.ASCII):
        raise problem(
            f"`{value}` is not a valid version", hint="write three numbers, such as `0.1.0`"
        )
    return value


def _pool_tag(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9]{4}", value, re.ASCII):
        raise problem(
            f"`{value}` is not a valid pool tag",
            hint="write four ASCII letters or digits, such as `Hell`",
        )
    return value


def _template(value: str) -> str:
    # `./NAME` is a folder of the user's.
    if not re.fullmatch(r"[a-z][a-z0-9-]*|\./[^/\\]+", value):
        raise problem(
            f"the template `{value}` does not exist", hint="run `kdrvgen new --list-templates`"
        )
    return value


def _answer(value: object) -> str | bool:
    if isinstance(value, bool):
        return value
    if not isinstance(value, str):
        raise problem("an answer must be a string or a boolean")
    refuse_controls(value)
    return value


Answer = Annotated[Any, AfterValidator(_answer)]
"""An answer to a question of a user's own template: a string or a boolean."""

_StrictBool = Annotated[bool, Field(strict=True)]


class Bootstrap(Table):
    """The answers to `kdrvgen new`. Only `kdrvgen new --config` reads them again."""

    template: Annotated[Text, AfterValidator(_template)] = "minimal"
    """The template that the project was made from.

    Change: Only for another project: files that exist do not change.
    Without: `minimal`.
    """

    version: Annotated[Text, AfterValidator(_version)] = "0.1.0"
    """Version of the new package.

    `kdrvgen new` writes it into Cargo.toml. Afterwards nothing reads it here. The same is true for
    `description`, `authors`, `license` and `edition`.

    Change: In Cargo.toml, for each release.
    Without: 0.1.0.
    Source: https://semver.org
    """

    description: Text = ""
    """What the driver does, in one line.

    Change: In Cargo.toml.
    Without: Cargo.toml has no description.
    Source: https://doc.rust-lang.org/cargo/reference/manifest.html#the-description-field
    """

    authors: tuple[Text, ...] = ()
    """The authors, each as `Name <address>`.

    Change: In Cargo.toml.
    Without: Cargo.toml names no authors.
    Source: https://doc.rust-lang.org/cargo/reference/manifest.html#the-authors-field
    """

    license: Text = ""
    """SPDX expression, such as `MIT OR Apache-2.0`.

    Change: In Cargo.toml.
    Without: Cargo.toml names no license, and nobody else may use the sources.
    Source: https://spdx.org/licenses
    """

    edition: Literal["2018", "2021", "2024"] = "2021"
    """Edition of Rust.

    Change: In Cargo.toml, when the sources are ready for a newer edition.
    Without: 2021.
    Source: https://doc.rust-lang.org/edition-guide
    """

    allocator: _StrictBool = True
    """Use a global allocator, for the collections of `alloc`?

    Change: For a driver that needs no `Vec`, `Box` or `String`.
    Without: The template's default.
    Source: https://learn.microsoft.com/windows-hardware/drivers/ddi/wdm/nf-wdm-exallocatepool2
    """

    pool_tag: Annotated[Text, AfterValidator(_pool_tag)] | None = None
    """The tag of the allocator's memory, four ASCII letters or digits.

    By default made from the driver's name.

    Change: When another of your drivers has the same tag: tools such as poolmon show memory by tag.
    Without: Four letters of the name.
    Source: https://learn.microsoft.com/windows-hardware/drivers/devtest/poolmon
    """

    logger: Literal["DbgPrint", "DbgPrintEx"] = "DbgPrintEx"
    """The kernel function that writes the log.

    Change: To `DbgPrint` for a log without a filter.
    Without: `DbgPrintEx`, whose messages are filtered by component and level.
    Source:
        https://learn.microsoft.com/windows-hardware/drivers/debugger/reading-and-filtering-debugging-messages
    """

    log_component: Literal[
        "IHVDRIVER", "IHVVIDEO", "IHVAUDIO", "IHVNETWORK", "IHVSTREAMING", "IHVBUS"
    ] = "IHVDRIVER"
    """The component that `DbgPrintEx` filters by: the middle of its `DPFLTR_…_ID`.

    Change: To the component that is closest to the driver's device.
    Without: `IHVDRIVER`, for drivers of all kinds.
    Source: https://learn.microsoft.com/windows-hardware/drivers/ddi/wdm/nf-wdm-dbgprintex
    """

    log_level: Literal["error", "warning", "trace", "info"] = "info"
    """The level that `DbgPrintEx` filters by; by default Windows shows `error` only.

    Change: To `error` for messages that must be visible without a change of the filter.
    Without: `info`.
    Source:
        https://learn.microsoft.com/windows-hardware/drivers/debugger/reading-and-filtering-debugging-messages
    """

    git: _StrictBool = False
    """Run `git init` in the project?

    Change: To start the project as a Git repository.
    Without: No repository is made.
    """

    vscode: _StrictBool = False
    """Write tasks for Visual Studio Code?

    Change: For a team that works in Visual Studio Code.
    Without: No such tasks are written.
    Source: https://code.visualstudio.com/docs/editor/tasks
    """

    answers: Annotated[Mapping[Text, Answer], AfterValidator(FrozenTable), Dumped] = FrozenTable()
    """The answers to the questions of your own template, a string or a boolean each.

    Change: Only for another project: files that exist do not change.
    Without: The defaults of the template.
    """
