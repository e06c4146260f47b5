"""Compiled templates, kept between runs: compiling them costs more than rendering them."""

from __future__ import annotations

from jinja2 import BytecodeCache, FileSystemBytecodeCache

from kdrvgen.cache import folder

__all__ = ["bytecode_cache"]


def bytecode_cache() -> BytecodeCache | None:
    """Return Jinja2's cache of compiled templates, or None where no folder can be trusted.

    Jinja2 keys each entry by the template's text, so that a changed template is never met compiled.
    """
    where = folder("templates")
    return FileSystemBytecodeCache(where) if where else None
