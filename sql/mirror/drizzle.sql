-- Purpose: the row that Drizzle writes.
-- Parameters: $1 table, $2 hash, $3 the journal's time. Privileges: INSERT on it, USAGE on its sequence. Lowest version: 13.
insert into $1 (hash, created_at) values ($2, $3);
