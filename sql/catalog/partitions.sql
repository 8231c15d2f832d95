-- Purpose: what partitions have of their own, told of their topmost table: an owner, row security, grants and policies. Partitions come
--   and go by themselves, so none of them is an object, and what is the same on several of them is told once.
-- Parameters: none. Privileges: none. Lowest version: 13.
with recursive tree (root, member) as (
  select c.oid, c.oid from pg_catalog.pg_class c where c.relkind = 'p' and not c.relispartition
  union all
  select t.root, i.inhrelid from tree t join pg_catalog.pg_inherits i on i.inhparent = t.member
), partition as (
  select t.root, r.relowner as root_owner, r.relacl as root_acl, r.relrowsecurity as root_secured, c.oid, c.relowner, c.relacl,
    c.relrowsecurity, c.relforcerowsecurity,
    pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(r.relname) as identity
  from tree t
  join pg_catalog.pg_class r on r.oid = t.root
  join pg_catalog.pg_namespace n on n.oid = r.relnamespace
  join pg_catalog.pg_class c on c.oid = t.member
  where t.member <> t.root and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'rlsctl')
    and not exists (
      select from pg_catalog.pg_depend e
      where e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and e.objid = t.root and e.objsubid = 0 and e.deptype = 'e')
), fact as (
  select p.identity, 'partition owner ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(p.relowner)) as fact
  from partition p where p.relowner <> p.root_owner
  union
  select p.identity, case when pg_catalog.bool_and(p.relrowsecurity) then 'partitions row level security enabled'
    else 'partitions row level security enabled on some' end
  from partition p group by p.identity having pg_catalog.bool_or(p.relrowsecurity)
  union
  select p.identity, case when pg_catalog.bool_and(p.relforcerowsecurity) then 'partitions row level security forced'
    else 'partitions row level security forced on some' end
  from partition p group by p.identity having pg_catalog.bool_or(p.relforcerowsecurity)
  union
  select p.identity, 'partition policy ' || pg_catalog.concat_ws(' ', pg_catalog.quote_ident(y.polname),
    case when y.polpermissive then 'permissive' else 'restrictive' end,
    'for ' || case y.polcmd when 'r' then 'SELECT' when 'a' then 'INSERT' when 'w' then 'UPDATE' when 'd' then 'DELETE' else 'ALL' end,
    'to ' || (
      select pg_catalog.string_agg(case r when 0 then 'PUBLIC' else pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(r)) end, ', '
        order by pg_catalog.pg_get_userbyid(r) collate "C")
      from pg_catalog.unnest(y.polroles) r),
    'using ' || pg_catalog.pg_get_expr(y.polqual, y.polrelid),
    'with check ' || pg_catalog.pg_get_expr(y.polwithcheck, y.polrelid))
  from partition p join pg_catalog.pg_policy y on y.polrelid = p.oid
)
select 'table', f.identity, 20000, f.fact, null, null, null from fact f
union all
select distinct 'table', p.identity, 20001, '', 'p', i.item::pg_catalog.text, pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(p.relowner))
from partition p cross join lateral pg_catalog.unnest(p.relacl) i(item)
where not (i.item = any (coalesce(p.root_acl, '{}')));
