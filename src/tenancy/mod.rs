//! The tenancy model: which column says whose a row is, how a session says whose it is, and which roles the application has.
//!
//! Read from `[tenancy]` of `rlsctl.toml`; what it names is looked up in the catalog by whoever uses it.

mod extras;
mod model;
mod observe;
mod read;
mod sessions;
#[cfg(test)]
mod tests;

pub use extras::{CommandRoles, Extras, SoftDelete, TableExtras};
pub use model::{
    Backfill, Existing, Force, Identity, Layout, Membership, Observe, TableTenancy, Tenancy, UserSource, Which,
};
pub use read::{TenancyError, tenancy};
pub use sessions::{Sessions, TENANT, TenantSession, USER, sessions};
