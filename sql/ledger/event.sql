-- Purpose: one row of the event log.
-- Parameters: $1 kind, $2 version, $3 tool version, $4 detail (JSON). Privileges: USAGE on schema rlsctl, INSERT on rlsctl.event. Lowest version: 13.
insert into rlsctl.event (kind, version, tool_version, detail) values ($1, $2, $3, $4::jsonb);
