-- Purpose: ends every session of this database that has been idle in a transaction for an age, in one statement, for a scheduler inside the
--   server: it looks and ends in the same statement, as end_session.sql does. A row for each session that was told to end.
-- Parameters: $1 age in seconds, $2 protected roles and $3 protected applications, $4 roles and $5 applications that alone are meant or
--   null: arrays of LIKE patterns; $6 whether only those are meant that somebody waits for, $7 how many at most or null.
-- Privileges: pg_read_all_stats, pg_signal_backend; sessions of superusers are ended by superusers only. Lowest version: 13.
select d.pid, d.usename as role, d.application_name as application, d.idle, pg_catalog.pg_terminate_backend(d.pid) as ended
from (
  select a.pid, a.usename, a.application_name, pg_catalog.clock_timestamp() - a.state_change as idle
  from pg_catalog.pg_stat_activity a
  join pg_catalog.pg_roles me on me.rolname = current_user
  left join pg_catalog.pg_roles r on r.oid = a.usesysid
  where a.datname = pg_catalog.current_database()
    and a.backend_type = 'client backend'
    and a.pid <> pg_catalog.pg_backend_pid()
    and a.state in ('idle in transaction', 'idle in transaction (aborted)')
    and a.state_change <= pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => $1)
    and (me.rolsuper or not coalesce(r.rolsuper, false))
    and not coalesce(a.usename, '') like any ($2::text[])
    and not coalesce(a.application_name, '') like any ($3::text[])
    and ($4::text[] is null or coalesce(a.usename, '') like any ($4::text[]))
    and ($5::text[] is null or coalesce(a.application_name, '') like any ($5::text[]))
    and (not $6 or a.pid in (
      select pg_catalog.unnest(pg_catalog.pg_blocking_pids(w.pid)) from pg_catalog.pg_locks w where not w.granted))
  order by a.state_change
  limit $7
) d;
