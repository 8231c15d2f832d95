-- Purpose: whether a database, tablespace or subscription of that name is there.
-- Parameters: $1 database, tablespace or subscription; $2 its name. Privileges: none. Lowest version: 13.
select case $1
  when 'database' then exists (select from pg_catalog.pg_database d where d.datname = $2)
  when 'tablespace' then exists (select from pg_catalog.pg_tablespace t where t.spcname = $2)
  else exists (
    select from pg_catalog.pg_subscription s
    where s.subname = $2
      and s.subdbid = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()))
end;
