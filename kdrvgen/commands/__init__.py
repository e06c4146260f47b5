"""What the program can do: one module for each word that may follow `kdrvgen`.

A verb's module has two functions, and is imported only when its word is given:

    populate_parser(parser: argparse.ArgumentParser) -> None
    run(arguments: argparse.Namespace, reporter: Reporter) -> int

One whose options may stand between its words says so by `INTERMIXED = True`.
"""

from __future__ import annotations

__all__ = ["DEFAULT", "VERBS"]

DEFAULT = "generate"
"""What is done when the first word is no verb but a configuration."""

VERBS = {
    "adopt": "read a hand-written project and propose the config.toml that reproduces it",
    "new": "begin a project from a template",
    "doctor": "tell what this machine lacks to build, sign and try the driver; --fix mends it",
    "eject": "make generated files yours: kdrvgen leaves them alone, and updates the others",
    "explain": "tell what a key, a linker argument or another term of the field does",
    "schema": "print the JSON schema of config.toml, for editors",
    "verify": "tell what Windows would object to in a driver image, and how to mend it",
    "why": "tell which key of config.toml a line of a generated file comes from",
}
"""Each verb's word, which is its module's name too, and what it does."""
