-- Purpose: the names of the server's roles, so that grants and owners can be made again on a throwaway server.
-- Parameters: none. Privileges: none. Lowest version: 13.
select r.rolname from pg_catalog.pg_roles r where r.rolname !~ '^pg_' order by r.rolname;
