-- Purpose: sequences, but for those of identity columns, which are part of their column. How far one has counted is data.
-- Parameters: none. Privileges: none. Lowest version: 13.
select 'sequence', pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname), 0,
  pg_catalog.concat_ws(E'\n',
    'owner ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(c.relowner)),
    'type ' || pg_catalog.format_type(s.seqtypid, null),
    'start ' || s.seqstart,
    'increment ' || s.seqincrement,
    'minimum ' || s.seqmin,
    'maximum ' || s.seqmax,
    'cache ' || s.seqcache,
    case when s.seqcycle then 'cycle' end,
    case when c.relpersistence = 'u' then 'unlogged' end,
    'owned by column ' || o.owned_by,
    'comment ' || pg_catalog.quote_literal(d.description)),
  's', pg_catalog.array_to_string(c.relacl, E'\x1f'),
  pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(c.relowner))
from pg_catalog.pg_sequence s
join pg_catalog.pg_class c on c.oid = s.seqrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
left join pg_catalog.pg_description d
  on d.objoid >= 16384 and d.objoid = c.oid and d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objsubid = 0
left join (
  select i.objid,
    pg_catalog.quote_ident(tn.nspname) || '.' || pg_catalog.quote_ident(t.relname) || '.' || pg_catalog.quote_ident(a.attname) as owned_by
  from pg_catalog.pg_depend i
  join pg_catalog.pg_class t on t.oid = i.refobjid
  join pg_catalog.pg_namespace tn on tn.oid = t.relnamespace
  join pg_catalog.pg_attribute a on a.attrelid = i.refobjid and a.attnum = i.refobjsubid
  where i.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and i.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
    and i.refobjsubid > 0 and i.deptype = 'a'
) o on o.objid = s.seqrelid
where s.seqrelid not in (
    select i.objid from pg_catalog.pg_depend i
    where i.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and i.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
      and i.refobjsubid > 0 and i.deptype = 'i')
  and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'rlsctl')
  and c.oid not in (
    select e.objid from pg_catalog.pg_depend e
    where e.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass and e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and e.deptype = 'e');
