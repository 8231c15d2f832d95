-- Purpose: the INVALID indexes of the database, as an expression for step_claim.sql.
-- Parameters: none. Privileges: none. Lowest version: 13.
(select coalesce(pg_catalog.array_agg(i.indexrelid order by i.indexrelid), '{}')
  from pg_catalog.pg_index i where not i.indisvalid)
