"""`[package]`: the INF that the project stamps, its version and date, and the files beside it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Iterable, Iterator

from kdrvgen.adopt.parse.located import Located, Origin
from kdrvgen.adopt.parse.variables import variable_names
from kdrvgen.adopt.propose.draft import Draft
from kdrvgen.adopt.propose.signing_keys import sign_keys
from kdrvgen.adopt.read.facts import Facts
from kdrvgen.adopt.read.findings import difference, equivalent
from kdrvgen.adopt.read.package import Package, ToolUse
from kdrvgen.model.package import MACHINES
from kdrvgen.report.finding import Finding

__all__ = ["propose_package"]

_NUMBERS = re.compile(r"\d{1,5}(\.\d{1,5}){0,3}", re.ASCII)
_DATE = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})", re.ASCII)
_VARIABLE = re.compile(r"[%$]")
_CRATE_VERSION = frozenset({"CARGO_MAKE_CRATE_VERSION", "CARGO_MAKE_PROJECT_VERSION"})
# Switches that `[package]` has a key for, or that change only what a tool prints.
# Source: Learn, "Stampinf Command Options", "Inf2Cat" and "InfVerif".
_OF_STAMPINF = frozenset({"f", "d", "a", "c", "v", "k", "u", "n"})
_OF_INF2CAT = frozenset({"driver", "drv", "os", "verbose", "v", "uselocaltime"})
_OF_INFVERIF = frozenset({"v", "w", "u", "k", "h", "l", "info", "stampinf"})


def propose_package(draft: Draft, facts: Facts) -> Iterator[Finding]:
    """Set `[package]`, if tasks stamp an INF of the project, or make a catalog of one."""
    package = facts.pipeline.package
    if package is None:
        return
    draft.set_text(("package", "inx"), package.inx)
    names = dict.fromkeys(
        Located(name, use.origin)
        for use in package.catalogs
        for name in use.call.value("os").split(",")
        if name
    )
    systems = [each for each in names if not _VARIABLE.search(each.text)]
    draft.set_array(("package", "operating-systems"), systems)
    for name in names:
        if name not in systems:
            yield difference(
                name.origin,
                f"inf2cat gets `/os:{name.text}`, and only a run shows its value",
                "set `package.operating-systems`",
            )
    draft.set_array(("package", "extra-files"), package.extra_files)
    yield equivalent(
        package.inx.origin,
        f"the project makes a driver package from {package.inx.text}",
        "the task `package` signs the image, stamps and checks the INF, and makes and signs the "
        'catalog, with kdrvgen on every host; `package.tool = "wdk"` uses stampinf and inf2cat',
    )
    yield from _stamp(draft, facts, package)
    yield from _names(draft, facts.manifest.library.text, package)
    yield from _signature(facts, package)
    yield from _others(package.catalogs, "inf2cat", _OF_INF2CAT)
    yield from _others(package.checks, "infverif", _OF_INFVERIF)
    for profile in package.other_profiles:
        yield difference(
            profile.origin,
            f"the profile `{profile.text}` makes the package with other arguments than development",
            "`[package]` has those of development for all profiles",
        )
    for steps in facts.pipeline.steps.values():
        for step in steps:
            if step.words[:1] == ("makecab",):
                yield difference(
                    step.origin,
                    "makecab packs files from the folder in which the project makes the package",
                    "read them from DRIVER_PACKAGE; for Partner Center, `kdrvgen submission` makes "
                    "the cabinet",
                )


def _stamp(draft: Draft, facts: Facts, package: Package) -> Iterator[Finding]:
    """Set what stampinf gets."""
    if package.stamp is None:
        if facts.wdk is None:
            yield difference(
                package.inx.origin,
                "no task stamps the INF, so its DriverVer is as the file has it",
                "`kdrvgen package` writes version and date into the copy in the package: set "
                "`package.version` and `package.date` to keep those of the file",
            )
        return
    call, origin = package.stamp
    yield from _version(draft, call.value("v"), origin)
    if date := call.value("d"):
        yield from _date(draft, date, origin)
    if machine := call.value("a").lower():
        yield from _architecture(facts, machine, origin)
    if framework := call.value("k"):
        yield from _framework(draft, facts, Located(framework, origin))
    yield from _others([package.stamp], "stampinf", _OF_STAMPINF)


def _version(draft: Draft, version: str, origin: Origin) -> Iterator[Finding]:
    bare = re.sub(r"(\.0)*$", "", version)
    if _NUMBERS.fullmatch(version):
        numbers = [*version.split("."), "0", "0", "0"][:4]
        draft.set(("package", "version"), ".".join(numbers), origin)
    elif not (variable_names(bare) and variable_names(bare) <= _CRATE_VERSION):
        reason = "from the time of the build" if version in {"", "*"} else f"as `{version}`"
        yield difference(
            origin,
            f"stampinf gets the version of the INF {reason}",
            "the package has the version of Cargo.toml with a fourth number 0, or "
            "`package.version`: raise it for each release",
        )


def _date(draft: Draft, date: str, origin: Origin) -> Iterator[Finding]:
    found = _DATE.fullmatch(date)
    if found:
        try:
            day = dt.date(int(found[3]), int(found[1]), int(found[2]))
        except ValueError:
            found = None
        else:
            draft.set(("package", "date"), day.isoformat(), origin)
    if not found and date != "*":
        message = f"stampinf gets the date `{date}`"
        yield difference(origin, message, "the package has the current date, or `package.date`")


def _architecture(facts: Facts, machine: str, origin: Origin) -> Iterator[Finding]:
    triples = [each.text for each in facts.triples] or [next(iter(MACHINES))]
    known = {MACHINES[triple] for triple in triples if triple in MACHINES}
    if machine not in known and not re.search(r"[%$]", machine):
        message = f"stampinf gets the architecture `{machine}`, which is not that of a target"
        remedy = f"the package is for {', '.join(sorted(known))}: set `driver.targets`"
        yield difference(origin, message, remedy)


def _framework(draft: Draft, facts: Facts, version: Located) -> Iterator[Finding]:
    if facts.model and facts.model.text == "kmdf":
        path = ("wdk", "framework-version")
        known = draft.entries.get(path)
        if known is None or known.value == version.text:
            draft.set_text(path, version)
            return
    yield difference(
        version.origin,
        f"stampinf gets the version {version.text} of KMDF, and the driver is built for another or "
        "none",
        'the INF has that of `wdk.framework-version`, with `driver.model = "kmdf"`',
    )


def _names(draft: Draft, library: str, package: Package) -> Iterator[Finding]:
    """Yield what is named otherwise in the generated package."""
    stem = str(draft.document()["driver"].get("output-name", library))
    if package.inf.lower() != f"{stem}.inf".lower() and not re.search(r"[%$]", package.inf):
        message = f"the INF of the package is named {package.inf}"
        yield difference(package.inx.origin, message, f"the generated one is {stem}.inf")
    catalog = package.stamp.call.value("c") if package.stamp else ""
    if package.stamp and catalog.lower() not in {"", f"{stem}.cat".lower()}:
        message = f"the catalog is named {catalog}"
        remedy = f"the generated one is {stem}.cat, also in the INF"
        yield difference(package.stamp.origin, message, remedy)


def _signature(facts: Facts, package: Package) -> Iterator[Finding]:
    """Yield how the catalog is signed otherwise than the image."""
    image = facts.pipeline.profiles[0].signature
    if package.signature is None:
        if package.catalogs and facts.wdk is None:
            message = "no task signs the catalog, and the generated `package` does"
            yield difference(package.catalogs[0].origin, message)
        return
    command, origin = package.signature
    if image is None or image.origin == origin:
        if image and image.command is command:
            message = "the project signs the catalog, but not the image"
            remedy = "the generated pipeline signs both, with the same certificate"
            yield difference(origin, message, remedy)
        return
    keys, others = sign_keys(command), sign_keys(image.command)
    differing = [name for name in {**others, **keys} if keys.get(name) != others.get(name)]
    if differing:
        listed = ", ".join(f"`signing.{name}`" for name in differing)
        yield difference(
            origin,
            f"the catalog is signed otherwise than the image: {listed}",
            "the generated pipeline signs both as the image",
        )


def _others(uses: Iterable[ToolUse], tool: str, known: Collection[str]) -> Iterator[Finding]:
    """Yield the switches of a tool that `[package]` has no key for."""
    for use in uses:
        rest = dict.fromkeys(name for name, _ in use.call.switches if name not in known)
        if rest:
            listed = ", ".join(f"`/{name}`" for name in rest)
            message = f"`[package]` has no key for {listed} of {tool}"
            yield difference(use.origin, message, "the generated package is made without")
