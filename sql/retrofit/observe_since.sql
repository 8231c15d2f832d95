-- Purpose: since when a table is observed; a dump that is read back says since then.
-- Parameters: {since}. Privileges: CREATE on the schema. Lowest version: 13.
create materialized view {since} as select pg_catalog.now() as since;
