//! What the driver does for each control code.

use core::str;

use kernel::lock::SpinLock;
use kernel::nt::status::{
    NtError, STATUS_INVALID_BUFFER_SIZE, STATUS_INVALID_DEVICE_REQUEST, STATUS_INVALID_PARAMETER,
};
use kernel::request::Control;
use protocol::Statistics;

/// The state that all requests share. Several requests can run at once.
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
struct Message {
    bytes: [u8; protocol::MESSAGE_CAPACITY],
    length: usize,
}

impl Message {
    /// Returns the message that a program sent, if it is valid UTF-8 and not too long.
    fn new(input: &[u8]) -> Result<Self, NtError> {
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

    fn text(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// Handles a request, and writes its output.
pub fn handle(request: &mut Control) -> Result<(), NtError> {
    match request.code() {
        protocol::SET_MESSAGE => set_message(request),
        protocol::GET_MESSAGE => get_message(request),
        protocol::GET_STATISTICS => get_statistics(request),
        _ => Err(STATUS_INVALID_DEVICE_REQUEST),
    }
}

fn set_message(request: &Control) -> Result<(), NtError> {
    // Check the message before the lock is taken, which is held only to copy.
    let message = Message::new(request.input())?;
    let mut state = STATE.lock();
    state.message = message;
    state.statistics.set = state.statistics.set.wrapping_add(1);
    Ok(())
}

fn get_message(request: &mut Control) -> Result<(), NtError> {
    let message = STATE.lock().message;
    request.reply(message.text())?;
    let mut state = STATE.lock();
    state.statistics.got = state.statistics.got.wrapping_add(1);
    Ok(())
}

fn get_statistics(request: &mut Control) -> Result<(), NtError> {
    let statistics = STATE.lock().statistics;
    request.reply(&statistics.to_bytes())
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
