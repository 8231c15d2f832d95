-- Purpose: what the counters show, and what each says it counts. Before 16 there is no time of the last scan.
-- Parameters: none. Privileges: none. Lowest version: 13.
select s.relname, pg_catalog.obj_description(s.relid, 'pg_class'), s.seq_scan, s.seq_tup_read,
  pg_catalog.date_part('epoch', pg_catalog.now() - (pg_catalog.to_jsonb(s) ->> 'last_seq_scan')::pg_catalog.timestamptz)::pg_catalog.int8
from pg_catalog.pg_stat_all_tables s
where s.schemaname = 'rlsctl_observe'
order by s.relname;
