-- Purpose: the queries of views and materialized views.
-- Parameters: none. Privileges: none. Lowest version: 13.
select case c.relkind when 'v' then 'view' else 'materialized view' end,
  pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname), 10000,
  pg_catalog.pg_get_viewdef(c.oid), null, null, null
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('v', 'm')
  and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'rlsctl')
  and not exists (
    select from pg_catalog.pg_depend e
    where e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and e.objid = c.oid and e.objsubid = 0 and e.deptype = 'e');
