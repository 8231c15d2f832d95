-- Purpose: two tenants that have rows in a table: whoever comes first, and whoever comes first after that.
--   {table} is a table, {whose} an expression over its row; filled by src/prove/tenants.rs.
-- Parameters: none. Privileges: SELECT on the table, beyond row security. Lowest version: 13.
with one as materialized (
  select {whose} as tenant from {table} rlsctl_row where {whose} is not null limit 1)
select 'pair', one.tenant::pg_catalog.text, (
  select {whose}::pg_catalog.text from {table} rlsctl_row where {whose} <> (select two.tenant from one two) limit 1)
from one;
