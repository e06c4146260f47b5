"""Converts an inspection to JSON data."""

from __future__ import annotations

import hashlib
from typing import TypeAlias

from kdrvgen.inspection.checks.loading import Loading
from kdrvgen.inspection.inspect import Inspection
from kdrvgen.inspection.signature.authenticode import Signature

__all__ = ["as_data"]

JsonObject: TypeAlias = dict[str, object]


def as_data(inspection: Inspection) -> JsonObject:
    """Return the image and its signatures; the findings are reported separately."""
    image = inspection.image
    return {
        "path": str(inspection.path),
        "sha256": hashlib.sha256(image.data).hexdigest() if image else None,
        "machine": image.headers.machine_name if image else None,
        "subsystem": image.headers.subsystem_name if image else None,
        "loading": _loading(inspection.loading) if inspection.loading else None,
        "signatures": [_signature(signature) for signature in inspection.signatures],
    }


def _loading(loading: Loading) -> JsonObject:
    return {
        "signed-by": loading.signed_by.name.lower().replace("_", "-"),
        "subject": loading.subject or None,
        "windows": loading.windows,
        "reference": loading.reference,
    }


def _signature(signature: Signature) -> JsonObject:
    signer, timestamp = signature.signer, signature.timestamp
    return {
        "nested": signature.nested,
        "digest": signature.digest,
        "signed-digest": signature.claimed.hex(),
        "image-digest": signature.computed.hex(),
        "verifies": signature.is_valid,
        "page-hashes": bool(signature.page_hashes),
        "subject": signer.subject if signer else None,
        "thumbprint": signer.thumbprint if signer else None,
        "not-before": signer.not_before.isoformat() if signer else None,
        "not-after": signer.not_after.isoformat() if signer else None,
        "timestamp": timestamp.time.isoformat() if timestamp and timestamp.time else None,
    }
