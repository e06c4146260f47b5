"""The whole of config.toml, and the rules between its tables."""

import hashlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Annotated, Any, NamedTuple, Self

from pydantic import (
    AfterValidator,
    ModelWrapValidatorHandler,
    PrivateAttr,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from kdrvgen import __version__
from kdrvgen.model.base import Dumped, FrozenTable, Path, Table, TomlValue
from kdrvgen.model.base import problem as as_error
from kdrvgen.model.bootstrap import Bootstrap
from kdrvgen.model.build import Build
from kdrvgen.model.cargo_config import CargoConfig, cargo_config
from kdrvgen.model.deploy import Deploy
from kdrvgen.model.driver import Driver, Toolchain
from kdrvgen.model.linker import Linker
from kdrvgen.model.makefile import Makefile
from kdrvgen.model.package import Package
from kdrvgen.model.problems import merge
from kdrvgen.model.profile import Profile, ProfileName
from kdrvgen.model.requirement import Requirement, fits, is_requirement
from kdrvgen.model.rules import Tables, broken_rules
from kdrvgen.model.signing import Signing
from kdrvgen.model.wdk import Wdk

__all__ = ["Project", "ReadFrom"]

_TABLES: Mapping[str, type[Table]] = {
    "driver": Driver,
    "toolchain": Toolchain,
    "build": Build,
    "linker": Linker,
    "wdk": Wdk,
    "signing": Signing,
    "deploy": Deploy,
    "package": Package,
    "makefile": Makefile,
}
_CARGO_PROFILES = {"development": "dev", "production": "release"}


def _with_standard_profiles(given: Mapping[str, Profile]) -> Mapping[str, Profile]:
    """Return the profiles with development and production added, development first."""
    standard = dict.fromkeys(_CARGO_PROFILES, Profile.model_construct())
    found = standard | dict(given)
    return FrozenTable(
        {
            name: profile
            if profile.cargo_profile or name not in _CARGO_PROFILES
            else profile.model_copy(update={"cargo_profile": _CARGO_PROFILES[name]})
            for name, profile in found.items()
        }
    )


class ReadFrom(NamedTuple):
    """The file that a project was read from, which Makefile.toml names.

    Attributes:
        name: The file's name, without folder.
        digest: `sha256:` and the hexadecimal digest of its text with LF line ends and without byte
            order mark.
    """

    name: str
    digest: str

    @classmethod
    def of(cls, name: str, text: str) -> Self:
        """Return the name of a file and the digest of its text."""
        plain = text.removeprefix("\ufeff").replace("\r\n", "\n")
        return cls(name, f"sha256:{hashlib.sha256(plain.encode()).hexdigest()}")


class Project(Table):
    """A driver project, as config.toml describes it.

    Raises:
        pydantic.ValidationError: On construction, with all errors at once. The `loc` of each line
            error is the path of a key in config.toml.
    """

    kdrvgen_version: Requirement | None = None
    """The versions of kdrvgen that this file is for, such as `>=0.2` or `>=0.2,<1`.

    Another version reports this error alone, because the file may have keys that it does not know.

    Change: When the file needs a key that older versions do not have.
    Without: Every version reads the file.
    Source: https://packaging.python.org/specifications/version-specifiers
    """

    driver: Driver
    """The driver itself."""

    toolchain: Toolchain = Toolchain.model_construct()
    """The Rust toolchain."""

    build: Build = Build.model_construct()
    """The parts of the package that cargo builds, and how."""

    linker: Linker = Linker.model_construct()
    """The linker and its arguments."""

    wdk: Wdk = Wdk.model_construct()
    """The Windows Driver Kit."""

    signing: Signing = Signing.model_construct()
    """The certificate, the signing tool and the timestamp."""

    deploy: Deploy = Deploy.model_construct()
    """The Windows service of the driver."""

    package: Package = Package.model_construct()
    """The driver package."""

    profiles: Annotated[
        Mapping[ProfileName, Profile], AfterValidator(_with_standard_profiles), Dumped
    ] = _with_standard_profiles({})
    """Profiles of cargo-make: always development and production, and those that you add."""

    cargo_config: CargoConfig = FrozenTable()
    """Your own part of the cargo configuration. The terms are cargo's.

    Paths in it are relative to the project's folder. kdrvgen reports an error for keys that it sets
    itself, such as `build.target` and `rustflags` of the driver's targets, and for credentials.

    Change: For what `cargo vendor` prints (`[cargo-config.source.crates-io]`), for registries, a
        proxy, aliases, and the linker of the host.
    Without: The file holds only what makes the image a driver.
    Source: https://doc.rust-lang.org/cargo/reference/config.html
    """

    makefile: Makefile = Makefile.model_construct()
    """Your own part of Makefile.toml."""

    bootstrap: Bootstrap = Bootstrap.model_construct()
    """The answers that the project was created with."""

    _read_from: ReadFrom | None = PrivateAttr(None)

    @property
    def read_from(self) -> ReadFrom | None:
        """The file that the project was read from; None if it was built in Python."""
        return self._read_from

    @property
    def config_name(self) -> str:
        """The name of that file, for headers and messages; `config.toml` without one."""
        return self._read_from.name if self._read_from else "config.toml"

    def as_read_from(self, file: ReadFrom) -> Self:
        """Return the same project with `file` as its `read_from`."""
        found = self.model_copy()
        found._read_from = file  # noqa: SLF001 - its own class
        return found

    def __eq__(self, other: object) -> bool:
        """Compare the projects, but not the files that they were read from."""
        return isinstance(other, Project) and self.__dict__ == other.__dict__

    __hash__ = Table.__hash__

    @model_validator(mode="wrap")
    @classmethod
    def _keep_rules(cls, data: object, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Report broken rules together with the errors of single keys, except on the same keys."""
        lines = _other_version(data)
        if lines:
            raise ValidationError.from_exception_data(cls.__name__, lines, hide_input=True)
        project = None
        try:
            project = handler(data)
        except ValidationError as invalid:
            lines = [_as_details(line) for line in invalid.errors(include_url=False)]
        wrong = _WrongKeys(line["loc"] for line in lines)
        tables = _valid_tables(data, wrong) if project is None else _tables(project)
        for broken in broken_rules(tables):
            if any(wrong.meet(path) for path in (broken.path, *broken.also)):
                continue
            error = as_error(broken.message, hint=broken.hint, also=broken.also)
            lines.append(InitErrorDetails(type=error, loc=broken.path, input=None))
        if lines or project is None:
            raise ValidationError.from_exception_data(cls.__name__, lines, hide_input=True)
        return project

    def build_for(self, profile: str) -> Build:
        """Return `[build]` with a profile's changes. Raises KeyError for an unknown profile."""
        return merge(self.build, self.profiles[profile].build)

    def linker_for(self, profile: str) -> Linker:
        """Return `[linker]` with a profile's changes. Raises KeyError for an unknown profile."""
        return merge(self.linker, self.profiles[profile].linker)

    def signing_for(self, profile: str) -> Signing:
        """Return `[signing]` with a profile's changes. Raises KeyError for an unknown profile."""
        return merge(self.signing, self.profiles[profile].signing)


def _other_version(data: object) -> list[InitErrorDetails]:
    """Return the error of a file that needs another version of kdrvgen."""
    name = "kdrvgen-version"
    if not isinstance(data, Mapping):
        return []
    wanted = data.get(name, data.get("kdrvgen_version"))
    if not isinstance(wanted, str) or not is_requirement(wanted) or fits(wanted, __version__):
        return []
    error = as_error(
        f"this file needs kdrvgen {wanted}, but this is kdrvgen {__version__}",
        hint=f'install it: `pip install "kdrvgen{wanted.replace(" ", "")}"`',
    )
    return [InitErrorDetails(type=error, loc=(name,), input=None)]


def _tables(project: Project) -> Tables:
    return Tables(**{name: getattr(project, name) for name in Tables._fields})


class _WrongKeys:
    """The paths of all line errors, for fast lookup."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._paths = set(paths)
        self._above = {path[:end] for path in self._paths for end in range(len(path) + 1)}
        # An array with a wrong element is wrong as a whole.
        self._unusable = self._paths | {
            path[:end]
            for path in self._paths
            for end, part in enumerate(path)
            if isinstance(part, int)
        }

    def meet(self, path: Path) -> bool:
        """Return whether `path`, or a path above or below it, is wrong."""
        return path in self._above or any(path[:end] in self._paths for end in range(len(path)))

    def are_there(self, path: Path) -> bool:
        """Return whether the value at `path` is wrong, or is an array with a wrong element."""
        return path in self._unusable


def _valid_tables(data: object, wrong: _WrongKeys) -> Tables:
    """Return the tables of an invalid project, with defaults in place of the wrong keys.

    A table that is still not valid is left out.
    """
    if not isinstance(data, Mapping):
        return Tables()
    found: dict[str, Any] = {}
    for name, table in _TABLES.items():
        raw = _without(data.get(name, {}), (name,), wrong)
        if table is Driver and isinstance(raw, Mapping):
            raw = {"name": "unnamed", **raw}
        with suppress(ValidationError):
            found[name] = table.model_validate(raw)
    own = _without(data.get("cargo-config", {}), ("cargo-config",), wrong)
    if isinstance(own, Mapping):
        with suppress(ValidationError):
            found["cargo_config"] = cargo_config(own)
    with suppress(ValidationError, AttributeError):
        profiles = _without(data.get("profiles", {}), ("profiles",), wrong)
        found["profiles"] = _with_standard_profiles(
            {name: Profile.model_validate(profile) for name, profile in profiles.items()}
        )
    return Tables(**found)


def _without(value: TomlValue, at: Path, wrong: _WrongKeys) -> TomlValue:
    """Return raw data without the keys that are wrong, or whose array has a wrong element."""
    if not isinstance(value, Mapping):
        return value
    return {
        key: _without(member, (*at, key), wrong)
        for key, member in value.items()
        if not wrong.are_there((*at, key))
    }


def _as_details(line: ErrorDetails) -> InitErrorDetails:
    kind: str | PydanticCustomError = line["type"]
    if "ctx" in line and kind == "kdrvgen":
        kind = PydanticCustomError("kdrvgen", "{message}", line["ctx"])
    details = InitErrorDetails(type=kind, loc=line["loc"], input=line["input"])
    if "ctx" in line and isinstance(kind, str):
        details["ctx"] = line["ctx"]
    return details
