-- Purpose: whether somebody waits for a lock that the backend with our mark holds: one of its rows, or its table.
-- Parameters: $1 the mark, a LIKE pattern. Privileges: none. Lowest version: 13.
select exists (
  select from pg_catalog.pg_stat_activity a
  join pg_catalog.pg_locks l on not l.granted and l.pid <> a.pid
  where a.query like $1 and a.pid <> pg_catalog.pg_backend_pid() and a.state = 'active'
    and a.pid = any (pg_catalog.pg_blocking_pids(l.pid)));
