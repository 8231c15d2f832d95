-- Purpose: the rows of another tool's ledger, each as one JSON object: columns come and go with the tool's version.
-- Parameters: $1 the table. Privileges: USAGE on its schema, SELECT on it. Lowest version: 13.
select pg_catalog.to_jsonb(t)::text from $1 t;
