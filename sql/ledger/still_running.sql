-- Purpose: whether a statement of a run whose connection was lost is still running: until it has ended, nothing is known of its COMMIT.
-- Parameters: $1 pattern of the run's mark. Privileges: none; sees other backends of the same role. Lowest version: 13.
select exists (
  select from pg_catalog.pg_stat_activity a
  where a.pid <> pg_catalog.pg_backend_pid() and a.query like $1
    and a.state in ('active', 'idle in transaction', 'idle in transaction (aborted)'));
