-- Purpose: a counter. Its two rows are never looked at; that they are is what the server counts. A materialized view, because no dump reads
--   its rows and no publication carries it.
-- Parameters: {counter}. Privileges: CREATE on the schema. Lowest version: 13.
create materialized view {counter} with (parallel_workers = 0) as select from pg_catalog.generate_series(1, 2);
