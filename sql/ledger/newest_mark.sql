-- Purpose: the newest mark of the catalog.
-- Parameters: none. Privileges: USAGE on schema rlsctl, SELECT on rlsctl.schema_mark. Lowest version: 13.
select m.head, m.fingerprint, m.objects, m.definitions, m.taken_at, m.format
from rlsctl.schema_mark m
order by m.id desc
limit 1;
