-- Purpose: publications, and which tables each sends out.
-- Parameters: none. Privileges: none. Lowest version: 13.
select 'publication', pg_catalog.json_build_object(
  'name', p.pubname,
  'is_for_all', p.puballtables,
  'tables', coalesce((
    select pg_catalog.json_agg(c.oid::pg_catalog.int8 order by c.oid)
    from pg_catalog.pg_publication_tables t
    join pg_catalog.pg_namespace n on n.nspname = t.schemaname
    join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = t.tablename
    where t.pubname = p.pubname), '[]'))
from pg_catalog.pg_publication p
order by p.pubname;
