-- Purpose: marks a claimed step as done.
-- Parameters: $1 version, $2 number, $3 runner. Privileges: USAGE on schema rlsctl, UPDATE on rlsctl.step. Lowest version: 13.
update rlsctl.step
set finished_at = pg_catalog.clock_timestamp()
where version = $1 and number = $2 and runner = $3 and finished_at is null;
