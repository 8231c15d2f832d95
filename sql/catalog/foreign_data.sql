-- Purpose: foreign-data wrappers, servers and user mappings. Options may hold secrets: of the first two only a hash of each is kept,
--   of the last nothing.
-- Parameters: none. Privileges: none. Lowest version: 13.
select 'foreign data wrapper', pg_catalog.quote_ident(w.fdwname), 0,
  pg_catalog.concat_ws(E'\n',
    'owner ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(w.fdwowner)),
    case when w.fdwhandler <> 0 then 'handler ' || w.fdwhandler::pg_catalog.regprocedure end,
    case when w.fdwvalidator <> 0 then 'validator ' || w.fdwvalidator::pg_catalog.regprocedure end,
    (select pg_catalog.string_agg('option ' || o.option_name || ' sha256 ' || pg_catalog.left(pg_catalog.encode(
        pg_catalog.sha256(pg_catalog.convert_to(o.option_value, 'UTF8')), 'hex'), 12), E'\n' order by o.option_name collate "C")
      from pg_catalog.pg_options_to_table(w.fdwoptions) o),
    'comment ' || pg_catalog.quote_literal(d.description)),
  'F', pg_catalog.array_to_string(w.fdwacl, E'\x1f'), pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(w.fdwowner))
from pg_catalog.pg_foreign_data_wrapper w
left join pg_catalog.pg_description d
  on d.objoid = w.oid and d.classoid = 'pg_catalog.pg_foreign_data_wrapper'::pg_catalog.regclass and d.objsubid = 0
where not exists (
  select from pg_catalog.pg_depend e
  where e.classid = 'pg_catalog.pg_foreign_data_wrapper'::pg_catalog.regclass and e.objid = w.oid and e.deptype = 'e')
union all
select 'server', pg_catalog.quote_ident(s.srvname), 0,
  pg_catalog.concat_ws(E'\n',
    'owner ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(s.srvowner)),
    'foreign data wrapper ' || pg_catalog.quote_ident(w.fdwname),
    'type ' || pg_catalog.quote_literal(s.srvtype),
    'version ' || pg_catalog.quote_literal(s.srvversion),
    (select pg_catalog.string_agg('option ' || o.option_name || ' sha256 ' || pg_catalog.left(pg_catalog.encode(
        pg_catalog.sha256(pg_catalog.convert_to(o.option_value, 'UTF8')), 'hex'), 12), E'\n' order by o.option_name collate "C")
      from pg_catalog.pg_options_to_table(s.srvoptions) o),
    'comment ' || pg_catalog.quote_literal(d.description)),
  'S', pg_catalog.array_to_string(s.srvacl, E'\x1f'), pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(s.srvowner))
from pg_catalog.pg_foreign_server s
join pg_catalog.pg_foreign_data_wrapper w on w.oid = s.srvfdw
left join pg_catalog.pg_description d
  on d.objoid = s.oid and d.classoid = 'pg_catalog.pg_foreign_server'::pg_catalog.regclass and d.objsubid = 0
where not exists (
  select from pg_catalog.pg_depend e
  where e.classid = 'pg_catalog.pg_foreign_server'::pg_catalog.regclass and e.objid = s.oid and e.deptype = 'e')
union all
select 'user mapping', 'for ' || case m.umuser when 0 then 'PUBLIC' else pg_catalog.quote_ident(m.usename) end
  || ' on ' || pg_catalog.quote_ident(m.srvname), 0, 'options are not read', null, null, null
from pg_catalog.pg_user_mappings m;
