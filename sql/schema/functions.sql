-- Purpose: functions and procedures that are not an extension's, with whose rights they act.
-- Parameters: none. Privileges: none. Lowest version: 13.
select 'function', pg_catalog.json_build_object(
  'oid', p.oid::pg_catalog.int8,
  'schema', n.nspname,
  'name', p.proname,
  'arguments', pg_catalog.oidvectortypes(p.proargtypes),
  'argument_names', (
    select coalesce(pg_catalog.json_agg(coalesce(u.name, '') order by u.at), '[]')
    from pg_catalog.unnest(p.proargnames) with ordinality u (name, at)
    where p.proargmodes is null or p.proargmodes[u.at] in ('i', 'b', 'v')),
  'returns', pg_catalog.format_type(p.prorettype, null),
  'returns_set', p.proretset,
  'owner', pg_catalog.pg_get_userbyid(p.proowner),
  'language', l.lanname,
  'is_security_definer', p.prosecdef,
  'is_leakproof', p.proleakproof,
  'volatility', p.provolatile,
  'parallel', p.proparallel,
  'settings', coalesce(p.proconfig, '{}'),
  -- Only what is written with BEGIN ATOMIC, or as RETURN, has no source of its own.
  'body', case when p.prosrc = '' and p.prokind in ('f', 'p') and l.lanname = 'sql' then pg_catalog.pg_get_functiondef(p.oid) else p.prosrc end,
  'grants', coalesce((
    select pg_catalog.json_agg(pg_catalog.json_build_object('grantee', case when x.grantee <> 0 then pg_catalog.pg_get_userbyid(x.grantee) else '' end, 'privilege', x.privilege_type))
    from pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) x), '[]'))
from pg_catalog.pg_proc p
join pg_catalog.pg_namespace n on n.oid = p.pronamespace
join pg_catalog.pg_language l on l.oid = p.prolang
where n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'rlsctl')
  and not exists (
    select from pg_catalog.pg_depend e
    where e.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and e.objid = p.oid and e.deptype = 'e'
      and e.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass)
order by n.nspname, p.proname, p.oid;
