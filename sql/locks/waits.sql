-- Purpose: who waits for a lock, for what, for how long, and who is in the way: one row a waiting backend of any database.
--   Before version 14 pg_locks.waitstart is not there: then the statement's start stands for it, and it is read through to_jsonb.
--   The name of a relation of another database is null. pg_blocking_pids tells a prepared transaction as 0: those that hold a lock on the
--   same thing are told by their names, with the lock mode.
-- Parameters: none. Privileges: none; without pg_read_all_stats the phase of other roles' index builds is null. Lowest version: 13.
with looked as materialized (
  select l.*, case when not l.granted then (pg_catalog.to_jsonb(l) ->> 'waitstart')::timestamptz end as began
  from pg_catalog.pg_locks l
),
blocked as materialized (
  select w.*, pg_catalog.pg_blocking_pids(w.pid) as blocking from looked w where not w.granted and w.pid <> pg_catalog.pg_backend_pid()
),
prepared as (
  select l.virtualtransaction, x.gid
  from looked l join pg_catalog.pg_prepared_xacts x on x.transaction = l.transactionid
  where l.pid is null and l.locktype = 'transactionid'
)
select b.pid, a.datname as database, b.locktype, c.oid as relation, n.nspname as schema, c.relname as name, b.mode,
  pg_catalog.round(extract(epoch from pg_catalog.clock_timestamp() - coalesce(b.began, a.query_start)) * 1000)::bigint as waited_ms,
  pg_catalog.array_to_string(b.blocking, ' ') as blocking,
  case when 0 = any (b.blocking) then (
    select pg_catalog.json_agg(pg_catalog.json_build_array(p.gid, h.mode) order by p.gid)
    from looked h join prepared p on p.virtualtransaction = h.virtualtransaction
    where h.pid is null and h.granted and h.locktype = b.locktype
      and h.database is not distinct from b.database and h.relation is not distinct from b.relation
      and h.page is not distinct from b.page and h.tuple is not distinct from b.tuple
      and h.virtualxid is not distinct from b.virtualxid and h.transactionid is not distinct from b.transactionid
      and h.classid is not distinct from b.classid and h.objid is not distinct from b.objid
      and h.objsubid is not distinct from b.objsubid) end as prepared,
  b.transactionid::text as transaction,
  case when b.locktype <> 'advisory' then null
    when b.objsubid = 1 then ((b.classid::bigint << 32) | b.objid::bigint)::text
    else b.classid::text || ', ' || b.objid::text end as advisory,
  i.phase
from blocked b
left join pg_catalog.pg_stat_activity a on a.pid = b.pid
left join pg_catalog.pg_stat_progress_create_index i on i.pid = b.pid
-- Who waits for a row holds the lock on the row's place while it waits for the transaction that changed it.
left join lateral (
  select t.database, t.relation from looked t where t.pid = b.pid and t.locktype = 'tuple' and t.granted limit 1
) r on b.locktype = 'transactionid'
left join pg_catalog.pg_database d on d.datname = pg_catalog.current_database()
left join pg_catalog.pg_class c on c.oid = case
  when b.relation is not null and b.database = d.oid then b.relation
  when r.database = d.oid then r.relation
  when b.locktype = 'virtualxid' and i.datid = d.oid then i.relid end
left join pg_catalog.pg_namespace n on n.oid = c.relnamespace
order by coalesce(b.began, a.query_start), b.pid;
