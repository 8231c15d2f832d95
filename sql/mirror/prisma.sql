-- Purpose: the row that Prisma writes when a migration is done.
-- Parameters: $1 table, $2 migration name, $3 checksum. Privileges: INSERT on it. Lowest version: 13.
insert into $1 (id, migration_name, checksum, started_at, finished_at, applied_steps_count)
values (pg_catalog.gen_random_uuid()::pg_catalog.text, $2, $3, pg_catalog.now(), pg_catalog.now(), 1);
