-- Purpose: the row that sqlx writes; -1 is its word for a time it does not know.
-- Parameters: $1 table, $2 version, $3 description, $4 checksum in hex. Privileges: INSERT on it. Lowest version: 13.
insert into $1 (version, description, success, checksum, execution_time)
values ($2, $3, true, pg_catalog.decode($4, 'hex'), -1);
