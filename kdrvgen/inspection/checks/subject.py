"""What the checks work on: an image, its signatures, and what config.toml expects of both."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from kdrvgen.inspection.pe.image import Image
from kdrvgen.inspection.signature.authenticode import Signature
from kdrvgen.inspection.signature.certificates import Certificate
from kdrvgen.model import Linker, Signing
from kdrvgen.model.driver import Driver, Target

__all__ = ["Expected", "Subject"]


class Expected(NamedTuple):
    """What the configuration of a project expects of an image.

    Attributes:
        driver: `[driver]`.
        linker: `[linker]`, with the changes of the profile.
        signing: `[signing]`, with the changes of the profile.
        target: The triple in the path of the image; None if the path has none.
        arguments: The linker arguments, without those that rustc adds.
        certificate: The exported test certificate, or `signing.public-certificate`; None if the
            file does not exist.
    """

    driver: Driver
    linker: Linker
    signing: Signing
    target: Target | None
    arguments: tuple[str, ...]
    certificate: Certificate | None

    def has_argument(self, switch: str) -> bool:
        """Return whether the linker gets a switch, such as `/RELEASE`."""
        arguments = [argument.upper() for argument in self.arguments]
        return any(
            argument == switch or argument.startswith(f"{switch}:") for argument in arguments
        )


class Subject(NamedTuple):
    """An image to check.

    Attributes:
        image: The image.
        signatures: The signatures in it.
        expected: What the configuration expects; None without a configuration.
        trusted: Certificates at which a chain may end.
        now: The time at which certificates must be valid if there is no timestamp.
    """

    image: Image
    signatures: tuple[Signature, ...]
    expected: Expected | None
    trusted: tuple[Certificate, ...]
    now: dt.datetime

    @property
    def is_user_mode(self) -> bool:
        """Whether the image is a UMDF driver."""
        return self.expected is not None and self.expected.driver.model == "umdf"
