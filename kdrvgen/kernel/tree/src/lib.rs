//! Building blocks for Windows kernel drivers.
//!
//! [`driver!`] turns a crate into a driver. The other modules are independent of each other, and the
//! linker leaves out what a driver does not use.
//!
//! # What code in the kernel must not do
//!
//! - **Use much stack.** A kernel stack has 12 KB on x86 and 24 KB on x64 and ARM64, for all
//!   drivers that a request passes through. Keep frames below 2 KB, and put larger values in static
//!   or allocated memory. `sort_unstable` needs almost no stack; the stable `sort` of a slice and
//!   `collect::<BTreeMap<_, _>>` use 8 KB. In a debug build, `Box::new([0; 4096])` first makes the
//!   array on the stack: use `vec![0; 4096]`.
//! - **Use AVX.** Windows does not save the upper halves of the registers for kernel code, so it would
//!   overwrite those of the program that it interrupts. Call `KeSaveExtendedProcessorState` before AVX
//!   code that you write yourself. Rust code that is compiled with AVX uses it anywhere, so this crate
//!   refuses to compile with it.
//! - **Use floating point on x86.** 32-bit Windows saves neither x87 nor SSE registers for kernel code.
//!   Call `KeSaveFloatingPointState` before, and `KeRestoreFloatingPointState` after it. On x64 and
//!   ARM64, ordinary `f32` and `f64` arithmetic is allowed.
//! - **Panic.** A panic stops the machine: see [`panic`].
//! - **Wait or touch pageable memory at `DISPATCH_LEVEL`.** Each function documents its IRQL. Builds
//!   with debug assertions check it where it is cheap: see [`irql`].
//! - **Outlive the driver.** Threads, timers, work items and notifications end when they are dropped,
//!   which must be in `unload` at the latest: see [`slot`]. One that is forgotten (`mem::forget`) runs
//!   on, in code that is gone.
//!
//! # Tests
//!
//! A build with `panic = "abort"` for Windows is for the kernel. In any other build, such as that of
//! `cargo test --lib`, the functions of the kernel panic if they are called, and [`log!`] discards
//! its lines. So the logic of a driver can be tested on every host.

#![no_std]
#![deny(unsafe_op_in_unsafe_fn)]
#![allow(clippy::doc_markdown)] // WinDbg and DebugView are names of programs

#[cfg(all(windows, panic = "abort", target_feature = "avx"))]
compile_error!(
    "the driver would be compiled with AVX instructions: kernel code must call \
     KeSaveExtendedProcessorState before it uses AVX, and compiled Rust code does not. Remove \
     `target-cpu` or `target-feature` from the flags for rustc."
);

mod driver;
mod import;

pub mod allocator;
pub mod device;
pub mod dpc;
pub mod event;
pub mod file;
pub mod handle;
pub mod irql;
pub mod lock;
pub mod log;
pub mod mdl;
pub mod mutex;
pub mod notify;
pub mod nt;
pub mod object;
pub mod open;
pub mod panic;
pub mod process;
pub mod queue;
pub mod registry;
pub mod request;
pub mod resource;
#[cfg(all(windows, panic = "abort"))]
mod runtime;
pub mod security;
pub mod shared;
pub mod slot;
pub mod string;
pub mod thread;
pub mod time;
pub mod timer;
pub mod transfer;
pub mod wait;
pub mod work_item;

#[doc(hidden)]
pub use driver::{initialize, status_of, Start};
#[doc(hidden)]
pub use import::unavailable;
pub use nt::{DeviceObject, DriverObject, Irp, NtError, NtStatus, UnicodeString};
