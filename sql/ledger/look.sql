-- Purpose: everything a run has to know before it starts, in one message: the server and the role, the ledger's format, and
--   its head. The later statements fail with 42P01 or 3F000 where there is no ledger yet;
--   the rows of the earlier ones have arrived by then.
-- Parameters: none. Privileges: CONNECT; USAGE on schema rlsctl and SELECT on its tables, if they are there. Lowest version: 13.
select pg_catalog.current_setting('server_version_num') as server_version_num,
  pg_catalog.current_database() as database,
  session_user as session_role,
  current_user as acting_role,
  pg_catalog.pg_is_in_recovery() as in_recovery,
  pg_catalog.current_setting('transaction_read_only') as read_only,
  pg_catalog.current_setting('lock_timeout') as lock_timeout,
  pg_catalog.current_setting('statement_timeout') as statement_timeout;
select format from rlsctl.meta;
select pg_catalog.count(*) as applied,
  pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(
    coalesce(pg_catalog.string_agg(l.version || ' ' || l.checksum || E'\n', '' order by l.sort_key), ''), 'UTF8')), 'hex') as head,
  exists (select from rlsctl.step s where not exists (select from rlsctl.ledger a where a.version = s.version)) as unfinished
from rlsctl.ledger l;
