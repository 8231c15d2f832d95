-- Purpose: who stands between the backend that runs the statement with our mark and the lock it waits for.
-- Parameters: $1 the mark, a LIKE pattern. Privileges: none; without pg_read_all_stats other roles' state is null. Lowest version: 13.
with ours as (
  select a.pid from pg_catalog.pg_stat_activity a
  where a.query like $1 and a.pid <> pg_catalog.pg_backend_pid() and a.state = 'active'
), wanted as (
  select l.pid, pg_catalog.string_agg(
    coalesce(pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname), l.locktype) || ' ' || l.mode, ', ') as wants
  from pg_catalog.pg_locks l
  left join pg_catalog.pg_class c on c.oid = l.relation
  left join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where not l.granted
  group by l.pid
)
select b.pid as pid, a.usename as role, nullif(a.application_name, '') as application,
  pg_catalog.host(a.client_addr) as client, a.state as state,
  pg_catalog.round(extract(epoch from pg_catalog.clock_timestamp() - a.state_change) * 1000) as since_ms,
  w.wants as wants
from ours
cross join lateral (select distinct u.pid from pg_catalog.unnest(pg_catalog.pg_blocking_pids(ours.pid)) as u(pid)) b
left join pg_catalog.pg_stat_activity a on a.pid = b.pid
left join wanted w on w.pid = ours.pid
order by a.state_change;
