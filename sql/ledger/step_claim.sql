-- Purpose: claims a step that cannot run inside a transaction, so that a second runner does not run it too. Nothing of ours stays
--   open meanwhile: CREATE INDEX CONCURRENTLY would wait for it. A claim is dead when no backend runs a statement with its mark and
--   the backend that made it is gone; behind a transaction pooler backends outlive their clients, so there it is also dead when that
--   backend has not been busy with it, and the claim has been there, for 30 seconds.
-- Returns: one row: outcome (claimed, resumed, finished, busy) and, for busy, who has it; indexes_before as recorded at the first claim.
-- Parameters: $1 version, $2 number, $3 object, $4 checksum, $5 runner, $6 oids of the indexes to remember (a query's result).
-- Privileges: USAGE on schema rlsctl, INSERT and UPDATE on rlsctl.step; sees other backends of the same role. Lowest version: 13.
with old as (
  select s.finished_at, s.runner, s.backend_pid, s.started_at,
    exists (
      select from pg_catalog.pg_stat_activity a
      where a.pid <> pg_catalog.pg_backend_pid() and a.state = 'active'
        and a.query like '/* rlsctl ' || s.runner || ' %') as runs,
    exists (
      select from pg_catalog.pg_stat_activity a
      where a.pid = s.backend_pid
        and (a.backend_start = s.backend_start or a.backend_start is null or s.backend_start is null)) as backend_lives,
    s.started_at > pg_catalog.clock_timestamp() - interval '30 seconds' as fresh
  from rlsctl.step s
  where s.version = $1 and s.number = $2
), claim as (
  insert into rlsctl.step as s (version, number, object, checksum, runner, backend_pid, backend_start, indexes_before)
  select $1, $2, $3, $4, $5, pg_catalog.pg_backend_pid(),
    (select a.backend_start from pg_catalog.pg_stat_activity a where a.pid = pg_catalog.pg_backend_pid()),
    $6
  on conflict (version, number) do update
  set runner = excluded.runner, backend_pid = excluded.backend_pid, backend_start = excluded.backend_start,
    started_at = excluded.started_at
  where s.finished_at is null
    and exists (
      select from old
      where old.runner = s.runner and not old.runs and (old.runner = $5 or not old.backend_lives or not old.fresh))
  returning s.indexes_before
)
select case
    when exists (select from claim) and exists (select from old) then 'resumed'
    when exists (select from claim) then 'claimed'
    when (select old.finished_at from old) is not null then 'finished'
    else 'busy'
  end as outcome,
  (select old.backend_pid from old) as backend_pid,
  (select pg_catalog.array_to_string(claim.indexes_before, ',') from claim) as indexes_before;
