-- Purpose: whether an event can be written here: a word that says why not, or ok.
-- Parameters: none. Privileges: none. Lowest version: 13.
select case
  when pg_catalog.pg_is_in_recovery() then 'standby'
  when e.oid is null then 'no ledger'
  when pg_catalog.current_setting('transaction_read_only') = 'on' then 'read-only'
  when not pg_catalog.has_schema_privilege(n.oid, 'USAGE') or not pg_catalog.has_table_privilege(e.oid, 'INSERT') then 'privilege'
  else 'ok' end
from (select 1) as one
left join pg_catalog.pg_namespace n on n.nspname = 'rlsctl'
left join pg_catalog.pg_class e on e.relnamespace = n.oid and e.relname = 'event';
