//! Migrations on disk: which files they are, in which order they run, and what they hash to.
//!
//! Twelve tools' layouts are read as they are ([`Layout`]), found out by [`detect`] and [`find`], loaded by [`load`]. Everything that
//! is wrong with a folder is a [`Problem`], and all of it is found before anything runs. `docs/FORMATS.md` defines the hashes.
//!
//! No server, no output: files in, values out.

mod around;
mod baseline;
mod checksum;
mod collect;
mod detect;
pub mod directive;
mod find;
mod folder;
mod following;
pub mod git;
mod inspect;
mod journal;
mod layout;
mod listing;
mod load;
mod missing_file;
mod name;
mod neighbours;
mod new_file;
mod part;
mod part_of_version;
pub mod peer_checksum;
mod problem;
mod scheme;
mod series;
mod set;
mod staged;
mod substitution;
mod text;
mod version;

pub use around::{Around, AroundError};
pub use baseline::{Baseline, Decision};
pub use checksum::{Checksum, Head, HexError, TokenChecksum};
pub use detect::{Detected, detect};
pub use find::find;
pub use following::{Following, following_files};
pub use journal::drizzle_times;
pub use layout::{Layout, UnknownLayoutName};
pub use load::load;
pub use missing_file::{MissingFileError, missing_file};
pub use new_file::{NewFile, NewFileError, next_file};
pub use problem::{Misplaced, Problem};
pub use series::{Made, Script, series};
pub use set::{Migration, ReadError, Set};
pub use staged::{Staged, StagedError};
pub use text::Text;
pub use version::{Version, VersionError};
