//! One thing is broken, and it is found under its name.

use super::{Bench, of, one};

/// What is done, which object and command leak by it, and a part of the reason.
const BROKEN: &[(&str, &str, &str, &str)] = &[
    ("alter table notes disable row level security", "public.notes", "select", "row security is off"),
    ("alter table notes disable row level security", "public.notes", "insert", "makes a row"),
    ("alter table notes disable row level security", "public.notes", "delete", "deletes"),
    ("create policy wide on notes to $app using (true)", "public.notes", "select", "its policies for select"),
    (
        "create policy wide on notes for update to $app using (true) with check (tenant_id = current_setting('app.tenant_id')::int)",
        "public.notes",
        "update",
        "takes another tenant's rows",
    ),
    (
        "alter policy apart on notes with check (true)",
        "public.notes",
        "insert",
        "makes a row for another tenant",
    ),
    ("alter policy apart on notes with check (true)", "public.notes", "update", "gives its rows"),
    ("create policy wide on notes for delete to $app using (true)", "public.notes", "delete", "deletes another"),
    ("alter table notes owner to $app", "public.notes", "select", "rights of the owner"),
    ("alter role $app superuser", "public.notes", "select", "is a superuser"),
    ("alter role $app nosuperuser bypassrls", "public.notes", "select", "BYPASSRLS"),
    ("grant truncate on notes to $app", "public.notes", "truncate", "asks no policy"),
    (
        "create view peek as select id, body from notes; grant select on peek to $app",
        "public.peek",
        "select",
        "rights of its owner",
    ),
    (
        "create view peek as select * from notes; grant select, delete on peek to $app",
        "public.peek",
        "delete",
        "deletes another",
    ),
    (
        "create materialized view sums as select tenant_id, count(*) from notes group by 1; grant select on sums to $app",
        "public.sums",
        "select",
        "has no row security",
    ),
    (
        "create materialized view sums as select count(*) from notes; grant select on sums to $app",
        "public.sums",
        "select",
        "has no row security",
    ),
    (
        "create function peek() returns setof notes language sql stable security definer as 'select * from public.notes'",
        "public.peek()",
        "execute",
        "its owner's rights",
    ),
    (
        "create function peek(which int) returns text language sql stable security definer as 'select body from public.notes where id = which'",
        "public.peek(integer)",
        "execute",
        "depends on rows of another",
    ),
    (
        "create table parts (id int, tenant_id int not null, primary key (tenant_id, id)) partition by list (tenant_id);
         create table part_1 partition of parts for values in (1); create table part_2 partition of parts for values in (2, 3);
         insert into parts values (1, 1), (2, 2), (3, 3); alter table parts enable row level security;
         create policy apart on parts using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::int);
         grant select on parts, part_2 to $app",
        "public.part_2",
        "select",
        "row security is off",
    ),
    (
        "create function mine() returns int language sql immutable as $$ select nullif(current_setting('app.tenant_id', true), '')::int $$;
         alter policy apart on notes using (tenant_id = mine())",
        "public.notes",
        "select",
        "sees a row of another",
    ),
    (
        "alter table notes alter tenant_id drop not null; insert into notes values (99, null, 'whose?', 99);
         alter policy apart on notes using (tenant_id is not distinct from nullif(current_setting('app.tenant_id', true), '')::int)",
        "public.notes",
        "select",
        "nobody's session",
    ),
    (
        "create table likes (id int primary key, tenant_id text not null); insert into likes values (1, 'acme'), (2, 'bolt');
         alter table likes enable row level security; grant select on likes to $app;
         create policy apart on likes using (tenant_id like nullif(current_setting('app.tenant_id', true), ''))",
        "public.likes",
        "select",
        "sees a row of another",
    ),
    (
        "create table kids (id int primary key, tenant_id int not null, note_id int references notes on delete cascade);
         insert into kids values (1, 1, 2), (2, 2, 2), (3, 2, 1); alter table kids enable row level security;
         create policy apart on kids using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::int); grant select on kids to $app",
        "public.notes",
        "delete",
        "in public.kids",
    ),
    (
        "create role $app_up bypassrls; grant $app_up to $app; grant usage on schema public to $app_up; grant select on notes to $app_up",
        "public.notes",
        "select",
        "BYPASSRLS",
    ),
];

#[test]
fn each_leak_is_found_where_it_is() {
    let bench = Bench::new();
    for (sql, object, command, reason) in BROKEN {
        let broken = bench.again();
        broken.sql(sql);
        let proof = broken.json(1);
        let leak = one(&proof, object, command, "LEAK");
        let told = leak["reason"].as_str().unwrap();
        // A command may leak in several sessions, for several reasons.
        let all = proof["verdicts"].as_array().unwrap().iter();
        let mut reasons =
            all.filter(|it| it["object"] == *object && it["command"] == *command && it["verdict"] == "LEAK");
        assert!(
            reasons.any(|it| it["reason"].as_str().unwrap().contains(reason)),
            "{sql}: {told}"
        );
        broken.sql("alter role $app nosuperuser nobypassrls");
        broken.sql("drop owned by $app cascade");
    }
    bench.sql("drop owned by $app_up; drop role $app_up");
    bench.gone();
}

/// What looks wrong and is not.
const SAFE: &[&str] = &[
    // Without WITH CHECK the USING is asked.
    "alter policy apart on notes using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::int)",
    // An error holds back too.
    "alter policy apart on notes using (tenant_id = current_setting('app.tenant_id')::int)",
    // A trigger puts the row back to its own tenant.
    "create function back() returns trigger language plpgsql as $$ begin new.tenant_id := nullif(current_setting('app.tenant_id', true), '')::int; return new; end $$;
     create trigger back before insert on notes for each row execute function back();
     drop policy apart on notes; create policy apart on notes to $app using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::int) with check (true);
     revoke update on notes from $app",
    // It is another's function, and tells only what is one's own.
    "create function mine() returns bigint language sql stable security definer as
       $$ select count(*) from public.notes where tenant_id = nullif(current_setting('app.tenant_id', true), '')::int $$",
    // A definer's function that nobody may call.
    "create function peek() returns setof notes language sql stable security definer as 'select * from public.notes'; revoke execute on function peek from public",
    "create view own with (security_barrier) as select * from notes where tenant_id = nullif(current_setting('app.tenant_id', true), '')::int; grant select on own to $app",
    "create view sums as select count(*) from notes where tenant_id = nullif(current_setting('app.tenant_id', true), '')::int; grant select on sums to $app",
    "alter table notes add unique (id, tenant_id); create table deep (id int primary key, tenant_id int not null, note_id int not null, t text unique,
       foreign key (note_id, tenant_id) references notes (id, tenant_id) on delete cascade);
     insert into deep select id, tenant_id, id, 'x' || id from notes; alter table deep enable row level security; grant select, insert, update, delete on deep to $app;
     create policy apart on deep using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::int)",
    "alter table lines drop constraint lines_note_id_fkey, add foreign key (note_id) references notes",
];

#[test]
fn what_only_looks_wrong_is_proven() {
    let bench = Bench::new();
    for sql in SAFE {
        let safe = bench.again();
        safe.sql(sql);
        let run = safe.run(&[]);
        assert_eq!(run.code(), 0, "{sql}\n{}\n{}", run.stdout, run.stderr);
    }
    bench.gone();
}

/// What is not known, and a part of the reason.
const UNKNOWN: &[(&str, &str, &str, &str)] = &[
    (
        "delete from lines; delete from notes where tenant_id = 2",
        "public.notes",
        "select",
        "only tenant 1",
    ),
    (
        "delete from lines; delete from notes",
        "public.notes",
        "update",
        "no tenant has rows",
    ),
    (
        "create function no() returns boolean language plpgsql as $$ begin raise exception 'not today'; end $$; alter policy apart on notes using (no())",
        "public.notes",
        "select",
        "not today",
    ),
    (
        "alter policy apart on notes using (pg_sleep(30) is null)",
        "public.notes",
        "select",
        "stopped after",
    ),
    (
        "create policy again on notes using (exists (select from notes n where n.id = notes.id))",
        "public.notes",
        "select",
        "42P17",
    ),
    (
        "create table codes (id int primary key); grant select on codes to $app",
        "public.codes",
        "select",
        "nothing says whose",
    ),
    (
        "create function peek() returns setof notes language sql volatile security definer as 'select * from public.notes'",
        "public.peek()",
        "execute",
        "VOLATILE",
    ),
];

#[test]
fn what_cannot_be_told_is_unknown_with_its_reason() {
    let bench = Bench::new();
    for (sql, object, command, reason) in UNKNOWN {
        let broken = bench.again();
        broken.sql(sql);
        let args = ["--probe-timeout", "300ms", "--format", "json"];
        let proof = broken.run(&args).exits(1).json();
        let told = one(&proof, object, command, "UNKNOWN")["reason"]
            .as_str()
            .unwrap()
            .to_owned();
        let all = of(&proof, object, command);
        assert!(told.contains(reason), "{sql}: {told}");
        assert!(all.iter().all(|(_, verdict)| verdict != "LEAK"), "{sql}: {all:?}");
        let allowed = broken.run(&["--probe-timeout", "300ms", "--allow-unknown"]);
        assert_eq!(allowed.code(), 0, "{sql}: {}", allowed.stdout);
    }
    bench.gone();
}
