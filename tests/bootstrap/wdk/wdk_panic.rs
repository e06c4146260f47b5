//! What the template uses of wdk-panic 0.5: a panic handler for the kernel, a hook for UMDF.

#![no_std]

#[cfg(not(feature = "umdf"))]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    loop {}
}

#[cfg(feature = "umdf")]
pub fn install_panic_hook() {}
