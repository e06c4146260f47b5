"""`[makefile]`: the user's own tasks and environment, passed through into Makefile.toml."""

from collections.abc import Mapping

from kdrvgen.model.base import Filled, FrozenTable, Table, to_kebab
from kdrvgen.model.free_form import FreeForm

__all__ = ["Hooks", "Makefile"]


class Hooks(Table):
    """Tasks of your own that the generated tasks run between their steps."""

    before_build: tuple[Filled, ...] = ()
    """Tasks that run before cargo builds the driver.

    They can write sources that the driver includes. Each hook runs once in a run of cargo-make, for
    the target and the profile of that run, and sees `DRIVER_PATH`, `DRIVER_OUTPUT` and the other
    variables. A hook that fails ends the run.

    Change: For code generators and checks, such as `before-build = ["lint"]` with a task
        `[makefile.tasks.lint]`.
    Without: No task runs before the build.
    """

    after_build: tuple[Filled, ...] = ()
    """Tasks that run when the unsigned image is at `DRIVER_PATH`, and its PDB at `DRIVER_PDB`.

    They can read the image and must not change it: `sign` fails if the image or the DLL is not what
    the linker wrote.

    Change: For tasks that need the linked image: a symbol server, a check of its size or imports.
    Without: No task runs at this point.
    """

    before_sign: tuple[Filled, ...] = ()
    """Tasks that run right before the image is signed, with the test certificate in place.

    They must not change the image: `sign` fails if they do.

    Change: To prepare the signature, for example to unlock a token.
    Without: No task runs at this point.
    """

    after_sign: tuple[Filled, ...] = ()
    """Tasks that run after the image at `DRIVER_PATH` is signed, or was already up to date.

    They must not change the image: `sign` checks it again after them, and fails if they did.

    Change: For tasks that need the signed image: to copy it to a test machine, to archive it.
    Without: No task runs after the signature.
    """

    before_package: tuple[Filled, ...] = ()
    """Tasks that run after the image is signed, and before the driver package is made of it.

    They can write the files that `package.extra-files` names. They must not change the image.

    Change: To prepare files of the package, such as firmware.
    Without: No task runs at this point.
    """

    after_package: tuple[Filled, ...] = ()
    """Tasks that run after the driver package is complete, or was already up to date.

    The package is the folder `package` in `DRIVER_OUTPUT`. They must not change it: `package`
    checks it again after them, and fails if they did.

    Change: To copy the package to a test machine, or to archive it.
    Without: No task runs after the package.
    """

    @property
    def by_point(self) -> Mapping[str, tuple[str, ...]]:
        """The hooks by their keys, in the order in which they run."""
        return {to_kebab(name): getattr(self, name) for name in type(self).model_fields}


class Makefile(Table):
    """Your own part of Makefile.toml. The terms are cargo-make's."""

    env: FreeForm = FrozenTable()
    """Entries for cargo-make's `[env]`.

    Change: For your own variables. `makefile.env.NAME` with the name of a profile applies only in
        that profile.
    Without: Only kdrvgen's own variables.
    Source: https://sagiegurari.github.io/cargo-make/#usage-env
    """

    tasks: FreeForm = FrozenTable()
    """Tasks, each as cargo-make takes it under `[tasks]`.

    Change: For your own tasks, such as one with `dependencies = ["sign"]` and a command that copies
        the image.
    Without: Only kdrvgen's own tasks.
    Source: https://sagiegurari.github.io/cargo-make/#usage-task-dependencies-alias
    """

    hooks: Hooks = Hooks.model_construct()
    """Tasks of your own that run at certain points of the pipeline."""
