-- Purpose: the steps of migrations that are not yet in the ledger.
-- Parameters: none. Privileges: USAGE on schema rlsctl, SELECT on its tables. Lowest version: 13.
select s.version, s.number, s.object, s.checksum, s.finished_at is not null as finished
from rlsctl.step s
where not exists (select from rlsctl.ledger l where l.version = s.version)
order by s.version, s.number;
