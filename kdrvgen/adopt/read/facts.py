"""What the files of a project contain, and what follows from several of them together."""

from __future__ import annotations

import re
from dataclasses import dataclass

from kdrvgen.adopt.parse.inf_tools import parse_stampinf
from kdrvgen.adopt.parse.located import Located, Origin
from kdrvgen.adopt.parse.passwords import password_variable
from kdrvgen.adopt.parse.rustflags import Flags, LinkerArguments
from kdrvgen.adopt.read.build_script import BuildScript, read_build_script
from kdrvgen.adopt.read.cargo_profile import read_cargo_profile
from kdrvgen.adopt.read.cargo_settings import CargoSettings, read_cargo_settings
from kdrvgen.adopt.read.environment import read_environment_flags
from kdrvgen.adopt.read.makefile import Makefile, read_makefile
from kdrvgen.adopt.read.manifest import Manifest, read_manifest
from kdrvgen.adopt.read.pipeline import Pipeline, read_pipeline
from kdrvgen.adopt.read.snapshot import Snapshot
from kdrvgen.adopt.read.toolchain import read_channel
from kdrvgen.report.finding import Finding

__all__ = ["Facts", "read_facts"]

_DEFAULT_TARGET = "x86_64-pc-windows-msvc"
_ENTRY = re.compile(r"[-/]ENTRY:(\w+)(?:@8)?$", re.IGNORECASE)
_DRIVER_ARGUMENT = re.compile(r"[-/](DRIVER$|DRIVER:|SUBSYSTEM:NATIVE)", re.IGNORECASE)
_MODELS = frozenset({"wdm", "kmdf", "umdf"})


@dataclass(frozen=True)
class Facts:
    """What the files of a project contain."""

    snapshot: Snapshot
    manifest: Manifest
    makefile: Makefile
    cargo: CargoSettings
    toolchain_file: Located | None
    script: BuildScript
    pipeline: Pipeline

    @property
    def wdk(self) -> Origin | None:
        """Where the project uses Microsoft's wdk-build to link or to sign."""
        return self.script.wdk or self.makefile.wdk

    @property
    def triples(self) -> tuple[Located, ...]:
        """The targets that the project builds for; empty if it names none."""
        of_commands = [
            Located(profile.build.command.target, profile.build.origin)
            for profile in self.pipeline.profiles
            if profile.build and profile.build.command.target
        ]
        first: dict[str, Located] = {}
        for triple in (*of_commands, *self.cargo.targets):
            first.setdefault(triple.text, triple)
        return tuple(first.values())

    @property
    def is_driver(self) -> bool:
        """Whether the package becomes a driver."""
        is_linked = any(_DRIVER_ARGUMENT.match(each.text) for each in self.linker_arguments.all)
        is_wdk = self.wdk or self.manifest.wdk or self.manifest.model or self.umdf
        return bool(is_linked or is_wdk or self.pipeline.profiles[0].image)

    @property
    def flags(self) -> Flags:
        """The flags for rustc of the default target."""
        triples = self.triples
        return self.cargo.flags_for(triples[0].text if triples else _DEFAULT_TARGET)

    @property
    def linker_arguments(self) -> LinkerArguments:
        """The linker arguments; those of the build script follow those of the configuration.

        Of several entry points only the last is in it, which is the one that counts.
        """
        pre, post = self.flags.pre, (*self.flags.post, *self.script.arguments)
        post = (*post, *self.pipeline.link_arguments)
        last = len(pre) + len(post)
        for index, argument in enumerate((*pre, *post)):
            if _ENTRY.match(argument.text):
                last = index
        kept = [
            (index < len(pre), argument)
            for index, argument in enumerate((*pre, *post))
            if index == last or not _ENTRY.match(argument.text)
        ]
        return LinkerArguments(
            tuple(argument for is_pre, argument in kept if is_pre),
            tuple(argument for is_pre, argument in kept if not is_pre),
        )

    @property
    def earlier_entry_points(self) -> list[Located]:
        """The linker arguments for an entry point that a later one replaces."""
        kept = self.linker_arguments.all
        arguments = (*self.flags.pre, *self.flags.post, *self.script.arguments)
        entries = [each for each in arguments if _ENTRY.match(each.text)]
        return [each for each in entries[:-1] if each.text not in {other.text for other in kept}]

    @property
    def model(self) -> Located | None:
        """The driver model, if the project shows it."""
        if self.manifest.model and self.manifest.model.text.lower() in _MODELS:
            return Located(self.manifest.model.text.lower(), self.manifest.model.origin)
        if self.script.wdk_model:
            return self.script.wdk_model
        if self.umdf:
            return Located("umdf", self.umdf.origin)
        entry = self.entry_point
        return Located("kmdf", entry.origin) if entry and entry.text == "FxDriverEntry" else None

    @property
    def umdf(self) -> Located | None:
        """The version of UMDF that a task stamps into the INF."""
        for steps in self.pipeline.steps.values():
            for step in steps:
                if step.words[:1] == ("stampinf",):
                    version = parse_stampinf(step.words[1:]).value("u")
                    if version:
                        return Located(version, step.origin)
        return None

    @property
    def entry_point(self) -> Located | None:
        """The entry point in the linker arguments."""
        for argument in self.linker_arguments.all:
            if match := _ENTRY.match(argument.text):
                return Located(match[1], argument.origin)
        return None

    @property
    def channel(self) -> Located | None:
        """The channel of the toolchain file or of a command, else the one that flags need."""
        if self.toolchain_file:
            return self.toolchain_file
        for profile in self.pipeline.profiles:
            if profile.build and profile.build.command.channel:
                return Located(profile.build.command.channel, profile.build.origin)
        for name in self.pipeline.roles:
            task = self.makefile.tasks.get(name)
            toolchain = task.keys.get("toolchain") if task else None
            if task and isinstance(toolchain, str):
                return Located(toolchain, task.where("toolchain"))
        unstable = self.flags.unstable or self.cargo.nightly
        return Located("nightly", unstable.origin) if unstable else None

    @property
    def is_nightly(self) -> bool:
        """Whether the channel is nightly."""
        return self.channel is not None and self.channel.text.startswith("nightly")

    @property
    def build_std(self) -> list[Located]:
        """Crates of the standard library that the project builds."""
        for profile in self.pipeline.profiles:
            if profile.build and profile.build.command.build_std:
                crates = profile.build.command.build_std
                return [Located(crate, profile.build.origin) for crate in crates]
        return list(self.cargo.build_std)

    @property
    def build_variables(self) -> set[str]:
        """Variables that only choose the profile of cargo, which config.toml has keys for."""
        return {
            name
            for profile in self.pipeline.profiles
            for name, variable in self.makefile.variables(profile.name).items()
            for cargo_profile in [read_cargo_profile(profile, self.makefile)[0]]
            if cargo_profile and cargo_profile.origin == variable.origin
        }

    @property
    def pfx_variable(self) -> str:
        """The variable for the password of a PKCS #12 file; empty without one."""
        for profile in self.pipeline.profiles:
            if profile.signature and profile.signature.command.password:
                return password_variable(profile.signature.command.password)
        return ""


def read_facts(snapshot: Snapshot) -> tuple[Facts, list[Finding]]:
    """Read all files of a project.

    Raises:
        ConfigError: A file is not valid TOML.
    """
    manifest, manifest_findings = read_manifest(snapshot)
    makefile, makefile_findings = read_makefile(snapshot)
    pipeline, pipeline_findings = read_pipeline(snapshot, makefile, manifest)
    environment, environment_findings = read_environment_flags(makefile, pipeline)
    cargo, cargo_findings = read_cargo_settings(snapshot, environment)
    toolchain_file, toolchain_findings = read_channel(snapshot)
    script, script_findings = read_build_script(snapshot, manifest)
    facts = Facts(snapshot, manifest, makefile, cargo, toolchain_file, script, pipeline)
    return facts, [
        *manifest_findings,
        *makefile_findings,
        *pipeline_findings,
        *environment_findings,
        *cargo_findings,
        *toolchain_findings,
        *script_findings,
    ]
