-- Purpose: the databases of this server that the role may connect to.
-- Parameters: none. Privileges: none. Lowest version: 13.
select d.datname
from pg_catalog.pg_database d
where d.datallowconn and not d.datistemplate and pg_catalog.has_database_privilege(d.oid, 'CONNECT')
order by d.datname;
