-- Purpose: what a value of each column may look like: the type at the bottom of a domain, its category, its labels if it is an enum.
--   {relations} is a list of constants; filled by src/prove/seed.rs.
-- Parameters: none. Privileges: none. Lowest version: 13.
with recursive base as (
  select a.attrelid, a.attname, a.atttypid as oid, t.typtype, t.typbasetype
  from pg_catalog.pg_attribute a join pg_catalog.pg_type t on t.oid = a.atttypid
  where a.attrelid in ({relations}) and a.attnum > 0 and not a.attisdropped
  union all
  select b.attrelid, b.attname, t.oid, t.typtype, t.typbasetype
  from base b join pg_catalog.pg_type t on t.oid = b.typbasetype
  where b.typtype = 'd')
select b.attrelid, b.attname, t.typname, t.typcategory, (
  select pg_catalog.string_agg(e.enumlabel, E'\n' order by e.enumsortorder) from pg_catalog.pg_enum e where e.enumtypid = t.oid)
from base b join pg_catalog.pg_type t on t.oid = b.oid
where b.typtype <> 'd';
