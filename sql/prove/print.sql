-- Purpose: how many rows of a table are a tenant's, and a sum over what they are and where they are: any write to one of them changes it.
--   {tag} is a constant, {table} a table, {whose} an expression over its row, {tenant} a constant; filled by src/prove/sample.rs.
-- Parameters: none. Privileges: SELECT on the table, beyond row security. Lowest version: 13.
select {tag}, pg_catalog.count(*), coalesce(pg_catalog.sum(pg_catalog.hashtextextended((rlsctl_row.tableoid, rlsctl_row.ctid, rlsctl_row)::pg_catalog.text, 0)), 0)
from {table} rlsctl_row where {whose} = {tenant};
