"""The project that a draft describes, without the values that config.toml does not accept."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pydantic import ValidationError

from kdrvgen.adopt.propose.draft import Draft
from kdrvgen.adopt.read.findings import difference
from kdrvgen.adopt.read.refusal import manifest_error
from kdrvgen.adopt.read.snapshot import Snapshot
from kdrvgen.config.keys import dotted
from kdrvgen.credentials import mask
from kdrvgen.errors import ConfigError
from kdrvgen.model import Project
from kdrvgen.report.finding import Finding

__all__ = ["validate"]

_MAX_CORRECTIONS = 200


def validate(snapshot: Snapshot, draft: Draft) -> tuple[Project, list[Finding]]:
    """Return the project, and remove from the draft what the model does not accept.

    Raises:
        ConfigError: The name of the driver is not accepted, or too many values are not.
    """
    findings: list[Finding] = []
    for _ in range(_MAX_CORRECTIONS):
        try:
            return Project.model_validate(draft.document(), by_alias=True, by_name=False), findings
        except ValidationError as invalid:
            error = invalid.errors(include_url=False)[0]
            path = list(error["loc"])
            context = error.get("ctx", {})
            message, hint = context.get("message", error["msg"]), context.get("hint", "")
            if path[:2] == ["driver", "name"]:
                raise _name_error(snapshot, draft, message, hint) from invalid
            origin = draft.drop(path)
            if path[-1:] == ["[key]"]:  # pydantic's mark; the name of a key may be the same
                origin = origin or draft.drop(path[:-1])
                path.pop()
            if origin is None:
                raise manifest_error(snapshot, ("package",), message, hint) from invalid
            key = mask(dotted(tuple(part for part in path if isinstance(part, str))))
            reason = "the value looks like a secret" if context.get("secret") else message
            refusal = f"config.toml does not accept this `{key}`: {reason}"
            findings.append(difference(origin, refusal, hint))
    message = f"config.toml does not accept more than {_MAX_CORRECTIONS} values of the project"
    raise manifest_error(snapshot, ("package",), message, "")


def _name_error(snapshot: Snapshot, draft: Draft, message: str, hint: str) -> ConfigError:
    driver = draft.document().get("driver", {})
    name = str(driver.get("name", "")) if isinstance(driver, Mapping) else ""
    advice = "cargo does not accept such a name either" if re.match(r"\d", name) else hint
    return manifest_error(snapshot, ("package", "name"), message, advice)
