-- Purpose: operator families with their operators and functions.
-- Parameters: none. Privileges: none. Lowest version: 13.
select 'operator family',
  pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(f.opfname) || ' using ' || pg_catalog.quote_ident(m.amname), 0,
  pg_catalog.concat_ws(E'\n',
    'owner ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(f.opfowner)),
    (select pg_catalog.string_agg('operator ' || a.amopstrategy || ' ' || a.amopopr::pg_catalog.regoperator, E'\n'
        order by a.amopstrategy, a.amopopr::pg_catalog.regoperator::pg_catalog.text collate "C")
      from pg_catalog.pg_amop a where a.amopfamily = f.oid),
    (select pg_catalog.string_agg('function ' || a.amprocnum || ' ' || a.amproc::pg_catalog.oid::pg_catalog.regprocedure, E'\n'
        order by a.amprocnum, a.amproc::pg_catalog.oid::pg_catalog.regprocedure::pg_catalog.text collate "C")
      from pg_catalog.pg_amproc a where a.amprocfamily = f.oid),
    'comment ' || pg_catalog.quote_literal(d.description)),
  null, null, null
from pg_catalog.pg_opfamily f
join pg_catalog.pg_namespace n on n.oid = f.opfnamespace
join pg_catalog.pg_am m on m.oid = f.opfmethod
left join pg_catalog.pg_description d
  on d.objoid = f.oid and d.classoid = 'pg_catalog.pg_opfamily'::pg_catalog.regclass and d.objsubid = 0
where n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'rlsctl')
  and not exists (
    select from pg_catalog.pg_depend e
    where e.classid = 'pg_catalog.pg_opfamily'::pg_catalog.regclass and e.objid = f.oid and e.deptype = 'e');
