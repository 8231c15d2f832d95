-- Purpose: what roles give away of relations, sequences and functions that they make later on.
-- Parameters: none. Privileges: none. Lowest version: 13.
select 'default', pg_catalog.json_build_object(
  'role', pg_catalog.pg_get_userbyid(d.defaclrole),
  'schema', n.nspname,
  'kind', d.defaclobjtype,
  'grants', coalesce((
    select pg_catalog.json_agg(pg_catalog.json_build_object('grantee', case when x.grantee <> 0 then pg_catalog.pg_get_userbyid(x.grantee) else '' end, 'privilege', x.privilege_type))
    from pg_catalog.aclexplode(d.defaclacl) x), '[]'))
from pg_catalog.pg_default_acl d
left join pg_catalog.pg_namespace n on n.oid = d.defaclnamespace
where d.defaclobjtype in ('r', 'S', 'f')
order by d.defaclrole, n.nspname, d.defaclobjtype;
