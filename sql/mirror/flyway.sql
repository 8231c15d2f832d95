-- Purpose: the row that Flyway writes.
-- Parameters: $1 table, $2 version, $3 description, $4 script, $5 checksum. Privileges: SELECT, INSERT on it. Lowest version: 13.
insert into $1 (installed_rank, version, description, type, script, checksum, installed_by, execution_time, success)
select coalesce(pg_catalog.max(f.installed_rank), 0) + 1, $2, $3, 'SQL', $4, $5, session_user, 0, true
from $1 f;
