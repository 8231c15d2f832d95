-- Purpose: casts that initdb did not make.
-- Parameters: none. Privileges: none. Lowest version: 13.
select 'cast',
  '(' || pg_catalog.format_type(c.castsource, null) || ' as ' || pg_catalog.format_type(c.casttarget, null) || ')', 0,
  pg_catalog.concat_ws(E'\n',
    case c.castmethod when 'i' then 'with inout' when 'b' then 'without function'
      else 'with function ' || c.castfunc::pg_catalog.regprocedure end,
    case c.castcontext when 'a' then 'as assignment' when 'i' then 'as implicit' else 'explicit' end,
    'comment ' || pg_catalog.quote_literal(d.description)),
  null, null, null
from pg_catalog.pg_cast c
left join pg_catalog.pg_description d
  on d.objoid = c.oid and d.classoid = 'pg_catalog.pg_cast'::pg_catalog.regclass and d.objsubid = 0
where c.oid >= 16384
  and not exists (
    select from pg_catalog.pg_depend e
    where e.classid = 'pg_catalog.pg_cast'::pg_catalog.regclass and e.objid = c.oid and e.deptype in ('e', 'i'));
