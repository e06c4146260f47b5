//! The interrupt request level (IRQL): what code may do at the moment.

#[cfg(all(windows, panic = "abort", debug_assertions))]
use core::sync::atomic::{AtomicPtr, Ordering};

/// Threads run at this level, with all functions of the kernel available.
pub const PASSIVE_LEVEL: u8 = 0;
/// Asynchronous procedure calls run at this level. Pageable memory is accessible.
pub const APC_LEVEL: u8 = 1;
/// Deferred procedure calls and the holders of spin locks run at this level. They must not wait, and
/// must not touch pageable memory.
pub const DISPATCH_LEVEL: u8 = 2;

/// Panics in a build with debug assertions if the current IRQL is above `level`.
///
/// Other builds do not check. IRQL: any.
///
/// # Panics
///
/// If the current IRQL is higher, and known: before [`driver!`](crate::driver!) calls the driver's
/// start function it is not.
#[inline]
#[track_caller]
pub fn assert_at_most(level: u8) {
    #[cfg(all(windows, panic = "abort", debug_assertions))]
    {
        let current = current();
        assert!(
            current <= level,
            "this function requires IRQL {level} or below, and the IRQL is {current}"
        );
    }
    #[cfg(not(all(windows, panic = "abort", debug_assertions)))]
    let _ = level;
}

/// The address of `KeGetCurrentIrql`, which is in ntoskrnl.exe or hal.dll, depending on the machine.
#[cfg(all(windows, panic = "abort", debug_assertions))]
static GET_CURRENT_IRQL: AtomicPtr<core::ffi::c_void> = AtomicPtr::new(core::ptr::null_mut());

/// Finds `KeGetCurrentIrql`. IRQL: `PASSIVE_LEVEL`.
pub(crate) fn initialize() {
    #[cfg(all(windows, panic = "abort", debug_assertions))]
    GET_CURRENT_IRQL.store(
        crate::nt::system_routine(&crate::unicode_string!("KeGetCurrentIrql")),
        Ordering::Relaxed,
    );
}

/// Returns the current IRQL, or `PASSIVE_LEVEL` if it is unknown.
#[cfg(all(windows, panic = "abort", debug_assertions))]
fn current() -> u8 {
    type GetCurrentIrql = unsafe extern "system" fn() -> u8;
    let address = GET_CURRENT_IRQL.load(Ordering::Relaxed);
    if address.is_null() {
        return PASSIVE_LEVEL;
    }
    // SAFETY: only `initialize` stores an address, and it is that of this function.
    let function =
        unsafe { core::mem::transmute::<*mut core::ffi::c_void, GetCurrentIrql>(address) };
    // SAFETY: it can be called at any IRQL.
    unsafe { function() }
}
