-- Purpose: constraints of tables, with the index that belongs to them; NOT NULL is a fact of the column. What a partition has from its
--   parent is the parent's.
-- Parameters: none. Privileges: none. Lowest version: 13.
select 'constraint',
  pg_catalog.quote_ident(k.conname) || ' on ' || pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname), 0,
  pg_catalog.concat_ws(E'\n',
    pg_catalog.pg_get_constraintdef(k.oid),
    case when not k.conislocal then 'inherited' end,
    case when not i.indisvalid then 'index not valid' end,
    case when not i.indisready then 'index not ready' end,
    case when i.indisclustered then 'clustered' end,
    case when i.indisreplident then 'replica identity' end,
    'tablespace ' || pg_catalog.quote_ident(s.spcname),
    case when ic.reloptions is not null then (
      select pg_catalog.string_agg('option ' || o, E'\n' order by o collate "C") from pg_catalog.unnest(ic.reloptions) o) end,
    g.states,
    'comment ' || pg_catalog.quote_literal(d.description),
    'index comment ' || pg_catalog.quote_literal(di.description)),
  null, null, null
from pg_catalog.pg_constraint k
join pg_catalog.pg_class c on c.oid = k.conrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
left join pg_catalog.pg_index i on i.indexrelid = k.conindid and k.contype in ('p', 'u', 'x')
left join pg_catalog.pg_class ic on ic.oid = i.indexrelid
left join pg_catalog.pg_tablespace s on s.oid = ic.reltablespace
left join pg_catalog.pg_description d
  on d.objoid >= 16384 and d.objoid = k.oid and d.classoid = 'pg_catalog.pg_constraint'::pg_catalog.regclass and d.objsubid = 0
left join pg_catalog.pg_description di
  on di.objoid >= 16384 and di.objoid = ic.oid and di.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass and di.objsubid = 0
left join (
  select t.tgconstraint, pg_catalog.string_agg(distinct case t.tgenabled
    when 'D' then 'triggers disabled' when 'R' then 'triggers on replicas' else 'triggers always' end, E'\n') as states
  from pg_catalog.pg_trigger t
  where t.tgisinternal and t.tgconstraint <> 0 and t.tgenabled <> 'O'
  group by t.tgconstraint
) g on g.tgconstraint = k.oid
where k.contype in ('p', 'u', 'f', 'c', 'x') and k.conparentid = 0 and not c.relispartition
  and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'rlsctl')
  and c.oid not in (
    select e.objid from pg_catalog.pg_depend e
    where e.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass and e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and e.deptype = 'e')
  and k.oid not in (
    select e.objid from pg_catalog.pg_depend e
    where e.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass and e.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass and e.deptype = 'e');
