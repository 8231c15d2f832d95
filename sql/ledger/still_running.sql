-- Purpose: what has become of the backend of a connection that was lost: whether a statement of the run is still running, and whether the
--   backend is still there, which may not have read its last message yet. Until then nothing is known of the COMMIT.
-- Parameters: $1 pattern of the run's mark, $2 process id of that backend. Privileges: none; sees other backends of the same role.
-- Lowest version: 13.
select exists (
    select from pg_catalog.pg_stat_activity a
    where a.pid <> pg_catalog.pg_backend_pid() and a.query like $1
      and a.state in ('active', 'idle in transaction', 'idle in transaction (aborted)')) as is_running,
  exists (
    select from pg_catalog.pg_stat_activity a
    where a.pid = $2 and a.pid <> pg_catalog.pg_backend_pid() and a.datname = pg_catalog.current_database()) as is_there,
  pg_catalog.pg_backend_pid() as pid;
