-- Purpose: the indexes of one table, as an expression for step_claim.sql.
-- Parameters: $1 the table as it is written in the statement. Privileges: none. Lowest version: 13.
(select coalesce(pg_catalog.array_agg(i.indexrelid order by i.indexrelid), '{}')
  from pg_catalog.pg_index i where i.indrelid = pg_catalog.to_regclass($1))
