//! Statements that are about an extension.

use pg_query::NodeEnum;
use pg_query::protobuf::ObjectType;

/// Returns the extension that a statement makes, alters or comments on, if it is about one.
///
/// A statement that cannot be parsed is about none.
pub fn extension_of(statement: &str) -> Option<String> {
    // Most statements are told by this alone.
    memchr::memmem::find(statement.to_ascii_lowercase().as_bytes(), b"extension")?;
    let parsed = pg_query::parse(statement, 0).ok()?;
    let node = parsed.protobuf.stmts.into_iter().next()?.stmt?.node?;
    match node {
        NodeEnum::CreateExtensionStmt(create) => Some(create.extname),
        NodeEnum::AlterExtensionStmt(alter) => Some(alter.extname),
        NodeEnum::CommentStmt(comment) if comment.objtype() == ObjectType::ObjectExtension => {
            match comment.object?.node? {
                NodeEnum::String(name) => Some(name.sval),
                _ => None,
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_extension() {
        for (statement, name) in [
            (
                "create extension if not exists \"uuid-ossp\" with schema extensions",
                Some("uuid-ossp"),
            ),
            ("CREATE EXTENSION Vector", Some("vector")),
            ("comment on extension pgcrypto is 'x'", Some("pgcrypto")),
            ("alter extension postgis update", Some("postgis")),
            ("create table extension (id int)", None),
            ("select 'create extension x'", None),
        ] {
            assert_eq!(extension_of(statement).as_deref(), name, "{statement}");
        }
    }
}
