-- Purpose: tables that are other tools' ledgers, asked for where there is none of ours.
-- Parameters: none. Privileges: none. Lowest version: 13.
select n.nspname || '.' || c.relname
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p')
  and (
    c.relname in ('schema_migrations', '_sqlx_migrations', 'refinery_schema_history', 'flyway_schema_history',
      'goose_db_version', '__diesel_schema_migrations', '_prisma_migrations', '__drizzle_migrations')
    or c.relname = 'migrations' and n.nspname = 'graphile_migrate'
  )
order by n.nspname, c.relname;
