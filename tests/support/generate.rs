//! Migrations that look like those of a growing multi-tenant application, as many as wanted, the same
//! every time. Shared by tests and benches.

/// One generated migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Generated {
    /// `0042_index_orders_5.sql`.
    pub(crate) file_name: String,
    /// 300 to 600 bytes of SQL, ending with a line break.
    pub(crate) sql: String,
}

/// How many migrations concern one table.
const PER_TABLE: usize = 8;

const NOUNS: &[&str] = &[
    "orders", "invoices", "members", "projects", "tasks", "comments", "uploads", "webhooks", "payments", "teams",
    "labels", "boards", "exports", "devices", "tokens", "reports",
];

/// Returns migration `number`, counted from 1. It needs those before it.
pub(crate) fn migration(number: usize) -> Generated {
    let at = number - 1;
    let table = format!("{}_{}", NOUNS[at / PER_TABLE % NOUNS.len()], at / PER_TABLE + 1);
    let (verb, sql) = match at % PER_TABLE {
        0 => ("create", create_table(&table)),
        1 => ("index", index(&table)),
        2 => ("extend", extend(&table)),
        3 => ("constrain", constrain(&table)),
        4 => ("touch", touch(&table)),
        5 => ("protect", protect(&table)),
        6 => ("summarize", summarize(&table)),
        _ => ("seed", seed(&table)),
    };
    Generated {
        file_name: format!("{number:05}_{verb}_{table}.sql"),
        sql,
    }
}

fn create_table(table: &str) -> String {
    format!(
        "-- {table}: one row belongs to one tenant.
create table {table} (
    id bigint generated always as identity primary key,
    tenant_id uuid not null,
    title text not null check (length(title) between 1 and 200),
    state text not null default 'open',
    amount numeric(12, 2) not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
comment on table {table} is 'Generated: rows of the tenants';
"
    )
}

fn index(table: &str) -> String {
    format!(
        "-- Every query of the application begins with the tenant; the list view sorts by age.
create index {table}_tenant_id_idx on {table} (tenant_id);
create index {table}_tenant_created_idx on {table} (tenant_id, created_at desc);
/* Only a few rows are open at a time, so that this one stays small
   however long the history of a tenant becomes. */
create index {table}_open_idx on {table} (tenant_id, amount) where state = 'open';
"
    )
}

fn extend(table: &str) -> String {
    format!(
        "-- Notes and an assignee; both are optional, so the table is not rewritten.
alter table {table} add column notes text;
alter table {table} add column assignee uuid;
alter table {table} add column settings jsonb not null default '{{}}'::jsonb;
comment on column {table}.assignee is 'Who looks after it; null while nobody does';
comment on column {table}.settings is 'What the front end remembers';
"
    )
}

fn constrain(table: &str) -> String {
    format!(
        "-- States were free text until here. NOT VALID first, so that the scan does not hold the lock.
alter table {table} add constraint {table}_state_known
    check (state in ('open', 'waiting', 'done', 'cancelled')) not valid;
alter table {table} validate constraint {table}_state_known;
alter table {table} add constraint {table}_amount_positive check (amount >= 0);
"
    )
}

fn touch(table: &str) -> String {
    format!(
        "-- Keeps updated_at true whoever writes; a semicolon in the body must not end the statement.
create function {table}_touch() returns trigger language plpgsql as $touch$
begin
    new.updated_at := now();
    return new; -- 'quoted;'
end;
$touch$;
create trigger {table}_touch before update on {table}
    for each row execute function {table}_touch();
"
    )
}

fn protect(table: &str) -> String {
    format!(
        "-- A session says which tenant it is; unset means none at all.
alter table {table} enable row level security;
create policy {table}_tenant on {table}
    using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))
    with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
alter table {table} force row level security;
"
    )
}

fn summarize(table: &str) -> String {
    format!(
        "-- What the dashboard shows, a row a tenant and state.
create view {table}_summary as
select tenant_id, state, count(*) as number_of_rows, coalesce(sum(amount), 0) as total, max(created_at) as newest
from {table}
where state <> 'cancelled'
group by tenant_id, state;
comment on view {table}_summary is 'Generated: what the dashboard shows';
"
    )
}

fn seed(table: &str) -> String {
    format!(
        "-- An example for new accounts: E'' strings, dollar quotes and doubled quotes in one place.
insert into {table} (tenant_id, title, state, notes) values
    ('00000000-0000-4000-8000-000000000001', 'It''s the first', 'open', E'one\\ntwo; three'),
    ('00000000-0000-4000-8000-000000000001', 'Second', 'done', $note$ten $ a piece; really$note$),
    ('00000000-0000-4000-8000-000000000002', 'Other tenant', 'waiting', null);
"
    )
}

#[test]
fn they_are_valid_sql_in_their_order() {
    let db = super::db::TestDb::new();
    db.psql(
        &(1..=2 * PER_TABLE + 1)
            .map(|number| migration(number).sql)
            .collect::<String>(),
    );
    assert_eq!(db.psql("select count(*) from pg_policies"), "2");
}

#[test]
fn they_are_small_sorted_by_name_and_the_same_every_time() {
    let all: Vec<Generated> = (1..=905).map(migration).collect();
    assert!(
        all.iter().all(|it| (300..=600).contains(&it.sql.len())),
        "{:?}",
        all.iter().map(|it| it.sql.len()).max()
    );
    assert!(all.is_sorted_by(|a, b| a.file_name < b.file_name));
    assert_eq!(all[904].file_name, "00905_create_invoices_114.sql");
    assert_eq!(all, (1..=905).map(migration).collect::<Vec<_>>());
}
