"""Render the texts of a user's own template, as a process of its own that gets only plain data.

`isolation.py` starts it. It reads a request from standard input and writes the response to standard
output, both as JSON. It imports nothing of the model: a template never sees an object with methods
of its own, only texts, booleans and lists.
"""

from __future__ import annotations

import json
import operator
import sys
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

from jinja2 import BaseLoader, StrictUndefined, TemplateNotFound, TemplateSyntaxError, Undefined
from jinja2.environment import Template
from jinja2.exceptions import SecurityError, TemplateError
from jinja2.filters import FILTERS
from jinja2.runtime import BlockReference, Context, LoopContext, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment, safe_range
from jinja2.utils import Namespace

from kdrvgen.rendering import quoting
from kdrvgen.scaffold.exchange import (
    CPU_SECONDS,
    LARGEST_OUTPUT,
    MEMORY,
    Failure,
    Item,
    Request,
    Response,
)

__all__ = ["environment", "main"]

_FILTERS = (
    *("abs", "batch", "capitalize", "count", "d", "default", "dictsort", "first", "groupby"),
    *("indent", "int", "items", "join", "last", "length", "list", "lower", "map", "max", "min"),
    *("reject", "rejectattr", "replace", "reverse", "select", "selectattr", "slice", "sort"),
    *("string", "sum", "title", "trim", "unique", "upper"),
)
"""The filters of Jinja2 that a template can use: pure, and the same on each run."""

_METHODS: dict[type, frozenset[str]] = {
    str: frozenset(
        {"capitalize", "endswith", "isalnum", "isalpha", "isdigit", "lower", "lstrip"}
        | {"partition", "removeprefix", "removesuffix", "replace", "rpartition", "rsplit"}
        | {"rstrip", "split", "splitlines", "startswith", "strip", "title", "upper"}
    ),
    dict: frozenset({"get", "items", "keys", "values"}),
}
"""The methods that a template can call, by the type of the value."""

_QUOTING: dict[str, Callable[..., str]] = {
    "gitignore": quoting.gitignore,
    "key": quoting.key,
    "markdown": quoting.markdown,
    "rust": quoting.rust,
    "toml": quoting.toml,
}

_INTEGERS: dict[str, Callable[[Any, Any], Any]] = {
    "*": operator.mul,
    "%": operator.mod,
    "//": operator.floordiv,
}
_LARGEST_INTEGER = 2**63


class _Included(BaseLoader):
    """Loads the template's own files; the names are the whole world."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts

    def get_source(
        self, environment: object, template: str
    ) -> tuple[str, str, Callable[[], bool] | None]:
        del environment
        if template not in self._texts:
            raise TemplateNotFound(template)
        return self._texts[template], template, None


class _Environment(ImmutableSandboxedEnvironment):
    """Jinja2's sandbox, which calls macros and harmless methods of plain values only."""

    # Each of these can make a huge value of a short text.
    intercepted_binops = frozenset({"*", "**", "%", "/", "//"})

    def is_safe_callable(self, obj: object) -> bool:
        if obj is safe_range or obj is Namespace:
            return True
        # An undefined value reports itself, with its name.
        if isinstance(obj, Macro | BlockReference | LoopContext | Undefined):
            return True
        owner = getattr(obj, "__self__", None)
        if isinstance(owner, LoopContext):
            return True
        name = getattr(obj, "__name__", None) or type(obj).__name__
        if name in _METHODS.get(type(owner), ()):
            return True
        raise SecurityError(f"a template cannot call `{name}`")

    def call_binop(
        self,
        context: Context,
        operator: str,  # as in the base class
        left: object,
        right: object,
    ) -> object:
        del context
        calculate = _INTEGERS.get(operator)
        if calculate is None or not (_is_small(left) and _is_small(right)):
            raise SecurityError(f"a template cannot use `{operator}` with these values")
        return calculate(left, right)


def _is_small(value: object) -> bool:
    return isinstance(value, int) and abs(value) < _LARGEST_INTEGER


def environment(included: Mapping[str, str]) -> ImmutableSandboxedEnvironment:
    """Return an environment for templates that nobody trusts.

    Args:
        included: The texts that they can include or import, by their names.
    """
    found = _Environment(
        autoescape=False,
        keep_trailing_newline=True,
        loader=_Included(included),
        lstrip_blocks=True,
        trim_blocks=True,
        undefined=StrictUndefined,
    )
    found.globals.clear()
    found.globals |= {"range": safe_range, "namespace": Namespace}
    found.filters = {name: FILTERS[name] for name in _FILTERS} | _QUOTING
    return found


def main() -> None:
    """Answer the request on standard input."""
    request: Request = json.load(sys.stdin.buffer)
    _limit()
    sys.stdout.buffer.write(json.dumps(_respond(request)).encode())


def _limit() -> None:
    """Limit what this process can use, as far as the system allows."""
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ModuleNotFoundError:
        return
    limits = {
        resource.RLIMIT_AS: MEMORY,
        resource.RLIMIT_CPU: CPU_SECONDS,
        resource.RLIMIT_FSIZE: 0,  # it writes no file
        resource.RLIMIT_CORE: 0,
    }
    for kind, limit in limits.items():
        hard = resource.getrlimit(kind)[1]
        allowed = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (allowed, allowed))


def _respond(request: Request) -> Response:
    found = environment(request["included"])
    variables = {name: _plain(value) for name, value in request["variables"].items()}
    results: list[str | None] = []
    failures: list[Failure] = []
    left = LARGEST_OUTPUT
    for number, item in enumerate(request["items"]):
        # If the system ends this process, the last number names the item.
        sys.stderr.write(f"{number}\n")
        sys.stderr.flush()
        is_condition = True
        try:
            if item["when"] and not _is_true(found, item["when"], variables):
                results.append(None)
                continue
            is_condition = False
            text = _rendered(found, item, variables, left)
        except Exception as error:  # noqa: BLE001 - a template can make any filter fail
            file, line = (item["file"], 0) if is_condition else _place(error, item["file"])
            failures.append(
                {
                    "item": number,
                    "file": file,
                    "line": line,
                    "is_condition": is_condition,
                    "message": _message(error, is_condition=is_condition),
                }
            )
        else:
            results.append(text)
            left -= len(text)
    return {"results": results, "failures": failures}


def _plain(value: object) -> object:
    """Return a JSON value whose objects have attributes instead of methods."""
    if isinstance(value, dict):
        return SimpleNamespace(**{name: _plain(each) for name, each in value.items()})
    if isinstance(value, list):
        return tuple(_plain(each) for each in value)
    return value


def _is_true(
    found: ImmutableSandboxedEnvironment, expression: str, variables: Mapping[str, Any]
) -> bool:
    condition = found.compile_expression(expression, undefined_to_none=False)
    # As in kdrvgen's own templates, an option needs no `options.`.
    return bool(condition(**{**vars(variables["options"]), **variables}))


def _rendered(
    found: ImmutableSandboxedEnvironment, item: Item, variables: Mapping[str, Any], left: int
) -> str:
    code = found.compile(item["source"], None, item["file"])
    template = Template.from_code(found, code, found.make_globals(None))
    parts: list[str] = []
    for part in template.generate(variables):
        left -= len(part)
        if left < 0:
            raise MemoryError
        parts.append(part)
    return "".join(parts)


def _place(error: Exception, file: str) -> tuple[str, int]:
    """Return the file and line of an error: the innermost in the traceback, made by Jinja2."""
    if isinstance(error, TemplateSyntaxError):
        return error.filename or error.name or file, error.lineno
    line = 0
    traceback = error.__traceback__
    while traceback:
        if "__jinja_exception__" in traceback.tb_frame.f_globals:
            file, line = traceback.tb_frame.f_code.co_filename, traceback.tb_lineno
        traceback = traceback.tb_next
    return file, line


def _message(error: Exception, *, is_condition: bool) -> str:
    if is_condition and isinstance(error, TemplateSyntaxError):
        return "this is not a valid expression of Jinja2"
    if isinstance(error, MemoryError):
        return "the result is too large, or needs too much memory"
    if isinstance(error, RecursionError):
        return "the template is nested too deeply, or calls or includes itself"
    if isinstance(error, TemplateNotFound):
        return f"the folder include has no file `{error.name}`"
    text = str(error.message if isinstance(error, TemplateError) else error)
    return text.strip().rstrip(".") or type(error).__name__
