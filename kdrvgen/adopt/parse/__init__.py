"""Texts of a hand-written project as syntax: scripts, tool switches, Rust source, flags."""
