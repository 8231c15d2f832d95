-- Purpose: operators.
-- Parameters: none. Privileges: none. Lowest version: 13.
select 'operator',
  pg_catalog.quote_ident(n.nspname) || '.' || o.oprname || '(' || case when o.oprleft = 0 then 'NONE'
    else pg_catalog.format_type(o.oprleft, null) end || ', ' || pg_catalog.format_type(o.oprright, null) || ')', 0,
  pg_catalog.concat_ws(E'\n',
    'owner ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(o.oprowner)),
    'function ' || o.oprcode::pg_catalog.oid::pg_catalog.regprocedure,
    case when o.oprcom <> 0 then 'commutator ' || o.oprcom::pg_catalog.regoperator end,
    case when o.oprnegate <> 0 then 'negator ' || o.oprnegate::pg_catalog.regoperator end,
    case when o.oprrest::pg_catalog.oid <> 0 then 'restrict ' || o.oprrest end,
    case when o.oprjoin::pg_catalog.oid <> 0 then 'join ' || o.oprjoin end,
    case when o.oprcanhash then 'hashes' end,
    case when o.oprcanmerge then 'merges' end,
    'comment ' || pg_catalog.quote_literal(d.description)),
  null, null, null
from pg_catalog.pg_operator o
join pg_catalog.pg_namespace n on n.oid = o.oprnamespace
left join pg_catalog.pg_description d
  on d.objoid = o.oid and d.classoid = 'pg_catalog.pg_operator'::pg_catalog.regclass and d.objsubid = 0
where n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'rlsctl')
  and not exists (
    select from pg_catalog.pg_depend e
    where e.classid = 'pg_catalog.pg_operator'::pg_catalog.regclass and e.objid = o.oid and e.deptype = 'e');
