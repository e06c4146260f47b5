"""Rules between the keys of `[package]`, and with those of other tables."""

from __future__ import annotations

from collections.abc import Iterator

from kdrvgen.model.base import to_kebab
from kdrvgen.model.device_classes import CLASS_GUIDS, FILTER_GROUPS, RESERVED_CLASSES
from kdrvgen.model.driver import Driver
from kdrvgen.model.package import MACHINES, Package
from kdrvgen.model.problems import Problem
from kdrvgen.model.wdk import Wdk
from kdrvgen.model.windows_versions import WINDOWS
from kdrvgen.spelling import nearest

__all__ = ["CLASS_BY_NAME", "framework_rules", "package_rules"]

CLASS_BY_NAME = {name.lower(): name for name in CLASS_GUIDS}
"""The classes that kdrvgen knows by their names in lower case."""

_KIND = ("package", "kind")
_OF_MINIFILTERS = ("altitude", "load_order_group")
# The keys that an own INF does not need.
_OF_OWN_INF = frozenset(
    {"inx", "tool", "operating_systems", "version", "date", "extra_files", "submission"}
)
_OLDEST = {
    "primitive": (18362, "Windows installs a package without a device from version 1903"),
    "umdf": (22000, "a package can include `wudfrd.inf` from Windows 11"),
}
# The first Windows with each minor version of KMDF 1 and UMDF 2; of UMDF 2 from 13 on. Microsoft
# Learn, "KMDF Version History" and "UMDF Version History".
_FRAMEWORKS = {
    9: 7600,
    11: 9200,
    13: 9600,
    15: 10240,
    17: 10586,
    19: 14393,
    21: 15063,
    23: 16299,
    25: 17134,
    27: 17763,
    29: 18362,
    31: 19041,
    33: 20348,
}
_WINDOWS_11 = 22000
_FIRST_ARM64 = 16299
_HIGHEST = 0.999


def package_rules(driver: Driver, package: Package) -> Iterator[Problem]:
    """Yield the broken rules of `[package]`."""
    if package.tool == "wdk" and package.inx is None:
        yield Problem(
            ("package", "tool"),
            "the tools of the kit need an INF of your own, because kdrvgen does not write one for "
            "them",
            hint='add `inx = "driver.inx"`, or set `tool = "kdrvgen"`',
            also=(("package", "inx"),),
        )
    elif package.inx:
        yield from _own_inf_has_all(package)
    elif package.kind is None:
        yield from _needs_a_kind(package)
    else:
        yield from _generated(driver, package)
    yield from _files_have_names_of_their_own(driver, package)
    yield from _systems_fit(driver, package)


def _changed(package: Package) -> set[str]:
    """Return the fields that do not have their default."""
    return {
        name
        for name, field in type(package).model_fields.items()
        if getattr(package, name) != field.default
    }


def _own_inf_has_all(package: Package) -> Iterator[Problem]:
    for field in sorted(_changed(package) - _OF_OWN_INF):
        yield Problem(
            ("package", to_kebab(field)),
            "the INF is your own, so kdrvgen does not write this key into it",
            hint="write it into the INF, or remove `inx`",
            also=(("package", "inx"),),
        )


def _needs_a_kind(package: Package) -> Iterator[Problem]:
    for field in sorted(_changed(package)):
        yield Problem(
            ("package", to_kebab(field)),
            "this key needs `kind`, the kind of the package",
            hint='add `kind = "device"`, "primitive", "minifilter" or "umdf"; or `inx`',
            also=(_KIND,),
        )
        return


def _generated(driver: Driver, package: Package) -> Iterator[Problem]:
    kind = package.kind or ""
    if package.provider is None:
        yield Problem(
            _KIND,
            "the package has no `provider`",
            hint='add `provider = "Your organization"`',
            also=(("package", "provider"),),
        )
    yield from _model_fits(driver, package)
    if package.hardware_ids and kind in {"primitive", "minifilter"}:
        yield Problem(
            ("package", "hardware-ids"),
            f'a package with `kind = "{kind}"` is not for a device',
            hint='remove the key, or set `kind = "device"`',
            also=(_KIND,),
        )
    yield from _filter(package)
    yield from _class(package)
    oldest, why = _OLDEST.get(kind, (0, ""))
    if package.oldest_build < oldest:
        yield Problem(
            ("package", "minimum-build"),
            f"{why}, build {oldest}",
            hint=f"set `minimum-build = {oldest}`, or remove the key",
            also=(_KIND,),
        )
    yield from _targets_exist(driver, package)


def _model_fits(driver: Driver, package: Package) -> Iterator[Problem]:
    needed = {"umdf": ("umdf",), "device": ("wdm", "kmdf")}.get(package.kind or "", ("wdm",))
    if driver.model not in needed:
        model = {"umdf": 'kind = "umdf"'}.get(driver.model, 'kind = "device"')
        yield Problem(
            _KIND,
            f"a {driver.model.upper()} driver cannot be a package of this kind",
            hint=f"set `{model}`, or change `driver.model`",
            also=(("driver", "model"),),
        )


def _filter(package: Package) -> Iterator[Problem]:
    is_filter = package.kind == "minifilter"
    for field in _OF_MINIFILTERS:
        given = getattr(package, field) is not None
        key = ("package", to_kebab(field))
        if is_filter and not given:
            message = f"a minifilter needs `{to_kebab(field)}`"
            example = {"altitude": "370030", "load_order_group": "FSFilter Activity Monitor"}
            hint = f'add `{to_kebab(field)} = "{example[field]}"`'
            yield Problem(_KIND, message, hint=hint, also=(key,))
        elif given and not is_filter:
            message = "only a minifilter has this key"
            hint = 'remove the key, or set `kind = "minifilter"`'
            yield Problem(key, message, hint=hint, also=(_KIND,))
    name = package.load_order_group
    if not is_filter or name is None:
        return
    path = ("package", "load-order-group")
    group = FILTER_GROUPS.get(name)
    if group is None:
        near = nearest(name, list(FILTER_GROUPS))
        hint = f"did you mean `{near}`?" if near else "use a name such as `FSFilter Encryption`"
        yield Problem(path, f"`{name}` is not a load order group of minifilters", hint=hint)
    elif package.altitude is not None:
        number = float(package.altitude)
        if not group.lowest <= number <= group.highest + _HIGHEST:
            yield Problem(
                ("package", "altitude"),
                f"{package.altitude} is not an altitude of `{name}`",
                hint=f"the group has the altitudes {group.lowest} to {group.highest}",
                also=(path,),
            )


def _class(package: Package) -> Iterator[Problem]:
    path = ("package", "device-class")
    name = package.device_class
    guid = ("package", "class-guid")
    if name is None:
        group = FILTER_GROUPS.get(package.load_order_group or "")
        if package.class_guid is not None:
            yield Problem(guid, "the class has no name", hint="add `device-class`", also=(path,))
        elif package.kind == "minifilter" and group and not group.device_class:
            message = f"`{package.load_order_group}` has no class of its own"
            hint = "add `device-class` and `class-guid`"
            yield Problem(_KIND, message, hint=hint, also=(path,))
        return
    if name.lower() in RESERVED_CLASSES:
        yield Problem(path, f"only Microsoft can use the class `{name}`", hint="use `System`")
        return
    known = CLASS_BY_NAME.get(name.lower())
    if known is None and package.class_guid is None:
        near = nearest(name, list(CLASS_GUIDS))
        hint = f"did you mean `{near}`? " if near else ""
        message = f"kdrvgen does not know the class `{name}`"
        yield Problem(path, message, hint=f"{hint}Otherwise add `class-guid`".strip(), also=(guid,))
    elif known and package.class_guid not in {None, CLASS_GUIDS[known]}:
        yield Problem(
            guid,
            f"this is not the GUID of the class `{known}`",
            hint=f"remove the key, or write `{CLASS_GUIDS[known]}`",
            also=(path,),
        )


def _targets_exist(driver: Driver, package: Package) -> Iterator[Problem]:
    targets = ("driver", "targets" if driver.target is None else "target")
    path = ("package", "minimum-build")
    for triple in driver.triples:
        machine = MACHINES[triple]
        if machine == "x86" and package.oldest_build >= _WINDOWS_11:
            message = "there is no Windows 11 for x86, so the package would install nowhere"
            hint = "remove the target i686-pc-windows-msvc, or use an older build"
            yield Problem(path, message, hint=hint, also=(targets, _KIND))
        elif machine == "arm64" and package.oldest_build < _FIRST_ARM64:
            message = f"Windows on ARM64 begins with build {_FIRST_ARM64}"
            hint = f"set `minimum-build = {_FIRST_ARM64}` or a newer one"
            yield Problem(path, message, hint=hint, also=(targets,))


def framework_rules(driver: Driver, package: Package, wdk: Wdk) -> Iterator[Problem]:
    """Yield a problem if a package installs on a Windows without the framework in its INF."""
    is_known = package.kind is not None and not wdk.is_wdk_builds  # which reads Cargo.toml
    version = wdk.framework_for(driver.model) if is_known else ""
    first = _FRAMEWORKS.get(int(version.split(".")[1]), 0) if version else 0
    if package.oldest_build < first:
        name = f"{driver.model.upper()} {version.removesuffix('.0')}"
        yield Problem(
            ("package", "minimum-build"),
            f"Windows has {name} from build {first}, and the package installs from build "
            f"{package.oldest_build}",
            hint=f"set `minimum-build = {first}`, or use an older `wdk.framework-version`",
            also=(("wdk", "framework-version"),),
        )


def _files_have_names_of_their_own(driver: Driver, package: Package) -> Iterator[Problem]:
    endings = ("inf", "cat", "cer", "map", "pdb", driver.image.rpartition(".")[2])
    taken = {f"{driver.stem}.{ending}".lower(): "a file of the package" for ending in endings}
    for index, path in enumerate(package.extra_files):
        name = path.rpartition("/")[2].lower()
        if name in taken:
            message = f"`{name}` is also the name of {taken[name]}"
            yield Problem(("package", "extra-files", index), message, hint="rename one of them")
        taken.setdefault(name, "another file")


def _systems_fit(driver: Driver, package: Package) -> Iterator[Problem]:
    machines = {MACHINES[triple] for triple in driver.triples}
    targets = ("driver", "targets" if driver.target is None else "target")
    for index, name in enumerate(package.operating_systems):
        version = WINDOWS[name.lower()]
        if version.machine not in machines:
            yield Problem(
                ("package", "operating-systems", index),
                f"`{name}` is for {version.machine}, and the driver has no such target",
                hint="remove it, or add the target",
                also=(targets,),
            )
