"""The template `workspace` on Windows: one `cargo make` for all drivers."""

from __future__ import annotations

import pytest

from kdrvgen import bootstrap
from tests.pipeline.support import X64
from tests.windows.bed import Windows

pytestmark = [pytest.mark.slow, pytest.mark.wine]


def test_one_cargo_make_signs_every_driver(windows: Windows) -> None:
    bootstrap(
        windows.home / "a b & c", "hello", "workspace", config={"signing": {"timestamp-url": ""}}
    )
    folder = windows.home / "a b & c/hello"
    windows.install_kits()

    done = windows.make("sign", cwd=folder)
    assert done.code == 0, done.output
    signed = [call["argv"][-1] for call in windows.calls("signtool") if call["argv"][0] == "sign"]
    assert len(signed) == 2
    output = f"{X64}/development"
    for package, name in (("hello", "hello.sys"), ("hello-second", "hello_second.sys")):
        assert (folder / "target/driver" / package / output / name).is_file()
    assert len(list(folder.glob("target/kdrvgen/windows-*/pipeline.exe"))) == 1

    done = windows.make("sign", cwd=folder)
    assert done.code == 0, done.output
    assert len(windows.calls("signtool")) == len(signed)

    source = folder / "drivers/first/src/lib.rs"
    source.write_text(source.read_text(encoding="utf-8").replace("unload", "un load"))
    done = windows.make("sign", cwd=folder)
    assert done.code != 0
    assert "hello-second" not in done.output
