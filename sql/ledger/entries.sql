-- Purpose: the ledger's rows without their text, in version order.
-- Parameters: none. Privileges: USAGE on schema rlsctl, SELECT on rlsctl.ledger. Lowest version: 13.
select l.version, l.name, l.checksum, l.token_checksum, l.origin, l.applied_at, l.applied_by, l.transactional, l.git_commit
from rlsctl.ledger l
order by l.sort_key;
