-- Purpose: all roles, and whose member each is. The built-in ones too: a policy or a membership may name them. Only those that have members
--   are asked for them: a server may have thousands of roles.
-- Parameters: none. Privileges: none. Lowest version: 13.
with groups as (
  -- The owner of the database is a member of pg_database_owner, from 14 on, without being written down as one.
  select a.oid, a.rolname from pg_catalog.pg_roles a
  where a.rolname = 'pg_database_owner' or a.oid in (select m.roleid from pg_catalog.pg_auth_members m)
), members as (
  select m.member as oid from pg_catalog.pg_auth_members m
  union
  select d.datdba from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()
)
select 'role', pg_catalog.json_build_object(
  'name', r.rolname,
  'is_superuser', r.rolsuper,
  'bypasses_row_security', r.rolbypassrls,
  'can_login', r.rolcanlogin,
  'inherits', r.rolinherit,
  'creates_roles', r.rolcreaterole,
  'replicates', r.rolreplication,
  'member_of', coalesce((
    select pg_catalog.json_agg(g.rolname order by g.rolname)
    from pg_catalog.pg_auth_members m join pg_catalog.pg_roles g on g.oid = m.roleid where m.member = r.oid), '[]'),
  'sets', coalesce((
    select pg_catalog.json_agg(g.rolname order by g.rolname)
    from groups g
    where g.oid <> r.oid and not r.rolsuper and r.oid in (select m.oid from members m)
      -- Before 16 every member may.
      and pg_catalog.pg_has_role(r.oid, g.oid, case when pg_catalog.current_setting('server_version_num')::integer >= 160000 then 'set' else 'member' end)), '[]'),
  'acts_as', coalesce((
    select pg_catalog.json_agg(g.rolname order by g.rolname)
    from groups g
    where g.oid <> r.oid and not r.rolsuper and r.oid in (select m.oid from members m) and pg_catalog.pg_has_role(r.oid, g.oid, 'usage')), '[]'))
from pg_catalog.pg_roles r
order by r.rolname;
