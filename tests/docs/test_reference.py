"""docs/configuration.md says what the models say."""

from __future__ import annotations

import os
from itertools import groupby
from pathlib import Path
from typing import Any

import tomli

import kdrvgen
from kdrvgen.model.reference import Key, keys

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"
INTRODUCTION = """\
# Configuration

Every key of `config.toml`. Keys are written with hyphens; an unknown one is an error. The smallest valid file is:

```toml
[driver]
name = "hello"
```

`[profiles.NAME]` is a profile of cargo-make. There are always `development`, which `cargo make sign` takes, and `production`,
for `cargo make --profile production sign`; below its `linker` and `signing` stands what differs from `[linker]` and `[signing]`.
`[makefile.env]` and `[makefile.tasks]` are handed to cargo-make as they are; names of the generated tasks and variables that begin
with `DRIVER_` are taken.
"""


def _page() -> str:
    parts = [INTRODUCTION]
    for table, group in groupby(keys(), key=lambda key: key.table):
        parts += [f"\n## `[{table}]`\n"] if table else []
        parts.extend(_entry(key) for key in group)
    return "".join(parts)


def _entry(key: Key) -> str:
    default = f", default `{key.default}`" if key.default else ""
    values = key.values if key.values.islower() and '"' not in key.values else f"`{key.values}`"
    text = key.text.replace("\n", " ").replace("  ", "\n\n")
    told = {"change it": key.change, "without it": key.without, "source": key.source}
    items = "".join(f"- {label}: {said}\n" for label, said in told.items() if said)
    title = f"### `{key.name}`" if key.table else f"## `{key.name}`"
    return f"\n{title}\n\n{values}{default}\n\n{text}\n\n{items}"


def test_the_reference_page_is_what_the_docstrings_say() -> None:
    if os.environ.get("KDRVGEN_UPDATE_GOLDEN"):
        PAGE.write_text(_page(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == _page()


def test_every_default_on_the_page_is_the_one_that_is_taken() -> None:
    written: dict[str, Any] = {"driver": {"name": "hello"}}
    for key in keys():
        if key.default and not key.table.startswith("profiles"):
            value = tomli.loads(f"value = {key.default}")["value"]
            *above, last = key.path.split(".")
            table = written
            for name in above:
                table = table.setdefault(name, {})
            table[last] = value
    smallest = kdrvgen.Project.model_validate({"driver": {"name": "hello"}})
    assert kdrvgen.render(kdrvgen.Project.model_validate(written)) == kdrvgen.render(smallest)


def test_every_key_has_a_text() -> None:
    said = [(key.name, told) for key in keys() for told in (key.text, key.change, key.without)]
    assert [(name, told) for name, told in said if not told.endswith((".", "?"))] == []
