-- Purpose: an index, if one of that name is there, and whether it is valid; a partitioned one counts as it is. What is no index counts as valid.
-- Parameters: $1 the name as it is written. Privileges: none. Lowest version: 13.
select pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) as name, coalesce(i.indisvalid and i.indislive, true) as valid
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
left join pg_catalog.pg_index i on i.indexrelid = c.oid
where c.oid = pg_catalog.to_regclass($1);
