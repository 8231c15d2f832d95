-- Purpose: how long each migration of a run took, written once at its end: it is allowed to be lost.
-- Parameters: $1 versions and milliseconds, as a JSON object. Privileges: USAGE on schema rlsctl, UPDATE on rlsctl.ledger. Lowest version: 13.
update rlsctl.ledger l
set duration = pg_catalog.make_interval(secs => t.value::double precision / 1000)
from pg_catalog.jsonb_each_text($1::jsonb) as t(key, value)
where l.version = t.key;
