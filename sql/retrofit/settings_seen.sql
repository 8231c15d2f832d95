-- Purpose: whether a session of this database was last seen to set a setting, and how many sessions' statements this role may not read.
-- Parameters: $1 a pattern for the statement. Privileges: pg_read_all_stats, for other roles' statements. Lowest version: 13.
select pg_catalog.count(*) filter (where a.query ~* $1),
  pg_catalog.count(*) filter (where a.query is null or a.query = '<insufficient privilege>')
from pg_catalog.pg_stat_activity a
where a.datname = pg_catalog.current_database() and a.backend_type = 'client backend' and a.pid <> pg_catalog.pg_backend_pid();
