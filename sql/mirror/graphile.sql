-- Purpose: the row that graphile-migrate writes.
-- Parameters: $1 table, $2 hash, $3 hash of the one before, $4 file name. Privileges: INSERT on it. Lowest version: 13.
insert into $1 (hash, previous_hash, filename) values ($2, $3, $4);
