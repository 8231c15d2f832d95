-- Purpose: the row that tools write which keep nothing but the version: dbmate, Diesel.
-- Parameters: $1 table, $2 version. Privileges: INSERT on it. Lowest version: 13.
insert into $1 (version) values ($2);
