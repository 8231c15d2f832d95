-- Purpose: what can be done through a view: the server's own mask, 4 for UPDATE, 8 for INSERT, 16 for DELETE, INSTEAD OF triggers counted.
--   {view} is a constant; filled by src/prove/through.rs.
-- Parameters: none. Privileges: none. Lowest version: 13.
select pg_catalog.pg_relation_is_updatable({view}::pg_catalog.oid, true);
