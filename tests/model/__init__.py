"""The values that the model of config.toml accepts and refuses."""
