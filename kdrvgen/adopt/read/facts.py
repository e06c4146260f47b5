"""All that the files of a project say, and what follows from several of them together."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from kdrvgen.adopt.parse.located import Origin, Said
from kdrvgen.adopt.parse.rustflags import Flags
from kdrvgen.adopt.propose.hazards import cargo_profile
from kdrvgen.adopt.propose.linker import Wanted
from kdrvgen.adopt.propose.signing import password_variable
from kdrvgen.adopt.read.build_script import BuildScript
from kdrvgen.adopt.read.cargo_settings import CargoSettings
from kdrvgen.adopt.read.makefile import Makefile
from kdrvgen.adopt.read.manifest import Manifest
from kdrvgen.adopt.read.pipeline import Pipeline

__all__ = ["Facts"]

_DEFAULT_TARGET = "x86_64-pc-windows-msvc"
_ENTRY = re.compile(r"[-/]ENTRY:(\w+)(?:@8)?$", re.IGNORECASE)
_MODELS = frozenset({"wdm", "kmdf", "umdf"})


@dataclass(frozen=True)
class Facts:
    """All that the files of a project say."""

    manifest: Manifest
    makefile: Makefile
    cargo: CargoSettings
    channel: Said | None
    script: BuildScript
    pipeline: Pipeline
    refuse: Callable[[tuple[str, ...], str, str], Exception]
    refuse_said: Callable[[Said, str, str], Exception]

    @property
    def wdk(self) -> Origin | None:
        """Where the project leaves linking or signing to Microsoft's wdk-build, if it does."""
        return self.script.wdk or self.makefile.wdk

    @property
    def triples(self) -> tuple[Said, ...]:
        """The targets that the project is built for; none if it does not say."""
        asked = [
            Said(build[0].target, build[1])
            for each in self.pipeline.profiles
            if (build := each.build) and build[0].target
        ]
        said = [*asked, *self.cargo.targets]
        first: dict[str, Said] = {}
        for each in said:
            first.setdefault(each.text, each)
        return tuple(first.values())

    @property
    def is_a_driver(self) -> bool:
        """Whether something makes a driver of the package."""
        said = (*self.wanted.pre, *self.wanted.post)
        is_linked = any(
            re.match(r"[-/](DRIVER$|DRIVER:|SUBSYSTEM:NATIVE)", each.text, re.IGNORECASE)
            for each in said
        )
        is_wdk = self.wdk or self.manifest.wdk or self.manifest.model
        return bool(is_linked or is_wdk or self.pipeline.profiles[0].image)

    @property
    def flags(self) -> Flags:
        """The flags for rustc of the default target."""
        triples = self.triples
        return self.cargo.flags_for(triples[0].text if triples else _DEFAULT_TARGET)

    @property
    def wanted(self) -> Wanted:
        """The linker's arguments; the build script's come after those of the configuration."""
        return Wanted(self.flags.pre, (*self.flags.post, *self.script.arguments))

    @property
    def model(self) -> Said | None:
        """The driver model, if something tells it."""
        if self.manifest.model and self.manifest.model.text.lower() in _MODELS:
            return Said(self.manifest.model.text.lower(), self.manifest.model.origin)
        if self.script.wdk_model:
            return self.script.wdk_model
        entry = self.entry
        return Said("kmdf", entry.origin) if entry and entry.text == "FxDriverEntry" else None

    @property
    def entry(self) -> Said | None:
        """The entry point that the linker is told."""
        for said in (*self.wanted.pre, *self.wanted.post):
            if found := _ENTRY.match(said.text):
                return Said(found[1], said.origin)
        return None

    @property
    def asked_channel(self) -> Said | None:
        """The channel: of the toolchain file, of a command, or that which flags need."""
        if self.channel:
            return self.channel
        for profile in self.pipeline.profiles:
            if profile.build and profile.build[0].channel:
                return Said(profile.build[0].channel, profile.build[1])
        for name in self.pipeline.roles:
            task = self.makefile.tasks.get(name)
            toolchain = task.keys.get("toolchain") if task else None
            if task and isinstance(toolchain, str):
                return Said(toolchain, task.where("toolchain"))
        unstable = self.flags.unstable or self.cargo.nightly
        return Said("nightly", unstable.origin) if unstable else None

    @property
    def spent(self) -> set[str]:
        """Variables that were meant for the build and say nothing more."""
        return {
            origin_name
            for profile in self.pipeline.profiles
            for origin_name, variable in {
                **self.makefile.env,
                **self.makefile.profiles.get(profile.name, {}),
            }.items()
            for said in [cargo_profile(profile, self.makefile)[0]]
            if said and said.origin == variable.origin
        }

    @property
    def password(self) -> str:
        """The variable that the password of a PKCS #12 file is wanted in; empty without one."""
        for profile in self.pipeline.profiles:
            if profile.signature and profile.signature[0].password:
                return password_variable(profile.signature[0].password)
        return ""
