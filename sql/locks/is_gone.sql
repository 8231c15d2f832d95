-- Purpose: whether a session that was ended holds no lock any more; its process id may be another's by now.
-- Parameters: $1 process id, $2 when it started. Privileges: none for sessions of one's own roles, else pg_read_all_stats. Lowest version: 13.
select not exists (
  select from pg_catalog.pg_stat_activity a
  where a.pid = $1 and (a.backend_start is null or a.backend_start = $2::timestamptz)
) and not exists (
  select from pg_catalog.pg_locks l
  where l.pid = $1 and not exists (select from pg_catalog.pg_stat_activity a where a.pid = $1)
) as is_gone;
