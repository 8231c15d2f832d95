-- Purpose: what another runner applied under a version.
-- Parameters: $1 version. Privileges: USAGE on schema rlsctl, SELECT on rlsctl.ledger. Lowest version: 13.
select l.checksum from rlsctl.ledger l where l.version = $1;
