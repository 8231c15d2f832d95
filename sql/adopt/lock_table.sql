-- Purpose: keeps the other tool from adding rows to its ledger until we are through. It comes before the first snapshot of the
--   transaction, so that what is read is all that was committed before.
-- Parameters: $1 the table. Privileges: UPDATE, DELETE, TRUNCATE or MAINTAIN on it; SELECT is not enough. Lowest version: 13.
lock table $1 in share mode;
