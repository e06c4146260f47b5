//! What the driver does for each control code.

use core::str;

use protocol::Statistics;

use crate::lock::SpinLock;
use crate::nt::status::{
    NtStatus, STATUS_INVALID_BUFFER_SIZE, STATUS_INVALID_DEVICE_REQUEST, STATUS_INVALID_PARAMETER,
};
use crate::request::Control;

/// What all requests work on, of which several may run at once.
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
    /// A message of what a program sent, which need be no text at all.
    fn new(input: &[u8]) -> Result<Self, NtStatus> {
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

/// Does what is asked; returns how many bytes of output there are.
pub fn handle(request: &mut Control) -> Result<usize, NtStatus> {
    match request.code() {
        protocol::SET_MESSAGE => set_message(request),
        protocol::GET_MESSAGE => get_message(request),
        protocol::GET_STATISTICS => get_statistics(request),
        _ => Err(STATUS_INVALID_DEVICE_REQUEST),
    }
}

fn set_message(request: &Control) -> Result<usize, NtStatus> {
    // Checked before the lock is taken, which is held to copy only.
    let message = Message::new(request.input())?;
    let mut state = STATE.lock();
    state.message = message;
    state.statistics.set = state.statistics.set.wrapping_add(1);
    Ok(0)
}

fn get_message(request: &mut Control) -> Result<usize, NtStatus> {
    let message = STATE.lock().message;
    let written = request.reply(message.text())?;
    let mut state = STATE.lock();
    state.statistics.got = state.statistics.got.wrapping_add(1);
    Ok(written)
}

fn get_statistics(request: &mut Control) -> Result<usize, NtStatus> {
    let statistics = STATE.lock().statistics;
    request.reply(&statistics.to_bytes())
}
