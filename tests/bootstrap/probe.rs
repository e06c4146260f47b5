//! Calls DeviceIoControl as it is told: `probe PATH r|w|rw CODE:INPUT:ROOM…`, all in hexadecimal. With
//! `read` or `write` for CODE it calls ReadFile or WriteFile.
//!
//! Says, a line for each call, `ok COUNT OUTPUT` or `error CODE`. Of the room for output what the
//! driver left alone is `cc`.
//!
//! `probe PATH threads SET GET` calls these codes in four threads, with messages of one letter, and prints
//! how many answers had more than one.

use std::env;
use std::ffi::c_void;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::windows::io::AsRawHandle;
use std::ptr;
use std::thread;

fn main() -> io::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [path, access, calls @ ..] = &arguments[..] else {
        panic!("usage: probe PATH ACCESS CODE:INPUT:ROOM…");
    };
    if let ("threads", [set, get]) = (&access[..], calls) {
        let (set, get) = (number(set), number(get));
        let mixed: usize = thread::scope(|scope| {
            let threads = [b'a', b'b', b'c', b'd'].map(|letter| {
                scope.spawn(move || messages(path, letter, set, get).unwrap())
            });
            threads.map(|thread| thread.join().unwrap()).iter().sum()
        });
        println!("{mixed}");
        return Ok(());
    }
    let mut device = File::options()
        .read(access.contains('r'))
        .write(access.contains('w'))
        .open(path)?;
    for call in calls {
        let parts: Vec<&str> = call.split(':').collect();
        let [code, input, room] = parts[..] else {
            panic!("{call} is no call");
        };
        let room = usize::from_str_radix(room, 16).unwrap();
        let result = match code {
            "read" => read(&mut device, room),
            "write" => device.write(&bytes(input)).map(|count| (count as u32, String::new())),
            _ => control(&device, number(code), &bytes(input), room),
        };
        match result {
            Ok((count, output)) => println!("ok {count} {output}"),
            Err(error) => println!("error {}", error.raw_os_error().unwrap()),
        }
    }
    Ok(())
}

fn number(hexadecimal: &str) -> u32 {
    u32::from_str_radix(hexadecimal, 16).unwrap()
}

fn read(device: &mut File, room: usize) -> io::Result<(u32, String)> {
    let mut output = vec![0xCC_u8; room];
    let count = device.read(&mut output)?;
    Ok((count as u32, shown(&output)))
}

fn shown(output: &[u8]) -> String {
    output.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Stores and gets messages of one letter, and returns how many had several.
fn messages(path: &str, letter: u8, set: u32, get: u32) -> io::Result<usize> {
    let device = File::options().read(true).write(true).open(path)?;
    let mut mixed = 0;
    for length in (1..=100).cycle().take(200) {
        control(&device, set, &vec![letter; length], 0)?;
        let (count, output) = control(&device, get, &[], 256)?;
        let text = bytes(&output[..2 * count as usize]);
        mixed += usize::from(text.iter().any(|letter| *letter != text[0]));
    }
    Ok(mixed)
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
    Ok((count, shown(&output)))
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
