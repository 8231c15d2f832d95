//! What a person says about tenancy.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::script::RelationName;

use super::extras::{Extras, TableExtras};

/// The whole model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenancy {
    /// The column that says whose a row is, where a table does not say otherwise.
    pub column: String,
    /// Its type, as it is written in SQL; nothing where the catalog shall say.
    pub data_type: Option<String>,
    /// The schemas whose tables hold tenants' rows.
    pub schemas: Vec<String>,
    /// The roles that the application acts as.
    pub app_roles: Vec<String>,
    /// Roles of the application that only read.
    pub read_only_roles: Vec<String>,
    /// Roles that see all tenants: by a policy of their own, never by a condition in the tenants' policy.
    pub admin_roles: Vec<String>,
    /// How a session says whose it is.
    pub identity: Identity,
    /// One policy a table, or four.
    pub layout: Layout,
    /// What becomes of policies that are there already.
    pub existing: Existing,
    /// Whether row security is forced upon owners.
    pub force: Force,
    /// How tables are observed before they are enforced.
    pub observe: Observe,
    /// What is done on request.
    pub extras: Extras,
    /// What single tables say otherwise.
    pub tables: BTreeMap<RelationName, TableTenancy>,
}

impl Tenancy {
    /// Returns what a table says for itself.
    pub fn table(&self, name: &RelationName) -> TableTenancy {
        self.tables.get(name).cloned().unwrap_or_default()
    }

    /// Returns the roles that policies are for: those that write, and those that only read.
    pub fn all_app_roles(&self) -> impl Iterator<Item = &String> {
        self.app_roles.iter().chain(&self.read_only_roles)
    }
}

/// How a session says whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// By a setting that holds the tenant.
    Setting {
        /// `app.tenant_id`.
        name: String,
    },
    /// By a claim of a token.
    Claim {
        /// The setting that holds the claims.
        setting: String,
        /// The way to the claim.
        path: Vec<String>,
    },
    /// By what a table says of the user.
    Membership(Membership),
    /// A row belongs to a user, not to a tenant.
    Owner(UserSource),
}

/// The table that says who belongs to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The table.
    pub table: RelationName,
    /// Its column with the user.
    pub user_column: String,
    /// Its column with the tenant.
    pub tenant_column: String,
    /// Its column with what the user is there, such as an owner or a viewer.
    pub role_column: Option<String>,
    /// How a session says who the user is.
    pub user: UserSource,
    /// Which of the user's tenants count.
    pub which: Which,
}

/// Which of a user's tenants a session sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// The one that a setting names, if the user belongs to it.
    Active {
        /// `app.tenant_id`.
        setting: String,
    },
    /// All of them.
    All,
}

/// How a session says who the user is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserSource {
    /// By a setting.
    Setting {
        /// `app.user_id`.
        name: String,
    },
    /// By a claim.
    Claim {
        /// The setting that holds the claims.
        setting: String,
        /// The way to the claim.
        path: Vec<String>,
    },
    /// By a function without arguments, such as `auth.uid`.
    Function {
        /// Its name, qualified.
        name: RelationName,
    },
}

/// How tables are observed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observe {
    /// The applications that are told apart, by their `application_name`.
    pub applications: Vec<String>,
    /// For how long nothing may have been counted before a table is enforced.
    pub quiet_for: Duration,
}

impl Default for Observe {
    /// What runs once a day has run.
    fn default() -> Self {
        Self {
            applications: Vec::new(),
            quiet_for: Duration::from_secs(24 * 60 * 60),
        }
    }
}

/// How many policies a table gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// One, FOR ALL.
    #[default]
    All,
    /// One for each command.
    PerCommand,
}

/// What becomes of policies that are there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Existing {
    /// A table that has any is left to the person: it is told.
    #[default]
    Report,
    /// They stay, and ours come beside them.
    Keep,
    /// They go, in the transaction in which ours come.
    Replace,
}

/// Whether row security binds the owner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Force {
    /// Where an application's role can act as the owner.
    #[default]
    Auto,
    /// Everywhere.
    Always,
    /// Nowhere.
    Never,
}

/// What a table says for itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableTenancy {
    /// Readable by all on purpose.
    pub shared: bool,
    /// Its column, if it is not called as the others'.
    pub column: Option<String>,
    /// Where the values of a new column come from.
    pub backfill: Option<Backfill>,
    /// What is done with it on request.
    pub extras: TableExtras,
}

/// Where the values of a new tenant column come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Backfill {
    /// All rows are of one tenant.
    Constant(String),
    /// From the row that these columns point to.
    Parent(Vec<String>),
    /// An expression over the row, which is called `t`.
    Expression(String),
}
