"""The Jinja environment of all templates."""

from __future__ import annotations

from jinja2 import BaseLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from kdrvgen.rendering import quoting

__all__ = ["sandbox"]


def sandbox(loader: BaseLoader | None = None) -> ImmutableSandboxedEnvironment:
    """Return an environment whose templates look like their output, with the common filters.

    An unknown variable is an error, a line that has only a block leaves no line, and a template
    cannot reach or change Python objects.
    """
    environment = ImmutableSandboxedEnvironment(
        autoescape=False,
        auto_reload=False,
        keep_trailing_newline=True,
        loader=loader,
        lstrip_blocks=True,
        trim_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters |= {"key": quoting.key, "rust": quoting.rust, "toml": quoting.toml}
    return environment
