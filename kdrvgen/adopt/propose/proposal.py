"""The config.toml for the facts of a project, and what it changes."""

from __future__ import annotations

from dataclasses import dataclass

from kdrvgen.adopt.propose.build import propose_build
from kdrvgen.adopt.propose.callers import caller_findings
from kdrvgen.adopt.propose.cargo_config import propose_cargo_config
from kdrvgen.adopt.propose.comparison import compare
from kdrvgen.adopt.propose.draft import Draft
from kdrvgen.adopt.propose.driver import OWN_SCRIPT, propose_driver, propose_toolchain
from kdrvgen.adopt.propose.hazards import find_hazards
from kdrvgen.adopt.propose.linker import propose_linker
from kdrvgen.adopt.propose.package import propose_package
from kdrvgen.adopt.propose.profiles import propose_profiles
from kdrvgen.adopt.propose.service import installation_findings, propose_service
from kdrvgen.adopt.propose.signing import propose_signing
from kdrvgen.adopt.propose.tasks import propose_makefile
from kdrvgen.adopt.propose.validation import validate
from kdrvgen.adopt.propose.wdk import propose_wdk
from kdrvgen.adopt.read.facts import Facts
from kdrvgen.adopt.read.passwords import read_passwords
from kdrvgen.config import loads
from kdrvgen.model import Project
from kdrvgen.report.finding import Finding

__all__ = ["Proposal", "propose"]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A config.toml for a project.

    Attributes:
        draft: Its keys.
        project: What kdrvgen reads from it.
        findings: What the proposal changes, and the hazards of the project.
        steps: What the user must do before kdrvgen can generate the files.
        passwords: The project's passwords in plain text, which no message may contain.
    """

    draft: Draft
    project: Project
    findings: tuple[Finding, ...]
    steps: tuple[str, ...]
    passwords: frozenset[str]


def propose(facts: Facts) -> Proposal:
    """Propose a config.toml that reproduces a project.

    Raises:
        ConfigError: The project is not a driver that kdrvgen supports.
    """
    draft = Draft(has_schema=facts.snapshot.has_schema)
    passwords = read_passwords(facts.snapshot, facts.makefile, facts.pipeline)
    findings = [
        *propose_driver(draft, facts),
        *propose_toolchain(draft, facts),
        *propose_linker(draft, facts),
        *propose_wdk(draft, facts),
        *propose_profiles(draft, facts),
        *propose_signing(draft, facts.pipeline, facts.wdk),
        *propose_service(draft, facts.pipeline.service),
        *installation_findings(facts.pipeline.installation),
        *propose_package(draft, facts),
        *propose_cargo_config(draft, facts.cargo.document, passwords),
        *propose_makefile(draft, facts, passwords),
        *find_hazards(facts),
        *caller_findings(facts),
    ]
    propose_build(draft, facts)
    project, refused = validate(facts.snapshot, draft)
    draft.finish()
    if loads(draft.text()) != project:
        raise AssertionError("config.toml is not read back as the same project")
    findings += [*refused, *compare(project, facts)]
    return Proposal(draft, project, tuple(findings), tuple(_steps(facts)), passwords)


def _steps(facts: Facts) -> list[str]:
    steps = []
    if facts.script.own_steps:
        steps.append(
            f"rename {facts.manifest.script} to {OWN_SCRIPT}, write `pub fn main()` in it, and "
            "remove what finds the kit and links: the generated build.rs does that and calls it"
        )
    if facts.cargo.is_superseded:
        steps.append("delete .cargo/config: cargo reads it instead of .cargo/config.toml")
    if facts.pfx_variable:
        steps.append(f"set the environment variable {facts.pfx_variable} to the password")
    return steps
