//! A place for what a driver keeps from its start to its unload.

use crate::lock::SpinLock;

/// A static place for a value, such as a [`Thread`](crate::thread::Thread), that the start function
/// creates and `unload` drops.
///
/// ```text
/// static WORKER: Slot<Thread> = Slot::new();
///
/// WORKER.put(Thread::spawn(work)?);   // in the start function
/// WORKER.clear();                     // in `unload`: drops the thread, which waits for its end
/// ```
///
/// A value is dropped after the lock of the slot is released, so at the caller's IRQL.
pub struct Slot<T>(SpinLock<Option<T>>);

impl<T> Slot<T> {
    /// Returns an empty slot. IRQL: any.
    #[must_use]
    pub const fn new() -> Self {
        Self(SpinLock::new(None))
    }

    /// Puts a value in the slot, and drops the one that was there.
    ///
    /// IRQL: `DISPATCH_LEVEL` or below, and that at which the older value can be dropped.
    pub fn put(&self, value: T) {
        let older = self.0.lock().replace(value);
        drop(older);
    }

    /// Returns the value, and leaves the slot empty. IRQL: `DISPATCH_LEVEL` or below.
    pub fn take(&self) -> Option<T> {
        self.0.lock().take()
    }

    /// Drops the value. Does nothing if the slot is empty.
    ///
    /// IRQL: `DISPATCH_LEVEL` or below, and that at which the value can be dropped.
    pub fn clear(&self) {
        drop(self.take());
    }
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self::new()
    }
}
