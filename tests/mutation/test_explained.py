"""The list of explained mutants."""

from __future__ import annotations

from tests.mutation.explained import stale


def test_each_explained_mutant_exists_in_the_source() -> None:
    assert list(stale()) == []
