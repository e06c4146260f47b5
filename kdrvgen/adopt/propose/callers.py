"""What CI files and scripts of the repository do with the driver, besides calling cargo-make."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence

from kdrvgen.adopt.parse.located import Origin
from kdrvgen.adopt.propose.references import output_folder
from kdrvgen.adopt.read.callers import is_prose
from kdrvgen.adopt.read.facts import Facts
from kdrvgen.adopt.read.findings import difference, unknown
from kdrvgen.report.finding import Finding

__all__ = ["caller_findings"]

_SIGNS = re.compile(r"signtool(?:\.exe)?[\"'}]?[ \t]+sign\b", re.IGNORECASE)
_OF_CARGO = re.compile(r"(?<![\w-])(?:target|debug|release)(?![\w-])", re.IGNORECASE)
_COMMENT = re.compile(r"\s*(?:#|::|//|rem\b)", re.IGNORECASE)
_MAX_LENGTH = 100_000


def caller_findings(facts: Facts) -> Iterator[Finding]:
    """Yield what no task runs: a use of the driver where it is no longer made, and signing."""
    read = {step.origin.file for steps in facts.pipeline.steps.values() for step in steps}
    read |= facts.pipeline.steps.keys()
    for path, text in facts.snapshot.callers.items():
        if path in read or is_prose(path) or len(text) > _MAX_LENGTH:
            continue
        lines = [
            (number, line)
            for number, line in enumerate(text.split("\n"), 1)
            if not _COMMENT.match(line)
        ]
        yield from _moved(facts, path, lines)
        if facts.pipeline.profiles[0].signature is None:
            yield from _signed(path, lines)


def _moved(facts: Facts, path: str, lines: Sequence[tuple[int, str]]) -> Iterator[Finding]:
    """Yield the first use of the image, and of its package, where the project made it."""
    library = facts.manifest.library.text
    image = facts.pipeline.profiles[0].image
    names = {f"{library}.sys", *([posixpath.basename(image.text)] if image else ())}
    driver = facts.manifest.name.text if facts.manifest.name else ""
    folder = f"{facts.cargo.target_folder}/driver/{driver}/TRIPLE/PROFILE"
    uses = []
    if not output_folder(facts):
        of_cargo = [each for each in lines if _OF_CARGO.search(each[1])]
        uses.append(("image", folder, _first(names, of_cargo)))
    if facts.wdk:
        uses.append(("driver package", f"{folder}/package", _first({f"{library}_package"}, lines)))
    for what, new, line in uses:
        if line:
            yield difference(
                Origin(path, line),
                f"this uses the {what} where it is no longer made",
                f"the generated pipeline makes it in {new}, or below `driver.output-dir`",
            )


def _first(names: Iterable[str], lines: Iterable[tuple[int, str]]) -> int:
    """Return the number of the first line that names one of the files; 0 if none does."""
    pattern = "|".join(map(re.escape, sorted(names)))
    name = re.compile(rf"(?<![\w.-])(?:{pattern})(?![\w.-])", re.IGNORECASE)
    return next((number for number, line in lines if name.search(line)), 0)


def _signed(path: str, lines: Iterable[tuple[int, str]]) -> Iterator[Finding]:
    """Yield the first call of signtool that signs."""
    for number, line in lines:
        if _SIGNS.search(line):
            yield unknown(
                Origin(path, number),
                "this calls signtool, and kdrvgen does not see whether it signs the driver",
                "if it does, set `[signing]`: the generated pipeline then signs the driver",
            )
            return
