-- Purpose: the texts of some migrations as they were applied.
-- Parameters: $1 versions, as a JSON array. Privileges: USAGE on schema rlsctl, SELECT on rlsctl.ledger. Lowest version: 13.
select l.version, l.sql
from rlsctl.ledger l
where l.version in (select pg_catalog.jsonb_array_elements_text($1::jsonb));
