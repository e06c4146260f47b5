"""What config.toml may say, and what the model refuses."""
