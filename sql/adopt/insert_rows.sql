-- Purpose: the rows of adopted migrations.
-- Parameters: $1 JSON array of objects, $2 tool version, $3 git commit.
-- Privileges: USAGE on schema rlsctl, INSERT on rlsctl.ledger. Lowest version: 13.
insert into rlsctl.ledger (version, sort_key, name, checksum, token_checksum, sql, origin, applied_at, applied_by, transactional,
  tool_version, git_commit)
select r.version, r.sort_key, r.name, r.checksum, r.token_checksum, r.sql, 'adopt',
  coalesce(r.applied_at, pg_catalog.clock_timestamp()), coalesce(r.applied_by, session_user), r.transactional, $2, $3
from pg_catalog.json_to_recordset($1::json) as r (version text, sort_key text, name text, checksum text, token_checksum text,
  sql text, applied_at timestamptz, applied_by text, transactional boolean);
