"""`[driver]` and `[toolchain]`: what to build, for which machines and with which compiler."""

import datetime as dt
import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from kdrvgen.model.base import Table, Text, problem
from kdrvgen.model.names import FileName, Identifier, PackageName, RelativePath
from kdrvgen.model.version_info import VersionInfo

__all__ = ["TARGET_NAMES", "Channel", "Driver", "Target", "Toolchain"]

Target = Literal["x86_64-pc-windows-msvc", "i686-pc-windows-msvc", "aarch64-pc-windows-msvc"]
"""A target triple for which Windows loads kernel drivers."""

TARGET_NAMES = {
    **dict.fromkeys(("x64", "amd64", "win64"), "x86_64-pc-windows-msvc"),
    **dict.fromkeys(("x86", "i386", "win32"), "i686-pc-windows-msvc"),
    "arm64": "aarch64-pc-windows-msvc",
}
"""Target triples by the names of the architectures in Visual Studio, the WDK and Windows."""


def _image(value: str) -> str:
    if value.lower().endswith((".sys", ".dll")):
        raise problem("write the name without its extension", hint=f"write `{value[:-4]}`")
    return value


def _workspace_root(value: str) -> str:
    if not re.fullmatch(r"\.\.(/\.\.)*", value):
        raise problem(
            f"`{value}` does not lead to a folder above the project folder",
            hint="write one `..` for each folder level, such as `../..`",
        )
    return value


def _output_dir(value: str) -> str:
    unknown = re.sub(r"\{(target|profile)\}", "", value)
    if "{" in unknown or "}" in unknown:
        raise problem(
            f"`{value}` contains an unknown placeholder",
            hint="use `{target}` or `{profile}`",
        )
    return value


def _build_script(value: str) -> str:
    if not value.endswith(".rs"):
        raise problem(f"`{value}` is not a Rust file", hint="write a name such as `build_own.rs`")
    if value.lower() == "build.rs":
        raise problem(
            "kdrvgen writes build.rs itself", hint="rename your file, for example to `build_own.rs`"
        )
    if value.lower().startswith(".kdrvgen/"):
        raise problem(
            "kdrvgen writes the files in .kdrvgen",
            hint="move your file, for example to `build_own.rs`",
        )
    return value


def _some_targets(value: tuple[Target, ...] | None) -> tuple[Target, ...] | None:
    if value is not None and not value:
        raise problem(
            "the list is empty", hint='leave the key out for `["x86_64-pc-windows-msvc"]`'
        )
    if value is not None and len(set(value)) < len(value):
        raise problem("a target is in the list twice")
    return value


class Driver(Table):
    """The driver itself. Only `name` has no default."""

    name: PackageName
    """Name of the Cargo package, as in Cargo.toml.

    Change: When you rename the package in Cargo.toml. cargo builds the package of this name.
    Without: An error: this is the only key without a default.
    Source: https://doc.rust-lang.org/cargo/reference/manifest.html#the-name-field
    """

    output_name: Annotated[FileName, AfterValidator(_image)] | None = None
    """Name of the image without `.sys`.

    By default the library's name: the package's name with underscores instead of hyphens.

    Change: When the image must not have the package's name: a name with blanks, or the name of an
        older driver.
    Without: The library's name.
    """

    model: Literal["wdm", "kmdf", "umdf"] = "wdm"
    """Driver model: WDM and KMDF run in the kernel, UMDF in a host process.

    Change: To `kmdf` for a driver that uses the kernel-mode framework, to `umdf` for a driver in
        user mode.
    Without: WDM, which needs no framework and no kit.
    Source:
        https://learn.microsoft.com/windows-hardware/drivers/gettingstarted/choosing-a-driver-model
    """

    entry_point: Identifier | None = None
    """The function that Windows calls first.

    By default `driver_entry`; for KMDF `DriverEntry`, which the framework's own `FxDriverEntry`
    calls.

    Change: When the sources use another name, such as `DriverEntry`.
    Without: `driver_entry`.
    Source: https://learn.microsoft.com/windows-hardware/drivers/wdf/driverentry-for-kmdf-drivers
    """

    target: Target | None = None
    """Shorthand for `targets` with one element.

    Change: When there is one target other than x64.
    Without: x64.
    Source: https://doc.rust-lang.org/rustc/platform-support.html
    """

    targets: Annotated[tuple[Target, ...] | None, AfterValidator(_some_targets)] = None
    """Target triples to build for.

    The first is the default one: x86_64-pc-windows-msvc if none is given.

    Change: When there are several. `cargo make sign-all` builds and signs all of them.
    Without: x64.
    Source: https://doc.rust-lang.org/rustc/platform-support.html
    """

    output_dir: Annotated[RelativePath, AfterValidator(_output_dir)] | None = None
    """Folder of the signed driver, from the project folder: `.sys`, `.pdb` and `.cer`.

    `{target}` and `{profile}` stand for the target triple and the profile. With several targets,
    `{target}` is required. Your own tasks find the folder in `DRIVER_OUTPUT` and the driver in
    `DRIVER_PATH`.

    Change: When another tool expects the driver in a certain folder, such as `dist/{target}`.
    Without: `driver/NAME/TARGET/PROFILE` in the target directory.
    """

    build_script: Annotated[RelativePath, AfterValidator(_build_script)] | None = None
    """Your own build steps: a Rust file with `pub fn main()`, which build.rs runs first.

    It runs as a part of build.rs, also for `cargo check` and for tests. It must print
    `cargo:rerun-if-changed=FILE` for each file that it reads: cargo does not run it again when
    other files change. List its crates in Cargo.toml under `[build-dependencies]`.

    Change: For generated bindings, compiled C code or resources, such as to `build_own.rs`.
    Without: build.rs does only what a driver needs.
    Source: https://doc.rust-lang.org/cargo/reference/build-scripts.html
    """

    kernel_crate: Annotated[bool, Field(strict=True)] = False
    """Write the building blocks, a crate in the folder `kernel`?

    The crate has what drivers need most: the panic handler, an allocator, a log, devices and
    requests. kdrvgen updates it like its other files. Cargo.toml uses it with
    `kernel = { package = "kdrvgen-kernel", path = "kernel" }`. With `workspace-root`, its folder is
    `crates/kernel` in the root of the workspace.

    Change: `kdrvgen new` sets it. Set it to `false` to make the whole crate yours.
    Without: kdrvgen writes no such crate.
    """

    workspace_root: Annotated[Text, AfterValidator(_workspace_root)] | None = None
    """Folder of the Cargo workspace that the driver is a member of, such as `../..`.

    All drivers of the workspace share one folder `.kdrvgen` and, with `kernel-crate`, one folder
    `crates/kernel`, which are written there. They are the only folders outside of the project that
    kdrvgen writes to. The target directory is the workspace's.

    Change: For a member of a workspace; `kdrvgen new` sets it.
    Without: The project has its own folder `.kdrvgen`.
    Source: https://doc.rust-lang.org/cargo/reference/workspaces.html
    """

    version_info: VersionInfo | None = None
    """The version resource of the image, which Explorer and `sigcheck` show."""

    @property
    def triples(self) -> tuple[Target, ...]:
        """The target triples, the default one first."""
        if self.target is not None:
            return (self.target,)
        return self.targets or ("x86_64-pc-windows-msvc",)

    @property
    def output_pattern(self) -> str:
        """`output-dir` or its default, with `{target}` and `{profile}`."""
        return self.output_dir or f"driver/{self.name}/{{target}}/{{profile}}"

    def output_folder(
        self, root: Path, target: str, profile: str, target_dir: Path | None = None
    ) -> Path:
        """Return the folder of the signed image.

        Args:
            root: The project folder.
            target: The target triple.
            profile: The profile of cargo-make.
            target_dir: The target directory; None for that of the project or its workspace.
        """
        home = target_dir or root / (self.workspace_root or "") / "target"
        folder = self.output_pattern.replace("{target}", target).replace("{profile}", profile)
        return (root if self.output_dir else home) / folder

    @property
    def library(self) -> str:
        """The name of the library that rustc makes, and of its .dll."""
        return self.name.replace("-", "_")

    @property
    def stem(self) -> str:
        """The name of the image and the files beside it, without extension."""
        return self.output_name or self.library

    @property
    def image(self) -> str:
        """The file name of the image: `.sys` in the kernel, `.dll` for UMDF's host process."""
        return f"{self.stem}.{'dll' if self.model == 'umdf' else 'sys'}"

    @property
    def entry(self) -> str:
        """The name of the entry function in the source."""
        return self.entry_point or ("driver_entry" if self.model == "wdm" else "DriverEntry")


def _channel(value: str) -> str:
    if not re.fullmatch(
        r"stable|beta|nightly(-\d{4}-\d{2}-\d{2})?|[1-9]\d*\.\d+(\.\d+)?", value, re.ASCII
    ):
        raise problem(
            f"`{value}` is not a valid toolchain channel",
            hint="use stable, beta, nightly, nightly-YYYY-MM-DD or a version such as 1.84.0",
        )
    _, _, day = value.partition("-")
    try:
        _ = day and dt.date.fromisoformat(day)
    except ValueError:
        raise problem(f"the date `{day}` does not exist") from None
    return value


Channel = Annotated[Text, AfterValidator(_channel)]


class Toolchain(Table):
    """The Rust toolchain."""

    channel: Channel = "stable"
    """`stable`, `beta`, `nightly`, `nightly-YYYY-MM-DD` or a version.

    With `stable` the build uses rustup's active toolchain. It requests any other channel by name.

    Change: When the sources need a nightly compiler, or when the whole team must use the same
        compiler.
    Without: The active toolchain.
    Source: https://rust-lang.github.io/rustup/concepts/channels.html
    """

    build_std: tuple[Literal["core", "alloc", "compiler_builtins"], ...] = Field(default=())
    """Crates of the standard library to build from source. Needs a nightly channel.

    Change: For a target whose library rustup does not provide, or to compile the library with your
        own flags.
    Without: The target's precompiled library.
    Source: https://doc.rust-lang.org/cargo/reference/unstable.html#build-std
    """

    cargo_config: Literal[".cargo/config.toml", ".cargo/config"] = ".cargo/config.toml"
    """Where the cargo configuration is written.

    The name without `.toml` is for cargo before 1.39.

    Change: Only for cargo before 1.39.
    Without: `.cargo/config.toml`. kdrvgen reports a `.cargo/config` beside it, because cargo would
        use that file instead.
    Source: https://doc.rust-lang.org/cargo/reference/config.html#hierarchical-structure
    """

    @property
    def is_nightly(self) -> bool:
        """Whether the toolchain accepts unstable options."""
        return self.channel.startswith("nightly")
