-- Purpose: row security policies. Those of partitions are left to partitions.sql.
-- Parameters: none. Privileges: none. Lowest version: 13.
select 'policy',
  pg_catalog.quote_ident(p.polname) || ' on ' || pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname), 0,
  pg_catalog.concat_ws(E'\n',
    case when p.polpermissive then 'permissive' else 'restrictive' end,
    'for ' || case p.polcmd when 'r' then 'SELECT' when 'a' then 'INSERT' when 'w' then 'UPDATE' when 'd' then 'DELETE' else 'ALL' end,
    case when p.polroles = '{0}' then 'to PUBLIC'
      when pg_catalog.cardinality(p.polroles) = 1 then 'to ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(p.polroles[1]))
      else (select 'to ' || pg_catalog.string_agg(
        case r when 0 then 'PUBLIC' else pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(r)) end, ', '
        order by pg_catalog.pg_get_userbyid(r) collate "C")
        from pg_catalog.unnest(p.polroles) r) end,
    'using ' || pg_catalog.pg_get_expr(p.polqual, p.polrelid),
    'with check ' || pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid),
    'comment ' || pg_catalog.quote_literal(d.description)),
  null, null, null
from pg_catalog.pg_policy p
join pg_catalog.pg_class c on c.oid = p.polrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
left join pg_catalog.pg_description d
  on d.objoid >= 16384 and d.objoid = p.oid and d.classoid = 'pg_catalog.pg_policy'::pg_catalog.regclass and d.objsubid = 0
where not c.relispartition
  and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'rlsctl')
  and c.oid not in (
    select e.objid from pg_catalog.pg_depend e
    where e.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass and e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and e.deptype = 'e');
