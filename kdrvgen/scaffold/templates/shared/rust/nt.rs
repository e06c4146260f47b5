//! The part of the kernel's interface that drivers ask for most, written out by hand.
//!
//! Names are those of wdm.h, spelt as Rust spells them. A layout that drifts from the kernel's own
//! is a crash at best, so `layout!` has the compiler hold each against wdm.h's.

/// Fails to compile unless a structure has these offsets, and the size after its name if there is
/// one: on 64-bit machines, and on 32-bit ones.
macro_rules! layout {
    (
        $type:ident $(: $size64:literal, $size32:literal)? {
            $($field:ident: $offset64:literal, $offset32:literal;)+
        }
    ) => {
        const _: () = {
            const IS_64_BIT: bool = cfg!(target_pointer_width = "64");
            $(assert!(
                core::mem::size_of::<$type>() == if IS_64_BIT { $size64 } else { $size32 }
            );)?
            $(assert!(
                core::mem::offset_of!($type, $field)
                    == if IS_64_BIT { $offset64 } else { $offset32 }
            );)+
        };
    };
}

pub mod irp;
pub mod objects;
pub mod status;
pub mod unicode_string;

pub use irp::{IoStackLocation, Irp};
pub use objects::{DeviceObject, DriverObject};
pub use status::NtStatus;
pub use unicode_string::UnicodeString;

/// Declares functions that the kernel exports. `raw-dylib` needs neither a WDK nor an import
/// library.
///
/// ```text
/// import! {
///     "ntoskrnl.exe",
///     extern "system" {
///         fn MmIsAddressValid(address: *const c_void) -> u8;
///     }
/// }
/// ```
///
/// On x86 the kernel exports its functions by their plain names, not by the decorated ones of
/// their calling conventions. `fastcall` is a convention of x86 alone; on other machines such a
/// function is called as all others are.
#[macro_export]
macro_rules! import {
    ($library:literal, $(#[$attribute:meta])* extern "fastcall" { $($functions:tt)* }) => {
        #[cfg(target_arch = "x86")]
        $crate::import! {
            @declare $library, $(#[$attribute])* extern "fastcall" { $($functions)* }
        }
        #[cfg(not(target_arch = "x86"))]
        $crate::import! {
            @declare $library, $(#[$attribute])* extern "system" { $($functions)* }
        }
    };
    ($library:literal, $(#[$attribute:meta])* extern $abi:literal { $($functions:tt)* }) => {
        $crate::import! {
            @declare $library, $(#[$attribute])* extern $abi { $($functions)* }
        }
    };
    (
        @declare $library:literal,
        $(#[$attribute:meta])* extern $abi:literal { $($functions:tt)* }
    ) => {
        #[cfg_attr(
            all(windows, target_arch = "x86"),
            link(
                name = $library,
                kind = "raw-dylib",
                modifiers = "+verbatim",
                import_name_type = "undecorated"
            )
        )]
        #[cfg_attr(
            all(windows, not(target_arch = "x86")),
            link(name = $library, kind = "raw-dylib", modifiers = "+verbatim")
        )]
        $(#[$attribute])*
        unsafe extern $abi {
            $($functions)*
        }
    };
}
