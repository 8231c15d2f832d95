-- Purpose: lends what this transaction sees to another session of the same database, for as long as it lasts.
-- Parameters: none. Privileges: none. Lowest version: 13.
select pg_catalog.pg_export_snapshot();
