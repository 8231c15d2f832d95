//! The advisory locks that other tools hold while they migrate; we hold the same one while we read their ledger.

use crate::ledger::{Peer, PeerTable};

/// Returns the key of the lock under which a tool migrates, if it uses one.
///
/// Learnt from the tools' sources: sqlx `sqlx-postgres/src/migrate.rs`, golang-migrate `database/util.go`, goose `lock/postgres.go`,
/// Flyway `PostgreSQLAdvisoryLockTemplate`, Prisma `sql_schema_connector/src/flavour/postgres.rs`, sqitch `Engine/pg.pm`.
pub fn key(table: &PeerTable, database: &str) -> Option<i64> {
    match table.peer {
        Peer::Sqlx => Some(0x3d32_ad9e * i64::from(crc32fast::hash(database.as_bytes()))),
        Peer::GolangMigrate => Some(golang_migrate(&[&table.schema, &table.table, database])),
        Peer::Goose => Some(4_097_083_626),
        Peer::Flyway => {
            let name = format!("\"{}\".\"{}\"", table.schema, table.table);
            Some(0x466C_7977_6179 + i64::from(java_hash(&name)))
        }
        Peer::Prisma => Some(72_707_369),
        Peer::Sqitch => Some(75_474_063),
        _ => None,
    }
}

/// golang-migrate's `GenerateAdvisoryLockId`.
fn golang_migrate(names: &[&str]) -> i64 {
    i64::from(crc32fast::hash(names.join("\0").as_bytes()).wrapping_mul(1_486_364_155))
}

/// Java's `String.hashCode`.
fn java_hash(text: &str) -> i32 {
    text.encode_utf16()
        .fold(0_i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys() {
        let table = |peer, table: &str| PeerTable {
            schema: "public".to_owned(),
            table: table.to_owned(),
            peer,
            certain: true,
        };
        // crc32("postgres") is 0x156a8775.
        assert_eq!(key(&table(Peer::Sqlx, "t"), "postgres"), Some(368_907_709_894_077_238));
        assert_eq!(key(&table(Peer::Prisma, "t"), "x"), Some(72_707_369));
        // Those of golang-migrate's own tests.
        assert_eq!(golang_migrate(&["database_name"]), 1_764_327_054);
        assert_eq!(golang_migrate(&["schema_name_1", "database_name"]), 2_453_313_553);
        let all = golang_migrate(&["public", "schema_migrations", "x"]);
        assert_eq!(key(&table(Peer::GolangMigrate, "schema_migrations"), "x"), Some(all));
        assert_eq!(key(&table(Peer::Dbmate, "t"), "x"), None);
        // "Hello".hashCode() and "polygenelubricants".hashCode(), as Java documents and folklore has them.
        assert_eq!(
            (java_hash("Hello"), java_hash("polygenelubricants")),
            (69_609_650, i32::MIN)
        );
    }
}
