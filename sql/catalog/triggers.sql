-- Purpose: triggers, but for those that Postgres made itself and the copies that partitions have.
-- Parameters: none. Privileges: none. Lowest version: 13.
select 'trigger',
  pg_catalog.quote_ident(t.tgname) || ' on ' || pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname), 0,
  pg_catalog.concat_ws(E'\n',
    pg_catalog.pg_get_triggerdef(t.oid),
    case t.tgenabled when 'O' then 'enabled' when 'D' then 'disabled' when 'R' then 'enabled on replicas' else 'enabled always' end,
    'comment ' || pg_catalog.quote_literal(d.description)),
  null, null, null
from pg_catalog.pg_trigger t
join pg_catalog.pg_class c on c.oid = t.tgrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
left join pg_catalog.pg_description d
  on d.objoid >= 16384 and d.objoid = t.oid and d.classoid = 'pg_catalog.pg_trigger'::pg_catalog.regclass and d.objsubid = 0
where not t.tgisinternal and t.tgparentid = 0 and not c.relispartition
  and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'rlsctl')
  and c.oid not in (
    select e.objid from pg_catalog.pg_depend e
    where e.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass and e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and e.deptype = 'e')
  and t.oid not in (
    select e.objid from pg_catalog.pg_depend e
    where e.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass and e.classid = 'pg_catalog.pg_trigger'::pg_catalog.regclass and e.deptype = 'e');
