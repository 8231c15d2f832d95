-- Purpose: indexes of tables, with their key columns in order; an expression has no name.
-- Parameters: none. Privileges: none. Lowest version: 13.
select 'index', pg_catalog.json_build_object(
  'relation', i.indrelid::pg_catalog.int8,
  'schema', n.nspname,
  'name', c.relname,
  'columns', coalesce((
    select pg_catalog.json_agg(b.attname order by u.at)
    from pg_catalog.unnest(i.indkey::pg_catalog.int2[]) with ordinality u (number, at)
    left join pg_catalog.pg_attribute b on b.attrelid = i.indrelid and b.attnum = u.number and u.number > 0
    where u.at <= i.indnkeyatts), '[]'),
  'method', m.amname,
  'is_unique', i.indisunique,
  'is_primary', i.indisprimary,
  'is_partial', i.indpred is not null,
  'is_valid', i.indisvalid,
  'is_inherited', c.relispartition,
  'constraint', (
    select k.conname from pg_catalog.pg_constraint k
    where k.conindid = i.indexrelid and k.conrelid = i.indrelid and k.contype in ('p', 'u', 'x')),
  'comment', pg_catalog.obj_description(i.indexrelid, 'pg_class'),
  'is_marked', i.indisclustered or i.indisreplident,
  'definition', pg_catalog.pg_get_indexdef(i.indexrelid))
from pg_catalog.pg_index i
join pg_catalog.pg_class c on c.oid = i.indexrelid
join pg_catalog.pg_class t on t.oid = i.indrelid
join pg_catalog.pg_am m on m.oid = c.relam
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where t.relkind in ('r', 'p', 'm')
  and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'rlsctl')
order by i.indrelid, c.relname;
