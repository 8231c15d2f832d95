-- Purpose: the extensions that can be made on this server.
-- Parameters: none. Privileges: none. Lowest version: 13.
select e.name from pg_catalog.pg_available_extensions e order by e.name;
