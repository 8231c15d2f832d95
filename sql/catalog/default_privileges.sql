-- Purpose: default privileges, an object for each role, schema and kind of object.
-- Parameters: none. Privileges: none. Lowest version: 13.
select 'default privileges',
  pg_catalog.concat_ws(' ', 'for role', pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.defaclrole)),
    'in schema ' || pg_catalog.quote_ident(n.nspname), 'on', k.objects), 0, '',
  k.class, pg_catalog.array_to_string(a.defaclacl, E'\x1f'), null
from pg_catalog.pg_default_acl a
left join pg_catalog.pg_namespace n on n.oid = a.defaclnamespace
cross join lateral (
  select case a.defaclobjtype when 'r' then 'tables' when 'S' then 'sequences' when 'f' then 'functions' when 'T' then 'types'
      when 'n' then 'schemas' else 'large objects' end as objects,
    case a.defaclobjtype when 'S' then 's' else a.defaclobjtype::pg_catalog.text end as class
) k
where n.nspname is distinct from 'rlsctl';
