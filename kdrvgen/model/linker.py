"""`[linker]`: how the image is linked."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from kdrvgen.model.base import Filled, Table, problem

__all__ = ["Linker"]


def _program(value: str) -> str:
    if value in {"auto", "link", "rust-lld", "lld-link"} or "/" in value or "\\" in value:
        return value
    raise problem(
        f"`{value}` is no linker that is known here",
        hint="auto, link, rust-lld, lld-link, or a path with a `/` in it",
    )


def _argument(value: str) -> str:
    if value.startswith(("-C", "-Z")):
        raise problem(
            f"`{value}` is a flag for rustc, and here stand arguments for the linker",
            hint="put it into `rustflags`, or write the linker's argument alone, such as `/MAP`",
        )
    if value[0] == "@":
        raise problem("a response file would hide from here what the linker is told")
    if value[0] not in "/-" and not re.search(r"\.(lib|obj|o|a|res|def)$", value, re.IGNORECASE):
        raise problem(
            f"`{value}` is neither a switch nor a library: the linker would look for such a file",
            hint=f"write `/{value}`",
        )
    if re.search(r"\s/[A-Z]+(:|$)", value):
        raise problem(
            "these are several arguments in one, and the linker takes it for one",
            hint="write " + ", ".join(f'"{part}"' for part in value.split()),
        )
    return value


_Argument = Annotated[Filled, AfterValidator(_argument)]


def _rustflag(value: str) -> str:
    name = value.partition("=")[0]
    if name in {"--target", "--out-dir", "-o", "--crate-type", "--crate-name", "--emit"}:
        raise problem(f"`{name}` is set by cargo itself and breaks the build here")
    if name.removeprefix("-C") in {"link-arg", "link-args", "linker"}:
        raise problem(
            "arguments for the linker have keys of their own", hint="`args`, `pre-args`, `program`"
        )
    if value[0] == "@":
        raise problem("a file of flags would hide from here what rustc is told")
    return value


class Linker(Table):
    """The linker and its arguments."""

    program: Annotated[Filled, AfterValidator(_program)] = "auto"
    """`auto`, `link`, `rust-lld`, `lld-link` or a path.

    `auto` is Microsoft's link.exe on Windows, found by rustc; elsewhere the rust-lld of the Rust
    toolchain, or else LLVM's lld-link.

    Change: When another linker is wanted than the one that is found.
    Without: link.exe on Windows, LLVM's linker elsewhere.
    Source: https://doc.rust-lang.org/cargo/reference/config.html#targettriplelinker
    """

    preset: Literal["kernel", "blog-2020", "none"] = "kernel"
    """The arguments to start from.

    `kernel` is today's set, `blog-2020` that of the original blog; `none` is none at all.

    Change: To `blog-2020` for a project that shall stay as it was, to `none` to say every
        argument yourself.
    Without: Today's set.
    Source: https://learn.microsoft.com/cpp/build/reference/linker-options
    """

    pre_args: tuple[_Argument, ...] = ()
    """Arguments before the objects.

    Needs nightly's `-Z pre-link-arg`; with any other channel they stand after the objects, before
    all other arguments.

    Change: For what has to stand before the objects; with Microsoft's and LLVM's linkers hardly
        anything has to.
    Without: Nothing stands there.
    Source: https://doc.rust-lang.org/nightly/unstable-book/compiler-flags/pre-link-arg.html
    """

    args: tuple[_Argument, ...] = ()
    """Arguments after those of the preset, in this order.

    Change: For what the preset does not have, such as `/MAP`. A later argument wins over an
        earlier one.
    Without: The preset alone.
    Source: https://learn.microsoft.com/cpp/build/reference/linker-options
    """

    remove: tuple[Filled, ...] = ()
    """Arguments of the preset to leave out. `/OPT` leaves out every `/OPT:…`.

    Change: For what the preset has and the driver does not want, such as `/INTEGRITYCHECK`.
    Without: The whole preset.
    """

    emit: Literal["cargo-config", "build-script"] = "cargo-config"
    """Where the arguments are written.

    The cargo configuration is quick to read, but a RUSTFLAGS in the environment replaces it; a
    build script's arguments survive that.

    Change: To `build-script` where a RUSTFLAGS is set in the environment, as some CI does.
    Without: `cargo build` passes the arguments too, as the cargo configuration says them.
    Source: https://doc.rust-lang.org/cargo/reference/config.html#buildrustflags
    """

    rustflags: tuple[Annotated[Filled, AfterValidator(_rustflag)], ...] = ()
    """Other flags for rustc.

    Change: For flags of rustc, such as `-Ctarget-feature=+crt-static`.
    Without: cargo's own flags.
    Source: https://doc.rust-lang.org/rustc/codegen-options
    """

    reproducible: Annotated[bool, Field(strict=True)] = False
    """Same sources, same image on every machine.

    That is `/Brepro`, no path of this machine in the image, and off Windows no .pdb: the image
    would hold its digest, and it names temporary files of the one run.

    Change: For releases that others shall be able to check against the sources.
    Without: The image holds the time of its linking and paths of the machine.
    Source: https://reproducible-builds.org/docs/definition
    """
