-- Purpose: indexes that belong to no constraint. Those of partitions are left out.
-- Parameters: none. Privileges: none. Lowest version: 13.
select 'index', pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname), 0,
  pg_catalog.concat_ws(E'\n',
    pg_catalog.pg_get_indexdef(i.indexrelid),
    case when i.indisvalid then 'valid' else 'not valid' end,
    case when not i.indisready then 'not ready' end,
    case when not i.indislive then 'not live' end,
    case when i.indisclustered then 'clustered' end,
    case when i.indisreplident then 'replica identity' end,
    'tablespace ' || pg_catalog.quote_ident(s.spcname),
    a.targets,
    'comment ' || pg_catalog.quote_literal(d.description)),
  null, null, null
from pg_catalog.pg_index i
join pg_catalog.pg_class c on c.oid = i.indexrelid
join pg_catalog.pg_class t on t.oid = i.indrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
left join pg_catalog.pg_tablespace s on s.oid = c.reltablespace
left join pg_catalog.pg_description d
  on d.objoid >= 16384 and d.objoid = c.oid and d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objsubid = 0
left join (
  select b.attrelid, pg_catalog.string_agg('column ' || b.attnum || ' statistics ' || b.attstattarget, E'\n' order by b.attnum) as targets
  from pg_catalog.pg_attribute b
  where b.attstattarget >= 0 and b.attnum > 0
  group by b.attrelid
) a on a.attrelid = c.oid
where not c.relispartition and not t.relispartition
  and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'rlsctl')
  and not exists (
    select from pg_catalog.pg_constraint k
    where k.conindid = i.indexrelid and k.conrelid = i.indrelid and k.contype in ('p', 'u', 'x'))
  and t.oid not in (
    select e.objid from pg_catalog.pg_depend e
    where e.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass and e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and e.deptype = 'e');
