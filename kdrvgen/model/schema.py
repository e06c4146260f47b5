"""The JSON schema of config.toml for editors, from the models and their docstrings."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from typing import Any, TypeAlias

from pydantic.json_schema import PydanticJsonSchemaWarning

from kdrvgen.model.base import plain
from kdrvgen.model.project import Project
from kdrvgen.model.reference import FIELDS, keys

__all__ = ["FILE_NAME", "Schema", "schema", "schema_text"]

Schema: TypeAlias = Any
"""A part of a JSON schema."""

FILE_NAME = "kdrvgen.schema.json"
"""The file name of the schema in a project."""

# TOML has no null: a key without a value is left out. A default that depends on other keys, or that
# is a whole table, would only distract in an editor.
_NOISE = frozenset({"title"})


def schema() -> dict[str, Any]:
    """Return the schema as JSON schema draft 7, the newest that all editors of TOML read.

    It has keys, types, closed sets of values and ranges. Only kdrvgen checks rules between keys.

    Source: json-schema.org/draft-07/json-schema-release-notes.
    """
    with warnings.catch_warnings():
        # Defaults that are tables; they are left out below.
        warnings.simplefilter("ignore", PydanticJsonSchemaWarning)
        made = Project.model_json_schema(by_alias=True, ref_template="#/definitions/{model}")
    tables = made.pop("$defs")
    texts = {(_of_model(key.table), key.name): key.text for key in keys()}
    root = _closed(made, texts, "")
    root["description"] = "A Windows kernel driver in Rust: the configuration of kdrvgen."
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "config.toml of kdrvgen",
        **root,
        "definitions": {
            name: _closed(table, texts, "profiles" if name == "Profile" else name.lower())
            for name, table in tables.items()
        },
    }


def _of_model(table: str) -> str:
    """Return the name of a table's model in lower case, such as `versioninfo`."""
    return table.removesuffix(".NAME").rpartition(".")[2].replace("-", "")


def schema_text() -> str:
    """Return the schema as the text of a JSON file."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def _closed(table: Mapping[str, Any], texts: Mapping[tuple[str, str], str], name: str) -> Schema:
    """Return a table's schema with a description of each key."""
    found = _simple(table)
    # The docstring for `help` lists the fields, but here each field has its own description.
    found["description"] = found["description"].partition(FIELDS)[0]
    for key, member in found["properties"].items():
        text = texts.get((name, key), "")
        if text:
            # In draft 7, a reference cannot have a description beside it.
            found["properties"][key] = {
                "description": text,
                **({"allOf": [member]} if "$ref" in member else member),
            }
    return found


def _simple(node: Schema) -> Schema:
    """Return a schema without titles, nulls and defaults that are tables."""
    if isinstance(node, Mapping):
        if "anyOf" in node:
            (node,) = (each for each in node["anyOf"] if each != {"type": "null"})
        kept = {
            key: value
            for key, value in node.items()
            if not (key in _NOISE and isinstance(value, str))
            and not (key == "default" and isinstance(value, Mapping))
        }
        if "$ref" in kept:
            return {"$ref": kept["$ref"]}
        return {key: _simple(value) for key, value in kept.items()}
    if isinstance(node, list | tuple):
        return [_simple(member) for member in node]
    return plain(node)
