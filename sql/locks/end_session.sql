-- Purpose: ends one session, if it is still the one that was looked at: the same session in the same transaction, idle in it for at least
--   the age, and still holding one of the relations, where some are given. No row if it is not.
-- Parameters: $1 process id, $2 when it started, $3 when its transaction began, null for an aborted one, $4 age in milliseconds, $5 whether it must hold a relation,
--   $6 oids of those relations, an array.
-- Privileges: membership in the session's role or in pg_signal_backend; pg_read_all_stats. Lowest version: 13.
select pg_catalog.pg_terminate_backend(a.pid) as ended
from pg_catalog.pg_stat_activity a
where a.pid = $1
  and a.pid <> pg_catalog.pg_backend_pid()
  and a.backend_type = 'client backend'
  and a.datname = pg_catalog.current_database()
  and a.backend_start = $2::timestamptz
  and a.xact_start is not distinct from $3::timestamptz
  and a.state in ('idle in transaction', 'idle in transaction (aborted)')
  and a.state_change <= pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => $4 / 1000.0)
  and (not $5 or exists (
    select from pg_catalog.pg_locks l
    where l.pid = a.pid and l.granted and l.locktype = 'relation' and l.relation = any ($6::oid[])
      and l.database = a.datid));
