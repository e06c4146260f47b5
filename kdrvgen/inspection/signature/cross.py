"""Microsoft's cross-certificates, which the kernel of Windows demands of a publisher's signature.

Their issuer, "Microsoft Code Verification Root", is in no store of Windows, and no certificate of
it comes with them. The modulus of its key follows from them: with the exponent 65537, it is the
greatest common divisor of what their signatures and their padded digests differ by.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from kdrvgen.inspection.signature.certificates import DAMAGED_CERTIFICATE, Certificate

__all__ = ["CODE_VERIFICATION_ROOT", "is_cross_certificate", "names_cross_issuer"]

CODE_VERIFICATION_ROOT = "Microsoft Code Verification Root"
"""The issuer of the cross-certificates."""

_MODULUS = int(
    "bd77c91c7f157838c50743215afbe4cc3bc65531fc2189b1bce7019cfb90be20115576a74d02e7b2"
    "f42e8defb2874656ca47cec8c363e308034b9606b9702244e64b7b443f75b7b8a62b910841ef4b07"
    "59d6a4199df6cba4bb8e02654dcade0fb49022f1b56b5c22f6caf938aa280b062d3c198db7355f83"
    "eddd65738446929f44e2894a8cd598a76d3de819cb44ad180bea5c5f7c0bc39a936844f3b6bf9799"
    "30723f2859d070c8055778f54a82340a24c17ab064a53a6e12d5036138bb0e2dfd859cd648756a1c"
    "b2a2e891fab7e4f53c5ffdc940acc7a042f574d8b9dbd7fe73771ae0c4b709b1059a6de35e803875"
    "7852b612d379ae43f765a7d1166469858f783ab894bf4512625a4d8748d6f819bc590106f51adb60"
    "299f013f6e73f9fd8045ce95d78af6920cc173402c6daa32a6f17f30f890f1ae4527b9b40e3002bd"
    "c60eec3c8c5bb63485cf140b0c500da9e259912ea80139f42c15630480b840df62f7feb74c13a82c"
    "a966133862fc4070627b7577d52b8e1ba599e5b9b7c7adea01a0257b5846525654a2c9922b581d48"
    "51c01ffe3700d1e2ab10c2a959e942996e8fb51e4766741e98765757045ebd2f8593d50e0b9f2e7b"
    "2664a78612095063e7d1c78e7e0e3b07e7bbe4cd1a40d47aba05594ad6d0eedc965e224a271c45e3"
    "dedab2e9d343fde96fc0c97d1ffd9f909c862008cc74dc40a729b3ab58656bb1",
    16,
)
_EXPONENT = 65537


def names_cross_issuer(certificate: Certificate) -> bool:
    """Return whether a certificate claims to be a cross-certificate of Microsoft."""
    return certificate.issuer_name == CODE_VERIFICATION_ROOT


def is_cross_certificate(certificate: Certificate) -> bool:
    """Return whether Microsoft signed a certificate as a cross-certificate."""
    return names_cross_issuer(certificate) and _is_signed(certificate)


def _key() -> rsa.RSAPublicKey:
    return rsa.RSAPublicNumbers(_EXPONENT, _MODULUS).public_key()


def _is_signed(certificate: Certificate) -> bool:
    key = _key()
    x509 = certificate.x509
    try:
        algorithm = x509.signature_hash_algorithm
        if algorithm is None:
            return False
        key.verify(x509.signature, x509.tbs_certificate_bytes, padding.PKCS1v15(), algorithm)
    except (*DAMAGED_CERTIFICATE, InvalidSignature):
        return False
    return True
