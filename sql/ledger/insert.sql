-- Purpose: the row of a migration. It comes before the migration's own statements, in the same transaction: nothing the
--   file sets can reach it, and a second runner that had the same idea fails on the primary key before it runs anything.
-- Parameters: $1 version, $2 sort key, $3 name, $4 checksum, $5 token checksum, $6 sql, $7 transactional, $8 tool version, $9 git commit,
--   $10 origin.
-- Privileges: USAGE on schema rlsctl, INSERT on rlsctl.ledger. Lowest version: 13.
insert into rlsctl.ledger (version, sort_key, name, checksum, token_checksum, sql, origin, transactional, tool_version, git_commit)
values ($1, $2, $3, $4, $5, $6, $10, $7, $8, $9);
