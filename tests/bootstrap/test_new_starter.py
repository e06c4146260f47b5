"""The config.toml of a new project, read as people read it."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
import tomli

import kdrvgen
from kdrvgen.model.reference import keys
from tests.bootstrap.support import bootstrap

CONFIGS: dict[str, dict[str, object]] = {
    "defaults": {},
    "kmdf": {"driver": {"model": "kmdf", "output-name": "My Driver"}, "wdk": {"locate": "auto"}},
    "one target": {"driver": {"target": "i686-pc-windows-msvc"}},
    "everything": {
        "driver": {
            "targets": ["aarch64-pc-windows-msvc"],
            "version-info": {"company": "Example"},
        },
        "package": {"kind": "device", "provider": "Example", "submission": {"name": "Hello"}},
        "bootstrap": {"authors": ["A <a@b>"]},
        "toolchain": {"channel": "nightly", "build-std": ["core", "alloc"]},
        "linker": {"args": ["/MAP"]},
        "signing": {"store": "My Store"},
        "profiles": {
            "staging": {"cargo-profile": "release", "signing": {"timestamp-url": ""}},
            "production": {"signing": {"digest": "sha384"}, "linker": {"args": ["/DEBUG"]}},
        },
        "makefile": {
            "env": {"A": {"value": "x", "condition": {"env_not_set": ["A"]}}},
            "tasks": {"hello there": {"script": "a\nb 'c'\n"}},
        },
    },
}


@pytest.mark.one_in(8)
@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())
def test_uncommenting_a_default_changes_nothing(config: dict[str, object], tmp_path: Path) -> None:
    kdrvgen.bootstrap(tmp_path, "hello", config=config)
    text = (tmp_path / "hello" / "config.toml").read_text("utf-8")
    used = re.sub(r"^#(?=[a-z-]+ = )", "", text, flags=re.MULTILINE)
    assert used != text
    assert kdrvgen.render(kdrvgen.loads(used)) == kdrvgen.render(kdrvgen.loads(text))


@pytest.mark.parametrize("name", ["defaults", "everything"])
def test_the_starter_is_the_golden_file(name: str, tmp_path: Path) -> None:
    kdrvgen.bootstrap(tmp_path, "hello", config=CONFIGS[name])
    text = (tmp_path / "hello" / "config.toml").read_text("utf-8")
    text = text.replace(kdrvgen.__version__, "VERSION")
    golden = Path(__file__).parent / "starters" / f"{name}.toml"
    if os.environ.get("KDRVGEN_UPDATE_GOLDEN"):
        golden.write_text(text, "utf-8")
    assert text == golden.read_text("utf-8")


@pytest.mark.one_in(8)
@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())
def test_the_starter_contains_the_chosen_settings(
    config: dict[str, object], tmp_path: Path
) -> None:
    kdrvgen.bootstrap(tmp_path, "hello", config=config)
    written = tomli.loads((tmp_path / "hello" / "config.toml").read_text("utf-8"))
    for table, wanted in config.items():
        assert isinstance(wanted, dict)
        assert written[table] | wanted == written[table]


def test_the_starter_has_every_key_once_in_the_order_of_the_reference(tmp_path: Path) -> None:
    text = (bootstrap(tmp_path, "minimal") / "config.toml").read_text("utf-8")
    pattern = r"^(?:#?(?=[a-z-]+ = )|# `(?=[a-z-]+`: ))([a-z][a-z-]*)"
    shown = re.findall(pattern, text.partition("[profiles")[0], re.MULTILINE)
    known = [
        key.name
        for key in keys()
        if (key.table, key.name) != ("", "cargo-config")
        and key.table not in {"profiles.NAME", "makefile", "makefile.hooks", "bootstrap"}
    ]
    assert shown == known
    assert "\n# `build-script`: Your own build steps: " in text
    assert "\n[cargo-config]\n" in text
    assert max(map(len, text.splitlines())) <= 100


def test_the_starter_omits_options_without_effect_unless_chosen(tmp_path: Path) -> None:
    choices = {"logger": "DbgPrint", "log-component": "IHVBUS", "allocator": False}
    kdrvgen.bootstrap(tmp_path, "hello", config={"bootstrap": choices})
    written = tomli.loads((tmp_path / "hello" / "config.toml").read_text("utf-8"))["bootstrap"]
    assert written | choices == written
    assert not {"log-level", "pool-tag"} & set(written)
