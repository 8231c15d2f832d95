//! Tables that are not like others.

use super::{Bench, of, one, words};

#[test]
fn odd_tables_are_proven_and_their_leaks_found() {
    let bench = Bench::new();
    let wide: Vec<String> = (0..1597).map(|at| format!("c{at} int")).collect();
    let tables = [
        ("public.wide", format!("create table wide (id int primary key, tenant_id int, t text, {}); insert into wide (id, tenant_id) values (1, 1), (2, 2)", wide.join(", "))),
        (
            "public.\"Odd \"\"name\"",
            "create table \"Odd \"\"name\" (\"Id\" int primary key, tenant_id int, \"select\" text, rlsctl_seen int, \"o'dd\" text);
             insert into \"Odd \"\"name\" values (1, 1, 'x', 1, 'y'), (2, 2, 'x', 1, 'y')"
                .to_owned(),
        ),
        (
            "public.domains",
            "create domain whose as int check (value > 0); create table domains (id uuid primary key default gen_random_uuid(), tenant_id whose not null, e text);
             insert into domains (tenant_id) values (1), (2)"
                .to_owned(),
        ),
        (
            "public.keyless",
            "create table keyless (tenant_id int, at timestamptz default now(), j jsonb, k json, p point); insert into keyless (tenant_id, j) values (1, '{}'), (2, '{}')".to_owned(),
        ),
        (
            "public.only_tenant",
            "create table only_tenant (tenant_id int); insert into only_tenant values (1), (2)".to_owned(),
        ),
        (
            "public.children",
            "create table forebears (id serial primary key, tenant_id int not null); create table children (more text) inherits (forebears);
             insert into children (tenant_id) values (1), (2)"
                .to_owned(),
        ),
    ];
    for (name, sql) in tables {
        let odd = bench.again();
        odd.sql(&sql);
        odd.sql(&format!(
            "alter table {name} enable row level security; grant select, insert, update, delete on {name} to $app;
             create policy apart on {name} using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::int)"
        ));
        let proof = odd.json(0);
        assert_eq!(words(&proof), ["PROVEN"], "{name}");
        for command in ["select", "insert", "update", "delete"] {
            assert!(of(&proof, name, command).len() >= 3, "{name} {command}");
        }
        odd.sql(&format!("alter table {name} disable row level security"));
        let proof = odd.json(1);
        for command in ["select", "insert", "update", "delete"] {
            one(&proof, name, command, "LEAK");
        }
    }
    bench.gone();
}

#[test]
fn tenants_that_are_arrays_or_text_are_told_apart() {
    for (data_type, first, second) in [
        ("int[]", "{1}", "{2}"),
        ("text", "o'ne", "tw\\o"),
        (
            "uuid",
            "6f2f1b7e-0000-4000-8000-000000000001",
            "6f2f1b7e-0000-4000-8000-000000000002",
        ),
    ] {
        let bench = Bench::new();
        bench.sql(&format!(
            "drop table lines, notes, tenants;
             create table things (id int primary key, tenant_id {data_type} not null, t text); grant select, insert, update, delete on things to $app;
             insert into things values (1, $q${first}$q$, 'a'), (2, $q${second}$q$, 'b'); alter table things enable row level security;
             create policy apart on things using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::{data_type})"
        ));
        let proof = bench.json(0);
        assert_eq!(words(&proof), ["PROVEN"], "{data_type}");
        bench.sql("alter policy apart on things using (true)");
        let proof = bench.json(1);
        let row = &one(&proof, "public.things", "select", "LEAK")["evidence"]["row"];
        assert_eq!(row["id"], 2, "{row}");
        bench.gone();
    }
}

#[test]
fn a_role_with_a_few_columns_is_tried_with_those() {
    let bench = Bench::new();
    bench.sql(
        "revoke all on notes, lines from $app; grant select (id, body), update (body) on notes to $app; grant select (id), delete on lines to $app;
         alter policy apart on lines using (true)",
    );
    let proof = bench.json(1);
    assert_eq!(
        one(&proof, "public.notes", "select", "PROVEN")["role"],
        bench.app.as_str()
    );
    one(&proof, "public.lines", "select", "LEAK");
    one(&proof, "public.lines", "delete", "LEAK");
    assert!(of(&proof, "public.notes", "insert").is_empty());
    bench.gone();
}
