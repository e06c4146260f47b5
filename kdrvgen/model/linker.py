"""`[linker]`: how to link the image."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from kdrvgen.model.base import Filled, Table, problem

__all__ = ["Linker"]


def _program(value: str) -> str:
    if value in {"auto", "link", "rust-lld", "lld-link"} or "/" in value or "\\" in value:
        return value
    raise problem(
        f"`{value}` is not a known linker",
        hint="use auto, link, rust-lld, lld-link, or a path that contains a `/`",
    )


def _argument(value: str) -> str:
    if value.startswith(("-C", "-Z")):
        raise problem(
            f"`{value}` is a flag for rustc, not an argument for the linker",
            hint="move it to `rustflags`, or write the linker argument alone, such as `/MAP`",
        )
    if value[0] == "@":
        raise problem("kdrvgen cannot check the linker arguments in a response file")
    if value[0] not in "/-" and not re.search(r"\.(lib|obj|o|a|res|def)$", value, re.IGNORECASE):
        raise problem(
            f"`{value}` is neither a switch nor a library: the linker would read it as a file",
            hint=f"write `/{value}`",
        )
    if re.search(r"\s/[A-Z]+(:|$)", value):
        raise problem(
            "the linker would read these arguments as one",
            hint="write " + ", ".join(f'"{part}"' for part in value.split()),
        )
    return value


_Argument = Annotated[Filled, AfterValidator(_argument)]


def _rustflag(value: str) -> str:
    name = value.partition("=")[0]
    if name in {"--target", "--out-dir", "-o", "--crate-type", "--crate-name", "--emit"}:
        raise problem(f"cargo sets `{name}` itself, and setting it here breaks the build")
    if name.removeprefix("-C") in {"link-arg", "link-args", "linker"}:
        raise problem(
            "linker arguments have their own keys", hint="use `args`, `pre-args` or `program`"
        )
    if value[0] == "@":
        raise problem("kdrvgen cannot check the rustc flags in a file")
    return value


class Linker(Table):
    """The linker and its arguments."""

    program: Annotated[Filled, AfterValidator(_program)] = "auto"
    """`auto`, `link`, `rust-lld`, `lld-link` or a path.

    `auto` is Microsoft's link.exe on Windows, found by rustc; elsewhere the rust-lld of the Rust
    toolchain, or else LLVM's lld-link.

    Change: To use another linker than the one that the search finds.
    Without: link.exe on Windows, LLVM's linker elsewhere.
    Source: https://doc.rust-lang.org/cargo/reference/config.html#targettriplelinker
    """

    preset: Literal["kernel", "blog-2020", "none"] = "kernel"
    """The arguments to start from.

    `kernel` is the set of this kdrvgen version, `blog-2020` is the set of the blog post of 2020,
    and `none` is empty.

    Change: To `blog-2020` for an old project that must not change, to `none` to set every argument
        yourself.
    Without: The set `kernel`.
    Source: https://learn.microsoft.com/cpp/build/reference/linker-options
    """

    pre_args: tuple[_Argument, ...] = ()
    """Arguments before the objects.

    They need nightly's `-Z pre-link-arg`. With any other channel they come after the objects and
    before all other arguments.

    Change: For arguments that must come before the objects. Microsoft's and LLVM's linkers rarely
        need this.
    Without: No arguments come before the objects.
    Source: https://doc.rust-lang.org/nightly/unstable-book/compiler-flags/pre-link-arg.html
    """

    args: tuple[_Argument, ...] = ()
    """Arguments after those of the preset, in this order.

    Change: For arguments that the preset does not have, such as `/MAP`. A later argument overrides
        an earlier one.
    Without: Only the arguments of the preset.
    Source: https://learn.microsoft.com/cpp/build/reference/linker-options
    """

    remove: tuple[Filled, ...] = ()
    """Arguments of the preset to leave out. `/OPT` leaves out every `/OPT:…`.

    Change: For an argument of the preset that the driver must not have, such as `/INTEGRITYCHECK`.
    Without: The whole preset.
    """

    emit: Literal["cargo-config", "build-script"] = "cargo-config"
    """Where the arguments are written.

    The cargo configuration is easy to read, but a RUSTFLAGS in the environment replaces its
    arguments. It does not replace the arguments of a build script.

    Change: To `build-script` if the environment sets RUSTFLAGS, as some CI systems do.
    Without: The arguments are in the cargo configuration, so plain `cargo build` also passes them.
    Source: https://doc.rust-lang.org/cargo/reference/config.html#buildrustflags
    """

    rustflags: tuple[Annotated[Filled, AfterValidator(_rustflag)], ...] = ()
    """Other flags for rustc.

    Change: For flags of rustc, such as `-Ctarget-feature=+crt-static`.
    Without: cargo's own flags.
    Source: https://doc.rust-lang.org/rustc/codegen-options
    """

    reproducible: Annotated[bool, Field(strict=True)] = False
    """Make the same image from the same sources on every machine.

    The linker gets `/Brepro`, and the image contains no path of this machine. Outside Windows there
    is no .pdb: it names temporary files of one run, and the image would contain its digest.

    Change: For releases that others must be able to check against the sources.
    Without: The image contains the link time and paths of the machine.
    Source: https://reproducible-builds.org/docs/definition
    """
