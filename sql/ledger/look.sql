-- Purpose: what a run has to know of the ledger before it starts: its format, its head, and whether another tool's ledger may be
--   beside it. That is asked by name, through an index, since it is asked before every command; only where there may be one,
--   sql/adopt/find.sql looks at columns. Fails with 42P01 or 3F000 where there is no ledger yet; the rows of the statements before it
--   in the message have arrived by then.
-- Parameters: none. Privileges: USAGE on schema rlsctl and SELECT on its tables. Lowest version: 13.
select format from rlsctl.meta;
select pg_catalog.count(*) as applied,
  pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(
    coalesce(pg_catalog.string_agg(l.version || ' ' || l.checksum || E'\n', '' order by l.sort_key), ''), 'UTF8')), 'hex') as head,
  exists (select from rlsctl.step s where not exists (select from rlsctl.ledger a where a.version = s.version)) as unfinished
from rlsctl.ledger l;
select exists (
    select from pg_catalog.pg_class c
    where c.relname = any ('{schema_migrations,_sqlx_migrations,refinery_schema_history,flyway_schema_history,goose_db_version,
      __diesel_schema_migrations,_prisma_migrations,__drizzle_migrations,migrations,knex_migrations,pgmigrations,changes,
      atlas_schema_revisions,boundary_schema_version}'::pg_catalog.name[]))
  or exists (select from rlsctl.event e where e.kind = 'adopted') as beside;
