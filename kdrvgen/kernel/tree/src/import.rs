//! Imports from the kernel, without an import library.

/// Declares functions that the kernel or another driver exports.
///
/// ```text
/// kernel::import! {
///     "ntoskrnl.exe",
///     extern "system" {
///         fn MmIsAddressValid(address: *const c_void) -> u8;
///     }
/// }
/// ```
///
/// On x86, the kernel exports its functions by their plain names, without the decoration of their
/// calling conventions. `fastcall` exists only on x86: on other machines such a function has the
/// usual convention.
///
/// Outside of the kernel each function exists too, and panics. A variadic function does not.
#[macro_export]
macro_rules! import {
    ($library:literal, $(#[$attribute:meta])* extern "fastcall" { $($functions:tt)* }) => {
        #[cfg(target_arch = "x86")]
        $crate::import! {
            @link $library, $(#[$attribute])* extern "fastcall" { $($functions)* }
        }
        #[cfg(not(target_arch = "x86"))]
        $crate::import! {
            @link $library, $(#[$attribute])* extern "system" { $($functions)* }
        }
    };
    ($library:literal, $(#[$attribute:meta])* extern $abi:literal { $($functions:tt)* }) => {
        $crate::import! { @link $library, $(#[$attribute])* extern $abi { $($functions)* } }
    };
    (
        @link $library:literal, $(#[$attribute:meta])* extern $abi:literal { $($functions:tt)* }
    ) => {
        #[cfg(all(windows, panic = "abort"))]
        #[cfg_attr(
            target_arch = "x86",
            link(
                name = $library,
                kind = "raw-dylib",
                modifiers = "+verbatim",
                import_name_type = "undecorated"
            )
        )]
        #[cfg_attr(
            not(target_arch = "x86"),
            link(name = $library, kind = "raw-dylib", modifiers = "+verbatim")
        )]
        $(#[$attribute])*
        unsafe extern $abi {
            $($functions)*
        }

        $crate::import! { @replace $($functions)* }
    };
    (
        @replace $(
            $(#[$attribute:meta])*
            $visibility:vis fn $name:ident($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)?;
        )*
    ) => {
        $(
            #[cfg(not(all(windows, panic = "abort")))]
            #[allow(non_snake_case, clippy::too_many_arguments)]
            $(#[$attribute])*
            $visibility unsafe fn $name($(_: $type),*) $(-> $result)? {
                $crate::unavailable(stringify!($name))
            }
        )*
    };
    (@replace $($variadic:tt)*) => {};
}

/// Panics for a function of the kernel that is called outside of it. IRQL: any.
#[doc(hidden)]
#[cold]
#[track_caller]
pub fn unavailable(function: &str) -> ! {
    panic!("`{function}` is a function of the Windows kernel, and this is not the kernel")
}
