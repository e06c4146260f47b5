"""`[makefile]`: the user's own tasks and environment, passed through into Makefile.toml."""

from kdrvgen.model.base import FrozenTable, Table
from kdrvgen.model.free_form import FreeForm

__all__ = ["Makefile"]


class Makefile(Table):
    """Your own part of Makefile.toml. The terms are cargo-make's."""

    env: FreeForm = FrozenTable()
    """Entries for cargo-make's `[env]`.

    Change: For variables of your own. `makefile.env.NAME` with the name of a profile counts in
        that profile only.
    Without: Only kdrvgen's own variables.
    Source: https://sagiegurari.github.io/cargo-make/#usage-env
    """

    tasks: FreeForm = FrozenTable()
    """Tasks, each as cargo-make takes it under `[tasks]`.

    Change: For tasks of your own, such as `dependencies = ["sign"]` and a command that copies
        the image.
    Without: Only kdrvgen's own tasks.
    Source: https://sagiegurari.github.io/cargo-make/#usage-task-dependencies-alias
    """
