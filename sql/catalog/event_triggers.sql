-- Purpose: event triggers.
-- Parameters: none. Privileges: none. Lowest version: 13.
select 'event trigger', pg_catalog.quote_ident(t.evtname), 0,
  pg_catalog.concat_ws(E'\n',
    'owner ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(t.evtowner)),
    'on ' || t.evtevent,
    (select pg_catalog.string_agg('tag ' || g, E'\n' order by g collate "C") from pg_catalog.unnest(t.evttags) g),
    'execute function ' || t.evtfoid::pg_catalog.regprocedure,
    case t.evtenabled when 'O' then 'enabled' when 'D' then 'disabled' when 'R' then 'enabled on replicas' else 'enabled always' end,
    'comment ' || pg_catalog.quote_literal(d.description)),
  null, null, null
from pg_catalog.pg_event_trigger t
left join pg_catalog.pg_description d
  on d.objoid = t.oid and d.classoid = 'pg_catalog.pg_event_trigger'::pg_catalog.regclass and d.objsubid = 0
where not exists (
    select from pg_catalog.pg_depend e
    where e.classid = 'pg_catalog.pg_event_trigger'::pg_catalog.regclass and e.objid = t.oid and e.deptype = 'e');
