-- Purpose: who reads, and from where; one row.
-- Parameters: none. Privileges: none. Lowest version: 13.
select 'server', pg_catalog.json_build_object(
  'version', pg_catalog.current_setting('server_version_num')::integer,
  'role', current_user,
  'database', pg_catalog.current_database());
