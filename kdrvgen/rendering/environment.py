"""The variables of Makefile.toml for the pipeline program, whose names begin with DRIVER_.

Values are in cargo-make's syntax: `${NAME}` is a variable, and the user's text is escaped.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from kdrvgen.model import Project, Signing
from kdrvgen.model.tasks import Packing, packing_of
from kdrvgen.rendering.flags import TargetPlan, is_without_sse
from kdrvgen.rendering.quoting import literal

__all__ = ["Environment", "certificate_id", "environment"]

_PROJECT = "${CARGO_MAKE_WORKING_DIRECTORY}"


class Environment(NamedTuple):
    """The variables of Makefile.toml, in their order.

    Attributes:
        identity: The identity of the project.
        target_dir: The value of DRIVER_TARGET_DIR without CARGO_TARGET_DIR.
        places: The folders of outputs, which are below the target directory.
        shared: The values that all profiles share.
        own: The values of each profile that are not shared.
    """

    identity: Mapping[str, str]
    target_dir: str
    places: Mapping[str, str]
    shared: Mapping[str, str]
    own: Mapping[str, Mapping[str, str]]


def environment(project: Project, targets: Sequence[TargetPlan]) -> Environment:
    """Return the variables that Makefile.toml sets for the program."""
    profiles = {name: _of_profile(project, name, targets) for name in project.profiles}
    if len({each["DRIVER_CARGO_ARGS"] for each in profiles.values()}) == 1:
        # These are in the cargo command of Makefile.toml.
        for each in profiles.values():
            del each["DRIVER_CARGO_ARGS"]
    names = dict.fromkeys(name for each in profiles.values() for name in each)
    settings = {
        profile: {
            **{name: value for name, value in env.items() if value},
            # The program reads these as empty, whatever the caller's environment sets. This is one
            # line in Makefile.toml instead of one for each variable.
            "DRIVER_UNSET": " ".join(name for name in names if not env.get(name)),
        }
        for profile, env in profiles.items()
    }
    common = _shared(list(settings.values()))
    certificate = {name: value for name, value in common.items() if name == "DRIVER_CERTIFICATE"}
    return Environment(
        identity=_identity(project),
        target_dir="/".join(filter(None, (_PROJECT, project.driver.workspace_root, "target"))),
        places={**_places(project), **certificate},
        shared={name: value for name, value in common.items() if name not in certificate},
        own={
            profile: {name: value for name, value in env.items() if name not in common}
            for profile, env in settings.items()
        },
    )


def _identity(project: Project) -> dict[str, str]:
    driver = project.driver
    read_from = project.read_from
    return {
        "DRIVER_TRIPLES": " ".join(driver.triples),
        "DRIVER_PROFILES": " ".join(project.profiles),
        **(
            {"DRIVER_CONFIG": literal(read_from.name), "DRIVER_CONFIG_DIGEST": read_from.digest}
            if read_from
            else {}
        ),
        "DRIVER_SUPPORT": "/".join(filter(None, (driver.workspace_root, ".kdrvgen"))),
        "DRIVER_CARGO_CONFIG": project.toolchain.cargo_config,
        "DRIVER_NAME": driver.name,
        "DRIVER_MODEL": driver.model,
        "DRIVER_ENTRY_POINT": driver.entry,
        "DRIVER_IMAGE": literal(driver.image),
        **_of_package(project),
        **(
            {}
            if driver.model == "umdf"
            else {
                "DRIVER_SERVICE": literal(project.deploy.service or driver.name),
                "DRIVER_START_TYPE": project.deploy.start_type,
            }
        ),
    }


def _of_package(project: Project) -> dict[str, str]:
    """Return the variables for the driver package; none without one."""
    package = project.package
    if not package.is_described:
        return {}
    texts = {
        "DRIVER_PACKAGE_TOOL": package.tool,
        "DRIVER_INX": package.inx or "",
        "DRIVER_PACKAGE_FILES": "\t".join(package.extra_files),
    }
    if package.tool == "kdrvgen":  # it reads the configuration itself
        return _literals({name: text for name, text in texts.items() if text})
    texts |= {
        "DRIVER_PACKAGE_VERSION": package.version or "",
        "DRIVER_PACKAGE_DATE": package.date or "",
        **_framework(project),
    }
    for triple in project.driver.triples:
        name = f"DRIVER_PACKAGE_OS_{triple.partition('-')[0].upper()}"
        texts[name] = ",".join(package.systems_for(triple))
    return _literals(texts)


def _framework(project: Project) -> dict[str, str]:
    model, wdk = project.driver.model, project.wdk
    if model == "wdm":
        return {"DRIVER_FRAMEWORK_VERSION": ""}
    if wdk.is_wdk_builds:  # it reads Cargo.toml
        return {"DRIVER_FRAMEWORK_VERSION": "wdk-build"}
    found = {"DRIVER_FRAMEWORK_VERSION": wdk.framework_for(model)}
    return found if wdk.framework_version else {**found, "DRIVER_FRAMEWORK_ASSUMED": "yes"}


def _places(project: Project) -> dict[str, str]:
    driver, packing = project.driver, packing_of(project.package)
    folder = literal(driver.output_pattern).replace("{target}", "${DRIVER_TRIPLE}")
    folder = folder.replace("{profile}", "${CARGO_MAKE_PROFILE}")
    below = f"{driver.name}/${{DRIVER_TRIPLE}}/${{CARGO_MAKE_PROFILE}}"
    return {
        "DRIVER_OUTPUT": f"{_PROJECT if driver.output_dir else '${DRIVER_TARGET_DIR}'}/{folder}",
        "DRIVER_STATE": f"${{DRIVER_TARGET_DIR}}/kdrvgen/state/{below}",
        "DRIVER_PATH": f"${{DRIVER_OUTPUT}}/{literal(driver.image)}",
        "DRIVER_PDB": f"${{DRIVER_OUTPUT}}/{literal(driver.stem)}.pdb",
        **({"DRIVER_PACKAGE": "${DRIVER_OUTPUT}/package"} if packing >= Packing.PACKAGE else {}),
        **(
            {"DRIVER_SUBMISSION": "${DRIVER_OUTPUT}/submission"}
            if packing >= Packing.SUBMISSION
            else {}
        ),
    }


def _of_profile(project: Project, name: str, targets: Sequence[TargetPlan]) -> dict[str, str]:
    signing = project.signing_for(name)
    linker = project.linker_for(name)
    flags = {
        f"DRIVER_RUSTFLAGS_{each.architecture.upper()}": "\t".join(each.extra_flags[name])
        for each in targets
    }
    return {
        "DRIVER_NEEDS_WINDOWS": "yes" if project.wdk.is_wdk_builds else "",
        "DRIVER_CARGO_ARGS": literal("\t".join(project.build_for(name).arguments)),
        "DRIVER_LINKER": literal(linker.program),
        **_without_sse(project, name),
        "DRIVER_REPRODUCIBLE": "yes" if linker.reproducible else "",
        **_literals(flags),
        **_of_signing(signing),
        "DRIVER_CERTIFICATE": f"{_PROJECT}/{literal(signing.certificate_file)}"
        if signing.certificate_file
        else f"${{DRIVER_OUTPUT}}/{literal(project.driver.stem)}.cer",
    }


def _without_sse(project: Project, name: str) -> dict[str, str]:
    """Return the variable for link-time optimisation on x86, if the project has that target."""
    is_needed = any(is_without_sse(project, name, triple) for triple in project.driver.triples)
    if not is_needed or project.toolchain.build_std:
        return {}
    return {"DRIVER_WITHOUT_SSE": "yes"}


def _of_signing(signing: Signing) -> dict[str, str]:
    """Return the variables that the signing mode uses, including empty ones."""
    if signing.mode == "off":
        return {"DRIVER_SIGNING": signing.mode}
    texts = {
        "DRIVER_SIGNING": signing.mode,
        "DRIVER_SIGNING_TOOL": signing.tool,
        "DRIVER_SIGNTOOL": signing.signtool,
        "DRIVER_DIGEST": signing.digest,
        "DRIVER_PAGE_HASHES": "yes" if signing.page_hashes else "",
        "DRIVER_TIMESTAMP_SERVER": signing.timestamp_server,
        "DRIVER_TIMESTAMP_PROTOCOL": signing.timestamp_protocol,
        "DRIVER_ADDITIONAL_CERTIFICATES": "\t".join(signing.additional_certificates),
        "DRIVER_CERTIFICATE_STORE": signing.store,
        "DRIVER_MACHINE_STORE": "yes" if signing.machine_store else "",
        "DRIVER_CERTIFICATE_SUBJECT": signing.subject,
    }
    if signing.mode == "test":
        texts["DRIVER_CERTIFICATE_DAYS"] = str(signing.validity_days)
        texts["DRIVER_CERTIFICATE_ID"] = certificate_id(signing)
        return _literals(texts)
    return _literals(
        {
            **texts,
            "DRIVER_CERTIFICATE_THUMBPRINT": signing.thumbprint,
            "DRIVER_PFX": signing.pfx,
            "DRIVER_PFX_PASSWORD_ENV": signing.pfx_password_env,
            "DRIVER_PUBLIC_CERTIFICATE": signing.public_certificate,
            "DRIVER_CSP": signing.csp,
            "DRIVER_KEY_CONTAINER": signing.key_container,
            "DRIVER_KEY_CONTAINER_ENV": signing.key_container_env,
            "DRIVER_DLIB": signing.dlib,
            "DRIVER_DMDF": signing.dmdf,
        }
    )


def _literals(texts: Mapping[str, str]) -> dict[str, str]:
    return {name: literal(text) for name, text in texts.items()}


def certificate_id(signing: Signing) -> str:
    """Return a file name for the test certificate of (store, subject) that is valid everywhere."""
    scope = "machine" if signing.machine_store else "user"
    digest = hashlib.sha256(f"{scope}\0{signing.store}\0{signing.subject}".encode()).hexdigest()
    readable = "".join(
        character if character.isascii() and character.isalnum() else "-"
        for character in signing.subject
    )
    return f"{readable[:32].strip('-').lower() or 'certificate'}-{digest[:12]}"


def _shared(profiles: Sequence[Mapping[str, str]]) -> dict[str, str]:
    first, *others = profiles
    return {
        name: value
        for name, value in first.items()
        if all(other.get(name) == value for other in others)
    }
