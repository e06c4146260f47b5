"""Proposes a config.toml from what a project holds, and reports what it changes."""
