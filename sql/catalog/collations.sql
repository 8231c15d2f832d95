-- Purpose: collations. The version of the library is the machine's, not the schema's.
-- Parameters: none. Privileges: none. Lowest version: 13.
select 'collation', pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.collname), 0,
  pg_catalog.concat_ws(E'\n',
    'owner ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(c.collowner)),
    'provider ' || case c.collprovider when 'i' then 'icu' when 'c' then 'libc' when 'b' then 'builtin' else 'default' end,
    'locale ' || coalesce(
      pg_catalog.to_jsonb(c) ->> 'colllocale', pg_catalog.to_jsonb(c) ->> 'colliculocale', c.collcollate),
    case when c.collprovider = 'c' and c.collctype <> c.collcollate then 'character types ' || c.collctype end,
    'rules ' || (pg_catalog.to_jsonb(c) ->> 'collicurules'),
    case when not c.collisdeterministic then 'not deterministic' end,
    'comment ' || pg_catalog.quote_literal(d.description)),
  null, null, null
from pg_catalog.pg_collation c
join pg_catalog.pg_namespace n on n.oid = c.collnamespace
left join pg_catalog.pg_description d
  on d.objoid = c.oid and d.classoid = 'pg_catalog.pg_collation'::pg_catalog.regclass and d.objsubid = 0
where n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'rlsctl')
  and not exists (
    select from pg_catalog.pg_depend e
    where e.classid = 'pg_catalog.pg_collation'::pg_catalog.regclass and e.objid = c.oid and e.deptype = 'e');
