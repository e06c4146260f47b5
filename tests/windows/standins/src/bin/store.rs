//! What a test does to the certificate stores and key containers of its Windows:
//!
//!     store [--machine] list STORE
//!     store [--machine] add STORE CERTIFICATE [CONTAINER PRIVATEKEYBLOB]
//!     store [--machine] delete STORE [THUMBPRINT]
//!     store [--machine] add-key CONTAINER PRIVATEKEYBLOB [PROVIDER]
//!     store [--machine] delete-key CONTAINER
//!     store forget STORE
//!     store reset
//!     store value KEY NAME
//!     store state SERVICE
//!
//! `list` prints a line for each certificate, with tabs between: thumbprint, name, friendly name,
//! container, whether the key is there, and the certificate in hexadecimal digits. `forget` removes a
//! store of the user, with its certificates and their keys. `reset` removes all
//! certificates and keys of user and machine. `value` prints a text of the machine's registry, which
//! reg.exe does in the terminal's code page, and `state` the number of a service's state, or 0.

use standins::{fail, store};

fn read(file: &str) -> Vec<u8> {
    std::fs::read(file).unwrap_or_else(|error| fail(&format!("{file}: {error}"), 2))
}

fn check(is_done: bool, deed: &str) {
    if !is_done {
        fail(
            &format!("cannot {deed}: {}", std::io::Error::last_os_error()),
            1,
        );
    }
}

fn main() {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let is_machine = args.first().is_some_and(|first| first == "--machine");
    if is_machine {
        args.remove(0);
    }
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words[..] {
        ["list", name] => {
            for found in store::certificates(is_machine, name) {
                let hex: String = found.der.iter().map(|byte| format!("{byte:02x}")).collect();
                let has_key = found.key.as_ref().is_some_and(|key| key.to_pem().is_some());
                let container = found.key.map_or_else(String::new, |key| key.container);
                let columns = [
                    &found.thumbprint,
                    &found.name,
                    &found.friendly_name,
                    &container,
                    &has_key.to_string(),
                    &hex,
                ];
                println!("{}", columns.map(String::as_str).join("\t"));
            }
        }
        ["add", name, certificate] => {
            check(
                store::add(is_machine, name, &read(certificate), None),
                "add",
            );
        }
        ["add", name, certificate, container, blob] => {
            let key = store::key(container, None, is_machine);
            check(key.import(&read(blob)), "import the key");
            check(
                store::add(is_machine, name, &read(certificate), Some(&key)),
                "add",
            );
        }
        ["delete", name] => store::delete(is_machine, name, None),
        ["delete", name, thumbprint] => store::delete(is_machine, name, Some(thumbprint)),
        ["add-key", container, blob] => {
            let key = store::key(container, None, is_machine);
            check(key.import(&read(blob)), "import the key");
        }
        ["add-key", container, blob, provider] => {
            let key = store::key(container, Some(provider), is_machine);
            check(key.import(&read(blob)), "import the key");
        }
        ["delete-key", container] => {
            check(
                store::key(container, None, is_machine).delete(),
                "delete the key",
            );
        }
        ["state", name] => println!("{}", store::state(name)),
        ["forget", name] => store::forget(name),
        ["reset"] => store::reset(),
        ["value", key, name] => match store::value(key, name) {
            Some(text) => println!("{text}"),
            None => fail(&format!("{key} has no text {name}"), 1),
        },
        _ => fail("store: see its source for the usage", 2),
    }
}
