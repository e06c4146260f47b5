use wdk_build::{Config, ConfigError};

fn main() -> Result<(), ConfigError> {
    Config::from_env_auto()?.configure_binary_build();
    Ok(())
}
