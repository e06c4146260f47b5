"""Parses the texts of a project: scripts, switches of tools, Rust source, flags for rustc."""
