-- Purpose: fails with 22012, division by zero, where another tool's ledger is there: behind it, in the same message, ours is made.
-- Parameters: $1 the query of sql/adopt/find.sql. Privileges: CONNECT. Lowest version: 13.
select 1 / (case when exists (select from ($1) as f where f.certain) then 0 else 1 end) as no_other;
