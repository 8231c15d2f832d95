-- Purpose: operator classes; what they hold is in their family.
-- Parameters: none. Privileges: none. Lowest version: 13.
select 'operator class',
  pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(o.opcname) || ' using ' || pg_catalog.quote_ident(m.amname), 0,
  pg_catalog.concat_ws(E'\n',
    'owner ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(o.opcowner)),
    case when o.opcdefault then 'default' end,
    'for type ' || pg_catalog.format_type(o.opcintype, null),
    'family ' || pg_catalog.quote_ident(fn.nspname) || '.' || pg_catalog.quote_ident(f.opfname),
    case when o.opckeytype <> 0 then 'storage ' || pg_catalog.format_type(o.opckeytype, null) end,
    'comment ' || pg_catalog.quote_literal(d.description)),
  null, null, null
from pg_catalog.pg_opclass o
join pg_catalog.pg_namespace n on n.oid = o.opcnamespace
join pg_catalog.pg_am m on m.oid = o.opcmethod
join pg_catalog.pg_opfamily f on f.oid = o.opcfamily
join pg_catalog.pg_namespace fn on fn.oid = f.opfnamespace
left join pg_catalog.pg_description d
  on d.objoid = o.oid and d.classoid = 'pg_catalog.pg_opclass'::pg_catalog.regclass and d.objsubid = 0
where n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'rlsctl')
  and not exists (
    select from pg_catalog.pg_depend e
    where e.classid = 'pg_catalog.pg_opclass'::pg_catalog.regclass and e.objid = o.oid and e.deptype = 'e');
