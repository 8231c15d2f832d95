-- Purpose: which of some relations exist, and the table that each is, belongs to as an index, or is a partition or child of.
-- Parameters: $1 a JSON array of [schema or null, name]. Privileges: none. Lowest version: 13.
with recursive named as (
  select n.ordinality as number, n.value ->> 0 as in_schema, n.value ->> 1 as name
  from pg_catalog.jsonb_array_elements($1::pg_catalog.jsonb) with ordinality n
), up (number, relation) as (
  select named.number, coalesce(i.indrelid, c.oid)
  from named
  join pg_catalog.pg_class c on c.relname = named.name::pg_catalog.name
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  left join pg_catalog.pg_index i on i.indexrelid = c.oid
  where case when named.in_schema is null then pg_catalog.pg_table_is_visible(c.oid) else n.nspname = named.in_schema end
  union
  select up.number, h.inhparent from up join pg_catalog.pg_inherits h on h.inhrelid = up.relation
)
select up.number, pg_catalog.min(pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname))
from up
join pg_catalog.pg_class c on c.oid = up.relation
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and not exists (select from pg_catalog.pg_inherits h where h.inhrelid = c.oid)
group by up.number
order by up.number;
