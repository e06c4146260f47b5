"""The INF that kdrvgen writes for `[package]` of config.toml."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator

from kdrvgen.model import Project
from kdrvgen.model.device_classes import CLASS_GUIDS, FILTER_GROUPS
from kdrvgen.model.driver import Target
from kdrvgen.model.package import MACHINES, Package
from kdrvgen.model.package_rules import CLASS_BY_NAME

__all__ = ["framework_version", "inf_text"]

_STORE_BUILD = 16299
_INSTANCES_BUILD = 25952  # from here, a minifilter's instances are below Parameters
_OLD_DECORATIONS = ((10240, "10.0"), (9600, "6.3"), (9200, "6.2"), (7600, "6.1"))
_START_TYPES = {
    "boot": "0 ; SERVICE_BOOT_START",
    "system": "1 ; SERVICE_SYSTEM_START",
    "auto": "2 ; SERVICE_AUTO_START",
    "demand": "3 ; SERVICE_DEMAND_START",
}


def inf_text(project: Project, target: Target, version: str, date: dt.date) -> str:
    """Return the text of the INF for one target, with LF line ends.

    Args:
        project: The project; `package.kind` is set.
        target: The target triple.
        version: The version of the driver: four numbers.
        date: The date of the driver.
    """
    package = project.package
    blocks = [
        _version(project, version, date),
        *_files(project),
        *(_filter_or_primitive(project, target) if _is_primitive(package) else ()),
        *(() if _is_primitive(package) else _device(project, target)),
        *(() if package.kind == "umdf" else _service(project)),
        *_framework(project),
        _strings(project),
    ]
    title = f"; {project.driver.stem}.inf: written by `kdrvgen package` from {project.config_name}"
    return "\n".join([f"{title}\n", *(_block(name, lines) for name, lines in blocks)])


def framework_version(project: Project) -> str:
    """Return the version of KMDF or UMDF for an INF, such as `1.15` or `2.15.0`; "" for WDM."""
    return project.wdk.framework_for(project.driver.model)


_Block = tuple[str, list[str]]


def _block(name: str, lines: Iterable[str]) -> str:
    return "\n".join([f"[{name}]", *lines, ""])


def _is_primitive(package: Package) -> bool:
    return package.kind in {"primitive", "minifilter"}


def _quoted(text: str) -> str:
    """Return a value of an INF that is read as this text."""
    if re.fullmatch(r"[A-Za-z0-9_.+-]+", text):
        return text
    return '"{}"'.format(text.replace('"', '""').replace("%", "%%"))


def _path(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_.+-]+", name) else f'"{name.replace("%", "%%")}"'


def _version(project: Project, version: str, date: dt.date) -> _Block:
    package = project.package
    name, guid = _class(package)
    return "Version", [
        'Signature = "$Windows NT$"',
        f"Class = {name}",
        f"ClassGuid = {guid}",
        "Provider = %Provider%",
        f"CatalogFile = {_quoted(f'{project.driver.stem}.cat')}",
        f"DriverVer = {date:%m/%d/%Y},{version}",
        "PnpLockdown = 1",
    ]


def _class(package: Package) -> tuple[str, str]:
    group = FILTER_GROUPS.get(package.load_order_group or "")
    name = package.device_class or (group.device_class if group else "System")
    name = CLASS_BY_NAME.get(name.lower(), name)
    return name, package.class_guid or CLASS_GUIDS[name]


def _files(project: Project) -> Iterator[_Block]:
    names = [project.driver.image]
    names += [path.rpartition("/")[2] for path in project.package.extra_files]
    yield "SourceDisksNames", ["1 = %Disk%"]
    yield "SourceDisksFiles", [f"{_quoted(name)} = 1" for name in names]
    yield "DestinationDirs", [f"DefaultDestDir = {_folder(project.package)}"]
    yield "Files", [_quoted(name) for name in names]


def _folder(package: Package) -> int:
    """Return the directory identifier: the driver store, or drivers in System32."""
    first = _INSTANCES_BUILD if package.kind == "minifilter" else _STORE_BUILD
    return 13 if package.oldest_build >= first else 12


def _decoration(project: Project, target: Target) -> str:
    build = project.package.oldest_build
    system = next(system for first, system in _OLD_DECORATIONS if build >= first)
    exact = f"...{build}" if build > _OLD_DECORATIONS[0][0] else ""
    return f"NT{MACHINES[target]}.{system}{exact}"


def _device(project: Project, target: Target) -> Iterator[_Block]:
    package, driver = project.package, project.driver
    decoration = _decoration(project, target)
    yield "Manufacturer", [f"%Provider% = Models,{decoration}"]
    ids = package.ids_for(driver)
    yield f"Models.{decoration}", [f"%Device% = Install,{_id(each)}" for each in ids]
    if package.kind == "umdf":
        include = ["Include = wudfrd.inf"]
        yield "Install.NT", [*include, "Needs = WUDFRD.NT", "CopyFiles = Files"]
        yield "Install.NT.HW", [*include, "Needs = WUDFRD.NT.HW"]
        yield "Install.NT.Services", [*include, "Needs = WUDFRD.NT.Services"]
        return
    yield "Install.NT", ["CopyFiles = Files"]
    service = _quoted(_service_name(project))
    flag = "0x00000002,Service ; SPSVCINST_ASSOCSERVICE"
    yield "Install.NT.Services", [f"AddService = {service},{flag}"]


def _id(text: str) -> str:
    return text if re.fullmatch(r"[A-Za-z0-9_.*\\&{}#-]+", text) else f'"{text}"'


def _filter_or_primitive(project: Project, target: Target) -> Iterator[_Block]:
    name = f"DefaultInstall.{_decoration(project, target)}"
    yield name, ["CopyFiles = Files"]
    yield f"{name}.Services", [f"AddService = {_quoted(_service_name(project))},,Service"]


def _service_name(project: Project) -> str:
    return project.deploy.service or project.driver.name


def _service(project: Project) -> Iterator[_Block]:
    package = project.package
    is_filter = package.kind == "minifilter"
    kind = "2 ; SERVICE_FILE_SYSTEM_DRIVER" if is_filter else "1 ; SERVICE_KERNEL_DRIVER"
    lines = [
        "DisplayName = %Device%",
        f"ServiceType = {kind}",
        f"StartType = {_START_TYPES[package.start_type]}",
        "ErrorControl = 1 ; SERVICE_ERROR_NORMAL",
        f"ServiceBinary = %{_folder(package)}%\\{_path(project.driver.image)}",
    ]
    if not is_filter:
        yield "Service", lines
        return
    group = f'LoadOrderGroup = "{package.load_order_group}"'
    yield "Service", [*lines, group, "Dependencies = FltMgr", "AddReg = Instances"]
    roots = ["Parameters\\Instances"]
    if package.oldest_build < _INSTANCES_BUILD:
        roots.append("Instances")
    entries = []
    for root in roots:
        entries += [
            f'HKR,"{root}",DefaultInstance,0x00000000,%Instance%',
            f'HKR,"{root}\\"%Instance%,Altitude,0x00000000,"{package.altitude}"',
            f'HKR,"{root}\\"%Instance%,Flags,0x00010001,0x0',
        ]
    yield "Instances", entries


def _framework(project: Project) -> Iterator[_Block]:
    service, version = _quoted(_service_name(project)), framework_version(project)
    if project.driver.model == "kmdf":
        yield "Install.NT.Wdf", [f"KmdfService = {service},Kmdf"]
        yield "Kmdf", [f"KmdfLibraryVersion = {version}"]
    elif project.driver.model == "umdf":
        order = [f"UmdfService = {service},Umdf", f"UmdfServiceOrder = {service}"]
        yield "Install.NT.Wdf", order
        binary = f"%{_folder(project.package)}%\\{_path(project.driver.image)}"
        yield "Umdf", [f"UmdfLibraryVersion = {version}", f"ServiceBinary = {binary}"]


def _strings(project: Project) -> _Block:
    package = project.package
    name = package.display_name or project.driver.name
    texts = {
        "Provider": package.provider or "",
        "Device": name,
        "Disk": f"{name} installation files",
    }
    if package.kind == "minifilter":
        texts["Instance"] = f"{project.driver.name} instance"
    return "Strings", [f'{key} = "{text}"' for key, text in texts.items()]
