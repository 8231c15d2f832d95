-- Purpose: what the backend that runs the statement with our mark waits for, and whom it waits for.
-- Parameters: $1 the mark, a LIKE pattern. Privileges: none. Lowest version: 13.
select l.locktype, coalesce(l.relation, p.relid) as relation, l.mode,
  coalesce(l.transactionid::text, '') as transaction,
  pg_catalog.array_to_string(pg_catalog.pg_blocking_pids(a.pid), ' ') as blocking,
  p.phase
from pg_catalog.pg_stat_activity a
join pg_catalog.pg_locks l on l.pid = a.pid and not l.granted
left join pg_catalog.pg_stat_progress_create_index p on p.pid = a.pid
where a.query like $1 and a.pid <> pg_catalog.pg_backend_pid() and a.state = 'active';
