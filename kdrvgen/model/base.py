"""The base of all tables of config.toml: frozen, closed, kebab-case; and the texts in them."""

import unicodedata
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    SerializerFunctionWrapHandler,
    StringConstraints,
    WrapSerializer,
)
from pydantic_core import PydanticCustomError

from kdrvgen.characters import is_invisible
from kdrvgen.credentials import mask

__all__ = [
    "Dumped",
    "Filled",
    "FrozenTable",
    "Path",
    "Table",
    "Text",
    "TomlValue",
    "plain",
    "problem",
    "refuse_controls",
    "to_kebab",
]

Path = tuple[str | int, ...]
"""The position of a value in config.toml: keys, and indexes of arrays."""


TomlValue: TypeAlias = Any
"""A value of a TOML document, such as a string, a number, an array or a table."""


def to_kebab(name: str) -> str:
    """Return the config.toml key of a field: `pre-args` for `pre_args`."""
    return name.replace("_", "-")


class FrozenTable(Mapping[str, Any]):
    """An immutable TOML table of free form, in the order of the file."""

    __slots__ = ("_members",)

    def __init__(self, members: Mapping[str, Any] | None = None) -> None:
        self._members = dict(members or {})

    def __getitem__(self, key: str) -> TomlValue:
        return self._members[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    def __hash__(self) -> int:
        return hash(frozenset(self._members.items()))

    def __repr__(self) -> str:
        """Return the keys; of the values, which can be credentials, only tables of kdrvgen."""
        members = (
            f"{key!r}: {value!r}" if isinstance(value, Table) else f"{key!r}: …"
            for key, value in self.items()
        )
        return f"FrozenTable({{{', '.join(members)}}})"


def plain(value: object) -> TomlValue:
    """Return a frozen TOML value as mutable dicts and lists."""
    if isinstance(value, Mapping):
        return {key: plain(member) for key, member in value.items()}
    if isinstance(value, tuple):
        return [plain(member) for member in value]
    return value


def _dumped(value: Mapping[str, Any], dump: SerializerFunctionWrapHandler) -> object:
    return dump(plain(value))


Dumped = WrapSerializer(_dumped)
"""Makes pydantic dump a `FrozenTable` like a dict."""


_OF_PYDANTIC = frozenset({"model_copy", "model_dump", "model_fields_set", "model_validate"})
"""The pydantic attributes of a table that users need."""

if TYPE_CHECKING:
    # Type checkers derive the signature of each table from this class itself (PEP 681).
    from pydantic._internal._model_construction import ModelMetaclass as _TableType
else:

    class _TableType(type(BaseModel)):
        def __dir__(self) -> list[str]:
            """Return the names that `help` and completion show, without internals."""
            own = {name for table in self.__mro__ if table is not BaseModel for name in vars(table)}
            shown = {name for name in own - {*vars(BaseModel)} if not name.startswith("_")}
            return sorted(shown | _OF_PYDANTIC)


class Table(BaseModel, metaclass=_TableType):
    """A table of config.toml."""

    model_config = ConfigDict(
        alias_generator=to_kebab,
        # Build the validator on first use, to save time at start-up.
        defer_build=True,
        extra="forbid",
        frozen=True,
        # A misplaced value may be a password: errors name keys, not values.
        hide_input_in_errors=True,
        populate_by_name=True,
    )

    def __repr_args__(self) -> Iterator[tuple[str, object]]:
        """Yield what `repr` shows: the fields that are not their defaults, without credentials."""
        for name, field in type(self).model_fields.items():
            value = getattr(self, name)
            if field.is_required() or value != field.default:
                yield name, mask(value) if isinstance(value, str) else value


def problem(
    message: str, *, hint: str = "", also: tuple[Path, ...] = (), secret: bool = False
) -> PydanticCustomError:
    """Return the error of a rule of the model.

    Args:
        message: What is wrong and why: a sentence without full stop.
        hint: What to do; may be empty.
        also: The paths of other keys that contribute to the error.
        secret: Whether the value may be a password, which must not be shown.
    """
    # Mask values here already, because pydantic's own error also shows the message.
    context: dict[str, Any] = {
        "message": mask(message),
        "hint": mask(hint),
        "also": also,
        "secret": secret,
    }
    # `{message}` instead of the message itself, because pydantic expands braces.
    return PydanticCustomError("kdrvgen", "{message}", context)


def refuse_controls(value: str, allowed: str = "") -> None:
    """Raise if the text contains an invisible character, except those in `allowed`.

    With such characters, a generated file could look different from what it does (CVE-2021-42574).
    """
    for index, character in enumerate(value):
        if is_invisible(character) and character not in allowed:
            kind = "a control" if unicodedata.category(character) == "Cc" else "an invisible"
            raise problem(
                f"character {index + 1} is U+{ord(character):04X}, {kind} character",
                hint="remove it: nobody would see it in the generated files and scripts",
            )


def _printable(value: str) -> str:
    refuse_controls(value)
    return value


Text = Annotated[str, StringConstraints(strict=True), AfterValidator(_printable)]
"""One line of text without control characters."""


def _filled(value: str) -> str:
    if not value or value != value.strip():
        raise problem(
            "the value is empty" if not value.strip() else "the value begins or ends with a space"
        )
    return value


Filled = Annotated[Text, AfterValidator(_filled)]
"""Text that is not empty."""
