"""Adopts a project: reads its files, proposes a config.toml and sorts the findings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from kdrvgen.adopt.parse.located import Origin
from kdrvgen.adopt.propose.proposal import propose
from kdrvgen.adopt.read.facts import read_facts
from kdrvgen.adopt.read.readable import check_readable
from kdrvgen.adopt.read.snapshot import Snapshot
from kdrvgen.credentials import MASK
from kdrvgen.model import Project
from kdrvgen.report.finding import Finding

__all__ = ["Adoption", "adopt"]

_MIN_LENGTH = 4  # a shorter password may be a part of any word
_WORD = re.compile(r"[a-z]+")
_QUOTED = re.compile(r"`[^`]*`")


@dataclass(frozen=True, slots=True)
class Adoption:
    """The result of adopting a project.

    Attributes:
        text: The proposed config.toml.
        annotated: The same, with a comment on each line that shows where it comes from.
        origins: Where the lines of `text` come from, by line number from 1.
        project: What kdrvgen reads from it.
        findings: What the user must know, in the order of files and lines. Their files are relative
            to the user's working folder.
        steps: What the user must do before kdrvgen can generate the files.
    """

    text: str
    annotated: str
    origins: Mapping[int, Origin]
    project: Project
    findings: tuple[Finding, ...]
    steps: tuple[str, ...]


def adopt(snapshot: Snapshot) -> Adoption:
    """Propose the config.toml that reproduces a project. Reads only the snapshot.

    Raises:
        ConfigError: A file of the project is not text or not valid TOML, or the project is not a
            driver that kdrvgen supports: cargo does not accept the name of the package, or no
            target can have drivers.
    """
    check_readable(snapshot)
    facts, findings = read_facts(snapshot)
    proposal = propose(facts)
    return Adoption(
        text=proposal.draft.text(),
        annotated=proposal.draft.text(with_origins=True),
        origins=proposal.draft.origins(),
        project=proposal.project,
        findings=tuple(
            _without_passwords(finding, proposal.passwords)
            for finding in _placed([*findings, *proposal.findings], snapshot)
        ),
        steps=proposal.steps,
    )


def _placed(findings: Iterable[Finding], snapshot: Snapshot) -> Iterator[Finding]:
    """Yield each finding once, in the order of files and lines, with its file as users see it.

    Those of files that only call the project come last.
    """
    callers = snapshot.callers.keys() - snapshot.files.keys()

    def order(finding: Finding) -> tuple[bool, str, tuple[int, int], str, str]:
        file, place = finding.file, finding.place
        where = place.order if place else (0, 0)
        return file in callers, file, where, finding.rule, finding.message

    for finding in sorted(dict.fromkeys(findings), key=order):
        yield finding.named(snapshot.name(finding.file))


def _without_passwords(finding: Finding, passwords: Iterable[str]) -> Finding:
    """Return a finding without the passwords in what it quotes."""
    message, advice = finding.message, finding.help
    for password in passwords:
        if len(password) >= _MIN_LENGTH and password in f"{message}\n{advice}":
            message = _masked(message, password)
            advice = _masked(advice, password)
    return finding._replace(message=message, help=advice)


def _masked(text: str, password: str) -> str:
    """Return a text of kdrvgen with a mask for a password of the project.

    A password that is a word, such as `password`, is only masked in what the text quotes: kdrvgen
    uses the same words, and a mask in their place would show which of them it is.
    """
    if not _WORD.fullmatch(password):
        return text.replace(password, MASK)
    return _QUOTED.sub(lambda quoted: quoted[0].replace(password, MASK), text)
