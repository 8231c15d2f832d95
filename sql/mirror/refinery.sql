-- Purpose: the row that refinery writes; its time is a text as in RFC 3339.
-- Parameters: $1 table, $2 version, $3 name, $4 checksum. Privileges: INSERT on it. Lowest version: 13.
insert into $1 (version, name, applied_on, checksum)
values ($2, $3,
  pg_catalog.to_char(pg_catalog.timezone('UTC', pg_catalog.clock_timestamp()), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), $4);
