-- Purpose: the columns of relations, in their order.
-- Parameters: none. Privileges: none. Lowest version: 13.
select 'column', pg_catalog.json_build_object(
  'relation', a.attrelid::pg_catalog.int8,
  'number', a.attnum,
  'name', a.attname,
  'type', pg_catalog.format_type(a.atttypid, a.atttypmod),
  'not_null', a.attnotnull,
  'default', case when a.attgenerated = '' then pg_catalog.pg_get_expr(v.adbin, v.adrelid) end,
  'is_nondeterministic', coalesce(not o.collisdeterministic, false),
  'is_generated', a.attgenerated <> '',
  'is_identity', a.attidentity <> '',
  'is_inherited', not a.attislocal,
  'comment', pg_catalog.col_description(a.attrelid, a.attnum),
  'grants', case when a.attacl is null then '[]' else coalesce((
    select pg_catalog.json_agg(pg_catalog.json_build_object('grantee', case when x.grantee <> 0 then pg_catalog.pg_get_userbyid(x.grantee) else '' end, 'privilege', x.privilege_type))
    from pg_catalog.aclexplode(a.attacl) x), '[]') end)
from pg_catalog.pg_attribute a
join pg_catalog.pg_class c on c.oid = a.attrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
left join pg_catalog.pg_collation o on o.oid = a.attcollation
left join pg_catalog.pg_attrdef v on v.adrelid = a.attrelid and v.adnum = a.attnum
where a.attnum > 0 and not a.attisdropped
  and c.relkind in ('r', 'p', 'f', 'v', 'm')
  and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'rlsctl')
order by a.attrelid, a.attnum;
