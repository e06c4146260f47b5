//! Records its arguments and ends with the code that KDRVGEN_FAKE_EXIT holds: what a command line
//! arrives as, when the program is of no matter.

fn main() {
    standins::record::call("show-args");
    std::process::exit(
        std::env::var("KDRVGEN_FAKE_EXIT")
            .ok()
            .and_then(|text| text.parse().ok())
            .unwrap_or(0),
    );
}
