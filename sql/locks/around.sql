-- Purpose: everybody who holds or awaits a lock on one of some relations, or is one of some processes, with what they are: a row for each
--   lock on a relation of this database, or one without. A prepared transaction has no process.
-- Parameters: $1 oids of relations whose locks are told, $2 process ids, $3 transaction ids whose prepared transactions are told, $4 oids of
--   relations of which only those processes' locks are told; arrays.
-- Privileges: none; without pg_read_all_stats what other roles' sessions do is null. Lowest version: 13.
with looked as materialized (
  select l.pid, l.virtualtransaction, l.transactionid, l.relation, l.mode, l.granted, l.locktype, l.locktype = 'relation'
    and (l.relation = any ($1::oid[]) or l.pid = any ($2::integer[]) and l.relation = any ($4::oid[]))
    and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()) as is_wanted
  from pg_catalog.pg_locks l
),
-- Of a prepared transaction the virtual transaction is that of the session that prepared it, and after a restart another one.
prepared as (
  select l.virtualtransaction, x.gid, x.prepared, x.owner, x.database, l.transactionid
  from looked l join pg_catalog.pg_prepared_xacts x on x.transaction = l.transactionid
  where l.pid is null and l.locktype = 'transactionid'
),
concerned as (
  select l.pid, l.virtualtransaction, l.relation, l.mode, l.granted from looked l
  where l.is_wanted
  union all
  select null, p.virtualtransaction, null, null, null from prepared p where p.transactionid::text = any ($3::text[])
  union all
  select p.pid, null, null, null, null from pg_catalog.unnest($2::integer[]) as p(pid)
  where not exists (select from looked r where r.pid = p.pid and r.is_wanted)
)
select c.pid, a.backend_type, x.gid, coalesce(a.usename, x.owner) as role, nullif(a.application_name, '') as application,
  pg_catalog.host(a.client_addr) as client, coalesce(a.datname, x.database) as database,
  pg_catalog.to_char(a.backend_start at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as backend_start,
  pg_catalog.to_char(a.xact_start at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as xact_start,
  a.state,
  pg_catalog.round(extract(epoch from pg_catalog.clock_timestamp() - a.state_change) * 1000)::bigint as in_state_ms,
  pg_catalog.round(extract(epoch from pg_catalog.clock_timestamp() - coalesce(x.prepared, a.xact_start)) * 1000)::bigint as in_transaction_ms,
  a.query,
  a.backend_xmin is not null as has_snapshot,
  case when me.rolsuper or a.usesysid is null then 'allowed'
    when r.rolsuper then 'superuser'
    when pg_catalog.pg_has_role(a.usesysid, 'member') or pg_catalog.pg_has_role('pg_signal_backend', 'member') then 'allowed'
    else 'not granted' end as signal,
  c.relation, n.nspname as schema, t.relname as name, c.mode, c.granted
from concerned c
join pg_catalog.pg_roles me on me.rolname = current_user
left join pg_catalog.pg_stat_activity a on a.pid = c.pid
left join pg_catalog.pg_roles r on r.oid = a.usesysid
left join prepared x on c.pid is null and x.virtualtransaction = c.virtualtransaction
left join pg_catalog.pg_class t on t.oid = c.relation
left join pg_catalog.pg_namespace n on n.oid = t.relnamespace
where c.pid is distinct from pg_catalog.pg_backend_pid()
order by a.state_change, c.pid, c.virtualtransaction, c.relation;
