-- Purpose: gives a claim back after a failure that left nothing behind.
-- Parameters: $1 version, $2 number, $3 runner. Privileges: USAGE on schema rlsctl, DELETE on rlsctl.step. Lowest version: 13.
delete from rlsctl.step
where version = $1 and number = $2 and runner = $3 and finished_at is null;
