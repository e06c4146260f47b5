"""A driver project on a Windows, and how a test runs cargo-make in it."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID, ObjectIdentifier

from kdrvgen import load, verify
from kdrvgen.rendering.environment import certificate_id
from tests.locking import locked
from tests.pipeline.authority import CODE_SIGNING, Identity
from tests.pipeline.image import Image
from tests.pipeline.support import (
    CONFIG,
    EXAMPLE,
    Project,
    copy_compiled,
    run,
    write_kernel,
)
from tests.windows.bed import Certificate, Done, Windows

Python = Callable[..., Done]
"""Runs a Python of Windows in a folder, with arguments and further variables."""

TOOL = r"C:\Program Files (x86)\Windows Kits\10\bin\10.0.22621.0\x64"

KITS = r"C:\Program Files (x86)\Windows Kits\10"

OWN = CONFIG + 'mode = "certificate"\n'

ODD = "a & b ^ 50% %PATH% ! x!y 'q' (z) ${HOME} é日 #1"


@dataclass(frozen=True, slots=True)
class Desk:
    """A project, and the Windows that its developer works on."""

    windows: Windows
    project: Project = field(repr=False)

    @classmethod
    def start(
        cls,
        windows: Windows,
        config: str = CONFIG,
        name: str = "project",
        *,
        without_program: bool = False,
    ) -> Desk:
        """Copy the example driver and generate what a config says.

        The pipeline's program is there already, and in Wine what cargo compiles beside the driver,
        unless it is to be `without_program`.
        """
        project = _example(windows, config, name)
        if not without_program:
            put_program(windows, project.folder / ".kdrvgen", project.target)
            if not windows.is_real:
                copy_compiled(_compiled(windows), project)
        return cls(windows, project)

    def make(self, *arguments: str, **env: str) -> str:
        """Run cargo-make, which succeeds; return its output."""
        done = self.windows.make(*arguments, cwd=self.project.folder, **env)
        assert done.code == 0, done.output
        return done.output

    def fail(self, *arguments: str, **env: str) -> str:
        """Run cargo-make, which fails; return its output."""
        done = self.windows.make(*arguments, cwd=self.project.folder, **env)
        assert done.code != 0, done.output
        return done.output

    @property
    def sys(self) -> Path:
        """The development image."""
        return self.project.sys

    def arguments(self, program: str) -> list[list[str]]:
        """Return the arguments of each call of a program."""
        return [call["argv"] for call in self.windows.calls(program)]

    def option(self, name: str, program: str = "signtool") -> str:
        """Return what stood behind an option when a program was last called."""
        last = self.arguments(program)[-1]
        return last[last.index(name) + 1]

    def forget_calls(self) -> None:
        """Start the record of calls anew."""
        (self.windows.home / "calls").unlink(missing_ok=True)

    def places(self, program: str) -> list[str]:
        """Return from where a program was started, call by call."""
        return [
            call["line"].split('"')[1].lower()
            if call["line"].startswith('"')
            else call["line"].split(" ")[0].lower()
            for call in self.windows.calls(program)
        ]

    def verifies(self, certificate: Path | None = None) -> bool:
        """Tell whether the image is signed by a certificate: the exported one, if none is given."""
        if certificate is None:
            return self.project.verifies(self.sys)
        if self.windows.is_real:
            return verifies(self.sys, certificate)
        argv: list[str | Path] = ["osslsigncode", "verify", "-CAfile", certificate, "-in", self.sys]
        return run(argv, self.windows.home).returncode == 0

    def is_signed(self) -> bool:
        """Tell whether there is any signature in the image."""
        return Image.read(self.sys).is_signed

    @property
    def records(self) -> Path:
        """Where the pipeline keeps its locks."""
        return self.windows.local_app_data / "kdrvgen/certificates"

    @property
    def certificate(self) -> Certificate:
        """The one test certificate in its store."""
        (certificate,) = self.windows.certificates()
        return certificate

    @property
    def certificate_id(self) -> str:
        """What the test certificate of the development profile is found again by."""
        project = load(self.project.folder / "config.toml")
        return certificate_id(project.signing_for("development"))

    def ours(self, *, days: tuple[int, int] = (-1, 30), container: str = "") -> Certificate:
        """Put a certificate into the store that looks as if the pipeline had made it."""
        identity = marked(self.certificate_id, days)
        return self.windows.add_certificate(identity, self.store, container=container)

    @property
    def store(self) -> str:
        """The store that the project's test certificate is in."""
        return self.windows.own_store

    def own(
        self, subject: str = "My Company", store: str = "", *, machine: bool = False
    ) -> tuple[Identity, str, Path]:
        """Put a certificate of one's own into a store; return it, its thumbprint, its file."""
        identity = Identity.make(subject, CODE_SIGNING)
        thumbprint = identity.certificate.fingerprint(hashes.SHA1()).hex()
        store = store or self.store
        self.windows.add_certificate(identity, store, machine=machine, container=thumbprint)
        public = self.windows.home / f"{thumbprint}.pem"
        public.write_bytes(identity.certificate_pem())
        return identity, thumbprint, public


def _example(windows: Windows, config: str, name: str) -> Project:
    folder = windows.home / name
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("target", ".cargo"))
    write_kernel(folder)
    project = windows.project(folder)
    project.generate(config)
    return project


def _compiled(windows: Windows) -> Project:
    """Return a project that was built once, for all workers."""
    home = windows.program.with_name("compiled")
    project = windows.project(home / "project")
    with locked(home.with_suffix(".lock")):
        if not home.with_suffix(".complete").exists():
            shutil.rmtree(home, ignore_errors=True)
            home.mkdir()
            builder = windows.for_test(home)
            _example(builder, CONFIG, "project")
            put_program(builder, project.folder / ".kdrvgen", project.target)
            done = builder.make("build-driver", cwd=project.folder)
            assert done.code == 0, done.output
            home.with_suffix(".complete").touch()
    return project


def put_program(windows: Windows, support: Path, target: Path) -> None:
    """Give a project the pipeline's program, which compares the sources that it was compiled from.

    They are the same in every project: some seconds less for each test.
    """
    with locked(windows.program.with_suffix(".lock")):
        if not windows.program.exists():
            windows.compile(
                support / "pipeline/src/main.rs", windows.program, "-Cdebuginfo=0", "-Dwarnings"
            )
    folder = target / f"kdrvgen/windows-{windows.architecture}"
    folder.mkdir(parents=True)
    os.link(windows.program, folder / "pipeline.exe")


def verifies(image: Path, *trust: str | Path) -> bool:
    """Tell whether kdrvgen itself finds an image signed by one of the certificates."""
    findings = verify(image, trust=trust).findings
    return not [finding for finding in findings if finding.rule.startswith(_OF_SIGNATURES)]


_OF_SIGNATURES = ("image-checksum", "signature-", "certificate-untrusted", "certificate-chain")


def marked(identity: str, days: tuple[int, int], subject: str = "DriverCertificate") -> Identity:
    """Return a certificate that bears the pipeline's mark for a store and subject."""
    comment = f"kdrvgen test certificate {identity}".encode()
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + dt.timedelta(days[0]))
        .not_valid_after(now + dt.timedelta(days[1]))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([CODE_SIGNING]), critical=False)
        .add_extension(
            x509.UnrecognizedExtension(
                ObjectIdentifier("2.16.840.1.113730.1.13"), bytes([0x16, len(comment)]) + comment
            ),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    return Identity(certificate, key)


def der(identity: Identity) -> bytes:
    """Return a certificate in DER."""
    return identity.certificate.public_bytes(serialization.Encoding.DER)


def text(value: object) -> str:
    """Return a value as TOML writes it."""
    return json.dumps(value, ensure_ascii=False)
