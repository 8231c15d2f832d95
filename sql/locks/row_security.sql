-- Purpose: which of some tables have policies that bind the current role, so that it does not see all rows. The server's own function
--   judges: superusers and BYPASSRLS are not bound, nor is whoever has the owner's privileges unless FORCE is set.
-- Parameters: $1 a JSON array of [schema or null, name]. Privileges: none. Lowest version: 13.
with named as (
  select n.ordinality as number, n.value ->> 0 as in_schema, n.value ->> 1 as name
  from pg_catalog.jsonb_array_elements($1::pg_catalog.jsonb) with ordinality n
)
select named.number, pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname),
  pg_catalog.pg_has_role(current_user, c.relowner, 'USAGE') as is_owner, c.relforcerowsecurity as is_forced
from named
join pg_catalog.pg_class c on c.relname = named.name::pg_catalog.name
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where case when named.in_schema is null then pg_catalog.pg_table_is_visible(c.oid) else n.nspname = named.in_schema end
  and c.relkind in ('r', 'p') and c.relrowsecurity and pg_catalog.row_security_active(c.oid)
order by named.number;
