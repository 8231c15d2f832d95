//! Settings: flags over environment over `rlsctl.toml` over defaults, resolved once into plain structs.

mod file;
mod reap;
mod resolve;
mod url;

pub use file::{ConfigError, File, LimitsFile, MigrationsFile, ReapFile, TargetFile};
pub use resolve::{Config, FILE_NAME, Flags, Limits, Target};
