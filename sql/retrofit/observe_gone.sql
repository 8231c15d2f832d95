-- Purpose: takes away the counters of a table, whichever roles and applications they tell apart, and their schema with the last of all.
-- Parameters: {functions} those that use them, {mark} how the comments on them begin, as a string.
-- Privileges: ownership of them and of the schema. Lowest version: 13.
do $observe$ declare
  counter pg_catalog.regclass;
begin
  drop function if exists {functions};
  for counter in
    select c.oid from pg_catalog.pg_class c
    where c.relnamespace = 'rlsctl_observe'::pg_catalog.regnamespace and c.relkind = 'm'
      and pg_catalog.starts_with(pg_catalog.obj_description(c.oid, 'pg_class'), {mark})
    order by c.relname
  loop
    execute pg_catalog.format('drop materialized view %s', counter);
  end loop;
  if not exists (
    select from pg_catalog.pg_class c where c.relnamespace = 'rlsctl_observe'::pg_catalog.regnamespace
    union all
    select from pg_catalog.pg_proc p where p.pronamespace = 'rlsctl_observe'::pg_catalog.regnamespace
  ) then
    drop schema rlsctl_observe;
  end if;
end $observe$;
