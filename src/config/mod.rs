//! Settings: flags over environment over `rlsctl.toml` over defaults, resolved once into plain structs.

mod file;
mod resolve;

pub use file::{ConfigError, File, LimitsFile, MigrationsFile, TargetFile};
pub use resolve::{Config, FILE_NAME, Flags, Limits, Target};
