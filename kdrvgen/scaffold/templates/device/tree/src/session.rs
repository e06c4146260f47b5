//! An open handle, which reads and writes the message as if it were a file.

use kernel::lock::SpinLock;
use kernel::nt::status::{NtError, STATUS_INVALID_BUFFER_SIZE, STATUS_INVALID_DEVICE_STATE};
use kernel::transfer::{ReadRequest, WriteRequest};

use crate::message::{self, Message};

/// What the driver keeps from the opening of a handle to its end.
pub struct Session {
    /// The number of bytes of the message that were read.
    position: SpinLock<usize>,
}

impl Session {
    pub const fn new() -> Self {
        Self {
            position: SpinLock::new(0),
        }
    }
}

/// Returns the next bytes of the message: none at its end.
pub fn read(request: &mut ReadRequest) -> Result<(), NtError> {
    let Some(session) = request.request().context::<Session>() else {
        return Err(STATUS_INVALID_DEVICE_STATE);
    };
    let message = message::get();
    let mut position = session.position.lock();
    let is_first = *position == 0;
    let rest = message.text().get(*position..).unwrap_or_default();
    *position += request.append(rest)?;
    drop(position);
    if is_first {
        message::count_got();
    }
    Ok(())
}

/// Stores a whole message.
pub fn write(request: &mut WriteRequest) -> Result<(), NtError> {
    let mut bytes = [0; protocol::MESSAGE_CAPACITY];
    let length = request.take(&mut bytes)?;
    if request.remaining() > 0 {
        return Err(STATUS_INVALID_BUFFER_SIZE);
    }
    message::set(&Message::new(&bytes[..length])?);
    Ok(())
}
