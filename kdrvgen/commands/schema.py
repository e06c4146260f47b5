"""`kdrvgen schema`: the JSON schema of config.toml, for editors."""

from __future__ import annotations

import argparse

from kdrvgen.model.schema import schema, schema_text
from kdrvgen.report.reporter import Reporter

__all__ = ["populate_parser", "run"]


def populate_parser(parser: argparse.ArgumentParser) -> None:
    """Describe the command, which has no arguments of its own."""
    parser.epilog = (
        "Save it beside config.toml, and name it in its first line: #:schema ./kdrvgen.schema.json"
    )


def run(arguments: argparse.Namespace, reporter: Reporter) -> int:
    """Print the schema.

    Returns:
        0.
    """
    del arguments
    reporter.answer("schema", schema(), schema_text().removesuffix("\n"))
    return 0
