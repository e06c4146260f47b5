"""A driver project on a Windows, and how a test runs cargo-make in it."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives import hashes

from tests.pipeline.authority import CODE_SIGNING, Identity
from tests.pipeline.support import CONFIG, EXAMPLE, X64, Project, environment, run
from tests.windows.bed import Windows

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
    def start(cls, windows: Windows, config: str = CONFIG, name: str = "project") -> Desk:
        """Copy the example driver and generate what a config says."""
        folder = windows.home / name
        shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("target", ".cargo"))
        project = Project(folder, windows.home, environment(windows.home))
        project.generate(config)
        return cls(windows, project)

    def make(self, *arguments: str, **env: str) -> str:
        """Run cargo-make, which succeeds; return what it said."""
        done = self.windows.make(*arguments, cwd=self.project.folder, **env)
        assert done.code == 0, done.said
        return done.said

    def fail(self, *arguments: str, **env: str) -> str:
        """Run cargo-make, which fails; return what it said."""
        done = self.windows.make(*arguments, cwd=self.project.folder, **env)
        assert done.code != 0, done.said
        return done.said

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
        """Tell whether osslsigncode finds the image signed by a certificate: the exported one."""
        if certificate is None:
            return self.project.verifies(self.sys)
        argv: list[str | Path] = ["osslsigncode", "verify", "-CAfile", certificate, "-in", self.sys]
        return run(argv, self.windows.home).returncode == 0

    def is_signed(self) -> bool:
        """Tell whether there is any signature in the image."""
        said = run(["osslsigncode", "verify", "-in", self.sys], self.windows.home).stdout
        return "No signature found" not in said

    @property
    def records(self) -> Path:
        """Where the pipeline notes which certificates it made."""
        (user,) = self.windows.prefix.glob("drive_c/users/*/AppData/Local")
        return user / "kdrvgen/certificates"

    def own(
        self, subject: str = "My Company", store: str = "PrivateCertStore", *, machine: bool = False
    ) -> tuple[Identity, str, Path]:
        """Put a certificate of one's own into a store; return it, its thumbprint, its file."""
        identity = Identity.make(subject, CODE_SIGNING)
        thumbprint = identity.certificate.fingerprint(hashes.SHA1()).hex()  # noqa: S303 - its name
        folder = self.windows.home / "stores" / ("machine" if machine else "user") / store
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{thumbprint}.pem").write_bytes(identity.key_pem() + identity.certificate_pem())
        public = self.windows.home / f"{thumbprint}.pem"
        public.write_bytes(identity.certificate_pem())
        return identity, thumbprint, public


def text(value: object) -> str:
    """Return a value as TOML writes it."""
    return json.dumps(value, ensure_ascii=False)


def x64(name: str = "hello.sys") -> Path:
    """Return where cargo puts the development build, below the project."""
    return Path("target", X64, "debug", name)
