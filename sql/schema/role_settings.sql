-- Purpose: settings that roles and this database bring into each session.
-- Parameters: none. Privileges: none. Lowest version: 13.
select 'setting', pg_catalog.json_build_object(
  'role', r.rolname,
  'setting', s.entry)
from pg_catalog.pg_db_role_setting d
cross join lateral pg_catalog.unnest(d.setconfig) s (entry)
left join pg_catalog.pg_roles r on r.oid = d.setrole
where d.setdatabase = 0 or d.setdatabase = (select b.oid from pg_catalog.pg_database b where b.datname = pg_catalog.current_database())
order by r.rolname, s.entry;
