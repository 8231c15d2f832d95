-- Purpose: raises golang-migrate's high-water mark; an older migration that is applied late leaves it where it is.
-- Parameters: $1 table, $2 version. Privileges: SELECT, UPDATE on it. Lowest version: 13.
update $1 set version = $2 where version < $2;
