-- Purpose: the tables that may be the other tool's ledger, by name: their columns, what of them has to be filled in, and what we lack to
--   write them. Ledgers that Supabase's own services keep for themselves are left out.
-- Parameters: $1 table name, $2 schema or null for any. Privileges: none. Lowest version: 13.
select n.nspname, c.relname,
  pg_catalog.json_object_agg(a.attname, pg_catalog.format_type(a.atttypid, null)) as columns,
  coalesce(pg_catalog.json_agg(a.attname) filter (
    where a.attnotnull and a.attidentity = '' and a.attgenerated = '' and not a.atthasdef), '[]') as needed,
  pg_catalog.has_schema_privilege(n.oid, 'USAGE') as may_use,
  pg_catalog.has_table_privilege(c.oid, 'SELECT') as may_select,
  pg_catalog.has_table_privilege(c.oid, 'INSERT') as may_insert,
  pg_catalog.has_table_privilege(c.oid, 'UPDATE') as may_update,
  coalesce((
    select pg_catalog.json_agg(pg_catalog.format('%I.%I', sn.nspname, s.relname))
    from pg_catalog.pg_depend d
    join pg_catalog.pg_class s on s.oid = d.objid
    join pg_catalog.pg_namespace sn on sn.oid = s.relnamespace
    where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.refobjid = c.oid and d.deptype = 'a'
      and case when s.relkind = 'S' then not pg_catalog.has_sequence_privilege(s.oid, 'USAGE') end), '[]') as sequences
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relname = $1 and n.nspname = coalesce($2, n.nspname) and c.relkind in ('r', 'p') and not c.relispartition
  and n.nspname not in ('auth', 'storage', 'realtime', '_realtime', 'supabase_functions', '_analytics', '_supavisor')
group by n.oid, n.nspname, c.oid, c.relname
order by n.nspname;
