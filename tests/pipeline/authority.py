"""Certificates made for a test, and a time stamp authority (RFC 3161, Authenticode) on loopback."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import http.server
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from tests.serving import serving

CODE_SIGNING = ExtendedKeyUsageOID.CODE_SIGNING
TIME_STAMPING = ExtendedKeyUsageOID.TIME_STAMPING
_COMMENT = ObjectIdentifier("2.16.840.1.113730.1.13")
_IA5_STRING = 0x16


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey

    @classmethod
    def make(
        cls,
        subject: str,
        usage: ObjectIdentifier,
        issuer: Identity | None = None,
        *,
        days: tuple[int, int] = (-1, 30),
        comment: str = "",
    ) -> Identity:
        """Make one that is valid between two numbers of days from now; self-signed by default.

        A comment goes into Netscape's extension for one, by which kdrvgen marks its certificates.
        """
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
        now = dt.datetime.now(dt.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(issuer.certificate.subject if issuer else name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + dt.timedelta(days[0]))
            .not_valid_after(now + dt.timedelta(days[1]))
            .add_extension(
                x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True
            )
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=True)
        )
        if comment:
            value = bytes([_IA5_STRING, len(comment)]) + comment.encode("ascii")
            extension = x509.UnrecognizedExtension(_COMMENT, value)
            builder = builder.add_extension(extension, critical=False)
        return cls(builder.sign(issuer.key if issuer else key, hashes.SHA256()), key)

    def certificate_pem(self) -> bytes:
        """Return the certificate alone."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def certificate_der(self) -> bytes:
        """Return the certificate alone, as Windows' own tools write it."""
        return self.certificate.public_bytes(serialization.Encoding.DER)

    def key_pem(self) -> bytes:
        """Return the private key alone."""
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )

    def stored(self) -> bytes:
        """Return both as the pipeline keeps a test certificate where there are no stores."""
        both = self.key_pem() + self.certificate_pem()
        digest = hashlib.sha256(both).hexdigest()
        return both + f"# SHA-256 of the above: {digest}\n".encode()

    def pfx(self, password: str) -> bytes:
        """Return both as a PKCS #12 file."""
        encryption = (
            serialization.BestAvailableEncryption(password.encode())
            if password
            else serialization.NoEncryption()
        )
        return pkcs12.serialize_key_and_certificates(
            b"test", self.key, self.certificate, None, encryption
        )


_CONFIGURATION = """\
[tsa]
default_tsa = here
[here]
serial = {folder}/serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
accuracy = secs:1
"""


_PKCS7_DATA = bytes.fromhex("2a864886f70d010701")


def _stamped_octets(request: bytes) -> bytes:
    """Return what a request of Authenticode's protocol wants stamped.

    The request ends with the type PKCS #7 data, and within two more headers the octets (Microsoft
    Learn, "Time Stamping Authenticode Signatures").
    """
    rest = request.partition(_PKCS7_DATA)[2]
    for _ in range(2):
        length = rest[1]
        rest = rest[2 + (length & 0x7F if length & 0x80 else 0) :]
    return rest


@dataclass(frozen=True, slots=True)
class Authority:
    """A running authority."""

    url: str
    roots: Path

    @classmethod
    @contextmanager
    def start(cls, folder: Path) -> Iterator[Authority]:
        """Serve time stamps on loopback for as long as the context lasts."""
        root = Identity.make("Time Stamp Root", TIME_STAMPING)
        signer = Identity.make("Time Stamp Signer", TIME_STAMPING, root)
        roots = folder / "roots.pem"
        roots.write_bytes(root.certificate_pem())
        (folder / "signer.pem").write_bytes(signer.certificate_pem())
        (folder / "signer.key").write_bytes(signer.key_pem())
        (folder / "tsa.cnf").write_text(_CONFIGURATION.format(folder=folder), encoding="utf-8")
        lock = threading.Lock()  # openssl counts serial numbers in a file

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                kind = self.headers["Content-Type"]
                signer: list[str | Path] = ["-signer", "signer.pem", "-inkey", "signer.key"]
                argv: list[str | Path]
                if kind == "application/timestamp-query":
                    argv = ["openssl", "ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query"]
                    argv += [*signer, "-chain", roots]
                else:
                    body = _stamped_octets(base64.b64decode(body))
                    argv = ["openssl", "cms", "-sign", "-binary", "-nodetach", "-nosmimecap"]
                    argv += ["-in", "query", "-outform", "DER", *signer, "-certfile", roots]
                with lock:
                    (folder / "query").write_bytes(body)
                    done = subprocess.run(argv, cwd=folder, check=True, capture_output=True)
                reply = done.stdout
                if kind != "application/timestamp-query":
                    reply = base64.b64encode(reply)
                self.send_response(200)
                self.send_header("Content-Type", kind.replace("query", "reply"))
                self.send_header("Content-Length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        with serving(Handler) as url:
            yield cls(url, roots)
