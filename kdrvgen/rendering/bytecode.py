"""Compiled templates, kept between runs: compiling them costs more than rendering them."""

from __future__ import annotations

from contextlib import suppress

from jinja2 import BytecodeCache, FileSystemBytecodeCache
from jinja2.bccache import Bucket

from kdrvgen.cache import folder

__all__ = ["bytecode_cache"]


class _BytecodeCache(FileSystemBytecodeCache):
    """Where nothing can be kept, nothing is: a full disk under the cache fails no run."""

    def load_bytecode(self, bucket: Bucket) -> None:
        with suppress(OSError):
            super().load_bytecode(bucket)

    def dump_bytecode(self, bucket: Bucket) -> None:
        with suppress(OSError):
            super().dump_bytecode(bucket)


def bytecode_cache() -> BytecodeCache | None:
    """Return Jinja2's cache of compiled templates, or None where no folder can be trusted.

    Jinja2 keys each entry by the template's text, so that a changed template is never met compiled.
    """
    where = folder("templates")
    return _BytecodeCache(where) if where else None
