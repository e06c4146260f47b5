"""What all tables of config.toml share: frozen, closed, kebab-case; and the text they may hold."""

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
"""Where a value stands in config.toml: keys, and indexes of arrays."""


TomlValue: TypeAlias = Any
"""A value of a TOML document: a text, a number, an array, a table or another."""


def to_kebab(name: str) -> str:
    """Return the config.toml key of a field: `pre_args` is written `pre-args`."""
    return name.replace("_", "-")


class FrozenTable(Mapping[str, Any]):
    """A TOML table of free form that cannot be changed, in the order it was given."""

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
        return f"FrozenTable({self._members!r})"


def plain(value: object) -> TomlValue:
    """Return a frozen TOML value as tables and arrays that can be changed."""
    if isinstance(value, Mapping):
        return {key: plain(member) for key, member in value.items()}
    if isinstance(value, tuple):
        return [plain(member) for member in value]
    return value


def _dumped(value: Mapping[str, Any], dump: SerializerFunctionWrapHandler) -> object:
    return dump(plain(value))


Dumped = WrapSerializer(_dumped)
"""Has pydantic dump a `FrozenTable` as it does a dict."""


if TYPE_CHECKING:
    from pydantic._internal._model_construction import ModelMetaclass
else:
    ModelMetaclass = type(BaseModel)  # pydantic does not publish its name

_OF_PYDANTIC = frozenset({"model_copy", "model_dump", "model_fields_set", "model_validate"})
"""What users need of all that each table has from pydantic."""


class _TableType(ModelMetaclass):
    def __dir__(self) -> list[str]:
        """Return what `help` and completion show: no internals."""
        own = {name for table in self.__mro__ if table is not BaseModel for name in vars(table)}
        shown = {name for name in own - {*vars(BaseModel)} if not name.startswith("_")}
        return sorted(shown - {"model_config", "model_post_init"} | _OF_PYDANTIC)


class Table(BaseModel, metaclass=_TableType):
    """A table of config.toml."""

    model_config = ConfigDict(
        alias_generator=to_kebab,
        # Built when first validated: the unused half of a table pair costs nothing at start-up.
        defer_build=True,
        extra="forbid",
        frozen=True,
        # What stands in the wrong place may be a password: errors name keys, not values.
        hide_input_in_errors=True,
        populate_by_name=True,
    )


def problem(
    message: str, *, hint: str = "", also: tuple[Path, ...] = (), secret: bool = False
) -> PydanticCustomError:
    """Return the error that a rule of the model answers with.

    Args:
        message: What is wrong and why, a sentence without its full stop.
        hint: What to do; may be empty.
        also: The other keys that take part.
        secret: The value may be a password, so that nothing may show it.
    """
    # pydantic's own error shows the message too, so that a value in it is masked here already.
    context: dict[str, Any] = {
        "message": mask(message),
        "hint": mask(hint),
        "also": also,
        "secret": secret,
    }
    # `{message}` and not the message itself: braces in it would be taken for placeholders.
    return PydanticCustomError("kdrvgen", "{message}", context)


def refuse_controls(value: str, allowed: str = "") -> None:
    """Raise if the text holds a character that is not to be seen, other than those allowed.

    With such characters a generated file would read otherwise than it runs (CVE-2021-42574).
    """
    for index, character in enumerate(value):
        if is_invisible(character) and character not in allowed:
            kind = "a control" if unicodedata.category(character) == "Cc" else "an invisible"
            raise problem(
                f"character {index + 1} is U+{ord(character):04X}, {kind} character",
                hint="remove it: values go into generated files and scripts, where nobody sees it",
            )


def _printable(value: str) -> str:
    refuse_controls(value)
    return value


Text = Annotated[str, StringConstraints(strict=True), AfterValidator(_printable)]
"""One line of text without control characters."""


def _filled(value: str) -> str:
    if not value or value != value.strip():
        raise problem(
            "the value is empty" if not value.strip() else "the value begins or ends with a blank"
        )
    return value


Filled = Annotated[Text, AfterValidator(_filled)]
"""Text that says something."""
