//! What the driver does for each control code.

use kernel::nt::status::{NtError, STATUS_INVALID_DEVICE_REQUEST};
use kernel::request::Control;

use crate::message::{self, Message};

/// Handles a request, and writes its output.
pub fn handle(request: &mut Control) -> Result<(), NtError> {
    match request.code() {
        protocol::SET_MESSAGE => set_message(request),
        protocol::GET_MESSAGE => get_message(request),
        protocol::GET_STATISTICS => request.reply(&message::statistics().to_bytes()),
        _ => Err(STATUS_INVALID_DEVICE_REQUEST),
    }
}

fn set_message(request: &Control) -> Result<(), NtError> {
    message::set(&Message::new(request.input())?);
    Ok(())
}

fn get_message(request: &mut Control) -> Result<(), NtError> {
    request.reply(message::get().text())?;
    message::count_got();
    Ok(())
}
