"""Check that the project's own Cargo.toml and rust-toolchain.toml match the configuration."""
