//! What every build.rs does.
