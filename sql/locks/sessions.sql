-- Purpose: every session of this database but our own, with the tables that it holds if it is idle in a transaction, and every prepared
--   transaction of this database with the tables that it holds. The columns are those of around.sql.
-- Parameters: none. Privileges: none; without pg_read_all_stats what other roles' sessions do is null. Lowest version: 13.
with looked as materialized (
  select l.pid, l.virtualtransaction, l.transactionid, l.locktype, l.database, l.relation, l.mode, l.granted
  from pg_catalog.pg_locks l
),
held as (
  select l.pid, l.virtualtransaction, l.relation, n.nspname, c.relname, l.mode
  from looked l
  join pg_catalog.pg_class c on c.oid = l.relation and c.relkind in ('r', 'p', 'm', 'f')
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
  where l.granted and l.locktype = 'relation'
    and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())
),
sessions as (
  select a.pid, null as virtualtransaction, a.backend_type, null as gid, a.usesysid, a.usename, a.application_name, a.client_addr,
    a.datname, a.backend_start, a.xact_start, a.xact_start as began, a.state, a.state_change, a.query, a.backend_xmin is not null as has_snapshot
  from pg_catalog.pg_stat_activity a
  where a.datname = pg_catalog.current_database() and a.pid <> pg_catalog.pg_backend_pid()
  union all
  -- Of a prepared transaction the virtual transaction is that of the session that prepared it, and after a restart another one.
  select null, l.virtualtransaction, null, x.gid, null, x.owner, null, null,
    x.database, null, null, x.prepared, null, null, null, false
  from pg_catalog.pg_prepared_xacts x
  left join looked l on l.transactionid = x.transaction and l.pid is null and l.locktype = 'transactionid'
  where x.database = pg_catalog.current_database()
)
select s.pid, s.backend_type, s.gid, s.usename as role, nullif(s.application_name, '') as application,
  pg_catalog.host(s.client_addr) as client, s.datname as database,
  pg_catalog.to_char(s.backend_start at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as backend_start,
  pg_catalog.to_char(s.xact_start at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as xact_start,
  s.state,
  pg_catalog.round(extract(epoch from pg_catalog.clock_timestamp() - s.state_change) * 1000)::bigint as in_state_ms,
  pg_catalog.round(extract(epoch from pg_catalog.clock_timestamp() - s.began) * 1000)::bigint as in_transaction_ms,
  s.query, s.has_snapshot,
  case when me.rolsuper or s.usesysid is null then 'allowed'
    when r.rolsuper then 'superuser'
    when pg_catalog.pg_has_role(s.usesysid, 'member') or pg_catalog.pg_has_role('pg_signal_backend', 'member') then 'allowed'
    else 'not granted' end as signal,
  h.relation, h.nspname as schema, h.relname as name, h.mode, h.relation is not null as granted
from sessions s
join pg_catalog.pg_roles me on me.rolname = current_user
left join pg_catalog.pg_roles r on r.oid = s.usesysid
left join held h on case when s.pid is null then h.pid is null and h.virtualtransaction = s.virtualtransaction
  else h.pid = s.pid and s.state in ('idle in transaction', 'idle in transaction (aborted)') end
order by s.state_change, s.began, s.pid, s.gid, h.nspname, h.relname, h.mode;
