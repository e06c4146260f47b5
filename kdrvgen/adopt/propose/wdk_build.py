"""Microsoft's crate wdk-build: what it does for a project, by its versions and by its makefile."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from kdrvgen.adopt.parse.located import Origin, Said
from kdrvgen.adopt.read.findings import difference, note
from kdrvgen.report.finding import Finding

__all__ = ["WDK_TASKS", "build_findings", "makefile_finding", "without_static_runtime"]

WDK_TASKS: Mapping[str, str | None] = {
    "package-driver-flow": "sign",
    "package-driver": "sign",
    "sign-driver-binary": "sign",
    "sign-sys": "sign",
    "signtool-sign": "sign",
    "generate-driver-binary-file": "rename",
    "generate-sys-file": "rename",
    "copy-driver-binary-to-package": "rename",
    "copy-sys-to-package": "rename",
    "generate-certificate": "certificate",
    "copy-certificate-to-package": "certificate",
    "verify-signature-driver-binary": "verify",
    "verify-signature-sys": "verify",
    "signtool-verify": "verify",
    "copy-pdb-to-package": "build-driver",
    "copy-map-to-package": "build-driver",
    "wdk-build-init": None,
    "setup-wdk-config-env-vars": None,
    "copy-inx-to-output": None,
    "copy-inf-to-package": None,
    "stampinf": None,
    "infverif": None,
    "inf2cat": None,
    "sign-cat": None,
    "verify-signature-cat": None,
}
"""Tasks of rust-driver-makefile.toml, and the generated task that takes the place of each, if any.

Source: wdk-build 0.2.0 to 0.6.0, rust-driver-makefile.toml.
"""

# Since then its enumeration is `DriverConfig::Wdm` and so on, and `configure_binary_build` returns
# a result; the generated build.rs calls it so. Source: wdk-build 0.1.0 to 0.6.0, src/lib.rs.
_FIRST = (0, 3)
_REQUIREMENT = re.compile(r"\s*[\^~=]?\s*(\d{1,9})(?:\.(\d{1,9}))?[\w.*+-]*\s*", re.ASCII)


def build_findings(
    call: Origin, requirement: Said | None, in_metadata: Said | None, *, is_for_older: bool
) -> Iterator[Finding]:
    """Yield what there is to know of a build script that leaves all to wdk-build.

    Args:
        call: Where the build script calls it.
        requirement: The version that Cargo.toml asks for, empty if it is of a path or of git; None
            if the package does not ask for the crate.
        in_metadata: The driver model as Cargo.toml's metadata names it, if it does.
        is_for_older: Whether the build script itself names the driver model.
    """
    yield note(
        call,
        "wdk-build finds the kit and passes the linker's arguments, as before",
        '`preset = "none"` adds nothing; without that line /RELEASE comes on top',
    )
    if requirement is None:
        yield difference(
            call,
            "the generated build.rs calls wdk-build, for which this package does not ask",
            "write it under [build-dependencies], in the version that wdk-sys has it in",
        )
    elif _is_too_old(requirement.text):
        yield difference(
            requirement.origin,
            f"the generated build.rs does not compile with wdk-build {requirement.text}: before "
            "0.3 its `DriverConfig` and `configure_binary_build` are others",
            "ask for 0.3 or later, and for the versions of wdk-sys and wdk that belong to it",
        )
    if in_metadata is None or is_for_older:
        place = "the build script names the driver model" if is_for_older else "no driver model"
        yield difference(
            call,
            f"{place}, and from 0.3 on wdk-build reads it in Cargo.toml",
            'write `driver-type = "WDM"`, "KMDF" or "UMDF" under '
            "[package.metadata.wdk.driver-model], the frameworks' with their versions",
        )


def _is_too_old(requirement: str) -> bool:
    """Tell whether a requirement of cargo's takes only versions that are too old."""
    found = _REQUIREMENT.fullmatch(requirement)
    if found is None or not found[2]:  # `0` takes the newest below 1
        return False
    return (int(found[1]), int(found[2])) < _FIRST


def makefile_finding(makefile: Origin) -> Finding:
    """Return what becomes of the tasks of the makefile that comes with wdk-build."""
    return difference(
        makefile,
        "the tasks of wdk-build's makefile end with it",
        "`sign` comes for `package-driver-flow`, `certificate` for `generate-certificate`, "
        "`build-driver` for `build`, and what depends on them is told so; stampinf, infverif and "
        "inf2cat make INF and catalog, for which there is no generated task: make your own",
    )


def without_static_runtime(flags: tuple[Said, ...]) -> tuple[tuple[Said, ...], list[Finding]]:
    """Take out the static runtime, which generated flags have by themselves with wdk-build."""
    kept: list[Said] = []
    findings: list[Finding] = []
    for said in flags:
        before = kept[-1].text if kept else ""
        is_parted = before in {"-C", "--codegen"} and said.text == "target-feature=+crt-static"
        if is_parted:
            kept.pop()
        if is_parted or said.text == "-Ctarget-feature=+crt-static":
            told = '`wdk.locate = "wdk-build"` passes it'
            findings.append(note(said.origin, "wdk-build wants the static runtime", told))
        else:
            kept.append(said)
    return tuple(kept), findings
