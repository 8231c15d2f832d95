-- Purpose: schemas. Of `public` only what departs from the state after initdb, which is not the same on all majors.
-- Parameters: none. Privileges: none. Lowest version: 13.
select 'schema', pg_catalog.quote_ident(n.nspname), 0,
  pg_catalog.concat_ws(E'\n',
    case when not u.untouched then 'owner ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(n.nspowner)) end,
    'comment ' || pg_catalog.quote_literal(d.description)),
  'n', pg_catalog.array_to_string(
    case when u.untouched and i.initprivs is not null
      then array(
        select a.item::pg_catalog.text from pg_catalog.unnest(n.nspacl) a(item)
        where not (a.item = any (i.initprivs))
        union all
        select 'lacks ' || a.item::pg_catalog.text from pg_catalog.unnest(i.initprivs) a(item)
        where not (a.item = any (n.nspacl)))
      else coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner))::pg_catalog.text[] end, E'\x1f'),
  case when not u.untouched then pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(n.nspowner)) end
from pg_catalog.pg_namespace n
left join pg_catalog.pg_init_privs i
  on i.objoid = n.oid and i.classoid = 'pg_catalog.pg_namespace'::pg_catalog.regclass and i.objsubid = 0 and i.privtype = 'i'
left join pg_catalog.pg_description d
  on d.objoid = n.oid and d.classoid = 'pg_catalog.pg_namespace'::pg_catalog.regclass and d.objsubid = 0
    and (n.nspname <> 'public' or d.description <> 'standard public schema')
cross join lateral (
  select n.oid = 2200 and (n.nspowner = 10 or pg_catalog.pg_get_userbyid(n.nspowner) = 'pg_database_owner') as untouched
) u
where n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'rlsctl')
  and not exists (
    select from pg_catalog.pg_depend e
    where e.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass and e.objid = n.oid and e.deptype = 'e');
