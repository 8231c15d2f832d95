-- Purpose: a user of one tenant who is none of the other's.
--   {memberships} is a table, {user} and {tenant} its columns, {one} and {other} constants; filled by src/prove/tenants.rs.
-- Parameters: none. Privileges: SELECT on the table, beyond row security. Lowest version: 13.
select m.{user}::pg_catalog.text from {memberships} m
where m.{tenant} = {one} and m.{user} is not null
  and not exists (select from {memberships} o where o.{user} = m.{user} and o.{tenant} = {other})
limit 1;
