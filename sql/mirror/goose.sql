-- Purpose: the row that goose writes.
-- Parameters: $1 table, $2 version. Privileges: INSERT on it. Lowest version: 13.
insert into $1 (version_id, is_applied) values ($2, true);
