"""The commands of the program, one module for each.

A command's module has two functions, and is imported only when the command runs:

    populate_parser(parser: argparse.ArgumentParser) -> None
    run(arguments: argparse.Namespace, reporter: Reporter) -> int

With `INTERMIXED = True`, its options can be between its positional arguments.
"""

from __future__ import annotations

__all__ = ["DEFAULT", "VERBS"]

DEFAULT = "generate"
"""The command that runs if the first argument is a configuration and not a command."""

VERBS = {
    "adopt": "turn a hand-written project into a config.toml",
    "new": "create a project from a template",
    "completion": "print the script that completes kdrvgen's words in a shell",
    "ci": "write a workflow that checks, builds and loads the drivers on GitHub",
    "doctor": "report what is missing on this machine; --fix installs it",
    "eject": "make generated files yours; kdrvgen then leaves them alone",
    "explain": "explain a key, a linker argument or another term",
    "package": "make the driver package of a signed image: INF, catalog and files",
    "schema": "print the JSON schema of config.toml, for editors",
    "submission": "make the cabinet and the requests for Microsoft's signature of a driver",
    "verify": "report why Windows would not load a driver image, and what to do",
    "why": "show which keys of config.toml a generated line comes from",
}
"""The name of each command, which is also its module's name, and what it does."""
