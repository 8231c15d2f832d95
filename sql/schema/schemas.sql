-- Purpose: schemas and who may use them.
-- Parameters: none. Privileges: none. Lowest version: 13.
select 'schema', pg_catalog.json_build_object(
  'name', n.nspname,
  'owner', pg_catalog.pg_get_userbyid(n.nspowner),
  'grants', coalesce((
    select pg_catalog.json_agg(pg_catalog.json_build_object('grantee', case when x.grantee <> 0 then pg_catalog.pg_get_userbyid(x.grantee) else '' end, 'privilege', x.privilege_type))
    from pg_catalog.aclexplode(coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner))) x), '[]'))
from pg_catalog.pg_namespace n
where n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'rlsctl')
order by n.nspname;
