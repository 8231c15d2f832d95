-- Purpose: functions and procedures with all that CREATE FUNCTION can say; aggregates are in aggregates.sql.
-- Parameters: none. Privileges: none. Lowest version: 13.
select case p.prokind when 'p' then 'procedure' else 'function' end,
  pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(p.proname) || '('
    || pg_catalog.oidvectortypes(p.proargtypes) || ')', 0,
  pg_catalog.concat_ws(E'\n',
    'owner ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(p.proowner)),
    'arguments (' || pg_catalog.pg_get_function_arguments(p.oid) || ')',
    'returns ' || pg_catalog.pg_get_function_result(p.oid),
    'language ' || pg_catalog.quote_ident(l.lanname),
    case when p.prokind = 'w' then 'window' end,
    case p.provolatile when 'i' then 'immutable' when 's' then 'stable' else 'volatile' end,
    case p.proparallel when 's' then 'parallel safe' when 'r' then 'parallel restricted' else 'parallel unsafe' end,
    case when p.proisstrict then 'strict' end,
    case when p.prosecdef then 'security definer' else 'security invoker' end,
    case when p.proleakproof then 'leakproof' end,
    case when p.procost <> case when l.lanname in ('internal', 'c') then 1 else 100 end then 'cost ' || p.procost end,
    case when p.proretset and p.prorows <> 1000 then 'rows ' || p.prorows end,
    case when p.prosupport <> 0 then 'support ' || p.prosupport::pg_catalog.regproc end,
    case when p.protrftypes is not null then (
      select pg_catalog.string_agg('transform for type ' || pg_catalog.format_type(t, null), E'\n')
      from pg_catalog.unnest(p.protrftypes) t) end,
    case when p.proconfig is not null then (
      select pg_catalog.string_agg('set ' || s, E'\n' order by s collate "C") from pg_catalog.unnest(p.proconfig) s) end,
    'comment ' || pg_catalog.quote_literal(d.description),
    'library ' || pg_catalog.quote_literal(p.probin),
    pg_catalog.pg_get_function_sqlbody(p.oid), -- from 14
    case when p.prosqlbody is not null then null else -- from 14
    E'body\n' || p.prosrc
    end -- from 14
  ),
  'f', pg_catalog.array_to_string(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner)), E'\x1f'),
  pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(p.proowner))
from pg_catalog.pg_proc p
join pg_catalog.pg_namespace n on n.oid = p.pronamespace
join pg_catalog.pg_language l on l.oid = p.prolang
left join pg_catalog.pg_description d
  on d.objoid >= 16384 and d.objoid = p.oid and d.classoid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.objsubid = 0
where p.prokind <> 'a'
  and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'rlsctl')
  and p.oid not in (
    select e.objid from pg_catalog.pg_depend e
    where e.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass and e.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and e.deptype = 'e')
  and not exists (
    select from pg_catalog.pg_depend i
    where i.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and i.objid = p.oid and i.deptype = 'i');
