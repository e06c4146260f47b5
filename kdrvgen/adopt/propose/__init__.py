"""From what a project holds to the config.toml that reproduces it, and what changes."""
