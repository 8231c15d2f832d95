-- Purpose: types, domains and enums; the attributes of composite types are in columns.sql.
-- Parameters: none. Privileges: none. Lowest version: 13.
select case t.typtype when 'd' then 'domain' when 'e' then 'enum' else 'type' end,
  pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(t.typname), 0,
  pg_catalog.concat_ws(E'\n',
    'owner ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(t.typowner)),
    case t.typtype when 'c' then 'composite' when 'r' then 'range' when 'b' then 'base' when 'p' then 'shell' end,
    case when t.typtype = 'd' then pg_catalog.concat_ws(' ', 'type ' || pg_catalog.format_type(t.typbasetype, t.typtypmod),
      case when t.typcollation <> b.typcollation then (
        select 'collate ' || pg_catalog.quote_ident(ln.nspname) || '.' || pg_catalog.quote_ident(l.collname)
        from pg_catalog.pg_collation l join pg_catalog.pg_namespace ln on ln.oid = l.collnamespace
        where l.oid = t.typcollation) end,
      case when t.typnotnull then 'not null' end,
      'default ' || pg_catalog.pg_get_expr(t.typdefaultbin, 0)) end,
    case when t.typtype = 'b' then pg_catalog.concat_ws(E'\n', 'input ' || t.typinput::pg_catalog.regprocedure,
      'output ' || t.typoutput::pg_catalog.regprocedure, 'length ' || t.typlen, 'alignment ' || t.typalign::pg_catalog.text, 'storage ' || t.typstorage::pg_catalog.text,
      'category ' || t.typcategory::pg_catalog.text, case when t.typbyval then 'passed by value' end, 'default ' || t.typdefault) end,
    r.facts, v.labels, k.checks,
    'comment ' || pg_catalog.quote_literal(d.description)),
  'T', pg_catalog.array_to_string(coalesce(t.typacl, pg_catalog.acldefault('T', t.typowner)), E'\x1f'),
  pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(t.typowner))
from pg_catalog.pg_type t
join pg_catalog.pg_namespace n on n.oid = t.typnamespace
left join pg_catalog.pg_class c on c.oid = t.typrelid
left join pg_catalog.pg_type b on b.oid = t.typbasetype
left join pg_catalog.pg_description d
  on d.objoid >= 16384 and d.objoid = t.oid and d.classoid = 'pg_catalog.pg_type'::pg_catalog.regclass and d.objsubid = 0
left join (
  select e.enumtypid, pg_catalog.string_agg('value ' || pg_catalog.quote_literal(e.enumlabel), E'\n' order by e.enumsortorder) as labels
  from pg_catalog.pg_enum e
  group by e.enumtypid
) v on v.enumtypid = t.oid
left join (
  select q.contypid, pg_catalog.string_agg(
    'constraint ' || pg_catalog.quote_ident(q.conname) || ' ' || pg_catalog.pg_get_constraintdef(q.oid), E'\n'
    order by q.conname collate "C") as checks
  from pg_catalog.pg_constraint q
  where q.contypid <> 0 and q.contype = 'c'
  group by q.contypid
) k on k.contypid = t.oid
left join (
  select g.rngtypid, pg_catalog.concat_ws(E'\n',
    'subtype ' || pg_catalog.format_type(g.rngsubtype, null),
    'operator class ' || pg_catalog.quote_ident(pn.nspname) || '.' || pg_catalog.quote_ident(p.opcname),
    case when g.rngcollation <> s.typcollation then
      'collation ' || pg_catalog.quote_ident(ln.nspname) || '.' || pg_catalog.quote_ident(l.collname) end,
    case when g.rngcanonical::pg_catalog.oid <> 0 then 'canonical ' || g.rngcanonical::pg_catalog.regprocedure end,
    case when g.rngsubdiff::pg_catalog.oid <> 0 then 'subtype difference ' || g.rngsubdiff::pg_catalog.regprocedure end) as facts
  from pg_catalog.pg_range g
  join pg_catalog.pg_type s on s.oid = g.rngsubtype
  join pg_catalog.pg_opclass p on p.oid = g.rngsubopc
  join pg_catalog.pg_namespace pn on pn.oid = p.opcnamespace
  left join pg_catalog.pg_collation l on l.oid = g.rngcollation
  left join pg_catalog.pg_namespace ln on ln.oid = l.collnamespace
) r on r.rngtypid = t.oid
where t.typtype in ('b', 'c', 'd', 'e', 'p', 'r') and (t.typrelid = 0 or c.relkind = 'c')
  and not exists (select from pg_catalog.pg_type a where a.typarray = t.oid)
  and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'rlsctl')
  and t.oid not in (
    select e.objid from pg_catalog.pg_depend e
    where e.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass and e.classid = 'pg_catalog.pg_type'::pg_catalog.regclass and e.deptype = 'e');
