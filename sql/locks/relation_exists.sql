-- Purpose: whether a relation of that name is there.
-- Parameters: $1 the name as it is written. Privileges: none. Lowest version: 13.
select pg_catalog.to_regclass($1) is not null;
