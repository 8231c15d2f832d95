-- Purpose: records that an edited file is meant to be so. What the ledger said before goes into the event log, text and all.
-- Returns: how many rows were changed: 0 if somebody else has changed the row meanwhile.
-- Parameters: $1 version, $2 checksum before, $3 checksum, $4 token checksum, $5 sql, $6 name, $7 tool version, $8 reason.
-- Privileges: USAGE on schema rlsctl, SELECT and UPDATE on rlsctl.ledger, INSERT on rlsctl.event. Lowest version: 13.
with before as (
  select l.version, l.name, l.checksum, l.token_checksum, l.origin, l.sql
  from rlsctl.ledger l
  where l.version = $1 and l.checksum = $2
  for update
), changed as (
  update rlsctl.ledger l
  set checksum = $3, token_checksum = $4, sql = $5, name = $6, origin = 'accept', tool_version = $7
  from before b
  where l.version = b.version
  returning l.version
), told as (
  insert into rlsctl.event (kind, version, tool_version, detail)
  select 'accepted', b.version, $7, pg_catalog.jsonb_build_object(
    'reason', $8::text, 'checksum', $3::text, 'checksum_before', b.checksum, 'token_checksum_before', b.token_checksum,
    'name_before', b.name, 'origin_before', b.origin, 'sql_before', b.sql)
  from before b
)
select pg_catalog.count(*) from changed;
