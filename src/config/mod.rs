//! Settings: flags over environment over `rlsctl.toml` over defaults, resolved once into plain structs.

mod file;
mod resolve;
mod url;

pub use file::{ConfigError, File, LimitsFile, MigrationsFile, TargetFile};
pub use resolve::{Config, FILE_NAME, Flags, Limits, Target};
