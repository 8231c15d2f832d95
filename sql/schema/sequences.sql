-- Purpose: sequences and who may do what with them.
-- Parameters: none. Privileges: none. Lowest version: 13.
select 'sequence', pg_catalog.json_build_object(
  'schema', n.nspname,
  'name', c.relname,
  'owner', pg_catalog.pg_get_userbyid(c.relowner),
  'grants', coalesce((
    select pg_catalog.json_agg(pg_catalog.json_build_object('grantee', case when x.grantee <> 0 then pg_catalog.pg_get_userbyid(x.grantee) else '' end, 'privilege', x.privilege_type))
    from pg_catalog.aclexplode(coalesce(c.relacl, pg_catalog.acldefault('s', c.relowner))) x), '[]'))
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'S' and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'rlsctl')
order by n.nspname, c.relname;
