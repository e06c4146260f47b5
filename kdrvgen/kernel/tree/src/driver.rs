//! `driver!`: what makes a crate a driver.

use crate::log::{self, Component, Level};
use crate::nt::{DriverObject, NtError, NtStatus, UnicodeString};

/// The type of a driver's start function.
pub type Start = fn(&mut DriverObject, &UnicodeString<'_>) -> Result<(), NtError>;

/// Defines the entry point, the panic handler, the logger's settings and the global allocator.
///
/// ```text
/// kernel::driver! {
///     entry: driver_entry,
///     start: start,
///     pool_tag: *b"Hell",
///     log_component: IhvDriver,
///     log_level: Error,
/// }
///
/// fn start(driver: &mut DriverObject, registry_path: &UnicodeString<'_>) -> Result<(), NtError> {
///     driver.driver_unload = Some(unload);
///     Ok(())
/// }
/// ```
///
/// | argument | meaning |
/// |---|---|
/// | `entry` | the name of the function that Windows calls first: `driver.entry-point` of config.toml |
/// | `start` | your function, which starts the driver at `PASSIVE_LEVEL`; Windows removes the driver if it returns an error, which is logged |
/// | `pool_tag` | four ASCII characters that mark the global allocator's memory; optional, and without it the driver cannot use `alloc` |
/// | `log_component` | the [`Component`](crate::log::Component) that Windows filters the log by |
/// | `log_level` | the [`Level`](crate::log::Level) of [`log!`](crate::log!) |
///
/// The strings behind `registry_path` belong to Windows and are valid only during the call.
///
/// In a test build, none of this is defined: the standard library has a panic handler and an allocator.
#[macro_export]
macro_rules! driver {
    (
        entry: $entry:ident,
        start: $start:path,
        $(pool_tag: $pool_tag:expr,)?
        log_component: $component:ident,
        log_level: $level:ident $(,)?
    ) => {
        #[cfg(not(test))]
        const _: () = {
            const START: $crate::Start = $start;

            $(
                #[global_allocator]
                static ALLOCATOR: $crate::allocator::PoolAllocator =
                    $crate::allocator::PoolAllocator::new($pool_tag);
            )?

            #[panic_handler]
            fn panic(information: &::core::panic::PanicInfo<'_>) -> ! {
                $crate::panic::stop(::core::env!("CARGO_PKG_NAME"), information)
            }

            #[unsafe(no_mangle)]
            #[allow(non_snake_case)]
            unsafe extern "system" fn $entry(
                driver: *mut $crate::DriverObject,
                registry_path: *const $crate::UnicodeString<'_>,
            ) -> $crate::NtStatus {
                $crate::initialize(
                    $crate::log::Component::$component,
                    $crate::log::Level::$level,
                );
                $(
                    const _: [u8; 4] = $pool_tag;
                    ALLOCATOR.initialize();
                )?
                // SAFETY: Windows passes valid objects, which nothing else uses during the call.
                let started = unsafe { START(&mut *driver, &*registry_path) };
                $crate::status_of(::core::env!("CARGO_PKG_NAME"), started)
            }
        };

        #[cfg(test)]
        const _: $crate::Start = $start;
    };
}

/// Initializes the blocks that look up functions of the kernel. IRQL: `PASSIVE_LEVEL`.
pub fn initialize(component: Component, level: Level) {
    log::configure(component, level);
    crate::irql::initialize();
    crate::shared::initialize();
}

/// Returns the status of the entry point, and logs an error. IRQL: any.
pub fn status_of(package: &str, started: Result<(), NtError>) -> NtStatus {
    if let Err(error) = started {
        log::print(Level::Error, format_args!("{package}: not loaded: {error}"));
    }
    started.into()
}
