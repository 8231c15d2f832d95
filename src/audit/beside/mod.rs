//! What stands beside tenants' rows: other tables, views, functions and privileges that an application reaches.
//!
//! Most of it can be said where nothing is known of tenants.

mod always_true;
mod auth_users;
mod given;
mod no_row_security;
mod pinned;
mod unseen;
mod user_metadata;
mod without_policies;

use super::rule::Rule;

/// The rules about what stands beside.
pub(super) static RULES: [Rule; 8] = [
    no_row_security::RULE,
    always_true::RULE,
    user_metadata::RULE,
    auth_users::RULE,
    without_policies::RULE,
    pinned::RULE,
    given::RULE,
    unseen::RULE,
];
