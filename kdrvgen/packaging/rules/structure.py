"""What an INF file installs: its models and install sections, and the sections they refer to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from kdrvgen.packaging.inf.document import Entry, Field, Inf, Section

__all__ = ["Decoration", "Install", "Reference", "Structure"]

_DECORATION = re.compile(
    r"nt(?P<machine>x86|amd64|arm64|arm|ia64)?"
    r"(?:\.(?P<major>\d*)(?:\.(?P<minor>\d*)(?:\.\d*(?:\.\d*(?:\.(?P<build>\d*))?)?)?)?)?",
    re.ASCII | re.IGNORECASE,
)

_ALL = -1
# The values of each directive that name sections of the same file. Microsoft Learn, "Summary of INF
# Directives".
_DIRECTIVES: Mapping[str, int] = {
    **dict.fromkeys(
        ("addreg", "delreg", "bitreg", "copyfiles", "delfiles", "renfiles", "addproperty"), _ALL
    ),
    **dict.fromkeys(("delproperty", "updateinis", "updateinifields", "ini2reg"), _ALL),
    **dict.fromkeys(("registerdlls", "unregisterdlls", "profileitems", "logconfig"), _ALL),
    **dict.fromkeys(("addtrigger", "addpowersetting"), _ALL),
    **dict.fromkeys(("addservice", "addinterface", "addcomponent", "addsoftware"), 2),
    **dict.fromkeys(("addfilter", "wmiinterface", "addchannel", "importchannel"), 2),
    **dict.fromkeys(("kmdfservice", "umdfservice", "addeventprovider"), 1),
}
_EVENT_LOG = 3  # AddService also names a section for the event log
_SPECIAL = re.compile(
    r"version|strings(\..*)?|sourcedisks(names|files)(\..*)?|destinationdirs|manufacturer"
    r"|controlflags|signatureattributes(\..*)?|interfaceinstall32|classinstall32(\..*)?"
    r"|default(un)?install(\..*)?|installextension.*",
    re.IGNORECASE,
)
# What these sections name is not used because of it.
_WITHOUT_NAMES = re.compile(
    r"version|strings(\..*)?|sourcedisks.*|destinationdirs|controlflags", re.IGNORECASE
)


class Decoration(NamedTuple):
    """The end of a section's name that says where it applies, such as `NTamd64.10.0...16299`.

    Attributes:
        machine: `x86`, `amd64`, `arm`, `arm64` or `ia64`; "" for all.
        version: Major and minor version and build of the oldest Windows; zeros for any.
    """

    machine: str
    version: tuple[int, int, int]

    @classmethod
    def of(cls, text: str) -> Decoration | None:
        """Return the decoration with this text; None if it is not one."""
        found = _DECORATION.fullmatch(text.strip())
        if not found:
            return None
        parts = (found["major"], found["minor"], found["build"])
        major, minor, build = (int(part[:9]) if part else 0 for part in parts)
        return cls((found["machine"] or "").lower(), (major, minor, build))


class Install(NamedTuple):
    """An install section, as a model or Windows itself refers to it.

    Attributes:
        section: The section.
        decoration: Where it applies, from the models section or its own name.
        origin: The entry of the models section; None for `[DefaultInstall]`.
        is_primitive: Whether it is a `[DefaultInstall]`.
    """

    section: Section
    decoration: Decoration
    origin: Entry | None
    is_primitive: bool


class Reference(NamedTuple):
    """A value that names another section.

    Attributes:
        source: The section with the directive.
        directive: The directive in lower case.
        field: The value.
        name: The name, with string tokens replaced.
    """

    source: Section
    directive: str
    field: Field
    name: str


@dataclass(frozen=True)
class Structure:
    """The structure of an INF file."""

    inf: Inf

    @cached_property
    def models(self) -> tuple[tuple[Section, Decoration], ...]:
        """The models sections that exist, with their decorations."""
        found = {}
        for _, name, decoration in self.model_names:
            if (models := self.inf.section(name)) and models.name not in found:
                found[models.name] = (models, decoration)
        return tuple(found.values())

    @cached_property
    def model_names(self) -> tuple[tuple[Field, str, Decoration], ...]:
        """The place, name and decoration of each models section that `[Manufacturer]` names."""
        manufacturers = self.inf.section("manufacturer")
        found = []
        for entry in manufacturers.entries if manufacturers else ():
            base = self.inf.expand(entry.values[0].text)
            decorated = [field for field in entry.values[1:] if field.text]
            for field in decorated or entry.values[:1]:
                text = self.inf.expand(field.text) if decorated else ""
                name = f"{base}.{text}" if decorated else base
                decoration = Decoration.of(text) or Decoration("", (0, 0, 0))
                found.append((field, name, decoration))
        return tuple(found)

    @cached_property
    def installs(self) -> tuple[Install, ...]:
        """The install sections of all models, and those of a primitive driver."""
        return (*self._of_models(), *self._primitive())

    def _of_models(self) -> Iterator[Install]:
        for models, decoration in self.models:
            for entry in models.entries:
                name = self.inf.expand(entry.values[0].text)
                sections = self.decorated(name)
                # Windows uses an undecorated section only if there is no other.
                better = [each for each in sections if each.name.lower() != name.lower()]
                for section in better or sections:
                    yield Install(section, decoration, entry, is_primitive=False)

    def _primitive(self) -> Iterator[Install]:
        for section in self.decorated("DefaultInstall"):
            text = section.name[len("DefaultInstall.") :]
            decoration = Decoration.of(text) or Decoration("", (0, 0, 0))
            yield Install(section, decoration, None, is_primitive=True)

    def decorated(self, name: str) -> list[Section]:
        """Return the sections with a name, without and with each decoration."""
        return [
            self.inf.sections[key]
            for key in self._by_stem.get(name.lower(), ())
            if key == name.lower() or Decoration.of(key[len(name) + 1 :])
        ]

    def below(self, section: Section, suffix: str) -> Section | None:
        """Return a section such as `[Install.NT.Services]` of an install section."""
        return self.inf.section(f"{section.name}.{suffix}")

    @cached_property
    def _by_stem(self) -> Mapping[str, list[str]]:
        """The keys of sections by each beginning of their names that ends before a dot."""
        found: dict[str, list[str]] = {}
        for key in self.inf.sections:
            found.setdefault(key, []).append(key)
            for dot in re.finditer(r"\.", key):
                found.setdefault(key[: dot.start()], []).append(key)
        return found

    @cached_property
    def used(self) -> frozenset[str]:
        """The keys of the sections that Windows can reach."""
        pending = [key for key in self.inf.sections if _SPECIAL.fullmatch(key)]
        found = set(pending)
        while pending:
            section = self.inf.sections[pending.pop()]
            if _WITHOUT_NAMES.fullmatch(section.name):
                continue
            for name in self._names_in(section):
                new = set(self._by_stem.get(name, ())) - found
                found |= new
                pending += new
        return frozenset(found)

    def _names_in(self, section: Section) -> Iterator[str]:
        """Yield each value of a section that could be the name of another, in lower case."""
        for entry in section.entries:
            fields = (entry.key, *entry.values) if entry.key else entry.values
            for field in fields:
                yield self.inf.expand(field.text).lower()
        if section.name.lower() == "manufacturer":
            yield from (name.lower() for _, name, _ in self.model_names)

    @cached_property
    def references(self) -> tuple[Reference, ...]:
        """The names of sections that directives of used sections require."""
        return tuple(
            reference
            for key, section in self.inf.sections.items()
            if key in self.used and (key.startswith("default") or not _SPECIAL.fullmatch(key))
            for reference in self._references_of(section)
        )

    def _references_of(self, section: Section) -> Iterator[Reference]:
        for entry in section.entries:
            directive = entry.key.text.lower() if entry.key else ""
            if directive not in _DIRECTIVES:
                continue
            index = _DIRECTIVES[directive]
            fields = list(entry.values if index == _ALL else entry.values[index : index + 1])
            if directive == "addservice":
                fields += entry.values[_EVENT_LOG : _EVENT_LOG + 1]
            for field in fields:
                name = self.inf.expand(field.text)
                if name:
                    yield Reference(section, directive, field, name)

    @cached_property
    def machines(self) -> tuple[str, ...]:
        """The machines that the file is for, such as `amd64`; none if it does not say."""
        found = [decoration.machine for _, _, decoration in self.model_names]
        found += [install.decoration.machine for install in self.installs]
        return tuple(dict.fromkeys(machine for machine in found if machine))

    def hardware_ids(self) -> Iterator[tuple[Entry, Field]]:
        """Yield the hardware and compatible identifiers of all models, in the order of the file."""
        for models, _ in self.models:
            for entry in models.entries:
                for field in entry.values[1:]:
                    if field.text:
                        yield entry, field
