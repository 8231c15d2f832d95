-- Purpose: primary keys, unique keys, foreign keys and checks of tables. What a partition has from its parent says so.
-- Parameters: none. Privileges: none. Lowest version: 13.
select 'constraint', pg_catalog.json_build_object(
  'relation', k.conrelid::pg_catalog.int8,
  'name', k.conname,
  'kind', k.contype,
  'columns', coalesce((
    select pg_catalog.json_agg(b.attname order by u.at)
    from pg_catalog.unnest(k.conkey) with ordinality u (number, at)
    join pg_catalog.pg_attribute b on b.attrelid = k.conrelid and b.attnum = u.number), '[]'),
  'references', case when k.contype = 'f' then k.confrelid::pg_catalog.int8 end,
  'referenced_columns', coalesce((
    select pg_catalog.json_agg(b.attname order by u.at)
    from pg_catalog.unnest(k.confkey) with ordinality u (number, at)
    join pg_catalog.pg_attribute b on b.attrelid = k.confrelid and b.attnum = u.number), '[]'),
  'on_update', k.confupdtype,
  'on_delete', k.confdeltype,
  'match', k.confmatchtype,
  'is_deferrable', k.condeferrable,
  'is_deferred', k.condeferred,
  'is_valid', k.convalidated,
  'is_inherited', not k.conislocal or k.conparentid <> 0,
  'comment', pg_catalog.obj_description(k.oid, 'pg_constraint'),
  'definition', pg_catalog.pg_get_constraintdef(k.oid))
from pg_catalog.pg_constraint k
join pg_catalog.pg_class c on c.oid = k.conrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where k.contype in ('p', 'u', 'f', 'c', 'x')
  and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'rlsctl')
order by k.conrelid, k.conname;
