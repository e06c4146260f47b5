//! The message and the statistics, which all requests share.

use core::str;

use kernel::lock::SpinLock;
use kernel::nt::status::{NtError, STATUS_INVALID_BUFFER_SIZE, STATUS_INVALID_PARAMETER};
use protocol::Statistics;

/// Several requests can run at once. The lock is held only to copy.
static STATE: SpinLock<State> = SpinLock::new(State {
    message: Message {
        bytes: [0; protocol::MESSAGE_CAPACITY],
        length: 0,
    },
    statistics: Statistics { set: 0, got: 0 },
});

struct State {
    message: Message,
    statistics: Statistics,
}

#[derive(Clone, Copy)]
pub struct Message {
    bytes: [u8; protocol::MESSAGE_CAPACITY],
    length: usize,
}

impl Message {
    /// Returns the message that a program sent, if it is valid UTF-8 and not too long.
    pub fn new(input: &[u8]) -> Result<Self, NtError> {
        let mut bytes = [0; protocol::MESSAGE_CAPACITY];
        let Some(room) = bytes.get_mut(..input.len()) else {
            return Err(STATUS_INVALID_BUFFER_SIZE);
        };
        if str::from_utf8(input).is_err() {
            return Err(STATUS_INVALID_PARAMETER);
        }
        room.copy_from_slice(input);
        Ok(Self {
            bytes,
            length: input.len(),
        })
    }

    pub fn text(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// Returns the message.
pub fn get() -> Message {
    STATE.lock().message
}

/// Stores a message, and counts it.
pub fn set(message: &Message) {
    let mut state = STATE.lock();
    state.message = *message;
    state.statistics.set = state.statistics.set.wrapping_add(1);
}

/// Counts a message that a program got.
pub fn count_got() {
    let mut state = STATE.lock();
    state.statistics.got = state.statistics.got.wrapping_add(1);
}

pub fn statistics() -> Statistics {
    STATE.lock().statistics
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_utf8_and_not_too_long() {
        let longest = [b'x'; protocol::MESSAGE_CAPACITY];
        assert_eq!(Message::new(&longest).unwrap().text(), longest);
        assert_eq!(
            Message::new(&[b'x'; protocol::MESSAGE_CAPACITY + 1]).err(),
            Some(STATUS_INVALID_BUFFER_SIZE)
        );
        assert_eq!(Message::new(b"\xFF").err(), Some(STATUS_INVALID_PARAMETER));
    }
}
