//! Roles.

use serde::Deserialize;

/// A role.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// Row security never holds it back, and nothing else does.
    pub is_superuser: bool,
    /// BYPASSRLS, which members do not inherit.
    pub bypasses_row_security: bool,
    /// Whether one can log in as it.
    pub can_login: bool,
    /// INHERIT.
    pub inherits: bool,
    /// CREATEROLE.
    pub creates_roles: bool,
    /// REPLICATION.
    pub replicates: bool,
    /// The roles it was made a member of.
    pub member_of: Vec<String>,
    /// The roles that SET ROLE takes it to, itself left out. A superuser's are not told.
    #[serde(default)]
    pub sets: Vec<String>,
    /// The roles whose privileges it has without SET ROLE, itself left out.
    pub acts_as: Vec<String>,
}

/// A setting that a role or the database brings into each session.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct RoleSetting {
    /// The role; nothing for all of the database.
    pub role: Option<String>,
    /// `app.tenant_id=1`.
    pub setting: String,
}
