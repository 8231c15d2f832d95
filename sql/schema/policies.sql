-- Purpose: row security policies, with their expressions as the server writes them.
-- Parameters: none. Privileges: none. Lowest version: 13.
select 'policy', pg_catalog.json_build_object(
  'relation', p.polrelid::pg_catalog.int8,
  'name', p.polname,
  'is_permissive', p.polpermissive,
  'command', p.polcmd,
  'roles', (
    select pg_catalog.json_agg(u.name order by u.name)
    from (
      select case when o.oid <> 0 then pg_catalog.pg_get_userbyid(o.oid) else '' end as name
      from pg_catalog.unnest(p.polroles) o (oid)) u),
  'comment', pg_catalog.obj_description(p.oid, 'pg_policy'),
  'using', pg_catalog.pg_get_expr(p.polqual, p.polrelid),
  'check', pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid))
from pg_catalog.pg_policy p
join pg_catalog.pg_class c on c.oid = p.polrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'rlsctl')
order by p.polrelid, p.polname;
