"""What the program can do: one module for each word that may follow `kdrvgen`.

A verb's module has two functions, and is imported only when its word is given:

    populate_parser(parser: argparse.ArgumentParser) -> None
    run(arguments: argparse.Namespace, reporter: Reporter) -> int

One whose options may stand between its words says so by `INTERMIXED = True`.
"""

from __future__ import annotations

__all__ = ["DEFAULT", "VERBS"]

DEFAULT = "generate"
"""The command that runs when the first word is a configuration and no verb."""

VERBS = {
    "adopt": "turn a hand-written project into a config.toml",
    "new": "make a new project from a template",
    "doctor": "report what is missing on this machine; --fix installs it",
    "eject": "make generated files yours; kdrvgen then leaves them alone",
    "explain": "explain a key, a linker argument or another term",
    "schema": "print the JSON schema of config.toml, for editors",
    "verify": "report why Windows would not load a driver image, and what to do",
    "why": "name the key of config.toml that a generated line comes from",
}
"""Each verb's word, which is its module's name too, and what it does."""
