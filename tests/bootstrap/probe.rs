//! Calls DeviceIoControl as it is told: `probe PATH r|w|rw CODE:INPUT:ROOM…`, all in hexadecimal.
//!
//! Says, a line for each call, `ok COUNT OUTPUT` or `error CODE`. Of the room for output what the
//! driver left alone is `cc`.

use std::env;
use std::ffi::c_void;
use std::fs::File;
use std::io;
use std::os::windows::io::AsRawHandle;
use std::ptr;

fn main() -> io::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [path, access, calls @ ..] = &arguments[..] else {
        panic!("usage: probe PATH ACCESS CODE:INPUT:ROOM…");
    };
    let device = File::options()
        .read(access.contains('r'))
        .write(access.contains('w'))
        .open(path)?;
    for call in calls {
        let parts: Vec<&str> = call.split(':').collect();
        let [code, input, room] = parts[..] else {
            panic!("{call} is no call");
        };
        let code = u32::from_str_radix(code, 16).unwrap();
        let room = usize::from_str_radix(room, 16).unwrap();
        match control(&device, code, &bytes(input), room) {
            Ok((count, output)) => println!("ok {count} {output}"),
            Err(error) => println!("error {}", error.raw_os_error().unwrap()),
        }
    }
    Ok(())
}

fn bytes(hexadecimal: &str) -> Vec<u8> {
    (0..hexadecimal.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hexadecimal[at..at + 2], 16).unwrap())
        .collect()
}

fn control(device: &File, code: u32, input: &[u8], room: usize) -> io::Result<(u32, String)> {
    let mut output = vec![0xCC_u8; room];
    let mut count = 0;
    // No buffer at all is what a null pointer says.
    let (from, to) = (
        if input.is_empty() { ptr::null() } else { input.as_ptr() },
        if room == 0 { ptr::null_mut() } else { output.as_mut_ptr() },
    );
    let done = unsafe {
        DeviceIoControl(
            device.as_raw_handle(),
            code,
            from.cast(),
            input.len() as u32,
            to.cast(),
            room as u32,
            &mut count,
            ptr::null_mut(),
        )
    };
    if done == 0 {
        return Err(io::Error::last_os_error());
    }
    let output = output.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok((count, output))
}

#[link(name = "kernel32")]
extern "system" {
    fn DeviceIoControl(
        device: *mut c_void,
        code: u32,
        input: *const c_void,
        input_length: u32,
        output: *mut c_void,
        room: u32,
        count: *mut u32,
        overlapped: *mut c_void,
    ) -> i32;
}
