-- Purpose: rules, but for the one that makes a view a view.
-- Parameters: none. Privileges: none. Lowest version: 13.
select 'rule',
  pg_catalog.quote_ident(r.rulename) || ' on ' || pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname), 0,
  pg_catalog.concat_ws(E'\n',
    pg_catalog.pg_get_ruledef(r.oid),
    case r.ev_enabled when 'O' then 'enabled' when 'D' then 'disabled' when 'R' then 'enabled on replicas' else 'enabled always' end,
    'comment ' || pg_catalog.quote_literal(d.description)),
  null, null, null
from pg_catalog.pg_rewrite r
join pg_catalog.pg_class c on c.oid = r.ev_class
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
left join pg_catalog.pg_description d
  on d.objoid >= 16384 and d.objoid = r.oid and d.classoid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass and d.objsubid = 0
where r.rulename <> '_RETURN' and not c.relispartition
  and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'rlsctl')
  and c.oid not in (
    select e.objid from pg_catalog.pg_depend e
    where e.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass and e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and e.deptype = 'e');
