-- Purpose: about how many rows a table has, with its partitions and children, as ANALYZE has last counted; null where it never has.
-- Parameters: $1 the table, quoted where that is needed. Privileges: USAGE on its schema. Lowest version: 13.
with recursive tree (relation) as (
  select pg_catalog.to_regclass($1)::pg_catalog.oid
  union
  select i.inhrelid from tree join pg_catalog.pg_inherits i on i.inhparent = tree.relation
)
select pg_catalog.sum(c.reltuples)::pg_catalog.int8
from tree join pg_catalog.pg_class c on c.oid = tree.relation
where c.relkind = 'r' and c.reltuples > 0;
