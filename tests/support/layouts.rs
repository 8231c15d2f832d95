//! A small project in each of the twelve layouts.

use super::project::Project;

/// A layout, and the files of a project that has it.
#[derive(Debug)]
pub(crate) struct LayoutProject {
    /// Its name in `rlsctl.toml`.
    pub(crate) name: &'static str,
    /// The migrations folder.
    pub(crate) dir: &'static str,
    /// How many migrations it has.
    pub(crate) migrations: usize,
    /// Path and content of every file.
    files: &'static [(&'static str, &'static str)],
}

impl LayoutProject {
    /// Writes its files.
    pub(crate) fn write(&self, project: &Project) {
        for (path, content) in self.files {
            project.file(path, content);
        }
    }
}

const A: &str = "create table a (id int);\n";
const B: &str = "create table b (id int);\n";

/// One for each layout.
pub(crate) const LAYOUTS: [LayoutProject; 12] = [
    LayoutProject {
        name: "supabase",
        dir: "supabase/migrations",
        migrations: 2,
        files: &[
            ("supabase/config.toml", "project_id = \"x\"\n"),
            ("supabase/migrations/20240101000000_a.sql", A),
            ("supabase/migrations/20240102000000_b.sql", B),
        ],
    },
    LayoutProject {
        name: "sqlx",
        dir: "migrations",
        migrations: 2,
        files: &[
            ("Cargo.toml", "[dependencies]\nsqlx = \"0.8\"\n"),
            ("migrations/20240101000000_a.up.sql", A),
            ("migrations/20240101000000_a.down.sql", "drop table a;\n"),
            ("migrations/20240102000000_b.up.sql", B),
            ("migrations/20240102000000_b.down.sql", "drop table b;\n"),
        ],
    },
    LayoutProject {
        name: "dbmate",
        dir: "db/migrations",
        migrations: 1,
        files: &[(
            "db/migrations/20240101000000_a.sql",
            "-- migrate:up\ncreate table a (id int);\n\n-- migrate:down\ndrop table a;\n",
        )],
    },
    LayoutProject {
        name: "goose",
        dir: "migrations",
        migrations: 1,
        files: &[(
            "migrations/00001_a.sql",
            "-- +goose Up\ncreate table a (id int);\n\n-- +goose Down\ndrop table a;\n",
        )],
    },
    LayoutProject {
        name: "flyway",
        dir: "src/main/resources/db/migration",
        migrations: 2,
        files: &[
            ("src/main/resources/db/migration/V1__a.sql", A),
            ("src/main/resources/db/migration/V1.1__b.sql", B),
        ],
    },
    LayoutProject {
        name: "refinery",
        dir: "migrations",
        migrations: 2,
        files: &[
            ("Cargo.toml", "[dependencies]\nrefinery = \"0.8\"\n"),
            ("migrations/V1__a.sql", A),
            ("migrations/V2__b.sql", B),
        ],
    },
    LayoutProject {
        name: "diesel",
        dir: "migrations",
        migrations: 1,
        files: &[
            ("diesel.toml", ""),
            ("migrations/2024-01-01-000000_a/up.sql", A),
            ("migrations/2024-01-01-000000_a/down.sql", "drop table a;\n"),
        ],
    },
    LayoutProject {
        name: "golang-migrate",
        dir: "migrations",
        migrations: 1,
        files: &[
            ("migrations/000001_a.up.sql", A),
            ("migrations/000001_a.down.sql", "drop table a;\n"),
        ],
    },
    LayoutProject {
        name: "prisma",
        dir: "prisma/migrations",
        migrations: 1,
        files: &[
            ("prisma/migrations/migration_lock.toml", "provider = \"postgresql\"\n"),
            ("prisma/migrations/20240101000000_a/migration.sql", A),
        ],
    },
    LayoutProject {
        name: "drizzle",
        dir: "drizzle",
        migrations: 1,
        files: &[
            (
                "drizzle/meta/_journal.json",
                "{\"version\":\"7\",\"dialect\":\"postgresql\",\"entries\":[{\"idx\":0,\"version\":\"7\",\"when\":1704067200000,\"tag\":\"0000_a\",\"breakpoints\":true}]}",
            ),
            ("drizzle/0000_a.sql", A),
        ],
    },
    LayoutProject {
        name: "graphile",
        dir: "migrations",
        migrations: 1,
        files: &[
            ("migrations/current.sql", ""),
            (
                "migrations/committed/000001-a.sql",
                "--! Previous: -\n--! Hash: sha1:0000000000000000000000000000000000000000\n\ncreate table a (id int);\n",
            ),
        ],
    },
    LayoutProject {
        name: "plain",
        dir: "migrations",
        migrations: 2,
        files: &[("migrations/0001_a.sql", A), ("migrations/0002_b.sql", B)],
    },
];
