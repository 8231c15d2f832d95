//! What happens in a database and is no change of its schema.

use super::changes::{Planted, check};

const SILENT: &[Planted] = &[
    (
        "create extension pg_trgm",
        "comment on function similarity(text, text) is 'c'; grant execute on function similarity(text, text) to ROLE",
        &[],
    ),
    (
        "create extension hstore",
        "drop extension hstore; create extension hstore",
        &[],
    ),
    (
        "create table p (a int primary key, b text) partition by list (a); create index on p (b)",
        "create table p1 partition of p for values in (1)",
        &[],
    ),
    (
        "create table p (a int, b text) partition by list (a); create table p1 partition of p for values in (1)",
        "create index on p1 (b)",
        &[],
    ),
    (
        "create table p (a int references t) partition by list (a); create trigger x after insert on p for each row execute function g()",
        "create table p1 partition of p for values in (1); create table p2 partition of p for values in (2)",
        &[],
    ),
    (
        "create table p (a int) partition by list (a); create table p1 partition of p for values in (1)",
        "drop table p1",
        &[],
    ),
    (
        "create table p (a int) partition by list (a); create table p1 partition of p for values in (1); grant select on p to ROLE",
        "grant select on p1 to ROLE",
        &[],
    ),
    (
        "create table p (a int) partition by list (a); create table p1 partition of p for values in (1); grant select on p1 to ROLE",
        "create table p2 partition of p for values in (2); grant select on p2 to ROLE",
        &[],
    ),
    (
        "create table p (a int) partition by list (a); create table p1 partition of p for values in (1)",
        "grant select on p1 to ROLE",
        &["~ table public.p"],
    ),
    (
        "create table p (a int) partition by list (a); create table p1 partition of p for values in (1)",
        "alter table p1 owner to ROLE",
        &["~ table public.p"],
    ),
    (
        "create table p (a int) partition by list (a); create table p1 partition of p for values in (1); create table p2 partition of p for values in (2); alter table p1 enable row level security; alter table p2 enable row level security",
        "alter table p2 disable row level security",
        &["~ table public.p"],
    ),
    (
        "create table p (a int) partition by list (a); create table p1 partition of p for values in (1); create policy x on p1 using (a > 1)",
        "alter policy x on p1 using (true)",
        &["~ table public.p"],
    ),
    (
        "create schema rlsctl",
        "create table rlsctl.x (id int); comment on schema rlsctl is 'c'",
        &[],
    ),
    ("", "create temp table z (id int)", &[]),
    (
        "",
        "set allow_system_table_mods = on; update pg_attribute set attoptions = '{pg_attver=1}' where attrelid = 't'::regclass and attnum > 0",
        &[],
    ),
    (
        "",
        "insert into t values (1); analyze t; vacuum full t; reindex table t; cluster t using t_pkey; alter table t set without cluster",
        &[],
    ),
    (
        "alter table t add c int",
        "alter table t drop c; alter table t add c int",
        &[],
    ),
    (
        "",
        "grant select on t to current_user; revoke select on t from ROLE",
        &[],
    ),
    ("", "grant select on t to ROLE; revoke select on t from ROLE", &[]),
];

#[test]
fn what_is_no_schema_is_silent() {
    check(SILENT);
}
