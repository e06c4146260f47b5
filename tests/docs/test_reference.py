"""docs/configuration.md is generated from the models."""

from __future__ import annotations

import os
from copy import deepcopy
from itertools import groupby
from pathlib import Path
from typing import Any

import tomli

import kdrvgen
from kdrvgen.model.reference import Key, keys

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"
INTRODUCTION = """\
# Configuration

This page lists every key of `config.toml`. Write keys with hyphens. An unknown key is an error. The smallest valid file is:

```toml
[driver]
name = "hello"
```

`[profiles.NAME]` is a profile of cargo-make. There are always two: `development`, which `cargo make sign` uses, and `production`, for
`cargo make --profile production sign`. Its `build`, `linker` and `signing` contain the settings that differ from `[build]`, `[linker]`
and `[signing]`. kdrvgen writes `[makefile.env]` and `[makefile.tasks]` unchanged into Makefile.toml. The names of generated tasks, and
variables that begin with `DRIVER_`, are reserved.
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
    labelled = {"change it": key.change, "without it": key.without, "source": key.source}
    items = "".join(f"- {label}: {text}\n" for label, text in labelled.items() if text)
    title = f"### `{key.name}`" if key.table else f"## `{key.name}`"
    return f"\n{title}\n\n{values}{default}\n\n{text}\n\n{items}"


def test_the_reference_page_matches_the_docstrings() -> None:
    if os.environ.get("KDRVGEN_UPDATE_GOLDEN"):
        PAGE.write_text(_page(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == _page()


def test_every_default_on_the_page_is_the_real_one() -> None:
    package = {"kind": "device", "provider": "Example", "submission": {}}
    smallest = {"driver": {"name": "hello"}, "package": package}
    written: dict[str, Any] = deepcopy(smallest)
    for key in keys():
        if key.default and not key.table.startswith("profiles"):
            value = tomli.loads(f"value = {key.default}")["value"]
            *above, last = key.path.split(".")
            table = written
            for name in above:
                table = table.setdefault(name, {})
            table[last] = value
    project, other = map(kdrvgen.Project.model_validate, (smallest, written))
    assert kdrvgen.render(project) == kdrvgen.render(other)


def test_every_key_has_a_description() -> None:
    texts = [(key.name, text) for key in keys() for text in (key.text, key.change, key.without)]
    assert [(name, text) for name, text in texts if not text.endswith((".", "?"))] == []
