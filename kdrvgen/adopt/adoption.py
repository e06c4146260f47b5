"""A snapshot of a project → the config.toml that reproduces it, and all there is to know of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from kdrvgen.adopt.parse.located import Origin, Said
from kdrvgen.adopt.propose.cargo_config import draft_cargo_config
from kdrvgen.adopt.propose.comparison import compare
from kdrvgen.adopt.propose.draft import Draft
from kdrvgen.adopt.propose.driver import draft_project
from kdrvgen.adopt.propose.hazards import cargo_profile, pipeline_hazards
from kdrvgen.adopt.propose.signing import draft_signing
from kdrvgen.adopt.propose.tasks import carry, passwords_of
from kdrvgen.adopt.read.build_script import read_build_script
from kdrvgen.adopt.read.cargo_settings import read_cargo_settings
from kdrvgen.adopt.read.environment import flags_in_environment
from kdrvgen.adopt.read.facts import Facts
from kdrvgen.adopt.read.findings import difference
from kdrvgen.adopt.read.makefile import read_makefile
from kdrvgen.adopt.read.manifest import read_channel, read_manifest
from kdrvgen.adopt.read.pipeline import read_pipeline
from kdrvgen.adopt.read.service import draft_service
from kdrvgen.adopt.read.snapshot import Snapshot, parse
from kdrvgen.config import loads
from kdrvgen.config.keys import Path, dotted
from kdrvgen.config.locator import scan
from kdrvgen.config.secrets import hide_in_document, hide_in_line
from kdrvgen.config.source import Extent, Source
from kdrvgen.credentials import mask
from kdrvgen.errors import ConfigError
from kdrvgen.model import Project
from kdrvgen.report.finding import Finding, Place

__all__ = ["Adoption", "adopt"]

_NEEDED = ("Cargo.toml", "Makefile.toml", ".cargo/config", ".cargo/config.toml")
_MOST_CORRECTIONS = 200


@dataclass(frozen=True, slots=True)
class Adoption:
    """What adopting a project comes to.

    Attributes:
        text: The proposed config.toml.
        annotated: The same, with a comment on every line that says where it comes from.
        origins: Where the lines of `text` come from, by their numbers from 1.
        project: What kdrvgen reads in it.
        findings: What to know of it, in the order of files and lines; their files are as seen from
            where the user stands.
        steps: What is left for the user to do before kdrvgen can take the project over.
    """

    text: str
    annotated: str
    origins: Mapping[int, Origin]
    project: Project
    findings: tuple[Finding, ...]
    steps: tuple[str, ...]


def adopt(snapshot: Snapshot) -> Adoption:
    """Propose the config.toml that reproduces a project. Pure: the snapshot is all it looks at.

    Raises:
        ConfigError: A file of the project is no text or no TOML, or what it says is nothing that a
            driver can be made of: a package name that cargo refuses, a target without drivers.
    """
    _refuse_unreadable(snapshot)
    facts, findings = _facts(snapshot)
    draft = Draft(has_schema=snapshot.has_schema)
    findings += draft_project(draft, facts)
    findings += _profiles(draft, facts)
    findings += draft_signing(draft, facts.pipeline, facts.wdk)
    findings += draft_service(draft, facts.pipeline.service)
    passwords = passwords_of(facts.makefile, facts.pipeline)
    findings += draft_cargo_config(draft, facts.cargo.document, passwords)
    findings += carry(draft, facts.makefile, facts.pipeline, facts.spent, passwords)
    findings += pipeline_hazards(
        facts.makefile,
        facts.pipeline,
        facts.manifest,
        facts.cargo.targets[0].text if facts.cargo.targets else "",
        facts.cargo.file,
    )
    project, refused = _validated(snapshot, draft)
    findings += refused
    text = draft.text()
    if loads(text) != project:
        raise AssertionError("the proposal is not read as it was meant")
    findings += compare(project, facts)
    return Adoption(
        text=text,
        annotated=draft.text(with_origins=True),
        origins=draft.origins(),
        project=project,
        findings=tuple(_placed(findings, snapshot)),
        steps=tuple(_steps(facts)),
    )


def _placed(findings: Iterable[Finding], snapshot: Snapshot) -> Iterator[Finding]:
    """Yield each finding once, in the order of files and lines, its file as the user sees it."""

    def order(finding: Finding) -> tuple[str, tuple[int, int], str, str]:
        place = finding.place
        return finding.file, place.order if place else (0, 0), finding.rule, finding.message

    for each in sorted(dict.fromkeys(findings), key=order):
        yield each.named(snapshot.name(each.file))


def _refuse_unreadable(snapshot: Snapshot) -> None:
    """Raise with all that is wrong in the files that have to be read."""
    found = [
        Finding("toml-unreadable", why, Place(snapshot.name(path)))
        for path, why in sorted(snapshot.unreadable.items())
        if path.rpartition("../")[2] in _NEEDED
    ]
    if "Cargo.toml" not in {*snapshot.files, *snapshot.unreadable}:
        place = Place(snapshot.name("Cargo.toml"))
        found.append(Finding("toml-unreadable", "there is no such file", place))
    for path in _read_as_toml(snapshot):
        try:
            parse(snapshot, path)
        except ConfigError as error:
            found += error.findings
    if found:
        raise ConfigError(found)


def _read_as_toml(snapshot: Snapshot) -> Iterator[str]:
    """Yield the TOML files that are read in any case, so that all errors are reported at once."""
    above = snapshot.above()
    yield from (path for folder in above if (path := f"{folder}Cargo.toml") in snapshot.files)
    alternatives = [
        *((f"{folder}.cargo/config", f"{folder}.cargo/config.toml") for folder in above),
        tuple(f"{folder}Makefile.toml" for folder in above),
    ]
    yield from filter(None, (snapshot.find(*paths) for paths in alternatives))


def _facts(snapshot: Snapshot) -> tuple[Facts, list[Finding]]:
    manifest, findings = read_manifest(snapshot)
    makefile, more = read_makefile(snapshot)
    findings += more
    pipeline, more = read_pipeline(snapshot, makefile, manifest)
    findings += more
    given, more = flags_in_environment(makefile, pipeline)
    findings += more
    cargo, more = read_cargo_settings(snapshot, given)
    findings += more
    channel, more = read_channel(snapshot)
    findings += more
    script, more = read_build_script(snapshot, manifest)
    findings += more
    return Facts(
        manifest=manifest,
        makefile=makefile,
        cargo=cargo,
        channel=channel,
        script=script,
        pipeline=pipeline,
        refuse=lambda path, message, hint: _refused(snapshot, path, message, hint),
        refuse_said=lambda said, message, hint: _refused_said(snapshot, said, message, hint),
    ), findings


def _refused(snapshot: Snapshot, path: Path, message: str, hint: str) -> ConfigError:
    """Return the error for something in Cargo.toml that ends the adoption."""
    document = parse(snapshot, "Cargo.toml")
    source = Source.of(document.text, snapshot.name("Cargo.toml"))
    source = hide_in_document(source, scan(source.text))
    node = document.root.find(path)
    extent = node and (node.value or node.key)
    place = source.place(extent) if extent else Place(source.name)
    return ConfigError([Finding("adopt-refused", message, place, help=hint, key=path)])


def _refused_said(snapshot: Snapshot, said: Said, message: str, hint: str) -> ConfigError:
    """Return the error for something in any file that ends the adoption."""
    file, line = said.origin
    source = Source.of(snapshot.files.get(file, ""), snapshot.name(file))
    start = sum(len(each) + 1 for each in source.text.split("\n")[: max(line - 1, 0)])
    bounds = source.line_extent(start)
    found = source.text.find(said.text, *bounds)
    extent = Extent(found, found + len(said.text)) if found >= 0 else bounds
    place = hide_in_line(source, extent.start).place(extent) if line else Place(source.name)
    return ConfigError([Finding("adopt-refused", message, place, help=hint)])


def _profiles(draft: Draft, facts: Facts) -> list[Finding]:
    findings: list[Finding] = []
    for profile in facts.pipeline.profiles:
        cargo_name, more = cargo_profile(profile, facts.makefile)
        findings += more
        if cargo_name is None:
            continue
        origin = cargo_name.origin
        standard = {"development": "dev", "production": "release"}.get(profile.name)
        name = "dev" if cargo_name.text == "debug" else cargo_name.text
        if profile.is_declared or name != standard:
            draft.say(("profiles", profile.name, "cargo-profile"), name, origin)
        build, origin = profile.build or (None, origin)
        if build and build.strange:
            findings.append(
                difference(
                    origin,
                    f"cargo is given {', '.join(f'`{each}`' for each in build.strange)}",
                    "the generated `build-driver` does not: Cargo.toml may have it as a default",
                )
            )
    return findings


def _validated(snapshot: Snapshot, draft: Draft) -> tuple[Project, list[Finding]]:
    """Return the project, without what kdrvgen does not take."""
    findings: list[Finding] = []
    for _ in range(_MOST_CORRECTIONS):
        try:
            return Project.model_validate(draft.document(), by_alias=True, by_name=False), findings
        except ValidationError as invalid:
            error = invalid.errors(include_url=False)[0]
            where = list(error["loc"])
            context = error.get("ctx", {})
            message = context.get("message", error["msg"])
            hint = context.get("hint", "")
            if where[:2] == ["driver", "name"]:
                advice = "cargo refuses such a name too" if re.match(r"\d", _name(draft)) else hint
                raise _refused(snapshot, ("package", "name"), message, advice) from invalid
            origin = draft.drop(where)
            if where[-1:] == ["[key]"]:  # pydantic's mark; a key may be called so too
                origin = origin or draft.drop(where[:-1])
                where.pop()
            if origin is None:
                raise _refused(snapshot, ("package",), message, hint) from invalid
            key = mask(dotted(tuple(part for part in where if isinstance(part, str))))
            secret = context.get("secret")
            reason = "the value looks like a secret" if secret else message
            refusal = f"config.toml takes no such `{key}`: {reason}"
            findings.append(difference(origin, refusal, hint))
    raise _refused(snapshot, ("package",), "too much of it is nothing that kdrvgen takes", "")


def _name(draft: Draft) -> str:
    return str(draft.document().get("driver", {}).get("name", ""))


def _steps(facts: Facts) -> Sequence[str]:
    steps = []
    if facts.cargo.is_superseded:
        steps.append("delete .cargo/config: cargo reads it instead of .cargo/config.toml")
    if facts.password:
        steps.append(f"put the password into the environment variable {facts.password}")
    return steps
