"""What the checks work on: an image, its signatures, and what config.toml expects of both."""

from __future__ import annotations

from typing import NamedTuple

from kdrvgen.inspection.pe.image import Image
from kdrvgen.inspection.signature.assessment import Assessment
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
        oldest_build: The build of the oldest Windows that the package is for; None without a
            package.
    """

    driver: Driver
    linker: Linker
    signing: Signing
    target: Target | None
    arguments: tuple[str, ...]
    certificate: Certificate | None
    oldest_build: int | None = None

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
        assessments: What each of them proves.
        expected: What the configuration expects; None without a configuration.
        trusted: The certificates at which a chain must end; empty for those of Windows.
        is_umdf: Whether the INF of its package says that it is a UMDF driver.
    """

    image: Image
    signatures: tuple[Signature, ...]
    assessments: tuple[Assessment, ...]
    expected: Expected | None
    trusted: tuple[Certificate, ...]
    is_umdf: bool = False

    @property
    def is_user_mode(self) -> bool:
        """Whether the image is a UMDF driver."""
        is_expected = self.expected is not None and self.expected.driver.model == "umdf"
        return self.is_umdf or is_expected

    def has_other_sound_signature(self, signature: Signature) -> bool:
        """Return whether another signature suffices, so that a fault of this one does not matter.

        Windows accepts an image if any of its signatures is good.
        """
        return any(
            assessment.is_sound
            for assessment in self.assessments
            if assessment.signature is not signature
        )
