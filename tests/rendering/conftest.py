"""The real tools that check generated files."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.tools import need

FindTool = Callable[[str], str]


@pytest.fixture(scope="session")
def tool() -> FindTool:
    """Return the path of a program; without it the test is skipped, and fails in CI."""

    def find(name: str) -> str:
        need(name)
        return shutil.which(name) or name

    return find


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep kdrvgen's stamps out of the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that need one of the tools: the fast ones need Python alone."""
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here) and "tool" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)
