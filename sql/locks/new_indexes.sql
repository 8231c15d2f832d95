-- Purpose: the indexes of a table that were not there when a step was claimed.
-- Parameters: $1 the table as it is written, $2 the index's name or null, $3 the oids that were there, comma separated.
-- Privileges: none. Lowest version: 13.
select pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) as name,
  i.indisvalid and i.indisready and i.indislive as valid
from pg_catalog.pg_index i
join pg_catalog.pg_class c on c.oid = i.indexrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where i.indrelid = pg_catalog.to_regclass($1)
  and ($2 is null or c.relname = $2)
  and i.indexrelid <> all (('{' || $3 || '}')::oid[])
order by c.relname;
