-- Purpose: what was adopted: one row a migration, with its class and what the other tool's ledger says of it.
-- Parameters: $1 JSON array of objects, $2 tool version.
-- Privileges: USAGE on schema rlsctl, INSERT on rlsctl.event. Lowest version: 13.
insert into rlsctl.event (kind, version, tool_version, detail)
select 'adopted', r.version, $2, r.detail
from pg_catalog.json_to_recordset($1::json) as r (version text, detail jsonb);
