"""Whether the project's own Cargo.toml and rust-toolchain.toml fit the configuration."""
