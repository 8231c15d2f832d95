-- Purpose: functions and procedures that are not an extension's, with whose rights they act.
-- Parameters: none. Privileges: none. Lowest version: 13.
select 'function', pg_catalog.json_build_object(
  'oid', p.oid::pg_catalog.int8,
  'schema', n.nspname,
  'name', p.proname,
  'arguments', pg_catalog.oidvectortypes(p.proargtypes),
  'returns', pg_catalog.format_type(p.prorettype, null),
  'owner', pg_catalog.pg_get_userbyid(p.proowner),
  'language', l.lanname,
  'is_security_definer', p.prosecdef,
  'volatility', p.provolatile,
  'parallel', p.proparallel,
  'settings', coalesce(p.proconfig, '{}'),
  'body', p.prosrc,
  'grants', coalesce((
    select pg_catalog.json_agg(pg_catalog.json_build_object('grantee', coalesce(r.rolname, ''), 'privilege', x.privilege_type))
    from pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) x left join pg_catalog.pg_roles r on r.oid = x.grantee), '[]'))
from pg_catalog.pg_proc p
join pg_catalog.pg_namespace n on n.oid = p.pronamespace
join pg_catalog.pg_language l on l.oid = p.prolang
where n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'rlsctl')
  and not exists (
    select from pg_catalog.pg_depend e
    where e.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and e.objid = p.oid and e.deptype = 'e'
      and e.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass)
order by n.nspname, p.proname, p.oid;
