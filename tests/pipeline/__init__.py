"""The generated pipeline, run for real: cargo-make, rustc, lld, osslsigncode, openssl, Wine."""
