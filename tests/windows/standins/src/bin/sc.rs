//! Stands in for sc.exe, of which Wine has one that ends with 0 or 1 and changes no service.
//!
//! Grammar: Microsoft Learn, "sc.exe create", "config", "query", "start", "stop" and "delete"
//! (windows-commands). Covered are these with a name, and of options type=, start=, error= and
//! binpath=, each with its value as an argument of its own. The services are real: Wine's manager
//! keeps them and its kernel loads them. As Windows does, and Wine does not, a driver's path is kept
//! as \??\PATH. Exit code: the error of Windows; 1639 for a wrong use.
//!
//! KDRVGEN_FAKE_SC has a verb fail, as in `start=577`; it names several divided by blanks.
//! KDRVGEN_FAKE_LANGUAGE=de has the labels in German.

use std::ffi::c_void;

type Handle = *mut c_void;

#[repr(C)]
#[derive(Default)]
struct Status {
    kind: u32,
    state: u32,
    controls: u32,
    exit: u32,
    own_exit: u32,
    checkpoint: u32,
    hint: u32,
}

#[link(name = "advapi32")]
extern "system" {
    fn OpenSCManagerW(machine: *const u16, database: *const u16, access: u32) -> Handle;
    fn OpenServiceW(manager: Handle, name: *const u16, access: u32) -> Handle;
    fn CreateServiceW(
        manager: Handle,
        name: *const u16,
        display: *const u16,
        access: u32,
        kind: u32,
        start: u32,
        error: u32,
        path: *const u16,
        group: *const u16,
        tag: *mut u32,
        depend: *const u16,
        account: *const u16,
        password: *const u16,
    ) -> Handle;
    fn ChangeServiceConfigW(
        service: Handle,
        kind: u32,
        start: u32,
        error: u32,
        path: *const u16,
        group: *const u16,
        tag: *mut u32,
        depend: *const u16,
        account: *const u16,
        password: *const u16,
        display: *const u16,
    ) -> i32;
    fn StartServiceW(service: Handle, count: u32, arguments: *const *const u16) -> i32;
    fn ControlService(service: Handle, control: u32, status: *mut Status) -> i32;
    fn QueryServiceStatus(service: Handle, status: *mut Status) -> i32;
    fn DeleteService(service: Handle) -> i32;
}

#[link(name = "kernel32")]
extern "system" {
    fn GetLastError() -> u32;
}

const ALL: u32 = 0xF01FF;
const UNCHANGED: u32 = u32::MAX;
const NULL: *const u16 = std::ptr::null();

fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}

fn wrong_use(text: &str) -> ! {
    println!("ERROR:  {text}\n\nDESCRIPTION:\n        SC is a command line program ...");
    std::process::exit(1639)
}

/// Ends as sc does when a function of Windows failed; its words depend on the language.
fn failed(function: &str, code: u32) -> ! {
    println!("[SC] {function} FAILED {code}:\n\nWhat Windows has to say.\n");
    std::process::exit(code as i32)
}

fn check(function: &str, succeeded: bool) {
    if !succeeded {
        failed(function, unsafe { GetLastError() })
    }
}

struct Options {
    kind: u32,
    start: u32,
    error: u32,
    path: Option<Vec<u16>>,
}

fn options(words: &[String]) -> Options {
    let mut found = Options {
        kind: UNCHANGED,
        start: UNCHANGED,
        error: UNCHANGED,
        path: None,
    };
    for pair in words.chunks(2) {
        let [name, value] = pair else {
            wrong_use("an option without its value")
        };
        let one_of = |known: &[(&str, u32)]| {
            known
                .iter()
                .find(|(word, _)| word.eq_ignore_ascii_case(value))
                .map_or_else(
                    || wrong_use(&format!("Invalid {name} field")),
                    |each| each.1,
                )
        };
        match name.to_ascii_lowercase().as_str() {
            "type=" => found.kind = one_of(&[("kernel", 1), ("filesys", 2), ("own", 16)]),
            "start=" => {
                found.start = one_of(&[
                    ("boot", 0),
                    ("system", 1),
                    ("auto", 2),
                    ("demand", 3),
                    ("disabled", 4),
                ]);
            }
            "error=" => found.error = one_of(&[("ignore", 0), ("normal", 1)]),
            "binpath=" => found.path = Some(wide(value)),
            _ => wrong_use(&format!("stand-in: option {name} is not covered")),
        }
    }
    let is_driver = found.kind == 1 || found.kind == 2;
    if let Some(path) = found.path.as_mut().filter(|_| is_driver) {
        if path.get(1) == Some(&u16::from(b':')) {
            path.splice(0..0, r"\??\".encode_utf16());
        }
    }
    found
}

/// Prints text as programs of the console do: what the code page lacks becomes a question mark.
fn print(text: &str) {
    use std::io::Write as _;
    let bytes: Vec<u8> = text
        .chars()
        .map(|each| u8::try_from(each as u32).unwrap_or(b'?'))
        .collect();
    std::io::stdout().write_all(&bytes).unwrap();
}

fn show(name: &str, status: &Status) {
    let german = std::env::var("KDRVGEN_FAKE_LANGUAGE").is_ok_and(|language| language == "de");
    let labels = if german {
        ["DIENSTNAME", "TYP   ", "STATUS", "WIN32_EXITCODE "]
    } else {
        ["SERVICE_NAME", "TYPE  ", "STATE ", "WIN32_EXIT_CODE"]
    };
    let state = match status.state {
        1 => "STOPPED",
        3 => "STOP_PENDING",
        4 => "RUNNING",
        _ => "",
    };
    print(&format!(
        "\r\n{}: {name} \r\n        {}             : {:x}  KERNEL_DRIVER  \r\n        \
         {}             : {}  {state} \r\n                                \
         (STOPPABLE, NOT_PAUSABLE, IGNORES_SHUTDOWN)\r\n        {}    : {}  (0x{:x})\r\n",
        labels[0],
        labels[1],
        status.kind,
        labels[2],
        status.state,
        labels[3],
        status.exit,
        status.exit
    ));
}

fn main() {
    let args = standins::record::call("sc");
    let [verb, name, words @ ..] = args.as_slice() else {
        wrong_use("a verb and the name of a service")
    };
    let wanted = std::env::var("KDRVGEN_FAKE_SC").unwrap_or_default();
    for fault in wanted.split(' ') {
        if let Some((_, code)) = fault.split_once('=').filter(|pair| pair.0 == verb) {
            failed("StandIn", code.parse().unwrap());
        }
    }
    let wide_name = wide(name);
    unsafe {
        let manager = OpenSCManagerW(NULL, NULL, 0xF003F);
        check("OpenSCManager", !manager.is_null());
        if verb == "create" {
            let given = options(words);
            let Some(path) = given.path else {
                wrong_use("binPath= is missing")
            };
            let or = |value, default| if value == UNCHANGED { default } else { value };
            let made = CreateServiceW(
                manager,
                wide_name.as_ptr(),
                NULL,
                ALL,
                or(given.kind, 16),
                or(given.start, 3),
                or(given.error, 1),
                path.as_ptr(),
                NULL,
                std::ptr::null_mut(),
                NULL,
                NULL,
                NULL,
            );
            check("CreateService", !made.is_null());
            println!("[SC] CreateService SUCCESS");
            return;
        }
        let service = OpenServiceW(manager, wide_name.as_ptr(), ALL);
        check("OpenService", !service.is_null());
        if verb != "config" && !words.is_empty() {
            wrong_use("stand-in: nothing is covered after the name");
        }
        let mut status = Status::default();
        match verb.as_str() {
            "config" => {
                let given = options(words);
                let changed = ChangeServiceConfigW(
                    service,
                    given.kind,
                    given.start,
                    given.error,
                    given.path.as_ref().map_or(NULL, |path| path.as_ptr()),
                    NULL,
                    std::ptr::null_mut(),
                    NULL,
                    NULL,
                    NULL,
                    NULL,
                );
                check("ChangeServiceConfig", changed != 0);
                println!("[SC] ChangeServiceConfig SUCCESS");
            }
            "delete" => {
                check("DeleteService", DeleteService(service) != 0);
                println!("[SC] DeleteService SUCCESS");
            }
            "start" => {
                check(
                    "StartService",
                    StartServiceW(service, 0, std::ptr::null()) != 0,
                );
                check("Query", QueryServiceStatus(service, &mut status) != 0);
                show(name, &status);
            }
            "stop" => {
                check(
                    "ControlService",
                    ControlService(service, 1, &mut status) != 0,
                );
                show(name, &status);
            }
            "query" => {
                check("Query", QueryServiceStatus(service, &mut status) != 0);
                show(name, &status);
            }
            _ => wrong_use(&format!("stand-in: {verb} is not covered")),
        }
    }
}
