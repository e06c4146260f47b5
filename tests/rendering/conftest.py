"""The real tools that judge generated files."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator

import pytest

FindTool = Callable[[str], str]


@pytest.fixture(scope="session")
def tool() -> FindTool:
    """Return the path of a program; without it the test is skipped, and fails in CI."""

    def find(name: str) -> str:
        found = shutil.which(name)
        if found:
            return found
        told = f"{name} is not installed"
        if os.environ.get("CI"):
            pytest.fail(told)
        pytest.skip(told)

    return find


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep kdrvgen's stamps out of the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield
