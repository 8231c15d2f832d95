//! Settings: flags over environment over `rlsctl.toml` over defaults, resolved once into plain structs.

mod audit;
mod file;
mod reap;
mod resolve;
mod url;
mod variables;

pub use file::{AllowFile, AuditFile, ConfigError, File, LimitsFile, MigrationsFile, ReapFile, TargetFile};
pub use resolve::{Config, FILE_NAME, Flags, Limits, Target};
