"""What the checks look at: an image, its signatures, and what config.toml asks of both."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from kdrvgen.inspection.authenticode import Signature
from kdrvgen.inspection.certificates import Certificate
from kdrvgen.inspection.image import Image
from kdrvgen.model import Linker, Signing
from kdrvgen.model.driver import Driver, Target

__all__ = ["Asked", "Subject"]


class Asked(NamedTuple):
    """What a project's configuration says that an image should be.

    Attributes:
        driver: `[driver]`.
        linker: `[linker]` as the profile has it.
        signing: `[signing]` as the profile has it.
        target: The triple that the image was built for, as far as its path tells.
        arguments: What the linker was told, apart from what rustc passes by itself.
        certificate: The exported test certificate, or `signing.public-certificate`; None when it is
            not there.
    """

    driver: Driver
    linker: Linker
    signing: Signing
    target: Target | None
    arguments: tuple[str, ...]
    certificate: Certificate | None

    def argument(self, switch: str) -> bool:
        """Tell whether the linker was given a switch, such as `/RELEASE`."""
        found = [each.upper() for each in self.arguments]
        return any(each == switch or each.startswith(f"{switch}:") for each in found)


class Subject(NamedTuple):
    """An image to check.

    Attributes:
        image: The image.
        signatures: Those embedded in it.
        asked: What its project asks for; None without a configuration.
        trusted: Certificates in which a chain may end.
        now: The moment to check validity at, where no time stamp says another one.
    """

    image: Image
    signatures: tuple[Signature, ...]
    asked: Asked | None
    trusted: tuple[Certificate, ...]
    now: dt.datetime

    @property
    def is_user_mode(self) -> bool:
        """Whether the image is for UMDF's host process."""
        return self.asked is not None and self.asked.driver.model == "umdf"
