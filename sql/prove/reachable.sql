-- Purpose: which roles each of some roles can become by SET ROLE. {roles} is a list of constants, {right} is 'MEMBER', from 16 on 'SET';
--   filled by src/prove/roles.rs.
-- Parameters: none. Privileges: none. Lowest version: 13.
select a.rolname, r.rolname
from pg_catalog.pg_roles a
join pg_catalog.pg_roles r on r.oid <> a.oid and pg_catalog.pg_has_role(a.oid, r.oid, {right})
where a.rolname in ({roles}) and not a.rolsuper
order by a.rolname, r.rolname;
