"""Microsoft's crate wdk-build: its tasks, flags and versions, and what replaces them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from kdrvgen.adopt.parse.located import Located, Origin
from kdrvgen.adopt.read.findings import difference, equivalent
from kdrvgen.report.finding import Finding

__all__ = [
    "WDK_TASKS",
    "build_findings",
    "makefile_finding",
    "wdk_tasks",
    "without_static_runtime",
]

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
    "help": None,
    "wdk-build-init": None,
    "wdk-samples-setup": None,
    "setup-wdk-config-env-vars": None,
    "copy-inx-to-output": None,
    "copy-inf-to-package": None,
    "stampinf": None,
    "infverif": None,
    "inf2cat": None,
    "sign-cat": None,
    "verify-signature-cat": None,
}
"""Tasks of rust-driver-makefile.toml, each with the generated task that replaces it, if any.

Source: wdk-build 0.2.0 to 0.6.0, rust-driver-makefile.toml.
"""

_SETUP = ("help", "wdk-build-init", "wdk-samples-setup", "setup-wdk-config-env-vars")
_IN_PACKAGE = frozenset({"package-driver-flow", "package-driver"})


def wdk_tasks(*, has_package: bool) -> dict[str, str | None]:
    """Return `WDK_TASKS` for a project with or without a driver package."""
    return {
        name: "package" if has_package and (name in _IN_PACKAGE or task is None) else task
        for name, task in WDK_TASKS.items()
    } | dict.fromkeys(_SETUP)


# Since this version the enumeration is `DriverConfig::Wdm` and so on, and `configure_binary_build`
# returns a result, as the generated build.rs expects. Source: wdk-build 0.1.0 to 0.6.0, src/lib.rs.
_FIRST_VERSION = (0, 3)
_REQUIREMENT = re.compile(r"\s*[\^~=]?\s*(\d{1,9})(?:\.(\d{1,9}))?[\w.*+-]*\s*", re.ASCII)


def build_findings(
    call: Origin, requirement: Located | None, in_metadata: Located | None, *, is_in_script: bool
) -> Iterator[Finding]:
    """Yield the findings about a build script that calls wdk-build.

    Args:
        call: Where the build script calls it.
        requirement: The version in Cargo.toml, empty for a path or git dependency; None if the
            package does not depend on the crate.
        in_metadata: The driver model in the metadata of Cargo.toml.
        is_in_script: Whether the build script names the driver model.
    """
    yield equivalent(
        call,
        "wdk-build finds the kit and passes the linker arguments, as before",
        '`preset = "none"` adds none; without that line, the linker also gets /RELEASE',
    )
    if requirement is None:
        yield difference(
            call,
            "the generated build.rs calls wdk-build, and this package does not depend on it",
            "add it under [build-dependencies], in the version that wdk-sys depends on",
        )
    elif _is_too_old(requirement.text):
        yield difference(
            requirement.origin,
            f"the generated build.rs does not compile with wdk-build {requirement.text}: its "
            "`DriverConfig` and `configure_binary_build` changed in 0.3",
            "require 0.3 or later, and the versions of wdk-sys and wdk that belong to it",
        )
    if in_metadata is None or is_in_script:
        what = (
            "the build script names the driver model, but"
            if is_in_script
            else "the project names no driver model, and"
        )
        yield difference(
            call,
            f"{what} wdk-build 0.3 and later read it from Cargo.toml",
            'write `driver-type = "WDM"`, "KMDF" or "UMDF" under '
            "[package.metadata.wdk.driver-model]; KMDF and UMDF also need their versions",
        )


def _is_too_old(requirement: str) -> bool:
    """Return whether a version requirement of cargo allows only versions that are too old."""
    match = _REQUIREMENT.fullmatch(requirement)
    if match is None or not match[2]:  # `0` allows the newest version below 1
        return False
    return (int(match[1]), int(match[2])) < _FIRST_VERSION


def makefile_finding(makefile: Origin, *, has_package: bool) -> Finding:
    """Return the finding about the tasks of wdk-build's makefile."""
    if has_package:
        return difference(
            makefile,
            "the generated Makefile.toml does not load wdk-build's makefile, in which `cargo make` "
            "makes the driver package",
            "run `cargo make package`; it also replaces `package-driver-flow`, stampinf, infverif "
            "and inf2cat, and `certificate` replaces `generate-certificate`",
        )
    return difference(
        makefile,
        "the generated Makefile.toml does not load wdk-build's makefile",
        "`sign` replaces `package-driver-flow`, `certificate` replaces `generate-certificate`, "
        "`build-driver` replaces `build`, also in the dependencies of your tasks; with "
        "`package.inx`, `package` replaces stampinf, infverif and inf2cat",
    )


def without_static_runtime(
    flags: tuple[Located, ...],
) -> tuple[tuple[Located, ...], list[Finding]]:
    """Remove the flag for the static runtime, which the generated flags contain for wdk-build."""
    kept: list[Located] = []
    findings: list[Finding] = []
    for flag in flags:
        option = kept[-1].text if kept else ""
        is_value = option in {"-C", "--codegen"} and flag.text == "target-feature=+crt-static"
        if is_value:
            kept.pop()
        if is_value or flag.text == "-Ctarget-feature=+crt-static":
            remedy = '`wdk.locate = "wdk-build"` passes it'
            findings.append(
                equivalent(flag.origin, "wdk-build requires the static runtime", remedy)
            )
        else:
            kept.append(flag)
    return tuple(kept), findings
