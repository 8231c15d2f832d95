-- Purpose: procedural languages that belong to no extension.
-- Parameters: none. Privileges: none. Lowest version: 13.
select 'language', pg_catalog.quote_ident(l.lanname), 0,
  pg_catalog.concat_ws(E'\n',
    'owner ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(l.lanowner)),
    'handler ' || l.lanplcallfoid::pg_catalog.regprocedure,
    case when l.lanpltrusted then 'trusted' end,
    'comment ' || pg_catalog.quote_literal(d.description)),
  'l', pg_catalog.array_to_string(coalesce(l.lanacl, pg_catalog.acldefault('l', l.lanowner)), E'\x1f'),
  pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(l.lanowner))
from pg_catalog.pg_language l
left join pg_catalog.pg_description d
  on d.objoid = l.oid and d.classoid = 'pg_catalog.pg_language'::pg_catalog.regclass and d.objsubid = 0
where l.oid >= 16384
  and not exists (
    select from pg_catalog.pg_depend e
    where e.classid = 'pg_catalog.pg_language'::pg_catalog.regclass and e.objid = l.oid and e.deptype = 'e');
