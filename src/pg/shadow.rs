//! What a throwaway server needs before files are replayed into it.

use std::collections::BTreeSet;

use super::bind::statement;
use super::connect::Session;
use super::ident::Ident;
use super::message::MessageError;

const ROLES: &str = include_str!("../../sql/catalog/roles.sql");
const AVAILABLE_EXTENSIONS: &str = include_str!("../../sql/catalog/available_extensions.sql");

/// Returns the names of the server's roles, without the predefined ones.
///
/// # Errors
/// [`MessageError`].
pub async fn roles(session: &Session) -> Result<BTreeSet<String>, MessageError> {
    names(session, ROLES).await
}

/// Returns the extensions that can be made on the server.
///
/// # Errors
/// [`MessageError`].
pub async fn available_extensions(session: &Session) -> Result<BTreeSet<String>, MessageError> {
    names(session, AVAILABLE_EXTENSIONS).await
}

async fn names(session: &Session, query: &'static str) -> Result<BTreeSet<String>, MessageError> {
    let rows = session.rows(statement(query)).await?;
    Ok(rows.into_iter().filter_map(|mut row| row.pop().flatten()).collect())
}

/// Makes the roles that are missing, without login, and `owner` as a superuser that may log in: who makes an object owns it.
///
/// # Errors
/// [`MessageError`].
///
/// # Privileges
/// CREATEROLE, and superuser for `owner`: meant for a throwaway server.
///
/// # Panics
/// Never: a role has a name, and no name holds a NUL byte.
pub async fn make_roles(session: &Session, wanted: &BTreeSet<String>, owner: &str) -> Result<(), MessageError> {
    let there = roles(session).await?;
    let mut sql = String::new();
    for name in wanted.iter().filter(|name| !there.contains(*name) && *name != owner) {
        let role = Ident::new(name).expect("a role has a name without NUL");
        sql.push_str(&format!("create role {role};\n"));
    }
    if !there.contains(owner) {
        let role = Ident::new(owner).expect("a role has a name without NUL");
        sql.push_str(&format!("create role {role} superuser login;\n"));
    }
    if sql.is_empty() {
        return Ok(());
    }
    session.message(&sql).await.result
}

/// Makes an empty database.
///
/// # Errors
/// [`MessageError`].
///
/// # Privileges
/// CREATEDB.
///
/// # Panics
/// Never: `name` is ours, and a role that is logged in has a name.
pub async fn make_database(session: &Session, name: &'static str, owner: &str) -> Result<(), MessageError> {
    let name = Ident::new(name).expect("a name of ours");
    let owner = Ident::new(owner).expect("a role has a name without NUL");
    let create = format!("create database {name} owner {owner} template template0");
    session.message(&create).await.result
}
