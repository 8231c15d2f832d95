-- Purpose: the query of each view, and which relations it names, itself left out.
-- Parameters: none. Privileges: none. Lowest version: 13.
select 'view', pg_catalog.json_build_object(
  'relation', v.relation::pg_catalog.int8,
  'reads', coalesce(pg_catalog.json_agg(v.reads::pg_catalog.int8 order by v.reads) filter (where v.reads is not null), '[]'),
  'definition', pg_catalog.pg_get_viewdef(v.relation))
from (
  select distinct r.ev_class as relation, d.refobjid as reads
  from pg_catalog.pg_rewrite r
  join pg_catalog.pg_class c on c.oid = r.ev_class
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  left join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass and d.objid = r.oid
    and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.refobjid <> r.ev_class
  where c.relkind in ('v', 'm') and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'rlsctl')
) v
group by v.relation;
