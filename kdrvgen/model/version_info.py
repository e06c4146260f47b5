"""`[driver.version-info]`: the version resource of the image."""

from typing import Annotated

from pydantic import AfterValidator

from kdrvgen.model.base import Filled, Table, problem

__all__ = ["VersionInfo"]

_LONGEST_TEXT = 255  # UTF-16 units; version_info.rs has the same limit for texts of Cargo.toml


def _resource_text(value: str) -> str:
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise problem("half of a surrogate pair is not a character")
    if len(value.encode("utf-16-le")) // 2 > _LONGEST_TEXT:
        raise problem(f"a text of the version resource can have at most {_LONGEST_TEXT} characters")
    return value


_ResourceText = Annotated[Filled, AfterValidator(_resource_text)]


class VersionInfo(Table):
    """The version resource of the image, which Explorer and `sigcheck` show. It can be empty.

    The version is `package.version`, or that in Cargo.toml with a fourth number 0.
    """

    company: _ResourceText | None = None
    """Who made the driver.

    Change: When the organization is not the provider of the package.
    Without: `package.provider`; otherwise the authors in Cargo.toml.
    Source: https://learn.microsoft.com/windows/win32/menurc/versioninfo-resource
    """

    product: _ResourceText | None = None
    """The product that the driver is a part of.

    Change: When the driver is one of several files of a product.
    Without: The name of the package in Cargo.toml.
    Source: https://learn.microsoft.com/windows/win32/menurc/versioninfo-resource
    """

    description: _ResourceText | None = None
    """What the file is, such as `Hello Virtual Device Driver`.

    Change: When the description in Cargo.toml is for programmers.
    Without: `description` in Cargo.toml; otherwise the name of the package.
    Source: https://learn.microsoft.com/windows/win32/menurc/versioninfo-resource
    """

    copyright: _ResourceText | None = None
    """Who has the copyright, such as `© 2025 Example Corporation`.

    Change: To show it.
    Without: The resource has no copyright.
    Source: https://learn.microsoft.com/windows/win32/menurc/versioninfo-resource
    """
