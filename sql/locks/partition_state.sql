-- Purpose: whether a partition still hangs on its parent: attached, pending (a DETACH CONCURRENTLY was cut off), detached.
--   pg_inherits.inhdetachpending is read through to_jsonb because version 13 does not have it.
-- Parameters: $1 the parent, $2 the partition, as they are written. Privileges: none. Lowest version: 13.
select coalesce((
  select case when (pg_catalog.to_jsonb(h) ->> 'inhdetachpending')::boolean then 'pending' else 'attached' end
  from pg_catalog.pg_inherits h
  where h.inhparent = pg_catalog.to_regclass($1) and h.inhrelid = pg_catalog.to_regclass($2)), 'detached');
