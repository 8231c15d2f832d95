-- Purpose: what the backend that runs the statement with our mark waits for, and whom it waits for. Who waits for a row waits for the end of
--   a transaction: then also whom those wait for in turn. Of a wait for a transaction, in tables, what it is about: the table in which the
--   backend is next in line for a row, else those in which it reads or writes rows; those that DDL beside readers and writers has locked.
-- Parameters: $1 the mark, a LIKE pattern. Privileges: none. Lowest version: 13.
with recursive looked as materialized (
  select l.pid, l.locktype, l.database, l.relation, l.mode, l.granted, l.transactionid, l.locktype in ('tuple', 'transactionid') as is_row
  from pg_catalog.pg_locks l
),
waiting as materialized (
  select l.*, p.relid, p.phase
  from pg_catalog.pg_stat_activity a
  join looked l on l.pid = a.pid and not l.granted
  left join pg_catalog.pg_stat_progress_create_index p on p.pid = a.pid
  where a.query like $1 and a.pid <> pg_catalog.pg_backend_pid() and a.state = 'active'
),
blocking (pid) as (
  select b.pid from waiting w cross join lateral pg_catalog.unnest(pg_catalog.pg_blocking_pids(w.pid)) as b(pid)
  union
  select b.pid
  from blocking o
  join looked l on l.pid = o.pid and not l.granted and l.is_row
  join waiting w on w.is_row
  cross join lateral pg_catalog.unnest(pg_catalog.pg_blocking_pids(o.pid)) as b(pid)
)
select w.locktype, case when not w.is_row then coalesce(w.relation, w.relid) end as relation, case when not w.is_row then w.mode end as mode,
  (select pg_catalog.string_agg(distinct l.transactionid::text, ' ') from looked l
   where not l.granted and (l.pid = w.pid or l.pid in (select b.pid from blocking b))) as transactions,
  (select pg_catalog.string_agg(b.pid::text, ' ') from blocking b where b.pid <> w.pid) as blocking,
  w.phase,
  (select pg_catalog.string_agg(distinct l.relation::text, ' ') from looked l
   join pg_catalog.pg_class c on c.oid = l.relation and c.relkind in ('r', 'p') and c.relnamespace <> 'pg_catalog'::pg_catalog.regnamespace
   where l.pid = w.pid
     and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())
     and case
       when w.is_row and exists (select from looked t where t.pid = w.pid and t.locktype = 'tuple') then l.locktype = 'tuple'
       when w.is_row then l.locktype = 'relation' and l.granted and l.mode <> 'AccessShareLock'
       when w.locktype = 'virtualxid' then l.locktype = 'relation' and l.granted and l.mode not in ('AccessShareLock', 'RowShareLock') end) as tables
from waiting w;
