"""Proposes a config.toml from what a project contains, and reports what it changes."""
