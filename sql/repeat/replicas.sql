-- Purpose: the replica that is furthest behind in replaying, and whether there are some whose lag the role may not see. One that has
--   replayed everything keeps its last lag for a while, and is not behind.
-- Parameters: none. Privileges: pg_monitor or pg_read_all_stats; without it a replica is seen, and no more. Lowest version: 13.
with replica as (
  select r.application_name as name, r.state is null as hidden,
    case when r.replay_lsn < pg_catalog.pg_current_wal_flush_lsn() then r.replay_lag end as lag
  from pg_catalog.pg_stat_replication r
  where r.state is distinct from 'backup'
)
select pg_catalog.bool_or(replica.hidden),
  (pg_catalog.max(pg_catalog.date_part('epoch', replica.lag)) * 1000)::pg_catalog.int8,
  (pg_catalog.array_agg(replica.name order by replica.lag desc nulls last))[1]
from replica;
