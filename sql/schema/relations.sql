-- Purpose: tables, partitions, foreign tables, views and materialized views, with whose they are and what may be done to them. Sizes
--   are those of the heap; rows are what the last ANALYZE found, -1 for never.
-- Parameters: none. Privileges: none. Lowest version: 13.
select 'relation', pg_catalog.json_build_object(
  'oid', c.oid::pg_catalog.int8,
  'schema', n.nspname,
  'name', c.relname,
  'kind', c.relkind,
  'owner', pg_catalog.pg_get_userbyid(c.relowner),
  'row_security', c.relrowsecurity,
  'force_row_security', c.relforcerowsecurity,
  'rows', c.reltuples::pg_catalog.int8,
  'bytes', case when c.relkind in ('r', 'm') then pg_catalog.pg_relation_size(c.oid) else 0 end,
  'is_partition', c.relispartition,
  'parents', coalesce((
    select pg_catalog.json_agg(i.inhparent::pg_catalog.int8 order by i.inhseqno) from pg_catalog.pg_inherits i where i.inhrelid = c.oid), '[]'),
  'has_rules', exists (select from pg_catalog.pg_rewrite w where w.ev_class = c.oid and w.ev_type <> '1'),
  'options', coalesce(c.reloptions, '{}'),
  'comment', pg_catalog.obj_description(c.oid, 'pg_class'),
  'grants', coalesce((
    select pg_catalog.json_agg(pg_catalog.json_build_object('grantee', case when x.grantee <> 0 then pg_catalog.pg_get_userbyid(x.grantee) else '' end, 'privilege', x.privilege_type, 'is_grantable', x.is_grantable))
    from pg_catalog.aclexplode(coalesce(c.relacl, pg_catalog.acldefault('r', c.relowner))) x), '[]'))
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'f', 'v', 'm')
  and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'rlsctl')
  and not exists (
    select from pg_catalog.pg_depend e
    where e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and e.objid = c.oid and e.deptype = 'e'
      and e.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass);
