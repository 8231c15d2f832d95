-- Purpose: extended statistics; what was gathered is data.
-- Parameters: none. Privileges: none. Lowest version: 13.
select 'statistics', pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(s.stxname), 0,
  pg_catalog.concat_ws(E'\n',
    'owner ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(s.stxowner)),
    pg_catalog.pg_get_statisticsobjdef(s.oid),
    case when s.stxstattarget >= 0 then 'statistics ' || s.stxstattarget end,
    'comment ' || pg_catalog.quote_literal(d.description)),
  null, null, null
from pg_catalog.pg_statistic_ext s
join pg_catalog.pg_namespace n on n.oid = s.stxnamespace
left join pg_catalog.pg_description d
  on d.objoid = s.oid and d.classoid = 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass and d.objsubid = 0
where n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'rlsctl')
  and not exists (
    select from pg_catalog.pg_depend e
    where e.classid = 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass and e.objid = s.oid and e.deptype = 'e');
