//! `timestamp`: has osslsigncode add a timestamp to a signed file.

use crate::call::{change, Call, TIMESTAMP};
use standins::fail;
use std::path::Path;

pub fn timestamp(args: &[String]) -> i32 {
    let call = Call::parse(args, &TIMESTAMP);
    let stamp = call.stamp();
    // "/t", "/tr": one of the two is required.
    if stamp.is_empty() {
        fail("SignTool Error: One of the /t, /tr options is required.", 1);
    }
    let mut options = vec!["add".to_owned()];
    if let Some(digest) = call.algorithm("td") {
        options.extend(["-h".to_owned(), digest]);
    }
    options.extend(stamp);
    let mut code = 0;
    for file in &call.files {
        if !Path::new(file).is_file() {
            eprintln!("SignTool Error: File not found: {file}");
            code = 1;
        } else if let Err(said) = change(file, &options) {
            eprintln!("SignTool Error: The specified timestamp server either could not be reached or\n\treturned an invalid response.");
            if call.has("v") {
                eprintln!("{said}");
            }
            code = 1;
        } else {
            println!("Successfully timestamped: {file}");
        }
    }
    code
}
