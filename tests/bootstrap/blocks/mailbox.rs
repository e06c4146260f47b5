//! Talks to the driver of docs/requests.md: reads and writes that wait, and are cancelled.
//!
//! Prints a line for each result: what was read, `wrote COUNT`, or `error CODE`.

use std::env;
use std::ffi::c_void;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::AsRawHandle;
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

const PATH: &str = r"\\.\mailbox";
const FILE_FLAG_OVERLAPPED: u32 = 0x4000_0000;
const ERROR_NOT_READY: i32 = 21;
const ERROR_IO_PENDING: i32 = 997;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["read", room] => {
            let mut buffer = vec![0xCC; room.parse().unwrap()];
            show(open(0).read(&mut buffer).map(|count| text(&buffer, count)));
        }
        ["write", letter] => show(open(0).write(letter.as_bytes()).map(|count| format!("wrote {count}"))),
        ["cancel"] => cancel(),
        ["threads"] => threads(),
        ["hold"] => hold(),
        ["abandon"] => abandon(),
        _ => panic!("{words:?}"),
    }
}

fn open(flags: u32) -> File {
    File::options().read(true).write(true).custom_flags(flags).open(PATH).unwrap()
}

fn text(buffer: &[u8], count: usize) -> String {
    let rest = buffer[count..].iter().all(|byte| *byte == 0xCC);
    format!("{} {rest}", String::from_utf8_lossy(&buffer[..count]))
}

fn show(result: io::Result<String>) {
    match result {
        Ok(text) => println!("{text}"),
        Err(error) => println!("error {}", error.raw_os_error().unwrap()),
    }
    io::stdout().flush().unwrap();
}

/// A read that is not waited for.
struct Overlapped {
    state: Box<[usize; 4]>,
    buffer: Box<[u8; 16]>,
    _event: usize,
}

impl Overlapped {
    fn start(file: &File) -> Self {
        let mut it = Self { state: Box::new([0; 4]), buffer: Box::new([0xCC; 16]), _event: 0 };
        // SAFETY: buffer and state exist until the read is waited for.
        let done = unsafe {
            it._event = CreateEventW(ptr::null_mut(), 1, 0, ptr::null()) as usize;
            it.state[3] = it._event;
            ReadFile(
                file.as_raw_handle(),
                it.buffer.as_mut_ptr(),
                16,
                ptr::null_mut(),
                it.state.as_mut_ptr().cast(),
            )
        };
        let error = io::Error::last_os_error();
        assert!(done == 0 && error.raw_os_error() == Some(ERROR_IO_PENDING), "{error}");
        it
    }

    fn cancel(&mut self, file: &File) {
        // SAFETY: the state exists.
        if unsafe { CancelIoEx(file.as_raw_handle(), self.state.as_mut_ptr().cast()) } == 0 {
            show(Err(io::Error::last_os_error()));
        }
    }

    fn wait(&mut self, file: &File) -> io::Result<String> {
        let mut count = 0;
        // SAFETY: the state exists.
        let done = unsafe {
            GetOverlappedResult(file.as_raw_handle(), self.state.as_mut_ptr().cast(), &mut count, 1)
        };
        if done == 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(text(&self.buffer[..], count as usize))
    }
}

/// Of three reads cancels the second one, and sends letters to the others.
fn cancel() {
    let file = open(FILE_FLAG_OVERLAPPED);
    let mut reads: Vec<Overlapped> = (0..3).map(|_| Overlapped::start(&file)).collect();
    reads[1].cancel(&file);
    show(reads[1].wait(&file));
    let mut writer = open(0);
    writer.write_all(b"first").unwrap();
    show(reads[0].wait(&file));
    writer.write_all(b"third").unwrap();
    show(reads[2].wait(&file));
}

const LETTERS: u32 = 300;

/// Two threads write letters, and two read them.
fn threads() {
    let (sent, received, sum) = (AtomicU32::new(0), AtomicU32::new(0), AtomicU32::new(0));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut file = open(0);
                loop {
                    let number = sent.fetch_add(1, Ordering::SeqCst);
                    if number >= LETTERS {
                        return;
                    }
                    while let Err(error) = file.write_all(format!("{number}").as_bytes()) {
                        assert_eq!(error.raw_os_error(), Some(ERROR_NOT_READY));
                        thread::yield_now();
                    }
                }
            });
            scope.spawn(|| {
                let mut file = open(0);
                while received.fetch_add(1, Ordering::SeqCst) < LETTERS {
                    let mut buffer = [0; 16];
                    let count = file.read(&mut buffer).unwrap();
                    let number: u32 = String::from_utf8_lossy(&buffer[..count]).parse().unwrap();
                    sum.fetch_add(number, Ordering::SeqCst);
                }
            });
        }
    });
    println!("sum {}", sum.into_inner());
}

/// Waits for a letter while the driver is unloaded.
fn hold() {
    let file = open(FILE_FLAG_OVERLAPPED);
    let mut read = Overlapped::start(&file);
    println!("waiting");
    io::stdout().flush().unwrap();
    show(read.wait(&file));
}

/// Ends with a read that nobody waits for.
fn abandon() {
    let file = open(FILE_FLAG_OVERLAPPED);
    let read = Overlapped::start(&file);
    thread::sleep(Duration::from_millis(50));
    std::mem::forget((file, read));
}

#[link(name = "kernel32")]
unsafe extern "system" {
    fn CancelIoEx(file: *mut c_void, overlapped: *mut c_void) -> i32;
    fn CreateEventW(attributes: *mut c_void, manual: i32, state: i32, name: *const u16) -> *mut c_void;
    fn GetOverlappedResult(
        file: *mut c_void,
        overlapped: *mut c_void,
        count: *mut u32,
        wait: i32,
    ) -> i32;
    fn ReadFile(
        file: *mut c_void,
        buffer: *mut u8,
        length: u32,
        count: *mut u32,
        overlapped: *mut c_void,
    ) -> i32;
}
