"""An image and its signatures for programs, as JSON's types."""

from __future__ import annotations

import hashlib
from typing import Any

from kdrvgen.inspection.authenticode import Signature
from kdrvgen.inspection.inspect import Inspection

__all__ = ["as_data"]


def as_data(inspection: Inspection) -> dict[str, Any]:
    """Return what was read of an image; its findings are reported as those of all commands."""
    image = inspection.image
    return {
        "path": str(inspection.path),
        "sha256": hashlib.sha256(image.data).hexdigest() if image else None,
        "machine": image.headers.machine_name if image else None,
        "subsystem": image.headers.subsystem_name if image else None,
        "signatures": [_signature(each) for each in inspection.signatures],
    }


def _signature(signature: Signature) -> dict[str, Any]:
    signer, stamp = signature.signer, signature.timestamp
    return {
        "nested": signature.nested,
        "digest": signature.digest,
        "verifies": not signature.problem and signature.claimed == signature.computed,
        "page-hashes": bool(signature.page_hashes),
        "subject": signer.subject if signer else None,
        "thumbprint": signer.thumbprint if signer else None,
        "not-before": signer.not_before.isoformat() if signer else None,
        "not-after": signer.not_after.isoformat() if signer else None,
        "timestamp": stamp.time.isoformat() if stamp and stamp.time else None,
    }
