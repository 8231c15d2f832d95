-- Purpose: aggregates.
-- Parameters: none. Privileges: none. Lowest version: 13.
select 'aggregate',
  pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(p.proname) || '('
    || pg_catalog.oidvectortypes(p.proargtypes) || ')', 0,
  pg_catalog.concat_ws(E'\n',
    'owner ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(p.proowner)),
    'arguments (' || pg_catalog.pg_get_function_arguments(p.oid) || ')',
    'returns ' || pg_catalog.pg_get_function_result(p.oid),
    'kind ' || a.aggkind::pg_catalog.text || ' direct arguments ' || a.aggnumdirectargs,
    'state function ' || a.aggtransfn::pg_catalog.regprocedure,
    'state type ' || pg_catalog.format_type(a.aggtranstype, null) || ' space ' || a.aggtransspace,
    'initial ' || pg_catalog.quote_literal(a.agginitval),
    case when a.aggfinalfn <> 0 then 'final function ' || a.aggfinalfn::pg_catalog.regprocedure
      || ' extra ' || a.aggfinalextra || ' modify ' || a.aggfinalmodify::pg_catalog.text end,
    case when a.aggcombinefn <> 0 then 'combine function ' || a.aggcombinefn::pg_catalog.regprocedure end,
    case when a.aggserialfn <> 0 then 'serial function ' || a.aggserialfn::pg_catalog.regprocedure end,
    case when a.aggdeserialfn <> 0 then 'deserial function ' || a.aggdeserialfn::pg_catalog.regprocedure end,
    case when a.aggmtransfn <> 0 then 'moving state function ' || a.aggmtransfn::pg_catalog.regprocedure
      || ' inverse ' || a.aggminvtransfn::pg_catalog.regprocedure || ' type ' || pg_catalog.format_type(a.aggmtranstype, null)
      || ' space ' || a.aggmtransspace || ' modify ' || a.aggmfinalmodify::pg_catalog.text end,
    case when a.aggmfinalfn <> 0 then 'moving final function ' || a.aggmfinalfn::pg_catalog.regprocedure end,
    'moving initial ' || pg_catalog.quote_literal(a.aggminitval),
    case when a.aggsortop <> 0 then 'sort operator ' || a.aggsortop::pg_catalog.regoperator end,
    case p.proparallel when 's' then 'parallel safe' when 'r' then 'parallel restricted' else 'parallel unsafe' end,
    'comment ' || pg_catalog.quote_literal(d.description)),
  'f', pg_catalog.array_to_string(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner)), E'\x1f'),
  pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(p.proowner))
from pg_catalog.pg_aggregate a
join pg_catalog.pg_proc p on p.oid = a.aggfnoid
join pg_catalog.pg_namespace n on n.oid = p.pronamespace
left join pg_catalog.pg_description d
  on d.objoid >= 16384 and d.objoid = p.oid and d.classoid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.objsubid = 0
where n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'rlsctl')
  and p.oid not in (
    select e.objid from pg_catalog.pg_depend e
    where e.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass and e.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and e.deptype = 'e');
