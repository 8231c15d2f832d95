//! Every ledger that is known: made as its tool makes it, verified or trusted, and left as it was.

use serde_json::json;

use super::{FIRST, Migrated, SECOND, pairs};

/// A ledger, and what adopting it gives.
struct Case {
    layout: &'static str,
    files: &'static [(&'static str, &'static str)],
    /// The table, for looking whether it is touched.
    table: &'static str,
    ledger: &'static str,
    expected: &'static [(&'static str, &'static str)],
    /// A further file, which stays pending.
    next: &'static str,
}

impl Case {
    fn holds(&self) {
        let migrated = Migrated::new(self.layout, self.files, self.ledger);
        let db = &migrated.db;
        let look = format!("select (array_agg(t order by t::text))::text from {} t", self.table);
        let (before, catalog) = (db.psql(&look), db.catalog());
        let run = migrated.project.on(db, &["migrate"]).run().exits(6);
        assert!(run.stderr.contains("rlsctl adopt"), "{}", run.stderr);
        assert_eq!(migrated.run(&["status"], 0)["other_ledgers"], json!([self.table]));
        assert_eq!(db.catalog(), catalog);
        // Verified or trusted, as it should be, and in our ledger as the files are.
        assert_eq!(migrated.adopt(), pairs(self.expected));
        let status = migrated.run(&["status"], 0);
        assert_eq!(
            (&status["findings"], &status["summary"]["pending"]),
            (&json!([]), &json!(0))
        );
        assert_eq!(status["summary"]["applied"], self.expected.len());
        assert_eq!(
            db.psql("select string_agg(distinct origin, ',') from rlsctl.ledger"),
            "adopt"
        );
        // A second time there is nothing to do.
        let document = migrated.run(&["adopt"], 0);
        assert_eq!(
            (&document["summary"]["adopted"], &document["summary"]["already"]),
            (&json!(0), &json!(self.expected.len()))
        );
        let text = migrated.project.on(db, &["adopt"]).run().exits(0).stdout;
        assert!(text.contains("already adopted"), "{text}");
        // Only what is pending is run.
        migrated.project.migration(
            self.next,
            format!("{}CREATE TABLE afterwards (id int);\n", marker(self.layout)),
        );
        if self.layout == "drizzle" {
            migrated.project.migration(
                "meta/_journal.json",
                JOURNAL.replace("  ]", &format!(",{}]", entry(2, 3000, "0002_more"))),
            );
        }
        let document = migrated.run(&["migrate"], 0);
        assert_eq!(document["summary"]["applied"], 1, "{document:#}");
        assert_eq!(db.psql("select to_regclass('afterwards') is not null"), "t");
        assert_eq!(db.psql(&look), before, "the other tool's ledger was written to");
    }
}

fn marker(layout: &str) -> &'static str {
    match layout {
        "dbmate" => "-- migrate:up\n",
        "goose" => "-- +goose Up\n",
        _ => "",
    }
}

const JOURNAL: &str = r#"{ "version": "7", "dialect": "postgresql", "entries": [
    { "idx": 0, "version": "7", "when": 1000, "tag": "0000_first", "breakpoints": true },
    { "idx": 1, "version": "7", "when": 2000, "tag": "0001_second", "breakpoints": true }
  ] }"#;

fn entry(idx: u32, when: u32, tag: &str) -> String {
    json!({"idx": idx, "version": "7", "when": when, "tag": tag, "breakpoints": true}).to_string()
}

const FLAT: &[(&str, &str)] = &[("1_first.sql", FIRST), ("2_second.sql", SECOND)];
const TRUSTED: &[(&str, &str)] = &[("1", "trusted"), ("2", "trusted")];
const VERIFIED: &[(&str, &str)] = &[("1", "verified"), ("2", "verified")];

#[test]
fn supabase() {
    Case {
        layout: "supabase",
        files: &[
            ("20240101000000_first.sql", FIRST),
            ("20240102000000_second.sql", "-- more\nALTER TABLE t ADD x int; -- here\nSELECT 1;\n"),
            ("20240103000000_third.sql", "CREATE TABLE third (id int);\n"),
        ],
        table: "supabase_migrations.schema_migrations",
        // Beside the ledgers of the services, which are none of the project's. The third row is the Management API's.
        ledger: "create schema supabase_migrations; create schema auth; create schema storage; create schema realtime;
            create table auth.schema_migrations (version varchar(255) primary key);
            create table storage.migrations (id int primary key, name varchar(100), hash varchar(40), executed_at timestamp);
            create table realtime.schema_migrations (version bigint primary key, inserted_at timestamp);
            create table supabase_migrations.seed_files (path text primary key, hash text);
            create table supabase_migrations.schema_migrations (version text primary key, statements text[], name text,
              created_by text, idempotency_key text unique, rollback text[]);
            insert into supabase_migrations.schema_migrations (version, statements, name, created_by) values
              ('20240101000000', array['CREATE TABLE t (id int)'], 'first', null),
              ('20240102000000', array[E'-- more\\nALTER TABLE t ADD x int', E'-- here\\nSELECT 1'], 'second', null),
              ('20240103000000', array[E'CREATE TABLE third (id int);\\r\\n'], 'third', 'someone@example.com')",
        expected: &[("20240101000000", "verified"), ("20240102000000", "verified"), ("20240103000000", "verified")],
        next: "20240104000000_more.sql",
    }
    .holds();
}

#[test]
fn supabase_rows_without_statements() {
    Case {
        layout: "supabase",
        files: &[("20240101000000_first.sql", FIRST), ("20240102000000_second.sql", SECOND)],
        table: "supabase_migrations.schema_migrations",
        ledger: "create schema supabase_migrations;
            create table supabase_migrations.schema_migrations (version text primary key, statements text[], name text);
            insert into supabase_migrations.schema_migrations values ('20240101000000', null, 'first'), ('20240102000000', '{}', 'second')",
        expected: &[("20240101000000", "trusted"), ("20240102000000", "trusted")],
        next: "20240104000000_more.sql",
    }
    .holds();
}

#[test]
fn sqlx_with_line_ends_of_windows() {
    Case {
        layout: "sqlx",
        files: &[("1_first.sql", FIRST), ("2_second.up.sql", SECOND), ("2_second.down.sql", "drop table t;")],
        table: "public._sqlx_migrations",
        ledger: "create table _sqlx_migrations (version bigint primary key, description text, installed_on timestamptz, success boolean,
              checksum bytea, execution_time bigint);
            insert into _sqlx_migrations values
              (1, 'first', now(), true, '\\x13ec31b9fdb54e368195d7bc842339dbb8844066c2781756dc6003d955e6a4199f83dbb6148cf8b6addef8ce34a3e985', 1),
              (2, 'second', now(), true, sha384('ALTER TABLE t ADD x int;\\012'), 1)",
        expected: VERIFIED,
        next: "3_more.sql",
    }
    .holds();
}

#[test]
fn refinery() {
    Case {
        layout: "refinery",
        files: &[("V1__initial.sql", FIRST), ("V20240101__add_x.sql", "")],
        table: "public.refinery_schema_history",
        ledger: "create table refinery_schema_history (version int4 primary key, name varchar(255), applied_on varchar(255), checksum varchar(255));
            insert into refinery_schema_history values (1, 'initial', '2024-01-01T00:00:00Z', '1459393547224997786'),
              (20240101, 'add_x', 'some day', '2453285112144865676')",
        expected: &[("1", "verified"), ("20240101", "verified")],
        next: "V20240102__more.sql",
    }
    .holds();
}

#[test]
fn refinery_with_long_versions() {
    Case {
        layout: "refinery",
        files: &[("V1__initial.sql", FIRST)],
        table: "public.refinery_schema_history",
        ledger: "create table refinery_schema_history (version int8 primary key, name varchar(255), applied_on varchar(255), checksum varchar(255));
            insert into refinery_schema_history values (1, 'initial', '2024-01-01T00:00:00Z', '7567865042636220382')",
        expected: &[("1", "verified")],
        next: "V2__more.sql",
    }
    .holds();
}

#[test]
fn flyway() {
    Case {
        layout: "flyway",
        files: &[("V0.5__old.sql", "SELECT 1;\n"), ("V1__first.sql", FIRST), ("V1_1__ab.sql", "a\nb\n"), ("V2__no.sql", SECOND), ("R__view.sql", "SELECT 2;\n")],
        table: "app.flyway_schema_history",
        ledger: "create schema app; create table app.flyway_schema_history (installed_rank int primary key, version varchar(50), description varchar(200) not null,
              type varchar(20) not null, script varchar(1000) not null, checksum int, installed_by varchar(100) not null,
              installed_on timestamp not null default now(), execution_time int not null, success boolean not null);
            insert into app.flyway_schema_history (installed_rank, version, description, type, script, checksum, installed_by, execution_time, success) values
              (0, null, '<< Flyway Schema Creation >>', 'SCHEMA', '\"app\"', null, 'me', 0, true),
              (1, '0.9', '<< Flyway Baseline >>', 'BASELINE', '<< Flyway Baseline >>', null, 'me', 0, true),
              (2, '1', 'first', 'SQL', 'V1__first.sql', 92137680, 'me', 1, true),
              (3, '1.1', 'ab', 'SQL', 'V1_1__ab.sql', -1635563411, 'me', 1, true),
              (4, null, 'view', 'SQL', 'R__view.sql', 1, 'me', 1, true),
              (5, '2', 'no', 'SQL', 'V2__no.sql', null, 'me', 1, true)",
        expected: &[("0.5", "trusted"), ("1", "verified"), ("1_1", "verified"), ("2", "trusted")],
        next: "V3__more.sql",
    }
    .holds();
}

#[test]
fn dbmate() {
    Case {
        layout: "dbmate",
        files: &[("20240101_first.sql", "-- migrate:up\nCREATE TABLE t (id int);\n-- migrate:down\nDROP TABLE t;\n"), ("20240102_second.sql", "-- migrate:up\nALTER TABLE t ADD x int;\n")],
        table: "public.schema_migrations",
        ledger: "create table schema_migrations (version varchar primary key); insert into schema_migrations values ('20240101'), ('20240102')",
        expected: &[("20240101", "trusted"), ("20240102", "trusted")],
        next: "20240103_more.sql",
    }
    .holds();
}

#[test]
fn golang_migrate() {
    Case {
        layout: "golang-migrate",
        files: &[("000001_first.up.sql", FIRST), ("000001_first.down.sql", ""), ("000002_second.up.sql", SECOND)],
        table: "public.schema_migrations",
        ledger: "create table schema_migrations (version bigint primary key, dirty boolean not null); insert into schema_migrations values (2, false)",
        expected: &[("000001", "trusted"), ("000002", "trusted")],
        next: "000003_more.up.sql",
    }
    .holds();
}

#[test]
fn rails() {
    Case {
        layout: "plain",
        files: &[("20240101_first.sql", FIRST), ("20240102_second.sql", SECOND)],
        table: "public.schema_migrations",
        ledger: "create table ar_internal_metadata (key varchar primary key, value varchar);
            create table schema_migrations (version varchar primary key); insert into schema_migrations values ('20240101'), ('20240102')",
        expected: &[("20240101", "trusted"), ("20240102", "trusted")],
        next: "20240103_more.sql",
    }
    .holds();
}

#[test]
fn ecto() {
    Case {
        layout: "plain",
        files: FLAT,
        table: "public.schema_migrations",
        ledger: "create table schema_migrations (version bigint primary key, inserted_at timestamp(0)); insert into schema_migrations values (1, now()), (2, now())",
        expected: TRUSTED,
        next: "3_more.sql",
    }
    .holds();
}

#[test]
fn goose() {
    Case {
        layout: "goose",
        files: &[("00001_first.sql", "-- +goose Up\nCREATE TABLE t (id int);\n"), ("00002_second.sql", "-- +goose Up\nALTER TABLE t ADD x int;\n")],
        table: "public.goose_db_version",
        ledger: "create table goose_db_version (id int primary key generated by default as identity, version_id bigint not null, is_applied boolean not null, tstamp timestamp not null default now());
            insert into goose_db_version (version_id, is_applied) values (0, true), (1, true), (2, true), (2, false), (2, true)",
        expected: &[("00001", "trusted"), ("00002", "trusted")],
        next: "00003_more.sql",
    }
    .holds();
}

#[test]
fn diesel() {
    Case {
        layout: "diesel",
        files: &[("2024-01-01-000000_first/up.sql", FIRST), ("2024-01-01-000000_first/down.sql", ""), ("2024-01-02-000000_second/up.sql", SECOND)],
        table: "public.__diesel_schema_migrations",
        ledger: "create table __diesel_schema_migrations (version varchar(50) primary key, run_on timestamp not null default current_timestamp);
            insert into __diesel_schema_migrations (version) values ('20240101000000'), ('20240102000000')",
        expected: &[("20240101000000", "trusted"), ("20240102000000", "trusted")],
        next: "2024-01-03-000000_more/up.sql",
    }
    .holds();
}

#[test]
fn prisma() {
    Case {
        layout: "prisma",
        files: &[("20240101000000_first/migration.sql", FIRST), ("20240102000000_second/migration.sql", "CREATE TABLE t (id int);\r\n"), ("migration_lock.toml", "provider = \"postgresql\"\n")],
        table: "public._prisma_migrations",
        ledger: "create table _prisma_migrations (id varchar(36) primary key, checksum varchar(64) not null, finished_at timestamptz, migration_name varchar(255) not null,
              logs text, rolled_back_at timestamptz, started_at timestamptz not null default now(), applied_steps_count int not null default 0);
            insert into _prisma_migrations (id, checksum, finished_at, migration_name, rolled_back_at) values
              ('a', '12c83f983bc94b9c71dcc92149589d5fb1a3d32af8f6d699545d95db9040', now(), '20240101000000_first', null),
              ('b', 'x', null, '20240102000000_second', now()),
              ('c', '12c83f983b0c94b9c7010dcc92149589d5fb01a3d32af8f6d699545d95db9040', now(), '20240102000000_second', null)",
        expected: &[("20240101000000_first", "verified"), ("20240102000000_second", "verified")],
        next: "20240103000000_more/migration.sql",
    }
    .holds();
}

#[test]
fn drizzle() {
    Case {
        layout: "drizzle",
        files: &[("0000_first.sql", FIRST), ("0001_second.sql", SECOND), ("meta/_journal.json", JOURNAL)],
        table: "drizzle.__drizzle_migrations",
        // The second row's time is not the journal's, as after an edit of it: the hash says which file it is.
        ledger: "create schema drizzle; create table drizzle.__drizzle_migrations (id serial primary key, hash text not null, created_at bigint);
            insert into drizzle.__drizzle_migrations (hash, created_at) values
              ('12c83f983b0c94b9c7010dcc92149589d5fb01a3d32af8f6d699545d95db9040', 1000),
              (encode(sha256('ALTER TABLE t ADD x int;\\012'), 'hex'), 2001)",
        expected: &[("0000", "verified"), ("0001", "verified")],
        next: "0002_more.sql",
    }
    .holds();
}

#[test]
fn graphile() {
    Case {
        layout: "graphile",
        files: &[
            ("committed/000001-first.sql", "--! Previous: -\n--! Hash: sha1:9d425143f6c0084d58f4289ec9a78d367155bf76\n--! Message: first\n\nCREATE TABLE t (id int);\n"),
            ("committed/000002.sql", "--! Previous: sha1:9d425143f6c0084d58f4289ec9a78d367155bf76\n--! Hash: sha1:64d56a65eccdffdbdccbc3c0d72df158d8bff99b\n\nALTER TABLE t ADD x int;\n"),
            ("current.sql", "-- work\n"),
        ],
        table: "graphile_migrate.migrations",
        ledger: "create schema graphile_migrate; create table graphile_migrate.migrations (hash text primary key, previous_hash text references graphile_migrate.migrations,
              filename text not null, date timestamptz not null default now());
            create table graphile_migrate.current (filename text primary key default 'current.sql', content text not null, date timestamptz not null default now());
            insert into graphile_migrate.migrations values
              ('sha1:9d425143f6c0084d58f4289ec9a78d367155bf76', null, '000001.sql'),
              ('sha1:64d56a65eccdffdbdccbc3c0d72df158d8bff99b', 'sha1:9d425143f6c0084d58f4289ec9a78d367155bf76', '000002.sql')",
        expected: &[("000001", "verified"), ("000002", "verified")],
        next: "committed/000003.sql",
    }
    .holds();
}

#[test]
fn knex() {
    Case {
        layout: "plain",
        files: FLAT,
        table: "public.knex_migrations",
        ledger: "create table knex_migrations_lock (index serial primary key, is_locked int);
            create table knex_migrations (id serial primary key, name varchar(255), batch int, migration_time timestamptz);
            insert into knex_migrations (name, batch, migration_time) values ('1_first.js', 1, now()), ('2_second.js', 1, now())",
        expected: TRUSTED,
        next: "3_more.sql",
    }
    .holds();
}

#[test]
fn node_pg_migrate() {
    Case {
        layout: "plain",
        files: FLAT,
        table: "public.pgmigrations",
        ledger:
            "create table pgmigrations (id serial primary key, name varchar(255) not null, run_on timestamp not null);
            insert into pgmigrations (name, run_on) values ('1_first', now()), ('2_second', now())",
        expected: TRUSTED,
        next: "3_more.sql",
    }
    .holds();
}

#[test]
fn node_pg_migrates_down_parts_are_not_run() {
    let file = |up: &str, down: &str| format!("-- Up Migration\n{up}\n-- Down Migration\n{down}\n");
    let migrated = Migrated::new(
        "plain",
        &[("1_first.sql", &file(FIRST, "drop table t;"))],
        "create table pgmigrations (id serial primary key, name varchar(255) not null, run_on timestamp not null);
        insert into pgmigrations (name, run_on) values ('1_first', now())",
    );
    assert_eq!(migrated.adopt(), pairs(&[("1", "trusted")]));
    assert_eq!(
        migrated.db.psql("select trim(e'\\n' from sql) from rlsctl.ledger"),
        FIRST.trim_end()
    );
    migrated.project.migration(
        "2_more.sql",
        file("create table more (id int);", "drop table more; drop table t;"),
    );
    migrated.run(&["migrate"], 0);
    assert_eq!(migrated.db.psql("select count(*) from t, more"), "0");
}

#[test]
fn sqitch() {
    Case {
        layout: "plain",
        files: &[("1_first.sql", FIRST), ("2_renamed.sql", "CREATE TABLE t (id int);\r\n-- x"), ("3_users.sql", SECOND)],
        table: "sqitch.changes",
        ledger: "create schema sqitch; create table sqitch.changes (change_id text primary key, script_hash text, change text not null, project text not null,
              note text not null default '', committed_at timestamptz not null default clock_timestamp(), committer_name text not null default 'me',
              committer_email text not null default 'me@example.com', planned_at timestamptz not null default now(), planner_name text not null default 'me',
              planner_email text not null default 'me@example.com', unique (project, script_hash));
            insert into sqitch.changes (change_id, script_hash, change, project) values
              ('a', '9d425143f6c0084d58f4289ec9a78d367155bf76', 'appschema', 'flipr'),
              ('b', 'b', 'users', 'flipr');
            create extension if not exists plpgsql;
            create table sha (v text); insert into sha values ('');
            drop table sha;
            insert into sqitch.changes (change_id, script_hash, change, project) values ('c', 'c', 'renamed', 'flipr')",
        expected: &[("1", "verified"), ("2", "trusted"), ("3", "trusted")],
        next: "4_more.sql",
    }
    .holds();
}

#[test]
fn atlas() {
    Case {
        layout: "plain",
        files: FLAT,
        table: "atlas_schema_revisions.atlas_schema_revisions",
        ledger: "create schema atlas_schema_revisions; create table atlas_schema_revisions.atlas_schema_revisions (version varchar primary key, description varchar not null,
              type bigint not null default 2, applied bigint not null default 0, total bigint not null default 0, executed_at timestamptz not null, execution_time bigint not null,
              error text, error_stmt text, hash varchar not null, partial_hashes jsonb, operator_version varchar not null);
            insert into atlas_schema_revisions.atlas_schema_revisions
              select v, d, 2, 1, 1, now(), 1, null, null, encode(sha256(convert_to(b, 'UTF8')), 'base64'), null, 'Atlas CLI'
              from (values ('1', 'first', E'1_first.sqlCREATE TABLE t (id int);\\n'),
                ('2', 'second', E'1_first.sqlCREATE TABLE t (id int);\\n2_second.sqlALTER TABLE t ADD x int;\\n')) x (v, d, b);
            insert into atlas_schema_revisions.atlas_schema_revisions values ('.atlas_cloud_identifier', 'x', 2, 0, 0, now(), 0, null, null, '', null, '')",
        expected: VERIFIED,
        next: "3_more.sql",
    }
    .holds();
}

#[test]
fn postgres_migrations() {
    Case {
        layout: "plain",
        files: &[("0001-initial.sql", FIRST)],
        table: "public.migrations",
        ledger: "create table migrations (id int primary key, name varchar(100) unique not null, hash varchar(40) not null, executed_at timestamp default current_timestamp);
            insert into migrations values (0, 'create-migrations-table', 'e18db593bcde2aca2a408c4d1100f6abba2195df'), (1, 'initial', '66f751fc66c101296e09b4bfc53c4d7367236dec')",
        expected: &[("0001", "verified")],
        next: "0002-more.sql",
    }
    .holds();
}

#[test]
fn pgroll() {
    Case {
        layout: "plain",
        files: &[("01_first.sql", FIRST), ("02_second.sql", SECOND)],
        table: "pgroll.migrations",
        ledger: "create schema pgroll; create table pgroll.migrations (schema name not null, name text not null, migration jsonb not null, created_at timestamp not null default now(),
              updated_at timestamp not null default now(), parent text, done boolean not null default false, resulting_schema jsonb not null default '{}', primary key (schema, name));
            insert into pgroll.migrations (schema, name, migration, parent, done) values ('public', '01_first', '{}', null, true), ('public', '02_second', '{}', '01_first', true)",
        expected: &[("01", "trusted"), ("02", "trusted")],
        next: "03_more.sql",
    }
    .holds();
}

#[test]
fn boundary() {
    Case {
        layout: "plain",
        files: FLAT,
        table: "public.boundary_schema_version",
        ledger: "create table boundary_schema_version (version bigint primary key, edition text not null); insert into boundary_schema_version values (2, 'oss')",
        expected: TRUSTED,
        next: "3_more.sql",
    }
    .holds();
}
