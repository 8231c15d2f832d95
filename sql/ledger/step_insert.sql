-- Purpose: the row of a step that runs inside a transaction; it comes first, as in insert.sql.
-- Parameters: $1 version, $2 number, $3 object, $4 checksum, $5 runner.
-- Privileges: USAGE on schema rlsctl, INSERT on rlsctl.step. Lowest version: 13.
insert into rlsctl.step (version, number, object, checksum, runner, backend_pid, finished_at)
values ($1, $2, $3, $4, $5, pg_catalog.pg_backend_pid(), pg_catalog.clock_timestamp());
