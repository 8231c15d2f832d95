-- Purpose: publications with their tables and schemas.
-- Parameters: none. Privileges: none. Lowest version: 13.
select 'publication', pg_catalog.quote_ident(p.pubname), 0,
  pg_catalog.concat_ws(E'\n',
    'owner ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(p.pubowner)),
    'publish ' || pg_catalog.concat_ws(', ', case when p.pubinsert then 'insert' end, case when p.pubupdate then 'update' end,
      case when p.pubdelete then 'delete' end, case when p.pubtruncate then 'truncate' end),
    case when p.pubviaroot then 'via partition root' end,
    case p.pubgencols when 's' then 'stored generated columns' end, -- from 18
    case when p.puballtables then 'all tables' end,
    (select pg_catalog.string_agg('schema ' || pg_catalog.quote_ident(n.nspname), E'\n' order by n.nspname collate "C") -- from 15
      from pg_catalog.pg_publication_namespace s join pg_catalog.pg_namespace n on n.oid = s.pnnspid where s.pnpubid = p.oid), -- from 15
    (select pg_catalog.string_agg(pg_catalog.concat_ws(' ',
          'table ' || pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname),
          (select '(' || pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' order by a.attnum) || ')' -- from 15
            from pg_catalog.pg_attribute a where a.attrelid = r.prrelid and a.attnum = any (r.prattrs)), -- from 15
          'where ' || pg_catalog.pg_get_expr(r.prqual, r.prrelid), -- from 15
          null), E'\n'
        order by n.nspname collate "C", c.relname collate "C")
      from pg_catalog.pg_publication_rel r
      join pg_catalog.pg_class c on c.oid = r.prrelid
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where r.prpubid = p.oid),
    'comment ' || pg_catalog.quote_literal(d.description)),
  null, null, null
from pg_catalog.pg_publication p
left join pg_catalog.pg_description d
  on d.objoid = p.oid and d.classoid = 'pg_catalog.pg_publication'::pg_catalog.regclass and d.objsubid = 0;
