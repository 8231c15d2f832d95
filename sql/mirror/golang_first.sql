-- Purpose: the only row that golang-migrate keeps, where there is none yet.
-- Parameters: $1 table, $2 version. Privileges: SELECT, INSERT on it. Lowest version: 13.
insert into $1 (version, dirty) select $2, false where not exists (select from $1);
